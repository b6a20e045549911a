"""Tokens: what is right is accepted, and every known trick is refused by name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from crypto.jose import (
    JWKS_BYTES,
    JwsAlgorithm,
    TokenSigner,
    VerificationKey,
    check_token,
    read_base64url,
    read_jwk,
    read_jwks,
    read_strict_json,
    thumbprint,
    verification_key,
    write_base64url,
    write_jwk,
)
from crypto.jwt_claims import check_claims
from crypto.signatures import SignatureAlgorithm
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from standards.errors import TrustError
from standards.gbt32918_sm2 import read_signature, write_signature

P256 = ec.generate_private_key(ec.SECP256R1())
ED = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
NOW = int(AT.timestamp())
CLAIMS = {"iss": "https://idp.example", "aud": "api", "sub": "a", "exp": NOW + 600, "iat": NOW, "nbf": NOW}


def spki(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


KEYS = {"p": verification_key(spki(P256), "p"), "e": verification_key(spki(ED), "e"), "r": verification_key(spki(RSA), "r")}
KEYS["s"] = verification_key(spki(RSA), "s", algorithm="PS256")
SIGNERS = {
    name: TokenSigner(software_signer(key, name), key_id=name, token_type="at+jwt") for name, key in (("p", P256), ("e", ED), ("r", RSA))
}
PSS_SIGNER = software_signer(RSA, "s", algorithm=SignatureAlgorithm.RSA_PSS_SHA256)
SIGNERS["s"] = TokenSigner(PSS_SIGNER, key_id="s", token_type="at+jwt")


def segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: object, claims: object = CLAIMS, *, sign: Any = None) -> str:
    message = f"{segment(header)}.{segment(claims)}"
    signer = sign or (lambda data: raw(P256, data))
    return f"{message}.{segment(signer(message.encode()))}"


def raw(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """An ES256 value for any header."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def refused(token: str, keys: dict[str, VerificationKey] | None = None) -> str:
    with pytest.raises(TrustError) as error:
        check_token(token, KEYS if keys is None else keys, token_type="at+jwt")
    assert str(error.value.kind) == "unauthenticated"
    return str(error.value.facts.get("reason", error.value.code))


GOOD = {"alg": "ES256", "kid": "p", "typ": "at+jwt"}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.clause("RFC 7515 5.2", "RFC 7518 3.1", "RFC 8037 3.1")
def test_what_is_signed_is_accepted(name: str) -> None:
    token = SIGNERS[name].sign(CLAIMS)
    checked = check_token(token, KEYS, token_type="at+jwt")
    assert checked.claims == CLAIMS
    assert checked.key is KEYS[name]
    assert checked.header["alg"] == KEYS[name].algorithm


@pytest.mark.clause("RFC 7515 A.3")
def test_the_es256_example_of_the_rfc() -> None:
    """RFC 7515 appendix A.3: its key verifies its signature over its bytes."""
    key = read_jwk({"kty": "EC", "crv": "P-256", "kid": "x", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})  # fmt: skip
    message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    signature = read_base64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    assert key.verifies(signature, message)
    assert not key.verifies(signature, message + b"x")


