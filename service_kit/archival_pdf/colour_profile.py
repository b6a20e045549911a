"""The colour space sRGB (IEC 61966-2-1) as an ICC profile of our own making (ICC.1:2001-04, version 2.1): what colours of a page mean."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

_COPYRIGHT: Final = "No rights reserved"
_DESCRIPTION: Final = "sRGB"
# The primaries and white of sRGB, adapted to the white of the profile connection space D50 (IEC 61966-2-1 annex F, Bradford)
_WHITE: Final = (0.9642, 1.0, 0.8249)
_PRIMARIES: Final = {"rXYZ": (0.4360, 0.2225, 0.0139), "gXYZ": (0.3851, 0.7169, 0.0971), "bXYZ": (0.1431, 0.0606, 0.7139)}
_STEPS: Final = 1024  # of the tone curve
_HEADER_BYTES: Final = 128


def _fixed(value: float) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The profile: three tone curves that are one, three primaries. The same bytes always."""
    curve = b"curv\0\0\0\0" + struct.pack(f">I{_STEPS}H", _STEPS, *(round(_linear(step / (_STEPS - 1)) * 65535) for step in range(_STEPS)))
    words = _DESCRIPTION.encode("ascii") + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(words)) + words + b"\0" * (4 + 4 + 2 + 1 + 67)
    tags = {"desc": described, "cprt": b"text\0\0\0\0" + _COPYRIGHT.encode("ascii") + b"\0", "wtpt": _xyz(_WHITE)}
    tags |= {name: _xyz(values) for name, values in _PRIMARIES.items()}
    tags |= {"rTRC": curve, "gTRC": curve, "bTRC": curve}
    table, body = struct.pack(">I", len(tags)), bytearray()
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    placed: dict[bytes, int] = {}
    for name, content in tags.items():
        if content not in placed:
            placed[content] = start + len(body)
            body += content + b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", name.encode("ascii"), placed[content], len(content))
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + b"\0" * 28 + b"".join(map(_fixed, _WHITE))
    return header.ljust(_HEADER_BYTES, b"\0") + table + bytes(body)
