"""The package: what is read, and every way in which an archive can lie."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gbt33190_ofd import container as container_module
from standards.gbt33190_ofd import limits, zip_records
from standards.gbt33190_ofd.container import Container
from tests.standards.gbt33190_ofd.archives import (
    FULL,
    UNIX,
    Entry,
    archive,
    deflate,
    extra_field,
    local_record,
    pack,
    unicode_path,
)

HONEST = [
    Entry("OFD.xml", b"<a/>"),
    Entry("Doc_0/Document.xml", b"text" * 50),
    Entry("Doc_0/Res/图.png", b"\x89PNG", method=0, flags=0x800),
]

TEXT = Entry("a", b"text")


def findings(data: bytes) -> set[tuple[str, str, str]]:
    return {(found.code, found.path, found.reason) for found in Container(data).irregularities}


def refusal(data: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        Container(data)
    assert caught.value.code == "OFD_ZIP_MALFORMED"
    return str(caught.value.facts["reason"])


def read_refusal(entry: Entry, most: int = 1 << 20) -> str:
    container = Container(archive([entry]))
    with pytest.raises(MalformedError) as caught:
        container.read(entry.raw_name.decode(), most)
    assert caught.value.code == "OFD_ENTRY_UNREADABLE"
    assert caught.value.facts["path"] == entry.raw_name.decode()
    return str(caught.value.facts["reason"])


@pytest.mark.clause("GB/T 33190-2016 7.2")
def test_an_honest_package_reads_as_it_is() -> None:
    container = Container(archive(HONEST))
    assert list(container.members) == ["OFD.xml", "Doc_0/Document.xml", "Doc_0/Res/图.png"]
    assert container.irregularities == []
    assert container.read("OFD.xml", 10) == b"<a/>"
    assert b"".join(container.chunks("Doc_0/Document.xml")) == b"text" * 50
    assert container.read("Doc_0/Res/图.png", 10) == b"\x89PNG"
    assert "OFD.xml" in container
    assert "ofd.xml" not in container
    assert container.name_like("ofd.XML") == "OFD.xml"
    assert container.name_like("other") is None
    assert container.members["Doc_0/Document.xml"].size == 200


def test_what_the_interpreter_writes_is_read() -> None:
    """An independent writer: plain, with descriptors, with 64-bit fields, stored and deflated, with folders."""
    for is_large in (False, True):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("Doc_0/", b"")
            with made.open("OFD.xml", "w", force_zip64=is_large) as entry:
                entry.write(b"<OFD/>" * 100)
            made.writestr("图.txt", b"a", compress_type=zipfile.ZIP_STORED)
        container = Container(buffer.getvalue())
        assert container.irregularities == []
        assert container.read("OFD.xml", 1000) == b"<OFD/>" * 100
        assert container.read("图.txt", 1000) == b"a"

    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("OFD.xml", b"<OFD/>")
    container = Container(stream.getvalue())
    assert container.irregularities == []
    assert container.read("OFD.xml", 100) == b"<OFD/>"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/OFD.xml", "absolute"),
        ("C:/OFD.xml", "absolute"),
        ("", "absolute"),
        ("../OFD.xml", "parent-folder"),
        ("Doc_0/../../etc/passwd", "parent-folder"),
        ("Doc_0\\OFD.xml", "backslash"),
        ("Doc_0//OFD.xml", "empty-step"),
        ("./OFD.xml", "empty-step"),
        ("OFD\x00.xml", "control-character"),
        ("OFD\x7f.xml", "control-character"),
        ("a" * 1025, "too-long"),
        ("a/" * 32 + "b", "too-long"),
    ],
)
def test_zip_slip_and_other_unsafe_names_give_no_member(name: str, reason: str) -> None:
    container = Container(archive([Entry(name, b"x"), HONEST[0]]))
    assert [(found.code, found.reason) for found in container.irregularities] == [("BAD_PATH", reason)]
    assert list(container.members) == ["OFD.xml"]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (stat.S_IFLNK | 0o777, "symbolic-link"),
        (stat.S_IFIFO, "special-file"),
        (stat.S_IFREG | 0o644, None),
        (0, None),
        (stat.S_IFDIR, None),
    ],
)
def test_symlink_and_special_files(mode: int, reason: str | None) -> None:
    data = archive([Entry("a", b"/etc/passwd", made_by=UNIX | 20, attributes=mode << 16)])
    assert findings(data) == ({("BAD_PATH", "a", reason)} if reason else set())


def test_link_attributes_count_only_where_unix_made_them() -> None:
    assert findings(archive([Entry("a", b"x", attributes=stat.S_IFLNK << 16)])) == set()


def test_folders_are_no_members_and_carry_nothing() -> None:
    container = Container(archive([Entry("Doc_0/", method=0), Entry("Doc_1/", b"hidden")]))
    assert container.members == {}
    assert [(found.code, found.reason) for found in container.irregularities] == [("BAD_PATH", "folder-with-data")]
    hiding = Entry(
        "Doc_2/", packed=local_record(TEXT) + TEXT.body
    )  # nothing, as stated, and yet an entry for who goes on from one to the next
    assert ("BAD_PATH", "Doc_2/", "folder-with-data") in findings(archive([hiding]))


def test_duplicate_names() -> None:
    container = Container(archive([Entry("a", b"1"), Entry("a", b"2")]))
    assert container.duplicates == {"a"}
    assert [(found.code, found.reason) for found in container.irregularities] == [("DUPLICATE_ENTRY", "same-name")]
    assert container.read("a", 1) == b"1"


def test_the_unicode_name_field_must_agree() -> None:
    raw = "图.xml".encode("gb18030")
    good = unicode_path(raw, "图.xml")
    assert {found[0] for found in findings(archive([Entry(raw, b"x", extra=good, local_extra=good)]))} == {"OFD_NAME_ENCODING"}
    bad = unicode_path(b"a.xml", "OFD.xml")
    assert findings(archive([Entry("a.xml", b"x", extra=bad)])) == {("OFD_CONTAINER_BAD", "a.xml", "unicode-name")}
    assert findings(archive([Entry("a.xml", b"x", local_extra=bad)])) == {("OFD_CONTAINER_BAD", "a.xml", "local-unicode-name")}
    stale = unicode_path(b"other", "OFD.xml")  # its checksum says that it belongs to another name
    assert findings(archive([Entry("a.xml", b"x", extra=stale)])) == set()
    assert findings(archive([Entry("a.xml", b"x", extra=extra_field(0x7075, b"\1\0"))])) == set()
    twice = good + unicode_path(raw, "OFD.xml")  # the first of a kind counts
    assert {found[0] for found in findings(archive([Entry(raw, b"x", extra=twice, local_extra=twice)]))} == {"OFD_NAME_ENCODING"}
    later = extra_field(0x7075, b"\2" + bad[5:])  # of a version that nobody knows
    assert findings(archive([Entry("a.xml", b"x", extra=later)])) == set()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"local_name": b"b.xml"}, "local-name"),
        ({"local_method": 0}, "local-method"),
        ({"local_sizes": (1, 2, 3)}, "local-sizes"),
        ({"flags": 1}, "encrypted"),
        ({"local_flags": 1}, "encrypted"),
        ({"flags": 1, "local_flags": 0}, "encrypted"),
        ({"flags": 0x40}, "encrypted"),
        ({"local_sizes": (0, FULL, FULL)}, "local-sizes"),
        ({"local_sizes": (0, 0, 0)}, "local-sizes"),  # left open, and no descriptor says them
        (
            {"local_sizes": (*TEXT.sizes[:2], FULL), "unpacked_bytes": FULL, "extra": extra_field(1, FULL.to_bytes(8, "little"))},
            "local-sizes",
        ),
        ({"name": "图", "local_flags": 0x800}, "local-name-encoding"),
    ],
)
def test_central_and_local_header_disagree(changed: dict[str, object], reason: str) -> None:
    entry = Entry(**{"name": "a.xml", "data": b"text", **changed})  # type: ignore[arg-type]
    assert ("OFD_CONTAINER_BAD", entry.raw_name.decode(), reason) in findings(archive([entry]))


def test_sizes_behind_the_data() -> None:
    """With a descriptor the local header may leave sizes open, but may not state others."""
    entry = Entry("a", b"text", flags=8, local_sizes=(0, 0, 0))
    checksum, packed, unpacked = entry.sizes
    for signature in (b"", b"PK\7\x08"):
        for width in (4, 8):
            entry.after = signature + checksum.to_bytes(4, "little") + packed.to_bytes(width, "little") + unpacked.to_bytes(width, "little")
            assert findings(archive([entry, Entry("b", b"x")])) == set()
    entry.after = b""
    assert findings(archive([entry])) == set()
    entry.after = bytes(12)
    assert findings(archive([entry])) == {("OFD_CONTAINER_STRAY", "", "between")}
    entry.after = b"?"
    assert findings(archive([entry])) == {("OFD_CONTAINER_STRAY", "", "between")}
    sizes = b"".join(each.to_bytes(4, "little") for each in entry.sizes)
    assert findings(archive([Entry("a", b"text", after=sizes)])) == {("OFD_CONTAINER_STRAY", "", "between")}, "nothing says that they come"
    entry.after, entry.local_sizes = b"", (0, 7, 7)
    assert findings(archive([entry])) == {("OFD_CONTAINER_BAD", "a", "local-sizes")}


def test_bytes_that_belong_to_nobody() -> None:
    hidden = local_record(Entry("Doc_0/Document.xml", b"evil"))
    assert findings(archive(HONEST, prefix=b"MZ")) == {("OFD_CONTAINER_STRAY", "", "before-first")}
    assert findings(archive(HONEST, before_directory=b"??")) == {("OFD_CONTAINER_STRAY", "", "between")}
    assert findings(archive(HONEST, trailing=b"\n")) == {("OFD_CONTAINER_STRAY", "", "after-end")}
    assert findings(archive(HONEST, trailing=b"\n.")) == {("OFD_CONTAINER_STRAY", "", "content-after-end")}
    assert findings(archive(HONEST, comment=b"made by")) == {("OFD_CONTAINER_STRAY", "", "comment")}
    assert findings(archive(HONEST, before_directory=hidden)) == {("OFD_CONTAINER_BAD", "", "hidden-entry")}
    assert findings(archive(HONEST, prefix=hidden)) == {("OFD_CONTAINER_BAD", "", "hidden-entry")}
    assert findings(archive([], before_directory=b"??")) == {("OFD_CONTAINER_STRAY", "", "before-first")}
    assert findings(archive([])) == set()


def test_overlap_bomb() -> None:
    """Many names for the same bytes: each entry is small, all together are not."""
    kernel = Entry("0", bytes(1 << 20))
    entries = [kernel, *(Entry(str(number), bytes(1 << 20), packed=b"", packed_bytes=len(kernel.body), offset=0) for number in (1, 2))]
    codes = findings(archive(entries))
    assert {("OFD_CONTAINER_BAD", "1", "overlap"), ("OFD_CONTAINER_BAD", "2", "overlap")} <= codes
    assert ("OFD_CONTAINER_BAD", "1", "local-name") in codes
    inner = local_record(Entry("b", b"evil", method=0))
    outer = Entry("a", b"..", method=0, packed=b".." + inner + b"..", packed_bytes=4 + len(inner), unpacked_bytes=4 + len(inner))
    nested = archive([outer, Entry("b", b"evil", method=0, offset=33)])
    assert ("OFD_CONTAINER_BAD", "b", "overlap") in findings(nested)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no-end-record"),
        (b"PK\5\6", "no-end-record"),
        (archive(HONEST)[:-1], "no-end-record"),
        (archive(HONEST, end={"comment": 1}), "end-record-truncated"),
        (archive(HONEST, end={"disk": 1}), "several-disks"),
        (archive(HONEST, end={"first_disk": 1}), "several-disks"),
        (archive(HONEST, end={"on_disk": 1}), "several-disks"),
        (archive(HONEST, end={"on_disk": 2, "count": 2}), "directory-size"),
        (archive(HONEST, end={"on_disk": 4, "count": 4}), "directory-entry"),
        (archive(HONEST, end={"offset": 0}), "directory-misplaced"),
        (archive(HONEST, behind_directory=b"??"), "directory-misplaced"),
        (archive([Entry("a", disk=3)]), "several-disks"),
        (archive([Entry("a", offset=5)]), "local-header-missing"),
        (archive([Entry("a", offset=FULL - 1)]), "local-header-missing"),
        (archive([Entry("a", offset=FULL)]), "zip64-entry"),
        (archive([Entry("a", b"x", packed_bytes=FULL)]), "zip64-entry"),
        (archive([Entry("a", b"x", packed_bytes=1000)]), "entry-truncated"),
        (archive([Entry("a", b"x", unpacked_bytes=FULL, extra=extra_field(1, b"1234"))]), "zip64-entry"),
    ],
)
def test_archives_that_are_none(data: bytes, reason: str) -> None:
    assert refusal(data)
    assert refusal(data) == reason or data.endswith(b"PK\5\6") or reason == "no-end-record"


def test_a_directory_entry_may_not_run_over_the_end() -> None:
    data = bytearray(archive([Entry("a")]))
    data[data.rindex(b"PK\1\2") + 28] = 200
    assert refusal(bytes(data)) == "directory-entry"


def test_a_directory_entry_may_not_begin_at_the_end() -> None:
    data = archive([TEXT])
    size = int.from_bytes(data[-10:-6], "little") + 4
    cut = data[:-22] + b"PK\1\2" + data[-22:-14] + b"\2\0\2\0" + size.to_bytes(4, "little") + data[-6:]
    assert refusal(cut) == "directory-entry"


def test_a_local_header_may_not_begin_at_the_end() -> None:
    data = archive([TEXT])
    assert refusal(archive([Entry("a", b"text", offset=len(data))])[:-2] + b"\4\0PK\3\4") == "local-header-missing"


def test_the_disk_may_be_left_to_the_64_bit_record() -> None:
    assert findings(archive([Entry("a", b"text", disk=0xFFFF)])) == set()


def test_more_entries_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_records, "MAX_ENTRIES", 2)
    assert refusal(archive(HONEST)) == "too-many-entries"
    monkeypatch.setattr(zip_records, "MAX_ENTRIES", len(HONEST))
    assert findings(archive(HONEST)) == set()


def test_more_bytes_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_records, "MAX_FILE_BYTES", 10)
    assert refusal(archive(HONEST)) == "too-large"


def test_whatever_lies_within_an_entry_overlaps_it() -> None:
    """Also behind another one that does."""
    inner = [Entry("b", b"1", method=0), Entry("c", b"2", method=0)]
    outer = Entry("a", b"".join(local_record(each) + each.body for each in inner), method=0)
    at = archive([outer]).index(b"PK\3\4", 1)
    inner[0].offset, inner[1].offset = at, archive([outer]).index(b"PK\3\4", at + 1)
    found = {path for code, path, reason in findings(archive([outer, *inner])) if (code, reason) == ("OFD_CONTAINER_BAD", "overlap")}
    assert found == {"b", "c"}


def test_extra_fields_that_run_over_are_padding() -> None:
    assert findings(archive([Entry("a", b"x", extra=b"\1\0\xff\xff1", local_extra=b"\0\0\0")])) == set()


def test_entries_that_cannot_be_unpacked() -> None:
    assert read_refusal(Entry("a", b"text", method=9)) == "method"
    assert read_refusal(Entry("a", b"text", packed=b"\xff\xff\xff")) == "data"
    assert read_refusal(Entry("a", b"text" * 99, packed=deflate(b"text" * 99)[:-4])) == "data-truncated"
    assert read_refusal(Entry("a", b"text", packed=deflate(b"text") + b"more")) == "data-behind-end"
    assert read_refusal(Entry("a", b"text", unpacked_bytes=3)) == "size"
    assert read_refusal(Entry("a", b"text", unpacked_bytes=5)) == "size"
    assert read_refusal(Entry("a", b"text", checksum=1)) == "checksum"
    assert read_refusal(Entry("a", b"text", method=0, checksum=1)) == "checksum"
    assert read_refusal(Entry("a", b"text"), most=3) == "too-large"


def test_no_more_is_given_out_than_is_stated() -> None:
    given: list[bytes] = []
    chunks = Container(archive([Entry("a", bytes(1 << 20), unpacked_bytes=10)])).chunks("a")
    with pytest.raises(MalformedError):
        given.extend(chunks)
    assert given == []


def test_as_much_is_kept_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_module, "KEPT_BYTES", 7)
    container = Container(archive([TEXT, Entry("b", b"text")]))
    for name in ("a", "b", "a"):
        assert container.read(name, 9) == b"text"
    assert set(container._kept) == {"a"}


def test_decompression_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_module, "RATIO_FREE_BYTES", 1 << 16)
    assert read_refusal(Entry("a", bytes(1 << 20))) == "ratio"
    assert read_refusal(Entry("a", bytes(1 << 20), unpacked_bytes=10)) == "size"
    monkeypatch.setattr(container_module, "RATIO_FREE_BYTES", limits.RATIO_FREE_BYTES)
    monkeypatch.setattr(container_module, "MAX_ENTRY_BYTES", 1 << 19)
    assert read_refusal(Entry("a", bytes(1 << 20))) == "too-large"
    monkeypatch.setattr(container_module, "MAX_ENTRY_BYTES", limits.MAX_ENTRY_BYTES)
    monkeypatch.setattr(container_module, "MAX_TOTAL_BYTES", 3 << 19)
    container = Container(archive([Entry("a", bytes(1 << 20)), Entry("b", bytes(1 << 20))]))
    assert len(container.read("a", 1 << 20)) == 1 << 20
    with pytest.raises(MalformedError) as caught:
        container.read("b", 1 << 20)
    assert caught.value.facts["reason"] == "total-too-large"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_never_crash(data: st.DataObject) -> None:
    sound = bytearray(pack({"OFD.xml": b"<a/>" * 20, "b": b"x"}))
    for _ in range(data.draw(st.integers(1, 4))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    try:
        container = Container(bytes(sound))
        for name in container.members:
            container.read(name, 1 << 16)
    except MalformedError as error:
        assert error.code in {"OFD_ZIP_MALFORMED", "OFD_ENTRY_UNREADABLE"}
