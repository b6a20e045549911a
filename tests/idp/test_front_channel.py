"""Tokens by way of the browser (OpenID Connect Core 3.2): where the operator has opened it, for clients that registered it, and for nobody else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from crypto.jose import check_token, read_jwks
from idp.actions.register_client import NewClient, register_client
from idp.actions.register_itself import issue_initial_token
from idp.model.openings import FRONT_TOKEN_SECONDS
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = "id_token token"
IMPLICIT = replace(
    BASE,
    client_id="front",
    grant_types=("implicit",),
    response_types=("id_token", BOTH),
    is_own=False,
    purpose="To fill in your application",
)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    folder = make_deployment(tmp_path_factory.mktemp("front") / "deployment", services=["idp"], **{"openid.implicit": True})
    with served_here(folder) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(IMPLICIT)
        found.add(BASE)
        found.add(replace(IMPLICIT, client_id="alone", response_types=("id_token",), is_own=True))
        found.add(replace(IMPLICIT, client_id="pair", subject_type="pairwise", is_own=True, id_token_signed_response_alg="RS256"))
        found.add(replace(IMPLICIT, client_id="edwards", is_own=True, id_token_signed_response_alg="EdDSA"))
        found.add(replace(IMPLICIT, client_id="narrow", is_own=True, allowed_claims=("name",)))
        both = ("authorization_code", "implicit")
        found.add(replace(IMPLICIT, client_id="mixed", is_own=True, grant_types=both, response_types=("code", *IMPLICIT.response_types)))
        found.add(replace(IMPLICIT, client_id="pushing", is_own=True, require_pushed_authorization_requests=True))
        yield found


def ask(browser: Browser, client: str = "front", **changes: str) -> Browser:
    """Open the authorization endpoint, and do what its pages want. An empty value leaves a parameter out."""
    given = {"client_id": client, "redirect_uri": CALLBACK, "response_type": BOTH, "scope": "openid profile", "state": "s", "nonce": "n"}
    browser.go("/authorize", **{name: value for name, value in (given | changes).items() if value})
    if browser.heading == "Sign in":
        browser.log_in()
    if browser.heading == "Your consent":
        browser.submit("consent")
    return browser


def came(browser: Browser, mark: str = "#") -> dict[str, str]:
    """What the client was sent: behind the one mark, and nothing in any other place of the address."""
    answer = browser.answer
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store"), answer.text
    location = answer.headers["location"]
    assert location.startswith(CALLBACK + mark), location
    parts = urlsplit(location)
    assert not (parts.query if mark == "#" else parts.fragment)
    return {name: values[0] for name, values in parse_qs(location.partition(mark)[2], strict_parsing=True).items()}


def read(clients: Clients, token: str, client: str = "front", algorithm: str = "ES256") -> dict[str, Any]:
    published = clients.http.get("/oauth2/jwks")
    if algorithm == "EdDSA":  # of which the other library warns (RFC 9864)
        claims = dict(check_token(token, read_jwks(published.content), token_type="jwt").claims)
    else:
        claims = dict(jwt.decode(token, KeySet.import_key_set(published.json()), algorithms=[algorithm]).claims)
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (clients.town.desk.issuer, client, "n")
    return claims


def half(token: str, hash_name: str = "sha256") -> str:
    digest = hashlib.new(hash_name, token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.clause("OIDC Core 3.2.2.5", "OIDC Core 3.2.2.9", "OIDC Core 3.2.2.10", "RFC 9207 2")
def test_both_tokens_come_in_the_fragment(clients: Clients) -> None:
    before = len(clients.town.audited("token.issue"))
    fields = came(ask(Browser(clients.town.here)))
    assert set(fields) == {"access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss"}
    assert (fields["state"], fields["iss"], fields["token_type"]) == ("s", clients.town.desk.issuer, "Bearer")
    assert (fields["expires_in"], fields["scope"]) == (str(FRONT_TOKEN_SECONDS), "openid profile")
    said = read(clients, fields["id_token"])
    assert said["at_hash"] == half(fields["access_token"])
    assert "name" not in said, "what userinfo tells need not lie in the browser's address"
    assert "c_hash" not in said
    keys = read_jwks(clients.http.get("/oauth2/jwks").content)
    may = check_token(fields["access_token"], keys, token_type="at+jwt").claims
    assert (may["client_id"], may["sub"], may["exp"] - may["iat"]) == ("front", said["sub"], FRONT_TOKEN_SECONDS)
    told = clients.userinfo(fields["access_token"])
    assert (told.status_code, told.json()["name"], told.json()["sub"]) == (200, "测试甲", said["sub"])
    (record,) = clients.town.audited("token.issue")[before:]
    facts = json.loads(record)["facts"]
    assert (facts["by"], facts["response_type"], facts["grant"], facts["refresh"]) == ("implicit", BOTH, may["gid"], False)


@pytest.mark.clause("OIDC Core 5.4")
def test_an_id_token_alone_says_what_its_scopes_name(clients: Clients) -> None:
    fields = came(ask(Browser(clients.town.here), "alone", response_type="id_token", scope="openid profile phone"))
    assert set(fields) == {"id_token", "state", "iss"}
    said = read(clients, fields["id_token"], "alone")
    assert (said["name"], said["phone_number"], said["gender"]) == ("测试甲", "13800000000", "female")
    assert "at_hash" not in said
    assert "email" not in said
    narrow = came(ask(Browser(clients.town.here), "narrow", response_type="id_token", scope="openid profile phone"))
    assert {"name", "phone_number", "gender"} & set(read(clients, narrow["id_token"], "narrow")) == {"name"}
    claims = json.dumps({"id_token": {"phone_number": None}})
    both = came(ask(Browser(clients.town.here), "pair", scope="openid profile", claims=claims))
    assert {"name", "phone_number"} & set(read(clients, both["id_token"], "pair", "RS256")) == {"phone_number"}


def test_consent_shows_no_more_and_no_less_than_for_a_code_and_offline_access_comes_to_nothing(clients: Clients) -> None:
    clients.add(replace(IMPLICIT, client_id="asking"))
    browser = Browser(clients.town.here)
    given = {"client_id": "asking", "redirect_uri": CALLBACK, "response_type": "id_token", "scope": "openid profile offline_access"}
    browser.go("/authorize", **given, state="s", nonce="n", prompt="consent")
    browser.log_in()
    assert browser.heading == "Your consent"
    assert "Asking" in browser.answer.text
    assert "after you sign out" not in browser.answer.text
    browser.submit("consent")
    assert set(came(browser)) == {"id_token", "state", "iss"}
    assert "offline" not in clients.town.audited("token.issue")[-1]
    with clients.desk.database.read() as connection:
        codes = connection.exec_driver_sql("SELECT spent_at IS NOT NULL, grant_id FROM idp_codes WHERE client_id = 'asking'").all()
        refresh = connection.exec_driver_sql("SELECT count(*) FROM idp_refresh_tokens WHERE grant_id = ?", (codes[0][1],)).scalar()
    assert ([each[0] for each in codes], refresh) == ([1], 0), "the code that stood for it is spent, and nothing outlives the tokens"


def test_who_is_signed_in_is_answered_without_a_page(clients: Clients) -> None:
    browser = ask(Browser(clients.town.here), "alone", response_type="id_token")
    first = came(browser)
    browser.go("/authorize", client_id="alone", redirect_uri=CALLBACK, response_type="id_token", scope="openid", nonce="n", prompt="none")
    again = came(browser)
    assert read(clients, again["id_token"], "alone")["sub"] == read(clients, first["id_token"], "alone")["sub"]
    assert "state" not in again
    browser.go("/authorize", client_id="front", redirect_uri=CALLBACK, response_type=BOTH, scope="openid email", nonce="n", prompt="none")
    assert came(browser)["error"] == "consent_required"


@pytest.mark.parametrize(("client", "algorithm", "hash_name"), [("pair", "RS256", "sha256"), ("edwards", "EdDSA", "sha512")])
def test_signed_as_registered_and_bound_to_the_token_beside_it(clients: Clients, client: str, algorithm: str, hash_name: str) -> None:
    """Words of a response type have no order; and an access token of another answer is none of this ID token's."""
    first, second = (came(ask(Browser(clients.town.here), client, response_type="token id_token")) for _ in range(2))
    told = [read(clients, fields["id_token"], client, algorithm) for fields in (first, second)]
    assert [said["at_hash"] for said in told] == [half(fields["access_token"], hash_name) for fields in (first, second)]
    assert told[0]["at_hash"] != told[1]["at_hash"]
    assert told[0]["sub"] == told[1]["sub"]
    assert told[0]["sub"].startswith("pw_" if client == "pair" else "pe_")


