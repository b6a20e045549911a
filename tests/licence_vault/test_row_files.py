"""Rows of a batch from CSV, XLSX and JSON: the same rows whatever the form, and hostile files refused by name."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licence_vault import limits, row_files
from licence_vault.actions.batch_orders import holder_codes_of, order_of_row
from licence_vault.model import Holder
from licence_vault.row_files import Row, RowForm, read_rows
from licence_vault.type_rules.read_definition import definition_of
from standards.errors import TrustError
from tests.costs import at_most, at_most_memory
from tests.licence_vault.type_files import TYPE, type_file

CELLS = {
    "持证主体": "张三（示例）",
    "持证主体代码": "11010519491231002X",
    "持证主体代码类型": "公民身份号码",
    "valid_from": "20261128",
    "valid_to": "长期",
    "地址": "示例路1号",
    "KZ_seats": "12",
}


def workbook(*lines: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in lines:
        book.active.append(line)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def csv_of(*lines: list[str]) -> bytes:
    return "\r\n".join(",".join(line) for line in lines).encode()


def test_three_forms_and_one_order() -> None:
    names, cells = list(CELLS), list(CELLS.values())
    value = {
        "holders": [{"name": "张三（示例）", "code": "11010519491231002X", "code_type": "111"}],
        "fields": {"KZ_address": "示例路1号", "KZ_seats": "12"},
        "valid_from": "2026-11-28",
        "valid_to": None,
    }
    files = {
        RowForm.CSV: csv_of(names, cells, ["", ""]),
        RowForm.XLSX: workbook(names, [datetime(2026, 11, 28) if name == "valid_from" else cell for name, cell in CELLS.items()], []),
        RowForm.JSON: json.dumps([value], indent=1).encode(),
    }
    definition = definition_of(type_file())
    orders = []
    for form, data in files.items():
        [row] = read_rows(data, form)
        assert row.number == 1
        orders.append(order_of_row(definition, "11430000006122244L", ("pdf",), row.cells))
    assert orders[0] == orders[1] == orders[2]
    assert orders[0].type_code == TYPE
    assert orders[0].holders == (Holder("张三（示例）", "11010519491231002X", "111"),)
    assert (orders[0].valid_from, orders[0].valid_to) == (date(2026, 11, 28), None)
    assert orders[0].fields == {"KZ_address": "示例路1号", "KZ_seats": "12"}


@pytest.mark.parametrize(
    "names", [("holder_name_2", "holder_code_2", "holder_code_type_2"), ("持证主体_2", "持证主体代码_2", "持证主体代码类型_2")]
)
def test_further_holders_and_texts(names: tuple[str, str, str]) -> None:
    row = CELLS | {
        **dict(zip(names, ("示例公司", "A1", "099"), strict=True)),
        "number": "示1",
        "name": "示例许可证（副本）",
        "area_code": "150702",
        "issued_on": "2026-11-01",
    }
    order = order_of_row(definition_of(type_file()), "11430000006122244L", ("ofd",), row)
    assert [holder.code for holder in order.holders] == ["11010519491231002X", "A1"]
    assert (order.number, order.issued_on, order.forms) == ("示1", date(2026, 11, 1), ("ofd",))
    assert (order.name, order.area_code) == ("示例许可证（副本）", "150702")
    assert order_of_row(definition_of(type_file()), "11430000006122244L", ("ofd",), dict(reversed(row.items()))) == order
    assert holder_codes_of(dict(reversed(row.items()))) == [("111", "11010519491231002X"), ("099", "A1")], (
        "by their numbers, as in the order"
    )


def test_whose_a_row_is_is_read_whatever_else_is_wrong_with_it() -> None:
    assert holder_codes_of({"holder_code_2": "A1", "holder_code_type": "公民身份号码", "持证主体代码类型": "099", "颜色": "红"}) == [
        ("111", ""),
        ("", "A1"),
    ]
    assert holder_codes_of({"颜色": "红"}) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"颜色": "红"}, "column 8"),
        ({"valid_from": "昨天"}, "valid_from"),
        ({"valid_from": "2026-02-30"}, "valid_from"),
        ({"valid_from": "长期"}, "valid_from"),
        ({"valid_from": None}, "valid_from"),
        ({"valid_to": None}, "valid_to"),
        ({"持证主体": None}, "holder_name"),
        ({"holder_name_2": "x"}, "holder_code_2"),
        ({"holder_name_99": "x"}, "column 8"),
        ({"持证主体_2": "x"}, "holder_code_2"),
        ({"holder_name_32": "x"}, "holder_code_32"),
        ({"持证主体_32": "x"}, "holder_code_32"),
        ({"holder_name_33": "x"}, "column 8"),
        ({"持证主体_33": "x"}, "column 8"),
        ({"holder_name_1": "x"}, "column 8"),
        ({"持证主体_1": "x"}, "column 8"),
        ({"持证主体_2": "x", "holder_name_2": "x"}, "holder_name_2"),
        ({"持证主体_99": "x"}, "column 8"),
        ({"issued_on": "长期"}, "issued_on"),
        ({"holder_name": "李四（示例）"}, "holder_name"),
        ({"有效期截止日期": "2027-11-27"}, "valid_to"),
        ({"KZ_address": "示例路2号"}, "KZ_address"),
        ({"number": "示1", "证照编号": "示2"}, "number"),
    ],
)
def test_a_row_that_cannot_be_read_names_its_column(changes: dict[str, str | None], place: str) -> None:
    cells = {name: cell for name, cell in (CELLS | changes).items() if cell is not None}
    with pytest.raises(TrustError) as raised:
        order_of_row(definition_of(type_file()), "11430000006122244L", ("pdf",), cells, columns=tuple(cells))
    assert (raised.value.code, raised.value.facts["place"]) == ("LICENCE_CONTENT_UNACCEPTABLE", place)


def test_a_name_that_two_items_share_names_neither() -> None:
    whole = type_file()
    whole["items"] += [{"key": "KZ_other", "block": "basic", "name": "地址", "kind": "text"}]
    with pytest.raises(TrustError) as raised:
        order_of_row(definition_of(whole), "11430000006122244L", ("pdf",), CELLS, columns=tuple(CELLS))
    assert raised.value.facts["place"] == "column 6"


def test_json_with_the_mark_that_some_programs_put_before_it() -> None:
    [row] = read_rows('[{"name": "示"}]'.encode("utf-8-sig"), RowForm.JSON)
    assert row.cells == {"name": "示"}


@pytest.mark.parametrize("form", list(RowForm))
def test_what_a_file_without_names_says_is_not_repeated(form: RowForm) -> None:
    """Its first row stands where the names should: they are somebody's, and go into no answer and no report."""
    said, more = ["张三（示例）", "11010519491231002X"], ["李四（示例）", "110105194912310038"]
    files = {
        RowForm.CSV: csv_of(said, more),
        RowForm.XLSX: workbook(said, more),
        RowForm.JSON: json.dumps([dict(zip(said, more, strict=True))]).encode(),
    }
    [row] = read_rows(files[form], form)
    for columns, place in ((row.columns, "column 1"), ((), "column")):
        with pytest.raises(TrustError) as raised:
            order_of_row(definition_of(type_file()), "11430000006122244L", ("pdf",), row.cells, columns=columns)
        assert raised.value.facts == {"place": place, "rule": "not a column of this type", "broken": 1}


