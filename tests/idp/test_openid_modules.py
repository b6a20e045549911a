"""What the modules of the OpenID conformance suite ask, by their names: the plans Basic, Config and Form Post.

The suite itself runs against a served deployment; these are the same questions, asked of the program directly and quickly. A module that
waits (a code used again after thirty seconds, a maximal age) moves the clock instead.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
from starlette.requests import Request

from crypto.jose import check_token, read_jwks
from idp.api.userinfo_endpoint import read_presented
from idp.model.registrations import SIGN_IN_SCOPES
from standards.errors import TrustError
from tests.idp.people import CALLBACK, CHALLENGE
from tests.idp.suite import SUITE, Module, moving, served_suite
from tests.idp.test_code_flow import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.idp.test_code_flow import Clients


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_suite(tmp_path_factory.mktemp("modules") / "deployment") as found:
        yield found


@pytest.fixture(scope="module", params=["query", "form_post"])
def signed_in(clients: Clients, request: pytest.FixtureRequest) -> Module:
    module = Module(clients, request.param)
    module.ask().log_in().redeem()
    return module


@pytest.fixture(params=["query", "form_post"])
def fresh(clients: Clients, request: pytest.FixtureRequest) -> Module:
    return Module(clients, request.param)


@pytest.fixture
def later(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Move the deployment's clock on."""
    return moving(clients, monkeypatch)


# Basic and Form Post: what comes back


@pytest.mark.clause("OIDC Core 3.1.3.7")
def test_oidcc_server(fresh: Module) -> None:
    tokens = fresh.ask().log_in().redeem()
    said = fresh.id_token(tokens)
    assert (said["nonce"], said["azp"]) == ("n", "suite")
    assert tokens["token_type"].lower() == "bearer"


@pytest.mark.clause("OIDC Core 3.1.2.2")
def test_oidcc_response_type_missing(signed_in: Module) -> None:
    came = signed_in.ask(response_type="").returned
    assert (came["error"], came["state"]) == ("invalid_request", "s")
    assert signed_in.ask(response_type="id_token").returned["error"] == "unsupported_response_type"


def test_oidcc_idtoken_signature(signed_in: Module) -> None:
    tokens = signed_in.ask().redeem()
    keys = read_jwks(signed_in.clients.http.get("/oauth2/jwks").content)
    assert check_token(tokens["id_token"], keys, token_type="jwt").header["alg"] == "ES256"


@pytest.mark.clause("OIDC Core 3.1.3.7")
def test_oidcc_idtoken_unsigned(clients: Clients) -> None:
    """None is not to be had: neither at registration nor by what discovery says."""
    with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
        clients.add(replace(SUITE, client_id="unsigned", id_token_signed_response_alg="none"))
    assert "none" not in clients.http.get("/.well-known/openid-configuration").json()["id_token_signing_alg_values_supported"]


def test_oidcc_userinfo_get(signed_in: Module) -> None:
    tokens = signed_in.ask().redeem()
    assert signed_in.clients.userinfo(tokens["access_token"]).json() == {"sub": signed_in.id_token(tokens)["sub"]}


def test_oidcc_userinfo_post_header(signed_in: Module) -> None:
    tokens = signed_in.ask().redeem()
    assert signed_in.clients.userinfo(tokens["access_token"], "POST").json() == {"sub": signed_in.id_token(tokens)["sub"]}


