"""Archives with files of older licences: which files there are, what is wrong with which, and what no archive may be."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licence_vault import limits, rule_messages  # noqa: F401 - importing it enters the texts
from licence_vault.import_archives import FileArchive, is_packed_otherwise
from service_kit.rule_texts import rule_in
from standards.errors import TrustError
from tests.licence_vault.test_row_files import csv_of, workbook
from tests.standards.gbt33190_ofd.archives import Entry, archive, central_record, local_record, pack, unicode_path
from tests.standards.gbt33190_ofd.parts import plain_files

if TYPE_CHECKING:
    from collections.abc import Callable

PDF = b"%PDF-1.4 old"
OFD = pack(plain_files())
PACKED_ANEW = "in an archive whose records agree: pack it anew with a common program"
PATH = "a path within the archive, without a drive or / before it and without .."
STEPS = "a path of ordinary steps, not too long, without control characters"
OWN_NAME = "a name of its own, in other letters and another encoding too"
SEEN_BY_ALL = "nothing but its entries, each seen by every reader: pack it anew with a common program"
HEAD = ["number", "file"]


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    """Code and rule; people who read Chinese are told the rule in Chinese."""
    with pytest.raises(TrustError) as raised:
        act()
    rule = str(raised.value.facts["rule"])
    assert rule_in("zh", rule) != rule
    return raised.value.code, rule


def of_the_whole(data: bytes) -> str:
    """Why an archive is refused as a whole."""
    code, rule = refusal(lambda: FileArchive(data).read_index())
    assert code == "LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE"
    return rule


def of_the_file(data: bytes, path: str) -> str:
    """Why one file of an archive is refused; the others are read."""
    opened = FileArchive(data)
    code, rule = refusal(lambda: opened.read(path))
    assert code == "LICENCE_IMPORT_FILE_UNACCEPTABLE"
    assert [opened.read(each) for each in opened.paths if each.endswith("good.pdf")] == [PDF]
    return rule


def beside(entry: Entry) -> bytes:
    return archive([entry, Entry("good.pdf", PDF)])


def test_the_files_are_those_that_somebody_means() -> None:
    """Folders and what systems leave in them are none; no index is one either."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.mkdir("旧证")
        for name in (
            "旧证/一.pdf",
            "旧证/.DS_Store",
            "__MACOSX/旧证/._一.pdf",
            "__MACOSX/files.csv",
            "Thumbs.db",
            "旧证/files.csv",
            "二.ofd",
        ):
            packed.writestr(name, csv_of(HEAD, ["1", "一.pdf"]) if name.endswith("csv") else PDF)
    opened = FileArchive(made.getvalue())
    assert opened.paths == ("旧证/一.pdf", "二.ofd")
    assert opened.read_index() == [("1", "旧证/一.pdf")], "from where the index lies"
    assert FileArchive(pack({"a.pdf": PDF})).read_index() is None


@pytest.mark.parametrize(
    ("raw", "flags"),
    [("旧证/示字〔2019〕1号.pdf".encode("gbk"), 0), ("旧证/示字〔2019〕1号.pdf".encode(), 0), ("旧证/示字〔2019〕1号.pdf".encode(), 0x800)],
    ids=["GBK as Windows writes it", "UTF-8 that nobody states", "UTF-8"],
)
def test_names_are_read_as_they_are_written(raw: bytes, flags: int) -> None:
    opened = FileArchive(archive([Entry(raw, PDF, flags=flags), Entry("files.csv", csv_of(HEAD, ["1", "旧证\\示字〔2019〕1号.PDF"]))]))
    assert opened.paths == ("旧证/示字〔2019〕1号.pdf",)
    assert opened.read_index() == [("1", "旧证/示字〔2019〕1号.pdf")]
    assert opened.read("旧证/示字〔2019〕1号.pdf") == PDF


def test_a_name_that_is_there_in_two_encodings() -> None:
    raw = "示.pdf".encode("gbk")
    field = unicode_path(raw, "示.pdf")
    assert FileArchive(archive([Entry(raw, PDF, extra=field, local_extra=field)])).read("示.pdf") == PDF
    other = unicode_path(raw, "别.pdf")
    assert of_the_file(beside(Entry(raw, PDF, extra=other, local_extra=other)), "示.pdf") == PACKED_ANEW


