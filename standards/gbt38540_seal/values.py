"""What stands in a seal and in a sealing value, with the bytes as received beside every part that is signed or compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

HEADER_ID: Final = "ES"
CERTIFICATES: Final = 1  # certListType: the signers' certificates themselves
DIGESTS: Final = 2  # certListType: digests of the signers' certificates

# Limits. What real files have is from the seals of several vendors and of the national system; the limits leave room above that.
MAX_SEAL_BYTES: Final = 8 * 1024 * 1024  # real: 4 to 31 kB
MAX_PICTURE_BYTES: Final = 4 * 1024 * 1024  # an uncompressed 45 mm seal at 600 dpi in 24 bits takes 3.4 MB; real ones under 50 kB
MAX_PICTURE_MM: Final = 10_000  # own limit; the largest official seal has 45 mm
MAX_LIST_ENTRIES: Final = 64  # signers of one seal; real: 1
MAX_EXTENSIONS: Final = 64  # real: under 6
MAX_EXTENSION_BYTES: Final = 65_536  # own limit; real: under 1 kB
MAX_TEXT_BYTES: Final = 4096  # names, identifiers; one vendor writes JSON of some hundred bytes into propertyInfo
MAX_SIGNATURE_BYTES: Final = 2048  # RSA with 16,384 bits
MAX_TOKEN_BYTES: Final = 65_536  # time-stamp tokens with their chain take 2 to 7 kB
MAX_DATA_HASH_BYTES: Final = 64  # SM3: 32

# Extensions of seals in minority languages, as real seals of the regions carry them
CREDIT_CODE_AND_NAME: Final = "1.2.156.112600.7.1"
MONGOLIAN_NAME: Final = "1.2.156.112600.7.2"
ROMANISED_NAME: Final = "1.2.156.112600.7.3"
KNOWN_EXTENSIONS: Final = frozenset({CREDIT_CODE_AND_NAME, MONGOLIAN_NAME, ROMANISED_NAME})


@dataclass(frozen=True, slots=True)
class Quirk:
    """One tolerated deviation of a real file: a ``SES_...`` code of the report, the field, and what was found there."""

    code: str
    where: str
    found: str


@dataclass(frozen=True, slots=True)
class SealExtension:
    """ExtData. ``oid`` in dotted form, or ``hex:`` and the octets where they are no object identifier; ``value`` is opaque."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class CertificateDigest:
    """CertDigestObj: ``kind`` is free text that names the digest algorithm."""

    kind: str
    value: bytes


@dataclass(frozen=True, slots=True)
class SealProperty:
    """SES_ESPropertyInfo. Times are aware UTC.

    ``kind`` is the number of the seal type, data of the issuing region. With ``cert_list_type`` 1 ``certificates`` holds the DER of the
    signers' certificates, with 2 ``certificate_digests`` their digests.
    """

    kind: int
    name: str
    cert_list_type: int
    certificates: tuple[bytes, ...]
    certificate_digests: tuple[CertificateDigest, ...]
    created_at: datetime
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class SealPicture:
    """SES_ESPictureInfo: ``kind`` such as ``PNG`` (case varies; ``ofd`` is seen), ``data`` opaque, the size in millimetres."""

    kind: str
    data: bytes = field(repr=False)
    width_mm: int
    height_mm: int


@dataclass(frozen=True, slots=True)
class SealData:
    """SESeal. ``version`` (1, 4, 5) is that of the structure, ``header_version`` the number stated, which version 1 files choose freely.

    ``signed_bytes`` is exactly what the maker signed; ``info_raw`` is SES_SealInfo and ``raw`` the whole seal, both as received. The
    signature is the content of its BIT STRING as received; ``time_stamp_der`` the token over it (version 5).
    """

    version: int
    header_version: int
    vid: str
    es_id: str
    property: SealProperty
    picture: SealPicture
    extensions: tuple[SealExtension, ...]
    maker_certificate_der: bytes = field(repr=False)
    signature_algorithm_oid: str
    signature: bytes = field(repr=False)
    time_stamp_der: bytes | None = field(repr=False)
    info_raw: bytes = field(repr=False)
    signed_bytes: bytes = field(repr=False)
    raw: bytes = field(repr=False)
    quirks: tuple[Quirk, ...]

    def extension(self, oid: str) -> SealExtension | None:
        """The first extension of this type, or None."""
        return next((extension for extension in self.extensions if extension.oid == oid), None)


@dataclass(frozen=True, slots=True)
class SealSignature:
    """SES_Signature. ``version`` is that of the structure, ``stated_version`` the number in TBS_Sign.

    ``seal_raw`` is the embedded seal as received. ``time_info_at`` (aware UTC) is the time the signer claims, None where it is absent or
    unreadable; ``time_info_token`` a time-stamp in its place (version 1). ``to_be_signed`` is TBS_Sign as received: what was signed.
    """

    version: int
    stated_version: int
    seal: SealData
    seal_raw: bytes = field(repr=False)
    time_info_at: datetime | None
    time_info_token: bytes | None = field(repr=False)
    data_hash: bytes
    property_info: str
    extensions: tuple[SealExtension, ...]
    to_be_signed: bytes = field(repr=False)
    signer_certificate_der: bytes = field(repr=False)
    signature_algorithm_oid: str
    signature: bytes = field(repr=False)
    time_stamp_der: bytes | None = field(repr=False)
    raw: bytes = field(repr=False)
    quirks: tuple[Quirk, ...]