@pytest.mark.clause("RFC 6750 2.2")
def test_oidcc_userinfo_post_body(signed_in: Module) -> None:
    tokens, http = signed_in.ask().redeem(), signed_in.clients.http
    form = {"access_token": tokens["access_token"]}
    assert http.post("/oauth2/userinfo", data=form).json() == {"sub": signed_in.id_token(tokens)["sub"]}
    # Never in the address, never in two places, never without bound
    assert http.get("/oauth2/userinfo", params=form).status_code == 401
    twice = http.post("/oauth2/userinfo", data=form, headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert (*refused(twice), 'error="invalid_request"' in twice.headers["www-authenticate"]) == (
        400, "invalid_request", "BEARER_METHODS_BOTH", True)  # fmt: skip
    assert http.post("/oauth2/userinfo", data={"access_token": "x" * 9000}).status_code == 413
    assert http.post("/oauth2/userinfo", data={"other": "x"}).status_code == 401


@pytest.mark.parametrize("path", ["/authorize", "/oauth2/userinfo"])
def test_other_methods_are_refused(clients: Clients, path: str) -> None:
    answer = clients.http.request("DELETE", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_form_that_cannot_be_read_is_told_to_the_person(clients: Clients) -> None:
    for content, kind in (
        ("a=%ff" + "&b=1" * 70, "application/x-www-form-urlencoded"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        ("{}", "application/json"),
    ):
        answer = clients.http.post("/authorize", content=content, headers={"content-type": kind})
        assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_a_userinfo_request_that_breaks_off_is_refused() -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, gone)
    with pytest.raises(TrustError, match="TOKEN_REQUEST_MALFORMED"):
        anyio.run(read_presented, request, "https://trust.example")


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(signed_in: Module) -> None:
    assert "nonce" not in signed_in.id_token(signed_in.ask(nonce="").redeem())


@pytest.mark.clause("OIDC Core 5.4")
@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("profile", {"name", "gender", "updated_at"}),
        ("email", set()),  # the person has none: left out, not empty
        ("address", set()),
        ("phone", {"phone_number", "phone_number_verified"}),
        ("profile email address phone", {"name", "gender", "updated_at", "phone_number", "phone_number_verified"}),
    ],
)
def test_oidcc_scope(signed_in: Module, scope: str, claims: set[str]) -> None:
    tokens = signed_in.ask(scope=f"openid {scope}").redeem()
    assert set(signed_in.clients.userinfo(tokens["access_token"]).json()) == {"sub"} | claims


def test_oidcc_ensure_other_scope_order_succeeds(signed_in: Module) -> None:
    assert "id_token" in signed_in.ask(scope="email openid").redeem()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"display": "page"}, id="oidcc-display-page"),
        pytest.param({"display": "popup"}, id="oidcc-display-popup"),
        pytest.param({"extra": "foobar"}, id="oidcc-ensure-request-with-unknown-parameter-succeeds"),
        pytest.param({"claims_locales": "se"}, id="oidcc-claims-locales"),
        pytest.param({"acr_values": "1 2"}, id="oidcc-ensure-request-with-acr-values-succeeds"),
        pytest.param({"max_age": "10000"}, id="oidcc-max-age-10000"),
    ],
)
def test_oidcc_requests_that_go_on(signed_in: Module, changes: dict[str, str]) -> None:
    said = signed_in.id_token(signed_in.ask(**changes).redeem())
    assert {"acr", "auth_time"} <= set(said)


# Basic and Form Post: how the person is asked


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_oidcc_prompt_login(fresh: Module, later: Callable[[int], None]) -> None:
    first = fresh.id_token(fresh.ask().log_in().redeem())
    later(2)
    second = fresh.id_token(fresh.ask(prompt="login").log_in().redeem())
    assert second["auth_time"] > first["auth_time"]


@pytest.mark.clause("OIDC Core 3.1.2.6")
def test_oidcc_prompt_none_not_logged_in(fresh: Module) -> None:
    came = fresh.ask(prompt="none").returned
    assert (came["error"], came["state"], came["iss"]) == ("login_required", "s", fresh.clients.town.desk.issuer)
    assert "code" not in came


def test_oidcc_prompt_none_logged_in(fresh: Module, later: Callable[[int], None]) -> None:
    first = fresh.id_token(fresh.ask().log_in().redeem())
    later(2)
    second = fresh.id_token(fresh.ask(prompt="none").redeem())
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_oidcc_max_age_1(fresh: Module, later: Callable[[int], None]) -> None:
    first = fresh.id_token(fresh.ask().log_in().redeem())
    later(2)
    assert fresh.ask(max_age="1", prompt="none").returned["error"] == "login_required"
    second = fresh.id_token(fresh.ask(max_age="1").log_in().redeem())
    assert second["auth_time"] > first["auth_time"]


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_oidcc_id_token_hint(fresh: Module) -> None:
    tokens = fresh.ask().log_in().redeem()
    again = fresh.ask(prompt="none", id_token_hint=tokens["id_token"]).redeem()
    assert fresh.id_token(again)["sub"] == fresh.id_token(tokens)["sub"]


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_whom_the_hint_names_not_is_not_given_to_the_client(fresh: Module) -> None:
    hint = fresh.ask().log_in().redeem()["id_token"]
    other = Module(fresh.clients, fresh.mode)
    assert other.ask(id_token_hint=hint).log_in("bing").returned["error"] == "login_required"
    assert other.ask(prompt="none").returned["error"] == "login_required", "nobody was signed in by it"


