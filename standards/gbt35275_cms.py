"""GB/T 35275-2017: SM2 cryptographic message syntax, SignedData (clause 8), as it differs from RFC 5652.

| | GB/T 35275 | RFC 5652 |
|---|---|---|
| content types | 1.2.156.10197.6.1.4.2.x | 1.2.840.113549.1.7.x |
| versions of SignedData and SignerInfo | 1 and 1, always | by table |
| inner content | ContentInfo with ANY, as in PKCS #7 1.5 | EncapsulatedContentInfo with OCTET STRING |
| signer identifier | issuerAndSerialNumber only | also subjectKeyIdentifier |
| digest, signature algorithm | SM3, SM2 (.501 written; .301.1 is an older habit) | any |
| signed bytes | content or attributes, always with Z_A in front | with SM2: the same, by RFC 8998 and by practice |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards.gbt32918_sm2 import write_signature
from standards.rfc5652_cms import read_signed_data

if TYPE_CHECKING:
    from standards.rfc5652_cms import SignedData

SIGNED_DATA_VERSION: Final = 1
SIGNER_VERSION: Final = 1
SIGNED_DATA: Final = oids.GM_SIGNED_DATA
DATA: Final = oids.GM_DATA
DIGEST: Final = oids.SM3

RAW_SIGNATURE_BYTES: Final = 64

OUTER_TYPES: Final = frozenset({oids.CMS_SIGNED_DATA, oids.GM_SIGNED_DATA})


def read_either_dialect(data: bytes) -> SignedData:
    """SignedData of RFC 5652 or of GB/T 35275, told apart by the outer type; errors as :func:`read_signed_data`."""
    return read_signed_data(data, OUTER_TYPES)


def is_gbt35275(signed: SignedData) -> bool:
    """Whether the outer type is that of GB/T 35275."""
    return signed.outer_type == SIGNED_DATA


def find_deviations(signed: SignedData) -> tuple[str, ...]:
    """What goes against the fixed choices of clause 8, by field name; empty where all is as the standard says.

    Real OFD files put the plain data type of PKCS #7 inside the national outer type; that one is not counted as a deviation here.
    """
    found = []
    if signed.version != SIGNED_DATA_VERSION:
        found.append("SignedData.version")
    for signer in signed.signers:
        if signer.version != SIGNER_VERSION:
            found.append("SignerInfo.version")
        if signer.subject_key_id is not None:
            found.append("SignerInfo.sid")
        if signer.digest_algorithm.oid != DIGEST:
            found.append("SignerInfo.digestAlgorithm")
    return tuple(found)


def same_content_type(stated: str, actual: str) -> bool:
    """Whether a content-type attribute fits the inner type: the two identifiers of plain data count as one (seen in OFD files)."""
    return stated == actual or {stated, actual} == {oids.CMS_DATA, oids.GM_DATA}


def signature_from_raw(value: bytes) -> bytes | None:
    """The DER form of a signature value that is a bare r ‖ s of 32 bytes each, as some government seals carry it; ``None`` for any other."""
    if len(value) != RAW_SIGNATURE_BYTES:
        return None
    return write_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
