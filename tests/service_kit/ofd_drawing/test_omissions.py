"""What is not drawn is said; limits, overlays, pages and arcs."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service_kit.ofd_drawing import canvas as canvas_module
from service_kit.ofd_drawing import draw as draw_module
from service_kit.ofd_drawing import omissions as omissions_module
from service_kit.ofd_drawing.draw import Overlay, draw_ofd
from service_kit.ofd_drawing.path_data import PathError, path_operators
from service_kit.ofd_drawing.values import steps
from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import brought_face
from standards.errors import MalformedError, TrustError
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import Document, Image, Page, Text, line, rectangle
from tests.service_kit.ofd_drawing.pages import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    at,
    drawn,
    files,
    layer,
    picture,
    shown,
    square,
    what,
)
from tests.service_kit.ofd_drawing.test_draw import MISSING, TEXT, font, ours
from tests.standards.gbt33190_ofd.archives import Entry, archive, pack
from tests.standards.gbt33190_ofd.parts import part


@pytest.mark.parametrize(("unit", "expected"), MISSING)
def test_what_is_not_drawn_is_said_and_the_rest_is_drawn(unit: str, expected: tuple[str, str]) -> None:
    resources = (
        '<o:MultiMedias><o:MultiMedia ID="5"><o:MediaFile>p</o:MediaFile></o:MultiMedia>'
        '<o:MultiMedia ID="6"><o:MediaFile>q</o:MediaFile></o:MultiMedia><o:MultiMedia ID="7"><o:MediaFile>gone</o:MediaFile></o:MultiMedia></o:MultiMedias>'
        f'<o:CompositeGraphicUnits><o:CompositeGraphicUnit ID="40"><o:Content>{square(0, 0, 5)}</o:Content></o:CompositeGraphicUnit></o:CompositeGraphicUnits>'
    )
    document, page = drawn(unit, square(50, 30, 10), resources=resources, extra={"Doc_0/p": picture(), "Doc_0/q": b"\x89PNG broken"})
    assert expected in what(document)
    assert at(page, 55, 35) == RED
    assert {omission.page for omission in document.omissions} == {1}


def test_files_that_cannot_be_unpacked_are_said() -> None:
    resources = (
        '<o:Fonts><o:Font ID="4"><o:FontFile>f</o:FontFile></o:Font></o:Fonts>'
        '<o:MultiMedias><o:MultiMedia ID="5"><o:MediaFile>p</o:MediaFile></o:MultiMedia></o:MultiMedias>'
    )
    units = '<o:ImageObject Boundary="0 0 9 9" ResourceID="5"/><o:TextObject Boundary="0 0 9 9" Font="4"><o:TextCode>a</o:TextCode></o:TextObject>'
    whole = files(layer(units), resources, extra={"Doc_0/p": picture(), "Doc_0/f": b"font"})
    entries = [Entry(name, data, checksum=1 if name in {"Doc_0/p", "Doc_0/f"} else None) for name, data in whole.items()]
    document = draw_ofd(archive(entries))
    assert [(o.effect, o.what, o.detail) for o in document.omissions] == [
        ("left-out", "picture", "OFD_ENTRY_UNREADABLE"),
        ("replaced", "font", "4: Noto Sans SC"),
    ]


def test_invisible_text_is_not_drawn() -> None:
    text = '<o:TextObject Boundary="0 0 100 60" Size="9" Fill="false"><o:TextCode X="5" Y="20">A</o:TextCode></o:TextObject>'
    document, page = drawn(text, '<o:TextObject Boundary="0 0 9 9"/>', "<o:Actions/>")
    assert page.convert("L").getextrema() == (255, 255)
    assert what(document) == {("replaced", "font")}


def test_parts_that_are_missing_or_wrong_are_said() -> None:
    whole = files(
        layer(square(0, 0, 9)),
        common='<o:TemplatePage ID="7" BaseLoc="gone.xml"/>',
        before='<o:Template TemplateID="7"/><o:Template TemplateID="8"/><o:PageRes>gone.xml</o:PageRes>',
        after="<o:Annotations>Annots.xml</o:Annotations>",
        extra={
            "Doc_0/Annots.xml": part(
                "Annotations", '<o:Page PageID="1"><o:FileLoc>A.xml</o:FileLoc><o:FileLoc>gone.xml</o:FileLoc></o:Page>'
            ),
            "Doc_0/A.xml": part("PageAnnot", '<o:Annot Visible="false"><o:Appearance/></o:Annot><o:Annot><o:Appearance/></o:Annot>'),
        },
    )
    whole["Doc_0/Document.xml"] = whole["Doc_0/Document.xml"].replace(
        b"</o:Pages>", b'<o:Page ID="2" BaseLoc="gone.xml"/><o:Page ID="3"/></o:Pages>'
    )
    document = draw_ofd(pack(whole))
    assert document.page_count == 1
    assert what(document) == {("left-out", name) for name in ("part", "template", "page", "Annot")}
    for broken in ("Doc_0/Res.xml", "Doc_0/Annots.xml", "Doc_0/A.xml"):
        assert draw_ofd(pack({**whole, broken: b"<"})).page_count == 1
    for broken in ("Doc_0/Page.xml", "Doc_0/Document.xml"):
        with pytest.raises(MalformedError) as refused:
            draw_ofd(pack({**whole, broken: b"<"}))
        assert refused.value.code == "OFD_PAGES_MISSING"


def test_pages_and_templates_have_resources_of_their_own() -> None:
    media = '<o:MultiMedias><o:MultiMedia ID="5"><o:MediaFile>{}</o:MediaFile></o:MultiMedia></o:MultiMedias>'
    image = '<o:ImageObject Boundary="{} 10 10 10" ResourceID="5"/>'
    document, page = drawn(
        image.format(30),
        resources=media.format("red"),
        common='<o:TemplatePage ID="7" BaseLoc="T.xml"/>',
        before='<o:Template TemplateID="7" ZOrder="Foreground"/><o:PageRes>R.xml</o:PageRes>',
        extra={
            "Doc_0/R.xml": part("Res", media.format("green"), BaseLoc="in"),
            "Doc_0/S.xml": part("Res", media.format("blue")),
            "Doc_0/T.xml": part(
                "Page", f"<o:PageRes>S.xml</o:PageRes><o:PageRes>gone.xml</o:PageRes><o:Content>{layer(image.format(60))}</o:Content>"
            ),
            "Doc_0/red": picture(),
            "Doc_0/in/green": picture(colour=GREEN),
            "Doc_0/blue": picture(colour=BLUE),
        },
    )
    assert (at(page, 35, 15), at(page, 65, 15)) == (GREEN, BLUE)
    assert what(document) == {("left-out", "part")}


def test_a_page_that_does_not_begin_at_zero_or_is_too_large() -> None:
    _, page = drawn(square(10, 10, 10), area="5 5 50 30")
    assert page.size == (200, 120)
    assert (at(page, 2, 2), at(page, 7, 7)) == (WHITE, RED)
    document, page = drawn(square(0, 0, 10), area="0 0 9000 9000")
    assert page.size == (840, 1188)
    assert what(document) == {("replaced", "page size")}


@pytest.mark.clause("GB/T 33190-2016 18.2.3 places of a seal")
def test_overlays_lie_on_their_page_cut_to_their_clip() -> None:
    data = ours(rectangle(0, 0, 100, 60, stroke=None, fill=GREEN))
    nested = write_ofd(Document("1" * 32, [Page(10, 10, [rectangle(0, 0, 5, 10, stroke=None, fill=BLUE)])]))
    page_id = next(iter(_pages_of(data)))
    overlays = [
        Overlay(page_id, (10, 10, 20, 20), None, picture()),
        Overlay(page_id, (40, 10, 20, 20), (0, 0, 5, 20), picture()),
        Overlay(page_id, (70, 10, 20, 20), None, nested),
        Overlay(page_id, (70, 40, 20, 10), None, nested),
        Overlay(page_id, (0, 0, 9, 9), None, b"<svg/>"),
        Overlay(page_id, (0, 0, 9, 9), None, b"PK\x03\x04 broken"),
        Overlay("77", (0, 0, 9, 9), None, picture()),
    ]
    document = draw_ofd(data, overlays=overlays)
    page = shown(document.pdf)
    assert (at(page, 20, 20), at(page, 42, 20), at(page, 50, 20)) == (RED, RED, GREEN)
    assert (at(page, 75, 20), at(page, 85, 20), at(page, 75, 45), at(page, 5, 5)) == (BLUE, GREEN, BLUE, GREEN)
    assert [(o.page, o.what, o.detail) for o in document.omissions] == [
        (1, "picture", "cannot be decoded"),
        (1, "overlay", "no document with a page"),
        (0, "overlay", "page missing"),
    ]


def _pages_of(data: bytes) -> list[str]:
    from standards.gbt33190_ofd.container import Container
    from standards.gbt33190_ofd.graph import Graph

    return list(Graph(Container(data)).bodies[0].pages)


def test_limits_leave_the_rest_out_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    many = square(0, 0, 9) * 5
    text = '<o:TextObject Boundary="0 0 9 9"><o:TextCode>abcd</o:TextCode></o:TextObject>'
    monkeypatch.setattr(canvas_module, "MAX_UNITS", 3)
    assert ("left-out", "limit") in what(drawn(many)[0])
    monkeypatch.setattr(canvas_module, "MAX_UNITS", 100)
    monkeypatch.setattr(canvas_module, "MAX_CHARACTERS", 3)
    assert ("left-out", "limit") in what(drawn(text)[0])
    monkeypatch.setattr(canvas_module, "MAX_CHARACTERS", 100)
    monkeypatch.setattr(canvas_module, "MAX_POINTS", 3)
    assert ("left-out", "PathObject") in what(drawn(many)[0])
    assert ("left-out", "limit") in what(drawn(text)[0])
    monkeypatch.setattr(canvas_module, "MAX_FONTS", 0)
    assert ("left-out", "limit") in what(draw_ofd(ours(Text(font(), 5, 5, 10, TEXT))))
    monkeypatch.setattr(canvas_module, "MAX_PICTURES_PIXELS", 63)
    refused = draw_ofd(ours(Image(picture(), 0, 0, 5, 5)))
    assert [(o.what, o.detail) for o in refused.omissions] == [("picture", "too many pixels")]
    monkeypatch.setattr(omissions_module, "MAX_OMISSIONS", 1)
    listed = drawn(*(unit for unit, _ in MISSING[:4]))[0].omissions
    assert (len(listed), listed[-1].what, listed[-1].count) == (2, "more", 3)
    monkeypatch.setattr(draw_module, "MAX_PAGES", 1)
    two = write_ofd(Document("0" * 32, [Page(9, 9, []), Page(9, 9, [])]))
    assert ("left-out", "limit") in what(draw_ofd(two))


def test_a_document_without_pages_and_one_with_two_documents() -> None:
    with pytest.raises(MalformedError) as refused:
        draw_ofd(ours(), pages=[2])
    assert refused.value.code == "OFD_PAGES_MISSING"
    with pytest.raises(MalformedError) as refused:
        draw_ofd(pack({"other": b""}))
    assert refused.value.code == "OFD_ENTRY_MISSING"
    plain = files(layer(square(0, 0, 9)))
    plain["OFD.xml"] = plain["OFD.xml"].replace(
        b"</o:DocBody>", b"</o:DocBody><o:DocBody><o:DocRoot>Doc_1/Document.xml</o:DocRoot></o:DocBody>"
    )
    plain["Doc_1/Document.xml"] = plain["Doc_0/Document.xml"]
    assert ("left-out", "document") in what(draw_ofd(pack(plain)))


@given(
    st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    st.floats(0.1, 40),
    st.floats(0.1, 40),
    st.floats(-180, 180),
    st.booleans(),
    st.booleans(),
)
def test_arcs_end_where_they_are_told_and_keep_to_their_ellipse(
    start: tuple[float, float], end: tuple[float, float], rx: float, ry: float, turn: float, large: bool, clockwise: bool
) -> None:
    operators, _ = path_operators(f"M {start[0]} {start[1]} A {rx} {ry} {turn} {int(large)} {int(clockwise)} {end[0]} {end[1]}", 1000)
    rows = [[float(word) for word in row.split()[:-1]] for row in operators.split("\n")]
    assert rows[-1][-2:] == pytest.approx(end, abs=0.0001)
    if math.dist(start, end) < 0.5:
        return
    curves = [(before[-2:], after) for before, after in pairwise(rows) if len(after) == 6]
    middles = [[(a[i] + 3 * p[i] + 3 * p[i + 2] + p[i + 4]) / 8 for i in (0, 1)] for a, p in curves]
    points = [row[-2:] for row in rows] + middles
    # All of them lie on one ellipse with these half axes (or larger ones of the same shape): brought back to a circle, some centre is as
    # far from all of them
    angle = math.radians(turn)
    back = [((math.cos(angle) * x + math.sin(angle) * y) / rx, (math.cos(angle) * y - math.sin(angle) * x) / ry) for x, y in points]
    (x0, y0), (x1, y1), (x2, y2) = back[0], back[len(rows) - 1], back[len(rows)]
    d = 2 * (x0 * (y1 - y2) + x1 * (y2 - y0) + x2 * (y0 - y1))
    if abs(d) < 0.01:
        return
    centre_x = ((x0**2 + y0**2) * (y1 - y2) + (x1**2 + y1**2) * (y2 - y0) + (x2**2 + y2**2) * (y0 - y1)) / d
    centre_y = ((x0**2 + y0**2) * (x2 - x1) + (x1**2 + y1**2) * (x0 - x2) + (x2**2 + y2**2) * (x1 - x0)) / d
    radius = math.dist((centre_x, centre_y), back[0])
    # Coordinates are written with four decimals: on a flat ellipse that is a larger part of the shorter axis, and the centre is found from
    # three of them
    rounding = 0.0001 / min(rx, ry) * max(1.0, 10 / abs(d))
    assert radius >= 0.99 - rounding
    for point in back:
        assert math.dist((centre_x, centre_y), point) == pytest.approx(radius, rel=0.02, abs=0.02 + rounding)


def test_flat_arcs_are_lines_and_too_many_points_are_refused() -> None:
    assert path_operators("M 0 0 A 0 5 0 0 1 9 9", 9)[0] == "0 0 m\n9 9 l"
    assert path_operators("L 1 1 C L 2 2", 9)[0] == "0 0 m\n1 1 l\nh\n0 0 m\n2 2 l"
    assert path_operators("M 0 0 Q 3 0 3 3", 9)[0] == "0 0 m\n2 0 3 1 3 3 c"
    with pytest.raises(PathError):
        path_operators("M 0 0 L 1 1", 1)
    with pytest.raises(PathError):
        path_operators("M 0 1e9", 9)


def test_short_forms_of_distances_are_bounded() -> None:
    assert steps("1 g 3 2.5 x g -1 4 g") == [1, 2.5, 2.5, 2.5, 0]
    assert len(steps("g 1e6 1", 50)) == 50
    assert steps("1 2 3", 2) == [1, 2]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_documents_raise_nothing_but_what_is_documented(data: st.DataObject) -> None:
    whole = bytearray(b"".join(()) or ours(Text(font(), 5, 5, 10, TEXT), Image(picture(), 60, 10, 10, 10), line(0, 0, 9, 9)))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        document = draw_ofd(bytes(whole))
    except TrustError as refused:
        assert refused.code.startswith("OFD_")
        return
    assert shown(document.pdf).size[0] > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40))
def test_damaged_fonts_and_pictures_never_stop_a_page(seed: int, count: int) -> None:
    import random

    chance = random.Random(seed)
    cut = bytearray(cut_face(brought_face(), TEXT).truetype)
    image = bytearray(picture("PNG", "RGBA", (1, 2, 3, 4), (30, 30)))
    for _ in range(count):
        cut[chance.randrange(len(cut))] = chance.randrange(256)
        image[chance.randrange(8, len(image))] = chance.randrange(256)
    resources = (
        '<o:Fonts><o:Font ID="4"><o:FontFile>f</o:FontFile></o:Font></o:Fonts>'
        '<o:MultiMedias><o:MultiMedia ID="5"><o:MediaFile>p</o:MediaFile></o:MultiMedia></o:MultiMedias>'
    )
    text = f'<o:TextObject Boundary="0 0 100 60" Font="4" Size="4"><o:TextCode X="5" Y="9">{TEXT}</o:TextCode></o:TextObject>'
    units = text + '<o:ImageObject Boundary="10 10 20 20" ResourceID="5"/>' + square(50, 30, 10)
    _, page = drawn(units, resources=resources, extra={"Doc_0/f": bytes(cut), "Doc_0/p": bytes(image)})
    assert at(page, 55, 35) == RED
