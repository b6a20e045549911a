"""Documents as we write them, read back by our own reader, by zipfile and by the numbers."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import Graph, Role, read_box
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import (
    Annotation,
    Attachment,
    Document,
    Figure,
    Font,
    Image,
    Page,
    Path,
    Template,
    Text,
    line,
    rectangle,
)
from standards.gbt33190_ofd.xml_parts import NAMESPACE, XmlNode, read_xml

PNG = b"\x89PNG\r\n\x1a\n picture"
JPEG = b"\xff\xd8\xff picture"
FONT = Font("Test-1", "Test", b"\x00\x01\x00\x00 font", {"一": 1.0, "a": 0.5, "i": 0.25, " ": 0.3}, 0.8, -0.2)
OTHER = replace(FONT, name="Test-2", truetype=b"OTTO font")
IDENTIFIER = "0123456789abcdef0123456789ABCDEF"
DAY = date(2026, 11, 20)
WHOLE = "GB/T 33190-2016 7 to 11: documents that we write"


@dataclass
class Glyph:
    """A place in a shaped run."""

    number: int
    first_character: int
    advance_em: float = 0.5
    x_em: float = 0
    y_em: float = 0


def document(*items: Text | Path | Image, **more: Any) -> Document:
    return Document(IDENTIFIER, [Page(210, 297, items)], **more)


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def unit(*items: Text | Path | Image) -> XmlNode:
    """The last unit on a page with these items."""
    root = read_xml(parts_of(write_ofd(document(*items)))["Doc_0/Pages/Page_0/Content.xml"])
    (layer,) = root.descendants("Layer")
    return layer.children()[-1]


def numbers_of(text: str | None) -> list[float]:
    return [float(value) for value in (text or "").split()]


def whole() -> Document:
    template = Template("frame", 210, 297, [rectangle(5, 5, 200, 287), Text(OTHER, 5, 10, 10, "一")])
    front = Template("", 210, 297, [Image(PNG, 0, 0, 10, 10)], is_foreground=True)
    items: list[Text | Path | Image] = [
        Text(FONT, 4, 20, 30, "一a i", colour=(1, 2, 3), turn=90, spacing_mm=1, opacity=128),
        Image(JPEG, 10, 20, 30, 40, turn=30),
        Image(PNG, 10, 20, 30, 40),
        line(0, 0, 10, 10),
        Path([Figure((0, 0), [(1, 1), (2, 2, 3, 3), (4, 4, 5, 5, 6, 6)], is_closed=True)], None, (0, 0, 0), is_even_odd=True),
    ]
    note = Annotation("Watermark", 10, 10, 50, 20, [Text(FONT, 4, 0, 5, "a")], "tests", DAY, "note")
    return Document(
        IDENTIFIER,
        [Page(210, 297, items, [template, front], [note]), Page(100, 50, [], [template]), Page(30, 40, [])],
        title="Licence <1>",
        author="A & B",
        subject="s",
        abstract="two\nlines",
        created_on=DAY,
        modified_on=DAY,
        keywords=["k1", "k2"],
        creator="tests",
        creator_version="1",
        custom_data={"ZZBS": "1.2.156", "ZZMC": 'quoted "name"\t'},
        attachments=[Attachment("data.json", b"{}" * 5000, "json", DAY, "data", is_visible=False), Attachment("x", b"", "xml")],
    )


@pytest.mark.clause(WHOLE)
def test_our_reader_finds_every_part_and_nothing_wrong() -> None:
    data = write_ofd(whole())
    container = Container(data)
    graph = Graph(container)
    assert (container.irregularities, graph.troubles, graph.failure) == ([], (), None)
    (body,) = graph.bodies
    assert set(body.reached) | {"OFD.xml"} == set(container.members)
    roles = {path.removeprefix("Doc_0/"): reached.role for path, reached in body.reached.items()}
    assert roles["Annots/Page_0/Annotation.xml"] is Role.CONTENT
    assert [roles[name] for name in ("Tpls/Tpl_0/Content.xml", "Attachs/Attachments.xml", "PublicRes.xml", "DocumentRes.xml")] == [
        Role.TEMPLATE,
        Role.ATTACHMENTS,
        Role.RESOURCES,
        Role.RESOURCES,
    ]
    assert list(body.boxes.values()) == [(0, 0, 210, 297), (0, 0, 100, 50), (0, 0, 30, 40)]
    assert container.read("Doc_0/Attachs/File_0.json", 20_000) == b"{}" * 5000
    assert data == write_ofd(whole())
    assert next(iter(container.members)) == "OFD.xml"


@pytest.mark.clause(WHOLE)
def test_numbers_are_unique_and_stay_under_the_stated_greatest() -> None:
    identifiers: list[int] = []
    for name, part in parts_of(write_ofd(whole())).items():
        if name.endswith(".xml") and "Attachs/File" not in name:
            root = read_xml(part)
            assert root.namespace == NAMESPACE
            for kind in [
                "TextObject",
                "PathObject",
                "ImageObject",
                "Layer",
                "Font",
                "MultiMedia",
                "TemplatePage",
                "Page",
                "Annot",
                "Attachment",
            ]:
                identifiers += [int(node.get("ID") or 0) for node in root.descendants(kind) if node.get("ID")]
    assert len(identifiers) == len(set(identifiers)) == max(identifiers)
    root = read_xml(parts_of(write_ofd(whole()))["Doc_0/Document.xml"])
    assert [node.text for node in root.descendants("MaxUnitID")] == [str(max(identifiers))]


@pytest.mark.clause("GB/T 33190-2016 7.4 description of a document")
def test_description_in_the_order_of_the_schema() -> None:
    root = read_xml(parts_of(write_ofd(whole()))["OFD.xml"])
    assert (root.get("Version"), root.get("DocType")) == ("1.0", "OFD")
    (info,) = root.descendants("DocInfo")
    assert [node.name for node in info.children()] == [
        *("DocID", "Title", "Author", "Subject", "Abstract", "CreationDate", "ModDate", "Keywords"),
        *("Creator", "CreatorVersion", "CustomDatas"),
    ]
    texts = {node.name: node.text for node in info.children() if not node.children()}
    assert texts["Title"] == "Licence <1>"
    assert texts["CreationDate"] == "2026-11-20"
    (rows,) = info.children("CustomDatas")
    assert {node.get("Name"): node.text for node in rows.children("CustomData")} == {"ZZBS": "1.2.156", "ZZMC": 'quoted "name"'}
    (bare,) = read_xml(parts_of(write_ofd(document()))["OFD.xml"]).descendants("DocInfo")
    assert [node.name for node in bare.children()] == ["DocID"]
    order = [node.name for node in read_xml(parts_of(write_ofd(whole()))["Doc_0/Document.xml"]).children()]
    assert order == ["CommonData", "Pages", "Annotations", "Attachments"]


def test_pages_share_templates_fonts_and_pictures() -> None:
    parts = parts_of(write_ofd(whole()))
    assert [name for name in parts if "/Tpls/" in name] == ["Doc_0/Tpls/Tpl_0/Content.xml", "Doc_0/Tpls/Tpl_1/Content.xml"]
    assert sorted(name for name in parts if "/Res/" in name) == [
        f"Doc_0/Res/{name}" for name in ("font_0.otf", "font_1.ttf", "image_0.png", "image_1.jpg")
    ]
    first, second = (read_xml(parts[f"Doc_0/Pages/Page_{index}/Content.xml"]) for index in (0, 1))
    assert [node.name for node in first.children()] == ["Template", "Template", "Area", "Content"]
    assert [node.get("ZOrder") for node in first.children("Template")] == ["Background", "Foreground"]
    assert first.children("Template")[0].get("TemplateID") == second.children("Template")[0].get("TemplateID")
    assert [node.name for node in second.children()] == ["Template", "Area"]


@pytest.mark.clause("GB/T 33190-2016 11 text")
def test_a_line_of_text_states_every_distance() -> None:
    node = unit(Text(FONT, 4, 20, 30, "一a一一一一ii", spacing_mm=0.5))
    (code,) = node.children("TextCode")
    assert code.text == "一a一一一一ii"
    assert code.get("DeltaX") == "4.5 2.5 g 4 4.5 1.5"
    left, top, width, height = read_box(node.get("Boundary") or "")
    assert (left + float(code.get("X") or 0), top + float(code.get("Y") or 0)) == (20, 30)
    assert left + width == pytest.approx(20 + FONT.width_mm("一a一一一一ii", 4, 0.5) + 1)
    assert (top, top + height) == pytest.approx((30 - 4 * 0.8 - 1, 30 + 4 * 0.2 + 1))
    assert node.get("CTM") is None
    assert node.children("FillColor") == []
    assert unit(Text(FONT, 4, 20, 30, "一")).children("TextCode")[0].get("DeltaX") is None


@pytest.mark.clause("GB/T 33190-2016 8.5 graphic units")
@given(
    turn=st.sampled_from([-360.0, -90.0, -45.0, 0.0, 30.0, 90.0, 180.0, 270.0]) | st.floats(-360, 360),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_turned_text_begins_where_it_is_told_and_stays_in_its_boundary(turn: float, x: float, y: float) -> None:
    node = unit(Text(FONT, 5, x, y, "一一一", turn=turn))
    left, top, width, height = read_box(node.get("Boundary") or "")
    (code,) = node.children("TextCode")
    a, b, c, d, e, f = numbers_of(node.get("CTM")) or [1, 0, 0, 1, 0, 0]

    def place(along: float, down: float) -> tuple[float, float]:
        along, down = along + float(code.get("X") or 0), down + float(code.get("Y") or 0)
        return left + a * along + c * down + e, top + b * along + d * down + f

    assert place(0, 0) == pytest.approx((x, y), abs=0.001)
    end = (x + 15 * math.cos(math.radians(turn)), y + 15 * math.sin(math.radians(turn)))
    assert place(15, 0) == pytest.approx(end, abs=0.01)
    for along, down in ((0, -4), (15, -4), (0, 1), (15, 1)):
        p, q = place(along, down)
        assert left - 0.01 <= p <= left + width + 0.01
        assert top - 0.01 <= q <= top + height + 0.01


@pytest.mark.clause("GB/T 33190-2016 11.4 glyph transforms")
def test_shaped_runs_name_their_glyphs_group_by_group() -> None:
    glyphs = [
        Glyph(7, 0),
        Glyph(8, 1, 0.25),
        Glyph(9, 2),
        Glyph(10, 4, x_em=0.1),
        Glyph(11, 5),
        Glyph(12, 5, 0, 0.2, 0.3),
        Glyph(13, 6, y_em=0.5),
    ]
    node = unit(Text(FONT, 10, 0, 0, "ᠠᠡᠢᠣᠤᠥᠦ", glyphs=glyphs))
    shown = [
        (t.get("CodePosition"), t.get("CodeCount"), t.get("GlyphCount"), t.children("Glyphs")[0].text) for t in node.children("CGTransform")
    ]
    assert shown == [("0", "2", "2", "7 8"), ("2", "2", "1", "9"), ("4", "1", "1", "10"), ("5", "1", "2", "11 12"), ("6", "1", "1", "13")]
    left, top, *_ = read_box(node.get("Boundary") or "")
    placed = [
        (code.text, left + float(code.get("X") or 0), top + float(code.get("Y") or 0), code.get("DeltaX"))
        for code in node.children("TextCode")
    ]
    assert placed == [
        ("ᠠᠡ", 0, 0, "5"),
        ("ᠢᠣ", 7.5, 0, None),
        ("ᠤ", 13.5, 0, None),
        ("ᠥ", 17.5, 0, "7"),
        ("ᠦ", 22.5, -5, None),
    ]
    assert "".join(text for text, *_ in placed) == "ᠠᠡᠢᠣᠤᠥᠦ"


@pytest.mark.clause("GB/T 33190-2016 9 paths")
def test_paths_state_what_differs_from_the_standard_and_reach_their_boundary() -> None:
    node = unit(
        Path([Figure((10, 10), [(20, 10), (25, 10, 25, 20), (25, 25, 20, 30, 10, 30)], is_closed=True)], fill=(255, 0, 0), dash_mm=[2, 1])
    )
    assert [child.name for child in node.children()] == ["StrokeColor", "FillColor", "AbbreviatedData"]
    left, top, width, height = read_box(node.get("Boundary") or "")
    data = node.children("AbbreviatedData")[0].text
    assert data.split()[0] == "M"
    assert [step for step in data.split() if step.isalpha()] == ["M", "L", "Q", "B", "C"]
    values = [float(step) for step in data.split() if not step.isalpha()]
    xs, ys = [left + x for x in values[::2]], [top + y for y in values[1::2]]
    assert (min(xs), max(xs), min(ys), max(ys)) == pytest.approx((10, 25, 10, 30))
    assert left < 10
    assert left + width > 25
    assert top < 10
    assert top + height > 30
    assert (node.get("Stroke"), node.get("Fill"), node.get("DashPattern"), node.get("LineWidth"), node.get("Rule")) == (
        *(None, "true", "2 1", "0.25", None),
    )
    filled = unit(Path([Figure((0, 0), [(1, 1)])], None, (0, 0, 0), is_even_odd=True, opacity=0))
    assert (filled.get("Stroke"), filled.get("Fill"), filled.get("LineWidth"), filled.get("Rule"), filled.get("Alpha")) == (
        *("false", "true", None, "Even-Odd", "0"),
    )
    assert unit(line(0, 0, 1, 1, width_mm=0.353)).get("LineWidth") is None


@pytest.mark.clause("GB/T 33190-2016 10 pictures")
@pytest.mark.parametrize("turn", [0, 30, 90, 180])
def test_a_picture_fills_its_box_turned_about_the_middle(turn: float) -> None:
    node = unit(Image(PNG, 100, 50, 40, 20, turn=turn))
    left, top, width, height = read_box(node.get("Boundary") or "")
    a, b, c, d, e, f = numbers_of(node.get("CTM"))
    middle = (left + a / 2 + c / 2 + e, top + b / 2 + d / 2 + f)
    assert middle == pytest.approx((120, 60), abs=0.001)
    assert (left + width / 2, top + height / 2) == pytest.approx(middle, abs=0.001)
    assert (math.hypot(a, b), math.hypot(c, d)) == pytest.approx((40, 20), abs=0.001)
    assert math.degrees(math.atan2(b, a)) == pytest.approx(turn, abs=0.01)
