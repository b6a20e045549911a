"""Proofs of possession (RFC 9449): the published ones hold, and none for another request, time, token or key does."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from service_kit.dpop import AHEAD_SECONDS, PROOF_CHARACTERS, PROOF_SECONDS, access_token_digest, check_proof
from standards.errors import Kind, TrustError
from tests.service_kit.dpop_proofs import Prover, encode, public_jwk

AT = datetime(2026, 11, 28, 7, tzinfo=UTC)
NOW = int(AT.timestamp())
URL = "https://trust.example.org/v1/things"
PROVER = Prover()


def reason(proof: str, **changes: Any) -> str:
    with pytest.raises(TrustError) as found:
        check_proof(proof, **{"method": "POST", "url": URL, "at": AT, **changes})
    assert (found.value.kind, found.value.code) == (Kind.UNAUTHENTICATED, "DPOP_PROOF_INVALID")
    return str(found.value.facts["reason"])


def good(prover: Prover = PROVER, **claims: Any) -> str:
    return prover.proof("POST", URL, NOW, **claims)


@pytest.mark.clause("RFC 9449 4.3")
def test_the_published_proofs_hold_in_their_minute() -> None:
    # RFC 9449 figures 2 and 12, whose tokens and thumbprint are printed there as well
    token_proof = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
        "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRt"
        "IjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUv"
        "wnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    at = datetime.fromtimestamp(1562262616, UTC)
    proof = check_proof(token_proof, method="POST", url="https://server.example.com/token", at=at)
    assert (proof.jkt, proof.proof_id) == ("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "-BwC3ESc6acc2lTc")
    assert proof.used_until_at == at + timedelta(seconds=PROOF_SECONDS + AHEAD_SECONDS)
    access_token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert access_token_digest(access_token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.clause("RFC 9449 4.2", "RFC 9449 4.3", "RFC 9449 7.1")
@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()], ids=["ES256", "EdDSA"])
def test_a_proof_for_this_request_and_token_holds(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
    prover = Prover(key)
    first = check_proof(good(prover, nonce="n1"), method="POST", url=URL, at=AT)
    assert first.nonce == "n1"
    with_token = good(prover, ath=access_token_digest("a.b.c"), htu=URL + "?page=2#x")
    again = check_proof(with_token, method="POST", url=URL, at=AT, access_token="a.b.c", bound_to=first.jkt)
    assert again.jkt == first.jkt
    assert again.once != first.once


@pytest.mark.clause("RFC 9449 4.3")
@pytest.mark.parametrize(
    "htu",
    [
        URL.replace("https://trust.", "HTTPS://TRUST."),
        URL.replace(".org/", ".org:443/"),
        URL.replace(".org/", ".ORG:443/") + "?page=2",
    ],
)
def test_an_address_is_the_same_in_another_case_of_its_host_and_with_the_port_of_its_scheme(htu: str) -> None:
    assert check_proof(good(htu=htu), method="POST", url=URL, at=AT).nonce is None


@pytest.mark.clause("RFC 7515 4", "RFC 9449 4.2")
def test_members_that_nobody_knows_are_ignored() -> None:
    assert check_proof(good(header={"tx_id": NOW}, tx_id_key=NOW), method="POST", url=URL, at=AT).nonce is None


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_proofs_of_another_library_hold(algorithm: str) -> None:
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else OKPKey.generate_key("Ed25519")
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": key.as_dict(private=False)}
    claims = json.dumps({"htm": "POST", "htu": URL, "iat": NOW, "jti": "joserfc"})
    proof = jws.serialize_compact(header, claims, key, algorithms=[algorithm])
    assert check_proof(proof, method="POST", url=URL, at=AT).jkt == key.thumbprint()


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"htm": "GET"}, "htm"),
    ({"htm": "post"}, "htm"),
    ({"htm": ...}, "htm"),
    ({"htu": ...}, "htu"),
    ({"htu": 7}, "htu"),
    ({"htu": URL + "/"}, "htu"),
    ({"htu": URL.replace("https", "http")}, "htu"),
    ({"htu": URL.replace("/v1/things", "/V1/things")}, "htu"),
    ({"htu": URL.replace(".org", ".org:80")}, "htu"),
    ({"htu": URL.replace("https://", "https:/")}, "htu"),
    ({"htu": URL.replace("trust.", "somebody@trust.")}, "htu"),
    ({"htu": URL.replace(".org", ".org:8443")}, "htu"),
    ({"htu": URL.replace("trust.example.org", "trust.example.org.evil.example")}, "htu"),
    ({"htu": URL.replace("/v1/things", "/v1/other/../things")}, "htu"),
    ({"iat": ...}, "iat"),
    ({"iat": NOW - PROOF_SECONDS - 1}, "iat"),
    ({"iat": NOW + AHEAD_SECONDS + 1}, "iat"),
    ({"iat": str(NOW)}, "iat"),
    ({"iat": float(NOW)}, "iat"),
    ({"iat": True}, "iat"),
    ({"jti": ...}, "jti"),
    ({"jti": ""}, "jti"),
    ({"jti": "x" * 257}, "jti"),
    ({"jti": ["x"]}, "jti"),
    ({"nonce": 1}, "nonce"),
    ({"nonce": ""}, "nonce"),
]


@pytest.mark.clause("RFC 9449 4.3", "RFC 9449 11.1")
@pytest.mark.parametrize(("claims", "rule"), CLAIMS, ids=[f"{rule}-{n}" for n, (_, rule) in enumerate(CLAIMS)])
def test_attack_a_proof_made_for_something_else(claims: dict[str, Any], rule: str) -> None:
    assert reason(good(**claims)) == rule


@pytest.mark.clause("RFC 9449 4.3", "RFC 9449 7.2")
def test_attack_a_proof_with_another_token_or_key() -> None:
    stolen, own = "a.b.c", "x.y.z"
    jkt = check_proof(good(), method="POST", url=URL, at=AT).jkt
    assert reason(good(), access_token=stolen, bound_to=jkt) == "ath"  # none named
    assert reason(good(ath=access_token_digest(own)), access_token=stolen, bound_to=jkt) == "ath"
    assert reason(good(ath=7), access_token=stolen, bound_to=jkt) == "ath"
    # a thief proves with his own key, which is not the one the token is bound to
    thief = Prover()
    assert reason(good(thief, ath=access_token_digest(stolen)), access_token=stolen, bound_to=jkt) == "key"


HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"typ": "JWT"}, "typ"),
    ({"typ": "at+jwt"}, "typ"),
    ({"typ": ...}, "typ"),
    ({"jwk": ...}, "jwk"),
    ({"jwk": "x"}, "jwk"),
    ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, "alg"),
    ({"jwk": {"kty": ["EC"], "crv": "P-256"}}, "alg"),
    ({"jwk": {**public_jwk(PROVER.key), "crv": "P-384"}}, "alg"),
    ({"jwk": {**public_jwk(PROVER.key), "d": "AAAA"}}, "key is not public"),
    ({"jwk": {**public_jwk(PROVER.key), "x5u": "https://evil.example"}}, "key is not public"),
    ({"jwk": {**public_jwk(PROVER.key), "use": "enc"}}, "key"),
    ({"jwk": {**public_jwk(PROVER.key), "alg": "RS256"}}, "key"),
    ({"jwk": {**public_jwk(PROVER.key), "x": "AAAA"}}, "key"),
    ({"jwk": {**public_jwk(PROVER.key), "y": encode(bytes(32))}}, "key"),  # not on the curve
    ({"jwk": public_jwk(Prover().key)}, "signature"),
    ({"jku": "https://evil.example/keys"}, "header member"),
    ({"x5u": "https://evil.example/c"}, "header member"),
    ({"x5c": ["AAAA"]}, "header member"),
    ({"x5t": "AAAA"}, "header member"),
    ({"b64": False}, "header member"),
    ({"zip": "DEF"}, "header member"),
    ({"crit": ["b64"], "b64": False}, "header member"),
]


@pytest.mark.clause("RFC 9449 4.3", "RFC 8725 3.1")
@pytest.mark.parametrize(("header", "rule"), HEADERS, ids=[f"{n}-{rule.replace(' ', '-')}" for n, (_, rule) in enumerate(HEADERS)])
def test_attack_headers(header: dict[str, Any], rule: str) -> None:
    assert reason(good(header=header)) == rule


def test_attack_algorithms_and_forms() -> None:
    claims = {"htm": "POST", "htu": URL, "iat": NOW, "jti": "p"}
    jwk = public_jwk(PROVER.key)
    head = {"typ": "dpop+jwt", "jwk": jwk}
    body = encode(claims)
    assert reason(f"{encode({**head, 'alg': 'none'})}.{body}.") == "alg"
    hmac_head = encode({**head, "alg": "HS256"})
    mac = hmac.digest(str(jwk).encode(), f"{hmac_head}.{body}".encode(), hashlib.sha256)
    assert reason(f"{hmac_head}.{body}.{encode(mac)}") == "alg"
    of_rsa = {name: str(RSAKey.generate_key(2048).as_dict(private=False)[name]) for name in ("kty", "n", "e")}
    assert reason(f"{encode({'typ': 'dpop+jwt', 'alg': 'RS256', 'jwk': of_rsa})}.{body}.{encode(bytes(256))}") == "alg"
    ed_head = encode({**head, "alg": "EdDSA"})  # a P-256 key called an Edwards key
    assert reason(f"{ed_head}.{body}.{encode(bytes(64))}") == "alg"
    for signature in (bytes(64), bytes(63), b"", b"\xff" * 64):
        assert reason(f"{encode({**head, 'alg': 'ES256'})}.{body}.{encode(signature)}") == "signature"
    for text in ("", "a", "a.b", "a.b.c.d", "..", "a b.c.d", f"{encode([])}.{body}.AAAA", f"{encode(b'{')}.{body}.AAAA"):
        assert reason(text)
    assert reason("x" * (PROOF_CHARACTERS + 1)) == "length"
    assert reason("é.a.b") == "length"
    twice = encode(b'{"typ":"dpop+jwt","alg":"ES256","alg":"none"}')
    assert reason(f"{twice}.{body}.AAAA") == "duplicate member"
    changed = good().split(".")
    assert reason(f"{changed[0]}.{encode({**claims, 'jti': 'other'})}.{changed[2]}") == "signature"
