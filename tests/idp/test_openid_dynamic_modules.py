"""What the modules of the OpenID conformance suite's Dynamic plan ask, by their names: each registers its client first."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

import idp.service
import service_kit.bounded_calls
from idp.actions.register_itself import issue_initial_token
from idp.actions.rotate_signing_key import replace_signing_key
from idp.tokens.client_assertion import ASSERTION_TYPE
from tests.deployments import make_deployment, served_here
from tests.fakes.loopback_tls import loopback_tls
from tests.idp.people import CALLBACK, CHALLENGE, VERIFIER, Browser, Registered, Town, settle
from tests.service_kit.dpop_proofs import encode
from tests.service_kit.receivers import Receiver, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


class Suite:
    """The suite: it registers clients, and is their server and their browser."""

    def __init__(self, town: Town, server: Receiver) -> None:
        self.town = town
        self.server = server
        self.http = town.here.http
        desk = idp.service.client_desk(town.here.house.context)
        _, self.initial = issue_initial_token(
            desk, note="suite", scopes=(), needs_approval=False, is_pkce_required=False, uses=100, days=1, actor="test"
        )
        self.browser = Browser(town.here)

    def register(self, **members: Any) -> httpx.Response:
        body = {"client_name": "suite", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"], **members}
        return self.http.post("/oauth2/register", headers={"authorization": f"Bearer {self.initial}"}, content=json.dumps(body).encode())

    def registered(self, **members: Any) -> dict[str, Any]:
        answer = self.register(**members)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def ask(self, client: dict[str, Any], **changes: str) -> Browser:
        """Open the authorization endpoint and go on until the client is answered or an error is shown."""
        given = {"client_id": client["client_id"], "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "nonce": "n"}
        given |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": "s", **changes}
        self.browser.go("/authorize", **{name: value for name, value in given.items() if value})
        if self.browser.heading == "Sign in":
            self.browser.log_in()
        if self.browser.heading == "Your consent":
            self.browser.submit("consent")
        return self.browser

    def redeem(self, client: dict[str, Any], code: str, **form: str) -> httpx.Response:
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **form}
        return self.token(client, **given)

    def token(self, client: dict[str, Any], **form: str) -> httpx.Response:
        auth = (client["client_id"], client["client_secret"]) if "client_assertion" not in form else None
        return self.http.post("/oauth2/token", data=form, auth=auth)

    def tokens(self, client: dict[str, Any], **changes: str) -> dict[str, Any]:
        answer = self.redeem(client, self.ask(client, **changes).returned["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def read(self, token: str, algorithm: str) -> dict[str, Any]:
        keys = KeySet.import_key_set(self.http.get("/oauth2/jwks").json())
        return dict(jwt.decode(token, keys, algorithms=[algorithm]).claims)

    def by_key(self, client: dict[str, Any], key: ECKey, audience: str) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": client["client_id"], "sub": client["client_id"], "aud": audience, "jti": f"j{time.monotonic_ns()}", "iat": now}
        token = jwt.encode({"alg": "ES256", "kid": key.kid}, {**claims, "exp": now + 60}, key)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    opened = {"outbound.networks": ["127.0.0.0/8"], "openid.implicit": True, "openid.request_uri": True}
    folder = make_deployment(tmp_path_factory.mktemp("dynamic") / "deployment", **opened)
    server_tls, caller_tls = loopback_tls()
    with pytest.MonkeyPatch.context() as patch, receiver(server_tls) as server, served_here(folder) as here:
        patch.setattr(service_kit.bounded_calls, "_authorities", lambda: caller_tls)
        town = settle(here, Registered())
        town.person()
        yield Suite(town, server)


def serve(suite: Suite, value: object) -> str:
    suite.server.status, suite.server.body = 200, json.dumps(value).encode()
    return suite.server.url


def is_shown_an_error(browser: Browser) -> bool:
    """The person is told; the address that is not registered hears nothing."""
    return 400 <= browser.answer.status_code < 500 and "location" not in browser.answer.headers


@pytest.mark.clause("OIDC Registration 2")
def test_oidcc_server(suite: Suite) -> None:
    client = suite.registered()
    claims = suite.read(suite.tokens(client)["id_token"], "RS256")
    assert (claims["aud"], claims["nonce"]) == (client["client_id"], "n")


@pytest.mark.clause("OIDC Core 9", "RFC 7592 2.3")
@pytest.mark.parametrize("key_id", [None, "one"])
def test_oidcc_server_by_a_key_as_the_plan_registers_it(suite: Suite, key_id: str | None) -> None:
    """The whole plan runs with private_key_jwt, RS256, mostly without a key id, for the address of the token endpoint; and cleans up."""
    named: Any = {"use": "sig", "alg": "RS256", **({"kid": key_id} if key_id else {})}
    key = RSAKey.generate_key(2048, named, auto_kid=False)
    client = suite.registered(
        grant_types=["authorization_code"],
        response_types=["code"],
        jwks={"keys": [key.as_dict(private=False)]},
        token_endpoint_auth_method="private_key_jwt",
        contacts=["certification@example.org"],
    )
    code = suite.ask(client, code_challenge="", code_challenge_method="").returned["code"]
    now = int(time.time())
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": suite.town.desk.issuer + "/oauth2/token",
        "jti": f"j{now}{key_id}",
    }
    header = {"alg": "RS256"} | ({"kid": key_id} if key_id else {})
    assertion = jwt.encode(header, {**claims, "iat": now, "exp": now + 60}, key, algorithms=["RS256"])
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = suite.http.post("/oauth2/token", data={**form, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion})
    assert answer.status_code == 200, answer.text
    assert suite.read(answer.json()["id_token"], "RS256")["aud"] == client["client_id"]
    headers = {"authorization": f"Bearer {client['registration_access_token']}"}
    path = client["registration_client_uri"].removeprefix(suite.town.desk.issuer)
    assert suite.http.request("DELETE", path, headers=headers).status_code == 204


def test_oidcc_idtoken_rs256(suite: Suite) -> None:
    token = suite.tokens(suite.registered(id_token_signed_response_alg="RS256"))["id_token"]
    assert jws.extract_compact(token.encode()).headers()["alg"] == "RS256"


@pytest.mark.clause("OIDC Core 5.3.2")
def test_oidcc_userinfo_rs256(suite: Suite) -> None:
    client = suite.registered(userinfo_signed_response_alg="RS256")
    tokens = suite.tokens(client, scope="openid profile")
    answer = suite.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert answer.headers["content-type"] == "application/jwt"
    told = suite.read(answer.text, "RS256")
    assert (told["aud"], told["name"], told["sub"]) == (client["client_id"], "测试甲", suite.read(tokens["id_token"], "RS256")["sub"])


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_oidcc_ensure_redirect_uri_in_authorization_request(suite: Suite) -> None:
    assert is_shown_an_error(suite.ask(suite.registered(), redirect_uri=""))


def test_oidcc_redirect_uri_query_ok(suite: Suite) -> None:
    with_query = CALLBACK + "?foo=bar"
    client = suite.registered(redirect_uris=[with_query])
    came = suite.ask(client, redirect_uri=with_query).answer.headers["location"]
    assert came.startswith(with_query + "&")
    code = suite.ask(client, redirect_uri=with_query).returned["code"]
    assert suite.redeem(client, code, redirect_uri=with_query).status_code == 200


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        pytest.param(CALLBACK + "?foo=bar", CALLBACK + "?bar=foo", id="oidcc-redirect-uri-query-mismatch"),
        pytest.param(CALLBACK, CALLBACK + "?foo=bar", id="oidcc-redirect-uri-query-added"),
    ],
)
def test_oidcc_redirect_uri_query(suite: Suite, registered: str, asked: str) -> None:
    assert is_shown_an_error(suite.ask(suite.registered(redirect_uris=[registered]), redirect_uri=asked))


def test_oidcc_redirect_uri_regfrag(suite: Suite) -> None:
    answer = suite.register(redirect_uris=[CALLBACK + "#foobar"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.clause("OIDC Registration 2", "RFC 7592 2.1")
def test_oidcc_3rd_party_init_login(suite: Suite) -> None:
    address = "https://rp.example/start"
    client = suite.registered(initiate_login_uri=address)
    headers = {"authorization": f"Bearer {client['registration_access_token']}"}
    answer = suite.http.get(client["registration_client_uri"].removeprefix(suite.town.desk.issuer), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert client["initiate_login_uri"] == answer.json()["initiate_login_uri"] == address


@pytest.mark.parametrize("address", ["http://rp.example/start", "http://localhost:8443/start", "http://127.0.0.1/start"])
def test_oidcc_3rd_party_init_login_nohttps(suite: Suite, address: str) -> None:
    answer = suite.register(initiate_login_uri=address)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.clause("OIDC Core 9")
def test_oidcc_registration_jwks_uri(suite: Suite) -> None:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    url = serve(suite, {"keys": [key.as_dict(private=False)]})
    client = suite.registered(jwks_uri=url, token_endpoint_auth_method="private_key_jwt")
    assert client["jwks_uri"] == url
    code = suite.ask(client).returned["code"]
    answer = suite.redeem(client, code, **suite.by_key(client, key, suite.town.desk.issuer + "/oauth2/token"))
    assert answer.status_code == 200, answer.text


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(suite: Suite) -> None:
    key = ECKey.generate_key("P-256", {"kid": "two"})
    client = suite.registered(jwks={"keys": [key.as_dict(private=False)]}, token_endpoint_auth_method="private_key_jwt")
    code = suite.ask(client).returned["code"]
    assert suite.redeem(client, code, **suite.by_key(client, key, suite.town.desk.issuer)).status_code == 200


@pytest.mark.clause("OIDC Core 10.1.1")
def test_oidcc_refresh_token_rp_key_rotation(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (ECKey.generate_key("P-256", {"kid": name}) for name in ("old", "new"))
    url = serve(suite, {"keys": [old.as_dict(private=False)]}) + "?rotating"
    client = suite.registered(jwks_uri=url, token_endpoint_auth_method="private_key_jwt")
    code = suite.ask(client).returned["code"]
    tokens = suite.redeem(client, code, **suite.by_key(client, old, suite.town.desk.issuer)).json()
    serve(suite, {"keys": [new.as_dict(private=False)]})
    monkeypatch.setattr("idp.actions.client_keys.AGAIN_SECONDS", 0.0)  # the suite takes longer than that between the two
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert suite.token(client, **form, **suite.by_key(client, new, suite.town.desk.issuer)).status_code == 200


@pytest.mark.clause("OIDC Core 8.1")
def test_oidcc_registration_sector_uri(suite: Suite) -> None:
    two = [CALLBACK, "https://other.example/cb"]
    made = suite.registered(subject_type="pairwise", redirect_uris=two, sector_identifier_uri=serve(suite, two))
    again = suite.registered(subject_type="pairwise", sector_identifier_uri=serve(suite, two))
    elsewhere = suite.registered(subject_type="pairwise")
    subjects = [suite.read(suite.tokens(client)["id_token"], "RS256")["sub"] for client in (made, again, elsewhere)]
    assert subjects[0] == subjects[1], "one sector knows the person by one name"
    assert subjects[2] not in {subjects[0], suite.read(suite.tokens(suite.registered())["id_token"], "RS256")["sub"]}


def test_oidcc_registration_sector_bad(suite: Suite) -> None:
    answer = suite.register(subject_type="pairwise", sector_identifier_uri=serve(suite, ["https://other.example/cb"]))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.clause("OIDC Core 15.2", "OIDC Discovery 3")
def test_oidcc_discovery_endpoint_verification(suite: Suite) -> None:
    """What the module looks for where clients register themselves (its conditions by their names in the suite)."""
    said = suite.http.get("/.well-known/openid-configuration").json()
    types = [frozenset(each.split(" ")) for each in said["response_types_supported"]]
    assert {frozenset({"code"}), frozenset({"id_token"}), frozenset({"token", "id_token"})} <= set(types)  # ResponseTypesSupportedDynamic
    assert {"authorization_code", "implicit"} <= set(said["grant_types_supported"])  # GrantTypesSupportedDynamic
    assert set(said["subject_types_supported"]) <= {"public", "pairwise"}  # SubjectTypesSupported
    assert "RS256" in said["id_token_signing_alg_values_supported"]  # IdTokenSigningAlgValuesSupported
    assert "RS256" in said["userinfo_signing_alg_values_supported"]  # UserinfoSigningAlgValuesSupported
    assert "RS256" in said["request_object_signing_alg_values_supported"]  # RequestObjectSigningAlgValuesSupportedIncludesRS256
    for name in ("request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"):
        assert said[name] is True
    assert "sub" in said["claims_supported"]
    assert "openid" in said["scopes_supported"]
    assert isinstance(said["code_challenge_methods_supported"], list)
    assert all(re.fullmatch(r"[!#-\[\]-~]+", scope) for scope in said["scopes_supported"])  # ScopesSupportedSyntax
    assert said["ui_locales_supported"] == ["zh-CN", "en"]  # LocalesSyntax, LocalesCanonicalCasing
    issuer = suite.town.desk.issuer
    endpoints = {name: value for name, value in said.items() if name.endswith(("_endpoint", "jwks_uri"))}
    assert {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "registration_endpoint", "jwks_uri"} <= set(endpoints)
    assert said["issuer"] == issuer, "with https in front, all of them are https: see test_conformance_files"
    assert all(value.startswith(issuer + "/") for value in endpoints.values())


def request_uri(suite: Suite) -> str:
    """Such as the suite makes, before it knows what will lie there (its CreateRandomRequestUri): without a fragment."""
    return f"{suite.server.url}/requesturi/{secrets.token_hex(48)}"


def bring(suite: Suite, client: dict[str, Any], uri: str, inside: dict[str, str]) -> Browser:
    """As the suite builds the address: what OAuth wants beside the object stands there too, ``state`` and ``nonce`` only inside."""
    beside = {name: inside[name] for name in ("response_type", "client_id", "scope", "redirect_uri")}
    return suite.ask(client, **beside, request_uri=uri, state="", nonce="", code_challenge="", code_challenge_method="")


def object_claims(client: dict[str, Any]) -> dict[str, str]:
    """The plain request as claims; the suite adds ``aud`` and ``iss`` where it signs, and no times."""
    given = {"client_id": client["client_id"], "redirect_uri": CALLBACK, "scope": "openid", "response_type": "code"}
    return {**given, "state": secrets.token_hex(8), "nonce": secrets.token_hex(8)}


@pytest.mark.clause("OIDC Core 6.2", "OIDC Core 15.2")
def test_oidcc_request_uri_signed_rs256(suite: Suite) -> None:
    said = suite.http.get("/.well-known/openid-configuration").json()
    assert said["request_uri_parameter_supported"] is True
    assert "RS256" in said["request_object_signing_alg_values_supported"]
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=False)
    uri = request_uri(suite)
    client = suite.registered(
        request_uris=[uri],
        request_object_signing_alg="RS256",
        jwks={"keys": [key.as_dict(private=False)]},
        token_endpoint_auth_method="private_key_jwt",
        grant_types=["authorization_code"],
        response_types=["code"],
    )
    assert client["request_uris"] == [uri]
    inside = object_claims(client)
    claims = {**inside, "aud": suite.town.desk.issuer, "iss": client["client_id"]}
    suite.server.status, suite.server.body = 200, jwt.encode({"alg": "RS256"}, claims, key, algorithms=["RS256"]).encode()
    suite.server.received.clear()
    came = bring(suite, client, uri, inside).returned
    assert [uri.endswith(call.path) for call in suite.server.received] == [True]
    assert (came["state"], came["iss"]) == (inside["state"], suite.town.desk.issuer)
    now = int(time.time())
    about = {"iss": client["client_id"], "sub": client["client_id"], "aud": suite.town.desk.issuer + "/oauth2/token"}
    about |= {"jti": secrets.token_hex(8)}
    assertion = jwt.encode({"alg": "RS256"}, {**about, "iat": now, "exp": now + 60}, key, algorithms=["RS256"])
    form = {"grant_type": "authorization_code", "code": came["code"], "redirect_uri": CALLBACK}
    answer = suite.http.post("/oauth2/token", data={**form, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion})
    assert answer.status_code == 200, answer.text
    assert suite.read(answer.json()["id_token"], "RS256")["nonce"] == inside["nonce"]
    told = suite.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
    assert told.status_code == 200


@pytest.mark.clause("OIDC Core 6.2")
def test_oidcc_request_uri_unsigned(suite: Suite) -> None:
    """The module wants ``request_uri``, and is skipped where ``none`` is not in the list of algorithms; so is ``-ensure-request-object-with-redirect-uri``.

    What it would bring otherwise is refused, registered so or not.
    """
    said = suite.http.get("/.well-known/openid-configuration").json()
    assert said["request_uri_parameter_supported"] is True
    assert "none" not in said["request_object_signing_alg_values_supported"]
    uri = request_uri(suite)
    assert suite.register(request_uris=[uri], request_object_signing_alg="none").json()["error"] == "invalid_client_metadata"
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=False)
    client = suite.registered(request_uris=[uri], jwks={"keys": [key.as_dict(private=False)]})
    inside = object_claims(client)
    suite.server.status, suite.server.body = 200, f"{encode({'alg': 'none'})}.{encode(inside)}.".encode()
    assert bring(suite, client, uri, inside).returned["error"] == "invalid_request_object"
    by_value = {"request": suite.server.body.decode(), "redirect_uri": "https://rp.example/another"}
    assert is_shown_an_error(suite.ask(client, **by_value))


@pytest.mark.clause("OIDC Core 10.1.1")
def test_oidcc_server_rotate_keys(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.actions.choose_signing_key.KEY_RING_MAX_AGE_SECONDS", -1.0)
    client = suite.registered()
    before = jws.extract_compact(suite.tokens(client)["id_token"].encode()).headers()["kid"]
    made = replace_signing_key(idp.service.key_desk(suite.town.here.house.context), actor="test", algorithm="RS256")
    token = suite.tokens(client)["id_token"]
    assert jws.extract_compact(token.encode()).headers()["kid"] == made.key_id != before
    assert suite.read(token, "RS256")["aud"] == client["client_id"]