@pytest.mark.clause("OIDC FormPost 2")
def test_they_come_by_form_post_where_that_is_asked_for(clients: Clients) -> None:
    browser = ask(Browser(clients.town.here), "pair", response_mode="form_post")
    text = browser.answer.text
    assert browser.answer.status_code == 200
    assert f'method="post" action="{CALLBACK}"' in text
    fields = {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)}
    assert set(fields) == {"access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss"}
    assert read(clients, fields["id_token"], "pair", "RS256")["at_hash"] == half(fields["access_token"])


ATTACKS: list[tuple[str, dict[str, str], str, str]] = [
    ("front", {"response_mode": "query"}, "invalid_request", "#"),  # tokens never in a query
    ("front", {"response_mode": "fragment.jwt"}, "invalid_request", "#"),
    ("front", {"nonce": ""}, "invalid_request", "#"),
    ("front", {"scope": "profile"}, "invalid_scope", "#"),
    ("front", {"scope": ""}, "invalid_scope", "#"),
    ("front", {"dpop_jkt": "A" * 43}, "invalid_request", "#"),  # a token by way of the browser is bound to nobody's key
    ("front", {"response_type": "token"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "code id_token"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "code token"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "code id_token token"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "id_token  token"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "token token"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "ID_TOKEN"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "none"}, "unsupported_response_type", "?"),
    ("front", {"response_type": "code"}, "unauthorized_client", "?"),  # it registered none
    ("alone", {}, "unauthorized_client", "#"),  # it registered ID tokens alone
    ("own", {}, "unauthorized_client", "#"),
    ("own", {"response_type": "id_token"}, "unauthorized_client", "#"),
    ("own", {"response_mode": "fragment", "response_type": "code"}, "invalid_request", "?"),
    ("pushing", {}, "invalid_request", "#"),
    ("front", {"prompt": "none"}, "login_required", "#"),
    ("front", {"request_uri": "https://rp.example/object"}, "request_uri_not_supported", "#"),
]


