"""RFC 5280, 5: certificate revocation lists.

A list of 50,000 entries is read by its frame alone; the index of serial numbers is made once, on the first look-up, in one tight pass
over the bytes, and only the entry that is asked for is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, read_algorithm
from standards.rfc5280_certificate import MAX_SERIAL_BYTES, Extension, read_extensions, write_extension
from standards.rfc5280_extensions import read_distribution_point_name
from standards.rfc5280_names import GeneralName, read_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from standards.x690_der import Node

MAX_CRL_BYTES: Final = 32 * 1024 * 1024  # the largest public lists have about 20 MB
MAX_CRL_ENTRIES: Final = 1_000_000

EXPIRED_CERTS_ON_CRL: Final = "2.5.29.60"  # X.509, 9.5.2.8: from when on expired certificates stay listed
REASONS: Final = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
REASON_NUMBERS: Final = {name: number for number, name in REASONS.items()}


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One entry. ``reason`` is a name of :data:`REASONS`; ``invalid_at`` is the invalidity date where stated; aware UTC."""

    serial: int
    revoked_at: datetime
    reason: str
    invalid_at: datetime | None
    names_other_issuer: bool


@dataclass(frozen=True, slots=True)
class IssuingDistributionPoint:
    """5.2.5: what the list covers."""

    full_names: tuple[GeneralName, ...]
    relative_name_der: bytes | None
    only_user_certificates: bool
    only_ca_certificates: bool
    only_some_reasons: bool
    indirect: bool
    only_attribute_certificates: bool


@dataclass(frozen=True)
class CrlFields:
    """A list as received. ``next_update`` is ``None`` where the issuer left it out."""

    raw: bytes
    tbs_der: bytes
    issuer_der: bytes
    this_update: datetime
    next_update: datetime | None
    entries: Node | None
    extensions: tuple[Extension, ...]
    signature_algorithm: AlgorithmIdentifier
    tbs_signature_algorithm: AlgorithmIdentifier
    signature: bytes

    def extension(self, oid: str) -> Extension | None:
        """The extension of this type, or ``None``."""
        return next((extension for extension in self.extensions if extension.oid == oid), None)

    @cached_property
    def number(self) -> int | None:
        """CRLNumber (5.2.3), where stated."""
        extension = self.extension(oids.CRL_NUMBER)
        return None if extension is None else der.read_der(extension.value_der).integer()

    @cached_property
    def expired_certificates_since(self) -> datetime | None:
        """From when on certificates stay listed although they have expired (X.509, expiredCertsOnCRL), where stated."""
        extension = self.extension(EXPIRED_CERTS_ON_CRL)
        return None if extension is None else der.read_der(extension.value_der).expect(der.GENERALIZED_TIME).time()

    @cached_property
    def _index(self) -> dict[bytes, int]:
        return {} if self.entries is None else _index_entries(self.entries)

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._index)

    def find(self, serial: int) -> RevokedEntry | None:
        """The entry of this serial number, or ``None``. Raises where the entries are malformed or one is named twice."""
        offset = self._index.get(der.integer(serial)[2:])
        if offset is None or self.entries is None:
            return None
        return _read_entry(der.read_node(self.entries.buffer, offset, self.entries.end))

    @cached_property
    def has_unknown_critical_entry_extension(self) -> bool:
        """Whether any entry carries a critical extension beyond reason and invalidity date: the list must then not be used (5.3).

        Entries with extensions are decoded only where the bytes of ``critical TRUE`` occur at all.
        """
        if self.entries is None or self.raw.find(b"\x01\x01\xff", self.entries.body, self.entries.end) < 0:
            return False
        known = {oids.CRL_REASON, oids.INVALIDITY_DATE}
        return any(extension.critical and extension.oid not in known for extension in self._entry_extensions())

    def _entry_extensions(self) -> Iterator[Extension]:
        for offset in self._index.values():
            parts = der.read_node(self.raw, offset).children()
            if len(parts) == 3:
                yield from read_extensions(parts[2])


