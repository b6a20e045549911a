"""Rows of a batch from a file: CSV, XLSX or JSON. Row by row, so that a hundred thousand of them take no more memory than one.

A row is a set of named cells, all texts. Nothing of the file is trusted: sizes and counts are limited, and what cannot be read is refused with the
number of the row.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from licence_vault import limits
from licence_vault.errors import row_file_unacceptable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    _Cells = tuple[tuple[str, ...], dict[str, str]]

NO_END: Final = "长期"
_WHITE: Final = " \t\r\n"
_EAST_ASIAN_DATES: Final = frozenset({*range(27, 37), *range(50, 59)})
"""Numbers of the formats for days and times that Chinese office programs use without writing them down (ECMA-376 part 1, 18.8.30)."""
_ERRORS: Final = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})  # ECMA-376 part 1, 18.17.3
_WHOLE_DIGITS: Final = 15  # office programs keep no more of a number: what is behind them became 0 when it was typed


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
    encoding = "utf-8-sig"
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "gb18030"
    text = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    number = 0
    try:
        lines = csv.reader(text, strict=True)
        names = _names(next(lines, []))
        for number, line in enumerate(lines, 1):
            if len(line) > len(names):
                raise row_file_unacceptable("no more cells than the first line names", number)
            yield names, {name: cell.strip() for name, cell in zip(names, line, strict=False) if cell.strip()}
    except (csv.Error, UnicodeDecodeError):
        raise row_file_unacceptable("CSV in UTF-8 or GB 18030", number + 1) from None


def _xlsx_cells(data: bytes) -> Iterator[_Cells]:
    """The first sheet, whose first line names the columns."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    number = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(member.file_size for member in package.infolist())
            if unpacked > limits.XLSX_UNPACKED_BYTES or len(package.infolist()) > limits.XLSX_MEMBERS:
                raise row_file_unacceptable(f"at most {limits.XLSX_UNPACKED_BYTES} bytes unpacked", 0)
        book: Any = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        book._date_formats |= {place for place, style in enumerate(book._cell_styles) if style.numFmtId in _EAST_ASIAN_DATES}  # noqa: SLF001 - it knows the western ones alone, and a day would come as a number
        lines = book.worksheets[0].iter_rows(values_only=True, max_col=limits.ROW_CELLS + 1)
        names = _names(_written(cell, 0) for cell in next(lines, ()))
        for line in lines:
            number += 1
            if number > limits.XLSX_LINES:  # a row says itself which one it is, and the reader gives all that are missing before it
                raise row_file_unacceptable(f"at most {limits.XLSX_LINES} lines", number)
            written = [_written(cell, number) for cell in line]
            if any(written[len(names) :]):
                raise row_file_unacceptable("no more cells than the first line names", number)
            yield names, {name: cell for name, cell in zip(names, written, strict=False) if cell}
    except (
        zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, KeyError, IndexError, ValueError, TypeError, AttributeError,
        EOFError, RuntimeError, OverflowError,
    ):  # fmt: skip
        raise row_file_unacceptable("an XLSX workbook", number + 1) from None


def _json_cells(data: bytes) -> Iterator[_Cells]:
    """A list of objects as POST /v1/licences takes them, without what the batch says for all."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise row_file_unacceptable("JSON in UTF-8", 0) from None
    decoder, place, number = json.JSONDecoder(), _skip(text, 0), 0
    if text[place : place + 1] != "[":
        raise row_file_unacceptable("a JSON list", 0)
    place = _skip(text, place + 1)
    while text[place : place + 1] != "]":
        number += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            raise row_file_unacceptable("JSON", number) from None
        flat = _flattened(value, number)
        yield tuple(flat), flat
        place = _skip(text, place)
        mark = text[place : place + 1]
        if mark not in {",", "]"}:
            raise row_file_unacceptable("JSON", number)
        if mark == ",":
            place = _skip(text, place + 1)
    if _skip(text, place + 1) != len(text):
        raise row_file_unacceptable("nothing behind the list", number)


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in _WHITE:
        place += 1
    return place


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


def _written(cell: object, number: int) -> str:
    """What stands in a cell of a workbook, as people read it there. What the program that wrote it has lost is not made up."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        is_day = cell.time() == datetime.min.time()
        return (cell.date() if is_day else cell).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int | float) and abs(cell) >= 10**_WHOLE_DIGITS:  # a resident identity number would come with other last digits
        raise row_file_unacceptable(f"no numbers of more than {_WHOLE_DIGITS} digits, such as codes: these are cells of texts", number)
    if isinstance(cell, float):
        return f"{Decimal(f'{cell:.{_WHOLE_DIGITS}g}'):f}"
    text = str(cell).strip()
    if text in _ERRORS:
        raise row_file_unacceptable("no formulas that have come to nothing", number)
    return text


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
