"""From the authorization request to tokens, claims, fresh tokens and the end of it all, as a client goes through it."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

import idp.service
from crypto.jose import check_token, read_jwks
from crypto.sm2_form import SM2_FORMS, Sm2Form
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import change_account_status
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_registration import set_registration
from idp.model.people import AccountKind, AccountStatus
from idp.model.registrations import Registration, check_registration
from idp.store.registrations import put_registration
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, VERIFIER, Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

BYE = "https://rp.example/bye"
BASE = Registration(
    "own",
    redirect_uris=(CALLBACK,),
    post_logout_redirect_uris=(BYE,),
    grant_types=("authorization_code", "refresh_token"),
    is_own=True,
)


class Clients:
    """The town with real registrations, and their secrets."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.http = town.here.http
        self.desk = idp.service.client_desk(town.here.house.context)
        self.secrets: dict[str, str] = {}

    def add(self, registration: Registration, *scopes: str, audiences: tuple[str, ...] = ()) -> None:
        wanted = NewClient(registration.client_id.title(), scopes or ("seal.read",), audiences, client_id=registration.client_id)
        _, self.secrets[registration.client_id] = register_client(self.desk, wanted, actor="test")
        self.set(registration)

    def set(self, registration: Registration) -> None:
        set_registration(self.desk, registration, actor="test")

    def token(self, client: str = "own", /, **form: str) -> httpx.Response:
        return self.http.post("/oauth2/token", data=form, auth=(client, self.secrets[client]))

    def redeem(self, code: str, client: str = "own", /, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changes}
        return self.token(client, **form)

    def sign_in(self, browser: Browser | None = None, client: str = "own", /, **query: str) -> dict[str, Any]:
        """Tokens for the person ``jia``."""
        (browser := browser or Browser(self.town.here)).authorize(client, **query)
        if browser.heading == "Sign in":
            browser.log_in()
        answer = self.redeem(browser.returned["code"], client)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def is_let_in(self, tokens: dict[str, Any]) -> bool:
        said = self.read(tokens["access_token"], self.town.desk.issuer)
        gate = idp.service.client_check(self.town.here.house.context)
        key_id = jws.extract_compact(tokens["access_token"].encode()).headers()["kid"]
        return gate(Caller(said["client_id"], said["sub"], frozenset(), said["jti"], grant_id=said["gid"], key_id=key_id))

    def userinfo(self, token: str, method: str = "GET") -> httpx.Response:
        return self.http.request(method, "/oauth2/userinfo", headers={"authorization": f"Bearer {token}"})

    def read(self, token: str, audience: str) -> dict[str, Any]:
        """By a library of others, from the published keys."""
        keys = KeySet.import_key_set(self.http.get("/oauth2/jwks").json())
        claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
        assert (claims["aud"], claims["iss"]) == (audience, self.town.desk.issuer)
        return dict(claims)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("flow") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(BASE)
        found.add(replace(BASE, client_id="shop", is_own=False, purpose="To fill in your application"))
        found.add(replace(BASE, client_id="pair", subject_type="pairwise", person_scopes=("client.manage",)))
        found.add(replace(BASE, client_id="public", token_endpoint_auth_method="none"))
        found.add(replace(BASE, client_id="post", token_endpoint_auth_method="client_secret_post"))
        found.add(replace(BASE, client_id="signed", userinfo_signed_response_alg="ES256"))
        found.add(replace(BASE, client_id="old"))
        old = replace(BASE, client_id="old", id_token_signed_response_alg="HS256")  # as was taken once, and stands where it was
        found.desk.database.write(lambda connection: put_registration(connection, old, found.desk.clock.now(), found.desk.mac_key))
        found.add(replace(BASE, client_id="desk", is_own=False, person_scopes=("seal.use",)), "account.read", "seal.use")
        yield found


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["code"]