def test_csv_of_office_programs() -> None:
    text = "持证主体,地址\r\n张三,示例路\r\n"
    for data in (text.encode("gb18030"), text.encode("utf-8-sig")):
        assert list(read_rows(data, RowForm.CSV)) == [Row(1, {"持证主体": "张三", "地址": "示例路"})]


def test_numbers_of_a_workbook_are_written_as_people_write_them() -> None:
    [row] = read_rows(workbook(["a", "b", "c", "d"], [12.0, 1.5, 7, date(2026, 1, 2)]), RowForm.XLSX)
    assert row.cells == {"a": "12", "b": "1.5", "c": "7", "d": "2026-01-02"}


def formatted(value: float, number: int) -> bytes:
    """A workbook with one cell under a built-in number format, as it is written by programs that take it for known."""
    old = io.BytesIO(workbook(["a"], [value]))
    new = io.BytesIO()
    with zipfile.ZipFile(old) as package, zipfile.ZipFile(new, "w") as changed:
        for member in package.namelist():
            text = package.read(member)
            if member == "xl/worksheets/sheet1.xml":
                text = text.replace(b'<c r="A2" t="n"', b'<c r="A2" s="1" t="n"')
            if member == "xl/styles.xml":
                text = re.sub(
                    rb"<cellXfs.*</cellXfs>",
                    f'<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="{number}" applyNumberFormat="1"/></cellXfs>'.encode(),
                    text,
                    flags=re.DOTALL,
                )
            changed.writestr(member, text)
    return new.getvalue()


@pytest.mark.parametrize("number", [14, 30, 31])
def test_days_as_chinese_office_programs_show_them(number: int) -> None:
    [row] = read_rows(formatted(46356, number), RowForm.XLSX)
    assert row.cells == {"a": "2026-11-30"}


