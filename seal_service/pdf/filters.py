"""Decoding of structural streams: cross-reference streams and object streams (ISO 32000-1 7.4), within a budget.

Page contents and pictures are never decoded: a signature covers their encoded bytes.
"""

from __future__ import annotations

import re
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from seal_service.pdf.syntax import Name, Stream
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seal_service.pdf.limits import Budget

_RATIO_FREE_BYTES: Final = 1_048_576  # below this the ratio of decoded to encoded bytes is of no interest
_SLOW_WEIGHT: Final = 16  # decoders written in Python cost so much more than inflating, and count so much more
_COLUMN_WEIGHT: Final = 4
_LZW_CLEAR: Final = 256
_LZW_END: Final = 257
_LZW_FULL: Final = 4096  # 7.4.4.2: codes have 9 to 12 bits
_ABBREVIATIONS: Final = {"Fl": "FlateDecode", "AHx": "ASCIIHexDecode", "A85": "ASCII85Decode", "LZW": "LZWDecode", "RL": "RunLengthDecode"}
_ASCII_SPACE: Final = re.compile(rb"[\x00\t\n\x0c\r ]+")


def decode_stream(stream: Stream, resolve: Callable[[object], object], budget: Budget) -> bytes:
    """The decoded bytes of a structural stream.

    ``resolve`` follows references inside /Filter and /DecodeParms. Errors: :class:`MalformedError` ``PDF_FILTER_UNKNOWN``,
    ``PDF_STREAM_DAMAGED``, ``PDF_DECODED_TOO_LARGE``, ``PDF_TOO_COMPLEX``.
    """
    filters = _as_list(resolve(stream.dictionary.get("Filter")), resolve)
    parameters = _as_list(resolve(stream.dictionary.get("DecodeParms", stream.dictionary.get("DP"))), resolve)
    if len(filters) > budget.limits.filters:
        raise MalformedError("PDF_TOO_COMPLEX", filters=len(filters))
    data = bytes(stream.raw)
    for index, name in enumerate(filters):
        parameter = parameters[index] if index < len(parameters) else None
        options = {key: resolve(value) for key, value in parameter.items()} if isinstance(parameter, dict) else {}
        data = _decode(str(name) if isinstance(name, Name) else "", data, options, budget)
    return data


def _as_list(value: object, resolve: Callable[[object], object]) -> list[object]:
    if value is None:
        return []
    return [resolve(item) for item in value[:16]] if isinstance(value, list) else [value]


def _decode(name: str, data: bytes, options: dict[str, object], budget: Budget) -> bytes:
    name = _ABBREVIATIONS.get(name, name)
    limit = min(budget.limits.stream_bytes, max(_RATIO_FREE_BYTES, len(data) * budget.limits.decoded_ratio))
    if name == "FlateDecode":
        inflated = _inflate(data, limit)
        budget.spend_decoded(len(inflated))
        if len(inflated) > limit:
            raise MalformedError("PDF_DECODED_TOO_LARGE", limit=limit)
        return _undo_predictor(inflated, options, budget)
    budget.spend_decoded(_SLOW_WEIGHT * len(data))
    if name == "LZWDecode":
        decoded = _undo_predictor(_unpack_lzw(data, limit, early=options.get("EarlyChange", 1) != 0), options, budget)
    elif name == "ASCIIHexDecode":
        decoded = _read_ascii_hex(data)
    elif name == "ASCII85Decode":
        decoded = _read_ascii85(data, limit)
    elif name == "RunLengthDecode":
        decoded = _read_run_lengths(data, limit)
    else:
        raise MalformedError("PDF_FILTER_UNKNOWN", filter=name[:40])
    budget.spend_decoded(len(decoded))
    return decoded


def _inflate(data: bytes, limit: int) -> bytes:
    """At most one byte more than ``limit``."""
    inflater = zlib.decompressobj()
    try:
        decoded = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise MalformedError("PDF_STREAM_DAMAGED", filter="FlateDecode") from error
    return decoded


def _unpack_lzw(data: bytes, limit: int, *, early: bool) -> bytes:
    """LZW with codes of 9 to 12 bits, most significant bit first (7.4.4)."""
    output: list[bytes] = []
    total = bits = bit_count = 0
    width = 9
    table: list[bytes] = []
    previous = b""
    for byte in data:
        bits = (bits << 8) | byte
        bit_count += 8
        if bit_count < width:
            continue
        bit_count -= width
        code = bits >> bit_count
        bits &= (1 << bit_count) - 1
        if code == _LZW_END:
            break
        if code == _LZW_CLEAR or not table:
            table = [bytes((value,)) for value in range(256)] + [b"", b""]
            width, previous = 9, b""
            if code == _LZW_CLEAR:
                continue
        if code < len(table):
            entry = table[code]
        elif code == len(table) and previous:
            entry = previous + previous[:1]
        else:
            raise MalformedError("PDF_STREAM_DAMAGED", filter="LZWDecode")
        output.append(entry)
        total += len(entry)
        if total > limit:
            raise MalformedError("PDF_DECODED_TOO_LARGE", limit=limit)
        if previous and len(table) < _LZW_FULL:
            table.append(previous + entry[:1])
        previous = entry
        width = max(9, min(12, (len(table) + early).bit_length()))
    return b"".join(output)


