"""Requests that are fetched from where their client keeps them (OpenID Connect Core 6.2): where the operator has opened it, and from nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import service_kit.bounded_calls
from crypto.jose import TOKEN_CHARACTERS
from idp.actions import fetch_request
from idp.store.registrations import put_registration
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.fakes.loopback_tls import loopback_tls
from tests.idp.people import CALLBACK, CHALLENGE, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.idp.test_front_channel import registered_itself
from tests.service_kit.dpop_proofs import encode, public_jwk, sign, without_gaps
from tests.service_kit.receivers import Receiver, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.model.registrations import Registration

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
FETCHED = replace(BASE, client_id="kept", jwks=({**public_jwk(KEY), "kid": "k1", "alg": "ES256"},))
PARAMETERS = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "inside",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Keeper:
    """A client that keeps its requests at an address, and the browser of who comes by it."""

    def __init__(self, clients: Clients, server: Receiver) -> None:
        self.clients = clients
        self.server = server
        self.url = server.url

    def made(self, client: str = "kept", header: dict[str, Any] | None = None, key: ec.EllipticCurvePrivateKey = KEY, **claims: Any) -> str:
        """A signed object; ``...`` leaves a member out."""
        about = {"iss": client, "aud": self.clients.town.desk.issuer, "client_id": client}
        return sign(key, without_gaps({"kid": "k1", **(header or {})}), without_gaps({**about, **PARAMETERS, **claims}))

    def serve(self, text: str) -> None:
        self.server.status, self.server.location, self.server.drip_seconds = 200, None, 0.0
        self.server.body = text.encode()
        self.server.received.clear()

    def ask(self, client: str = "kept", uri: str = "", **beside: str) -> dict[str, str]:
        """Bring the address; what the client was sent, or the code of the page that was shown."""
        browser = Browser(self.clients.town.here)
        given = {"client_id": client, "request_uri": uri or self.url, "response_type": "code", "scope": "openid", "redirect_uri": CALLBACK}
        browser.go("/authorize", **{name: value for name, value in {**given, **beside}.items() if value})
        if browser.heading == "Sign in":
            browser.log_in()
        location = browser.answer.headers.get("location", "")
        if not location:
            assert 400 <= browser.answer.status_code < 500
            return {"page": "AUTHORIZATION_REFUSED" if "AUTHORIZATION_REFUSED" in browser.answer.text else browser.answer.text}
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query or urlsplit(location).fragment).items()}


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    settings = {
        "openid.request_uri": True,
        "openid.implicit": True,
        "outbound.networks": ["127.0.0.0/8"],
        "outbound.timeout_seconds": 1.0,
    }
    folder = make_deployment(tmp_path_factory.mktemp("fetched") / "deployment", services=["idp"], **settings)
    server_tls, caller_tls = loopback_tls()
    with pytest.MonkeyPatch.context() as patch, receiver(server_tls) as server, served_here(folder) as here:
        patch.setattr(service_kit.bounded_calls, "_authorities", lambda: caller_tls)
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(replace(FETCHED, request_uris=(server.url,)))
        found.add(replace(FETCHED, client_id="other", request_uris=(server.url + "/other",)))
        found.add(replace(FETCHED, client_id="keyless", jwks=(), request_uris=(server.url,)))
        found.add(replace(FETCHED, client_id="chosen", request_object_signing_alg="RS256", request_uris=(server.url,)))
        found.add(replace(FETCHED, client_id="pushing", require_pushed_authorization_requests=True, request_uris=(server.url,)))
        found.add(replace(FETCHED, client_id="signing", require_signed_request_object=True, request_uris=(server.url,)))
        found.add(replace(BASE, client_id="plain"))
        yield Keeper(found, server)


@pytest.fixture(autouse=True)
def _forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses that failed are tried again at once, so that one test is none of the next one's business."""
    monkeypatch.setattr(fetch_request, "FAILED_SECONDS", 0.0)


@pytest.mark.clause("OIDC Core 6.2", "OIDC Core 6.2.2")
def test_the_request_that_lies_there_counts_and_nothing_beside_it(keeper: Keeper) -> None:
    keeper.serve(keeper.made())
    came = keeper.ask(state="outside", nonce="outside", scope="openid phone", code_challenge="", prompt="none", response_mode="form_post")
    assert (came["state"], came["iss"]) == ("inside", keeper.clients.town.desk.issuer)
    tokens = keeper.clients.redeem(came["code"], "kept").json()
    said = keeper.clients.read(tokens["id_token"], "kept")
    assert (said["nonce"], tokens["scope"]) == ("n", "openid")
    (call,) = keeper.server.received
    assert (call.path, call.body) == ("/hook", b"")
    assert not {"cookie", "authorization", "referer"} & set(call.headers)


