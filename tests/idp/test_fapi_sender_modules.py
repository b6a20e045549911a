"""What the modules of the OpenID conformance suite ask of the FAPI 2.0 security profile about whoever sends: assertions and proofs."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from joserfc import jwt

import idp.service
from idp.model.registrations import SIGNATURE_MEMBERS, check_registration
from idp.tokens.client_assertion import ASSERTION_TYPE
from service_kit.dpop import access_token_digest
from service_kit.dpop_nonces import WINDOW_SECONDS
from standards.errors import TrustError
from tests.idp.fapi import FAPI, OTHER_KEY, RSA, Fapi, served_fapi
from tests.idp.people import CALLBACK, CHALLENGE
from tests.idp.test_code_flow import Clients, refused
from tests.service_kit.dpop_proofs import encode, public_jwk

if TYPE_CHECKING:
    from collections.abc import Iterator


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


# Who asks


def test_fapi2_ensure_holder_of_key_required(fapi: Fapi) -> None:
    assert refused(fapi.redeem(fapi.code(), proof="")) == (400, "invalid_request", "DPOP_PROOF_MISSING")


def test_fapi2_ensure_client_authentication_at_the_token_endpoint(fapi: Fapi, second: Fapi) -> None:
    code = fapi.code()
    for auth in (
        {"client_id": "fapi"},
        {"client_id": "fapi", "client_secret": fapi.clients.secrets["fapi"]},
        {**second.assertion(), "client_id": "fapi"},
        second.assertion(iss="fapi", sub="fapi"),
    ):
        assert refused(fapi.redeem(code, auth=auth))[:2] == (401, "invalid_client")
    assert fapi.redeem(code).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": ...},
        {"exp": "past"},
        {"iat": "far"},
        {"nbf": "far"},
        {"jti": ...},
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "https://other.example.org"},
        {"aud": "token"},
        {"aud": "par"},
        {"aud": "list"},
    ],
    ids=lambda changes: "-".join(map(str, *changes.items())).replace("Ellipsis", "missing"),
)
def test_fapi2_ensure_client_assertion_that_is_not_for_now_and_for_us_fails(fapi: Fapi, changes: dict[str, Any]) -> None:
    at = fapi.now()
    meant = {
        "past": at - 300,
        "far": at + 120,
        "token": fapi.issuer + "/oauth2/token",
        "par": fapi.issuer + "/oauth2/par",
        "list": [fapi.issuer],
    }
    said = {name: meant.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}
    assert refused(fapi.push(fapi.assertion(**said)))[1] == "invalid_client"


@pytest.mark.clause("RFC 7523 3")
def test_fapi2_ensure_client_assertion_with_no_sub_fails(fapi: Fapi) -> None:
    """The suite names the client in the assertion alone: without a subject nobody is named."""
    auth = fapi.assertion(sub=...)
    del auth["client_id"]
    assert refused(fapi.redeem(fapi.code(), auth=auth))[1] in {"invalid_client", "invalid_request"}
    auth = fapi.assertion()
    del auth["client_id"]
    assert fapi.redeem(fapi.code(), auth=auth).status_code == 200


@pytest.mark.parametrize("seconds", [0, 8])
def test_fapi2_client_assertion_up_to_ten_seconds_ahead_is_taken(fapi: Fapi, seconds: int) -> None:
    at = fapi.now() + seconds
    assert fapi.push(fapi.assertion(iat=at, nbf=at)).status_code == 201


def test_fapi2_ensure_signed_client_assertion_with_rs256_fails(fapi: Fapi) -> None:
    at = fapi.now()
    claims = {"iss": "fapi", "sub": "fapi", "aud": fapi.issuer, "iat": at, "exp": at + 60, "jti": secrets.token_hex(8)}
    text = jwt.encode({"alg": "RS256", "kid": "r1"}, claims, RSA, algorithms=["RS256"])
    auth = {"client_id": "fapi", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    assert refused(fapi.push(auth))[1] == "invalid_client"


def test_fapi2_client_assertion_used_twice_fails(fapi: Fapi) -> None:
    auth = fapi.assertion()
    assert fapi.push(auth).status_code == 201
    assert refused(fapi.push(auth))[1] == "invalid_client"


@pytest.mark.parametrize("key_algorithm", ["RS256", "SGD_SM3_SM2"])
def test_fapi2_ensure_algorithms_of_the_profile(key_algorithm: str) -> None:
    check_registration(FAPI)
    for name in SIGNATURE_MEMBERS:
        changes: dict[str, Any] = {name: key_algorithm}
        with pytest.raises(TrustError, match=name):
            check_registration(replace(FAPI, **changes))


# Proofs of possession


@pytest.mark.clause("RFC 9449 4.3")
@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htm": ...},
        {"htu": "https://other.example.org/oauth2/token"},
        {"htu": ...},
        {"iat": ...},
        {"iat": "past"},
        {"iat": "far"},
        {"jti": ...},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": ...}},
        {"header": {"jwk": ...}},
        {"header": {"jwk": {**public_jwk(OTHER_KEY)}}},
        {"header": {"jwk": {**public_jwk(OTHER_KEY), "d": "AAAA"}}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
    ],
)
def test_fapi2_dpop_negative_tests_at_the_token_endpoint(fapi: Fapi, changes: dict[str, Any]) -> None:
    at = fapi.now()
    meant = {"past": at - 300, "far": at + 120}
    said: dict[str, Any] = {name: meant.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}
    assert refused(fapi.redeem("whatever", proof=fapi.proof(**said)))[1] == "invalid_dpop_proof"


@pytest.mark.clause("RFC 9449 7.1")
def test_fapi2_dpop_negative_tests_at_the_resource(fapi: Fapi) -> None:
    token = fapi.tokens()["access_token"]
    at = fapi.now()
    wrong: tuple[dict[str, Any], ...] = (
        {"ath": ...},
        {"ath": "x"},
        {"htm": "POST"},
        {"htu": fapi.issuer},
        {"iat": at - 300},
        {"jti": ...},
    )
    for changes in wrong:
        answer = fapi.userinfo(token, **changes)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    assert fapi.userinfo(token, "Bearer").status_code == 401
    assert Fapi(fapi.clients).userinfo(token).status_code == 401
    assert fapi.userinfo(token).status_code == 200


@pytest.mark.clause("RFC 9449 7.1")
def test_fapi2_dpop_negative_tests_at_the_resource_beyond_single_members(fapi: Fapi) -> None:
    token, at, path = fapi.tokens()["access_token"], fapi.now(), "/oauth2/userinfo"

    def sent(*proofs: str, scheme: str = "DPoP") -> httpx.Response:
        headers = [("authorization", f"{scheme} {token}"), *(("DPOP", proof) for proof in proofs)]
        return fapi.clients.http.get(path, headers=headers)

    def proof(**changes: Any) -> str:
        return fapi.proof(path, "GET", **{"ath": access_token_digest(token), **changes})

    assert sent(proof()).status_code == 200, "the name of the header has no case"
    header, claims, signature = proof().split(".")
    unsigned = encode({"alg": "none", "typ": "dpop+jwt"})
    renamed = encode(base64.urlsafe_b64decode(header + "==").replace(b"alg", b"alg2"))
    for proofs in (
        (proof(), proof()),
        (f"{header}.{claims}",),
        (f"{unsigned}.{claims}.",),
        (f"{renamed}.{claims}.{signature}",),
        (f"{header}.{claims}.{'A' * len(signature)}",),
        (),
    ):
        assert sent(*proofs).status_code in {400, 401}, proofs
    assert sent(scheme="Bearer").status_code == 401
    # An hour off it is refused for that, and not asked again with a nonce: the suite takes a nonce for a promise to let the time pass
    for seconds in (3600, -3600):
        answer = sent(proof(iat=at + seconds, nonce=...))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    once = proof(jti="the same")
    assert [sent(once).status_code, sent(proof(jti="the same")).status_code] == [200, 401]
    # What must not count
    for changes in (
        {"htu": f"{fapi.issuer}{path}?allthedoors#programmed"},
        {"htu": fapi.issuer.upper() + path},
        {"tx_id_key": at + 3600, "header": {"tx_id": at + 3600}},
    ):
        assert sent(proof(**changes)).status_code == 200, changes


def test_fapi2_dpop_proof_with_nbf_and_exp_is_taken(fapi: Fapi) -> None:
    at = fapi.now()
    assert fapi.redeem(fapi.code(), proof=fapi.proof(nbf=at, exp=at + 60)).status_code == 200


def test_fapi2_access_token_in_the_query_is_refused(fapi: Fapi) -> None:
    token = fapi.tokens()["access_token"]
    answer = fapi.clients.http.get(str(httpx.URL("/oauth2/userinfo", params={"access_token": token})))
    assert answer.status_code == 401


@pytest.mark.clause("RFC 9449 8", "RFC 9449 9")
def test_fapi2_dpop_nonces_are_demanded_and_told(fapi: Fapi) -> None:
    nonces = idp.service.nonces_of(fapi.clients.town.here.house.context)
    code = fapi.code()
    # 1. Without one, or with an old one, nothing is spent: the code is good with the nonce that the answer brings
    old = nonces.of(fapi.clients.town.desk.clock.now() - timedelta(seconds=2 * WINDOW_SECONDS))
    for wrong in (..., old, "x"):
        answer = fapi.redeem(code, proof=fapi.proof(nonce=wrong))
        assert refused(answer) == (400, "use_dpop_nonce", "DPOP_NONCE_NEEDED")
    token = fapi.redeem(code, proof=fapi.proof(nonce=answer.headers["dpop-nonce"])).json()["access_token"]
    # 2. The suite sends the same assertion again beside the new proof: what was asked for again has not spent it
    auth = fapi.assertion()
    code = fapi.code()
    answer = fapi.redeem(code, auth=auth, proof=fapi.proof(nonce=...))
    assert refused(answer)[1] == "use_dpop_nonce"
    assert fapi.redeem(code, auth=auth, proof=fapi.proof(nonce=answer.headers["dpop-nonce"])).status_code == 200
    assert refused(fapi.redeem(fapi.code(), auth=auth))[1] == "invalid_client", "now it has"
    forged = {**fapi.assertion(), "client_assertion": fapi.assertion()["client_assertion"][:-4] + "AAAA"}
    assert refused(fapi.redeem(code, auth=forged, proof=fapi.proof(nonce=...)))[1] == "invalid_client", "nonces are for clients"
    # 3. The same at the resource and for a pushed request
    answer = fapi.userinfo(token, nonce=...)
    assert (answer.status_code, answer.json()["error"]) == (401, "use_dpop_nonce")
    assert answer.headers["www-authenticate"].startswith('DPoP error="use_dpop_nonce"')
    assert fapi.userinfo(token, nonce=answer.headers["dpop-nonce"]).status_code == 200
    form = {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    auth = fapi.assertion()

    def push(**changes: Any) -> httpx.Response:
        headers = {"dpop": fapi.proof("/oauth2/par", **changes)}
        return fapi.clients.http.post("/oauth2/par", data={**form, **auth}, headers=headers)

    answer = push(nonce=...)
    assert refused(answer)[1] == "use_dpop_nonce"
    assert push(nonce=answer.headers["dpop-nonce"]).status_code == 201
