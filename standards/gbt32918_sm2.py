"""GB/T 32918 (SM2) with the encodings of GB/T 35276 and GM/T 0009: curve, user id, signature value, points, ciphertext.

Only encodings and the rules on their values stand here. That a point lies on the curve is plain arithmetic on public numbers, so it
is checked here as well; everything that touches a secret is done by the providers of ``crypto``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from standards import x690_der as der
from standards.errors import MalformedError

# GB/T 32918.5-2017, the recommended curve y² = x³ + ax + b over F_p with base point G of prime order n.
P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX: Final = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY: Final = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

DEFAULT_ID: Final = b"1234567812345678"  # GB/T 35276-2017, 10: where nothing else is agreed
FIELD_BYTES: Final = 32
POINT_BYTES: Final = 65  # 04 ‖ x ‖ y
DIGEST_BYTES: Final = 32
MAX_ID_BYTES: Final = 8191  # ENTL counts the id's bits in two bytes (GB/T 32918.2-2016, 5.5)
MAX_SIGNATURE_BYTES: Final = 72  # SEQUENCE of two INTEGERs of 33 bytes
MAX_PLAINTEXT_BYTES: Final = 1 << 20  # SM2 encrypts keys and small secrets; larger data belongs into SM4 under an SM2-wrapped key
MAX_CIPHERTEXT_BYTES: Final = MAX_PLAINTEXT_BYTES + 128  # C1, C3 and the DER around them take under 128 bytes

_CURVE_BYTES: Final = b"".join(number.to_bytes(FIELD_BYTES, "big") for number in (A, B, GX, GY))


def z_a_input(uid: bytes, point: bytes) -> bytes:
    """What is hashed to Z_A: ENTL ‖ ID ‖ a ‖ b ‖ x_G ‖ y_G ‖ x_A ‖ y_A (GB/T 32918.2-2016, 5.5).

    ``uid`` has 0 to :data:`MAX_ID_BYTES` bytes (else ``SM2_ID_TOO_LONG``), ``point`` is the public key as 64 bytes, or 65 with 04
    in front; the caller has checked it with :func:`read_point`.
    """
    if len(uid) > MAX_ID_BYTES:
        raise MalformedError("SM2_ID_TOO_LONG", limit=MAX_ID_BYTES, found=len(uid))
    return (8 * len(uid)).to_bytes(2, "big") + uid + _CURVE_BYTES + point[-2 * FIELD_BYTES :]


def is_on_curve(x: int, y: int) -> bool:
    """Whether (x, y) are field elements that satisfy the curve's equation. The order is prime, so every such point is in the group."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x + A) * x - B) % P == 0


def read_point(data: bytes) -> tuple[int, int]:
    """A public point from 64 bytes, or 65 with the leading 04 (GB/T 32918.1-2016, 4.2.9, uncompressed).

    Raises ``SM2_POINT_ENCODING`` for another form (also compressed and infinity) and ``SM2_POINT_OFF_CURVE``.
    """
    if len(data) == POINT_BYTES and data[0] == 0x04:
        data = data[1:]
    if len(data) != 2 * FIELD_BYTES:
        raise MalformedError("SM2_POINT_ENCODING", length=len(data))
    x, y = int.from_bytes(data[:FIELD_BYTES], "big"), int.from_bytes(data[FIELD_BYTES:], "big")
    if not is_on_curve(x, y):
        raise MalformedError("SM2_POINT_OFF_CURVE")
    return x, y


def write_point(x: int, y: int) -> bytes:
    """The 65 bytes 04 ‖ x ‖ y."""
    return b"\x04" + x.to_bytes(FIELD_BYTES, "big") + y.to_bytes(FIELD_BYTES, "big")


def check_scalar(d: bytes) -> None:
    """A private key is 32 bytes with 1 <= d <= n-2 (GB/T 32918.1-2016, 6.1); else ``SM2_PRIVATE_KEY_RANGE``."""
    if len(d) != FIELD_BYTES or not 1 <= int.from_bytes(d, "big") <= N - 2:
        raise MalformedError("SM2_PRIVATE_KEY_RANGE")


def read_signature(data: bytes) -> tuple[int, int]:
    """(r, s) from SEQUENCE { r INTEGER, s INTEGER } in DER (GB/T 35276-2017, 7.3).

    Exactly two integers in shortest form that fill ``data`` (else a DER code or ``SM2_SIGNATURE_ENCODING``), 1 <= r, s <= n-1 and
    r + s ≠ n (else ``SM2_SIGNATURE_RANGE``; GB/T 32918.2-2016, 7.1 B1, B2 and B5).
    """
    if len(data) > MAX_SIGNATURE_BYTES:
        raise MalformedError("SM2_SIGNATURE_ENCODING", length=len(data))
    parts = der.read_der(data).children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("SM2_SIGNATURE_ENCODING", elements=len(parts))
    r, s = parts[0].integer(), parts[1].integer()
    if not (1 <= r < N and 1 <= s < N and r + s != N):
        raise MalformedError("SM2_SIGNATURE_RANGE")
    return r, s