def test_it_is_fetched_each_time_for_it_may_change(keeper: Keeper) -> None:
    keeper.serve(keeper.made())
    assert keeper.ask()["state"] == "inside"
    keeper.server.body = keeper.made(state="changed").encode() + b"\n"
    assert keeper.ask()["state"] == "changed"
    assert len(keeper.server.received) == 2


def test_a_client_that_signs_all_may_keep_them_too(keeper: Keeper) -> None:
    keeper.serve(keeper.made("signing"))
    assert "code" in keeper.ask("signing")
    assert keeper.ask("signing", uri=keeper.url + "x") == {"page": "AUTHORIZATION_REFUSED"}


def test_tokens_by_way_of_the_browser_may_be_asked_for_so(keeper: Keeper) -> None:
    url, grants = keeper.url + "/front", ("implicit",)
    keeper.clients.add(replace(FETCHED, client_id="front", grant_types=grants, response_types=("id_token",), request_uris=(url,)))
    keeper.serve(keeper.made("front", response_type="id_token"))
    assert set(keeper.ask("front", url, response_type="id_token")) == {"id_token", "state", "iss"}
    keeper.serve(keeper.made("front", response_type="id_token", nonce=...))
    assert keeper.ask("front", url, response_type="id_token")["error"] == "invalid_request"


# Where from


@pytest.mark.clause("RFC 9101 10.4", "OIDC Core 6.2.2")
@pytest.mark.parametrize(
    ("client", "uri", "error"),
    [
        ("kept", "{url}/", "invalid_request_uri"),
        ("kept", "{url}?x=1", "invalid_request_uri"),
        ("kept", "{url}#" + "A" * 43, "invalid_request_uri"),
        ("kept", "{url}/other", "invalid_request_uri"),  # another client's
        ("kept", "https://169.254.169.254/latest/meta-data/", "invalid_request_uri"),
        ("kept", "http://127.0.0.1/", "invalid_request_uri"),
        ("kept", "file:///etc/passwd", "invalid_request_uri"),
        ("kept", "urn:x:y", "invalid_request_uri"),
        ("other", "{url}", "invalid_request_uri"),
        ("plain", "{url}", "request_uri_not_supported"),
        ("keyless", "{url}", "request_uri_not_supported"),
    ],
)
def test_attack_an_address_that_the_client_did_not_register_is_not_called(keeper: Keeper, client: str, uri: str, error: str) -> None:
    keeper.serve(keeper.made(client))
    assert keeper.ask(client, uri.format(url=keeper.url), state="s")["error"] == error
    assert keeper.server.received == []


def test_attack_whoever_pushes_does_not_come_by_an_address(keeper: Keeper) -> None:
    keeper.serve(keeper.made("pushing"))
    assert keeper.ask("pushing") == {"page": "AUTHORIZATION_REFUSED"}
    assert keeper.server.received == []


def test_attack_two_requests_at_once(keeper: Keeper) -> None:
    keeper.serve(keeper.made())
    assert keeper.ask(request=keeper.made(state="value"))["error"] == "invalid_request"
    browser = Browser(keeper.clients.town.here)
    browser.send("GET", f"/authorize?client_id=kept&request_uri={keeper.url}&request_uri={keeper.url}&redirect_uri={CALLBACK}")
    assert "error=invalid_request" in browser.answer.headers["location"]
    assert keeper.server.received == []


def put(keeper: Keeper, registration: Registration) -> None:
    """Past the rules of registering, for a new client, as an older program or another hand might have written it."""
    desk, at = keeper.clients.desk, keeper.clients.town.desk.clock.now()
    keeper.clients.add(replace(BASE, client_id=registration.client_id))
    desk.database.write(lambda connection: put_registration(connection, registration, at, desk.mac_key))


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("inward-1", "https://10.0.0.1/object"),
        ("inward-2", "https://169.254.169.254/latest/"),
        ("inward-3", "https://[::ffff:10.0.0.1]/object"),
        ("inward-4", "https://[::1]/object"),
    ],
)
def test_attack_an_address_behind_us_is_neither_registered_nor_called(keeper: Keeper, client: str, address: str) -> None:
    """By the allow-list of outbound calls, which here names 127.0.0.0/8 alone."""
    status, told = registered_itself(keeper.clients, request_uris=[address])
    assert (status, told["error"]) == (400, "invalid_client_metadata")
    put(keeper, replace(FETCHED, client_id=client, request_uris=(address,)))
    came = keeper.ask(client, address)
    assert (came["error"], came["error_description"]) == ("invalid_request_uri", "no request could be fetched from the address")


