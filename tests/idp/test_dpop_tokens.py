"""Tokens bound to a key (RFC 9449) at the provider's own endpoints: issued, renewed, used with a proof, refused to whoever only copied them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from service_kit.dpop import access_token_digest, check_proof
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, VERIFIER, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.service_kit.dpop_proofs import Prover

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

TOKEN, USERINFO = "/oauth2/token", "/oauth2/userinfo"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("dpop") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(BASE)
        grants = ("authorization_code", "refresh_token", "client_credentials")
        found.add(replace(BASE, client_id="bound", dpop_bound_access_tokens=True, grant_types=grants))
        found.add(replace(BASE, client_id="public", token_endpoint_auth_method="none"))
        yield found


def now() -> float:
    return datetime.now(UTC).timestamp()


class Sender:
    """A client's process with its key."""

    def __init__(self, clients: Clients, client: str) -> None:
        self.clients, self.client, self.prover = clients, client, Prover()
        self.base = clients.town.desk.issuer

    @property
    def jkt(self) -> str:
        return check_proof(self.prover.proof("GET", self.base, now()), method="GET", url=self.base, at=datetime.now(UTC)).jkt

    def token_proof(self, **changes: Any) -> str:
        return self.prover.proof("POST", self.base + TOKEN, now(), **changes)

    def token(self, proof: str | None, /, **form: str) -> httpx.Response:
        headers = {} if proof is None else {"dpop": proof}
        secret = self.clients.secrets[self.client]
        if self.client == "public":
            return self.clients.http.post(TOKEN, data={**form, "client_id": "public"}, headers=headers)
        return self.clients.http.post(TOKEN, data=form, auth=(self.client, secret), headers=headers)

    def code(self, **query: str) -> dict[str, str]:
        browser = Browser(self.clients.town.here)
        browser.authorize(self.client, **query)
        browser.log_in()
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return {**form, "code": browser.returned["code"]}

    def userinfo(self, token: str, proof: str | None = None, scheme: str = "DPoP") -> httpx.Response:
        headers = {"authorization": f"{scheme} {token}"} | ({} if proof is None else {"dpop": proof})
        return self.clients.http.get(USERINFO, headers=headers)

    def use_proof(self, token: str, **changes: Any) -> str:
        return self.prover.proof("GET", self.base + USERINFO, now(), **{"ath": access_token_digest(token), **changes})


@pytest.mark.clause("RFC 9449 5", "RFC 9449 6.1", "RFC 9449 7.1", "RFC 9449 7.2")
def test_a_token_bound_to_a_key_is_good_for_its_holder_alone(clients: Clients) -> None:
    sender = Sender(clients, "own")
    answer = sender.token(sender.token_proof(), **sender.code())
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert tokens["token_type"] == "DPoP"
    token = tokens["access_token"]
    assert clients.read(token, clients.town.desk.issuer)["cnf"] == {"jkt": sender.jkt}
    proof = sender.use_proof(token)
    assert sender.userinfo(token, proof).json()["name"] == "测试甲"
    thief = Sender(clients, "own")
    for stolen in (
        sender.userinfo(token, scheme="Bearer"),
        sender.userinfo(token, proof, scheme="Bearer"),
        sender.userinfo(token),
        sender.userinfo(token, proof),  # replayed
        thief.userinfo(token, thief.use_proof(token)),
        sender.userinfo(token, sender.use_proof(token, htm="POST")),
        sender.userinfo(token, sender.use_proof(token, ath="x")),
        sender.userinfo(token, sender.use_proof(token, ath=...)),
    ):
        assert stolen.status_code == 401
        assert stolen.json()["code"] in {"TOKEN_INVALID", "DPOP_PROOF_INVALID"}
        assert "error=" in stolen.headers["www-authenticate"]
    # a bearer token gains nothing from a proof
    plain = clients.sign_in()["access_token"]
    assert sender.userinfo(plain, sender.use_proof(plain)).json()["code"] == "TOKEN_INVALID"
    twice = [("authorization", f"DPoP {token}"), ("dpop", sender.use_proof(token)), ("dpop", sender.use_proof(token))]
    assert clients.http.get(USERINFO, headers=twice).json()["error"] == "invalid_dpop_proof"


