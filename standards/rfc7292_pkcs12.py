"""RFC 7292 (PKCS#12): reading the structure of a key file (.p12, .pfx). What opens it stands in ``crypto/keys.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, read_algorithm
from standards.rfc8018_password_encryption import MAX_SALT_BYTES

MAX_PKCS12_BYTES: Final = 4 << 20  # a key with a long chain takes under 100 kB
MAX_SAFES: Final = 8  # two in practice: certificates, keys; each may cost a key derivation of its own
MAX_BAGS: Final = 1000
MAX_MAC_ITERATIONS: Final = 1_000_000  # one call of a digest each, about a second; 2,048 to 100,000 in use
MAX_NESTING: Final = 4  # safeContents inside safeContents; not seen in practice
VERSION: Final = 3

X509_CERTIFICATE: Final = "1.2.840.113549.1.9.22.1"
_BAGS: Final = "1.2.840.113549.1.12.10.1."
KEY_BAG: Final = _BAGS + "1"
SHROUDED_KEY_BAG: Final = _BAGS + "2"
CERTIFICATE_BAG: Final = _BAGS + "3"
SAFE_CONTENTS_BAG: Final = _BAGS + "6"


@dataclass(frozen=True, slots=True)
class Pkcs12Mac:
    """MacData: an HMAC with ``digest_oid`` under a key derived from the password, ``salt`` and ``iterations``."""

    digest_oid: str
    salt: bytes
    iterations: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Pfx:
    """A key file: ``content`` is the AuthenticatedSafe in the very bytes the MAC covers."""

    content: bytes = field(repr=False)
    mac: Pkcs12Mac | None


@dataclass(frozen=True, slots=True)
class Safe:
    """One ContentInfo of the AuthenticatedSafe: SafeContents, encrypted by ``encryption`` unless that is ``None``."""

    encryption: AlgorithmIdentifier | None
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bag:
    """One entry: ``kind`` is its OID; ``content`` the PKCS#8, the EncryptedPrivateKeyInfo or the certificate in DER."""

    kind: str
    content: bytes = field(repr=False)


def _octets(node: der.Node) -> bytes:
    """``[0] IMPLICIT OCTET STRING``, also in the constructed form that streaming writers leave behind."""
    if node.tag == der.context(0, constructed=False):
        return node.value
    return b"".join(part.octets() for part in node.expect(der.context(0)).children())


def read_pfx(data: bytes) -> Pfx:
    """PFX ::= SEQUENCE { version 3, authSafe ContentInfo of type data, macData OPTIONAL }, in DER or BER.

    Raises ``PKCS12_MALFORMED``, ``PKCS12_TOO_LARGE``, ``PBKDF2_ITERATIONS``, ``PBKDF2_SALT`` or a DER code; ``PKCS12_PUBLIC_KEY`` for
    a file whose integrity is by signature instead of password.
    """
    if len(data) > MAX_PKCS12_BYTES:
        raise MalformedError("PKCS12_TOO_LARGE", limit=MAX_PKCS12_BYTES, found=len(data))
    parts = der.read_der(der.normalise_ber(data, max_bytes=MAX_PKCS12_BYTES)).children(der.SEQUENCE)
    if not 2 <= len(parts) <= 3 or parts[0].integer() != VERSION:
        raise MalformedError("PKCS12_MALFORMED", elements=len(parts))
    kind, content = _content_info(parts[1])
    if kind == oids.CMS_SIGNED_DATA:
        raise MalformedError("PKCS12_PUBLIC_KEY")
    if kind != oids.CMS_DATA:
        raise MalformedError("PKCS12_MALFORMED", content_type=kind)
    return Pfx(content.octets(), _read_mac(parts[2]) if len(parts) == 3 else None)


def _content_info(node: der.Node) -> tuple[str, der.Node]:
    parts = node.children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("PKCS12_MALFORMED", elements=len(parts))
    return parts[0].oid(), parts[1].expect(der.context(0)).only_child()