# How it comes


def test_attack_a_redirect_is_not_followed(keeper: Keeper) -> None:
    keeper.serve(keeper.made())
    for status in (301, 302, 303, 307, 308):
        keeper.server.status, keeper.server.location = status, keeper.url
        keeper.server.received.clear()
        assert keeper.ask()["error"] == "invalid_request_uri"
        assert len(keeper.server.received) == 1
    for status in (204, 404, 500):
        keeper.server.status, keeper.server.location = status, None
        assert keeper.ask()["error"] == "invalid_request_uri"


def test_attack_too_large(keeper: Keeper) -> None:
    text = keeper.made()
    keeper.serve(text + "\n" * (TOKEN_CHARACTERS + 3 - len(text)))
    assert keeper.ask()["error"] == "invalid_request_uri"
    keeper.serve("A" * 10_000_000)
    assert keeper.ask()["error"] == "invalid_request_uri"


def test_attack_too_slow(keeper: Keeper) -> None:
    keeper.serve(keeper.made())
    keeper.server.drip_seconds = 0.05
    began = time.monotonic()
    assert keeper.ask()["error"] == "invalid_request_uri"
    assert time.monotonic() - began < 20, "one deadline over all of it, not one for each byte"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"not a token", b"a.b.c", b"{}", b"<html>", "对象".encode()])
def test_attack_something_else_lies_there(keeper: Keeper, body: bytes) -> None:
    keeper.serve("")
    keeper.server.body = body
    assert keeper.ask(state="s")["error"] in {"invalid_request_uri", "invalid_request_object"}


# What lies there


OBJECTS: list[dict[str, Any]] = [
    {"iss": "other"},
    {"iss": ...},
    {"client_id": "other"},
    {"client_id": ...},
    {"aud": "https://other.example"},
    {"aud": ...},
    {"sub": "kept"},
    {"request": "x"},
    {"request_uri": "https://rp.example/inner"},
    {"exp": 1},
    {"exp": 4_000_000_000},
    {"exp": "soon"},
    {"nbf": 4_000_000_000},
    {"iat": 4_000_000_000},
    {"iat": 1},
    {"header": {"alg": "none"}},
    {"header": {"alg": "None"}},
    {"header": {"alg": "HS256"}},
    {"header": {"alg": "RS256"}},
    {"header": {"typ": "client-authentication+jwt"}},
    {"header": {"jku": "https://evil.example/"}},
    {"header": {"kid": "k2"}},
    {"key": OTHER},
]


@pytest.mark.clause("RFC 9101 6.2", "RFC 8725 3.1")
@pytest.mark.parametrize("changes", OBJECTS, ids=[str(sorted(each)[0]) + str(n) for n, each in enumerate(OBJECTS)])
def test_attack_an_object_that_does_not_hold(keeper: Keeper, changes: dict[str, Any]) -> None:
    keeper.serve(keeper.made(**changes))
    came = keeper.ask(state="beside")
    assert (came["error"], came["state"]) == ("invalid_request_object", "beside")


def test_attack_unsigned_or_signed_with_what_everybody_knows(keeper: Keeper) -> None:
    """``none`` is never taken, whatever the client registered, and no key of one kind stands for another."""
    claims = {"iss": "kept", "aud": keeper.clients.town.desk.issuer, "client_id": "kept", **PARAMETERS}
    for name in ("none", "None", "NONE", ""):
        for signature in ("", "AA"):
            keeper.serve(f"{encode({'alg': name})}.{encode(claims)}.{signature}")
            assert keeper.ask()["error"] == "invalid_request_object"
    message = f"{encode({'alg': 'HS256'})}.{encode(claims)}"
    for secret in (keeper.clients.secrets["kept"].encode(), json.dumps(public_jwk(KEY)).encode(), b""):
        keeper.serve(f"{message}.{encode(hmac.new(secret, message.encode(), 'sha256').digest())}")
        assert keeper.ask()["error"] == "invalid_request_object"
    keeper.serve(keeper.made("chosen"))  # a good signature, but the client registered RS256
    assert keeper.ask("chosen")["error"] == "invalid_request_object"


