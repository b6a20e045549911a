"""Tokens by way of the browser where nobody has opened that, as in every deployment by itself, and where it was open before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from idp.model.clients import Client, ClientStatus
from idp.model.openings import Opened
from idp.model.registrations import FAPI2, sign_in_of
from idp.store.registrations import put_registration
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.idp.test_front_channel import BOTH, IMPLICIT, ask, came, registered_itself
from yinxin.doctor import Status, examine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idp.model.registrations import Registration

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("closed") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(BASE)
        yield found


def put(clients: Clients, registration: Registration) -> None:
    """As it would stand there from the time before it was closed."""
    clients.add(replace(BASE, client_id=registration.client_id))
    at = clients.town.desk.clock.now()
    clients.desk.database.write(lambda connection: put_registration(connection, registration, at, clients.desk.mac_key))


def test_attack_closed_nothing_of_it_is_there(closed: Clients) -> None:
    said = closed.http.get("/.well-known/openid-configuration").json()
    assert (said["response_types_supported"], said["response_modes_supported"]) == (["code"], ["query", "form_post"])
    assert "implicit" not in said["grant_types_supported"]
    assert "require_request_uri_registration" not in said
    assert registered_itself(closed, grant_types=["implicit"], response_types=[BOTH])[0] == 400
    with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
        closed.add(IMPLICIT)
    fields = came(ask(Browser(closed.town.here), "own"), "?")
    assert fields["error"] == "unsupported_response_type"


def test_attack_what_was_registered_while_it_was_open_counts_no_more(closed: Clients) -> None:
    put(closed, replace(IMPLICIT, client_id="former", is_own=True))
    browser = Browser(closed.town.here)
    browser.go("/authorize", client_id="former", redirect_uri=CALLBACK, response_type=BOTH, scope="openid", nonce="n")
    assert (browser.answer.status_code, browser.answer.headers.get("location")) == (422, None), "it has no address for codes"
    grants = ("authorization_code", "implicit")
    put(closed, replace(IMPLICIT, client_id="former-both", is_own=True, grant_types=grants, response_types=("code", BOTH)))
    assert came(ask(Browser(closed.town.here), "former-both"), "?")["error"] == "unsupported_response_type"


def test_attack_a_sign_in_begun_before_it_was_closed_gives_no_tokens(tmp_path: Path) -> None:
    """The last look is at the answer itself, whatever the stored sign-in asks for."""
    folder = make_deployment(tmp_path / "deployment", services=["idp"], **{"openid.implicit": True})
    with served_here(folder) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(replace(IMPLICIT, is_own=True))
        begun = Browser(here)
        begun.go("/authorize", client_id="front", redirect_uri=CALLBACK, response_type="id_token", scope="openid", nonce="n")
        assert begun.heading == "Sign in"
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("openid.implicit = true\n", ""), encoding="utf-8")
    with served_here(folder) as here:
        later = Browser(here)
        later.cookies = begun.cookies
        later.go(begun.path)
        later.log_in()
        assert (later.answer.status_code, later.answer.headers.get("location")) == (422, None)
        assert "AUTHORIZATION_REFUSED" in later.answer.text
        assert settle(here, Registered()).audited("token.issue") == []


def test_attack_never_for_a_client_of_the_fapi_profile() -> None:
    """Whatever stands in its row: it is asked at every request."""
    client = Client("front", "Front", ClientStatus.ACTIVE, (), (), 1, b"", None, None, AT, "test", AT, 1)
    may = sign_in_of(client, IMPLICIT, Opened(implicit=True))
    assert (may.response_types, may.redirect_uris, may.is_implicit_open) == (("id_token", BOTH), (CALLBACK,), True)
    for never in (sign_in_of(client, replace(IMPLICIT, profile=FAPI2), Opened(implicit=True)), sign_in_of(client, IMPLICIT)):
        assert (never.response_types, never.redirect_uris, never.is_implicit_open) == ((), (), False)


@pytest.mark.parametrize("name", ["implicit", "request_uri"])
def test_the_doctor_reminds_of_what_was_left_open(tmp_path: Path, name: str) -> None:
    folder = make_deployment(tmp_path / "open", **{f"openid.{name}": True})
    for language, word in (("en", "close"), ("zh", "关闭")):
        (found,) = (each for each in examine(folder, language) if each.name == "idp_front_channel")
        assert found.status is Status.WARN
        assert f"{name}=True" in found.message
        assert word in found.remedy
    assert "idp_front_channel" not in {each.name for each in examine(make_deployment(tmp_path / "closed"), "en")}
