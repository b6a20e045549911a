"""Cells of workbooks as people read them; whatever the file does not hold, hides, or has lost is refused with the cell, never read as empty."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from licence_vault import limits
from licence_vault.row_files import RowForm, read_rows
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

_SHEET = "xl/worksheets/sheet1.xml"
_BOOK = "xl/workbook.xml"


def workbook(*lines: list[Any], change: Callable[[Any], None] | None = None) -> bytes:
    """A workbook with these lines. As openpyxl writes it, it asks to be computed anew, which one that an office program saved does not."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in lines:
        book.active.append(line)
    if change is not None:
        change(book)
    written = io.BytesIO()
    book.save(written)
    return edited(written.getvalue(), _BOOK, rb'\bfullCalcOnLoad="1"', b"")


def edited(data: bytes, member: str, old: bytes, new: bytes) -> bytes:
    """The same with what a pattern finds in one of its parts replaced, which must be there."""
    made, found = io.BytesIO(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(made, "w") as out:
        for each in given.infolist():
            content = given.read(each)
            if each.filename == member:
                content, found = re.subn(old, new, content)
            out.writestr(each, content)
    assert found
    return made.getvalue()


def cells(data: bytes) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_rows(data, RowForm.XLSX)]


def refusal(data: bytes) -> dict[str, Any]:
    with pytest.raises(TrustError, match="LICENCE_ROW_FILE_UNACCEPTABLE") as raised:
        cells(data)
    return raised.value.facts


def of_table(item: bytes) -> bytes:
    """A2 shows this member of the table of texts, which programs write where openpyxl writes each text in its cell."""
    data = edited(workbook(["a"], ["here"]), _SHEET, rb'<c r="A2".*?</c>', b'<c r="A2" t="s"><v>0</v></c>')
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    made = io.BytesIO(edited(data, "[Content_Types].xml", b"</Types>", part))
    with zipfile.ZipFile(made, "a") as package:
        package.writestr(
            "xl/sharedStrings.xml", b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1">%s</sst>' % item
        )
    return made.getvalue()


def formula(stored: bytes, *, kind: bytes = b"") -> bytes:
    """B3 holds a formula, and ``stored`` is what its program kept of the result."""
    data = workbook(["a", "b"], ["1", "2"], ["3", 4])
    return edited(data, _SHEET, rb'<c r="B3"[^>]*>.*?</c>', b'<c r="B3"%s><f>A3&amp;"x"</f>%s</c>' % (kind, stored))


@pytest.mark.parametrize("stored", [b"", b"<v/>", b"<v></v>"])
def test_a_formula_without_its_result_is_never_an_empty_cell(stored: bytes) -> None:
    facts = refusal(formula(stored))
    assert (facts["row"], facts["cell"]) == (2, "B3")
    assert "paste the values" in str(facts["rule"])


def test_a_formula_with_its_result_is_that() -> None:
    assert cells(formula(b"<v>3x</v>", kind=b' t="str"'))[1] == {"a": "3", "b": "3x"}
    assert cells(formula(b"<v>7</v>"))[1] == {"a": "3", "b": "7"}
    assert cells(formula(b"<v></v>", kind=b' t="str"'))[1] == {"a": "3"}  # it came to a text of no characters, as ="" does


def test_results_that_the_workbook_itself_calls_old_are_not_taken() -> None:
    """Programs that compute nothing write 0 for each, and that office programs are to compute them when they open the file."""
    data = edited(formula(b"<v>0</v>"), _BOOK, b"<calcPr", b'<calcPr fullCalcOnLoad="1"')
    assert refusal(data)["cell"] == "B3"
    assert cells(edited(workbook(["a"], [1]), _BOOK, b"<calcPr", b'<calcPr fullCalcOnLoad="1"')) == [{"a": "1"}]


@pytest.mark.parametrize("error", [b"#REF!", b"#N/A", b"#SPILL!", b"#CALC!", b"#FIELD!"])
def test_cells_of_the_kind_of_errors(error: bytes) -> None:
    facts = refusal(formula(b"<v>" + error + b"</v>", kind=b' t="e"'))
    assert (facts["rule"], facts["cell"]) == ("no formulas that have come to nothing", "B3")