def test_attack_an_object_of_one_client_at_the_address_of_another(keeper: Keeper) -> None:
    keeper.serve(keeper.made("kept"))
    assert keeper.ask("other", keeper.url + "/other")["error"] == "invalid_request_object"
    keeper.serve(keeper.made("kept", redirect_uri="https://evil.example/"))
    assert keeper.ask() == {"page": "AUTHORIZATION_REFUSED"}, "signed or not, the address must be registered"


@pytest.mark.clause("OIDC Core 6.1")
def test_attack_another_response_type_beside_it(keeper: Keeper) -> None:
    keeper.serve(keeper.made())
    assert keeper.ask(response_type="id_token")["error"] == "invalid_request_object"
    keeper.serve(keeper.made(response_type=...))
    assert keeper.ask()["error"] == "invalid_request_object"
    assert keeper.ask(response_type="")["error"] == "invalid_request"
    keeper.serve(keeper.made())
    assert "code" in keeper.ask(response_type="")


def test_attack_brought_again(keeper: Keeper) -> None:
    """The address is no secret and no permission: whoever brings it begins a sign-in of his own, and an object ends when it says."""
    now = int(keeper.clients.town.desk.clock.now().timestamp())
    keeper.serve(keeper.made(exp=now + 60))
    first, second = keeper.ask(), keeper.ask()
    assert first["code"] != second["code"]
    assert keeper.clients.redeem(first["code"], "kept").status_code == 200
    assert keeper.clients.redeem(first["code"], "kept").json()["error"] == "invalid_grant"
    keeper.serve(keeper.made(exp=now - 1))
    assert keeper.ask()["error"] == "invalid_request_object"


# What is kept


def digest_of(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.clause("OIDC Core 6.2.3")
def test_what_the_address_has_the_digest_of_is_kept_and_nothing_else_is_taken_for_it(keeper: Keeper) -> None:
    text = keeper.made("fixed", state="fixed")
    url = f"{keeper.url}/fixed#{digest_of(text)}"
    keeper.clients.add(replace(FETCHED, client_id="fixed", request_uris=(url,)))
    keeper.serve(keeper.made("fixed", state="swapped"))
    assert keeper.ask("fixed", url)["error"] == "invalid_request_uri"
    keeper.serve(text + "\n")
    assert keeper.ask("fixed", url)["error"] == "invalid_request_uri", "a line end more is other content"
    keeper.serve(text)
    assert keeper.ask("fixed", url)["state"] == "fixed"
    assert keeper.server.received[0].path == "/hook/fixed", "the fragment stays here"
    keeper.serve(keeper.made("fixed", state="swapped"))
    assert keeper.ask("fixed", url)["state"] == "fixed"
    assert keeper.server.received == []
    assert keeper.ask("fixed", url.partition("#")[0])["error"] == "invalid_request_uri", "registered with it, brought with it"


# Registering


def test_registered_addresses_come_back_as_they_were_given(keeper: Keeper) -> None:
    uris = [keeper.url + "/a", keeper.url + "/a#" + "A" * 43]
    status, made = registered_itself(keeper.clients, request_uris=uris)
    assert (status, made["request_uris"]) == (201, uris)
    said = keeper.clients.http.get("/.well-known/openid-configuration").json()
    assert (said["request_uri_parameter_supported"], said["require_request_uri_registration"]) == (True, True)
    assert "none" not in said["request_object_signing_alg_values_supported"]
    assert registered_itself(keeper.clients, request_object_signing_alg="none")[0] == 400


# Closed, as every deployment is where nobody opens it


def test_attack_closed_nothing_is_fetched(tmp_path: Any) -> None:
    server_tls, _ = loopback_tls()
    folder = make_deployment(tmp_path / "deployment", services=["idp"], **{"outbound.networks": ["127.0.0.0/8"]})
    with receiver(server_tls) as server, served_here(folder) as here:
        clients = Clients(settle(here, Registered()))
        clients.town.person()
        closed = Keeper(clients, server)
        with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
            clients.add(replace(FETCHED, request_uris=(server.url,)))
        put(closed, replace(FETCHED, client_id="former", request_uris=(server.url,)))
        closed.serve(closed.made("former"))
        assert closed.ask("former")["error"] == "request_uri_not_supported"
        assert server.received == []
        status, made = registered_itself(clients, request_uris=[server.url], request_object_signing_alg="RS256")
        assert (status, "request_uris" in made) == (201, False)
        assert closed.ask(made["client_id"])["error"] == "request_uri_not_supported"
        assert registered_itself(clients, request_object_signing_alg="none")[0] == 400
        said = here.http.get("/.well-known/openid-configuration").json()
        assert (said["request_uri_parameter_supported"], "require_request_uri_registration" in said) == (False, False)
