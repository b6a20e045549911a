"""The first sheet of an XLSX workbook, line by line, as people read it there; what the file does not hold, or shows otherwise, is refused with its cell.

Formulas are not computed here: what the program that wrote the file has kept of them is read, and where it kept nothing the file is refused. Costs of
a sheet are those of its lines: none is kept, and none that is missing is made up. A package that says much with few bytes is refused.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._reader import COL_TAG, FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from licence_vault import limits
from licence_vault.day_formats import EAST_ASIAN, shows_whole
from licence_vault.errors import row_file_unacceptable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from standards.errors import TrustError

_BUILT_IN: Final = (
    BUILTIN_FORMATS | EAST_ASIAN | {44: '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)'}
)  # openpyxl has that one without its marks
_ERRORS: Final = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})  # ECMA-376 part 1, 18.17.3
_WHOLE_DIGITS: Final = 15  # office programs keep no more of a number: what is behind them became 0 when it was typed
_FIRST_CUSTOM_FORMAT: Final = 164  # ECMA-376 part 1, 18.8.30: those below are built in
# Of a format, ECMA-376 part 1, 18.8.31: what writes nothing, or a sign. Longer names of languages choose other digits
_COLOURS: Final = "(?i:black|blue|cyan|green|magenta|red|white|yellow|color[0-9]{1,2})"
_ROOM: Final = re.compile(rf"_.|\* |\[(?:\$-[0-9A-Fa-f]{{1,4}}|{_COLOURS})\]|\\(?=[-+() ])")
_CONDITION: Final = re.compile(r"\[[<>=]")
_DIGITS: Final = re.compile(r"([-+( ]*)((?:[#0?]+(?:,[#0?]+)*)?[#0?])(?:\.([#0?]*))?([-+) ]*)")
_SECTIONS: Final = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_QUOTED: Final = re.compile(r'"[^"]*"|\\.')
_AS_KEPT: Final = frozenset({"", "general", "g/通用格式", "@"})
_LEADING_ZEROS: Final = re.compile("0{2,15}")
_COMPUTED_ANEW: Final = re.compile(rb"<(?:\w+:)?calcPr\b[^>]*\bfullCalcOnLoad\s*=\s*[\"'](?:1|true)[\"']")
_MERGED: Final = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']([^\"']{1,40})[\"']")
_MERGED_BYTES: Final = 300  # such an element is not longer
_TEXT_TAG: Final = f"{{{SHEET_MAIN_NS}}}si"
_CHUNK_BYTES: Final = 1024 * 1024
_ESCAPED: Final = re.compile("_x[0-9A-Fa-f]{4}_")  # ECMA-376 part 1, 22.9.2.19
_SHOWN: Final = {"", "visible"}
_TRUE: Final = {"1", "true"}


def lines_of(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines of the first sheet that have something in them, each with its number there (from 1), its cells as texts.

    TrustError LICENCE_ROW_FILE_UNACCEPTABLE, with the cell where there is one.
    """
    last = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(member.file_size for member in package.infolist())
            if unpacked > limits.XLSX_UNPACKED_BYTES or len(package.infolist()) > limits.XLSX_MEMBERS:
                raise row_file_unacceptable(f"at most {limits.XLSX_UNPACKED_BYTES} bytes unpacked", 0)
            if any(_is_inflated(member) for member in package.infolist()):
                raise row_file_unacceptable(f"parts that unpack to at most {limits.XLSX_RATIO} times their size", 0)
        reader: Any = _Reader(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        reader.archive = _Package(io.BytesIO(data))
        reader.read()
        book = reader.wb
        sheet = book.worksheets[0]
        if (sheet.sheet_state or "") not in _SHOWN:
            raise row_file_unacceptable("a first sheet that is shown: the rows are read from the first one", 0)
        _refuse_merged(sheet)
        is_computed_anew = _COMPUTED_ANEW.search(reader.archive.read(reader.parser.workbook_part_name)) is not None
        with sheet._get_source() as source:  # noqa: SLF001 - its own reader of lines fills up missing ones and drops what a formula has left out
            parser = _SheetParser(source, book, sheet, is_computed_anew=is_computed_anew)
            for found, cells in parser.parse():
                if found - 1 > limits.XLSX_LINES:
                    raise row_file_unacceptable(f"at most {limits.XLSX_LINES} lines", limits.XLSX_LINES + 1)
                if found <= last or any(cell["row"] != found for cell in cells):
                    raise row_file_unacceptable("lines in their order, each once", last)
                last = found
                yield found, _texts(cells)
    except (
        zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, KeyError, IndexError, ValueError, TypeError, AttributeError,
        EOFError, RuntimeError, OverflowError,
    ):  # fmt: skip
        raise row_file_unacceptable("an XLSX workbook", last) from None


def refused_at(rule: str, line: int, column: int) -> TrustError:
    """LICENCE_ROW_FILE_UNACCEPTABLE for one cell, called as office programs call it. ``line`` and ``column``: from 1, on the sheet."""
    return row_file_unacceptable(rule, line - 1, f"{get_column_letter(column)}{line}")


def _is_inflated(member: zipfile.ZipInfo) -> bool:
    return member.file_size > max(limits.XLSX_RATIO_FROM_BYTES, limits.XLSX_RATIO * member.compress_size)


class _Package(zipfile.ZipFile):
    """The parts of a workbook."""

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """One part, of which all elements will be in memory at once."""
        is_small = self.getinfo(name).file_size <= limits.XLSX_PART_BYTES
        content = super().read(name, pwd) if is_small else b""
        if not is_small or content.count(b"<") > limits.XLSX_PART_TAGS:
            raise row_file_unacceptable("names and formats of a usual size: copy the rows into a new workbook", 0)
        return content


class _Reader(ExcelReader):
    """Takes a workbook in but for its sheets."""

    def read_strings(self) -> None:
        """The table of texts. Its own reader keeps what it has read."""
        package: Any = self.package
        part = package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                ended = _ended(source, _TEXT_TAG)
                read: Any = Text.from_tree
                texts = (read(element).content for element in ended if element.tag == _TEXT_TAG)
                self.shared_strings = [text.replace("x005F_", "") for text in texts]


def _ended(source: Any, piece: str) -> Iterator[Any]:
    """The elements of a part as each ends; what stood before the end of a ``piece`` is forgotten with it, and may be no more than a line has."""
    above: list[Any] = []
    whole = since = 0
    for event, element in iterparse(source, events=("start", "end")):
        if event == "start":
            above = above or [element]
            whole, since = whole + 1, since + 1
            if since > limits.XLSX_LINE_ELEMENTS or whole > limits.XLSX_ELEMENTS:
                raise row_file_unacceptable("no more cells than a sheet of so many rows has: copy the rows into a new workbook", 0)
        else:
            yield element
            if element.tag == piece:
                element.clear()
                above[0].clear()
                since = 0


def _refuse_merged(sheet: Any) -> None:
    """They stand behind the lines, which would be taken in by then: of several cells that are one for who reads it, all but one would be empty."""
    left = b""
    with sheet._get_source() as source:  # noqa: SLF001 - as above
        while chunk := source.read(_CHUNK_BYTES):
            found = _MERGED.search(left + chunk)
            if found is not None:
                place = found[1].decode("ascii", "replace")
                line = re.search("[0-9]{1,7}", place)
                raise row_file_unacceptable(
                    "no merged cells: separate them and fill each", 0 if line is None else max(int(line[0]) - 1, 0), place
                )
            left = (left + chunk)[-_MERGED_BYTES:]


class _SheetParser(WorkSheetParser):
    """Gives the lines of a sheet; cells have their text in ``value``."""

    def __init__(self, source: Any, book: Any, sheet: Any, *, is_computed_anew: bool) -> None:
        styles = book._cell_styles  # noqa: SLF001 - formats are nowhere else
        # It knows the western ones alone, and a day would come as a number
        dates = book._date_formats | {place for place, style in enumerate(styles) if style.numFmtId in EAST_ASIAN}  # noqa: SLF001
        super().__init__(source, sheet._shared_strings, data_only=True)  # noqa: SLF001
        self.system, self.days, self.hours = book.epoch, dates, book._timedelta_formats  # noqa: SLF001 - not given on: it would say in the server's log which days no calendar has
        self.is_computed_anew = is_computed_anew
        self.widths = _shown_widths(styles, book._number_formats)  # noqa: SLF001
        self.formats = _shown_formats(styles, book._number_formats)  # noqa: SLF001
        self.hidden: list[range] = []

    def parse(self) -> Generator[Any, None, None]:
        """Its lines. Of all else in a sheet only the columns say something of cells: they stand before the lines."""
        for element in _ended(self.source, ROW_TAG):
            if element.tag == COL_TAG and element.get("hidden") in _TRUE:
                self.hidden.append(range(int(element.get("min")), int(element.get("max")) + 1))
            elif element.tag == ROW_TAG:
                yield self.parse_row(element)

    def parse_row(self, row: Any) -> tuple[int, list[dict[str, Any]]]:
        """One line. Of a hidden one nobody who looks at the sheet would know."""
        line, cells = super().parse_row(row)
        self.row_dimensions.clear()  # it would keep those of every line
        if row.get("hidden") in _TRUE:
            for cell in cells:
                if cell["value"]:
                    raise refused_at("no hidden lines with something in them, those behind a filter included", line, cell["column"])
        return line, cells

    def parse_cell(self, element: Any) -> dict[str, Any]:
        """One cell: its text, as it is shown."""
        cell: dict[str, Any] = super().parse_cell(element)
        line, column = cell["row"], cell["column"]
        if element.find(FORMULA_TAG) is not None:
            is_empty_text = element.get("t") == "str" and element.find(VALUE_TAG) is not None
            if self.is_computed_anew or (cell["value"] is None and not is_empty_text):
                raise refused_at(
                    "no formulas whose result is not in the file: save it in an office program, or paste the values", line, column
                )
        if cell["data_type"] == "e":
            raise refused_at("no formulas that have come to nothing", line, column)
        value = cell["value"]
        if cell["style_id"] in self.days and cell["data_type"] == "n" and value is not None:
            try:
                value = from_excel(value, self.system, timedelta=cell["style_id"] in self.hours)
            except (OverflowError, ValueError):
                raise refused_at("days that a calendar has", line, column) from None
        try:
            cell["value"] = _written(value, self.widths.get(cell["style_id"], 0))
        except ValueError as error:
            raise refused_at(str(error), line, column) from None
        rule = _shown_otherwise(value, self.formats.get(cell["style_id"], "")) if cell["value"] else None
        if rule is not None:
            raise refused_at(rule, line, column)
        if cell["value"] and any(column in each for each in self.hidden):
            raise refused_at("no hidden columns with something in them", line, column)
        if len(cell["value"]) > limits.FIELD_CHARACTERS:
            raise refused_at(f"at most {limits.FIELD_CHARACTERS} characters in a cell", line, column)
        return cell


def _shown_widths(styles: Any, formats: list[str]) -> dict[int, int]:
    """Styles that show whole numbers with zeros before them, as those of area codes do: to how many digits."""
    widths: dict[int, int] = {}
    for place, style in enumerate(styles):
        custom = style.numFmtId - _FIRST_CUSTOM_FORMAT
        if 0 <= custom < len(formats) and _LEADING_ZEROS.fullmatch(formats[custom]):
            widths[place] = len(formats[custom])
    return widths


def _shown_formats(styles: Any, formats: list[str]) -> dict[int, str]:
    """How the numbers of each style are shown."""
    shown: dict[int, str] = {}
    for place, style in enumerate(styles):
        custom = style.numFmtId - _FIRST_CUSTOM_FORMAT
        shown[place] = formats[custom] if 0 <= custom < len(formats) else _BUILT_IN.get(style.numFmtId, "")
    return shown


def _shown_otherwise(value: object, number_format: str) -> str | None:
    """The rule that a cell breaks of which people see something else than is in the file; None for those that are as they are seen."""
    if isinstance(value, str) and not _is_bare(number_format):
        return "no texts that are hidden, or shown with something beside them: write in the cell what is to be read"
    if isinstance(value, date | time | timedelta) and not shows_whole(value, number_format):
        return "no days and times of which a part alone is shown, as 3月1日 for 3-1: show year, month and day, or make it a cell of text"
    if isinstance(value, int | float) and not isinstance(value, bool) and not _is_as_shown(value, number_format):
        return "no numbers that are shown with other digits, a unit or a sign of money: these are cells of texts"
    return None


def _is_bare(number_format: str) -> bool:
    """Whether a text is shown as it is. The fourth section of a format is that of texts; one with @ is too, where there are fewer (ECMA-376 part 1, 18.8.31)."""
    sections = _SECTIONS.split(number_format[: limits.XLSX_FORMAT_CHARACTERS])
    section = sections[3] if len(sections) > 3 else sections[-1] if "@" in _QUOTED.sub("", sections[-1]) else "@"
    return _ROOM.sub("", section).strip().lower() in _AS_KEPT - {""}


def _is_as_shown(value: float, number_format: str) -> bool:
    """Whether people see the digits and the sign that are in the file, and nothing beside them: separators of thousands and colours make no other number."""
    if number_format.lower() in _AS_KEPT:
        return True
    sections = _SECTIONS.split(number_format[: limits.XLSX_FORMAT_CHARACTERS])
    section = sections[1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0]
    shown = _DIGITS.fullmatch(_ROOM.sub("", section))
    if _CONDITION.search(number_format) is not None or (shown is None and section.lower() not in _AS_KEPT - {""}):
        return False
    before, whole, decimals, after = ("", "", "", "") if shown is None else shown.groups(default="")
    # The sign: of negative numbers that have a section of their own it stands there, or nowhere
    signs = (before + after).replace(" ", "")
    if signs not in (("", "+") if value >= 0 else ("-", "()") if len(sections) > 1 else ("",)):
        return False
    if shown is None:
        return True
    # The digits: no decimals fewer, no zeros before them but those that are read, and a 0 that is seen
    exponent = Decimal(f"{value:.{_WHOLE_DIGITS}g}").as_tuple().exponent
    is_filled = value >= 0 and _LEADING_ZEROS.fullmatch(number_format) is not None
    least = len(whole.replace(",", "").lstrip("#?"))
    return (
        isinstance(exponent, int)
        and -exponent <= len(decimals)
        and (is_filled or least <= len(str(abs(int(value)))))
        and (value != 0 or "0" in whole + decimals)
    )


def _texts(cells: list[dict[str, Any]]) -> list[str]:
    """By their columns; none behind the last that has something in it. A cell that stands there twice is one too many."""
    texts: dict[int, str] = {}
    for cell in cells:
        if cell["column"] in texts:
            raise refused_at("each cell once", cell["row"], cell["column"])
        texts[cell["column"]] = cell["value"]
    last = max((column for column, text in texts.items() if text), default=0)
    if last > limits.ROW_CELLS:
        raise refused_at(f"at most {limits.ROW_CELLS} columns", cells[0]["row"], last)
    return [texts.get(column, "") for column in range(1, last + 1)]


def _written(value: object, width: int) -> str:
    """What stands in a cell, as people read it there. ValueError: what the program that wrote it has lost is not made up."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        is_day = value.time() == datetime.min.time()
        return (value.date() if is_day else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, int | float) and abs(value) >= 10**_WHOLE_DIGITS:  # a resident identity number would come with other last digits
        raise ValueError(f"no numbers of more than {_WHOLE_DIGITS} digits, such as codes: these are cells of texts")
    if isinstance(value, int | float):
        text = f"{Decimal(f'{value:.{_WHOLE_DIGITS}g}'):f}"
        return text.zfill(width) if text.isdigit() else text
    text = str(value).strip()
    if text in _ERRORS:
        raise ValueError("no formulas that have come to nothing")
    if _ESCAPED.search(text):
        raise ValueError("no control characters: type the text of the cell anew")
    return text
