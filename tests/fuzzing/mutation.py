"""Blind mutation of good inputs, for where no coverage guides: bytes, numbers, lengths, pieces, and the texts that parsers trip over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

_TEXTS: Final = (
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x00\x00",
    b"\x02\x01\xff",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"../",
    b"PK\x05\x06",
    b"stream\n",
    b"endobj",
    b"1 0 R",
    b"/Prev 0",
    b"9" * 40,
    b"-1",
    b"NaN",
    b"1e999",
    b'{"a":' * 50,
    b"[" * 200,
    b"\xff\xfe",
    "\u202e".encode(),
)


def mutate(rng: random.Random, seeds: list[bytes], most_bytes: int = 300_000) -> bytes:
    """One to eight changes to one of the seeds."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(9)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[min(at, len(data) - 1)] = rng.randrange(256)
        elif kind == 2:
            data[at:at] = rng.choice(_TEXTS)
        elif kind == 3:
            del data[at : at + rng.choice((1, 2, 16, 256))]
        elif kind == 4:
            data[at:at] = data[rng.randrange(len(data) + 1) :][: rng.choice((4, 32, 512))]
        elif kind == 5:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            data[at : at + rng.choice((0, 16, 128))] = other[start : start + rng.choice((16, 128, 1024))]
        elif kind == 6:
            data[at:] = b""
        elif kind == 7:
            data[at:at] = rng.randbytes(rng.choice((1, 8, 64)))
        else:
            data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00"))
    return bytes(data[:most_bytes])