def read_crl(crl_der: bytes) -> CrlFields:
    """Read the frame of one list that fills ``crl_der``; the entries are looked at when asked for.

    Raises ``CRL_TOO_LARGE``, ``CRL_MALFORMED`` or a DER code.
    """
    if len(crl_der) > MAX_CRL_BYTES:
        raise MalformedError("CRL_TOO_LARGE", limit=MAX_CRL_BYTES, found=len(crl_der))
    outer = der.read_der(crl_der).children(der.SEQUENCE)
    if len(outer) != 3:
        raise MalformedError("CRL_MALFORMED", elements=len(outer))
    tbs = outer[0].children(der.SEQUENCE)
    version = 1
    if tbs and tbs[0].tag == der.INTEGER:
        version = tbs.pop(0).integer() + 1
    if len(tbs) < 3 or version not in {1, 2}:
        raise MalformedError("CRL_MALFORMED", elements=len(tbs), version=version)
    algorithm, issuer, this_update, *rest = tbs
    read_name(issuer.raw)
    next_update = entries = None
    extensions: tuple[Extension, ...] = ()
    if rest and rest[0].tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
        next_update = rest.pop(0).time()
    if rest and rest[0].tag == der.SEQUENCE:
        entries = rest.pop(0)
    if rest and version == 2:
        extensions = read_extensions(rest.pop(0).expect(der.context(0)).only_child())
    if rest:
        raise MalformedError("CRL_MALFORMED", elements=len(tbs), version=version)
    return CrlFields(
        raw=crl_der,
        tbs_der=outer[0].raw,
        issuer_der=issuer.raw,
        this_update=this_update.time(),
        next_update=next_update,
        entries=entries,
        extensions=extensions,
        signature_algorithm=read_algorithm(outer[1]),
        tbs_signature_algorithm=read_algorithm(algorithm),
        signature=outer[2].bits(),
    )


def _index_entries(entries: Node) -> dict[bytes, int]:
    """Serial number (content octets) -> offset of its entry, in one pass. Lengths over 65,535 cannot occur in an entry."""
    data, offset, end = entries.buffer, entries.body, entries.end
    index: dict[bytes, int] = {}
    count = 0
    while offset < end:
        start = offset
        if end - offset < 6 or data[offset] != 0x30:
            raise MalformedError("CRL_ENTRY_MALFORMED", offset=offset)
        length = data[offset + 1]
        body = offset + 2
        if length >= 0x80:
            entry = der.read_node(data, offset, end)
            body, offset = entry.body, entry.end
        else:
            offset = body + length
        size = data[body + 1]
        if offset > end or data[body] != 0x02 or not 1 <= size <= MAX_SERIAL_BYTES or body + 2 + size > offset:
            raise MalformedError("CRL_ENTRY_MALFORMED", offset=start)
        first = data[body + 2]
        if first in {0, 0xFF} and size > 1 and (data[body + 3] >= 0x80) == (first == 0xFF):
            raise MalformedError("CRL_ENTRY_MALFORMED", offset=start)  # a longer spelling would not be found under the shortest
        index[data[body + 2 : body + 2 + size]] = start
        count += 1
        if count > MAX_CRL_ENTRIES:
            raise MalformedError("CRL_TOO_MANY_ENTRIES", limit=MAX_CRL_ENTRIES)
    if len(index) != count:
        raise MalformedError("CRL_ENTRY_REPEATED", entries=count)
    return index


def _read_entry(node: Node) -> RevokedEntry:
    parts = node.children(der.SEQUENCE)
    if not 2 <= len(parts) <= 3:
        raise MalformedError("CRL_ENTRY_MALFORMED", elements=len(parts))
    reason, invalid_at, other = 0, None, False
    for extension in read_extensions(parts[2]) if len(parts) == 3 else ():
        if extension.oid == oids.CRL_REASON:
            reason = der.read_der(extension.value_der).integer(der.ENUMERATED)
        elif extension.oid == oids.INVALIDITY_DATE:
            invalid_at = der.read_der(extension.value_der).expect(der.GENERALIZED_TIME).time()
        elif extension.oid == oids.CERTIFICATE_ISSUER:
            other = True
    return RevokedEntry(parts[0].integer(), parts[1].time(), REASONS.get(reason, "unspecified"), invalid_at, other)


