"""What the modules of the OpenID conformance suite ask of the FAPI 2.0 security profile, by their names (private_key_jwt, DPoP, PAR).

The suite itself runs against a served deployment; these are the same questions, asked of the program directly and quickly.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.idp.fapi import OTHER_KEY, Fapi, served_fapi
from tests.idp.people import CALLBACK, CHALLENGE, VERIFIER
from tests.idp.suite import moving
from tests.idp.test_code_flow import Clients, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_fapi(tmp_path_factory.mktemp("fapi") / "deployment") as found:
        yield found


@pytest.fixture
def fapi(clients: Clients) -> Fapi:
    return Fapi(clients)


@pytest.fixture
def second(clients: Clients) -> Fapi:
    return Fapi(clients, "fapi2", OTHER_KEY)


@pytest.fixture
def later(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return moving(clients, monkeypatch)


def stays_here(fapi: Fapi) -> bool:
    """The error is told on a page, and nothing goes to the address in the request."""
    return fapi.browser.answer.status_code == 422 and "location" not in fapi.browser.answer.headers


# The flow


def test_fapi2_discovery_end_point_verification(fapi: Fapi) -> None:
    said = fapi.clients.http.get("/.well-known/openid-configuration").json()
    assert said["issuer"] == fapi.issuer
    assert said["authorization_response_iss_parameter_supported"] is True
    assert {"code"} == set(said["response_types_supported"])
    assert "private_key_jwt" in said["token_endpoint_auth_methods_supported"]
    assert "S256" in said["code_challenge_methods_supported"]
    assert "ES256" in said["dpop_signing_alg_values_supported"]
    assert said["pushed_authorization_request_endpoint"] == fapi.issuer + "/oauth2/par"


def test_fapi2_happy_flow(fapi: Fapi) -> None:
    uri = fapi.push().json()["request_uri"]
    came = fapi.bring(uri).browser.returned
    assert (came["state"], came["iss"]) == ("s", fapi.issuer)
    tokens = fapi.redeem(came["code"]).json()
    assert tokens["token_type"] == "DPoP"
    said = fapi.clients.read(tokens["id_token"], "fapi")
    assert said["nonce"] == "n"
    assert fapi.userinfo(tokens["access_token"]).json()["sub"] == said["sub"]
    assert "jkt" in fapi.clients.read(tokens["access_token"], fapi.issuer)["cnf"]


def test_fapi2_user_rejects_authentication(fapi: Fapi) -> None:
    fapi.browser.go("/authorize", client_id="fapi", request_uri=fapi.push().json()["request_uri"])
    fapi.browser.submit("cancel")
    assert fapi.browser.returned["error"] == "access_denied"


def test_fapi2_ensure_request_object_without_state_and_nonce_succeeds(fapi: Fapi) -> None:
    came = fapi.bring(fapi.push(state="", nonce="").json()["request_uri"]).browser.returned
    assert "state" not in came
    assert "nonce" not in fapi.clients.read(fapi.redeem(came["code"]).json()["id_token"], "fapi")


@pytest.mark.parametrize(("name", "length"), [("nonce", 64), ("nonce", 384), ("state", 1000)])
def test_fapi2_ensure_authorization_request_with_long_value(fapi: Fapi, name: str, length: int) -> None:
    value = "x" * length
    came = fapi.bring(fapi.push(**{name: value}).json()["request_uri"]).browser.returned
    said = fapi.clients.read(fapi.redeem(came["code"]).json()["id_token"], "fapi")
    assert {**came, **said}[name] == value


def test_fapi2_ensure_server_handles_scopes_in_any_order(fapi: Fapi) -> None:
    assert set(fapi.tokens(scope="profile openid")["scope"].split()) == {"openid", "profile"}


def test_fapi2_access_token_type_header_case_sensitivity(fapi: Fapi) -> None:
    token = fapi.tokens()["access_token"]
    for scheme in ("DPoP", "dpop", "DPOP", "DpoP"):
        assert fapi.userinfo(token, scheme).status_code == 200


@pytest.mark.clause("RFC 9700 4.14.2", "RFC 9449 5")
def test_fapi2_refresh_token(fapi: Fapi, second: Fapi) -> None:
    first = fapi.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    def refresh(sender: Fapi) -> httpx.Response:
        return fapi.clients.http.post("/oauth2/token", data={**form, **fapi.assertion()}, headers={"dpop": sender.proof()})

    renewed = refresh(fapi).json()
    assert renewed["refresh_token"] == first["refresh_token"], "the profile does not want them to rotate"
    assert refresh(fapi).status_code == 200
    assert fapi.userinfo(renewed["access_token"]).status_code == 200
    # With a new key: the refresh token is bound to the client, and the new access token to the new key alone
    another = Fapi(fapi.clients)
    token = refresh(another).json()["access_token"]
    assert another.userinfo(token).status_code == 200
    assert fapi.userinfo(token).status_code == 401
    assert fapi.userinfo(renewed["access_token"]).status_code == 200
    bare = fapi.clients.http.post("/oauth2/token", data={**form, **fapi.assertion()})
    assert refused(bare)[:2] == (400, "invalid_request")
    stolen = fapi.clients.http.post("/oauth2/token", data={**form, **second.assertion()}, headers={"dpop": fapi.proof()})
    assert refused(stolen)[:2] == (400, "invalid_grant"), "another client's"


@pytest.mark.clause("OIDC Core 5.5")
def test_fapi2_test_claims_parameter_identity_claims(fapi: Fapi) -> None:
    """Every claim that discovery names, once in the ID token and once at the endpoint, beside some that nobody knows."""
    said = fapi.clients.http.get("/.well-known/openid-configuration").json()
    asked: dict[str, Any] = dict.fromkeys(said["claims_supported"]) | {"a_nobody_knows": {"essential": True}, "b": {"value": "x"}}
    tokens = fapi.tokens(claims=json.dumps({"id_token": asked, "userinfo": asked, "elsewhere": asked}))
    told = fapi.clients.read(tokens["id_token"], "fapi")
    known = {"name", "gender", "updated_at", "phone_number", "phone_number_verified"}
    assert known <= set(told)
    assert known <= set(fapi.userinfo(tokens["access_token"]).json())
    assert not {"a_nobody_knows", "b"} & set(told)


@pytest.mark.clause("RFC 9126 4")
@pytest.mark.parametrize("beside", [{}, {"state": "outside"}, {"nonce": "outside"}], ids=["without-duplicate-parameters", "state", "nonce"])
def test_fapi2_what_stands_outside_is_not_used(fapi: Fapi, beside: dict[str, str]) -> None:
    left_out = dict.fromkeys(beside, "")
    came = fapi.bring(fapi.push(**left_out).json()["request_uri"], **beside).browser.returned
    told = fapi.clients.read(fapi.redeem(came["code"]).json()["id_token"], "fapi")
    assert "outside" not in {came.get("state"), told.get("nonce")}
    assert ("state" in came) is ("state" not in beside)


# What must be pushed


@pytest.mark.clause("RFC 9126 5")
def test_fapi2_ensure_unsigned_authorization_request_without_using_par_fails(fapi: Fapi) -> None:
    query = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "s", "code_challenge": CHALLENGE}
    fapi.browser.go("/authorize", client_id="fapi", code_challenge_method="S256", **query)
    assert fapi.browser.returned["error"] == "invalid_request"


def test_fapi2_par_attempt_reuse_request_uri(fapi: Fapi) -> None:
    uri = fapi.push().json()["request_uri"]
    assert fapi.bring(uri).browser.returned["code"]
    assert stays_here(fapi.bring(uri))


def test_fapi2_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(fapi: Fapi) -> None:
    uri = fapi.push().json()["request_uri"]
    fapi.browser.go("/authorize", client_id="fapi", request_uri=uri)
    assert fapi.browser.heading == "Sign in"
    assert fapi.redeem(fapi.bring(uri).browser.returned["code"]).status_code == 200


def test_fapi2_par_attempt_to_use_request_uri_for_different_client(fapi: Fapi, second: Fapi) -> None:
    assert stays_here(second.bring(fapi.push().json()["request_uri"]))


def test_fapi2_par_attempt_to_use_expired_request_uri(fapi: Fapi, later: Callable[[int], None]) -> None:
    uri = fapi.push().json()["request_uri"]
    later(91)
    assert stays_here(fapi.bring(uri))


def test_fapi2_par_attempt_invalid_http_method(fapi: Fapi) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert fapi.clients.http.request(method, "/oauth2/par").status_code == 405


def test_fapi2_par_authorization_request_containing_request_uri_form_param(fapi: Fapi) -> None:
    assert refused(fapi.push(request_uri=fapi.push().json()["request_uri"]))[1] == "invalid_request"


def test_fapi2_par_without_client_authentication_fails(fapi: Fapi) -> None:
    assert refused(fapi.push({"client_id": "fapi"}))[1] == "invalid_client"
    assert refused(fapi.push({"client_id": "fapi", "client_secret": fapi.clients.secrets["fapi"]}))[1] == "invalid_client"


def test_fapi2_ensure_registered_redirect_uri_and_one_in_the_request(fapi: Fapi) -> None:
    assert refused(fapi.push(redirect_uri=""))[1] == "invalid_request"
    assert refused(fapi.push(redirect_uri=CALLBACK + "?dummy1=ipsum"))[1] == "invalid_request"
    assert fapi.push(redirect_uri=CALLBACK + "?dummy1=lorem").status_code == 201


@pytest.mark.parametrize("kind", ["token", "code id_token", "code token", "id_token", "none"])
def test_fapi2_ensure_response_type_other_than_code_fails(fapi: Fapi, kind: str) -> None:
    assert refused(fapi.push(response_type=kind))[1] == "unsupported_response_type"


def test_fapi2_ensure_mismatched_client_id_fails(fapi: Fapi) -> None:
    uri = fapi.push().json()["request_uri"]
    assert stays_here(fapi.bring(uri, client_id="fapi2"))
    assert stays_here(fapi.bring(uri, client_id=""))
    assert refused(fapi.push({**fapi.assertion(), "client_id": "fapi2"}))[1] in {"invalid_client", "invalid_request"}


# PKCE


def test_fapi2_ensure_pkce_required(fapi: Fapi) -> None:
    assert refused(fapi.push(code_challenge="", code_challenge_method=""))[1] == "invalid_request"


def test_fapi2_plain_pkce_rejected(fapi: Fapi) -> None:
    assert refused(fapi.push(code_challenge=VERIFIER, code_challenge_method="plain"))[1] == "invalid_request"


@pytest.mark.parametrize("verifier", ["", "x" * 43, VERIFIER[:-1], VERIFIER + "x"])
def test_fapi2_incorrect_or_missing_pkce_code_verifier_rejected(fapi: Fapi, verifier: str) -> None:
    assert refused(fapi.redeem(fapi.code(), code_verifier=verifier))[1] == "invalid_grant"


# The code


def test_fapi2_attempt_reuse_authorization_code_after_one_second(fapi: Fapi, later: Callable[[int], None]) -> None:
    code = fapi.code()
    tokens = fapi.redeem(code).json()
    later(1)
    assert refused(fapi.redeem(code))[1] == "invalid_grant"
    assert fapi.userinfo(tokens["access_token"]).status_code == 401


def test_fapi2_authorization_code_older_than_one_minute_fails(fapi: Fapi, later: Callable[[int], None]) -> None:
    code = fapi.code()
    later(60)
    assert refused(fapi.redeem(code))[1] == "invalid_grant"


def test_fapi2_ensure_authorization_code_is_bound_to_client(fapi: Fapi, second: Fapi) -> None:
    code = fapi.code()
    assert refused(second.redeem(code))[1] == "invalid_grant"
    assert fapi.redeem(code).status_code == 200


@pytest.mark.clause("RFC 9449 10")
def test_fapi2_ensure_dpop_auth_code_binding(fapi: Fapi) -> None:
    thief = Fapi(fapi.clients)
    code = fapi.code(dpop_jkt=fapi.thumbprint)
    assert refused(thief.redeem(code))[1] == "invalid_grant"
    assert fapi.redeem(code).status_code == 200


@pytest.mark.clause("RFC 9449 10.1")
def test_fapi2_dpop_at_the_pushed_request(fapi: Fapi) -> None:
    """ensure-mismatched-dpop-jkt-fails, ensure-dpop-proof-at-par-endpoint-binding-success, ensure-token-endpoint-fails-with-mismatched-..."""

    def push(**changes: str) -> httpx.Response:
        given = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "s", "nonce": "n"}
        given |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", **changes, **fapi.assertion()}
        return fapi.clients.http.post("/oauth2/par", data=given, headers={"dpop": fapi.proof("/oauth2/par")})

    other = Fapi(fapi.clients)
    assert refused(push(dpop_jkt=other.thumbprint))[:2] == (400, "invalid_dpop_proof")
    assert push(dpop_jkt=fapi.thumbprint).status_code == 201
    code = fapi.bring(push().json()["request_uri"]).browser.returned["code"]
    assert refused(other.redeem(code))[:2] == (400, "invalid_grant")
    assert fapi.redeem(code).status_code == 200


@pytest.mark.parametrize("seconds", [-10, 10])
def test_fapi2_ensure_dpop_proof_with_iat_10_seconds_off_succeeds(fapi: Fapi, seconds: int) -> None:
    token = fapi.redeem(fapi.code(), proof=fapi.proof(iat=fapi.now() + seconds)).json()["access_token"]
    assert fapi.userinfo(token, iat=fapi.now() + seconds).status_code == 200
