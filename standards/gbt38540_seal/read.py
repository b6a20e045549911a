"""Reading seals and sealing values of all three data versions.

Strict where nothing speaks for tolerance, tolerant by the list in :mod:`~standards.gbt38540_seal.quirks`. Every refusal is
:class:`~standards.errors.MalformedError` ``SES_MALFORMED`` with ``reason`` and ``where``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt38540_seal import quirks as tolerance
from standards.gbt38540_seal.certificate_frame import read_certificate_frame
from standards.gbt38540_seal.quirks import Quirks, read_date, read_number, read_text, read_tolerant
from standards.gbt38540_seal.values import (
    CERTIFICATES,
    DIGESTS,
    HEADER_ID,
    KNOWN_EXTENSIONS,
    MAX_DATA_HASH_BYTES,
    MAX_EXTENSION_BYTES,
    MAX_EXTENSIONS,
    MAX_LIST_ENTRIES,
    MAX_PICTURE_BYTES,
    MAX_PICTURE_MM,
    MAX_SEAL_BYTES,
    MAX_SIGNATURE_BYTES,
    MAX_TEXT_BYTES,
    MAX_TOKEN_BYTES,
    CertificateDigest,
    SealData,
    SealExtension,
    SealPicture,
    SealProperty,
    SealSignature,
)
from standards.gbt38540_seal.versions import MALFORMED, V1, V4, is_old_signature, malformed, seal_version
from standards.rfc5280_certificate import MAX_CERTIFICATE_BYTES

if TYPE_CHECKING:
    from datetime import datetime

    from standards.x690_der import Node

REMEMBERED_SEALS: Final = 64  # seals read last
REMEMBERED_SEAL_BYTES: Final = 32_768  # with their parts, which are copies, the memory of them stays under 10 MB

_OPTIONAL_TAG: Final = der.context(0)


def read_seal(seal_der: bytes) -> SealData:
    """Read one SESeal that fills ``seal_der``."""
    try:
        _check_size(seal_der, "SESeal")
        found = Quirks()
        return _clean_seal(bytes(seal_der)) or _seal(read_tolerant(seal_der, found), found)
    except MalformedError as error:
        raise _named(error) from None


def read_seal_signature(signature_der: bytes) -> SealSignature:
    """Read one SES_Signature that fills ``signature_der``."""
    try:
        _check_size(signature_der, "SES_Signature")
        found = Quirks()
        return _signature(read_tolerant(signature_der, found), found)
    except MalformedError as error:
        raise _named(error) from None


def _clean_seal(seal_der: bytes) -> SealData | None:
    """A seal without any deviation, remembered: it comes back with every document it is used on, and its reading depends on these bytes alone.

    None where something is to be noted or refused: deviations are noted where the seal stands, so it has to be read there.
    """
    return _clean_seal_remembered(seal_der) if len(seal_der) <= REMEMBERED_SEAL_BYTES else None


@lru_cache(maxsize=REMEMBERED_SEALS)
def _clean_seal_remembered(seal_der: bytes) -> SealData | None:
    found = Quirks()
    try:
        seal = _seal(read_tolerant(seal_der, found), found)
    except MalformedError:
        return None
    return None if found.listed() else seal


def _named(error: MalformedError) -> MalformedError:
    return error if error.code == MALFORMED else MalformedError(MALFORMED, reason=error.code, **error.facts)


def _check_size(data: bytes, where: str) -> None:
    if len(data) > MAX_SEAL_BYTES:
        raise malformed("too-large", where, limit=MAX_SEAL_BYTES, found=len(data))


def _elements(node: Node, where: str, *counts: int) -> list[Node]:
    elements = node.children(der.SEQUENCE)
    if len(elements) not in counts:
        raise malformed("element-count", where, elements=len(elements))
    return elements


def _seal(node: Node, found: Quirks) -> SealData:
    elements = _elements(node, "SESeal", 2, 4, 5)
    info = elements[0]
    parts = _elements(info, "SES_SealInfo", 4, 5)
    header = _elements(parts[0], "SES_Header", 3)
    if read_text(header[0], der.IA5_STRING, "SES_Header.ID", found) != HEADER_ID:
        raise malformed("header-id", "SES_Header.ID")
    header_version = read_number(header[1], "SES_Header.version", found)
    version = seal_version(elements, header_version)
    if version == V1:
        maker, algorithm, value = _elements(elements[1], "SES_SignInfo", 3)
        signed_bytes = der.sequence(info.raw, maker.raw, algorithm.raw)  # a frame around bytes as received
    else:
        maker, algorithm, value = elements[1:4]
        signed_bytes = info.raw
    return SealData(
        version=version,
        header_version=header_version,
        vid=read_text(header[2], der.IA5_STRING, "SES_Header.Vid", found),
        es_id=read_text(parts[1], der.IA5_STRING, "SES_SealInfo.esID", found),
        property=_property(parts[2], version, found),
        picture=_picture(parts[3], found),
        extensions=_seal_extensions(parts[4], version, found) if len(parts) == 5 else (),
        maker_certificate_der=tolerance.read_certificate_bytes(maker, "SESeal.cert", MAX_CERTIFICATE_BYTES, found),
        signature_algorithm_oid=tolerance.read_algorithm_oid(algorithm, "SESeal.signAlgID", found),
        signature=tolerance.read_signature_value(value, "SESeal.signedValue", MAX_SIGNATURE_BYTES, found),
        time_stamp_der=tolerance.read_token(elements[4], "SESeal.timeStamp", MAX_TOKEN_BYTES, found) if len(elements) == 5 else None,
        info_raw=info.raw,
        signed_bytes=signed_bytes,
        raw=node.raw,
        quirks=found.listed(),
    )


def _property(node: Node, version: int, found: Quirks) -> SealProperty:
    where = "SES_ESPropertyInfo"
    parts = _elements(node, where, 6 if version == V1 else 7)
    kind = read_number(parts[0], f"{where}.type", found)
    name = read_text(parts[1], der.UTF8_STRING, f"{where}.name", found)
    list_type = CERTIFICATES if version == V1 else read_number(parts[2], f"{where}.certListType", found)
    if list_type not in {CERTIFICATES, DIGESTS}:
        raise malformed("list-type", f"{where}.certListType", found=list_type)
    entries = parts[-4].children(der.SEQUENCE)
    if len(entries) > MAX_LIST_ENTRIES:
        raise malformed("too-many", f"{where}.certList", limit=MAX_LIST_ENTRIES, found=len(entries))
    created, start, end = (
        read_date(part, f"{where}.{field}", found) for part, field in zip(parts[-3:], ("createDate", "validStart", "validEnd"), strict=True)
    )
    return SealProperty(
        kind=kind,
        name=name,
        cert_list_type=list_type,
        certificates=_certificates(entries, found) if list_type == CERTIFICATES else (),
        certificate_digests=tuple(_certificate_digest(entry, found) for entry in entries) if list_type == DIGESTS else (),
        created_at=created,
        valid_from=start,
        valid_until=end,
    )


def _certificates(entries: list[Node], found: Quirks) -> tuple[bytes, ...]:
    """The entries that are certificates; what is none is passed over and noted."""
    certificates = []
    for number, entry in enumerate(entries):
        where = f"SES_ESPropertyInfo.certList[{number}]"
        try:
            certificate_der = entry.raw if entry.tag == der.SEQUENCE else entry.value[entry.tag == der.BIT_STRING :]
            read_certificate_frame(certificate_der)
        except MalformedError as error:
            found.add(tolerance.LIST_ENTRY_BAD, where, error.code)
            continue
        tolerance.read_certificate_bytes(entry, where, MAX_CERTIFICATE_BYTES, found)
        certificates.append(certificate_der)
    return tuple(certificates)


def _certificate_digest(node: Node, found: Quirks) -> CertificateDigest:
    where = "CertDigestObj"
    kind, value = _elements(node, where, 2)
    return CertificateDigest(
        read_text(kind, der.PRINTABLE_STRING, f"{where}.type", found),
        tolerance.read_bytes(value, der.OCTET_STRING, f"{where}.value", MAX_DATA_HASH_BYTES, found),
    )


def _picture(node: Node, found: Quirks) -> SealPicture:
    where = "SES_ESPictureInfo"
    parts = _elements(node, where, 4)
    width, height = (read_number(part, f"{where}.size", found) for part in parts[2:])
    if not (0 <= width <= MAX_PICTURE_MM and 0 <= height <= MAX_PICTURE_MM):
        raise malformed("size", where, width_mm=width, height_mm=height)
    return SealPicture(
        kind=read_text(parts[0], der.IA5_STRING, f"{where}.type", found),
        data=tolerance.read_bytes(parts[1], der.OCTET_STRING, f"{where}.data", MAX_PICTURE_BYTES, found),
        width_mm=width,
        height_mm=height,
    )


def _seal_extensions(node: Node, version: int, found: Quirks) -> tuple[SealExtension, ...]:
    """Untagged in versions 4 and 5; version 1 prints EXPLICIT without a number, so there both forms are right."""
    where = "SES_SealInfo.extDatas"
    if node.tag != _OPTIONAL_TAG:
        return _extensions(node.children(der.SEQUENCE), where, found)
    if version != V1:
        found.add(tolerance.TAG_VARIANT, where, "tagged")
    elements = _explicit_elements(node)
    return _extensions(node.children() if elements is None else elements, where, found)


def _signature_extensions(node: Node, found: Quirks) -> tuple[SealExtension, ...]:
    """``[0] EXPLICIT`` in TBS_Sign; implicit or untagged is noted."""
    where = "TBS_Sign.extDatas"
    if node.tag != _OPTIONAL_TAG:
        found.add(tolerance.TAG_VARIANT, where, "untagged")
        return _extensions(node.children(der.SEQUENCE), where, found)
    elements = _explicit_elements(node)
    if elements is None:
        found.add(tolerance.TAG_VARIANT, where, "implicit")
        elements = node.children()
    return _extensions(elements, where, found)


def _explicit_elements(node: Node) -> list[Node] | None:
    """The ExtData elements inside ``[0]`` and SEQUENCE OF; None where the latter is not there, so that the tag is an implicit one."""
    children = node.children()
    if len(children) != 1:
        return None
    elements = children[0].children(der.SEQUENCE)
    return elements if not elements or elements[0].tag == der.SEQUENCE else None


def _extensions(nodes: list[Node], where: str, found: Quirks) -> tuple[SealExtension, ...]:
    if len(nodes) > MAX_EXTENSIONS:
        raise malformed("too-many", where, limit=MAX_EXTENSIONS, found=len(nodes))
    return tuple(_extension(node, where, found) for node in nodes)


def _extension(node: Node, where: str, found: Quirks) -> SealExtension:
    parts = _elements(node, where, 2, 3)
    oid = tolerance.read_identifier(parts[0], f"{where}.extnID", found)
    critical = len(parts) == 3 and tolerance.read_flag(parts[1], f"{where}.critical", found)
    if critical and oid not in KNOWN_EXTENSIONS:
        found.add(tolerance.CRITICAL_UNKNOWN, where, oid)
    return SealExtension(oid, critical, tolerance.read_bytes(parts[-1], der.OCTET_STRING, f"{where}.extnValue", MAX_EXTENSION_BYTES, found))


def _signature(node: Node, found: Quirks) -> SealSignature:
    elements = node.children(der.SEQUENCE)
    old = is_old_signature(elements)
    parts = _elements(elements[0], "TBS_Sign", *((7,) if old else (5, 6)))
    stated_version = read_number(parts[0], "TBS_Sign.version", found)
    seal_quirks = Quirks()
    seal = _clean_seal(parts[1].raw) or _seal(parts[1], seal_quirks)
    for quirk in seal.quirks:
        found.add(quirk.code, quirk.where, quirk.found)
    if old:
        certificate, algorithm, value = parts[5], parts[6], elements[1]
    else:
        certificate, algorithm, value = elements[1:4]
    time_info_at, time_info_token = _time_info(parts[2], found, old=old)
    return SealSignature(
        version=V1 if old else max(seal.version, V4),
        stated_version=stated_version,
        seal=seal,
        seal_raw=parts[1].raw,
        time_info_at=time_info_at,
        time_info_token=time_info_token,
        data_hash=tolerance.read_bytes(parts[3], der.BIT_STRING, "TBS_Sign.dataHash", MAX_DATA_HASH_BYTES, found),
        property_info=read_text(parts[4], der.IA5_STRING, "TBS_Sign.propertyInfo", found),
        extensions=_signature_extensions(parts[5], found) if len(parts) == 6 else (),
        to_be_signed=elements[0].raw,
        signer_certificate_der=tolerance.read_certificate_bytes(certificate, "SES_Signature.cert", MAX_CERTIFICATE_BYTES, found),
        signature_algorithm_oid=tolerance.read_algorithm_oid(algorithm, "SES_Signature.signatureAlgID", found),
        signature=tolerance.read_signature_value(value, "SES_Signature.signature", MAX_SIGNATURE_BYTES, found),
        time_stamp_der=tolerance.read_token(elements[4], "SES_Signature.timeStamp", MAX_TOKEN_BYTES, found) if len(elements) == 5 else None,
        raw=node.raw,
        quirks=found.listed(),
    )


def _old_time(node: Node, where: str, found: Quirks) -> tuple[datetime | None, bytes | None]:
    """What stands in version 1 without its BIT STRING: a token, a time, text. Of what is none of them only that is said."""
    found.add(tolerance.TAG_VARIANT, where, f"0x{node.tag:02x}")
    if node.tag == der.SEQUENCE and len(node.raw) <= MAX_TOKEN_BYTES:
        return None, node.raw
    try:
        return read_date(node, where, found), None
    except MalformedError:
        found.add(tolerance.TIME_UNREADABLE, where)
        return None, None


def _time_info(node: Node, found: Quirks, *, old: bool) -> tuple[datetime | None, bytes | None]:
    """The claimed time, or a token in its place: GeneralizedTime in versions 4 and 5, anything inside a BIT STRING in version 1."""
    where = "TBS_Sign.timeInfo"
    if node.tag not in {der.BIT_STRING, der.OCTET_STRING}:
        return _old_time(node, where, found) if old else (read_date(node, where, found), None)
    content = tolerance.read_bytes(node, der.BIT_STRING if old else der.GENERALIZED_TIME, where, MAX_TOKEN_BYTES, found)
    try:
        inner = der.read_der(content)
    except MalformedError:
        inner = None
    if inner is not None and inner.tag == der.SEQUENCE:
        return None, content
    if inner is not None and inner.tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
        text = content[2:]
    else:
        text = content
    at = tolerance.time_in_text(text[:MAX_TEXT_BYTES].decode("latin-1"))
    if at is None:
        found.add(tolerance.TIME_UNREADABLE, where)
    return at, None
