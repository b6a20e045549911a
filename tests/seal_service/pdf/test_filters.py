"""Filters of structural streams, against independent encoders, with their bounds."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seal_service.pdf.filters import decode_stream
from seal_service.pdf.limits import Budget, PdfLimits
from seal_service.pdf.syntax import Name, Ref, Stream
from standards.errors import MalformedError


def decode(data: bytes, filters: Any, parameters: Any = None, limits: PdfLimits | None = None) -> bytes:
    dictionary = {"Filter": filters, "DecodeParms": parameters}
    return decode_stream(Stream(dictionary, data), lambda value: value, Budget(limits or PdfLimits()))


@given(st.binary(max_size=3000))
def test_flate_and_ascii_filters(data: bytes) -> None:
    packed = zlib.compress(data)
    assert decode(packed, Name("FlateDecode")) == data
    assert decode(packed, [Name("Fl")]) == data
    assert decode(data.hex().encode() + b">", Name("ASCIIHexDecode")) == data
    assert decode(base64.a85encode(data) + b"~>", Name("ASCII85Decode")) == data
    assert decode(base64.a85encode(packed, wrapcol=60) + b"~>", [Name("A85"), Name("FlateDecode")]) == data
    assert decode(data, None) == data
    assert decode(data, []) == data


@given(st.binary(min_size=1, max_size=600))
def test_lzw_and_run_lengths_as_qpdf_reads_them(data: bytes) -> None:
    runs = (
        b"".join(bytes((len(data[at : at + 128]) - 1,)) + data[at : at + 128] for at in range(0, len(data), 128))
        + bytes((254,))
        + b"x"
        + b"\x80"
    )
    assert decode(runs, Name("RunLengthDecode")) == data + b"xxx"
    for early in (0, 1):
        packed = _lzw(data, early)
        with pikepdf.new() as pdf:
            other = pdf.make_stream(packed, {"/Filter": pikepdf.Name.LZWDecode, "/DecodeParms": pikepdf.Dictionary(EarlyChange=early)})
            assert other.read_bytes() == data
        assert decode(packed, Name("LZWDecode"), {"EarlyChange": early}) == data


def _lzw(data: bytes, early: int) -> bytes:
    bits: list[str] = []
    table = {bytes((value,)): value for value in range(256)}
    size, width = 258, 9
    bits.append(f"{256:09b}")
    word = b""
    for byte in data:
        longer = word + bytes((byte,))
        if longer in table:
            word = longer
            continue
        bits.append(f"{table[word]:0{width}b}")
        table[longer] = size
        size += 1
        width = max(9, (size - 1 + early).bit_length())
        word = bytes((byte,))
    bits.append(f"{table[word]:0{width}b}")
    width = max(9, (size + early).bit_length())
    bits.append(f"{257:0{width}b}")
    text = "".join(bits)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


@pytest.mark.parametrize("kind", range(5))
def test_png_predictors_as_a_png_reader_undoes_them(kind: int) -> None:
    rows = [bytes((7 * row + 13 * column) % 256 for column in range(9)) for row in range(6)]
    predicted = b"".join(bytes((kind,)) + row for row in rows)
    header = b"\0\0\0\x09\0\0\0\x06\x08\0\0\0\0"
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(predicted)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    )
    expected = Image.open(io.BytesIO(png)).tobytes()
    assert decode(zlib.compress(predicted), Name("FlateDecode"), {"Predictor": 12, "Columns": 9}) == expected
    mixed = b"".join(bytes(((kind + row) % 5,)) + body for row, body in enumerate(rows))
    assert len(decode(zlib.compress(mixed), Name("FlateDecode"), {"Predictor": 15, "Columns": 9})) == 54


@pytest.mark.parametrize(
    ("data", "filters", "parameters", "code"),
    [
        (b"x", Name("DCTDecode"), None, "PDF_FILTER_UNKNOWN"),
        (b"x", 7, None, "PDF_FILTER_UNKNOWN"),
        (b"no zlib", Name("FlateDecode"), None, "PDF_STREAM_DAMAGED"),
        (b"zz", Name("ASCIIHexDecode"), None, "PDF_STREAM_DAMAGED"),
        (b"\x7f\x7f\x7f\x7f\x7f", Name("ASCII85Decode"), None, "PDF_STREAM_DAMAGED"),
        (b"uuuuu~>", Name("ASCII85Decode"), None, "PDF_STREAM_DAMAGED"),
        (b"!~>", Name("ASCII85Decode"), None, "PDF_STREAM_DAMAGED"),
        (b"\xff\xff\xff", Name("LZWDecode"), None, "PDF_STREAM_DAMAGED"),
        (zlib.compress(b"\x09abc"), Name("FlateDecode"), {"Predictor": 12, "Columns": 3}, "PDF_STREAM_DAMAGED"),
        (zlib.compress(b"\x00abc\x09abc"), Name("FlateDecode"), {"Predictor": 12, "Columns": 3}, "PDF_STREAM_DAMAGED"),
        (zlib.compress(b"abc"), Name("FlateDecode"), {"Predictor": 2}, "PDF_FILTER_UNKNOWN"),
        (zlib.compress(b"abc"), Name("FlateDecode"), {"Predictor": 12, "Columns": 0}, "PDF_FILTER_UNKNOWN"),
        (zlib.compress(b"abc"), Name("FlateDecode"), {"Predictor": 12, "Columns": 1, "Colors": 3}, "PDF_FILTER_UNKNOWN"),
        (zlib.compress(bytes(3_000_000)), Name("FlateDecode"), None, "PDF_DECODED_TOO_LARGE"),
        (b"x", [Name("Fl")] * 5, None, "PDF_TOO_COMPLEX"),
    ],
)
def test_what_cannot_be_decoded_is_refused(data: bytes, filters: Any, parameters: Any, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        decode(data, filters, parameters)
    assert caught.value.code == code


def test_decoders_are_bounded_and_lzw_forgives_a_missing_start() -> None:
    for packed, name in ((_lzw(bytes(50_000), 1), "LZWDecode"), (b"\x81x" * 20, "RunLengthDecode"), (b"z" * 300, "ASCII85Decode")):
        with pytest.raises(MalformedError, match="PDF_DECODED_TOO_LARGE"):
            decode(packed, Name(name), limits=PdfLimits(stream_bytes=1_000))
    assert decode(b"\x20\x98\x40", Name("LZWDecode")) == b"Aa"  # no clear code first


def test_the_account_covers_all_streams_together() -> None:
    budget = Budget(PdfLimits(decoded_bytes=3_000))
    stream = Stream({"Filter": Name("FlateDecode")}, zlib.compress(bytes(2_000)))
    decode_stream(stream, lambda value: value, budget)
    with pytest.raises(MalformedError, match="PDF_DECODED_TOO_LARGE"):
        decode_stream(stream, lambda value: value, budget)


def test_references_in_the_parameters_are_followed() -> None:
    values: dict[object, object] = {
        Ref(1): [Ref(2)],
        Ref(2): Name("FlateDecode"),
        Ref(3): [Ref(4)],
        Ref(4): {"Predictor": Ref(5), "Columns": 3},
        Ref(5): 12,
    }
    stream = Stream({"Filter": Ref(1), "DecodeParms": Ref(3)}, zlib.compress(b"\x02abc\x02\x00\x00\x01"))
    assert decode_stream(stream, lambda value: values[value] if isinstance(value, Ref) else value, Budget()) == b"abcabd"
