"""Texts and numbers come back as they were, or are refused by name."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import Kind, TrustError
from standards.gbt33190_ofd import write, write_items, write_package
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.limits import MAX_FILE_BYTES
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import (
    Annotation,
    Attachment,
    Document,
    Figure,
    Image,
    Page,
    Path,
    Text,
    line,
    rectangle,
)
from standards.gbt33190_ofd.write_xml import distances, number
from standards.gbt33190_ofd.xml_parts import read_xml

if TYPE_CHECKING:
    from collections.abc import Callable
from tests.standards.gbt33190_ofd.test_write import DAY, FONT, IDENTIFIER, PNG, Glyph, document, parts_of


@given(st.text(max_size=60), st.text(max_size=60), st.floats(0.5, 100), st.floats(-1000, 1000))
def test_texts_come_back_as_they_were_or_are_refused(title: str, value: str, size: float, x: float) -> None:
    """Whatever the text is, the parts are well-formed, and what is read is what was given."""
    font = replace(FONT, advances_em=dict.fromkeys(title, 0.5))
    made = document(*([Text(font, size, x, x, title)] if title else []), title=title, custom_data={"n": value})
    try:
        parts = parts_of(write_ofd(made))
    except TrustError as refused:
        assert refused.code == "OFD_VALUE_BAD"
        return
    info = read_xml(parts["OFD.xml"])
    assert [node.text for node in info.descendants("Title")] == ([title.strip()] if title else [])
    assert [node.text for node in info.descendants("CustomData")] == [value.strip()]
    assert [node.text for node in read_xml(parts["Doc_0/Pages/Page_0/Content.xml"]).descendants("TextCode")] == (
        [title.strip()] if title else []
    )


BAD: list[tuple[Callable[[], Document], str]] = [
    (lambda: replace(document(), pages=[]), "pages"),
    (lambda: replace(document(), identifier="12"), "identifier"),
    (lambda: document(keywords=["k"] * 201), "keywords or custom data"),
    (lambda: document(keywords=[""]), "keyword"),
    (lambda: document(custom_data={str(n): "" for n in range(1001)}), "keywords or custom data"),
    (lambda: document(custom_data={"": "x"}), "custom data name"),
    (lambda: document(custom_data={"a\nb": "x"}), "custom data name"),
    (lambda: document(title="\x00"), "Title"),
    (lambda: document(title="\u202e"), "Title"),
    (lambda: document(title="\ud800"), "Title"),
    (lambda: document(title="x" * 4001), "Title"),
    (lambda: Document(IDENTIFIER, [Page(0.5, 10, [])]), "page width"),
    (lambda: Document(IDENTIFIER, [Page(10, math.inf, [])]), "page height"),
    (lambda: document(Text(FONT, 4, 0, 0, "")), "text"),
    (lambda: document(Text(FONT, 4, 0, 0, "a\na")), "text"),
    (lambda: document(Text(FONT, 0, 0, 0, "a")), "font size"),
    (lambda: document(Text(FONT, math.nan, 0, 0, "a")), "font size"),
    (lambda: document(Text(FONT, 4, math.nan, 0, "a")), "x"),
    (lambda: document(Text(FONT, 4, 0, 0, "a", turn=400)), "turn"),
    (lambda: document(Text(FONT, 4, 0, 0, "a", spacing_mm=math.inf)), "spacing"),
    (lambda: document(Text(FONT, 4, 0, 0, "a", opacity=256)), "opacity"),
    (lambda: document(Text(FONT, 4, 0, 0, "a", colour=(1, 2, 300))), "colour"),
    (lambda: document(Text(FONT, 4, 0, 0, "a", colour=(1, 2))), "colour"),  # type: ignore[arg-type]
    (lambda: document(Text(replace(FONT, truetype=b"no"), 4, 0, 0, "a")), "font"),
    (lambda: document(Text(replace(FONT, name=""), 4, 0, 0, "a")), "font name"),
    (lambda: document(Text(FONT, 4, 0, 0, "a"), Text(replace(FONT, truetype=b"true"), 4, 0, 0, "a")), "font name"),
    (lambda: document(Text(replace(FONT, advances_em={"a": math.nan}), 4, 0, 0, "a")), "advance"),
    (lambda: document(Text(FONT, 4, 0, 0, "aa", glyphs=[])), "glyphs"),
    (lambda: document(Text(FONT, 4, 0, 0, "aa", glyphs=[Glyph(1, 1)])), "glyphs"),
    (lambda: document(Text(FONT, 4, 0, 0, "aa", glyphs=[Glyph(1, 0), Glyph(1, 2)])), "glyphs"),
    (lambda: document(Text(FONT, 4, 0, 0, "aa", glyphs=[Glyph(1, 1), Glyph(1, 0)])), "glyphs"),
    (lambda: document(Text(FONT, 4, 0, 0, "aa", glyphs=[Glyph(0, 0)])), "glyph number"),
    (lambda: document(Text(FONT, 4, 0, 0, "aa", glyphs=[Glyph(1, 0, math.nan)])), "glyph place"),
    (lambda: document(Image(b"GIF89a", 0, 0, 1, 1)), "picture"),
    (lambda: document(Image(PNG, 0, 0, 0, 1)), "width"),
    (lambda: document(Path([], fill=(0, 0, 0))), "path"),
    (lambda: document(Path([Figure((0, 0), [(1, 1)])], None)), "path"),
    (lambda: document(Path([Figure((0, 0), [(1, 1, 1)])])), "path"),
    (lambda: document(Path([Figure((0, 0), [(1, math.nan)])])), "y"),
    (lambda: document(Path([Figure((0, 0), [(1, 1)])], line_width_mm=-1)), "line width"),
    (lambda: document(Path([Figure((0, 0), [(1, 1)])], dash_mm=[0, 0])), "dash"),
    (lambda: document(Path([Figure((0, 0), [(1, 1)])], dash_mm=[-1])), "dash"),
    (lambda: document(attachments=[Attachment("x", b"", "x/../y")]), "attachment extension"),
    (lambda: document(attachments=[Attachment("", b"", "xml")]), "attachment name"),
    (lambda: document(attachments=[Attachment("x", b"", "xml")] * 1001), "attachments"),
    (lambda: Document(IDENTIFIER, [Page(9, 9, [], (), [Annotation("Other", 0, 0, 1, 1, [], "x", DAY)])]), "annotation kind"),
    (lambda: Document(IDENTIFIER, [Page(9, 9, [], (), [Annotation("Link", 0, 0, 0, 1, [], "x", DAY)])]), "annotation width"),
]


@pytest.mark.parametrize(("make", "what"), BAD)
def test_what_no_document_may_hold_is_refused_by_name(make: Callable[[], Document], what: str) -> None:
    with pytest.raises(TrustError) as refused:
        write_ofd(make())
    assert (refused.value.kind, refused.value.code, refused.value.facts["what"]) == (Kind.UNACCEPTABLE, "OFD_VALUE_BAD", what)


def test_a_character_without_a_width_is_not_written() -> None:
    with pytest.raises(TrustError) as refused:
        write_ofd(document(Text(FONT, 4, 0, 0, "aé")))
    assert (refused.value.code, refused.value.facts) == ("OFD_GLYPH_MISSING", {"character": "U+00E9", "font": "Test-1"})


def test_named_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MAX_ITEMS", 1)
    monkeypatch.setattr(write_items, "MAX_POINTS", 2)
    with pytest.raises(TrustError) as refused:
        write_ofd(document(line(0, 0, 1, 1), line(0, 0, 1, 1)))
    assert (refused.value.kind, refused.value.code) == (Kind.TOO_LARGE, "OFD_TOO_LARGE")
    with pytest.raises(TrustError) as refused:
        write_ofd(document(rectangle(0, 0, 1, 1)))
    assert refused.value.facts["what"] == "path"


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/./b", "a\\b", "C:", "名", "a b", "a\x7f", "a" * 1025])
def test_file_names_that_readers_disagree_about_are_not_written(name: str) -> None:
    with pytest.raises(TrustError) as refused:
        write_package.write_package({name: b""})
    assert refused.value.code == "OFD_VALUE_BAD"


def test_a_package_is_packed_where_that_helps_and_never_looks_like_a_bomb() -> None:
    files = {"a.xml": b"<a/>" * 500, "b.png": PNG * 500, "c": bytes(range(256)), "d": b"", "e": bytes(9 * 1024 * 1024)}
    data = write_package.write_package(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {entry.filename: entry.compress_type for entry in archive.infolist()} == {"a.xml": 8, "b.png": 0, "c": 0, "d": 0, "e": 0}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    container = Container(data)
    assert container.irregularities == []
    assert {name: container.read(name, 10 * 1024 * 1024) for name in files} == files


def test_packages_over_the_limits_of_reading_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return MAX_FILE_BYTES // 2 + 1

    for files in ({"a": Long(), "b": Long()}, {"a": Long()}):
        with pytest.raises(TrustError) as refused:
            write_package.write_package(files)
        assert refused.value.code == "OFD_TOO_LARGE"
    monkeypatch.setattr(write_package, "MAX_FILE_BYTES", 100)
    with pytest.raises(TrustError) as refused:
        write_package.write_package({"a": bytes(range(90))})
    assert refused.value.facts == {"what": "package", "limit": 100}


@given(st.floats(-1e5, 1e5))
def test_numbers_have_no_exponent(value: float) -> None:
    assert "e" not in number(value)
    assert float(number(value)) == pytest.approx(value, abs=0.00006)
    assert number(-0.00001) == "0"


@given(st.lists(st.sampled_from([0.0, 1.5, 2.25, -3.0]), max_size=30))
def test_distances_are_those_that_were_given(values: list[float]) -> None:
    steps = iter(distances(values).split())
    found: list[float] = []
    for step in steps:
        found += [float(step)] if step != "g" else [count for n in [int(next(steps))] for count in [float(next(steps))] * n]
    assert found == values
