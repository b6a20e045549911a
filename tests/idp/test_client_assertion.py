"""Assertions by which clients prove themselves: what is right is taken, every known trick refused by name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import OctKey

from crypto.jose import TokenSigner, verification_key
from crypto.signer import software_signer
from idp.tokens.client_assertion import (
    ASSERTION_SECONDS_MAX,
    check_assertion_claims,
    check_by_keys,
    check_by_secret,
    claimed_client,
    read_assertion,
)
from standards.errors import TrustError

P256 = ec.generate_private_key(ec.SECP256R1())
ED = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
AT = datetime(2026, 11, 28, 8, tzinfo=UTC)
NOW = int(AT.timestamp())
ISSUER = "https://trust.example"
SECRET = "yxs_" + "s" * 43
CLAIMS: dict[str, Any] = {"iss": "rp", "sub": "rp", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "nbf": NOW, "jti": "j-1"}
ALL = ("ES256", "RS256", "EdDSA")


def spki(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


KEYS = {name: verification_key(spki(key), name) for name, key in (("p", P256), ("e", ED), ("r", RSA))}


def made(name: str = "p", claims: dict[str, Any] | None = None, token_type: str = "JWT") -> str:
    key: Any = {"p": P256, "e": ED, "r": RSA}[name]
    return TokenSigner(software_signer(key, name), key_id=name, token_type=token_type).sign(CLAIMS if claims is None else claims)


def segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: object, claims: object = CLAIMS, signature: bytes = bytes(64)) -> str:
    return ".".join((segment(header), segment(claims), segment(signature)))


def by_secret(secret: str = SECRET, header: dict[str, Any] | None = None) -> str:
    head = segment(header or {"alg": "HS256"}) + "." + segment(CLAIMS)
    return head + "." + segment(hmac.digest(secret.encode(), head.encode(), hashlib.sha256))


def reason(caught: pytest.ExceptionInfo[TrustError]) -> object:
    return caught.value.facts.get("reason", caught.value.code)


@pytest.mark.clause("RFC 7523 3", "OIDC Core 9")
@pytest.mark.parametrize("name", ["p", "e", "r"])
def test_an_assertion_by_a_registered_key_counts(name: str) -> None:
    read = read_assertion(made(name))
    check_by_keys(read, KEYS, algorithms=ALL)
    use = check_assertion_claims(read, "rp", (ISSUER, ISSUER + "/oauth2/token"), AT)
    assert use.assertion_id == "j-1"
    assert use.until_at.timestamp() > NOW + 60
    assert claimed_client(made(name)) == "rp"
    assert "j-1" not in repr(read)


def test_a_key_need_not_be_named_where_it_is_the_only_one_that_fits() -> None:
    signer = software_signer(P256, "p")

    def nameless() -> str:
        head = segment({"alg": "ES256"}) + "." + segment(CLAIMS)
        r, s = decode_dss_signature(signer.sign(head.encode()))
        return head + "." + segment(r.to_bytes(32) + s.to_bytes(32))

    check_by_keys(read_assertion(nameless()), KEYS, algorithms=ALL)
    twice = {**KEYS, "p2": verification_key(spki(ec.generate_private_key(ec.SECP256R1())), "p2")}
    for keys in (twice, {"r": KEYS["r"]}, {}):
        with pytest.raises(TrustError) as caught:
            check_by_keys(read_assertion(nameless()), keys, algorithms=ALL)
        assert reason(caught) == "key"


def test_ed25519_goes_by_either_name() -> None:
    head = segment({"alg": "Ed25519", "kid": "e"}) + "." + segment(CLAIMS)
    check_by_keys(read_assertion(f"{head}.{segment(ED.sign(head.encode()))}"), KEYS, algorithms=ALL)


@pytest.mark.clause("RFC 8725 3.1", "RFC 8725 3.2")
@pytest.mark.parametrize(
    ("token", "why"),
    [
        (forged({"alg": "none"}, signature=b""), "alg"),
        (forged({"alg": "HS256", "kid": "p"}), "alg"),
        (forged({"alg": "RS256", "kid": "p"}), "alg"),
        (forged({"alg": "ES256", "kid": "r"}), "alg"),
        (forged({"alg": "ES256", "kid": "nobody"}), "key"),
        (forged({"alg": "ES256", "kid": "p"}), "signature"),
        (forged({"kid": "p"}), "alg"),
        (made("p")[:-4] + "AAAA", "signature"),
        (made("p").replace(".", ".e", 1), "JSON"),
    ],
)
def test_no_key_and_no_algorithm_but_the_registered_ones(token: str, why: str) -> None:
    with pytest.raises(TrustError) as caught:
        check_by_keys(read_assertion(token), KEYS, algorithms=ALL)
    assert reason(caught) in {why, "base64url", "base64url not canonical"}


def test_an_algorithm_can_be_ruled_out() -> None:
    with pytest.raises(TrustError) as caught:
        check_by_keys(read_assertion(made("r")), KEYS, algorithms=("ES256", "EdDSA"))
    assert reason(caught) == "alg"


@pytest.mark.clause("RFC 8725 3.10", "RFC 7515 4.1.11")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty"])
def test_a_header_brings_no_key_and_no_rules(member: str) -> None:
    with pytest.raises(TrustError) as caught:
        read_assertion(forged({"alg": "ES256", "kid": "p", member: "https://evil.example"}))
    assert reason(caught) == "header member"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("a.b", "form"),
        ("a.b.c.d", "form"),
        ("é.b.c", "length"),
        ("a" * 5000, "length"),
        (forged({"alg": 1}), "header member"),
        (forged({"alg": "ES256", "typ": "at+jwt"}), "typ"),
        (forged({"alg": "ES256", "typ": "dpop+jwt"}), "typ"),
        (forged({"alg": "ES256"}, b'{"iss":"a","iss":"b"}'), "duplicate member"),
        (forged({"alg": "ES256"}, b'{"exp":NaN}'), "not a number"),
        (forged({"alg": "ES256"}, b'{"exp":1e400}'), "number too large"),
        (forged({"alg": "ES256"}, b"[]"), "JSON object"),
        (forged({"alg": "ES256"}, b'{"sub":"\\ud800"}'), "JSON"),
    ],
)
def test_what_cannot_be_read_is_refused(token: str, why: str) -> None:
    with pytest.raises(TrustError) as caught:
        read_assertion(token)
    assert reason(caught) == why
    assert claimed_client(token) == ""


@pytest.mark.clause("RFC 7523 3")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "other"}, "iss"),
        ({"sub": "other"}, "iss"),
        ({"sub": None}, "iss"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {"a": ISSUER}}, "aud"),
        ({"aud": [ISSUER] * 9}, "aud"),
        ({"aud": ISSUER + "/"}, "aud"),
        ({"exp": NOW - 11}, "exp"),
        ({"exp": NOW + ASSERTION_SECONDS_MAX + 1}, "exp"),
        ({"exp": str(NOW + 60)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": -1}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": NOW + 31}, "iat"),
        ({"nbf": NOW + 31}, "nbf"),
        ({"nbf": None}, "nbf"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "j" * 257}, "jti"),
    ],
)
def test_an_assertion_is_by_this_client_for_us_and_for_now(changes: dict[str, Any], why: str) -> None:
    read = read_assertion(made("p", {**CLAIMS, **changes}))
    with pytest.raises(TrustError) as caught:
        check_assertion_claims(read, "rp", (ISSUER, ISSUER + "/oauth2/token"), AT)
    assert reason(caught) == why


@pytest.mark.parametrize("missing", ["exp", "jti", "aud", "iss", "sub"])
def test_every_claim_that_counts_must_be_there(missing: str) -> None:
    read = read_assertion(made("p", {name: value for name, value in CLAIMS.items() if name != missing}))
    with pytest.raises(TrustError):
        check_assertion_claims(read, "rp", (ISSUER,), AT)


def test_where_one_name_is_allowed_it_stands_alone() -> None:
    listed = read_assertion(made("p", {**CLAIMS, "aud": [ISSUER]}))
    assert check_assertion_claims(listed, "rp", (ISSUER, ISSUER + "/oauth2/token"), AT).assertion_id == "j-1"
    with pytest.raises(TrustError) as caught:
        check_assertion_claims(listed, "rp", (ISSUER,), AT)
    assert reason(caught) == "aud"


@pytest.mark.clause("OIDC Core 9")
def test_an_assertion_by_the_secret_counts() -> None:
    by_others = jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key(SECRET), algorithms=["HS256"])
    for token in (by_secret(), by_others):
        check_by_secret(read_assertion(token), ("yxs_old", SECRET))
    for token, why in (
        (by_secret("yxs_other"), "signature"),
        (by_secret(header={"alg": "none"}), "alg"),
        (by_secret(header={"alg": "HS512"}), "alg"),
        (made("p"), "alg"),
    ):
        with pytest.raises(TrustError) as caught:
            check_by_secret(read_assertion(token), (SECRET,))
        assert reason(caught) == why
    with pytest.raises(TrustError):
        check_by_secret(read_assertion(by_secret()), ())


def test_a_public_key_is_no_secret() -> None:
    """The old trick: an HMAC under the text of the public key."""
    head = segment({"alg": "HS256", "kid": "p"}) + "." + segment(CLAIMS)
    token = head + "." + segment(hmac.digest(spki(P256), head.encode(), hashlib.sha256))
    with pytest.raises(TrustError) as caught:
        check_by_keys(read_assertion(token), KEYS, algorithms=ALL)
    assert reason(caught) == "alg"
