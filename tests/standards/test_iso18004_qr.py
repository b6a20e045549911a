"""QR codes: module by module the same as those of segno, an independent encoder, and read by zxing."""

from __future__ import annotations

import random
from typing import Any

import pytest
import segno
import zxingcpp
from PIL import Image
from segno import consts

from standards.iso18004_qr import ALPHANUMERIC, LEVELS, MASKS, VERSIONS, _shape, encode_qr, holds


def text_of_length(count: int, seed: int) -> str:
    # A letter in front: a text of digits alone is packed tighter by the other encoder
    return "A" + "".join(random.Random(seed).choices(ALPHANUMERIC, k=count - 1))


def of_segno(head: bytes, tail: str, level: str, mask: int, version: int | None = None) -> list[bytes]:
    content = [part for part in (head.decode("latin-1"), tail) if part]
    code = segno.make_qr(content, error=level, boost_error=False, mask=mask, version=version)  # type: ignore[arg-type]
    return [bytes(row) for row in code.matrix]


def read(rows: list[bytes] | None) -> str:
    """What zxing reads."""
    assert rows is not None
    size = len(rows)
    image = Image.new("L", (size + 8, size + 8), 255)
    image.paste(Image.frombytes("L", (size, size), b"".join(rows).translate(bytes([255, 0]) + bytes(254))), (4, 4))
    (found,) = zxingcpp.read_barcodes(image.resize((4 * image.width, 4 * image.height), Image.Resampling.NEAREST))
    return str(found.text)


@pytest.mark.clause("ISO 18004 7.5.1")
@pytest.mark.parametrize("level", LEVELS)
def test_codewords_of_every_version_are_those_of_another_table(level: str) -> None:
    error = {"L": 0, "M": 1, "Q": 2, "H": 3}[level]
    capacities: Any = consts.SYMBOL_CAPACITY
    groups_of: Any = consts.ECC
    by_level = sorted(capacities[1].items(), key=lambda pair: -pair[1])  # the other program's numbers for the levels
    theirs = by_level[error][0]
    for version in range(1, VERSIONS + 1):
        data, correction, blocks = _shape(version, level)
        assert 8 * data == capacities[version][theirs]
        groups = groups_of[version][theirs]
        assert blocks == sum(each.num_blocks for each in groups)
        assert {correction} == {each.num_total - each.num_data for each in groups}


@pytest.mark.clause("ISO 18004 7.4", "ISO 18004 7.5", "ISO 18004 7.7")
@pytest.mark.parametrize("version", range(1, VERSIONS + 1))
def test_a_full_symbol_is_the_same_as_of_another_encoder(version: int) -> None:
    level, mask = "LMQH"[version % 4], version % MASKS
    counts = 9 if version < 10 else 11 if version < 27 else 13
    text = text_of_length((8 * _shape(version, level)[0] - 4 - counts) // 11 * 2, version)
    rows = encode_qr(b"", text, level, mask)
    assert rows is not None
    assert len(rows) == 4 * version + 17
    assert rows == of_segno(b"", text, level, mask)


@pytest.mark.parametrize("mask", range(MASKS))
def test_bytes_and_text_one_behind_the_other(mask: int) -> None:
    head, tail = b"https://licences.example/v#", text_of_length(466, mask)
    rows = encode_qr(head, tail, "M", mask)
    assert rows == of_segno(head, tail, "M", mask)
    assert read(rows) == head.decode() + tail


@pytest.mark.clause("ISO 18004 7.4.9", "ISO 18004 7.4.10")
def test_what_nearly_fills_a_symbol() -> None:
    for count in range(1, 60):
        text, data = "A" * count, b"b" * count
        rows = encode_qr(b"", text, "L", 3)
        is_even = (4 + 9 + count // 2 * 11 + count % 2 * 6 + 4) % 8 == 0
        # Where the text ends with a codeword the other encoder writes a needless one of zeros; readers stop before it
        assert read(rows) == text if is_even else rows == of_segno(b"", text, "L", 3), count
        assert read(encode_qr(data, "", "Q", 5)) == data.decode(), count
    assert read(encode_qr(b"a", "A1", "H", 0)) == "aA1"
    assert read(encode_qr(b"x" * 300, "Z", "L", 1)) == "x" * 300 + "Z"


@pytest.mark.parametrize("level", LEVELS)
def test_another_reader_reads_them(level: str) -> None:
    text = "https://licences.example/v#" + text_of_length(300, 7)
    head, _, tail = text.partition("#")
    rows = encode_qr(head.encode() + b"#", tail, level, 3)
    assert read(rows) == text


def test_what_no_symbol_holds() -> None:
    assert encode_qr(b"", "A" * 4297, "L", 0) is None
    assert encode_qr(b"", "A" * 4296, "L", 0) is not None
    assert encode_qr(b"a" * 1274, "", "H", 0) is None
    with pytest.raises(KeyError):
        encode_qr(b"", "a", "L", 0)
    with pytest.raises(KeyError):
        encode_qr(b"", "a?", "L", 0)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("head", [1, 27, 150])
def test_what_is_said_to_fit_does_and_nothing_else(level: str, head: int) -> None:
    most = max(count for count in range(1, 4300) if holds(head, count, level))
    assert encode_qr(b"a" * head, "A" * most, level, 0) is not None
    assert encode_qr(b"a" * head, "A" * (most + 1), level, 0) is None
    assert not any(holds(head, count, level) for count in range(most + 1, most + 20))
