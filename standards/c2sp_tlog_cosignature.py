"""Cosignatures (C2SP tlog-cosignature 1.0.1): a witness's statement that a checkpoint extends all it has seen of a log before.

Read and written are version 1 with Ed25519 (type 0x04), and the same message signed with SM2 under an identifier of ours. The
specification's second kind (ML-DSA-44, type 0x06) is passed over, as every unknown signature of a note is.
"""

from __future__ import annotations

from typing import Final

from standards.errors import MalformedError

TYPE_COSIGNATURE: Final = b"\x04"
TYPE_SM2_COSIGNATURE: Final = b"\xff" + b"yinxin/sm2-sm3-cosignature/v1\n"
"""C2SP reserves 0xff for types it has not assigned. Ours: SM2 with SM3 over the message below, r || s (32 bytes each), under the default user id."""

SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_TIME_LIMIT: Final = 2**63 - 1


def cosigned_message(text: str, at_seconds: int) -> bytes:
    """What is signed: header line, time line, the checkpoint's whole text with its extension lines. ``at_seconds``: since 1970 UTC."""
    if not 0 <= at_seconds <= _TIME_LIMIT:
        raise ValueError(at_seconds)
    return f"cosignature/v1\ntime {at_seconds}\n{text}".encode()


def write_cosignature(at_seconds: int, signature: bytes) -> bytes:
    """The signature as a note carries it: the time, big-endian in 8 bytes, then 64 bytes."""
    return at_seconds.to_bytes(_TIME_BYTES, "big") + signature


def read_cosignature(value: bytes) -> tuple[int, bytes]:
    """(seconds since 1970 UTC, signature). MalformedError COSIGNATURE_FORM."""
    if len(value) != _TIME_BYTES + SIGNATURE_BYTES:
        raise MalformedError("COSIGNATURE_FORM")
    at_seconds = int.from_bytes(value[:_TIME_BYTES], "big")
    if at_seconds > _TIME_LIMIT:
        raise MalformedError("COSIGNATURE_FORM")
    return at_seconds, value[_TIME_BYTES:]