@pytest.mark.clause("RFC 7638 3.1")
def test_the_thumbprint_example_of_the_rfc() -> None:
    modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    key = read_jwk({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.clause("RFC 8037 2", "RFC 8037 A.3")
def test_the_okp_example_of_the_rfc() -> None:
    key = read_jwk({"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.clause("RFC 8725 3.1", "RFC 8725 3.2")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_alg_none(alg: str) -> None:
    for signature in (b"", b"x"):
        assert refused(forge({**GOOD, "alg": alg}, sign=lambda _m, s=signature: s)) == "alg"


@pytest.mark.clause("RFC 8725 2.1")
def test_algorithm_confusion_public_key_as_hmac_secret() -> None:
    public = spki(P256)
    pem = P256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (public, pem):
        forged = forge({**GOOD, "alg": "HS256"}, sign=lambda m, s=secret: hmac.digest(s, m, hashlib.sha256))
        assert refused(forged) == "alg"


@pytest.mark.clause("RFC 8725 3.1")
@pytest.mark.parametrize(
    ("kid", "alg"), [("p", "RS256"), ("p", "EdDSA"), ("p", "ES384"), ("r", "ES256"), ("r", "PS256"), ("s", "RS256"), ("e", "ES256")]
)
def test_a_key_is_used_with_its_own_algorithm_only(kid: str, alg: str) -> None:
    assert refused(forge({"alg": alg, "kid": kid, "typ": "at+jwt"})) == "alg"


def test_an_sm2_signature_is_no_es256_and_no_es256_signature_is_sm2s() -> None:
    sm2 = SM2PrivateKey.generate()
    with pytest.raises(TrustError, match="JWS_ALGORITHM_UNSUPPORTED"):
        TokenSigner(software_signer(ec.generate_private_key(ec.SECP384R1()), "s"), key_id="s", token_type="at+jwt")

    def sign(message: bytes) -> bytes:
        r, s = read_signature(sm2.sign(message))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    assert refused(forge(GOOD, sign=sign)) == "signature"
    keys = {"p": verification_key(sm2.public_key.spki_der, "p")}  # the SM2 key under the name of the P-256 one
    for head, reason in ((GOOD, "alg"), ({**GOOD, "alg": "SGD_SM3_SM2"}, "signature")):
        with pytest.raises(TrustError) as caught:
            check_token(forge(head), keys, token_type="at+jwt")
        assert caught.value.facts["reason"] == reason
    assert not keys["p"].verifies(bytes(63), b"")
    assert not keys["p"].verifies(bytes(64), b"")


@pytest.mark.clause("GM/T 0125")
def test_an_sm2_key_signs_and_is_read_only_by_who_asks_for_sm2() -> None:
    sm2 = SM2PrivateKey.generate()
    key = verification_key(sm2.public_key.spki_der, "s")
    token = TokenSigner(software_signer(sm2, "s"), key_id="s", token_type="JWT").sign({"sub": "a"})
    jwk = write_jwk(key)
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "SM2-P-256", "SGD_SM3_SM2", "sig")
    both = json.dumps({"keys": [jwk, write_jwk(KEYS["p"])]}).encode()
    assert set(read_jwks(both)) == {"p"}
    gm = read_jwks(both, gm=True)
    assert set(gm) == {"s"}
    assert check_token(token, gm, token_type="jwt").claims == {"sub": "a"}
    with pytest.raises(TrustError, match="JWS_KEY_UNKNOWN"):
        check_token(token, read_jwks(both), token_type="jwt")
    raw = read_base64url(token.split(".")[2])
    assert sm2.public_key.verify(write_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])), token.rpartition(".")[0].encode())
    for wrong in ({**jwk, "x": jwk["y"]}, {**jwk, "x": "AA"}, {**jwk, "alg": "ES256"}, {**jwk, "crv": "P-256"}):
        with pytest.raises(TrustError, match="JWS_INVALID"):
            read_jwk(wrong, gm=True)


@pytest.mark.clause("RFC 7515 4.1.11", "RFC 8725 3.5")
@pytest.mark.parametrize(
    "member",
    [
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": write_jwk(KEYS["p"])},
        {"x5c": ["AAAA"]},
        {"x5t": "AAAA"},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"unknown": 1},
    ],
)
def test_headers_that_fetch_keys_or_change_rules(member: dict[str, Any]) -> None:
    assert refused(forge({**GOOD, **member})) == "header member"


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
@pytest.mark.parametrize("value", [None, 1, ["ES256"], {"a": 1}, True])
def test_headers_are_texts(name: str, value: object) -> None:
    assert refused(forge({**GOOD, name: value})) == "header member"
    without = {key: each for key, each in GOOD.items() if key != name}
    assert refused(forge(without)) == "header member"


@pytest.mark.parametrize("kid", ["", "q", "../p", "p'--", "p\x00", "P"])
def test_a_key_id_is_only_looked_up(kid: str) -> None:
    assert refused(forge({**GOOD, "kid": kid})) == "JWS_KEY_UNKNOWN"