@pytest.mark.clause("OIDC Core 3.1.3.3")
def test_a_code_becomes_tokens_that_others_can_verify(clients: Clients) -> None:
    tokens = clients.sign_in(scope="openid profile phone", nonce="n-1", state="s1")
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 600, "openid profile phone")
    said = clients.read(tokens["id_token"], "own")
    half = base64.urlsafe_b64encode(hashlib.sha256(tokens["access_token"].encode()).digest()[:16]).rstrip(b"=").decode()
    assert (said["nonce"], said["at_hash"], said["azp"], said["acr"], said["amr"]) == ("n-1", half, "own", "urn:yinxin:loa:2", ["pwd"])
    assert said["exp"] > said["iat"] >= said["auth_time"]
    may = clients.read(tokens["access_token"], clients.town.desk.issuer)
    assert (may["sub"], may["client_id"], may["scope"]) == (said["sub"], "own", tokens["scope"])
    assert jws.extract_compact(tokens["access_token"].encode()).headers()["typ"] == "at+jwt"
    assert "name" not in said
    for method in ("GET", "POST"):
        told = clients.userinfo(tokens["access_token"], method)
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
        assert {k: told.json()[k] for k in ("sub", "name", "gender", "phone_number")} == {
            "sub": said["sub"], "name": "测试甲", "gender": "female", "phone_number": "13800000000"}  # fmt: skip
        assert "email" not in told.json()


@pytest.mark.clause("OIDC Core 5.5")
def test_the_claims_parameter_puts_claims_where_they_are_asked_for(clients: Clients) -> None:
    tokens = clients.sign_in(scope="openid", claims=json.dumps({"id_token": {"name": None}, "userinfo": {"phone_number": None}}))
    assert clients.read(tokens["id_token"], "own")["name"] == "测试甲"
    told = clients.userinfo(tokens["access_token"]).json()
    assert told["phone_number"] == "13800000000"
    assert "name" not in told


@pytest.mark.clause("OIDC Core 5.3.2")
def test_userinfo_is_signed_for_a_client_that_wants_it_so(clients: Clients) -> None:
    tokens = clients.sign_in(None, "signed")
    answer = clients.userinfo(tokens["access_token"])
    assert answer.headers["content-type"].startswith("application/jwt")
    assert clients.read(answer.text, "signed")["name"] == "测试甲"


