"""Keeping the tokens of an edition beside its list, not with it: what stands around the list, and the signature, are some hundred bytes.

A JWT holds the list's bytes in base64url inside JSON inside base64url, a CWT holds them as they are. What comes before and after them is
kept as it was signed, so that the very same token is put together again whenever it is asked for, by whatever version of this program.
"""

from __future__ import annotations

import json
from typing import Any

from crypto.jose import read_base64url, write_base64url


def frame_of_jwt(token: str, compressed: bytes) -> str:
    """What to keep of a JWT whose ``lst`` is ``compressed``. ValueError where the list is not in it exactly once."""
    header, payload, signature = token.split(".")
    before, after = _around(read_base64url(payload), write_base64url(compressed).encode())
    return json.dumps([header, before.decode(), after.decode(), signature], separators=(",", ":"))


def jwt_of_frame(frame: str, compressed: bytes) -> str:
    """The token again."""
    parts: list[Any] = json.loads(frame)
    header, before, after, signature = (str(part) for part in parts)
    return f"{header}.{write_base64url((before + write_base64url(compressed) + after).encode())}.{signature}"


def frame_of_cwt(token: bytes, compressed: bytes) -> bytes:
    """What to keep of a CWT: four bytes that say how long the first part is, then both parts."""
    before, after = _around(token, compressed)
    return len(before).to_bytes(4, "big") + before + after


def cwt_of_frame(frame: bytes, compressed: bytes) -> bytes:
    """The token again."""
    end = 4 + int.from_bytes(frame[:4], "big")
    return frame[4:end] + compressed + frame[end:]


def _around(whole: bytes, part: bytes) -> tuple[bytes, bytes]:
    if whole.count(part) != 1:
        raise ValueError(whole.count(part))
    before, _, after = whole.partition(part)
    return before, after
