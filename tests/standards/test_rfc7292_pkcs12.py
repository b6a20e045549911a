"""PKCS#12 structures, with ``cryptography`` as a writer and asn1crypto as the second opinion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import pkcs12 as oracle
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from standards import gbt33560_oids as oids
from standards import rfc7292_pkcs12 as p12
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import write_algorithm

CERTIFICATE = der.sequence(der.integer(5))


def data_info(content: bytes) -> bytes:
    return der.sequence(der.oid(oids.CMS_DATA), der.explicit(0, der.octet_string(content)))


def bag(kind: str, value: bytes, *attributes: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.explicit(0, value), *attributes)


def certificate_bag(kind: str = p12.X509_CERTIFICATE) -> bytes:
    return bag(p12.CERTIFICATE_BAG, der.sequence(der.oid(kind), der.explicit(0, der.octet_string(CERTIFICATE))))


def mac(*tail: bytes, salt: bytes = b"salt") -> bytes:
    return der.sequence(der.sequence(write_algorithm(oids.SM3), der.octet_string(b"m")), der.octet_string(salt), *tail)


def pfx(*parts: bytes, version: int = 3) -> bytes:
    return der.sequence(der.integer(version), *parts)


@pytest.mark.clause("RFC 7292 4")
def test_file_of_another_library() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1)).sign(key, hashes.SHA256())
    data = pkcs12.serialize_key_and_certificates(b"n", key, certificate, [certificate], BestAvailableEncryption(b"pw"))
    found, other = p12.read_pfx(data), oracle.Pfx.load(data)
    assert found.content == other["auth_safe"]["content"].native
    assert found.mac is not None
    assert found.mac.value == other["mac_data"]["mac"]["digest"].native
    assert (found.mac.salt, found.mac.iterations) == (other["mac_data"]["mac_salt"].native, other["mac_data"]["iterations"].native)
    safes = p12.read_authenticated_safe(found.content)
    assert [safe.encryption is not None and safe.encryption.oid == oids.PBES2 for safe in safes] == [True, False]
    assert [entry.kind for entry in p12.read_bags(safes[1].content)] == [p12.SHROUDED_KEY_BAG]
    assert certificate.public_bytes(Encoding.DER) not in data


def test_bags_in_order_nested_ones_flattened_others_left_out() -> None:
    secret = bag("1.2.840.113549.1.12.10.1.5", der.null())
    nested = bag(p12.SAFE_CONTENTS_BAG, der.sequence(bag(p12.KEY_BAG, der.sequence(der.integer(1)))))
    content = der.sequence(certificate_bag(), certificate_bag("1.2.840.113549.1.9.22.2"), secret, nested)
    assert p12.read_bags(content) == [p12.Bag(p12.CERTIFICATE_BAG, CERTIFICATE), p12.Bag(p12.KEY_BAG, der.sequence(der.integer(1)))]


def test_mac_and_its_defaults() -> None:
    assert p12.read_pfx(pfx(data_info(b"content"))).mac is None
    assert p12.read_pfx(pfx(data_info(b"content"), mac())).mac == p12.Pkcs12Mac(oids.SM3, b"salt", 1, b"m")
    assert p12.read_pfx(pfx(data_info(b"content"), mac(der.integer(7)))) == p12.Pfx(b"content", p12.Pkcs12Mac(oids.SM3, b"salt", 7, b"m"))


def test_indefinite_lengths_and_constructed_strings() -> None:
    inner = b"\x24\x80" + der.octet_string(b"con") + der.octet_string(b"tent") + b"\x00\x00"
    info = b"\x30\x80" + der.oid(oids.CMS_DATA) + b"\xa0\x80" + inner + b"\x00\x00\x00\x00"
    assert p12.read_pfx(b"\x30\x80" + der.integer(3) + info + b"\x00\x00").content == b"content"


@pytest.mark.parametrize("constructed", [False, True])
def test_encrypted_safe(constructed: bool) -> None:
    text = der.explicit(0, der.octet_string(b"ci") + der.octet_string(b"pher")) if constructed else b"\x80\x06cipher"
    inner = der.sequence(der.oid(oids.CMS_DATA), write_algorithm(oids.PBES2), text)
    info = der.sequence(der.oid(oids.CMS_ENCRYPTED_DATA), der.explicit(0, der.sequence(der.integer(0), inner)))
    (safe,) = p12.read_authenticated_safe(der.sequence(info))
    assert safe.encryption is not None
    assert (safe.encryption.oid, safe.content) == (oids.PBES2, b"cipher")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pfx(data_info(b"c"), version=2), "PKCS12_MALFORMED"),
        (pfx(), "PKCS12_MALFORMED"),
        (pfx(der.sequence(der.oid(oids.CMS_DATA))), "PKCS12_MALFORMED"),
        (pfx(der.sequence(der.oid(oids.CMS_SIGNED_DATA), der.explicit(0, der.null()))), "PKCS12_PUBLIC_KEY"),
        (pfx(der.sequence(der.oid(oids.CMS_ENCRYPTED_DATA), der.explicit(0, der.null()))), "PKCS12_MALFORMED"),
        (pfx(data_info(b"c"), der.sequence(der.sequence())), "PKCS12_MALFORMED"),
        (pfx(data_info(b"c"), der.sequence(der.sequence(), der.octet_string(b""))), "PKCS12_MALFORMED"),
        (pfx(data_info(b"c"), mac(der.integer(0))), "PBKDF2_ITERATIONS"),
        (pfx(data_info(b"c"), mac(der.integer(1 << 40))), "PBKDF2_ITERATIONS"),
        (pfx(data_info(b"c"), mac(salt=bytes(2000))), "PBKDF2_SALT"),
        (bytes(p12.MAX_PKCS12_BYTES + 1), "PKCS12_TOO_LARGE"),
    ],
)
def test_malformed_files(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        p12.read_pfx(data)
    assert caught.value.code == code


ENCRYPTED = der.oid(oids.CMS_ENCRYPTED_DATA)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (der.sequence(*[data_info(b"")] * (p12.MAX_SAFES + 1)), "PKCS12_TOO_LARGE"),
        (der.sequence(der.sequence(der.oid(oids.GM_DATA), der.explicit(0, der.null()))), "PKCS12_PUBLIC_KEY"),
        (der.sequence(der.sequence(ENCRYPTED, der.explicit(0, der.sequence(der.integer(0))))), "PKCS12_MALFORMED"),
        (der.sequence(der.sequence(ENCRYPTED, der.explicit(0, der.sequence(der.integer(0), der.sequence())))), "PKCS12_MALFORMED"),
    ],
)
def test_malformed_safes(content: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        p12.read_authenticated_safe(content)
    assert caught.value.code == code


def nested(depth: int) -> bytes:
    content = der.sequence()
    for _ in range(depth):
        content = der.sequence(bag(p12.SAFE_CONTENTS_BAG, content))
    return content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (nested(p12.MAX_NESTING + 1), "PKCS12_TOO_LARGE"),
        (der.sequence(*[certificate_bag()] * (p12.MAX_BAGS + 1)), "PKCS12_TOO_LARGE"),
        (der.sequence(der.sequence(der.oid(p12.KEY_BAG))), "PKCS12_MALFORMED"),
        (der.sequence(bag(p12.CERTIFICATE_BAG, der.sequence())), "PKCS12_MALFORMED"),
    ],
)
def test_malformed_bags(content: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        p12.read_bags(content)
    assert caught.value.code == code


def test_nesting_within_the_limit() -> None:
    assert p12.read_bags(nested(p12.MAX_NESTING)) == []
