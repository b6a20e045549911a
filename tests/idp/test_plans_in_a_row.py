"""A plan of the conformance suite, run again at once, meets no limit on wrong attempts that the run before has used up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions import authenticate_client
from tests.deployments import make_deployment, served_here
from tests.idp.fapi import FAPI, OTHER_KEY, Fapi
from tests.idp.people import Registered, settle
from tests.idp.test_code_flow import Clients
from tests.service_kit.dpop_proofs import public_jwk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUSHED: tuple[dict[str, Any], ...] = ({"aud": "list"}, {"aud": "par"}, {"aud": "token"}, {"iat": "far", "nbf": "far"})
REDEEMED: tuple[dict[str, Any], ...] = ({"exp": "past"}, {"aud": "https://other.example/"}, {"sub": ...})


@pytest.fixture
def fapi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fapi]:
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(FAPI)
        found.add(replace(FAPI, client_id="fapi2", jwks=({**public_jwk(OTHER_KEY), "kid": "k1"},)))
        monkeypatch.setattr(authenticate_client, "monotonic", lambda: 0.0)  # no time passes: nothing is given back by waiting
        yield Fapi(found)


def test_the_fapi_plan_passes_four_times_in_a_row(fapi: Fapi) -> None:
    """The wrong authentications of its modules, each where it stands: before it the module pushes its request, as the suite does."""
    at = fapi.now()
    meant = {"far": at + 62, "past": at - 300, "par": fapi.issuer + "/oauth2/par", "token": fapi.issuer + "/oauth2/token"}
    meant["list"] = [fapi.issuer, "https://other.example/"]

    def wrong(changes: dict[str, Any]) -> dict[str, str]:
        auth = fapi.assertion(**{name: meant.get(value, value) if isinstance(value, str) else value for name, value in changes.items()})
        del auth["client_id"]
        return auth

    def is_refused(answer: Any) -> bool:
        return answer.status_code in {400, 401} and answer.json()["error"] in {"invalid_client", "invalid_request"}

    for _ in range(4):
        for changes in PUSHED:
            assert is_refused(fapi.push({**wrong(changes), "client_id": "fapi"})), changes
        for changes in REDEEMED:
            assert fapi.push().status_code == 201
            assert is_refused(fapi.redeem("a code", auth=wrong(changes))), changes
        assert fapi.push().status_code == 201
        assert is_refused(fapi.redeem("a code", auth={"client_id": "fapi"}))
        as_second = replace(fapi, client_id="fapi2").assertion()  # signed with the first client's key
        assert is_refused(fapi.redeem("a code", auth=as_second))
    assert fapi.push().status_code == 201


def test_attack_whoever_is_no_client_meets_the_limit(fapi: Fapi) -> None:
    statuses = [fapi.push({**fapi.assertion(aud="https://other.example/")}).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    # A name alone proves nothing
    fapi.clients.add(
        replace(FAPI, client_id="open", token_endpoint_auth_method="none", profile="", jwks=(), dpop_bound_access_tokens=False)
    )
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "open"}
    for _ in range(10):
        assert fapi.clients.http.post("/oauth2/token", data={**form, "client_secret": "x"}).status_code == 401
    assert fapi.clients.http.post("/oauth2/token", data=form).json()["error"] == "invalid_grant"
    assert fapi.clients.http.post("/oauth2/token", data={**form, "client_secret": "x"}).status_code == 429