@pytest.mark.parametrize("number", [16, 17, 27, 28, 29, *range(32, 37), *range(50, 59)])
def test_a_day_of_which_two_parts_are_shown_is_not_taken_for_the_whole(number: int) -> None:
    """Chinese office programs make 3月1日 of a house number 3-1, and keep the first of March of this year."""
    with pytest.raises(TrustError, match="of which a part alone is shown") as raised:
        list(read_rows(formatted(46356, number), RowForm.XLSX))
    assert raised.value.facts["cell"] == "A2"


@pytest.mark.parametrize("shown_as", ["0%", "0.00%", '[Red]0.0%;"about" -0%'])
def test_a_percentage_is_not_what_stands_in_its_cell(shown_as: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(["a", "b"], ["x", 0.15])))
    assert book.active is not None
    book.active["B2"].number_format = shown_as
    written = io.BytesIO()
    book.save(written)
    with pytest.raises(TrustError) as raised:
        list(read_rows(written.getvalue(), RowForm.XLSX))
    assert (raised.value.facts["cell"], "other digits" in str(raised.value.facts["rule"])) == ("B2", True)


def test_a_percent_sign_that_is_only_written_beside_a_number_is_not_left_out() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(["a", "b"], ["x", 15])))
    assert book.active is not None
    book.active["B2"].number_format = '0"%"'
    written = io.BytesIO()
    book.save(written)
    with pytest.raises(TrustError) as raised:
        list(read_rows(written.getvalue(), RowForm.XLSX))
    assert raised.value.facts["cell"] == "B2"


def test_a_time_beside_a_day_is_not_passed_over() -> None:
    with pytest.raises(TrustError, match="of which a part alone is shown"):
        list(read_rows(formatted(46356.5, 14), RowForm.XLSX))
    [row] = read_rows(workbook(["a"], [datetime(2026, 1, 2, 12)]), RowForm.XLSX)
    assert row.cells == {"a": "2026-01-02T12:00:00"}


def test_numbers_are_read_with_the_digits_that_are_shown() -> None:
    [row] = read_rows(workbook(["a", "b", "c"], [0.1 + 0.2, 0.00001, 123456789012345]), RowForm.XLSX)
    assert row.cells == {"a": "0.3", "b": "0.00001", "c": "123456789012345"}


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ([110105194912310000], "digits"),  # typed as 110105194912310021: the program has lost the end of it
        ([1.10105194912310e17], "digits"),
        ([-(10**15)], "digits"),
        (["#N/A"], "formulas"),
        (["#REF!"], "formulas"),
        (["x", "y"], "first line"),
    ],
)
def test_what_a_workbook_has_lost_or_nobody_named_is_refused(cells: list[Any], rule: str) -> None:
    with pytest.raises(TrustError, match="LICENCE_ROW_FILE_UNACCEPTABLE") as raised:
        list(read_rows(workbook(["a"], ["good"], cells), RowForm.XLSX))
    assert rule in str(raised.value.facts["rule"])
    assert raised.value.facts["row"] == 2


BOMB = io.BytesIO()
with zipfile.ZipFile(BOMB, "w", zipfile.ZIP_DEFLATED) as _package:
    for _number in range(limits.XLSX_MEMBERS + 1):
        _package.writestr(f"{_number}", b"")


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", RowForm.CSV),
        (b"a,b\r\n", RowForm.CSV),
        (b"a,a\r\n1,2\r\n", RowForm.CSV),
        (b"a,,b\r\n1,2,3\r\n", RowForm.CSV),
        (b"a\r\n1,2\r\n", RowForm.CSV),
        (b'a\r\n"1\r\n', RowForm.CSV),
        (b'a\r\n"1"x\r\n', RowForm.CSV),
        (b"a\r\n\xff\xff\xff\r\n", RowForm.CSV),
        (b"a\r\n" + b"x" * 200_000, RowForm.CSV),
        (b"a\r\n" + b"x" * (limits.FIELD_CHARACTERS + 1), RowForm.CSV),
        (",".join(f"c{n}" for n in range(limits.ROW_CELLS + 1)).encode() + b"\r\n", RowForm.CSV),
        (b"PK", RowForm.XLSX),
        (BOMB.getvalue(), RowForm.XLSX),
        (workbook(["a"]), RowForm.XLSX),
        (workbook(), RowForm.XLSX),
        (workbook(["a"], [1])[:-40], RowForm.XLSX),
        (b"\xff", RowForm.JSON),
        (b"{}", RowForm.JSON),
        (b"[]", RowForm.JSON),
        (b"[", RowForm.JSON),
        (b"[{}", RowForm.JSON),
        (b'[{"a":"1"} {"a":"1"}]', RowForm.JSON),
        (b'[{"a":"1"}] x', RowForm.JSON),
        (b"[1]", RowForm.JSON),
        (b"[" * 100_000, RowForm.JSON),
        (b'[{"a":1}]', RowForm.JSON),
        (b'[{"holders":{}}]', RowForm.JSON),
        (b'[{"holders":[{"name":"x"}]}]', RowForm.JSON),
        (b'[{"fields":{"a":"1"},"a":"2"}]', RowForm.JSON),
        (b'[{"fields":{"a":"1","a":"2"}}]', RowForm.JSON),
        (b'[{"a":"1"},{"a":"1","\\u0061":"2"}]', RowForm.JSON),
        (b'[{"a":"\\ud800"}]', RowForm.JSON),
        (b'[{"a":NaN}]', RowForm.JSON),
    ],
)
def test_hostile_files_are_refused(data: bytes, form: RowForm) -> None:
    with pytest.raises(TrustError) as raised:
        list(read_rows(data, form))
    assert raised.value.code == "LICENCE_ROW_FILE_UNACCEPTABLE"