@pytest.mark.clause("RFC 8725 3.11", "RFC 7515 4.1.9")
def test_the_type_must_be_the_demanded_one() -> None:
    for other in ("JWT", "logout+jwt", "at+jwt2", "", "text/at+jwt"):
        assert refused(forge({**GOOD, "typ": other})) == "typ"
    for same in ("AT+JWT", "application/at+jwt"):
        assert check_token(forge({**GOOD, "typ": same}), KEYS, token_type="at+jwt").claims == CLAIMS


@pytest.mark.clause("RFC 7515 4", "RFC 8259 4")
def test_duplicate_members() -> None:
    header = b'{"alg":"ES256","kid":"p","typ":"at+jwt","alg":"none"}'
    assert refused(forge(header)) == "duplicate member"
    claims = b'{"sub":"a","sub":"b"}'
    assert refused(forge(GOOD, claims)) == "duplicate member"
    assert refused(forge(GOOD, b'{"x":{"a":1,"a":2}}')) == "duplicate member"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (b'{"exp":NaN}', "not a number"),
        (b'{"exp":Infinity}', "not a number"),
        (b'{"exp":-Infinity}', "not a number"),
        (b'{"exp":1e400}', "number too large"),
        (b'{"exp":1' + b"0" * 400 + b"}", "number too large"),
        (b"[1]", "JSON object"),
        (b'"text"', "JSON object"),
        (b"null", "JSON object"),
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff\xfe{}", "JSON"),
        (b'{"sub":"\\ud800"}', "JSON"),
        (b'{"\\udfff":1}', "JSON"),
        (b"\xef\xbb\xbf{}", "JSON"),
        (b'{"a":' * 64 + b"1" + b"}" * 64, None),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "JSON"),
        (b"[" * 4000, "JSON"),
    ],
)
def test_claims_that_are_no_strict_json(claims: bytes, reason: str | None) -> None:
    if reason is None:
        assert read_strict_json(claims)
    else:
        assert refused(forge(GOOD, claims)) == reason


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c.d", "....", "é.b.c", " ", "a" * 9000],
)
def test_what_is_no_token(token: str) -> None:
    assert refused(token) in {"form", "length", "JSON", "base64url", "base64url not canonical"}


@pytest.mark.clause("RFC 7515 2")
def test_base64url_has_one_spelling() -> None:
    token = SIGNERS["p"].sign(CLAIMS)
    head, body, signature = token.split(".")
    assert refused(f"{head}.{body}.{signature}=") == "base64url"
    assert refused(f"{head}.{body}.{signature}\n") == "base64url"
    last = signature[-1]  # 64 bytes leave four bits unused in the last character
    twin = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if c != last and read_loosely(signature[:-1] + c) == read_loosely(signature))  # fmt: skip
    assert refused(f"{head}.{body}.{signature[:-1]}{twin}") == "base64url not canonical"
    with pytest.raises(TrustError):
        read_base64url("A")
    with pytest.raises(TrustError):
        read_base64url("a+b/")


