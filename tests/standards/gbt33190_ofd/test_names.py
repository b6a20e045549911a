"""What readers make of the names in a package: case, forms, references, encodings."""

from __future__ import annotations

import pytest

from standards.gbt33190_ofd.container import Container
from tests.standards.gbt33190_ofd.archives import UNIX, Entry, archive


@pytest.mark.parametrize(("one", "other"), [("Tpls/a", "TPLS/a"), ("é", "e\u0301")])
def test_names_that_differ_in_case_or_unicode_form_only(one: str, other: str) -> None:
    container = Container(archive([Entry(one, b"1", flags=0x800), Entry(other, b"2", flags=0x800)]))
    assert container.duplicates == {one, other}
    assert [found.reason for found in container.irregularities] == ["case"]


@pytest.mark.parametrize(
    ("one", "other", "is_found"),
    [
        ("a/Docu&#109;ent.xml", "a/Document.xml", True),
        ("a/Docu&#x006D;ent.xml", "a/Document.xml", True),
        ("A&amp;B", "A&B", True),
        ("A&quot;B", 'A"B', True),
        ("A&#1114112;B", "AB", False),
        ("A&nbsp;B", "A B", False),
        ("A&B", "A", False),
    ],
)
def test_names_with_references_of_xml(one: str, other: str, is_found: bool) -> None:
    container = Container(archive([Entry(one, b"1"), Entry(other, b"2")]))
    assert container.duplicates == ({one, other} if is_found else set())
    assert [(found.code, found.reason) for found in container.irregularities] == [("DUPLICATE_ENTRY", "read-alike")] * is_found


@pytest.mark.parametrize(
    ("raw", "flags", "name", "is_guess"),
    [
        ("图".encode(), 0x800, "图", False),
        ("图".encode(), 0, "图", True),
        ("图.xml".encode("gb18030"), 0, "图.xml", True),
        ("印章.xml".encode("gb18030"), 0x800, "印章.xml", True),
        ("印章.xml".encode("gb18030"), 0, "印章.xml", True),
        (b"\xff\xff", 0, "\xa0\xa0", True),
    ],
)
def test_encodings_of_names(raw: bytes, flags: int, name: str, is_guess: bool) -> None:
    container = Container(archive([Entry(raw, b"x", flags=flags)]))
    assert list(container.members) == [name]
    assert [found.code for found in container.irregularities] == (["OFD_NAME_ENCODING"] if is_guess else [])


def test_the_same_bytes_are_one_name_or_another_by_what_the_record_says() -> None:
    raw = "图".encode()
    for flags, is_guess in ((0x800, False), (0, True), (0x800, False)):
        container = Container(archive([Entry(raw, b"1", flags=flags)]))
        assert [found.code for found in container.irregularities] == ["OFD_NAME_ENCODING"] * is_guess
    for attributes, reason in ((0o120777 << 16, "symbolic-link"), (0, None)):
        container = Container(archive([Entry(raw, b"1", flags=0x800, made_by=UNIX, attributes=attributes)]))
        assert [found.reason for found in container.irregularities] == ([] if reason is None else [reason])
