"""Writing seals and sealing values of version 4 and 5 in DER, exactly as the standards say; version 1 is never written.

Callers pass checked values; what is over a limit of the reader or not of this standard is refused, so that whatever is written is also read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import Kind, TrustError
from standards.gbt38540_seal.values import (
    CERTIFICATES,
    DIGESTS,
    HEADER_ID,
    MAX_DATA_HASH_BYTES,
    MAX_EXTENSION_BYTES,
    MAX_EXTENSIONS,
    MAX_LIST_ENTRIES,
    MAX_PICTURE_BYTES,
    MAX_PICTURE_MM,
    MAX_TEXT_BYTES,
    MAX_TOKEN_BYTES,
)
from standards.gbt38540_seal.versions import V4, V5, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from standards.gbt38540_seal.values import SealExtension, SealPicture, SealProperty

UNWRITABLE: Final = "SES_VALUE_UNACCEPTABLE"


def _check(kept: object, field: str, rule: str) -> None:
    """Raise ``SES_VALUE_UNACCEPTABLE`` unless the rule on a field is kept."""
    if not kept:
        raise TrustError(Kind.UNACCEPTABLE, UNWRITABLE, field=field, rule=rule)


def _ia5(text: str, field: str) -> bytes:
    _check(text.isascii() and len(text) <= MAX_TEXT_BYTES, field, f"at most {MAX_TEXT_BYTES} ASCII characters")
    return der.ia5_string(text)


def write_seal_info(
    *,
    vid: str,
    es_id: str,
    seal_property: SealProperty,
    picture: SealPicture,
    extensions: Sequence[SealExtension] = (),
    version: int = V4,
) -> bytes:
    """SES_SealInfo: what the maker signs. Raises ``SES_VALUE_UNACCEPTABLE`` with the field and the rule."""
    _check(version in WRITTEN, "version", "4 or 5")
    _check(es_id, "esID", "not empty")
    return der.sequence(
        der.sequence(der.ia5_string(HEADER_ID), der.integer(version), _ia5(vid, "Vid")),
        _ia5(es_id, "esID"),
        _property(seal_property),
        _picture(picture),
        *([_extensions(extensions)] if extensions else ()),
    )


def _property(values: SealProperty) -> bytes:
    entries = values.certificates if values.cert_list_type == CERTIFICATES else values.certificate_digests
    _check(values.cert_list_type in {CERTIFICATES, DIGESTS}, "certListType", "1 or 2")
    _check(1 <= len(entries) <= MAX_LIST_ENTRIES, "certList", f"1 to {MAX_LIST_ENTRIES} entries of the kind of certListType")
    _check(len(values.name.encode()) <= MAX_TEXT_BYTES, "name", f"at most {MAX_TEXT_BYTES} bytes")
    _check(values.valid_from <= values.valid_until, "validEnd", "not before validStart")
    if values.cert_list_type == CERTIFICATES:
        listed = [der.octet_string(certificate_der) for certificate_der in values.certificates]
    else:
        _check(
            all(entry.kind.isascii() and len(entry.value) <= MAX_DATA_HASH_BYTES for entry in values.certificate_digests),
            "certList",
            "digests",
        )
        listed = [der.sequence(der.printable_string(entry.kind), der.octet_string(entry.value)) for entry in values.certificate_digests]
    return der.sequence(
        der.integer(values.kind),
        der.utf8_string(values.name),
        der.integer(values.cert_list_type),
        der.sequence(*listed),
        *(der.generalized_time(at) for at in (values.created_at, values.valid_from, values.valid_until)),
    )


def _picture(values: SealPicture) -> bytes:
    _check(1 <= values.width_mm <= MAX_PICTURE_MM and 1 <= values.height_mm <= MAX_PICTURE_MM, "picture", f"1 to {MAX_PICTURE_MM} mm")
    _check(values.kind and 1 <= len(values.data) <= MAX_PICTURE_BYTES, "picture", f"1 to {MAX_PICTURE_BYTES} bytes with a type")
    return der.sequence(
        _ia5(values.kind, "picture"), der.octet_string(values.data), der.integer(values.width_mm), der.integer(values.height_mm)
    )


def _extensions(values: Sequence[SealExtension]) -> bytes:
    sizes = all(len(extension.value) <= MAX_EXTENSION_BYTES for extension in values)
    _check(len(values) <= MAX_EXTENSIONS and sizes, "extDatas", f"at most {MAX_EXTENSIONS} of {MAX_EXTENSION_BYTES} bytes")
    return der.sequence(
        *(
            der.sequence(der.oid(extension.oid), der.boolean(True) if extension.critical else b"", der.octet_string(extension.value))
            for extension in values
        )
    )


def _time_stamp(token_der: bytes | None) -> bytes:
    _check(token_der is None or len(token_der) <= MAX_TOKEN_BYTES, "timeStamp", f"at most {MAX_TOKEN_BYTES} bytes")
    return b"" if token_der is None else der.explicit(0, der.bit_string(token_der))


def write_seal(
    info_der: bytes, maker_certificate_der: bytes, signature: bytes, *, version: int = V4, time_stamp_der: bytes | None = None
) -> bytes:
    """SESeal around SES_SealInfo. ``signature`` is DER {r, s} over ``info_der``; only version 5 has room for a time-stamp over it."""
    _check(version in WRITTEN, "version", "4 or 5")
    _check(version == V5 or time_stamp_der is None, "timeStamp", "version 5 only")
    return der.sequence(
        info_der,
        der.octet_string(maker_certificate_der),
        der.oid(oids.SM2_WITH_SM3),
        der.bit_string(signature),
        _time_stamp(time_stamp_der),
    )


def write_to_be_signed(
    *,
    version: int,
    seal_der: bytes,
    time_info_at: datetime,
    data_hash: bytes,
    property_info: str,
    extensions: Sequence[SealExtension] = (),
) -> bytes:
    """TBS_Sign: what the signer signs. ``version`` is that of the seal; ``time_info_at`` (aware) is stated in whole seconds."""
    _check(version in WRITTEN, "version", "4 or 5")
    _check(1 <= len(data_hash) <= MAX_DATA_HASH_BYTES, "dataHash", f"1 to {MAX_DATA_HASH_BYTES} bytes")
    return der.sequence(
        der.integer(version),
        seal_der,
        der.generalized_time(time_info_at),
        der.bit_string(data_hash),
        _ia5(property_info, "propertyInfo"),
        der.explicit(0, _extensions(extensions)) if extensions else b"",
    )


def write_seal_signature(
    to_be_signed: bytes, signer_certificate_der: bytes, signature: bytes, *, time_stamp_der: bytes | None = None
) -> bytes:
    """SES_Signature around TBS_Sign. ``signature`` is DER {r, s} over ``to_be_signed``, ``time_stamp_der`` a token over it."""
    return der.sequence(
        to_be_signed,
        der.octet_string(signer_certificate_der),
        der.oid(oids.SM2_WITH_SM3),
        der.bit_string(signature),
        _time_stamp(time_stamp_der),
    )