@given(st.binary(max_size=300), st.sampled_from(RowForm))
def test_any_file_is_read_or_refused(data: bytes, form: RowForm) -> None:
    try:
        list(read_rows(data, form))
    except TrustError as error:
        assert error.code == "LICENCE_ROW_FILE_UNACCEPTABLE"


ROWS = st.lists(st.dictionaries(st.sampled_from(["name", "名称", "ᠨᠡᠷ"]), st.text(max_size=8), min_size=1), min_size=1, max_size=6)


@given(ROWS, st.integers(1, 40), st.booleans())
def test_json_is_read_alike_in_pieces_of_any_size(rows: list[dict[str, str]], size: int, has_mark: bool) -> None:
    whole = json.dumps(rows, ensure_ascii=False, indent=1).encode("utf-8-sig" if has_mark else "utf-8")
    wanted = [cells for each in rows if (cells := {name: cell for name, cell in each.items() if cell})]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(row_files, "_PIECE_BYTES", size)
        try:
            assert [row.cells for row in read_rows(whole, RowForm.JSON)] == wanted
        except TrustError as error:
            assert (error.facts["rule"], wanted) == ("a row at least", [])


@given(st.binary(max_size=200), st.integers(1, 7))
def test_utf_8_is_told_alike_in_pieces_of_any_size(data: bytes, size: int) -> None:
    try:
        data.decode()
        is_text = True
    except UnicodeDecodeError:
        is_text = False
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(row_files, "_PIECE_BYTES", size)
        assert row_files._is_utf_8(data) is is_text


LONG = "一格说明文字，用来让文件足够大" * 10


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_large_file_of_lines_is_never_in_memory_as_a_text(encoding: str) -> None:
    data = ("名称,说明\n" + f"示例,{LONG}\n" * 60_000).encode(encoding)
    with at_most_memory(4):
        assert sum(1 for _ in read_rows(data, RowForm.CSV)) == 60_000


def test_a_large_file_of_objects_is_never_in_memory_as_a_text() -> None:
    row = json.dumps({"名称": "示例", "说明": LONG}, ensure_ascii=False)
    data = ("[" + f"{row},\n" * 59_999 + row + "]").encode()
    with at_most_memory(4):
        assert sum(1 for _ in read_rows(data, RowForm.JSON)) == 60_000


def test_a_row_without_end_is_not_read_to_the_end_of_its_file() -> None:
    data = b'[{"a":"' + b"x" * 60_000_000
    with at_most(2), at_most_memory(80), pytest.raises(TrustError) as raised:
        list(read_rows(data, RowForm.JSON))
    assert raised.value.facts == {"rule": "JSON", "row": 1}


def test_as_many_rows_as_may_and_none_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_ROWS", 3)
    rows = read_rows(b"a\r\n" + b"1\r\n" * 4, RowForm.CSV)
    assert [next(rows).number for _ in range(3)] == [1, 2, 3]
    with pytest.raises(TrustError) as raised:
        next(rows)
    assert raised.value.facts["row"] == 4


def test_a_row_that_says_it_is_the_last_of_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader gives every row that is missing before it: a file of five kilobytes would keep it busy for ever."""
    monkeypatch.setattr(limits, "XLSX_LINES", 1000)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(["a"], ["1"]))) as given, zipfile.ZipFile(made, "w") as out:
        for member in given.infolist():
            data = given.read(member)
            if member.filename.endswith("sheet1.xml"):
                data = re.sub(rb"<dimension[^>]*>", b"", data).replace(b'<row r="2"', b'<row r="99999999999"').replace(b'r="A2"', b"")
            out.writestr(member, data)
    with pytest.raises(TrustError) as refused:
        list(read_rows(made.getvalue(), RowForm.XLSX))
    assert (refused.value.code, refused.value.facts["row"]) == ("LICENCE_ROW_FILE_UNACCEPTABLE", 1001)
