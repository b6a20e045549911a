"""RFC 5280, 4.2: the values of the certificate extensions we act on, read strictly and written in DER."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_certificate import write_extension
from standards.rfc5280_names import GeneralName, read_general_name, read_general_names, write_uri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from standards.x690_der import Node

DIGITAL_SIGNATURE: Final = 0
NON_REPUDIATION: Final = 1
KEY_ENCIPHERMENT: Final = 2
DATA_ENCIPHERMENT: Final = 3
KEY_AGREEMENT: Final = 4
KEY_CERT_SIGN: Final = 5
CRL_SIGN: Final = 6

MAX_PURPOSES: Final = 64  # real certificates state under 10
MAX_SUBTREES: Final = 1000  # technically constrained authorities on the web list a few hundred
MAX_DISTRIBUTION_POINTS: Final = 64
MAX_KEY_IDENTIFIER_BYTES: Final = 128
MAX_PATH_LENGTH: Final = 1000  # no meaning beyond the length of a path


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """4.2.1.9. ``path_length`` is ``None`` without a limit."""

    ca: bool
    path_length: int | None


@dataclass(frozen=True, slots=True)
class AuthorityKeyIdentifier:
    """4.2.1.1. Issuer and serial name the issuer's own certificate."""

    key_id: bytes | None
    issuer: tuple[GeneralName, ...]
    serial: int | None


@dataclass(frozen=True, slots=True)
class Subtree:
    """4.2.1.10. ``plain`` is false where ``minimum`` or ``maximum`` deviate from what RFC 5280 allows."""

    base: GeneralName
    plain: bool


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """4.2.1.10."""

    permitted: tuple[Subtree, ...]
    excluded: tuple[Subtree, ...]


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """4.2.1.13. ``relative_name_der`` is set where the point is named relative to the issuer."""

    full_names: tuple[GeneralName, ...]
    relative_name_der: bytes | None
    reasons: frozenset[int] | None
    crl_issuer: tuple[GeneralName, ...]


def _bounded(nodes: list[Node], most: int, what: str) -> list[Node]:
    if not 1 <= len(nodes) <= most:
        raise MalformedError("EXTENSION_COUNT", extension=what, limit=most, found=len(nodes))
    return nodes


def read_key_usage(value_der: bytes) -> frozenset[int]:
    """4.2.1.3: the numbers of the bits that are set."""
    return der.read_der(value_der).named_bits()


def read_basic_constraints(value_der: bytes) -> BasicConstraints:
    """4.2.1.9. Tolerated because real files have it: ``cA FALSE`` written out, and a path length (without meaning) where CA is false."""
    parts = der.read_der(value_der).children(der.SEQUENCE)
    ca, length = False, None
    if parts and parts[0].tag == der.BOOLEAN:
        ca = parts.pop(0).boolean()
    if parts:
        length = parts.pop(0).integer()
    if parts or (length is not None and not 0 <= length <= MAX_PATH_LENGTH):
        raise MalformedError("BASIC_CONSTRAINTS_MALFORMED", ca=ca, path_length=length)
    return BasicConstraints(ca, length)


def read_extended_key_usage(value_der: bytes) -> tuple[str, ...]:
    """4.2.1.12: the purposes, in order, at least one."""
    nodes = der.read_der(value_der).children(der.SEQUENCE)
    return tuple(node.oid() for node in _bounded(nodes, MAX_PURPOSES, "extKeyUsage"))


def read_subject_key_identifier(value_der: bytes) -> bytes:
    """4.2.1.2."""
    return _key_identifier(der.read_der(value_der).octets())


def _key_identifier(octets: bytes) -> bytes:
    if not 1 <= len(octets) <= MAX_KEY_IDENTIFIER_BYTES:
        raise MalformedError("KEY_IDENTIFIER_LENGTH", limit=MAX_KEY_IDENTIFIER_BYTES, found=len(octets))
    return octets


def read_authority_key_identifier(value_der: bytes) -> AuthorityKeyIdentifier:
    """4.2.1.1."""
    key_id, serial = None, None
    issuer: tuple[GeneralName, ...] = ()
    for part in der.read_der(value_der).children(der.SEQUENCE):
        if part.tag == 0x80:
            key_id = _key_identifier(part.value)
        elif part.tag == 0xA1:
            issuer = read_general_names(part.children())
        else:
            serial = part.integer(0x82)
    return AuthorityKeyIdentifier(key_id, issuer, serial)


def read_name_constraints(value_der: bytes) -> NameConstraints:
    """4.2.1.10."""
    permitted: tuple[Subtree, ...] = ()
    excluded: tuple[Subtree, ...] = ()
    for part in der.read_der(value_der).children(der.SEQUENCE):
        trees = tuple(_subtree(node) for node in _bounded(part.children(), MAX_SUBTREES, "nameConstraints"))
        if part.tag == 0xA0:
            permitted += trees
        else:
            part.expect(0xA1)
            excluded += trees
    return NameConstraints(permitted, excluded)