def test_days_of_the_system_that_begins_with_1904() -> None:
    def since_1904(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904

    data = workbook(["a"], [date(2026, 11, 30)], change=since_1904)
    assert b"<v>44894</v>" in zipfile.ZipFile(io.BytesIO(data)).read(_SHEET)
    assert cells(data) == [{"a": "2026-11-30"}]


def test_a_day_that_no_calendar_has_is_called_that() -> None:
    data = edited(workbook(["a"], [date(2026, 11, 30)]), _SHEET, b"<v>46356</v>", b"<v>99999999</v>")
    assert refusal(data) == {"rule": "days that a calendar has", "row": 1, "cell": "A2"}


def test_hours_and_booleans_as_the_sheet_shows_them() -> None:
    assert cells(workbook(["a", "b", "c"], [True, False, timedelta(hours=30, minutes=5)])) == [{"a": "TRUE", "b": "FALSE", "c": "30:05:00"}]
    assert cells(workbook(["a"], [datetime(2026, 1, 2, 3, 4, 5)])) == [{"a": "2026-01-02T03:04:05"}]


def test_letters_of_several_kinds_are_one_text() -> None:
    rich = CellRichText("示例", TextBlock(InlineFont(b=True), "街道"), "1号")
    assert cells(workbook(["a"], [rich])) == [{"a": "示例街道1号"}]


def test_how_a_name_is_said_is_no_part_of_it() -> None:
    """Japanese and Chinese office programs keep the reading of a text beside it."""
    phonetic = '<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/></si>'.encode()
    assert cells(of_table(phonetic)) == [{"a": "東京"}]


def hidden(place: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        kinds = {"line": book.active.row_dimensions[2], "column": book.active.column_dimensions["B"]}
        kinds[place].hidden = True

    return change


@pytest.mark.parametrize(("place", "cell"), [("line", "A2"), ("column", "B1")])
def test_what_nobody_sees_on_the_sheet_gets_no_licence(place: str, cell: str) -> None:
    facts = refusal(workbook(["a", "b"], ["1", "2"], ["3", "4"], change=hidden(place)))
    assert f"no hidden {place}s" in str(facts["rule"])
    assert facts["cell"] == cell


def test_hidden_lines_and_columns_with_nothing_in_them_are_no_matter() -> None:
    def change(book: Any) -> None:
        book.active.row_dimensions[3].hidden = True
        book.active.column_dimensions["C"].hidden = True

    assert cells(workbook(["a", "b"], ["1", "2"], [], ["3", "4"], change=change)) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_a_first_sheet_that_nobody_sees_is_not_read() -> None:
    def change(book: Any) -> None:
        book.create_sheet("shown")
        book.active.sheet_state = "hidden"
        book.active = 1

    assert "first sheet that is shown" in str(refusal(workbook(["a"], ["1"], change=change))["rule"])


def test_merged_cells_are_refused_before_any_line_is_taken() -> None:
    def change(book: Any) -> None:
        book.active.merge_cells("A2:A3")

    data = workbook(["a", "b"], ["1", "2"], [None, "4"], change=change)
    rows = read_rows(data, RowForm.XLSX)
    with pytest.raises(TrustError, match="LICENCE_ROW_FILE_UNACCEPTABLE") as raised:
        next(rows)
    assert raised.value.facts == {"rule": "no merged cells: separate them and fill each", "row": 1, "cell": "A2:A3"}


def test_a_cell_that_is_too_long_is_named() -> None:
    data = workbook(["a", "b"], ["1", "字" * (limits.FIELD_CHARACTERS + 1)])
    assert refusal(data) == {"rule": f"at most {limits.FIELD_CHARACTERS} characters in a cell", "row": 1, "cell": "B2"}


@pytest.mark.parametrize("text", ["1.10105E+17", "9.14E+17", "-3E+12"])
def test_codes_that_an_office_program_took_for_numbers(text: str) -> None:
    facts = refusal(workbook(["a", "b"], ["1", "2"], ["3", text]))
    assert (facts["row"], facts["cell"]) == (2, "B3")
    with pytest.raises(TrustError, match="LICENCE_ROW_FILE_UNACCEPTABLE") as raised:
        list(read_rows(f"a,b\r\n1,2\r\n3,{text}\r\n".encode(), RowForm.CSV))
    assert raised.value.facts["row"] == 2


def test_zeros_that_the_sheet_shows_before_a_number_are_read() -> None:
    def change(book: Any) -> None:
        book.active["A2"].number_format = "000000"

    assert cells(workbook(["a", "b"], [45001, 45001], change=change)) == [{"a": "045001", "b": "45001"}]


OTHERWISE = "no numbers that are shown with other digits, a unit or a sign of money: these are cells of texts"


@pytest.mark.parametrize(
    ("number_format", "value"),
    [
        ("0%", 0.15),
        ('0.00"%";0.00%', -0.15),
        ("#,##0,", 12000),
        ('0.0,,"M"', 1_500_000),
        ('0"元"', 5),
        ("0万元", 5),
        ("0\\号", 5),
        ("¥#,##0.00", 5),
        ("[$¥-804]#,##0.00", 5),
        ('_ ¥* #,##0.00_ ;_ ¥* \\-#,##0.00_ ;_ ¥* "-"??_ ;_ @_ ', 5),
        ('_ * #,##0_ ;_ * \\-#,##0_ ;_ * "-"_ ;_ @_ ', 0),
        ("0.00E+00", 1500),
        ("# ?/?", 0.5),
        ("000-0000", 1234567),
        ("[>=10000]0.0;0", 12000),
        ("0", 1234.56),
        ("#,##0.00", 33.333333333),
        ("0000", 12.5),
        (";;;", 5),
        ('0;"负"0', -5),
        ("0;0", -5),
        ("#,##0;[Red]#,##0", -5),
        ("General;General", -5),
        ("0;+0", -5),
        ("+0", -5),
        ("-0", 5),
        ("(0)", 5),
        ("0;-0;-0", 0),
        ("[DBNum1]0", 5),
        ("[DBNum2][$-804]General", 5),
        ("[DBNum3]0", 5),
        ("[$-3000401]0", 5),
        ("[<0]0.0;0", -5),
        ("*50", 5),
        ("#", 0),
        ("#,###.##", 0),
        ("000000_ ", 45001),
        ("0#", 5),
        ("000000", -45),
    ],
)
def test_a_number_that_is_shown_otherwise_than_it_is_kept_is_refused(number_format: str, value: float) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    facts = refusal(workbook(["a", "b"], ["1", value], change=change))
    assert facts == {"rule": OTHERWISE, "row": 1, "cell": "B2"}


@pytest.mark.parametrize(
    ("number_format", "value", "text"),
    [
        ("General", 1234.56, "1234.56"),
        ("G/通用格式", 5, "5"),
        ("@", 5, "5"),
        ("0", 1234, "1234"),
        ("0.00", 1234.5, "1234.5"),
        ("#,##0", 1234567, "1234567"),
        ("#,##0.00_);[Red](#,##0.00)", -1234.5, "-1234.5"),
        ('_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', 1234.5, "1234.5"),
        ("0.00_ ", 0.1 + 0.2, "0.3"),
        ('0;"负"0', 5, "5"),
        ("0.###", 1.25, "1.25"),
        ("0;-0", -5, "-5"),
        ("0;0-", -5, "-5"),
        ("0", -5, "-5"),
        ("+0;-0", 5, "5"),
        ("General;General", 5, "5"),
        ("[$-804]0", 5, "5"),
        ("[Color12]0", 5, "5"),
        ("#.##", 0.5, "0.5"),
        ("0.00", 0, "0"),
        ("#,##0_);[Red](#,##0)", 0, "0"),
        ("000000", 45001, "045001"),
        ("000_ ", 150, "150"),
    ],
)
def test_a_number_whose_digits_are_shown_is_read(number_format: str, value: float, text: str) -> None:
    def change(book: Any) -> None:
        book.active["B2"].number_format = number_format

    assert cells(workbook(["a", "b"], ["1", value], change=change)) == [{"a": "1", "b": text}]


def test_cells_far_to_the_right_are_not_passed_over() -> None:
    data = edited(workbook(["a"], ["1"]), _SHEET, rb'(<c r="A2".*?</c>)', rb'\1<c r="XFD2" t="str"><v>x</v></c>')
    assert refusal(data)["cell"] == "XFD2"


def test_characters_that_a_sheet_writes_as_numbers_are_not_taken_for_letters() -> None:
    assert refusal(of_table(b"<si><t>1_x000D_2</t></si>")) == {
        "rule": "no control characters: type the text of the cell anew",
        "row": 1,
        "cell": "A2",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb'<row r="3"', b'<row r="2"'),
        (rb'<c r="A3"', b'<c r="A2"'),
        (rb'(<c r="A3".*?</c>)', rb"\1\1"),
    ],
)
def test_lines_and_cells_stand_in_their_place_once(old: bytes, new: bytes) -> None:
    """Else one reader takes the first and another the second, or neither."""
    assert refusal(edited(workbook(["a"], ["1"], ["2"]), _SHEET, old, new))["row"] in {1, 2}


