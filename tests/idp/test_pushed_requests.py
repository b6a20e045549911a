"""Authorization requests pushed ahead (RFC 9126) and signed (RFC 9101), as a client goes through them, and what must not pass."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.model.pushed import PUSHED_SECONDS, REQUEST_URI_PREFIX
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, CHALLENGE, VERIFIER, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused
from tests.service_kit.dpop_proofs import Prover, public_jwk, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

PAR = "/oauth2/par"
KEY = ec.generate_private_key(ec.SECP256R1())
REQUEST = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("pushed") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        jwks = ({**public_jwk(KEY), "kid": "k1"},)
        found.add(replace(BASE, jwks=jwks))
        found.add(replace(BASE, client_id="pushes", require_pushed_authorization_requests=True))
        found.add(replace(BASE, client_id="signs", require_signed_request_object=True, jwks=jwks))
        found.add(replace(BASE, client_id="device", grant_types=("urn:ietf:params:oauth:grant-type:device_code",), redirect_uris=()))
        yield found


def push(clients: Clients, client: str = "own", proof: str = "", /, **changes: str) -> httpx.Response:
    form = {name: value for name, value in {**REQUEST, **changes}.items() if value}
    return clients.http.post(PAR, data=form, auth=(client, clients.secrets[client]), headers={"dpop": proof} if proof else {})


def bring(clients: Clients, client: str, **query: str) -> Browser:
    browser = Browser(clients.town.here)
    browser.go("/authorize", client_id=client, **query)
    return browser


def signed(client: str = "own", **changes: Any) -> str:
    at = int(datetime.now(UTC).timestamp())
    claims = {"iss": client, "aud": "", "client_id": client, "iat": at, "exp": at + 300, **REQUEST, **changes}
    return sign(KEY, {"typ": "oauth-authz-req+jwt", "kid": "k1"}, claims)


@pytest.mark.clause("RFC 9126 2.2", "RFC 9126 4")
def test_a_pushed_request_is_good_once_for_its_client(clients: Clients) -> None:
    answer = push(clients, "pushes")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == PUSHED_SECONDS
    uri = answer.json()["request_uri"]
    assert uri.startswith(REQUEST_URI_PREFIX)
    assert bring(clients, "own", request_uri=uri).answer.status_code == 422, "of another client"
    # what stands beside it does not count
    browser = bring(clients, "pushes", request_uri=uri, scope="openid phone", redirect_uri="https://evil.example/", state="forged")
    browser.log_in()
    assert browser.returned["state"] == "s1"
    tokens = clients.redeem(browser.returned["code"], "pushes").json()
    assert tokens["scope"] == "openid profile"
    again = bring(clients, "pushes", request_uri=uri)
    assert again.answer.status_code == 422
    assert "location" not in again.answer.headers
    assert clients.town.audited("request.push")


@pytest.mark.clause("RFC 9126 7.3")
def test_of_sixteen_browsers_with_one_name_one_is_answered(clients: Clients) -> None:
    """Of those that are at the sign-in page, and of those whose session answers all at once."""
    uri = push(clients).json()["request_uri"]
    browsers = [bring(clients, "own", request_uri=uri) for _ in range(3)]
    assert {browser.heading for browser in browsers} == {"Sign in"}
    for browser in browsers:
        browser.log_in()
    assert [browser.answer.status_code for browser in browsers] == [303, 422, 422]
    assert all(("location" in browser.answer.headers) is (browser.answer.status_code == 303) for browser in browsers)
    uri = push(clients).json()["request_uri"]
    path = str(httpx.URL("/authorize", params={"client_id": "own", "request_uri": uri}))
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in browsers[0].cookies.items())}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: clients.http.get(path, headers=headers), range(16)))
    assert sorted(answer.status_code for answer in answers) == [303] + [422] * 15
    assert sum("code=" in answer.headers.get("location", "") for answer in answers) == 1


@pytest.mark.clause("RFC 9126 7.3")
def test_the_page_of_a_pushed_request_may_be_loaded_again_until_the_answer(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = push(clients).json()["request_uri"]
    first, second = bring(clients, "own", request_uri=uri), bring(clients, "own", request_uri=uri)
    clock = type(clients.town.here.house.clock)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda self: now(self) + timedelta(seconds=PUSHED_SECONDS + 60))
    assert bring(clients, "own", request_uri=uri).answer.status_code == 422, "too late to begin"
    assert "code" in second.log_in().headers["location"], "in time to end"
    first.log_in()
    assert (first.answer.status_code, "AUTHORIZATION_REFUSED" in first.answer.text) == (422, True)


@pytest.mark.clause("RFC 9126 2.3")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"scope": "openid seal.use"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request_uri": REQUEST_URI_PREFIX + "x"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),  # it has no keys
        ({"prompt": "none login"}, "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_pushed_request_is_told_at_once(clients: Clients, changes: dict[str, str], error: str) -> None:
    assert refused(push(clients, "pushes", **changes))[:2] == (400, error)


def test_a_refusal_answers_a_pushed_request_too(clients: Clients) -> None:
    clients.add(replace(BASE, client_id="asks", is_own=False))
    uri = push(clients, "asks").json()["request_uri"]
    browser = bring(clients, "asks", request_uri=uri)
    browser.log_in()
    browser.submit("cancel")
    assert browser.returned["error"] == "access_denied"
    browser.go("/authorize", client_id="asks", request_uri=uri)
    assert browser.answer.status_code == 422, "it has been answered"
    silent = push(clients, prompt="none").json()["request_uri"]
    assert bring(clients, "own", request_uri=silent).returned["error"] == "login_required"
    assert bring(clients, "own", request_uri=silent).answer.status_code == 422


def test_who_may_push(clients: Clients) -> None:
    http = clients.http
    assert refused(http.post(PAR, data=REQUEST, auth=("own", "wrong")))[:2] == (401, "invalid_client")
    assert refused(http.post(PAR, data={**REQUEST, "client_id": "own"}))[:2] == (401, "invalid_client")
    assert refused(http.post(PAR, data={**REQUEST, "client_id": "pushes"}, auth=("own", clients.secrets["own"])))[0] == 400
    assert refused(push(clients, "device"))[1] == "unauthorized_client"
    assert http.get(PAR).status_code == 405
    assert http.post(PAR, data={**REQUEST, "login_hint": "x" * 40_000}, auth=("own", clients.secrets["own"])).status_code == 413
    twice = "&".join(f"{name}={value}" for name, value in (*REQUEST.items(), ("scope", "openid")))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert refused(http.post(PAR, content=twice, auth=("own", clients.secrets["own"]), headers=form))[1] == "invalid_request"


@pytest.mark.clause("RFC 9126 5", "RFC 9101 10.4")
@pytest.mark.parametrize(
    "uri",
    ["https://rp.example/request.jwt", "http://169.254.169.254/", "file:///etc/passwd", REQUEST_URI_PREFIX, REQUEST_URI_PREFIX + "x", ""],
)
def test_attack_nothing_is_fetched_from_a_request_uri(clients: Clients, uri: str) -> None:
    query = {"client_id": "pushes", "request_uri": uri, **REQUEST}
    browser = Browser(clients.town.here)
    browser.go("/authorize", **query)
    if uri:
        assert browser.answer.status_code == 422
        assert "location" not in browser.answer.headers
    else:  # without a value it is as if left out, and this client pushes
        assert browser.returned["error"] == "invalid_request"
    two = [("client_id", "own"), ("request_uri", push(clients).json()["request_uri"]), ("request_uri", uri)]
    assert clients.http.get(str(httpx.URL("/authorize", params=two))).status_code == 422


def test_a_client_that_pushes_is_not_answered_otherwise(clients: Clients) -> None:
    assert bring(clients, "pushes", **REQUEST).returned["error"] == "invalid_request"


def test_a_pushed_request_waits_only_so_long(clients: Clients) -> None:
    uri = push(clients).json()["request_uri"]
    database = clients.town.desk.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_pushed_requests SET expires_at = 1"))
    assert bring(clients, "own", request_uri=uri).answer.status_code == 422
    sweep_sign_in_rows(clients.town.desk)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_pushed_requests").scalar() == 0


@pytest.mark.clause("RFC 9101 5", "RFC 9101 6.3", "RFC 9126 3")
def test_a_signed_request_counts_and_what_stands_beside_it_does_not(clients: Clients) -> None:
    issuer = clients.town.desk.issuer
    text = signed("signs", aud=issuer, scope="openid")
    browser = bring(clients, "signs", request=text, scope="openid phone", redirect_uri="https://evil.example/", state="forged")
    browser.log_in()
    assert browser.returned["state"] == "s1"
    assert clients.redeem(browser.returned["code"], "signs").json()["scope"] == "openid"
    # pushed
    answer = clients.http.post(PAR, data={"request": text}, auth=("signs", clients.secrets["signs"]))
    browser = bring(clients, "signs", request_uri=answer.json()["request_uri"])
    browser.log_in()
    assert browser.returned["code"]
    # a client that signs its requests is answered in no other way
    assert refused(push(clients, "signs"))[1] == "invalid_request"
    assert bring(clients, "signs", **REQUEST).answer.status_code == 422


@pytest.mark.clause("RFC 9101 6.1", "RFC 9101 10.3")
def test_attack_signed_requests_of_and_for_others(clients: Clients) -> None:
    issuer = clients.town.desk.issuer
    for text in (
        signed("own", aud="https://other.example"),
        signed("signs", aud=issuer),  # another client's object in this client's name
        signed("own", aud=issuer, iss="signs"),
        signed("own", aud=issuer, exp=1),
        signed("own", aud=issuer, sub="own"),
        signed("own", aud=issuer, request_uri="https://evil.example/"),
        signed("own", aud=issuer)[:-4] + "AAAA",
        "a.b.c",
    ):
        came = bring(clients, "own", request=text, **REQUEST).returned  # at the registered address beside it, which rests on no object
        assert (came["error"], "code" in came) == ("invalid_request_object", False)
        assert bring(clients, "own", request=text).answer.status_code == 422, "never at the address in it"
        assert bring(clients, "own", request=text, **{**REQUEST, "redirect_uri": "https://evil.example/"}).answer.status_code == 422
    # signed by the client itself, an address it has not registered is still none
    assert bring(clients, "own", request=signed("own", aud=issuer, redirect_uri="https://evil.example/")).answer.status_code == 422
    two = [("client_id", "own"), ("request", signed("own", aud=issuer)), ("request", "x")]
    assert clients.http.get(str(httpx.URL("/authorize", params=two))).status_code == 422


@pytest.mark.clause("RFC 9449 10.1")
def test_a_proof_beside_the_push_binds_the_code(clients: Clients) -> None:
    sender, thief, issuer = Prover(), Prover(), clients.town.desk.issuer
    now = datetime.now(UTC).timestamp()
    pushed = push(clients, "own", sender.proof("POST", issuer + PAR, now))
    browser = bring(clients, "own", request_uri=pushed.json()["request_uri"])
    browser.log_in()
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": browser.returned["code"]}

    def redeem(prover: Prover | None) -> httpx.Response:
        headers = {} if prover is None else {"dpop": prover.proof("POST", issuer + "/oauth2/token", now)}
        return clients.http.post("/oauth2/token", data=form, auth=("own", clients.secrets["own"]), headers=headers)

    assert refused(redeem(None))[2] == "CODE_INVALID"
    assert refused(redeem(thief))[2] == "CODE_INVALID"
    assert redeem(sender).json()["token_type"] == "DPoP"
    other = push(clients, "own", sender.proof("POST", issuer + PAR, now), dpop_jkt="x" * 43)
    assert refused(other)[1] == "invalid_dpop_proof"
    proof = sender.proof("POST", issuer + PAR, now)
    assert push(clients, "own", proof).status_code == 201
    assert refused(push(clients, "own", proof))[1] == "invalid_dpop_proof"
    assert refused(push(clients, "own", sender.proof("POST", issuer + "/oauth2/token", now)))[1] == "invalid_dpop_proof"
