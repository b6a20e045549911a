"""Status lists (IETF draft-ietf-oauth-status-list-21): many statuses packed into bits, and what a token about them says.

A status takes 1, 2, 4 or 8 bits. Bits are filled from the least significant one of each byte (draft 4.1), and the bytes are compressed
with zlib (RFC 1950). Compressors differ, so lists are compared after inflating.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VALID: Final = 0x00
INVALID: Final = 0x01
SUSPENDED: Final = 0x02
APPLICATION_SPECIFIC: Final = 0x03
BITS: Final = (1, 2, 4, 8)
LIST_BYTES: Final = 4 * 1024 * 1024  # inflated; 16 million entries of 2 bits: beyond what an issuer should put into one list
COMPRESSED_BYTES: Final = LIST_BYTES + 64 * 1024  # what zlib makes of a list that cannot be compressed
JWT_TYPE: Final = "statuslist+jwt"
CWT_TYPE: Final = "application/statuslist+cwt"
JWT_MEDIA_TYPE: Final = "application/statuslist+jwt"
CWT_MEDIA_TYPE: Final = "application/statuslist+cwt"
URI_CHARACTERS: Final = 2048
TIME_LIMIT: Final = 2**53 - 1
CWT_SUBJECT: Final = 2
CWT_EXPIRES: Final = 4
CWT_ISSUED: Final = 6
CWT_STATUS_LIST: Final = 65533
CWT_TTL: Final = 65534
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")


def pack(size: int, bits: int, statuses: Iterable[tuple[int, int]]) -> bytes:
    """``size`` entries of ``bits`` bits, all VALID but those given as (index, status). ValueError for what does not fit."""
    if bits not in BITS or size < 1:
        raise ValueError(bits, size)
    per_byte, limit = 8 // bits, 1 << bits
    packed = bytearray(-(-size // per_byte))
    for index, status in statuses:
        if not (0 <= index < size and 0 <= status < limit):
            raise ValueError(index, status)
        at, inner = divmod(index, per_byte)
        packed[at] = packed[at] & ~((limit - 1) << inner * bits) | status << inner * bits
    return bytes(packed)


def status_at(packed: bytes, bits: int, index: int) -> int:
    """The status of one entry. MalformedError STATUS_INDEX_OUTSIDE where the list has no such entry (draft 8.3)."""
    at, inner = divmod(index, 8 // bits)
    if index < 0 or at >= len(packed):
        raise MalformedError("STATUS_INDEX_OUTSIDE")
    return packed[at] >> inner * bits & (1 << bits) - 1


def deflate(packed: bytes) -> bytes:
    """Compress a packed list, as small as zlib can (draft 4.1)."""
    return zlib.compress(packed, 9)


def inflate(compressed: bytes) -> bytes:
    """The reverse, up to LIST_BYTES and with nothing behind it. MalformedError STATUS_LIST_COMPRESSION, STATUS_LIST_TOO_LARGE."""
    if len(compressed) > COMPRESSED_BYTES:
        raise MalformedError("STATUS_LIST_TOO_LARGE", limit=LIST_BYTES)
    inflater = zlib.decompressobj()
    try:
        packed = inflater.decompress(compressed, LIST_BYTES + 1)
    except zlib.error:
        raise MalformedError("STATUS_LIST_COMPRESSION") from None
    if len(packed) > LIST_BYTES:
        raise MalformedError("STATUS_LIST_TOO_LARGE", limit=LIST_BYTES)
    if not inflater.eof or inflater.unused_data or not packed:
        raise MalformedError("STATUS_LIST_COMPRESSION")
    return packed


@dataclass(frozen=True, slots=True)
class StatusListClaims:
    """What a status list token says (draft 5.1, 5.2). Times are seconds since 1970 UTC.

    ``subject``: the list's URI, as credentials name it. ``expires_at``, ``ttl_seconds``: None where the token does not say.
    ``compressed``: the list as it travels; ``inflate`` gives the packed bytes.
    """

    subject: str
    issued_at: int
    expires_at: int | None
    ttl_seconds: int | None
    bits: int
    compressed: bytes


def write_jwt_claims(claims: StatusListClaims) -> dict[str, object]:
    """The claims of a JWT (draft 5.1)."""
    written: dict[str, object] = {"sub": claims.subject, "iat": claims.issued_at}
    if claims.expires_at is not None:
        written["exp"] = claims.expires_at
    if claims.ttl_seconds is not None:
        written["ttl"] = claims.ttl_seconds
    lst = base64.urlsafe_b64encode(claims.compressed).rstrip(b"=").decode("ascii")
    written["status_list"] = {"bits": claims.bits, "lst": lst}
    return written


def read_jwt_claims(claims: Mapping[str, Any]) -> StatusListClaims:
    """Read them. MalformedError STATUS_LIST_CLAIMS."""
    listed = claims.get("status_list")
    if not isinstance(listed, dict):
        raise MalformedError("STATUS_LIST_CLAIMS", member="status_list")
    text = listed.get("lst")
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise MalformedError("STATUS_LIST_CLAIMS", member="lst")
    try:
        compressed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise MalformedError("STATUS_LIST_CLAIMS", member="lst") from None
    return _checked(claims.get("sub"), claims.get("iat"), claims.get("exp"), claims.get("ttl"), listed.get("bits"), compressed)


def write_cwt_claims(claims: StatusListClaims) -> dict[int, object]:
    """The claims of a CWT (draft 5.2), by their numbers."""
    written: dict[int, object] = {CWT_SUBJECT: claims.subject, CWT_ISSUED: claims.issued_at}
    if claims.expires_at is not None:
        written[CWT_EXPIRES] = claims.expires_at
    if claims.ttl_seconds is not None:
        written[CWT_TTL] = claims.ttl_seconds
    written[CWT_STATUS_LIST] = {"bits": claims.bits, "lst": claims.compressed}
    return written


def read_cwt_claims(claims: Mapping[Any, Any]) -> StatusListClaims:
    """Read them. MalformedError STATUS_LIST_CLAIMS."""
    listed = claims.get(CWT_STATUS_LIST)
    if not isinstance(listed, dict):
        raise MalformedError("STATUS_LIST_CLAIMS", member="status_list")
    compressed = listed.get("lst")
    if not isinstance(compressed, bytes) or not compressed:
        raise MalformedError("STATUS_LIST_CLAIMS", member="lst")
    issued, expires, ttl = claims.get(CWT_ISSUED), claims.get(CWT_EXPIRES), claims.get(CWT_TTL)
    return _checked(claims.get(CWT_SUBJECT), issued, expires, ttl, listed.get("bits"), compressed)


def _checked(subject: object, issued_at: object, expires_at: object, ttl: object, bits: object, compressed: bytes) -> StatusListClaims:
    if not isinstance(subject, str) or not 0 < len(subject) <= URI_CHARACTERS:
        raise MalformedError("STATUS_LIST_CLAIMS", member="sub")
    if type(bits) is not int or bits not in BITS:
        raise MalformedError("STATUS_LIST_CLAIMS", member="bits")
    issued = _seconds(issued_at, "iat")
    expires = None if expires_at is None else _seconds(expires_at, "exp")
    lives = None if ttl is None else _seconds(ttl, "ttl")
    if lives == 0:  # a positive number (draft 5.1)
        raise MalformedError("STATUS_LIST_CLAIMS", member="ttl")
    return StatusListClaims(subject, issued, expires, lives, bits, compressed)


def _seconds(value: object, member: str) -> int:
    if type(value) is not int or not 0 <= value <= TIME_LIMIT:
        raise MalformedError("STATUS_LIST_CLAIMS", member=member)
    return value