def inflated(member: str, old: bytes, new: bytes, *, book: bytes | None = None) -> bytes:
    """A workbook in which a pattern of one part is replaced, packed as small as it gets."""
    made = io.BytesIO()
    given = io.BytesIO(edited(book or workbook(["a"], ["1"]), member, old, new))
    with zipfile.ZipFile(given) as package, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for each in package.infolist():
            out.writestr(each.filename, package.read(each))
    return made.getvalue()


def test_a_few_bytes_that_unpack_to_many_are_refused_before_they_are_read() -> None:
    data = inflated(_SHEET, rb"</sheetData>", b"<row>%s</row></sheetData>" % (b"<c/>" * 300_000))
    assert len(data) < 20_000
    assert refusal(data)["rule"] == "parts that unpack to at most 100 times their size"


CROWDED = "no more cells than a sheet of so many rows has: copy the rows into a new workbook"


@pytest.mark.parametrize(
    ("member", "old", "new", "rule"),
    [
        (_SHEET, rb"</sheetData>", b"<row>" + b"<c/>" * 101_000 + b"</row></sheetData>", CROWDED),
        (_SHEET, rb"</sheetData>", b"<row>" + b"<x>" * 101_000, CROWDED),
        (_SHEET, rb"<sheetData>", b"<sheetData>" + b"<x/>" * 101_000, CROWDED),
        ("xl/sharedStrings.xml", rb"</si>", b"<r/>" * 101_000 + b"</si>", CROWDED),
        ("xl/styles.xml", rb"</cellXfs>", b"<xf/>" * 501_000 + b"</cellXfs>", "names and formats of a usual size: copy the rows into a new workbook"),
        (_BOOK, rb"<bookViews>", b" " * (8 * 1024 * 1024) + b"<bookViews>", "names and formats of a usual size: copy the rows into a new workbook"),
    ],
)  # fmt: skip
def test_no_part_of_a_workbook_fills_the_memory(monkeypatch: pytest.MonkeyPatch, member: str, old: bytes, new: bytes, rule: str) -> None:
    monkeypatch.setattr(limits, "XLSX_RATIO", 2000)  # another file says the same with more bytes
    book = of_table(b"<si><t>1</t></si>") if member == "xl/sharedStrings.xml" else None
    assert refusal(inflated(member, old, new, book=book))["rule"] == rule


def test_all_cells_of_a_sheet_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(["a"], *[["1"]] * 30)
    monkeypatch.setattr(limits, "XLSX_ELEMENTS", 100)
    assert refusal(data)["rule"] == CROWDED
    monkeypatch.setattr(limits, "XLSX_ELEMENTS", 200)
    assert len(cells(data)) == 30


def test_a_sheet_whose_lines_have_formats_in_every_column_is_read() -> None:
    styled = b"".join(b'<c r="%s2" s="0"/>' % openpyxl.utils.get_column_letter(column).encode() for column in range(2, 16_385))
    data = inflated(_SHEET, rb'(<c r="A2".*?</c>)', rb"\1" + styled)
    assert cells(data) == [{"a": "1"}]


def test_texts_of_a_table_are_read_with_their_place() -> None:
    assert cells(of_table(b"<si><t>one</t></si><si><t>two</t></si>")) == [{"a": "one"}]