def _subtree(node: Node) -> Subtree:
    base, *rest = _bounded(node.children(der.SEQUENCE), 3, "GeneralSubtree")
    plain = not rest or (len(rest) == 1 and rest[0].tag == 0x80 and rest[0].value == b"\x00")  # minimum 0 written out
    return Subtree(read_general_name(base), plain)


def read_general_names_value(value_der: bytes) -> tuple[GeneralName, ...]:
    """4.2.1.6: SEQUENCE OF GeneralName, the value of subjectAltName."""
    return read_general_names(der.read_der(value_der).children(der.SEQUENCE))


def read_crl_distribution_points(value_der: bytes) -> tuple[DistributionPoint, ...]:
    """4.2.1.13."""
    points = []
    for node in _bounded(der.read_der(value_der).children(der.SEQUENCE), MAX_DISTRIBUTION_POINTS, "cRLDistributionPoints"):
        full_names: tuple[GeneralName, ...] = ()
        crl_issuer: tuple[GeneralName, ...] = ()
        relative, reasons = None, None
        for part in node.children(der.SEQUENCE):
            if part.tag == 0xA0:
                full_names, relative = read_distribution_point_name(part)
            elif part.tag == 0x81:
                reasons = part.named_bits(0x81)
            else:
                crl_issuer = read_general_names(part.expect(0xA2).children())
        points.append(DistributionPoint(full_names, relative, reasons, crl_issuer))
    return tuple(points)


def read_distribution_point_name(node: Node) -> tuple[tuple[GeneralName, ...], bytes | None]:
    """DistributionPointName inside its explicit tag: the full names, or the bytes of the name relative to the issuer."""
    choice = node.only_child()
    if choice.tag == 0xA1:
        return (), choice.raw
    return read_general_names(choice.expect(0xA0).children()), None


def read_authority_information_access(value_der: bytes) -> tuple[tuple[str, GeneralName], ...]:
    """4.2.2.1: (access method, location) pairs."""
    pairs = []
    for node in _bounded(der.read_der(value_der).children(der.SEQUENCE), MAX_DISTRIBUTION_POINTS, "authorityInfoAccess"):
        parts = node.children(der.SEQUENCE)
        if len(parts) != 2:
            raise MalformedError("ACCESS_DESCRIPTION_MALFORMED", elements=len(parts))
        pairs.append((parts[0].oid(), read_general_name(parts[1])))
    return tuple(pairs)


def write_key_usage(bits: Iterable[int]) -> bytes:
    """KeyUsage as an Extension, critical (RFC 5280, 4.2.1.3; GB/T 20518)."""
    return write_extension(oids.KEY_USAGE, der.named_bit_list(bits), critical=True)


def write_basic_constraints(*, ca: bool, path_length: int | None = None) -> bytes:
    """BasicConstraints as an Extension; critical in a CA certificate (4.2.1.9)."""
    length = b"" if path_length is None else der.integer(path_length)
    return write_extension(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True) if ca else b"", length), critical=ca)


def write_extended_key_usage(purposes: Iterable[str], *, critical: bool = False) -> bytes:
    """ExtKeyUsage as an Extension."""
    return write_extension(oids.EXTENDED_KEY_USAGE, der.sequence(*(der.oid(purpose) for purpose in purposes)), critical=critical)


def write_subject_key_identifier(key_id: bytes) -> bytes:
    """SubjectKeyIdentifier as an Extension."""
    return write_extension(oids.SUBJECT_KEY_IDENTIFIER, der.octet_string(key_id))


def write_authority_key_identifier(key_id: bytes) -> bytes:
    """AuthorityKeyIdentifier with only the key identifier, as an Extension."""
    return write_extension(oids.AUTHORITY_KEY_IDENTIFIER, der.sequence(der.tlv(0x80, key_id)))


def write_crl_distribution_points(urls: Iterable[str]) -> bytes:
    """CRLDistributionPoints with one full name for each address, as an Extension."""
    points = (der.sequence(der.explicit(0, der.tlv(0xA0, write_uri(url)))) for url in urls)
    return write_extension(oids.CRL_DISTRIBUTION_POINTS, der.sequence(*points))


def write_authority_information_access(*, ocsp_urls: Iterable[str] = (), ca_issuers_urls: Iterable[str] = ()) -> bytes:
    """AuthorityInfoAccess as an Extension."""
    pairs = [(oids.AD_OCSP, url) for url in ocsp_urls] + [(oids.AD_CA_ISSUERS, url) for url in ca_issuers_urls]
    return write_extension(
        oids.AUTHORITY_INFO_ACCESS, der.sequence(*(der.sequence(der.oid(method), write_uri(url)) for method, url in pairs))
    )


def write_name_constraints(*, permitted: Iterable[bytes] = (), excluded: Iterable[bytes] = ()) -> bytes:
    """NameConstraints over encoded GeneralNames, as a critical Extension (4.2.1.10)."""
    parts = b"".join(
        der.tlv(tag, b"".join(der.sequence(base) for base in bases))
        for tag, bases in ((0xA0, tuple(permitted)), (0xA1, tuple(excluded)))
        if bases
    )
    return write_extension(oids.NAME_CONSTRAINTS, der.sequence(parts), critical=True)