def write_signature(r: int, s: int) -> bytes:
    """SEQUENCE { r INTEGER, s INTEGER } in DER."""
    return der.sequence(der.integer(r), der.integer(s))


@dataclass(frozen=True, slots=True)
class SM2Ciphertext:
    """SM2 ciphertext in parts: C1 = (x, y), C3 = ``c3`` (the SM3 check value) and C2 = ``c2`` (the masked plaintext)."""

    x: int
    y: int
    c3: bytes
    c2: bytes


class CiphertextOrder(StrEnum):
    """The order of the parts in the raw form: GB/T 32918.4-2016 has C1‖C3‖C2, its drafts of 2010 and older devices C1‖C2‖C3."""

    C1C3C2 = "c1c3c2"
    C1C2C3 = "c1c2c3"


def _checked(ciphertext: SM2Ciphertext) -> SM2Ciphertext:
    if not is_on_curve(ciphertext.x, ciphertext.y):
        raise MalformedError("SM2_POINT_OFF_CURVE")
    if len(ciphertext.c3) != DIGEST_BYTES or not ciphertext.c2:
        raise MalformedError("SM2_CIPHERTEXT_ENCODING", c3_bytes=len(ciphertext.c3), c2_bytes=len(ciphertext.c2))
    return ciphertext


def _check_ciphertext_size(data: bytes) -> None:
    if len(data) > MAX_CIPHERTEXT_BYTES:
        raise MalformedError("SM2_CIPHERTEXT_TOO_LARGE", limit=MAX_CIPHERTEXT_BYTES, found=len(data))


def read_ciphertext(data: bytes) -> SM2Ciphertext:
    """SM2Cipher ::= SEQUENCE { x INTEGER, y INTEGER, HASH OCTET STRING, CipherText OCTET STRING } in DER (GB/T 35276-2017, 7.2).

    C1 lies on the curve (else ``SM2_POINT_OFF_CURVE``), HASH has 32 bytes and CipherText at least one (``SM2_CIPHERTEXT_ENCODING``).
    """
    _check_ciphertext_size(data)
    parts = der.read_der(data).children(der.SEQUENCE)
    if len(parts) != 4:
        raise MalformedError("SM2_CIPHERTEXT_ENCODING", elements=len(parts))
    return _checked(SM2Ciphertext(parts[0].integer(), parts[1].integer(), parts[2].octets(), parts[3].octets()))


def write_ciphertext(ciphertext: SM2Ciphertext) -> bytes:
    """SM2Cipher in DER."""
    return der.sequence(
        der.integer(ciphertext.x), der.integer(ciphertext.y), der.octet_string(ciphertext.c3), der.octet_string(ciphertext.c2)
    )


def read_raw_ciphertext(data: bytes, order: CiphertextOrder = CiphertextOrder.C1C3C2) -> SM2Ciphertext:
    """The raw concatenation of C1, C3 and C2 (GB/T 32918.4-2016, 6.1 A8).

    C1 is 04 ‖ x ‖ y; some devices leave the 04 out. Which of the two it is, the curve's equation decides: x of the short form may
    begin with 04, but both readings cannot lie on the curve except by a chance of 2**-256.
    """
    _check_ciphertext_size(data)
    for size in (POINT_BYTES, 2 * FIELD_BYTES):
        if len(data) <= size + DIGEST_BYTES:
            continue
        try:
            x, y = read_point(data[:size])
        except MalformedError:
            continue
        rest = data[size:]
        if order is CiphertextOrder.C1C3C2:
            return SM2Ciphertext(x, y, rest[:DIGEST_BYTES], rest[DIGEST_BYTES:])
        return SM2Ciphertext(x, y, rest[-DIGEST_BYTES:], rest[:-DIGEST_BYTES])
    raise MalformedError("SM2_CIPHERTEXT_ENCODING", length=len(data))


def write_raw_ciphertext(ciphertext: SM2Ciphertext, order: CiphertextOrder = CiphertextOrder.C1C3C2) -> bytes:
    """The raw concatenation, C1 with its leading 04."""
    point = write_point(ciphertext.x, ciphertext.y)
    if order is CiphertextOrder.C1C3C2:
        return point + ciphertext.c3 + ciphertext.c2
    return point + ciphertext.c2 + ciphertext.c3