@pytest.mark.clause("OIDC Core 5.5.1")
def test_a_subject_that_the_claims_parameter_names_is_the_only_one_to_come_back(fresh: Module) -> None:
    sub = fresh.id_token(fresh.ask().log_in().redeem())["sub"]

    def naming(value: object) -> str:
        return json.dumps({"id_token": {"sub": value}})

    assert fresh.id_token(fresh.ask(claims=naming({"value": sub})).redeem())["sub"] == sub
    assert fresh.id_token(fresh.ask(claims=naming(None)).redeem())["sub"] == sub
    assert fresh.id_token(fresh.ask(claims=json.dumps({"id_token": []})).redeem())["sub"] == sub
    for named in ("pe_0000000000000000", 7, {"x": 1}):
        assert fresh.ask(prompt="none", claims=naming({"value": named})).returned["error"] == "login_required"


def test_oidcc_login_hint(fresh: Module) -> None:
    fresh.ask(login_hint="jia")
    assert 'value="jia"' in fresh.browser.answer.text
    fresh.log_in().redeem()
    fresh.ask(login_hint="bing")
    assert fresh.browser.heading == "Sign in", "the session is another's"


def test_oidcc_ui_locales(fresh: Module) -> None:
    fresh.ask(ui_locales="zh-CN en")
    assert fresh.browser.answer.headers["content-language"] == "zh-CN"


@pytest.mark.clause("OIDC Core 5.5.1")
def test_oidcc_claims_essential(signed_in: Module) -> None:
    tokens = signed_in.ask(claims=json.dumps({"userinfo": {"name": {"essential": True}}})).redeem()
    assert signed_in.clients.userinfo(tokens["access_token"]).json()["name"] == "测试甲"


def test_oidcc_ensure_post_request_succeeds(fresh: Module) -> None:
    fresh.ask("suite", "POST").log_in().redeem()
    fresh.ask("suite", "POST").redeem()


def test_a_session_that_answers_all_is_sent_on_without_a_stored_sign_in(signed_in: Module) -> None:
    town = signed_in.clients.town

    def stored() -> int:
        with town.desk.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM idp_sign_ins").scalar_one())

    rows, records = stored(), len(town.audited("sign-in.finish"))
    signed_in.ask(prompt="none").redeem()
    assert (stored(), len(town.audited("sign-in.finish"))) == (rows, records + 1)
    signed_in.ask(prompt="login")
    assert stored() == rows + 1


# Basic and Form Post: codes, addresses, clients