def read_loosely(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@given(st.binary(max_size=100))
def test_base64url_round_trip(data: bytes) -> None:
    assert read_base64url(write_base64url(data)) == data


@pytest.mark.parametrize("name", KEYS)
def test_a_changed_token_is_refused(name: str) -> None:
    head, body, signature = SIGNERS[name].sign(CLAIMS).split(".")
    assert refused(f"{head}.{segment({**CLAIMS, 'sub': 'b'})}.{signature}") == "signature"
    assert refused(f"{segment({**GOOD, 'alg': str(KEYS[name].algorithm), 'kid': name, 'typ': 'AT+jwt'})}.{body}.{signature}") == "signature"


@pytest.mark.clause("RFC 7518 3.4")
@pytest.mark.parametrize("value", [b"", bytes(64), b"\xff" * 64, b"\x00" * 31 + b"\x01" + b"\x00" * 32, b"x" * 63, b"x" * 65, b"x" * 72])
def test_es256_values_that_are_none(value: bytes) -> None:
    assert refused(forge(GOOD, sign=lambda _m: value)) == "signature"


@pytest.mark.clause("RFC 7518 3.4")
def test_attack_a_signature_is_written_in_one_length() -> None:
    """A zero between r and s changes neither number, but would give one token two spellings."""
    sm2 = SM2PrivateKey.generate()
    keys = {**KEYS, "s": verification_key(sm2.public_key.spki_der, "s")}
    for signer in (SIGNERS["p"], TokenSigner(software_signer(sm2, "s"), key_id="s", token_type="at+jwt")):
        message, _, signature = signer.sign(CLAIMS).rpartition(".")
        value = read_base64url(signature)
        assert check_token(f"{message}.{segment(value)}", keys, token_type="at+jwt")
        assert refused(f"{message}.{segment(value[:32] + bytes(1) + value[32:])}", keys) == "signature"


def test_a_der_signature_is_no_jose_signature() -> None:
    from cryptography.hazmat.primitives import hashes

    assert refused(forge(GOOD, sign=lambda m: P256.sign(m, ec.ECDSA(hashes.SHA256())))) == "signature"


@pytest.mark.parametrize("key", KEYS.values())
def test_keys_are_written_and_read_again(key: VerificationKey) -> None:
    jwk = write_jwk(key)
    assert read_jwk(jwk) == key
    assert {"d", "p", "q", "k"} & set(jwk) == set()
    assert verification_key(spki({"p": P256, "e": ED, "r": RSA, "s": RSA}[key.key_id])).key_id == thumbprint(key)


def test_key_sets_pass_over_what_we_do_not_use() -> None:
    others = [
        {"kty": "EC", "crv": "P-521", "kid": "z"},
        {"kty": "oct", "k": "AAAA", "kid": "h"},
        "text",
        {**write_jwk(KEYS["p"]), "use": "enc"},
    ]
    data = json.dumps({"keys": [*map(write_jwk, KEYS.values()), *others]}).encode()
    assert read_jwks(data) == KEYS


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"keys":1}',
        b"[]",
        b" " * (JWKS_BYTES + 1),
        json.dumps({"keys": [{}] * 33}).encode(),
        json.dumps({"keys": [write_jwk(KEYS["p"]), {**write_jwk(KEYS["r"]), "kid": "p"}]}).encode(),
    ],
)
def test_key_sets_that_are_none(data: bytes) -> None:
    with pytest.raises(TrustError, match="JWS_INVALID"):
        read_jwks(data)


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AAAA"},
        {"k": "AAAA"},
        {"kty": "oct"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": "AAAA"},
        {"y": write_base64url(b"\x01" * 32)},  # off the curve
        {"x": 5},
        {"alg": "ES384"},
        {"alg": "none"},
        {"use": "enc"},
        {"kid": ""},
        {"kid": None},
    ],
)
def test_keys_that_are_none(change: dict[str, Any]) -> None:
    with pytest.raises(TrustError, match="JWS_INVALID"):
        read_jwk({**write_jwk(KEYS["p"]), **change})


def test_weak_and_oversized_rsa_keys() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    with pytest.raises(TrustError):
        verification_key(spki(weak))
    padded = weak.public_key().public_numbers().n.to_bytes(256, "big")  # 1,024 bits in the space of 2,048
    for modulus in (b"\xff" * 128, b"\xff" * 1025, padded):
        with pytest.raises(TrustError):
            read_jwk({"kty": "RSA", "kid": "r", "n": write_base64url(modulus), "e": "AQAB"})
    with pytest.raises(TrustError):
        verification_key(b"nonsense")

    def as_spki(exponent: int) -> bytes:
        key = rsa.RSAPublicNumbers(exponent, RSA.public_key().public_numbers().n).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert verification_key(as_spki((1 << 63) + 1))
    with pytest.raises(TrustError):  # it would cost the time of forty keys
        verification_key(as_spki((1 << 64) + 1))