def _read_ascii_hex(data: bytes) -> bytes:
    digits = _ASCII_SPACE.sub(b"", data.partition(b">")[0])
    try:
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    except ValueError as error:
        raise MalformedError("PDF_STREAM_DAMAGED", filter="ASCIIHexDecode") from error


def _read_ascii85(data: bytes, limit: int) -> bytes:
    digits = _ASCII_SPACE.sub(b"", data.partition(b"~>")[0]).replace(b"z", b"!!!!!")
    if len(digits) > limit:
        raise MalformedError("PDF_DECODED_TOO_LARGE", limit=limit)
    missing = -len(digits) % 5
    padded = digits + b"u" * missing
    if missing == 4 or any(not 0x21 <= digit <= 0x75 for digit in padded):
        raise MalformedError("PDF_STREAM_DAMAGED", filter="ASCII85Decode")
    output = bytearray()
    for at in range(0, len(padded), 5):
        value = 0
        for digit in padded[at : at + 5]:
            value = value * 85 + digit - 0x21
        if value > 0xFFFFFFFF:
            raise MalformedError("PDF_STREAM_DAMAGED", filter="ASCII85Decode")
        output += value.to_bytes(4, "big")
    return bytes(output[: len(output) - missing])


def _read_run_lengths(data: bytes, limit: int) -> bytes:
    output = bytearray()
    at = 0
    while at < len(data) and data[at] != 128:
        length = data[at]
        if length < 128:
            output += data[at + 1 : at + 2 + length]
            at += 2 + length
        else:
            output += data[at + 1 : at + 2] * (257 - length)
            at += 2
        if len(output) > limit:
            raise MalformedError("PDF_DECODED_TOO_LARGE", limit=limit)
    return bytes(output)


def _undo_predictor(data: bytes, options: dict[str, object], budget: Budget) -> bytes:
    """Predictors of 7.4.4.4. Only PNG prediction on bytes and no prediction occur in structural streams."""
    predictor = options.get("Predictor", 1)
    if predictor == 1:
        return data
    columns, colours, bits = options.get("Columns", 1), options.get("Colors", 1), options.get("BitsPerComponent", 8)
    if not (isinstance(predictor, int) and isinstance(columns, int) and 10 <= predictor <= 15 and 1 <= columns <= 65_536):
        raise MalformedError("PDF_FILTER_UNKNOWN", filter="predictor")
    if colours != 1 or bits != 8:
        raise MalformedError("PDF_FILTER_UNKNOWN", filter="predictor")
    stride = columns + 1
    rows = len(data) // stride
    kinds = set(data[: rows * stride : stride])
    if kinds <= {0}:
        return b"".join(data[at + 1 : at + stride] for at in range(0, rows * stride, stride))
    budget.spend_decoded(len(data) * (_COLUMN_WEIGHT if kinds == {2} else _SLOW_WEIGHT))
    if kinds == {2}:  # every row predicted from the one above: running sums down each column
        result = bytearray(rows * columns)
        for column in range(columns):
            result[column::columns] = bytes([value & 0xFF for value in accumulate(data[column + 1 : rows * stride : stride])])
        return bytes(result)
    return _undo_png_rows(data, rows, columns)


def _undo_png_rows(data: bytes, rows: int, columns: int) -> bytes:
    output = bytearray()
    above = bytes(columns)
    for row in range(rows):
        start = row * (columns + 1)
        kind = data[start]
        line = bytearray(data[start + 1 : start + 1 + columns])
        if kind == 1:
            for i in range(1, columns):
                line[i] = (line[i] + line[i - 1]) & 0xFF
        elif kind == 2:
            for i in range(columns):
                line[i] = (line[i] + above[i]) & 0xFF
        elif kind == 3:
            for i in range(columns):
                line[i] = (line[i] + ((line[i - 1] if i else 0) + above[i]) // 2) & 0xFF
        elif kind == 4:
            for i in range(columns):
                line[i] = (line[i] + _paeth(line[i - 1] if i else 0, above[i], above[i - 1] if i else 0)) & 0xFF
        elif kind != 0:
            raise MalformedError("PDF_STREAM_DAMAGED", filter="predictor")
        output += line
        above = bytes(line)
    return bytes(output)


def _paeth(left: int, up: int, corner: int) -> int:
    estimate = left + up - corner
    a, b, c = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    if a <= b and a <= c:
        return left
    return up if b <= c else corner
