"""RFC 5652: Cryptographic Message Syntax, SignedData.

Reading keeps what was signed as it was received: the signed attributes come back with their own bytes, only the identifier changed
from ``[0] IMPLICIT`` to SET OF as clause 5.4 demands. Writing is direct: parts that are the same for every signature of one
certificate are encoded once by the caller and joined here.

The structure is the same in GB/T 35275, which differs in object identifiers and in a few rules (:mod:`standards.gbt35275_cms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, read_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from standards.x690_der import Node

MAX_CMS_BYTES: Final = 8 * 1024 * 1024  # with embedded revocation lists of large CAs real values stay under 2 MiB
MAX_CERTIFICATES: Final = 64  # real values carry under ten
MAX_REVOCATION_ITEMS: Final = 64  # one list or answer per certificate
MAX_ATTRIBUTES: Final = 64  # real values carry under fifteen
MAX_SIGNERS: Final = 64  # a PDF signature must have one; more are counted, never used
MAX_VALUES: Final = 16  # of one attribute; all that we use have one

DATA_TYPES: Final = frozenset({oids.CMS_DATA, oids.GM_DATA})

_CERTIFICATES = der.context(0)
_CRLS = der.context(1)
_SIGNED_ATTRIBUTES = der.context(0)
_UNSIGNED_ATTRIBUTES = der.context(1)
_KEY_ID = der.context(0, constructed=False)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute (5.3): its type and the DER elements of its SET OF values, as received."""

    oid: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer (5.3). Either ``issuer_der`` and ``serial`` are set, or ``subject_key_id``.

    ``signed_attributes`` is ``None`` where the field is absent; ``signed_attributes_der`` holds the bytes that the signature covers
    then, as received but with the identifier of SET OF (5.4), and ``signed_attributes_sorted`` says whether they are in DER order.
    """

    version: int
    issuer_der: bytes | None
    serial: int | None
    subject_key_id: bytes | None
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: tuple[Attribute, ...] | None
    signed_attributes_der: bytes
    signed_attributes_sorted: bool
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    unsigned_attributes: tuple[Attribute, ...]

    @property
    def is_version_consistent(self) -> bool:
        """5.3: version 1 for issuerAndSerialNumber, version 3 for subjectKeyIdentifier."""
        return self.version == (1 if self.subject_key_id is None else 3)


@dataclass(frozen=True, slots=True)
class SignedData:
    """SignedData (5.1) with the type of the ContentInfo around it.

    ``content`` holds the contents octets of the encapsulated content without identifier and length, ``content_tag`` its identifier
    (an OCTET STRING in RFC 5652, anything in PKCS #7 and GB/T 35275); both ``None`` for a detached signature.
    """

    outer_type: str
    version: int
    digest_algorithms: tuple[AlgorithmIdentifier, ...]
    content_type: str
    content_tag: int | None
    content: bytes | None
    certificates: tuple[bytes, ...]
    other_certificates: int
    crls: tuple[bytes, ...]
    ocsp_responses: tuple[bytes, ...]
    other_revocation: int
    signers: tuple[SignerInfo, ...]

    @property
    def is_version_consistent(self) -> bool:
        """The table of 5.1. Where rare kinds of certificates or revocation items are present any known version is accepted."""
        if self.other_certificates or self.other_revocation or self.ocsp_responses:
            return self.version in {1, 3, 4, 5}
        newer = self.content_type not in DATA_TYPES or any(signer.version == 3 for signer in self.signers)
        return self.version == (3 if newer else 1)


def encoded_length(data: bytes) -> int:
    """How many bytes the element at the start of ``data`` takes, so that padding behind it can be cut (``/Contents`` of a PDF).

    Lengths of every form are accepted here, indefinite ones (BER) too. Raises :class:`MalformedError` where no element starts or where
    it does not fit.
    """
    offset = depth = 0
    for _ in range(der.MAX_BER_ELEMENTS):
        if offset + 2 > len(data):
            raise MalformedError("DER_TRUNCATED", offset=offset)
        if depth and data[offset : offset + 2] == b"\x00\x00":
            depth -= 1
            offset += 2
        elif data[offset + 1] == 0x80:
            depth += 1
            if depth > der.MAX_BER_DEPTH:
                raise MalformedError("DER_TOO_DEEP", limit=der.MAX_BER_DEPTH)
            offset += 2
        else:
            offset = _end_of_definite(data, offset)
        if not depth:
            return offset
    raise MalformedError("DER_TOO_MANY_ELEMENTS", limit=der.MAX_BER_ELEMENTS)


def _end_of_definite(data: bytes, offset: int) -> int:
    length, body = data[offset + 1], offset + 2
    if length > 0x84:
        raise MalformedError("DER_LENGTH", offset=offset)
    if length > 0x80:
        body += length & 0x7F
        length = int.from_bytes(data[offset + 2 : body], "big")
    if body + length > len(data):
        raise MalformedError("DER_TRUNCATED", offset=offset)
    return body + length


def read_signed_data(data: bytes, outer_types: Iterable[str] = (oids.CMS_SIGNED_DATA,)) -> SignedData:
    """The ContentInfo (3) that fills ``data`` and its SignedData (5.1).

    Raises :class:`MalformedError`: ``CMS_TOO_LARGE``, ``CMS_NOT_SIGNED_DATA`` for another content type, ``CMS_MALFORMED`` or a DER code.
    """
    if len(data) > MAX_CMS_BYTES:
        raise MalformedError("CMS_TOO_LARGE", limit=MAX_CMS_BYTES, found=len(data))
    outer = _pair(der.read_der(data), "ContentInfo")
    outer_type = outer[0].oid()
    if outer_type not in outer_types:
        raise MalformedError("CMS_NOT_SIGNED_DATA", found=outer_type)
    fields = outer[1].expect(der.context(0)).only_child().children(der.SEQUENCE)
    if not 4 <= len(fields) <= 6:
        raise MalformedError("CMS_MALFORMED", where="SignedData", elements=len(fields))
    digests = _bounded(fields[1].children(der.SET), MAX_SIGNERS, "digestAlgorithms")
    content_type, content_tag, content = _read_content(fields[2])
    index = 3
    certificates: list[bytes] = []
    other_certificates = 0
    if fields[index].tag == _CERTIFICATES:
        for choice in _bounded(fields[index].children(), MAX_CERTIFICATES, "certificates"):
            if choice.tag == der.SEQUENCE:
                certificates.append(choice.raw)
            else:
                other_certificates += 1
        index += 1
    crls: list[bytes] = []
    ocsp_responses: list[bytes] = []
    other_revocation = 0
    if index < len(fields) and fields[index].tag == _CRLS:
        for choice in _bounded(fields[index].children(), MAX_REVOCATION_ITEMS, "crls"):
            if choice.tag == der.SEQUENCE:
                crls.append(choice.raw)
            elif (answer := _read_ocsp_choice(choice)) is not None:
                ocsp_responses.append(answer)
            else:
                other_revocation += 1
        index += 1
    if index != len(fields) - 1:
        raise MalformedError("CMS_MALFORMED", where="SignedData", elements=len(fields))
    signers = _bounded(fields[index].children(der.SET), MAX_SIGNERS, "signerInfos")
    return SignedData(
        outer_type,
        fields[0].integer(),
        tuple(read_algorithm(node) for node in digests),
        content_type,
        content_tag,
        content,
        tuple(certificates),
        other_certificates,
        tuple(crls),
        tuple(ocsp_responses),
        other_revocation,
        tuple(_read_signer(node) for node in signers),
    )


def _pair(node: Node, where: str) -> list[Node]:
    parts = node.children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("CMS_MALFORMED", where=where, elements=len(parts))
    return parts


def _bounded(nodes: list[Node], limit: int, where: str) -> list[Node]:
    if len(nodes) > limit:
        raise MalformedError("CMS_TOO_MANY_ELEMENTS", where=where, limit=limit, found=len(nodes))
    return nodes


def _read_content(node: Node) -> tuple[str, int | None, bytes | None]:
    parts = node.children(der.SEQUENCE)
    if len(parts) == 1:
        return parts[0].oid(), None, None
    content_type, wrapped = _pair(node, "encapContentInfo")
    content = wrapped.expect(der.context(0)).only_child()
    return content_type.oid(), content.tag, content.value


def _read_ocsp_choice(choice: Node) -> bytes | None:
    """The OCSPResponse in ``[1] OtherRevocationInfoFormat`` (RFC 5940, 2.1), ``None`` where it is another format."""
    parts = choice.expect(der.context(1)).children()
    if len(parts) != 2:
        raise MalformedError("CMS_MALFORMED", where="OtherRevocationInfoFormat", elements=len(parts))
    return parts[1].raw if parts[0].oid() == oids.RI_OCSP_RESPONSE else None


def _read_signer(node: Node) -> SignerInfo:
    fields = node.children(der.SEQUENCE)
    if not 5 <= len(fields) <= 7:
        raise MalformedError("CMS_MALFORMED", where="SignerInfo", elements=len(fields))
    issuer_der: bytes | None = None
    serial: int | None = None
    key_id: bytes | None = None
    if fields[1].tag == _KEY_ID:
        key_id = fields[1].value
    else:
        issuer, number = _pair(fields[1], "issuerAndSerialNumber")
        issuer_der, serial = issuer.expect(der.SEQUENCE).raw, number.integer()
    index = 3
    attributes: tuple[Attribute, ...] | None = None
    attributes_der, in_order = b"", True
    if fields[index].tag == _SIGNED_ATTRIBUTES:
        attributes_der = bytes((der.SET,)) + fields[index].raw[1:]
        items = fields[index].children()
        if not items:
            raise MalformedError("CMS_MALFORMED", where="signedAttrs", elements=0)
        attributes = _read_attributes(items)
        raws = [item.raw for item in items]
        in_order = all(before <= after for before, after in pairwise(raws))
        index += 1
    unsigned: tuple[Attribute, ...] = ()
    if len(fields) == index + 3:
        unsigned = _read_attributes(fields[index + 2].children(_UNSIGNED_ATTRIBUTES))  # empty against the rule in real files
    elif len(fields) != index + 2:
        raise MalformedError("CMS_MALFORMED", where="SignerInfo", elements=len(fields))
    return SignerInfo(
        fields[0].integer(),
        issuer_der,
        serial,
        key_id,
        read_algorithm(fields[2]),
        attributes,
        attributes_der,
        in_order,
        read_algorithm(fields[index]),
        fields[index + 1].octets(),
        unsigned,
    )


def _read_attributes(nodes: list[Node]) -> tuple[Attribute, ...]:
    found = []
    for node in _bounded(nodes, MAX_ATTRIBUTES, "attributes"):
        kind, values = _pair(node, "Attribute")
        found.append(Attribute(kind.oid(), tuple(value.raw for value in _bounded(values.children(der.SET), MAX_VALUES, "values"))))
    return tuple(found)


def read_attribute_set(data: bytes) -> tuple[Attribute, ...]:
    """A SET OF Attribute that fills ``data`` (the form in which signed attributes are signed, 5.4)."""
    return _read_attributes(der.read_der(data).children(der.SET))


def read_content_type(value_der: bytes) -> str:
    """The value of a content-type attribute (11.1)."""
    return der.read_der(value_der).oid()


def read_message_digest(value_der: bytes) -> bytes:
    """The value of a message-digest attribute (11.2)."""
    return der.read_der(value_der).octets()


def read_signing_time(value_der: bytes) -> datetime:
    """The value of a signing-time attribute (11.3): aware, UTC. Both kinds of time are accepted for every year."""
    return der.read_der(value_der).time()


def read_algorithm_protection(value_der: bytes) -> tuple[AlgorithmIdentifier, AlgorithmIdentifier]:
    """The digest and the signature algorithm of a CMSAlgorithmProtection attribute (RFC 6211, 2)."""
    digest, signature = _pair(der.read_der(value_der), "CMSAlgorithmProtection")
    protected = signature.expect(der.context(1)).raw
    return read_algorithm(digest), read_algorithm(der.read_der(bytes((der.SEQUENCE,)) + protected[1:]))


def read_adobe_revocation(value_der: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Certificate lists and OCSP responses of a RevocationInfoArchival attribute (ISO 32000-2, 12.8.3.3.2), DER each."""
    lists: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()
    for part in der.read_der(value_der).children(der.SEQUENCE):
        if part.tag in {der.context(0), der.context(1)}:
            items = _bounded(part.only_child().children(der.SEQUENCE), MAX_REVOCATION_ITEMS, "revocationInfoArchival")
            found = tuple(item.raw for item in items)
            if part.tag == der.context(0):
                lists = found
            else:
                answers = found
    return lists, answers


def write_attribute(attribute_type: str, *values_der: bytes) -> bytes:
    """One attribute with its values in DER order."""
    return der.sequence(der.oid(attribute_type), der.set_of(values_der))


def write_algorithm_protection(digest_der: bytes, signature_der: bytes) -> bytes:
    """The value of a CMSAlgorithmProtection attribute (RFC 6211, 2) from two encoded AlgorithmIdentifiers."""
    return der.sequence(digest_der, der.implicit(1, signature_der))


def write_signer(
    identifier_der: bytes, digest_der: bytes, attributes_der: bytes, algorithm_der: bytes, signature: bytes, unsigned: Sequence[bytes]
) -> bytes:
    """SignerInfo version 1. ``attributes_der`` is the SET OF that was signed; it is stored under ``[0] IMPLICIT``."""
    unsigned_der = der.set_of(unsigned, _UNSIGNED_ATTRIBUTES) if unsigned else b""
    stored = bytes((_SIGNED_ATTRIBUTES,)) + attributes_der[1:]
    return der.sequence(b"\x02\x01\x01", identifier_der, digest_der, stored, algorithm_der, der.octet_string(signature), unsigned_der)


def write_issuer_and_serial(issuer_der: bytes, serial: int) -> bytes:
    """IssuerAndSerialNumber (10.2.4)."""
    return der.sequence(issuer_der, der.integer(serial))


def write_certificates(certificates_der: Iterable[bytes]) -> bytes:
    """The ``certificates`` field in DER order; nothing where there is none."""
    certificates = list(certificates_der)
    return der.set_of(certificates, _CERTIFICATES) if certificates else b""


def write_content(content_type: str, content: bytes | None) -> bytes:
    """EncapsulatedContentInfo; ``None`` leaves the content out (a detached signature)."""
    return der.sequence(der.oid(content_type), b"" if content is None else der.explicit(0, der.octet_string(content)))


def write_signed_data(
    *, outer_type: str, version: int, digest_der: bytes, content_der: bytes, certificates_der: bytes, signer_der: bytes
) -> bytes:
    """ContentInfo around a SignedData with one signer, from encoded parts."""
    signed_data = der.sequence(
        der.integer(version), der.tlv(der.SET, digest_der), content_der, certificates_der, der.tlv(der.SET, signer_der)
    )
    return der.sequence(der.oid(outer_type), der.explicit(0, signed_data))
