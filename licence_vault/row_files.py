"""Rows of a batch from a file: CSV, XLSX or JSON. Row by row, so that a hundred thousand of them take no more memory than one.

A row is a set of named cells, all texts. Nothing of the file is trusted: sizes and counts are limited, and what cannot be read is refused with the
number of the row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from licence_vault import limits
from licence_vault.errors import row_file_unacceptable
from standards.rfc7493_i_json import REPEATED, StrictJsonError, read_strict_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    _Cells = tuple[tuple[str, ...], dict[str, str]]

_PIECE_BYTES: Final = 64 * 1024
_ESCAPED: Final = 6  # characters that JSON may take for one
_ROW_CHARACTERS: Final = 2 * _ESCAPED * limits.ROW_CELLS * limits.FIELD_CHARACTERS  # of a row that is not over by then no more is read
NO_END: Final = "长期"
NUMBER: Final = ("number", "证照编号")  # the column of the printed number in files on older licences
_WHITE: Final = " \t\r\n"
_IN_POWERS: Final = re.compile(r"-?[0-9]((\.[0-9]+)?E\+|\.[0-9]+E-)[0-9]{2,3}")
_ENDS_IN_ZEROS: Final = re.compile(r"-?[0-9]{15}0+")  # office programs keep 15 digits of a number
_LONG_SEQUENCE: Final = re.compile(rb"[\xe0-\xff]")  # begins one of three or four bytes in UTF-8: Chinese, Mongolian
_BROKEN: Final = 1000  # characters that are none in UTF-8
_LONGER: Final = "\u0800"  # the first character of such a sequence
_DIGITS_LOST: Final = (
    "no numbers as 1.1E+17, which an office program has made of the digits of a code: the cell is to be one of text, and typed anew"
)
_DIGITS_ZERO: Final = (
    "no numbers of more than 15 digits that end in zeros from there on, as office programs leave of a code: "
    "one that is so in truth goes into a workbook, as text, or JSON"
)
_TWO_READINGS: Final = (
    "no text that is another one in GB 18030 than in UTF-8: save it as CSV UTF-8 with the mark that says so, or as a workbook"
)


class RowForm(StrEnum):
    """The form of the file."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Row:
    """One row, numbered from 1. ``cells``: by the name of their column; empty cells are left out. ``columns``: all names, in their order."""

    number: int
    cells: Mapping[str, str]
    columns: tuple[str, ...] = field(default=(), compare=False)


def read_rows(data: bytes, form: RowForm) -> Iterator[Row]:
    """The rows of a file. TrustError LICENCE_ROW_FILE_UNACCEPTABLE, at the row where it is found."""
    readers = {RowForm.CSV: _csv_cells, RowForm.XLSX: _xlsx_cells, RowForm.JSON: _json_cells}
    number = 0
    for columns, cells in readers[form](data):
        if not cells:
            continue  # an empty line
        number += 1
        if number > limits.BATCH_ROWS:
            raise row_file_unacceptable(f"at most {limits.BATCH_ROWS} rows", number)
        if len(cells) > limits.ROW_CELLS or any(len(cell) > limits.FIELD_CHARACTERS for cell in cells.values()):
            raise row_file_unacceptable(f"at most {limits.ROW_CELLS} cells of {limits.FIELD_CHARACTERS} characters", number)
        yield Row(number, cells, columns)
    if number == 0:
        raise row_file_unacceptable("a row at least", 0)