@pytest.mark.clause("OIDC Core 8.1")
def test_two_sectors_know_a_person_under_two_names(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    first = clients.read(clients.sign_in(browser)["id_token"], "own")["sub"]
    tokens = clients.sign_in(browser, "pair")
    second = clients.read(tokens["id_token"], "pair")["sub"]
    assert first.startswith("pe_")
    assert second.startswith("pw_")
    assert clients.userinfo(tokens["access_token"]).json()["sub"] == second
    assert clients.read(clients.sign_in(browser, "pair")["id_token"], "pair")["sub"] == second
    # As a hint it names the person again, to this client alone
    browser.authorize("pair", prompt="none", id_token_hint=tokens["id_token"])
    assert browser.returned["code"]
    browser.authorize("own", prompt="none", id_token_hint=tokens["id_token"])
    assert browser.returned["error"] == "invalid_request"


@pytest.mark.clause("OIDC Core 3.1.2.5")
def test_form_post_brings_the_code_in_a_form(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("own", response_mode="form_post")
    browser.log_in()
    assert browser.answer.status_code == 200
    assert f'action="{CALLBACK}"' in browser.answer.text
    assert 'name="code"' in browser.answer.text
    assert "form-action" in browser.answer.headers["content-security-policy"]


@pytest.mark.clause("RFC 8252 7.3")
@pytest.mark.parametrize(
    ("address", "source"),
    [("http://[::1]:8000/cb", "http://*:8000"), ("http://[::1]/cb", "http://*"), ("https://[2001:db8::1]:8443/cb", "https://*:8443")],
)
def test_pages_lead_back_to_an_address_of_ipv6(clients: Clients, address: str, source: str) -> None:
    """Policies cannot name one, and browsers pass over what they cannot read: they held back the very form by which one signs in."""
    client = f"six-{len(source)}"
    clients.add(replace(BASE, client_id=client, redirect_uris=(address,)))
    browser = Browser(clients.town.here)
    browser.authorize(client, redirect_uri=address)
    assert f"; form-action 'self' {source}; " in browser.answer.headers["content-security-policy"]
    browser.log_in()
    assert browser.answer.headers["location"].startswith(address + "?code=")


@pytest.mark.clause("RFC 6749 4.1.2", "RFC 9700 4.14.2")
def test_a_code_is_good_once_and_its_second_use_ends_what_the_first_gave(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("own")
    browser.log_in()
    code = browser.returned["code"]
    tokens = clients.redeem(code).json()
    assert refused(clients.redeem(code)) == (400, "invalid_grant", "CODE_REUSED")
    assert clients.userinfo(tokens["access_token"]).status_code == 401
    answer = clients.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused(answer) == (400, "invalid_grant", "GRANT_ENDED")
    assert any("code reused" in entry for entry in clients.town.audited("token.refuse"))


@pytest.mark.parametrize(
    ("client", "changes"),
    [
        ("own", {"code_verifier": "x" * 43}),
        ("own", {"code_verifier": ""}),
        ("own", {"redirect_uri": CALLBACK + "/"}),
        ("own", {"redirect_uri": ""}),
        ("own", {"code": "nonsense"}),
        ("shop", {}),
    ],
)
def test_a_code_is_bound_to_client_address_and_challenge(clients: Clients, client: str, changes: dict[str, str]) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("own")
    browser.log_in()
    code = browser.returned["code"]
    assert (
        refused(clients.redeem(changes.get("code", code), client, **{k: v for k, v in changes.items() if k != "code"}))[1]
        == "invalid_grant"
    )
    assert clients.redeem(code).status_code == 200, "a wrong try of somebody else does not spend it"


@pytest.mark.clause("RFC 6749 2.3.1")
def test_a_client_is_let_in_by_the_method_it_registered_alone(clients: Clients) -> None:
    http = clients.http
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    secret = clients.secrets["post"]
    assert refused(http.post("/oauth2/token", data=form, auth=("post", secret)))[1] == "invalid_client"
    assert refused(http.post("/oauth2/token", data={**form, "client_id": "post", "client_secret": secret}))[1] == "invalid_grant"
    assert (
        refused(http.post("/oauth2/token", data={**form, "client_id": "own", "client_secret": clients.secrets["own"]}))[1]
        == "invalid_client"
    )
    for wrong in ({"client_id": "own"}, {"client_id": "nobody"}, {"client_id": "public", "client_secret": "x"}, {}):
        assert refused(http.post("/oauth2/token", data={**form, **wrong}))[1] == "invalid_client"
    assert refused(http.post("/oauth2/token", data={**form, "client_id": "public"}))[1] == "invalid_grant"
    assert refused(clients.token(grant_type="client_credentials")) == (400, "unauthorized_client", "GRANT_NOT_ALLOWED")
    assert refused(clients.token(grant_type="password"))[1] == "unsupported_grant_type"
    assert refused(clients.token(grant_type="authorization_code"))[2] == "TOKEN_PARAMETER_MISSING"
    assert refused(clients.token(grant_type="refresh_token"))[2] == "TOKEN_PARAMETER_MISSING"


def test_a_client_without_credentials_signs_people_in_by_pkce_alone(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("public")
    browser.log_in()
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "client_id": "public", "code": browser.returned["code"]}
    assert refused(clients.http.post("/oauth2/token", data=form))[1] == "invalid_grant"
    assert clients.http.post("/oauth2/token", data={**form, "code_verifier": VERIFIER}).status_code == 200
    browser.authorize("public", code_challenge="", code_challenge_method="")
    assert browser.returned["error"] == "invalid_request"


@pytest.mark.clause("RFC 8252 7.3")
def test_a_program_on_ones_own_device_gets_its_code_at_the_port_that_was_free(clients: Clients) -> None:
    clients.add(replace(BASE, client_id="native", token_endpoint_auth_method="none", redirect_uris=("http://127.0.0.1/cb",)))
    address = "http://127.0.0.1:51004/cb"
    browser = Browser(clients.town.here)
    browser.authorize("native", redirect_uri=address)
    assert "form-action 'self' http://127.0.0.1:51004; " in browser.answer.headers["content-security-policy"]
    browser.log_in()
    location, _, query = browser.answer.headers["location"].partition("?")
    code = httpx.QueryParams(query)["code"]
    assert location == address
    form = {"grant_type": "authorization_code", "client_id": "native", "code": code, "code_verifier": VERIFIER}
    other = clients.http.post("/oauth2/token", data={**form, "redirect_uri": "http://127.0.0.1:51005/cb"})
    assert refused(other)[1] == "invalid_grant", "the code is for the address that was asked for"
    assert clients.http.post("/oauth2/token", data={**form, "redirect_uri": address}).status_code == 200
    browser = Browser(clients.town.here)
    browser.authorize("own", redirect_uri=address)
    assert "location" not in browser.answer.headers
    assert browser.heading == "This cannot go on"


@pytest.mark.clause("RFC 6749 3.1.2")
@pytest.mark.parametrize(
    ("address", "joint"), [("https://rp.example/cb?", ""), ("https://rp.example/cb?a=", "&"), ("https://rp.example/cb?a", "&")]
)
def test_what_stands_in_a_registered_address_stays_and_the_answer_comes_behind(clients: Clients, address: str, joint: str) -> None:
    client = f"query-{len(address)}"
    clients.add(replace(BASE, client_id=client, redirect_uris=(address,), post_logout_redirect_uris=(address,)))
    browser = Browser(clients.town.here)
    browser.authorize(client, redirect_uri=address)
    browser.log_in()
    assert browser.answer.headers["location"].startswith(address + joint + "code=")
    code = httpx.QueryParams(browser.answer.headers["location"].partition("?")[2])["code"]
    tokens = clients.redeem(code, client, redirect_uri=address).json()
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": address, "state": "z"}
    browser.send("GET", str(httpx.URL("/logout", params=query)))
    assert browser.answer.headers["location"] == address + joint + "state=z"


@pytest.mark.clause("RFC 6749 6", "RFC 9700 4.14.2")
def test_refresh_tokens_rotate_and_a_used_one_ends_the_family(clients: Clients) -> None:
    first = clients.sign_in(scope="openid profile phone", nonce="n")
    second = clients.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert "nonce" not in clients.read(second["id_token"], "own")
    assert clients.read(second["id_token"], "own")["sub"] == clients.read(first["id_token"], "own")["sub"]
    narrow = clients.token(grant_type="refresh_token", refresh_token=second["refresh_token"], scope="openid").json()
    assert narrow["scope"] == "openid"
    assert "name" not in clients.userinfo(narrow["access_token"]).json()
    answer = clients.token(grant_type="refresh_token", refresh_token=narrow["refresh_token"], scope="openid email")
    assert refused(answer)[1] == "invalid_scope"
    assert refused(clients.token("shop", grant_type="refresh_token", refresh_token=narrow["refresh_token"]))[2] == "REFRESH_INVALID"
    # The thief and the client cannot both have it: whoever comes second ends it for both
    assert refused(clients.token(grant_type="refresh_token", refresh_token=first["refresh_token"]))[2] == "REFRESH_REUSED"
    assert refused(clients.token(grant_type="refresh_token", refresh_token=narrow["refresh_token"]))[2] == "GRANT_ENDED"
    assert clients.userinfo(narrow["access_token"]).status_code == 401


def test_of_sixteen_at_once_one_gets_new_tokens(clients: Clients) -> None:
    token = clients.sign_in()["refresh_token"]
    browser = Browser(clients.town.here)
    browser.authorize("own")
    browser.log_in()
    code = browser.returned["code"]
    with ThreadPoolExecutor(16) as pool:
        refreshed = list(pool.map(lambda _: clients.token(grant_type="refresh_token", refresh_token=token).status_code, range(16)))
        redeemed = list(pool.map(lambda _: clients.redeem(code).status_code, range(16)))
    assert sorted(refreshed) == [200] + [400] * 15
    assert sorted(redeemed) == [200] + [400] * 15


@pytest.mark.clause("OIDC RPInitiated 2")
def test_signing_out_ends_session_grants_and_tokens_and_goes_back(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    kept = clients.sign_in(browser, "own", scope="openid offline_access")
    tokens = clients.sign_in(browser)
    browser.send(
        "GET", str(httpx.URL("/logout", params={"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "z"}))
    )
    assert browser.answer.status_code == 303
    assert browser.answer.headers["location"] == BYE + "?state=z"
    assert clients.userinfo(tokens["access_token"]).status_code == 401
    assert refused(clients.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]))[2] == "GRANT_ENDED"
    assert clients.token(grant_type="refresh_token", refresh_token=kept["refresh_token"]).status_code == 200, "offline access outlives it"
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "login_required"


def test_where_to_go_after_signing_out_is_what_was_registered_or_nowhere(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    tokens = clients.sign_in(browser)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://evil.example/"}
    browser.send("GET", str(httpx.URL("/logout", params=query)))
    assert browser.heading == "Sign out?", "a request that its client cannot have meant so ends nothing by itself"
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
    assert browser.answer.headers["location"] == "/logout/done"
    browser = Browser(clients.town.here)
    tokens = clients.sign_in(browser)
    signed, _, signature = tokens["id_token"].rpartition(".")
    browser.go("/logout", id_token_hint=f"{signed}.{signature[::-1]}", post_logout_redirect_uri=BYE)
    assert browser.heading == "Sign out?"


def test_attack_a_sign_out_that_says_something_twice_ends_nothing(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    tokens = clients.sign_in(browser)
    query = str(httpx.QueryParams({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE}))
    for twice in ("id_token_hint=x", "post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F", "state=a&state=b"):
        for whole in (f"{query}&{twice}", f"{twice}&{query}"):
            browser.send("GET", f"/logout?{whole}")
            assert (browser.answer.status_code, "location" in browser.answer.headers) == (400, False)
            assert "FORM_UNREADABLE" in browser.answer.text
    assert clients.userinfo(tokens["access_token"]).status_code == 200


def test_a_disabled_account_has_no_tokens_any_more(clients: Clients) -> None:
    person = clients.town.person("zai")
    browser = Browser(clients.town.here)
    browser.authorize("own", scope="openid offline_access")
    browser.log_in("zai")
    tokens = clients.redeem(browser.returned["code"]).json()
    assert clients.is_let_in(tokens)
    change_account_status(clients.town.desk, person.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert not clients.is_let_in(tokens)
    assert clients.userinfo(tokens["access_token"]).status_code == 401
    assert refused(clients.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]))[2] == "GRANT_ENDED"


def test_who_acts_for_an_organisation_is_named_beside_it(clients: Clients) -> None:
    person, organisation = clients.town.person("bing", name="测试丙"), clients.town.organisation()
    grant_agent(clients.town.desk, organisation.account_id, person.account_id, actor="test")
    browser = Browser(clients.town.here)
    browser.authorize("own")
    browser.log_in("bing")
    browser.submit("acting", acting_for=organisation.account_id)
    tokens = clients.redeem(browser.returned["code"]).json()
    said = clients.read(tokens["id_token"], "own")
    assert (said["sub"], said["act"]) == (organisation.account_id, {"sub": person.account_id})
    assert clients.userinfo(tokens["access_token"]).json()["name"] == "测试有限公司"
    assert clients.is_let_in(tokens)
    change_account_status(clients.town.desk, organisation.account_id, AccountKind.ORGANISATION, AccountStatus.DISABLED, actor="test")
    assert not clients.is_let_in(tokens)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_userinfo_refuses_what_is_no_token_of_a_person(clients: Clients, token: str) -> None:
    answer = clients.userinfo(token)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]
    assert clients.http.get("/oauth2/userinfo").headers["www-authenticate"] == 'Bearer realm="yinxin"'


def test_userinfo_wants_an_access_token_with_openid(clients: Clients) -> None:
    tokens = clients.sign_in()
    assert clients.userinfo(tokens["id_token"]).status_code == 401
    without = clients.sign_in(scope="profile")
    assert "id_token" not in without
    answer = clients.userinfo(without["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


def test_an_algorithm_that_we_have_not_is_said_to_be_so(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("old")
    browser.log_in()
    assert refused(clients.redeem(browser.returned["code"], "old"))[2] == "JWS_ALGORITHM_UNSUPPORTED"


@pytest.mark.clause("OIDC Core 15.1")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA", "SGD_SM3_SM2"])
def test_id_tokens_are_signed_as_the_client_registered(clients: Clients, algorithm: str) -> None:
    client = f"alg-{algorithm.lower().replace('_', '-')}"
    clients.add(replace(BASE, client_id=client, id_token_signed_response_alg=algorithm))
    tokens = clients.sign_in(None, client)
    gm = algorithm == "SGD_SM3_SM2"
    keys = read_jwks(clients.http.get("/oauth2/gm-jwks" if gm else "/oauth2/jwks").content, gm=gm)
    checked = check_token(tokens["id_token"], keys, token_type="jwt")
    assert (checked.header["alg"], checked.claims["aud"]) == (algorithm, client)
    hashed = {"RS256": hashlib.sha256, "PS256": hashlib.sha256, "EdDSA": hashlib.sha512}.get(
        algorithm, lambda data: hashlib.new("sm3", data)
    )
    digest = hashed(tokens["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert checked.claims["at_hash"] == half
    assert clients.read(tokens["access_token"], clients.town.desk.issuer)["client_id"] == client


@pytest.mark.parametrize("form", ["raw", "der"])
@pytest.mark.parametrize("name", ["SGD_SM3_SM2", "SM2"])
def test_a_client_reads_sm2_as_it_registered(clients: Clients, name: str, form: str) -> None:
    """Everything that is signed for it, and nothing in another form: the bytes of GM/T 0125.2 are not public, and libraries differ."""
    client, own = f"sm2-{name.lower().replace('_', '-')}-{form}", Sm2Form(name, is_der=form == "der")  # type: ignore[arg-type]
    gm = "SGD_SM3_SM2"
    members: dict[str, Any] = {"sm2_jws_alg": name, "sm2_signature_form": form, "userinfo_signed_response_alg": gm}
    members |= {"id_token_signed_response_alg": gm, "introspection_signed_response_alg": gm}
    clients.add(replace(BASE, client_id=client, **members))
    browser = Browser(clients.town.here)
    tokens = clients.sign_in(browser, client)
    keys = read_jwks(clients.http.get("/oauth2/gm-jwks").content, gm=True)
    statement = clients.http.post(
        "/oauth2/introspect",
        data={"token": tokens["access_token"]},
        auth=(client, clients.secrets[client]),
        headers={"accept": "application/token-introspection+jwt"},
    ).text
    for token, kind in (
        (tokens["id_token"], "jwt"),
        (clients.userinfo(tokens["access_token"]).text, "jwt"),
        (statement, "token-introspection+jwt"),
    ):
        checked = check_token(token, keys, token_type=kind, sm2_forms=(own,))
        assert (checked.header["alg"], checked.claims["aud"]) == (name, client)
        signature = base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")
        assert (len(signature) == 64) == (form == "raw")
        for other in SM2_FORMS:
            if other != own:
                with pytest.raises(TrustError, match="JWS_INVALID"):
                    check_token(token, keys, token_type=kind, sm2_forms=(other,))
    # As a hint it is read by whichever form it was made in; an access token stays what resource servers read
    browser.authorize(client, prompt="none", id_token_hint=tokens["id_token"])
    assert browser.returned["code"]
    assert clients.read(tokens["access_token"], clients.town.desk.issuer)["client_id"] == client


@pytest.mark.parametrize(
    "members",
    [
        {"sm2_jws_alg": "SM2"},
        {"sm2_signature_form": "der"},
        {"id_token_signed_response_alg": "SGD_SM3_SM2", "sm2_jws_alg": "ES256"},
        {"id_token_signed_response_alg": "SGD_SM3_SM2", "sm2_jws_alg": "none"},
        {"id_token_signed_response_alg": "SGD_SM3_SM2", "sm2_signature_form": "DER"},
        {"id_token_signed_response_alg": "SGD_SM3_SM2", "sm2_signature_form": ""},
        {"id_token_signed_response_alg": "SM2", "sm2_jws_alg": "SM2"},
    ],
)
def test_attack_forms_of_sm2_are_of_two_and_for_clients_that_asked_for_it(members: dict[str, Any]) -> None:
    with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
        check_registration(replace(BASE, **members))


def test_registration_over_http(clients: Clients) -> None:
    _, secret = register_client(clients.desk, NewClient("Admin", ("client.manage",), client_id="admin"), actor="test")
    token = clients.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("admin", secret)).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    path = "/v1/clients/admin/registration"
    assert clients.http.get(path, headers=headers).status_code == 404
    body = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "client_credentials"]}
    put = clients.http.request("PUT", path, headers=headers, json=body)
    assert put.status_code == 200, put.text
    assert put.headers["etag"] == '"2"'
    assert clients.http.get(path, headers=headers).json()["redirect_uris"] == [CALLBACK]
    wrong = clients.http.request("PUT", path, headers=headers, json={**body, "redirect_uris": ["http://rp.example/cb"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "CLIENT_FIELD_INVALID")
    assert clients.http.request("PUT", path, headers=headers, json={**body, "unknown": 1}).status_code == 422
    assert clients.http.request("PUT", "/v1/clients/nobody/registration", headers=headers, json=body).status_code == 404


def test_what_a_client_may_do_itself_is_never_a_persons(clients: Clients) -> None:
    """Only what was registered as a person's to grant can be asked for, and the person sees it, in his language, before he grants it."""
    for client, scope in (("own", "openid seal.read"), ("public", "openid seal.read"), ("desk", "openid account.read seal.use")):
        browser = Browser(clients.town.here)
        browser.authorize(client, scope=scope)
        assert browser.returned["error"] == "invalid_scope", client
    told = {"zh": ("使用您被授权的印章签章", "90 天"), "en": ("seal documents with the seals you were granted", "90 days")}
    for language, (power, stays) in told.items():
        browser = Browser(clients.town.here, language)
        browser.authorize("desk", scope="openid profile seal.use offline_access")
        browser.log_in()
        assert power in browser.answer.text
        assert stays in browser.answer.text
    browser = Browser(clients.town.here)
    browser.authorize("desk", scope="openid profile")
    browser.log_in()
    assert "seal documents" not in browser.answer.text
    browser.submit("consent")
    browser.authorize("desk", scope="openid seal.use")
    browser.submit("consent")
    tokens = clients.redeem(browser.returned["code"], "desk").json()
    assert tokens["scope"] == "openid seal.use"
    # What the registration loses, a fresh token loses too
    clients.set(replace(BASE, client_id="desk", is_own=False))
    fresh = clients.token("desk", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert fresh["scope"] == "openid"


def test_an_api_knows_the_human_behind_a_name_that_only_one_client_has_for_him(clients: Clients) -> None:
    tokens = clients.sign_in(Browser(clients.town.here), "pair", scope="openid client.manage")
    said = clients.read(tokens["access_token"], clients.town.desk.issuer)
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    for name in ("one", "two"):  # found once, remembered then
        made = clients.http.post("/v1/clients", headers=headers, json={"name": name, "scopes": []})
        person = clients.read(clients.sign_in()["access_token"], clients.town.desk.issuer)["sub"]
        assert made.json()["created_by"] == f"client:pair for {said['sub']} by {person}"
    nobody = Caller("pair", said["sub"], frozenset(), grant_id="gr_none")
    behind = idp.service.accounts_behind(clients.town.here.house.context)
    assert (behind(nobody), behind(replace(nobody, grant_id=""))) == ("", "")


def test_an_address_that_is_not_registered_gets_nothing(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.authorize("own", redirect_uri="https://rp.example/cb/../evil")
    assert browser.answer.status_code == 422
    assert "location" not in browser.answer.headers
    assert parse_qs(urlsplit(str(browser.answer.headers.get("location", ""))).query) == {}