def read_issuing_distribution_point(value_der: bytes) -> IssuingDistributionPoint:
    """5.2.5."""
    full_names: tuple[GeneralName, ...] = ()
    relative = None
    flags: dict[int, bool] = {}
    for part in der.read_der(value_der).children(der.SEQUENCE):
        if part.tag == 0xA0:
            full_names, relative = read_distribution_point_name(part)
        elif part.tag == 0x83:
            flags[3] = bool(part.named_bits(0x83))
        elif part.tag in {0x81, 0x82, 0x84, 0x85}:
            flags[part.tag & 0x0F] = part.boolean(part.tag)
        else:
            raise MalformedError("CRL_SCOPE_MALFORMED", tag=f"0x{part.tag:02x}")
    return IssuingDistributionPoint(
        full_names,
        relative,
        only_user_certificates=flags.get(1, False),
        only_ca_certificates=flags.get(2, False),
        only_some_reasons=flags.get(3, False),
        indirect=flags.get(4, False),
        only_attribute_certificates=flags.get(5, False),
    )


def write_entry_extensions(reason: str = "unspecified", invalid_at: datetime | None = None) -> bytes:
    """crlEntryExtensions, or nothing when there is nothing to say (5.3.1 advises against writing "unspecified")."""
    parts = []
    if reason != "unspecified":
        parts.append(write_extension(oids.CRL_REASON, der.integer(REASON_NUMBERS[reason], der.ENUMERATED)))
    if invalid_at is not None:
        parts.append(write_extension(oids.INVALIDITY_DATE, der.generalized_time(invalid_at)))
    return der.sequence(*parts) if parts else b""


def write_tbs_crl(
    *,
    signature_algorithm_der: bytes,
    issuer_der: bytes,
    this_update: datetime,
    next_update: datetime,
    entries: Iterable[tuple[int, datetime, bytes]],
    extensions_der: Iterable[bytes],
) -> bytes:
    """TBSCertList of version 2. ``entries`` are (serial, revoked at, encoded entry extensions or nothing), in the order to be written."""
    written = b"".join(der.sequence(der.integer(serial), der.x509_time(at), extensions) for serial, at, extensions in entries)
    return der.sequence(
        der.integer(1),
        signature_algorithm_der,
        issuer_der,
        der.x509_time(this_update),
        der.x509_time(next_update),
        der.tlv(der.SEQUENCE, written) if written else b"",
        der.explicit(0, der.sequence(*extensions_der)),
    )


def write_crl_number(number: int) -> bytes:
    """CRLNumber as an Extension."""
    return write_extension(oids.CRL_NUMBER, der.integer(number))


def write_expired_certificates_since(at: datetime) -> bytes:
    """ExpiredCertsOnCRL as an Extension."""
    return write_extension(EXPIRED_CERTS_ON_CRL, der.generalized_time(at))


def write_issuing_distribution_point(
    urls: Iterable[str], *, only_user: bool = False, only_ca: bool = False, indirect: bool = False
) -> bytes:
    """IssuingDistributionPoint as a critical Extension, with the full names given as addresses."""
    names = b"".join(der.tlv(0x86, url.encode("ascii")) for url in urls)
    point = der.explicit(0, der.tlv(0xA0, names)) if names else b""
    flags = b"".join(der.tlv(tag, b"\xff") for tag, on in ((0x81, only_user), (0x82, only_ca), (0x84, indirect)) if on)
    return write_extension(oids.ISSUING_DISTRIBUTION_POINT, der.sequence(point, flags), critical=True)