def _csv_cells(data: bytes) -> Iterator[_Cells]:
    """Comma-separated, the first line names the columns; UTF-8, or GB 18030 as office programs write it."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding=_encoding_of(data), newline="")
    number = 0
    try:
        lines = csv.reader(text, strict=True)
        names = _names(next(lines, []))
        for number, line in enumerate(lines, 1):
            if len(line) > len(names):
                raise row_file_unacceptable("no more cells than the first line names", number)
            cells = {name: cell.strip() for name, cell in zip(names, line, strict=False) if cell.strip()}
            if any(_IN_POWERS.fullmatch(cell) for cell in cells.values()):
                raise row_file_unacceptable(_DIGITS_LOST, number)
            if any(_ENDS_IN_ZEROS.fullmatch(cell) for cell in cells.values()):
                raise row_file_unacceptable(_DIGITS_ZERO, number)
            yield names, cells
    except (csv.Error, UnicodeDecodeError):
        raise row_file_unacceptable("CSV in UTF-8 or GB 18030", number + 1) from None


def _encoding_of(data: bytes) -> str:
    """UTF-8 or GB 18030. What may be either, or is neither, is refused: nearly all bytes are some text in GB 18030, and a wrong one would be sealed."""
    if _is_utf_8(data):
        if not (data.isascii() or data.startswith(codecs.BOM_UTF8) or _LONG_SEQUENCE.search(data)):
            raise row_file_unacceptable(_TWO_READINGS, 0)  # every two bytes of that kind are a character in both
        return "utf-8-sig"
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    sound = broken = 0
    line, first = 1, 0
    for start in range(0, len(data), _PIECE_BYTES):
        text = decoder.decode(data[start : start + _PIECE_BYTES], final=start + _PIECE_BYTES >= len(data))
        found = text.count("\ufffd")
        first = first or (line + text.count("\n", 0, text.index("\ufffd")) if found else 0)
        line, broken = line + text.count("\n"), broken + found
        sound += sum(map(_LONGER.__le__, text)) - found
        if broken > max(sound, _BROKEN):
            return "gb18030"  # it is plain by then: the rest of a large file is not gone through
    if sound > broken or data.startswith(codecs.BOM_UTF8):  # of another encoding hardly anything is sound by chance
        raise row_file_unacceptable(f"UTF-8 throughout: line {first} has bytes that are none", 0)
    return "gb18030"


def _is_utf_8(data: bytes) -> bool:
    """Piece by piece: the text of a large file is never in memory as a whole."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _PIECE_BYTES):
            decoder.decode(view[start : start + _PIECE_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _xlsx_cells(data: bytes) -> Iterator[_Cells]:
    """The first sheet, whose first line names the columns."""
    from licence_vault.workbooks import lines_of, refused_at

    lines = lines_of(data)
    first, cells = next(lines, (1, []))
    names = _names(cells if first == 1 else ())
    for line, texts in lines:
        if len(texts) > len(names):
            raise refused_at("no more cells than the first line names", line, len(texts))
        lost = next((column for column, text in enumerate(texts, 1) if _IN_POWERS.fullmatch(text)), None)
        if lost is not None:
            raise refused_at(_DIGITS_LOST, line, lost)
        yield names, {name: text for name, text in zip(names, texts, strict=False) if text}


class _JsonText:
    """The text of a JSON file, of which only what is being read is in memory."""

    def __init__(self, data: bytes) -> None:
        self._left, self._decoder = memoryview(data), codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._place = "", 0

    def _read_on(self) -> bool:
        """As much again as there is, so that a long row is not begun anew too often; False at the end."""
        size = max(_PIECE_BYTES, len(self._text) - self._place)
        piece, self._left = self._left[:size], self._left[size:]
        self._text, self._place = self._text[self._place :] + self._decoder.decode(piece), 0
        return len(piece) > 0

    def next_mark(self) -> str:
        """The next character that is no white space, which stays; empty at the end."""
        while True:
            while self._place < len(self._text):
                mark = self._text[self._place]
                if mark not in _WHITE:
                    return mark
                self._place += 1
            if not self._read_on():
                return ""

    def pass_mark(self) -> None:
        """Go behind what ``next_mark`` told."""
        self._place += 1

    def next_value(self) -> Any:
        """The value that begins here. StrictJsonError."""
        while True:
            try:
                value, self._place = read_strict_at(self._text, self._place)
            except StrictJsonError as error:
                is_whole = error.rule == REPEATED or len(self._text) - self._place > _ROW_CHARACTERS  # else it may only be cut off
                if is_whole or not self._read_on():
                    raise
            else:
                return value


def _json_cells(data: bytes) -> Iterator[_Cells]:
    """A list of objects as POST /v1/licences takes them, without what the batch says for all."""
    if not _is_utf_8(data):
        raise row_file_unacceptable("JSON in UTF-8", 0)
    text, number = _JsonText(data), 0
    if text.next_mark() != "[":
        raise row_file_unacceptable("a JSON list", 0)
    text.pass_mark()
    while text.next_mark() != "]":
        number += 1
        try:
            value = text.next_value()
        except StrictJsonError as error:
            raise row_file_unacceptable("no member twice" if error.rule == REPEATED else "JSON", number) from None
        flat = _flattened(value, number)
        yield tuple(flat), flat
        mark = text.next_mark()
        if mark not in {",", "]"}:
            raise row_file_unacceptable("JSON", number)
        if mark == ",":
            text.pass_mark()
    text.pass_mark()
    if text.next_mark():
        raise row_file_unacceptable("nothing behind the list", number)


def _flattened(value: Any, number: int) -> dict[str, str]:
    """One object as named cells: holders and fields lie flat beside the rest."""
    if not isinstance(value, dict):
        raise row_file_unacceptable("objects", number)
    cells: dict[str, Any] = {name: member for name, member in value.items() if name not in {"holders", "fields"}}
    if "valid_to" in cells and cells["valid_to"] is None:
        cells["valid_to"] = NO_END
    holders, fields = value.get("holders", []), value.get("fields", {})
    if not isinstance(holders, list) or not isinstance(fields, dict) or len(holders) > limits.HOLDERS:
        raise row_file_unacceptable("a list of holders and an object of fields", number)
    for place, holder in enumerate(holders, 1):
        if not isinstance(holder, dict) or holder.keys() != {"name", "code", "code_type"}:
            raise row_file_unacceptable("holders with name, code and code_type", number)
        cells |= {f"holder_{name}" + (f"_{place}" if place > 1 else ""): member for name, member in holder.items()}
    if fields.keys() & cells.keys():
        raise row_file_unacceptable("each name once", number)
    cells |= fields
    if not all(isinstance(cell, str) for cell in cells.values()):
        raise row_file_unacceptable("texts", number)
    return {name: cell for name, cell in cells.items() if cell}


def _names(cells: Iterable[str]) -> tuple[str, ...]:
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    if not names or not all(names) or len(set(names)) != len(names) or len(names) > limits.ROW_CELLS:
        raise row_file_unacceptable("a first line that names each column, once", 0)
    return tuple(names)


def chunks_of(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    """Some hundred rows at a time, as they are stored."""
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == limits.ROWS_PER_WRITE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