@pytest.mark.parametrize(
    ("entry", "path", "rule"),
    [
        (Entry("a.pdf", PDF, flags=1), "a.pdf", "not encrypted"),
        (Entry("a.pdf", PDF, flags=0x41), "a.pdf", "not encrypted"),
        (Entry("a.pdf", PDF, method=14, packed=b"lzma"), "a.pdf", "stored or deflated"),
        (Entry("a.pdf", PDF, checksum=1), "a.pdf", "undamaged"),
        (Entry("a.pdf", PDF, packed=b"\xff" * 9), "a.pdf", "undamaged"),
        (Entry("a.pdf", PDF, unpacked_bytes=5), "a.pdf", "undamaged"),
        (Entry("a.pdf", PDF, local_name=b"b.pdf"), "a.pdf", PACKED_ANEW),
        (Entry("a.pdf", PDF, local_sizes=(1, 2, 3)), "a.pdf", PACKED_ANEW),
        (Entry("/etc/a.pdf", PDF), "/etc/a.pdf", PATH),
        (Entry("C:/a.pdf", PDF), "C:/a.pdf", PATH),
        (Entry("../../a.pdf", PDF), "../../a.pdf", PATH),
        (Entry("x/../a.pdf", PDF), "x/../a.pdf", PATH),
        (Entry("x\\a.pdf", PDF), "x\\a.pdf", "a path whose folders end with /, not with a backslash"),
        (Entry("x//a.pdf", PDF), "x//a.pdf", STEPS),
        (Entry("a\n.pdf", PDF), "a\n.pdf", STEPS),
        (Entry("x/" * 40 + "a.pdf", PDF), "x/" * 40 + "a.pdf", STEPS),
        (Entry("a.pdf", b"/etc/passwd", made_by=3 << 8, attributes=0o120777 << 16), "a.pdf", "an ordinary file, no link"),
        (Entry("a.pdf", bytes(limits.IMPORT_FILE_BYTES + 1), method=0), "a.pdf", f"at most {limits.IMPORT_FILE_BYTES} bytes"),
        (Entry("a.pdf", bytes(12 * 1024 * 1024)), "a.pdf", "unpacked at most 250 times its size"),
    ],
)
def test_what_is_wrong_with_one_file_holds_up_no_other(entry: Entry, path: str, rule: str) -> None:
    assert of_the_file(beside(entry), path) == rule


def test_of_two_files_of_one_name_neither_is_the_one() -> None:
    for other in ("a.pdf", "A.pdf"):
        doubled = archive([Entry("a.pdf", PDF), Entry(other, b"%PDF other"), Entry("good.pdf", PDF)])
        assert {of_the_file(doubled, path) for path in {"a.pdf", other}} == {OWN_NAME}
    assert len(FileArchive(archive([Entry("a.pdf", PDF), Entry("a.pdf", PDF)])).paths) == 1


def test_entries_that_share_their_bytes_are_not_unpacked_again_and_again() -> None:
    """As bombs do that unpack little to very much."""
    inner, good = Entry("a.pdf", PDF), Entry("good.pdf", PDF)
    outer = Entry("outer.pdf", local_record(inner), method=0)
    entries = local_record(outer) + local_record(good)
    places = (0, len(local_record(outer)), len(local_record(outer)) - len(local_record(inner)))
    directory = b"".join(central_record(each, place) for each, place in zip((outer, good, inner), places, strict=True))
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 3, 3, len(directory), len(entries), 0)
    assert of_the_file(entries + directory + end, "a.pdf") == PACKED_ANEW
    assert of_the_whole(archive([good, Entry("a.pdf", PDF, offset=0)])) == SEEN_BY_ALL, "its own bytes are another entry's"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "a whole ZIP archive"),
        (PDF, "a whole ZIP archive"),
        (b"Rar!\x1a\x07\x01\x00", "a whole ZIP archive"),
        (pack({"a.pdf": PDF})[:-9], "a whole ZIP archive"),
        (archive([Entry("a.pdf", PDF)], end={"count": 2, "on_disk": 2}), "a whole ZIP archive"),
        (archive([Entry("a.pdf", PDF)], end={"disk": 1}), "a whole ZIP archive"),
        (OFD, "an archive of files, no OFD document itself: that is attached to its licence by itself"),
        (archive([]), "a file at least"),
        (pack({"__MACOSX/a": b"", "files.csv": csv_of(HEAD, ["1", "a.pdf"])}), "a file at least"),
        (archive([Entry("a.pdf", PDF)], prefix=b"MZ self-extracting"), SEEN_BY_ALL),
        (archive([Entry("a.pdf", PDF)], prefix=pack({"b.pdf": PDF})), SEEN_BY_ALL),
        (pack({"a.pdf": PDF}) + b"behind", SEEN_BY_ALL),
        (pack({"a.pdf": PDF, "files.csv": csv_of(HEAD, ["1", "a"]), "x/files.xlsx": b""}), "one index, files.csv or files.xlsx"),
        (archive([Entry("a.pdf", PDF), Entry("files.csv", csv_of(HEAD, ["1", "a"]), checksum=1)]), "undamaged"),
        (archive([Entry("a.pdf", PDF), Entry("files.csv", csv_of(HEAD, ["1", "a"]), flags=1)]), "not encrypted"),
        (
            pack({"a.pdf": PDF, "files.csv": bytes(limits.IMPORT_INDEX_BYTES + 1)}),
            f"an index of at most {limits.IMPORT_INDEX_BYTES} bytes",
        ),
    ],
)
def test_what_no_archive_is(data: bytes, rule: str) -> None:
    assert of_the_whole(data) == rule


def test_a_comment_and_padding_behind_an_archive_are_no_matter() -> None:
    for data in (archive([Entry("a.pdf", PDF)], comment=b"packed by hand"), pack({"a.pdf": PDF}) + bytes(512)):
        assert FileArchive(data).read("a.pdf") == PDF