@pytest.mark.clause("RFC 6749 4.1.2")
@pytest.mark.parametrize("seconds", [pytest.param(0, id="oidcc-codereuse"), pytest.param(30, id="oidcc-codereuse-30seconds")])
def test_oidcc_codereuse(fresh: Module, later: Callable[[int], None], seconds: int) -> None:
    fresh.ask().log_in()
    code, tokens = fresh.returned["code"], fresh.redeem()
    later(seconds)
    again = fresh.clients.token("suite", grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert refused(again)[:2] == (400, "invalid_grant")
    assert fresh.clients.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.clause("RFC 9700 4.1")
@pytest.mark.parametrize("address", [CALLBACK + "/x", CALLBACK + "?dummy2=ipsum", "https://evil.example/cb", ""])
def test_oidcc_ensure_registered_redirect_uri(signed_in: Module, address: str) -> None:
    answer = signed_in.ask(redirect_uri=address).browser.answer
    assert answer.status_code == 422
    assert "location" not in answer.headers
    assert "<form" not in answer.text or "evil" not in answer.text


def test_a_redirect_address_may_have_a_query_of_its_own(signed_in: Module) -> None:
    registered = CALLBACK + "?dummy1=lorem"
    signed_in.ask(redirect_uri=registered)
    if signed_in.mode == "query":
        assert signed_in.browser.answer.headers["location"].startswith(registered + "&code=")
    assert "id_token" in signed_in.redeem(redirect_uri=registered)


def test_oidcc_server_client_secret_post(signed_in: Module) -> None:
    signed_in.ask("suite-post")
    form = {"grant_type": "authorization_code", "code": signed_in.returned["code"], "redirect_uri": CALLBACK}
    secret = signed_in.clients.secrets["suite-post"]
    answer = signed_in.clients.http.post("/oauth2/token", data={**form, "client_id": "suite-post", "client_secret": secret})
    assert answer.status_code == 200, answer.text


@pytest.mark.clause("OIDC Core 6")
@pytest.mark.parametrize("inner", [{}, {"redirect_uri": CALLBACK}], ids=["oidcc-unsigned-request-object", "oidcc-request-object-with-uri"])
def test_oidcc_unsigned_request_objects_are_refused_as_such(signed_in: Module, inner: dict[str, str]) -> None:
    payload = urlsafe_b64encode(json.dumps({"client_id": "suite", **inner}).encode()).rstrip(b"=").decode()
    came = signed_in.ask(request=f"eyJhbGciOiJub25lIn0.{payload}.").returned
    assert (came["error"], came["state"]) == ("request_not_supported", "s")
    assert signed_in.ask(request_uri="https://rp.example/request.jwt").returned["error"] == "request_uri_not_supported"
    assert signed_in.ask(request=f"eyJhbGciOiJub25lIn0.{payload}.", redirect_uri="https://evil.example/").browser.answer.status_code == 422


@pytest.mark.clause("OIDC Core 12")
def test_oidcc_refresh_token(signed_in: Module) -> None:
    first = signed_in.ask(scope="openid offline_access", prompt="consent").redeem()
    answer = signed_in.clients.token("suite", grant_type="refresh_token", refresh_token=first["refresh_token"])
    second = answer.json()
    before, after = signed_in.id_token(first), signed_in.id_token(second)
    assert {name: after[name] for name in ("iss", "sub", "aud", "auth_time", "azp")} == {
        name: before[name] for name in ("iss", "sub", "aud", "auth_time", "azp")}  # fmt: skip
    assert signed_in.clients.userinfo(second["access_token"]).status_code == 200
    # Whoever else registered sends it in vain
    form = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    secret = signed_in.clients.secrets["suite-post"]
    other = signed_in.clients.http.post("/oauth2/token", data={**form, "client_id": "suite-post", "client_secret": secret})
    assert refused(other)[1] == "invalid_grant"


@pytest.mark.clause("RFC 7636 4.5")
def test_oidcc_ensure_request_with_valid_pkce_succeeds(signed_in: Module) -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    signed_in.ask(code_challenge=CHALLENGE, code_challenge_method="S256").redeem(code_verifier=verifier)
    code = signed_in.ask(code_challenge=CHALLENGE, code_challenge_method="S256").returned["code"]
    without = signed_in.clients.token("suite", grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert refused(without)[1] == "invalid_grant"


def test_consent_is_asked_once_and_again_where_the_client_wants_it(clients: Clients) -> None:
    module = Module(clients, "query")
    module.ask("asking", scope="openid profile").log_in()
    assert module.browser.heading != "Sign in"
    module.browser.submit("consent")
    assert "code" in module.returned
    assert "code" in module.ask("asking", scope="openid profile", prompt="none").returned
    assert module.ask("asking", scope="openid phone", prompt="none").returned["error"] == "consent_required"
    module.ask("asking", scope="openid profile", prompt="consent")
    module.browser.submit("cancel")
    assert module.returned["error"] == "access_denied"


# Config


@pytest.mark.clause("OIDC Discovery 3", "RFC 8414 2")
def test_oidcc_discovery_endpoint_verification(clients: Clients) -> None:
    answer = clients.http.get("/.well-known/openid-configuration")
    assert answer.headers["content-type"].startswith("application/json")
    said = answer.json()
    issuer = clients.town.desk.issuer
    assert said["issuer"] == issuer
    assert "?" not in issuer
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
        assert said[name].startswith(issuer + "/"), name
    assert said["response_types_supported"] == ["code"]
    assert set(said["subject_types_supported"]) == {"public", "pairwise"}
    assert "RS256" in said["id_token_signing_alg_values_supported"]
    assert {"openid", *SIGN_IN_SCOPES} <= set(said["scopes_supported"])
    assert {"sub", "name", "acr"} <= set(said["claims_supported"])
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert {"authorization_code", "refresh_token"} <= set(said["grant_types_supported"])
    assert "implicit" not in said["grant_types_supported"]
    assert said["claims_parameter_supported"] is True
    assert clients.http.get("/.well-known/oauth-authorization-server").json() == said
    # What is named is there, and no key of the set is anybody's secret
    keys = clients.http.get(said["jwks_uri"].removeprefix(issuer)).json()["keys"]
    assert {key["kty"] for key in keys} == {"EC", "RSA", "OKP"}
    assert not {"d", "p", "q", "k"} & {name for key in keys for name in key}
    assert all(key["kid"] and key["use"] == "sig" for key in keys)