@pytest.mark.clause("RFC 9449 5", "RFC 9449 11.1")
def test_attack_proofs_at_the_token_endpoint(clients: Clients) -> None:
    sender = Sender(clients, "own")
    form = sender.code()
    good = sender.token_proof()
    for proof in ("", "x", good + "A", sender.token_proof(htu=sender.base + USERINFO), sender.token_proof(iat=int(now()) - 3600)):
        assert refused(sender.token(proof, **form)) == (400, "invalid_dpop_proof", "DPOP_PROOF_INVALID")
    twice = [("dpop", sender.token_proof()), ("dpop", sender.token_proof())]
    answer = clients.http.post(TOKEN, data=form, auth=("own", clients.secrets["own"]), headers=twice)
    assert refused(answer)[1] == "invalid_dpop_proof"
    assert sender.token(good, **form).status_code == 200, "what was refused has not spent the code"
    assert refused(sender.token(good, **sender.code()))[1] == "invalid_dpop_proof", "a proof counts once"
    # sixteen requests with one proof: one of them
    form = sender.code()
    proof = sender.token_proof()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: sender.token(proof, **form).status_code, range(16)))
    assert sorted(statuses) == [200] + [400] * 15


@pytest.mark.clause("RFC 9449 10")
def test_attack_a_code_bound_to_a_key_is_no_use_to_another(clients: Clients) -> None:
    sender, thief = Sender(clients, "public"), Sender(clients, "public")
    form = sender.code(dpop_jkt=sender.jkt)
    assert refused(thief.token(thief.token_proof(), **form))[2] == "CODE_INVALID"
    assert refused(thief.token(None, **form))[2] == "CODE_INVALID"
    assert sender.token(sender.token_proof(), **form).status_code == 200


@pytest.mark.clause("RFC 9449 5")
def test_refresh_tokens_of_a_client_without_credentials_are_bound_as_well(clients: Clients) -> None:
    sender, thief = Sender(clients, "public"), Sender(clients, "public")
    tokens = sender.token(sender.token_proof(), **sender.code()).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert refused(thief.token(thief.token_proof(), **form))[2] == "REFRESH_INVALID"
    assert refused(thief.token(None, **form))[2] == "REFRESH_INVALID"
    renewed = sender.token(sender.token_proof(), **form).json()
    assert renewed["token_type"] == "DPoP"
    assert sender.userinfo(renewed["access_token"], sender.use_proof(renewed["access_token"])).status_code == 200


@pytest.mark.clause("RFC 9449 5.2")
def test_a_client_whose_tokens_are_always_bound_gets_no_other(clients: Clients) -> None:
    sender = Sender(clients, "bound")
    form = sender.code()
    missing = (400, "invalid_request", "DPOP_PROOF_MISSING")
    assert refused(sender.token(None, **form)) == missing
    assert refused(sender.token(None, grant_type="client_credentials")) == missing
    tokens = sender.token(sender.token_proof(), **form).json()
    assert refused(sender.token(None, grant_type="refresh_token", refresh_token=tokens["refresh_token"])) == missing
    own = sender.token(sender.token_proof(), grant_type="client_credentials").json()
    assert own["token_type"] == "DPoP"
    assert clients.read(own["access_token"], clients.town.desk.issuer)["cnf"] == {"jkt": sender.jkt}
    proof = sender.token_proof()
    assert sender.token(proof, grant_type="client_credentials").status_code == 200
    assert refused(sender.token(proof, grant_type="client_credentials"))[1] == "invalid_dpop_proof"
    assert "ES256" in clients.http.get("/.well-known/openid-configuration").json()["dpop_signing_alg_values_supported"]
