"""Certificates of clients as a proxy shows them: only from named proxies, only in the named header."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from crypto.jose import verification_key
from idp.tokens.client_certificate import CertificateDoor, is_of_keys, is_subject, read_door, shown_certificate
from standards.errors import TrustError

KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, "housing")])
_AT = datetime(2026, 11, 28, tzinfo=UTC)


def made(key: ec.EllipticCurvePrivateKey = KEY) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(_NAME).issuer_name(_NAME).public_key(key.public_key()).serial_number(1)
    return builder.not_valid_before(_AT).not_valid_after(_AT + timedelta(days=1)).sign(key, hashes.SHA256())


CERTIFICATE = made()
DER = CERTIFICATE.public_bytes(Encoding.DER)
DOOR = read_door("X-Client-Cert", "X-Client-Verify", ["10.0.0.7/32", "::1/128"])
ESCAPED = quote(CERTIFICATE.public_bytes(Encoding.PEM).decode(), safe="").encode()
SPKI = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.clause("RFC 8705 2", "RFC 9440 2")
@pytest.mark.parametrize(
    "value",
    [
        b":" + base64.b64encode(DER) + b":",
        base64.b64encode(DER),
        ESCAPED,
        CERTIFICATE.public_bytes(Encoding.PEM).strip(),
    ],
    ids=["rfc9440", "haproxy", "nginx", "pem"],
)
def test_a_certificate_is_read_in_every_form_that_proxies_write(value: bytes) -> None:
    shown = shown_certificate(DOOR, [(b"host", b"x"), (b"x-client-cert", value), (b"x-client-verify", b"SUCCESS")], "10.0.0.7")
    assert shown is not None
    assert shown.certificate.der == DER
    assert shown.digest == base64.urlsafe_b64encode(hashlib.sha256(DER).digest()).rstrip(b"=").decode()
    assert is_subject(shown, "CN=housing,C=CN")
    assert not is_subject(shown, "CN=housing")
    assert is_of_keys(shown, {"k": verification_key(SPKI, "k")})
    other = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert not is_of_keys(shown, {"k": verification_key(other, "k")})


@pytest.mark.parametrize(
    ("door", "peer"),
    [
        (CertificateDoor(), "10.0.0.7"),
        (DOOR, "10.0.0.8"),
        (DOOR, "::2"),
        (DOOR, "local"),
        (read_door("x-other", "", ["10.0.0.0/8"]), "10.0.0.7"),
    ],
)
def test_nobody_but_a_named_proxy_shows_a_certificate(door: CertificateDoor, peer: str) -> None:
    assert shown_certificate(door, [(b"x-client-cert", ESCAPED), (b"x-client-verify", b"SUCCESS")], peer) is None


@pytest.mark.parametrize("words", [[], [b"NONE"], [b"FAILED:expired"], [b"SUCCESS", b"SUCCESS"], [b""]])
def test_what_the_proxy_did_not_verify_has_no_subject(words: list[bytes]) -> None:
    headers = [(b"x-client-cert", ESCAPED), *((b"x-client-verify", word) for word in words)]
    shown = shown_certificate(DOOR, headers, "::1")
    assert shown is not None
    assert not is_subject(shown, "CN=housing,C=CN")


@pytest.mark.parametrize("values", [[], [b""], [b"  "]])
def test_no_certificate_is_none(values: list[bytes]) -> None:
    assert shown_certificate(DOOR, [(b"x-client-cert", value) for value in values], "10.0.0.7") is None


@pytest.mark.parametrize(
    "values",
    [[ESCAPED, ESCAPED], [b"x"], [b":AAAA:"], [b"%2D%2D"], [b"-----BEGIN CERTIFICATE-----"], [b"A" * 20_000], [base64.b64encode(SPKI)]],
)
def test_what_cannot_be_read_is_refused(values: list[bytes]) -> None:
    with pytest.raises(TrustError, match="CLIENT_AUTH_FAILED"):
        shown_certificate(DOOR, [(b"x-client-cert", value) for value in values], "10.0.0.7")


def test_a_key_of_another_kind_is_of_nobody() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    headers = [(b"x-client-cert", base64.b64encode(made(key).public_bytes(Encoding.DER)))]
    shown = shown_certificate(DOOR, headers, "10.0.0.7")
    assert shown is not None
    assert not is_of_keys(shown, {"k": verification_key(SPKI, "k")})


@pytest.mark.parametrize(("header", "peers"), [("x", ["nowhere"]), ("x", [])])
def test_settings_that_would_let_anybody_in_are_refused(header: str, peers: list[str]) -> None:
    with pytest.raises(TrustError, match="SETTING_INVALID"):
        read_door(header, "", peers)