@pytest.mark.clause("RFC 7519 4.1", "RFC 9068 4")
def test_claims_at_their_limits() -> None:
    def check(**changed: Any) -> None:
        claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not ...}
        check_claims(claims, issuer="https://idp.example", audience="api", at=AT)

    check()
    check(aud=["other", "api"], nbf=..., iat=...)
    check(exp=NOW - 4)
    check(nbf=NOW + 5, iat=NOW + 5)
    with pytest.raises(TrustError, match="JWS_EXPIRED"):
        check(exp=NOW - 5)
    for changed, reason in (
        ({"iss": "https://idp.example/"}, "iss"),
        ({"iss": ...}, "iss"),
        ({"aud": "API"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {"api": 1}}, "aud"),
        ({"aud": ...}, "aud"),
        ({"exp": ...}, "exp"),
        ({"exp": str(NOW + 600)}, "exp"),
        ({"exp": NOW + 600.5}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": -1}, "exp"),
        ({"exp": 2**53}, "exp"),
        ({"nbf": NOW + 6}, "nbf"),
        ({"iat": NOW + 6}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": None}, "iat"),
    ):
        with pytest.raises(TrustError) as error:
            check(**changed)
        assert error.value.facts == {"reason": reason}


def test_a_lifetime_may_be_bounded() -> None:
    arguments: dict[str, Any] = {"issuer": "https://idp.example", "audience": "api", "at": AT}
    check_claims(CLAIMS, **arguments, lifetime_seconds=600)
    with pytest.raises(TrustError, match="lifetime"):
        check_claims(CLAIMS, **arguments, lifetime_seconds=599)
    check_claims({**CLAIMS, "exp": int((AT + timedelta(seconds=9)).timestamp())}, **arguments, lifetime_seconds=599)


def test_algorithms_have_their_registered_names() -> None:
    assert {str(each) for each in JwsAlgorithm} == {"ES256", "EdDSA", "RS256", "PS256", "SGD_SM3_SM2"}


@pytest.mark.clause("RFC 7518 3.5", "RFC 8725 3.1")
def test_each_rsa_scheme_is_its_own_algorithm() -> None:
    # 1. What somebody else makes of PS256 and reads of ours
    theirs = jwt.encode(CLAIMS, RSA, "PS256", {"kid": "s", "typ": "at+jwt"})
    assert check_token(theirs, KEYS, token_type="at+jwt").claims == CLAIMS
    ours = SIGNERS["s"].sign(CLAIMS)
    assert jwt.decode(ours, jwt.PyJWK(write_jwk(KEYS["s"])), ["PS256"], audience="api", options={"verify_exp": False, "verify_iat": False, "verify_nbf": False}) == CLAIMS  # fmt: skip
    # 2. The same key and header with the other scheme, another hash, or a salt of another length
    header = {"alg": "PS256", "kid": "s", "typ": "at+jwt"}
    for scheme, digest in (
        (padding.PKCS1v15(), hashes.SHA256()),
        (padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256()),
        (padding.PSS(padding.MGF1(hashes.SHA1()), 32), hashes.SHA256()),
        (padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512()),
    ):
        assert refused(forge(header, sign=lambda data, s=scheme, d=digest: RSA.sign(data, s, d))) == "signature"
    assert refused(forge({**header, "alg": "RS256", "kid": "r"}, sign=PSS_SIGNER.sign)) == "signature"


def test_what_an_rsa_key_is_for() -> None:
    members = {name: value for name, value in write_jwk(KEYS["r"]).items() if name != "alg"}
    assert read_jwk(members).algorithm == "RS256"
    assert read_jwk(members, rsa_without_alg=JwsAlgorithm.PS256).algorithm == "PS256"
    assert read_jwk({**members, "alg": "PS256"}) == VerificationKey("r", JwsAlgorithm.PS256, RSA.public_key())
    assert read_jwk({**members, "alg": "RS256"}, rsa_without_alg=JwsAlgorithm.PS256).algorithm == "RS256"
    for key, algorithm in ((RSA, "ES256"), (P256, "PS256"), (ED, "ES256")):
        with pytest.raises(TrustError):
            verification_key(spki(key), algorithm=algorithm)


@pytest.mark.clause("RFC 9864 2.2")
def test_a_key_may_bear_the_newer_name_of_its_algorithm() -> None:
    members = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "d"}  # RFC 8037 A.2
    assert read_jwk({**members, "alg": "Ed25519"}) == read_jwk({**members, "alg": "EdDSA"}) == read_jwk(members)
    for other in ("Ed448", "ES256", "", "eddsa", None, 8, ["EdDSA"], {"Ed25519": 1}):
        with pytest.raises(TrustError, match="JWS_INVALID"):
            read_jwk({**members, "alg": other})