def _read_mac(node: der.Node) -> Pkcs12Mac:
    parts = node.children(der.SEQUENCE)
    if not 2 <= len(parts) <= 3:
        raise MalformedError("PKCS12_MALFORMED", elements=len(parts))
    digest_info = parts[0].children(der.SEQUENCE)
    if len(digest_info) != 2:
        raise MalformedError("PKCS12_MALFORMED", elements=len(digest_info))
    salt, iterations = parts[1].octets(), parts[2].integer() if len(parts) == 3 else 1
    if len(salt) > MAX_SALT_BYTES:
        raise MalformedError("PBKDF2_SALT", limit=MAX_SALT_BYTES, found=len(salt))
    if not 1 <= iterations <= MAX_MAC_ITERATIONS:
        raise MalformedError("PBKDF2_ITERATIONS", limit=MAX_MAC_ITERATIONS)
    return Pkcs12Mac(read_algorithm(digest_info[0]).oid, salt, iterations, digest_info[1].octets())


def read_authenticated_safe(content: bytes) -> list[Safe]:
    """AuthenticatedSafe ::= SEQUENCE OF ContentInfo, each data or encryptedData; ``PKCS12_PUBLIC_KEY`` for envelopedData."""
    infos = der.read_der(der.normalise_ber(content, max_bytes=MAX_PKCS12_BYTES)).children(der.SEQUENCE)
    if len(infos) > MAX_SAFES:
        raise MalformedError("PKCS12_TOO_LARGE", limit=MAX_SAFES, found=len(infos))
    return [_read_safe(*_content_info(info)) for info in infos]


def _read_safe(kind: str, content: der.Node) -> Safe:
    if kind == oids.CMS_DATA:
        return Safe(None, content.octets())
    if kind != oids.CMS_ENCRYPTED_DATA:
        raise MalformedError("PKCS12_PUBLIC_KEY", content_type=kind)
    parts = content.children(der.SEQUENCE)
    if len(parts) < 2:
        raise MalformedError("PKCS12_MALFORMED", elements=len(parts))
    inner = parts[1].children(der.SEQUENCE)
    if len(inner) != 3 or inner[0].oid() != oids.CMS_DATA:
        raise MalformedError("PKCS12_MALFORMED", elements=len(inner))
    return Safe(read_algorithm(inner[1]), _octets(inner[2]))


def read_bags(content: bytes) -> list[Bag]:
    """SafeContents ::= SEQUENCE OF SafeBag: the keys and X.509 certificates in order, nested contents flattened, others left out."""
    bags: list[Bag] = []
    _collect(der.read_der(der.normalise_ber(content, max_bytes=MAX_PKCS12_BYTES)), bags, 0)
    return bags


def _collect(contents: der.Node, bags: list[Bag], depth: int) -> None:
    if depth > MAX_NESTING:
        raise MalformedError("PKCS12_TOO_LARGE", limit=MAX_NESTING)
    for entry in contents.children(der.SEQUENCE):
        parts = entry.children(der.SEQUENCE)
        if not 2 <= len(parts) <= 3:
            raise MalformedError("PKCS12_MALFORMED", elements=len(parts))
        kind, value = parts[0].oid(), parts[1].expect(der.context(0)).only_child()
        if kind == SAFE_CONTENTS_BAG:
            _collect(value, bags, depth + 1)
        elif kind in {KEY_BAG, SHROUDED_KEY_BAG}:
            bags.append(Bag(kind, value.raw))
        elif kind == CERTIFICATE_BAG:
            certificate = value.children(der.SEQUENCE)
            if len(certificate) != 2:
                raise MalformedError("PKCS12_MALFORMED", elements=len(certificate))
            if certificate[0].oid() == X509_CERTIFICATE:
                bags.append(Bag(kind, certificate[1].expect(der.context(0)).only_child().octets()))
        if len(bags) > MAX_BAGS:
            raise MalformedError("PKCS12_TOO_LARGE", limit=MAX_BAGS)
