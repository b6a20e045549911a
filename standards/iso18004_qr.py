"""QR codes (ISO/IEC 18004:2015): bytes and alphanumeric text as the modules of a symbol, versions 1 to 40, under a given mask.

Encoding is done here because a licence may take twelve milliseconds and the library that we judge ourselves by takes five for its code alone.
What does not depend on the content (function patterns, places of the bits, the mask) is worked out once for a version and kept; a code is
then its codewords put in their places. The standard lets the encoder try all eight masks for the most even picture (7.8.3); signatures are as
even as chance under any of them, and every reader takes the mask from the code itself.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"  # table 5
LEVELS: Final = {"L": 1, "M": 0, "Q": 3, "H": 2}  # error correction level: its bits in the format information (table 12)
VERSIONS: Final = 40
MASKS: Final = 8
_KEPT: Final = 64
_BYTE_MODE: Final = "0100"
_ALPHANUMERIC_MODE: Final = "0010"
_PADDING: Final = (0xEC, 0x11)  # 7.4.10
_PRIMITIVE: Final = 0x11D  # the field of the error correction codewords (7.5.2)
# Codewords of error correction in a block, and blocks, by version (table 9)
_CORRECTION: Final = {
    "L": "7 10 15 20 26 18 20 24 30 18 20 24 26 30 22 24 28 30 28 28 28 28 30 30 26 28 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
    "M": "10 16 26 18 24 16 18 22 22 26 30 22 22 24 24 28 28 26 26 26 26 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28",
    "Q": "13 22 18 26 18 24 18 22 20 24 28 26 24 20 30 24 28 28 26 30 28 30 30 30 30 28 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
    "H": "17 28 22 16 22 28 26 26 24 28 24 28 22 24 24 30 28 28 26 28 30 24 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
}
_BLOCKS: Final = {
    "L": "1 1 1 1 1 2 2 2 2 4 4 4 4 4 6 6 6 6 7 8 8 9 9 10 12 12 12 13 14 15 16 17 18 19 19 20 21 22 24 25",
    "M": "1 1 1 2 2 4 4 4 5 5 5 8 9 9 10 10 11 13 14 16 17 17 18 20 21 23 25 26 28 29 31 33 35 37 38 40 43 45 47 49",
    "Q": "1 1 2 2 4 4 6 6 8 8 8 10 12 16 12 17 16 18 21 20 23 23 25 27 29 34 34 35 38 40 43 45 48 51 53 56 59 62 65 68",
    "H": "1 1 2 4 4 4 5 6 8 8 11 11 16 16 18 16 19 21 25 25 25 34 30 32 35 37 40 42 45 48 51 54 57 60 63 66 70 74 77 81",
}
_MASK_RULES: Final[tuple[Callable[[int, int], int], ...]] = (  # table 10: row i, column j; zero is turned over
    lambda i, j: (i + j) % 2,
    lambda i, _j: i % 2,
    lambda _i, j: j % 3,
    lambda i, j: (i + j) % 3,
    lambda i, j: (i // 2 + j // 3) % 2,
    lambda i, j: i * j % 2 + i * j % 3,
    lambda i, j: (i * j % 2 + i * j % 3) % 2,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2,
)
_PAIRS: Final = {a + b: f"{45 * x + y:011b}" for x, a in enumerate(ALPHANUMERIC) for y, b in enumerate(ALPHANUMERIC)}
_SINGLES: Final = {a: f"{x:06b}" for x, a in enumerate(ALPHANUMERIC)}


def encode_qr(head: bytes, tail: str, level: str, mask: int) -> list[bytes] | None:
    """The modules of the smallest symbol that holds ``head`` (byte mode) and then ``tail`` (alphanumeric mode), either of which may be empty.

    Rows from the top, a byte for each module: 1 dark, 0 light; without the quiet zone. None where version 40 does not hold it. ``tail`` has
    characters of ``ALPHANUMERIC`` only, else KeyError.
    """
    # 1. The smallest version
    packed = "".join(map(_PAIRS.__getitem__, (tail[at : at + 2] for at in range(0, len(tail) - 1, 2))))
    packed += _SINGLES[tail[-1]] if len(tail) % 2 else ""
    bits = f"{int.from_bytes(head):0{8 * len(head)}b}" if head else ""
    for version in range(1, VERSIONS + 1):
        counts = (8, 9) if version < 10 else (16, 11) if version < 27 else (16, 13)
        needed = (4 + counts[0] + len(bits) if head else 0) + (4 + counts[1] + len(packed) if tail else 0)
        capacity = 8 * _shape(version, level)[0]
        if needed <= capacity and not (len(head) >> counts[0] or len(tail) >> counts[1]):
            break
    else:
        return None
    stream = f"{_BYTE_MODE}{len(head):0{counts[0]}b}{bits}" if head else ""
    stream += f"{_ALPHANUMERIC_MODE}{len(tail):0{counts[1]}b}{packed}" if tail else ""

    # 2. Data codewords: the end, and padding (7.4.9, 7.4.10)
    stream += "0" * min(4, capacity - len(stream))
    stream += "0" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8)
    data += bytes(_PADDING[at % 2] for at in range(capacity // 8 - len(data)))

    # 3. Error correction and interleaving (7.5, 7.6), then every bit into its place
    return _place(_interleaved(data, version, level), version, level, mask)


def holds(head_bytes: int, tail_characters: int, level: str) -> bool:
    """Whether the largest symbol of a level holds so many bytes and then so many alphanumeric characters, each part by itself and neither empty."""
    needed = 4 + 16 + 8 * head_bytes + 4 + 13 + tail_characters // 2 * 11 + tail_characters % 2 * 6
    return needed <= 8 * _shape(VERSIONS, level)[0]


@lru_cache(maxsize=VERSIONS * len(LEVELS))
def _shape(version: int, level: str) -> tuple[int, int, int]:
    """Data codewords, codewords of error correction in a block, blocks."""
    correction, blocks = (int(table[level].split()[version - 1]) for table in (_CORRECTION, _BLOCKS))
    return _data_modules(version) // 8 - correction * blocks, correction, blocks


def _data_modules(version: int) -> int:
    """Modules that hold codewords or remain (table 1)."""
    count = (16 * version + 128) * version + 64
    if version >= 2:
        patterns = version // 7 + 2
        count -= (25 * patterns - 10) * patterns - 55
    return count - 36 if version >= 7 else count


def _interleaved(data: bytes, version: int, level: str) -> bytes:
    _, correction, count = _shape(version, level)
    short, longer = divmod(len(data), count)
    blocks, at = [], 0
    for index in range(count):
        size = short + (index >= count - longer)
        blocks.append(data[at : at + size])
        at += size
    corrections = [_remainder(block, correction) for block in blocks]
    by_columns = chain(zip(*(block[:short] for block in blocks), strict=True), zip(*corrections, strict=True))
    last = bytes(block[short] for block in blocks[count - longer :])  # of the longer blocks, which stand behind the short ones
    columns = list(chain.from_iterable(by_columns))
    return bytes(columns[: short * count]) + last + bytes(columns[short * count :])


def _remainder(block: bytes, correction: int) -> bytes:
    """The error correction codewords of a block: the remainder by the generator polynomial (7.5.2), eight bits at a step."""
    table, rest, top = _steps(correction), 0, 8 * (correction - 1)
    kept = (1 << top) - 1
    for byte in block:
        rest = ((rest & kept) << 8) ^ table[rest >> top ^ byte]
    return rest.to_bytes(correction)


@lru_cache(maxsize=_KEPT)
def _steps(correction: int) -> tuple[int, ...]:
    """The generator polynomial without its leading one, times every element of the field."""
    generator, root = [1], 1
    for _ in range(correction):
        generator = [_times(a, root) ^ b for a, b in zip([0, *generator], [*generator, 0], strict=True)]
        root = _times(root, 2)
    # The lowest power stands first above; the codewords begin with the highest
    return tuple(int.from_bytes(bytes(_times(factor, element) for factor in generator[1:])) for element in range(256))


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (_PRIMITIVE if a & 0x80 else 0)
        b >>= 1
    return product


def _place(codewords: bytes, version: int, level: str, mask: int) -> list[bytes]:
    size = 4 * version + 17
    pick, turned, count = _layout(version, level, mask)
    bits = f"{int.from_bytes(codewords) << count - 8 * len(codewords) ^ turned:0{count}b}"
    modules = bytes(pick((bits + "01").encode("ascii"))).translate(_FROM_ASCII)
    return [modules[at : at + size] for at in range(0, size * size, size)]


_FROM_ASCII: Final = bytes(each & 1 for each in range(256))


@lru_cache(maxsize=_KEPT)
def _layout(version: int, level: str, mask: int) -> tuple[Callable[[bytes], tuple[int, ...]], int, int]:
    """Which bit stands in each module (behind the bits of the codewords come one light and one dark), which are turned over, how many."""
    size = 4 * version + 17
    fixed = _function_patterns(version, level, mask)
    places: list[tuple[int, int]] = []
    rule = _MASK_RULES[mask]
    for right in range(size - 1, 0, -2):  # 7.7.3: two columns at a time, up and down by turns, past the timing pattern
        column = right if right > 6 else right - 1
        is_up = (size - 1 - right) // 2 % 2 == 0
        rows = range(size - 1, -1, -1) if is_up else range(size)
        places += [(row, each) for row in rows for each in (column, column - 1) if (row, each) not in fixed]
    number = {place: index for index, place in enumerate(places)}
    turned = int("".join("1" if rule(row, column) == 0 else "0" for row, column in places), 2)
    count = len(places)
    source = [
        number[row, column] if (row, column) in number else count + fixed[row, column] for row in range(size) for column in range(size)
    ]
    return itemgetter(*source), turned, count


def _function_patterns(version: int, level: str, mask: int) -> dict[tuple[int, int], int]:
    """The modules that hold no data, by row and column (6.3, 7.9, 7.10)."""
    size = 4 * version + 17
    fixed: dict[tuple[int, int], int] = {}
    for at in range(size):
        fixed[6, at] = fixed[at, 6] = 1 - at % 2
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):  # position detection patterns with their separators
        for i in range(-1, 8):
            for j in range(-1, 8):
                if 0 <= top + i < size and 0 <= left + j < size:
                    fixed[top + i, left + j] = int(max(abs(i - 3), abs(j - 3)) not in {2, 4})
    centres = _alignment(version)
    for i in centres:
        for j in centres:
            if (i, j) not in {(6, 6), (6, size - 7), (size - 7, 6)}:
                for x in range(-2, 3):
                    for y in range(-2, 3):
                        fixed[i + x, j + y] = int(max(abs(x), abs(y)) != 1)
    code = LEVELS[level] << 3 | mask
    bits = (code << 10 | _checked(code, 0x537, 10)) ^ 0x5412
    by_column = [*((8, at) for at in (0, 1, 2, 3, 4, 5, 7, 8)), *((at, 8) for at in (7, 5, 4, 3, 2, 1, 0))]  # most significant first
    by_row = [*((size - 1 - at, 8) for at in range(7)), *((8, size - 8 + at) for at in range(8))]
    for row in (by_column, by_row):
        for at, place in enumerate(row):
            fixed[place] = bits >> 14 - at & 1
    fixed[size - 8, 8] = 1
    if version >= 7:
        bits = version << 12 | _checked(version, 0x1F25, 12)
        for at in range(18):
            near, far = at // 3, size - 11 + at % 3
            fixed[near, far] = fixed[far, near] = bits >> at & 1
    return fixed


def _alignment(version: int) -> Sequence[int]:
    """Rows and columns of the middles of alignment patterns (annex E)."""
    if version == 1:
        return ()
    count = version // 7 + 2
    step = (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    return [6, *(4 * version + 10 - step * at for at in range(count - 2, -1, -1))]


def _checked(value: int, generator: int, degree: int) -> int:
    """The remainder of the BCH codes (annex C, D)."""
    rest = value << degree
    while rest.bit_length() > degree:
        rest ^= generator << rest.bit_length() - degree - 1
    return rest
