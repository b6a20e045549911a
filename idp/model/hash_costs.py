"""What it costs to compare a password with a hash that another system made. No input or output here."""

from __future__ import annotations

import math
import re
from typing import Final

PBKDF2: Final = re.compile(r"\$pbkdf2-(sha256|sm3)\$([1-9][0-9]{0,6})\$([A-Za-z0-9./]{1,128})\$([A-Za-z0-9./]{22,128})")
BCRYPT: Final = re.compile(  # the bits that are left over at the end of salt and hash are zero
    r"(?:\{bcrypt\})?(\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])"
)
_ARGON2: Final = re.compile(r"\$argon2id\$v=[0-9]{1,3}\$m=([0-9]{1,9}),t=([0-9]{1,6}),p=[0-9]{1,4}\$")
OURS_SECONDS: Final = 0.027  # a hash of ours, on the machine on which the others here were measured
DEAR_SECONDS: Final = 0.15  # up to this a check is over, with room, before any refusal is answered
_BCRYPT_SECONDS: Final = 0.25  # of cost 12
_ITERATION_SECONDS: Final = {"sha256": 2.5e-7, "sm3": 4.5e-7}  # for each block of what is derived
_BLOCK_BYTES: Final = 32  # of both
_KIB_SECONDS: Final = 8.5e-7  # of Argon2id: a KiB in one pass


def check_seconds(kept: bytes) -> float:
    """How long one comparison takes, on the machine of OURS_SECONDS; 0 for a form that takes no time worth the name, or is not read."""
    text = kept.decode("utf-8", "replace")
    if match := BCRYPT.fullmatch(text):
        return _BCRYPT_SECONDS * 2.0 ** (int(match[2]) - 12)
    if match := PBKDF2.fullmatch(text):
        blocks = math.ceil(len(match[4]) * 6 // 8 / _BLOCK_BYTES)  # each takes all the iterations anew (RFC 8018 5.2)
        return _ITERATION_SECONDS[match[1]] * int(match[2]) * blocks
    if match := _ARGON2.match(text):
        return _KIB_SECONDS * int(match[1]) * int(match[2])
    return 0.0


def dear_milliseconds(kept: bytes) -> int:
    """As ``check_seconds``, in milliseconds, where that is more than DEAR_SECONDS; else 0."""
    seconds = check_seconds(kept)
    return round(seconds * 1000) if seconds > DEAR_SECONDS else 0
