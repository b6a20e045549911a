"""Signed authorization requests (RFC 9101): what clients sign counts, and nothing that only looks like it."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from idp.actions.client_keys import ClientKeys
from idp.model.registrations import Registration
from idp.tokens.client_jwt import AHEAD_SECONDS, LIFETIME_SECONDS
from idp.tokens.request_object import read_request_object
from service_kit.outbound import Outbound
from standards.errors import Kind, TrustError
from tests.service_kit.dpop_proofs import encode, public_jwk, sign, without_gaps

AT = datetime(2026, 11, 28, 7, tzinfo=UTC)
NOW = int(AT.timestamp())
ISSUER = "https://trust.example.org"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
JWKS = ({**public_jwk(KEY), "kid": "k1", "use": "sig", "alg": "ES256"}, public_jwk(ED_KEY), {"kty": "oct", "k": "c2VjcmV0", "kid": "s"})
KEYS = ClientKeys(Outbound(()))
CLIENT = Registration("portal", ("https://rp.example.org/cb",), jwks=JWKS)
HEADER = {"typ": "oauth-authz-req+jwt", "kid": "k1"}
CLAIMS: dict[str, Any] = {
    "iss": "portal",
    "aud": ISSUER,
    "client_id": "portal",
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 300,
    "jti": "r1",
    "response_type": "code",
    "redirect_uri": "https://rp.example.org/cb",
    "scope": "openid",
    "max_age": 60,
    "claims": {"id_token": {"acr": {"essential": True}}},
}


def read(text: str, client: Registration = CLIENT) -> dict[str, str]:
    pairs = read_request_object(text, client, KEYS.of(client).values(), issuer=ISSUER, at=AT)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def reason(text: str, client: Registration = CLIENT) -> str:
    with pytest.raises(TrustError) as found:
        read(text, client)
    assert (found.value.kind, found.value.code) == (Kind.UNACCEPTABLE, "REQUEST_OBJECT_INVALID")
    return str(found.value.facts["reason"])


def made(header: dict[str, Any] | None = None, **claims: Any) -> str:
    return sign(KEY, without_gaps({**HEADER, **(header or {})}), without_gaps({**CLAIMS, **claims}))


@pytest.mark.clause("RFC 9101 4", "RFC 9101 6.3")
def test_parameters_of_a_signed_request() -> None:
    found = read(made())
    assert found == {
        "client_id": "portal",
        "response_type": "code",
        "redirect_uri": "https://rp.example.org/cb",
        "scope": "openid",
        "max_age": "60",
        "claims": '{"id_token":{"acr":{"essential":true}}}',
    }
    assert read(made(aud=[ISSUER, "https://other.example"])) == found
    for header in ({"typ": "JWT"}, {"typ": ...}, {"typ": "application/oauth-authz-req+jwt"}, {"kid": ...}):
        assert read(made(header)) == found
    # a key without a name, of another kind
    assert read(sign(ED_KEY, {"typ": "oauth-authz-req+jwt"}, CLAIMS)) == found
    assert read(sign(ED_KEY, {"typ": "oauth-authz-req+jwt", "alg": "Ed25519"}, CLAIMS)) == found


def test_requests_signed_by_another_library() -> None:
    for key, algorithm in ((ECKey.generate_key("P-256"), "ES256"), (RSAKey.generate_key(2048), "RS256")):
        client = Registration("portal", jwks=(key.as_dict(private=False),))
        text = jws.serialize_compact({"alg": algorithm, "typ": "oauth-authz-req+jwt"}, json.dumps(CLAIMS), key, algorithms=[algorithm])
        assert read(text, client)["scope"] == "openid"


CLAIM_ATTACKS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "other"}, "iss"),
    ({"iss": ...}, "iss"),
    ({"client_id": "other"}, "iss"),
    ({"client_id": ...}, "iss"),
    ({"aud": "https://other.example"}, "aud"),
    ({"aud": ISSUER + "/"}, "aud"),
    ({"aud": ["https://other.example"]}, "aud"),
    ({"aud": {"x": ISSUER}}, "aud"),
    ({"aud": ...}, "aud"),
    ({"exp": ...}, "exp"),
    ({"exp": NOW}, "exp"),
    ({"exp": NOW - 1}, "exp"),
    ({"exp": NOW + LIFETIME_SECONDS + AHEAD_SECONDS + 1}, "exp"),
    ({"exp": str(NOW + 60)}, "exp"),
    ({"exp": NOW + 60.5}, "exp"),
    ({"exp": True}, "exp"),
    ({"nbf": NOW + AHEAD_SECONDS + 1}, "nbf"),
    ({"nbf": NOW - LIFETIME_SECONDS - 1}, "nbf"),
    ({"iat": NOW + AHEAD_SECONDS + 1}, "iat"),
    ({"iat": -1}, "iat"),
    ({"sub": "portal"}, "sub"),
    ({"request": "x"}, "nested"),
    ({"request_uri": "urn:x"}, "nested"),
    ({"scope": ["openid"]}, "parameter"),
    ({"max_age": 1.5}, "parameter"),
    ({"prompt": None}, "parameter"),
    ({"prompt": True}, "parameter"),
]


@pytest.mark.clause("RFC 9101 5", "RFC 9101 6.2", "RFC 9101 10.8", "RFC 8725 3.9")
@pytest.mark.parametrize(("claims", "rule"), CLAIM_ATTACKS, ids=[f"{n}-{rule}" for n, (_, rule) in enumerate(CLAIM_ATTACKS)])
def test_attack_claims_that_are_for_another_or_another_time(claims: dict[str, Any], rule: str) -> None:
    assert reason(made(**claims)) == rule


HEADER_ATTACKS: list[tuple[dict[str, Any], str]] = [
    ({"typ": "dpop+jwt"}, "typ"),
    ({"typ": "at+jwt"}, "typ"),
    ({"typ": "logout+jwt"}, "typ"),
    ({"typ": "client-authentication+jwt"}, "typ"),
    ({"typ": ["JWT"]}, "typ"),
    ({"alg": "none"}, "alg"),
    ({"alg": "HS256"}, "alg"),
    ({"alg": "ES384"}, "alg"),
    ({"alg": ["ES256"]}, "alg"),
    ({"alg": "EdDSA"}, "signature"),
    ({"alg": "RS256"}, "signature"),
    ({"kid": "s"}, "signature"),
    ({"kid": "../../k1"}, "signature"),
    ({"kid": 1}, "signature"),
    ({"kid": None}, "signature"),
    ({"jwk": public_jwk(KEY)}, "header member"),
    ({"jku": "https://evil.example/"}, "header member"),
    ({"x5u": "https://evil.example/"}, "header member"),
    ({"x5c": ["AAAA"]}, "header member"),
    ({"crit": ["exp"]}, "header member"),
    ({"b64": False}, "header member"),
    ({"cty": "JWT"}, "header member"),
]


@pytest.mark.clause("RFC 8725 3.1", "RFC 8725 3.10", "RFC 8725 3.11")
@pytest.mark.parametrize(
    ("header", "rule"), HEADER_ATTACKS, ids=[f"{n}-{rule.replace(' ', '-')}" for n, (_, rule) in enumerate(HEADER_ATTACKS)]
)
def test_attack_headers(header: dict[str, Any], rule: str) -> None:
    assert reason(made(header)) == rule


def test_attack_signatures_and_forms() -> None:
    good = made()
    head, body, signature = good.split(".")
    assert reason(sign(OTHER, HEADER, CLAIMS)) == "signature"
    assert reason(f"{head}.{encode({**CLAIMS, 'redirect_uri': 'https://evil.example/'})}.{signature}") == "signature"
    assert reason(f"{head}.{body}.") == "signature"
    assert reason(f"{head}.{body}.{encode(bytes(64))}") == "signature"
    # an HMAC under the public key's own text, in the name of the one algorithm that would take it
    confused = encode({**HEADER, "alg": "HS256"})
    mac = hmac.digest(json.dumps(public_jwk(KEY)).encode(), f"{confused}.{body}".encode(), hashlib.sha256)
    assert reason(f"{confused}.{body}.{encode(mac)}") == "alg"
    for text in ("", "a.b", "a.b.c.d", "é.b.c", "x" * 9000, f"{encode([])}.{body}.{signature}", f"{head}=.{body}.{signature}"):
        assert reason(text)
    twice = encode(b'{"alg":"none","alg":"ES256","kid":"k1"}')
    assert reason(f"{twice}.{body}.{signature}") == "duplicate member"


@pytest.mark.clause("RFC 9101 10.2")
def test_attack_an_algorithm_the_client_did_not_choose() -> None:
    chosen = Registration("portal", jwks=JWKS, request_object_signing_alg="ES256")
    assert read(made(), chosen)
    assert reason(sign(ED_KEY, {}, CLAIMS), chosen) == "alg"
    key = RSAKey.generate_key(2048)
    fapi = Registration("portal", jwks=(key.as_dict(private=False),), profile="fapi2")
    text = jws.serialize_compact({"alg": "RS256"}, json.dumps(CLAIMS), key, algorithms=["RS256"])
    assert reason(text, fapi) == "alg"
    assert reason(text, Registration("portal", jwks=fapi.jwks, request_object_signing_alg="PS256")) == "alg"


def test_keys_that_cannot_verify_are_passed_over() -> None:
    odd: tuple[dict[str, Any], ...] = (
        {},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {**public_jwk(KEY), "d": "AAAA"},
        {**public_jwk(KEY), "use": "enc"},
        {**public_jwk(KEY), "kid": 7},
        {"kty": "oct", "k": "AAAA"},
    )
    assert KEYS.of(Registration("portal", jwks=odd)) == {}
    usable = {**public_jwk(ED_KEY), "alg": "Ed25519", "key_ops": ["verify"]}
    assert len(KEYS.of(Registration("portal", jwks=(*odd, usable)))) == 1