def test_how_much_an_archive_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    three = pack({f"{number}.pdf": PDF for number in range(3)} | {"__MACOSX/1": b""})
    for name, value, rule in (
        ("IMPORT_ARCHIVE_ENTRIES", 4, "at most {} entries"),
        ("IMPORT_ARCHIVE_FILES", 3, "at most {} files"),
        ("IMPORT_ARCHIVE_UNPACKED_BYTES", 3 * len(PDF), "at most {} bytes unpacked"),
    ):
        with monkeypatch.context() as lower:
            lower.setattr(limits, name, value)
            assert len(FileArchive(three).paths) == 3
            lower.setattr(limits, name, value - 1)
            assert of_the_whole(three) == rule.format(value - 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("files.csv", csv_of(["证照编号", "文件", "备注"], ["旧1", "a.pdf", "x"], ["旧2", "没有.pdf", ""])),
        ("Files.CSV", b"\xef\xbb\xbf" + csv_of(HEAD, ["旧1", "a.pdf"], ["旧2", "没有.pdf"])),
        ("files.csv", "证照编号,文件\n旧1,a.pdf\n旧2,没有.pdf\n".encode("gb18030")),
        ("files.xlsx", workbook(["证照编号", "文件"], ["旧1", "a.pdf"], ["旧2", "没有.pdf"])),
    ],
)
def test_an_index_in_every_form_of_row_files(name: str, content: bytes) -> None:
    assert FileArchive(pack({"a.pdf": PDF, name: content})).read_index() == [("旧1", "a.pdf"), ("旧2", "没有.pdf")]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (csv_of(["number", "path"], ["旧1", "a.pdf"]), "number and file in every row"),
        (csv_of(HEAD, ["旧1", ""]), "number and file in every row"),
        (csv_of(HEAD, ["1.1E+17", "a.pdf"]), None),
        (csv_of(HEAD), "a row at least"),
        (b"\xff\xff\xff", "CSV in UTF-8 or GB 18030"),
        (csv_of(HEAD, *[[str(number), "a.pdf"] for number in range(3)]), "at most 2 rows"),
    ],
)
def test_an_index_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, content: bytes, rule: str | None) -> None:
    monkeypatch.setattr(limits, "IMPORT_ARCHIVE_FILES", 2)
    code, found = refusal(FileArchive(pack({"a.pdf": PDF, "files.csv": content})).read_index)
    assert code == "LICENCE_ROW_FILE_UNACCEPTABLE"
    assert rule in {found, None}


def test_an_archive_in_an_archive_is_no_ofd_document() -> None:
    assert is_packed_otherwise(pack({"a.pdf": PDF}))
    assert not any(is_packed_otherwise(each) for each in (OFD, PDF, OFD[:-9], b"PK\x03\x04", b""))


def test_one_file_at_a_time_is_in_memory() -> None:
    size, count = 2 * 1024 * 1024, 24
    opened = FileArchive(archive([Entry(f"{number}.pdf", bytes([number]) * size) for number in range(count)]))
    tracemalloc.start()
    try:
        assert sum(len(opened.read(path)) for path in opened.paths) == count * size
        assert tracemalloc.get_traced_memory()[1] < 5 * size
    finally:
        tracemalloc.stop()


HONEST = archive(
    [
        Entry("旧证/示字1号.pdf".encode("gbk"), PDF * 9),
        Entry("b.ofd", OFD, flags=0x800),
        Entry("c.pdf", PDF, method=0),
        Entry("files.csv", csv_of(HEAD, ["1", "b.ofd"], ["2", "c.pdf"])),
    ]
)


@given(
    st.lists(st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 255)), max_size=6),
    st.sampled_from([0, 0, 0, 1, 22, 46, 100]),
    st.binary(max_size=30),
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_read_or_refused(changes: list[tuple[int, int]], cut: int, behind: bytes) -> None:
    data = bytearray(HONEST[: len(HONEST) - cut] + behind)
    for place, value in changes:
        data[place % len(data)] = value
    try:
        opened = FileArchive(bytes(data))
        rows = opened.read_index() or []
    except TrustError as error:
        assert error.code in {"LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE", "LICENCE_ROW_FILE_UNACCEPTABLE"}
        return
    for text in (*opened.paths, *(each for row in rows for each in row)):
        text.encode()  # it can be told and looked for
    for path in opened.paths:
        try:
            assert len(opened.read(path)) <= limits.IMPORT_FILE_BYTES
        except TrustError as error:
            assert error.code == "LICENCE_IMPORT_FILE_UNACCEPTABLE"


@given(st.binary(min_size=1, max_size=40), st.sampled_from([0, 0x800]))
@settings(max_examples=200, deadline=None)
def test_a_name_of_any_bytes_can_be_told(raw: bytes, flags: int) -> None:
    try:
        opened = FileArchive(archive([Entry(raw, PDF, flags=flags), Entry("good.pdf", PDF)]))
    except TrustError as error:
        assert error.code == "LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE"
        return
    assert all(path.encode() for path in opened.paths)