@pytest.mark.clause("OIDC Core 3.2.2.1", "OIDC Core 3.2.2.6", "OIDC MultipleResponseTypes 5", "RFC 6749 4.2.2.1")
@pytest.mark.parametrize(("client", "changes", "error", "mark"), ATTACKS)
def test_attack_what_is_refused_is_told_where_an_answer_would_be(
    clients: Clients, client: str, changes: dict[str, str], error: str, mark: str
) -> None:
    before = len(clients.town.audited("token.issue"))
    fields = came(ask(Browser(clients.town.here), client, **changes), mark)
    assert (fields["error"], fields["state"], fields["iss"]) == (error, "s", clients.town.desk.issuer)
    assert not {"code", "id_token", "access_token"} & set(fields)
    assert len(clients.town.audited("token.issue")) == before


def test_who_refuses_is_answered_in_the_fragment(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.go("/authorize", client_id="front", redirect_uri=CALLBACK, response_type=BOTH, scope="openid", nonce="n", state="s")
    browser.submit("cancel")
    assert came(browser) == {"error": "access_denied", "state": "s", "iss": clients.town.desk.issuer}
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:yinxin:loa:4"]}}})
    assert came(ask(browser, "alone", response_type="id_token", claims=claims))["error"] == "unmet_authentication_requirements"


def test_attack_a_wrong_address_hears_nothing(clients: Clients) -> None:
    for address in ("https://evil.example/", CALLBACK + "#x", CALLBACK + "?x"):
        browser = Browser(clients.town.here)
        browser.go("/authorize", client_id="front", redirect_uri=address, response_type=BOTH, scope="openid", nonce="n")
        assert (browser.answer.status_code, browser.answer.headers.get("location")) == (422, None)


@pytest.mark.clause("RFC 9126 4")
def test_it_may_be_pushed_and_then_counts_once(clients: Clients) -> None:
    auth = ("pushing", clients.secrets["pushing"])
    form = {"response_type": BOTH, "redirect_uri": CALLBACK, "scope": "openid", "nonce": "n", "state": "s"}
    pushed = clients.http.post("/oauth2/par", data=form, auth=auth).json()["request_uri"]
    browser = Browser(clients.town.here)
    browser.go("/authorize", client_id="pushing", request_uri=pushed)
    browser.log_in()
    assert read(clients, came(browser)["id_token"], "pushing")["at_hash"]
    browser.go("/authorize", client_id="pushing", request_uri=pushed)
    assert (browser.answer.status_code, browser.answer.headers.get("location")) == (422, None)
    for changes, error in (({"nonce": ""}, "invalid_request"), ({"response_type": "code id_token"}, "unsupported_response_type")):
        assert clients.http.post("/oauth2/par", data={**form, **changes}, auth=auth).json()["error"] == error


def test_tokens_count_against_the_rate_of_their_client(clients: Clients) -> None:
    wanted = NewClient("Slow", ("seal.read",), client_id="slow", tokens_per_minute=1)
    register_client(clients.desk, wanted, actor="test")
    clients.set(replace(IMPLICIT, client_id="slow", is_own=True))
    assert came(ask(Browser(clients.town.here), "slow"))["access_token"]
    answer = ask(Browser(clients.town.here), "slow").answer
    assert (answer.status_code, answer.headers.get("location")) == (429, None)
    assert int(answer.headers["retry-after"]) > 0


def test_the_token_endpoint_knows_nothing_of_it(clients: Clients) -> None:
    answer = clients.token("front", grant_type="implicit")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    answer = clients.token("front", grant_type="authorization_code", code="x", redirect_uri=CALLBACK)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_a_code_of_a_client_with_both_is_no_weaker(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.go("/authorize", client_id="mixed", redirect_uri=CALLBACK, response_type="code", scope="openid", nonce="n", state="s")
    assert came(browser, "?")["error_description"] == "code_challenge is missing"
    clients_tokens = clients.sign_in(Browser(clients.town.here), "mixed", nonce="n")
    assert clients_tokens["expires_in"] == 600


def test_the_access_token_ends_with_the_session(clients: Clients) -> None:
    browser = ask(Browser(clients.town.here))
    token = came(browser)["access_token"]
    assert clients.userinfo(token).status_code == 200
    browser.go("/logout")
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes"})
    assert clients.userinfo(token).status_code == 401


def test_what_the_client_lost_since_the_sign_in_began_is_not_handed_out(clients: Clients) -> None:
    """Half an hour may lie between the two: the registration that counts is that of the answer."""
    registration = replace(IMPLICIT, client_id="fickle", is_own=True)
    clients.add(registration)
    for changed in (
        replace(registration, response_types=("id_token",)),
        replace(registration, redirect_uris=("https://rp.example/other",)),
    ):
        clients.set(registration)
        browser = Browser(clients.town.here)
        browser.go("/authorize", client_id="fickle", redirect_uri=CALLBACK, response_type=BOTH, scope="openid", nonce="n")
        before = len(clients.town.audited("token.issue"))
        clients.set(changed)
        browser.log_in()
        assert (browser.answer.status_code, browser.answer.headers.get("location")) == (422, None)
        assert "AUTHORIZATION_REFUSED" in browser.answer.text
        assert len(clients.town.audited("token.issue")) == before


def registered_itself(clients: Clients, **members: Any) -> tuple[int, dict[str, Any]]:
    _, token = issue_initial_token(
        clients.desk, note="t", scopes=(), needs_approval=False, is_pkce_required=True, uses=1, days=1, actor="test"
    )
    body = {"redirect_uris": [CALLBACK], **members}
    answer = clients.http.post("/oauth2/register", headers={"authorization": f"Bearer {token}"}, content=json.dumps(body).encode())
    return answer.status_code, answer.json()


@pytest.mark.clause("OIDC Registration 2")
def test_a_client_may_register_itself_for_it(clients: Clients) -> None:
    status, made = registered_itself(clients, grant_types=["implicit"], response_types=["token id_token"])
    assert (status, made["response_types"], made["grant_types"]) == (201, [BOTH], ["implicit"])
    assert read(clients, came(ask(Browser(clients.town.here), made["client_id"]))["id_token"], made["client_id"], "RS256")["at_hash"]
    headers = {"authorization": f"Bearer {made['registration_access_token']}"}
    path = made["registration_client_uri"].removeprefix(clients.town.desk.issuer)
    changed = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"]}
    answer = clients.http.request("PUT", path, headers=headers, content=json.dumps(changed).encode())
    assert (answer.status_code, answer.json()["response_types"]) == (200, ["code"])
    for wrong in (
        {"grant_types": ["implicit"]},
        {"response_types": ["id_token"]},
        {"grant_types": ["implicit"], "response_types": ["code id_token"]},
        {"grant_types": ["implicit"], "response_types": ["token"]},
        {"grant_types": ["implicit"], "response_types": [BOTH], "redirect_uris": ["http://127.0.0.1/cb"]},
        {"grant_types": ["implicit"], "response_types": [BOTH], "dpop_bound_access_tokens": True},
    ):
        status, told = registered_itself(clients, **wrong)
        expected = "invalid_redirect_uri" if "redirect_uris" in wrong else "invalid_client_metadata"
        assert (status, told["error"]) == (400, expected), wrong


def test_discovery_says_it_where_it_is_open(clients: Clients) -> None:
    said = clients.http.get("/.well-known/openid-configuration").json()
    assert said["response_types_supported"] == ["code", "id_token", "id_token token"]
    assert said["response_modes_supported"] == ["query", "form_post", "fragment"]
    assert "implicit" in said["grant_types_supported"]
    assert said["request_uri_parameter_supported"] is False
