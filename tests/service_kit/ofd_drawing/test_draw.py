"""Drawn documents, looked at through PDFium: what stands where, and what is said to be missing."""

from __future__ import annotations

import math
from datetime import date
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
from service_kit.typefaces.faces import Style, brought_face, find_face, system_faces
from standards.errors import MalformedError, TrustError
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import Annotation, Document, Font, Image, Page, Path, Template, Text, line, rectangle
from tests.optional import need
from tests.service_kit.ofd_drawing.pages import (
    BLACK,
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
    text_of,
    what,
)
from tests.standards.gbt33190_ofd.archives import Entry, archive, pack
from tests.standards.gbt33190_ofd.parts import part

TEXT = "呼伦贝尔市 政务服务 A1"
OWN = "GB/T 33190-2016 7 to 13: pages as we draw them"
MONGOLIAN = "ᠮᠣᠩᠭᠣᠯ"


def font(text: str = TEXT) -> Font:
    cut = cut_face(brought_face(), text)
    return Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em, cut.ascent_em, cut.descent_em)


def ours(*items: Text | Path | Image, **more: object) -> bytes:
    return write_ofd(Document("0" * 32, [Page(100, 60, items, **more)]))  # type: ignore[arg-type]


@pytest.mark.clause(OWN)
def test_our_own_documents_are_drawn_whole() -> None:
    template = Template("t", 100, 60, [rectangle(0, 0, 100, 60, stroke=None, fill=(255, 255, 0))])
    front = Template("f", 100, 60, [rectangle(90, 50, 10, 10, stroke=None, fill=BLACK)], is_foreground=True)
    data = write_ofd(
        Document(
            "0" * 32,
            [
                Page(
                    100,
                    60,
                    [
                        Text(font(), 5, 5, 10, TEXT),
                        Image(picture(), 60, 10, 10, 10),
                        Image(picture("JPEG", colour=BLUE), 75, 10, 10, 10),
                        rectangle(5, 20, 20, 10, stroke=BLUE, fill=GREEN, line_width_mm=2),
                        line(5, 50, 60, 50, width_mm=2, colour=RED),
                        rectangle(85, 45, 15, 15, stroke=None, fill=RED),
                    ],
                    [template, front],
                    [Annotation("Stamp", 40, 20, 10, 10, [rectangle(0, 0, 50, 50, stroke=None, fill=BLACK)], "tests", date(2026, 11, 20))],
                ),
                Page(30, 40, []),
            ],
        )
    )
    document = draw_ofd(data)
    assert (document.omissions, document.page_count, document.pages) == ((), 2, (1, 2))
    page = shown(document.pdf)
    assert page.size == (400, 240)
    assert at(page, 65, 15) == RED
    assert at(page, 80, 15)[2] > 240
    assert (at(page, 5, 25), at(page, 15, 25), at(page, 30, 50)) == (BLUE, GREEN, RED)
    assert (at(page, 45, 25), at(page, 52, 25)) == (BLACK, (255, 255, 0))  # the annotation is cut at its boundary
    assert (at(page, 87, 47), at(page, 95, 55)) == (RED, BLACK)
    assert shown(document.pdf, 1).size == (120, 160)
    assert text_of(document.pdf).strip() == TEXT
    assert document.pdf == draw_ofd(data).pdf
    assert draw_ofd(data, pages=[2, 9]).pages == (2,)


def ink(text: Text) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the ink of one text, in millimetres."""
    image = shown(draw_ofd(ours(text)).pdf).convert("L").point(lambda value: 255 if value < 128 else 0)
    found = image.getbbox()
    assert found is not None
    left, top, right, bottom = found
    return left / 4, top / 4, right / 4, bottom / 4


@pytest.mark.clause("GB/T 33190-2016 11 text")
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_glyphs_stand_where_they_were_told_in_every_direction(turn: float) -> None:
    left, top, right, bottom = ink(Text(font("口"), 10, 50, 30, "口口", turn=turn))
    # Two square glyphs from (50, 30): along the line from 0 to 20, above the base line by up to 9
    along = {0: (left - 50, right - 50), 90: (top - 30, bottom - 30), 180: (50 - right, 50 - left), 270: (30 - bottom, 30 - top)}[int(turn)]
    above = {0: (30 - bottom, 30 - top), 90: (left - 50, right - 50), 180: (top - 30, bottom - 30), 270: (50 - right, 50 - left)}[int(turn)]
    assert 0 <= along[0] < 3
    assert 17 < along[1] <= 20
    assert -1.5 < above[0] < 2
    assert 6 < above[1] < 9.5


def test_every_glyph_of_a_large_text_gets_a_slot_and_stays_searchable() -> None:
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 600)]
    rows = ["".join(characters[at : at + 30]) for at in range(0, 600, 30)]
    data = ours(*[Text(font("".join(characters)), 2, 5, 5 + 2.5 * index, row) for index, row in enumerate(rows)])
    document = draw_ofd(data)
    assert document.omissions == ()
    assert "".join(text_of(document.pdf).split()) == "".join(characters)


@pytest.mark.clause("GB/T 33190-2016 11.4 glyph transforms")
def test_a_column_of_mongolian_is_joined_and_searchable() -> None:
    need("Noto Sans Mongolian", [face for face in system_faces() if face.style is Style.MONGOLIAN], "install fonts-noto-core")
    cut = cut_face(find_face(MONGOLIAN, Style.MONGOLIAN), "", runs=[MONGOLIAN])
    face = Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em)
    document = draw_ofd(ours(Text(face, 10, 50, 5, MONGOLIAN, turn=90, glyphs=cut.runs[MONGOLIAN])))
    assert document.omissions == ()
    assert text_of(document.pdf).strip() == MONGOLIAN
    page = shown(document.pdf).convert("L")
    inked = [y for y in range(page.height) if min(page.crop((0, y, page.width, y + 1)).tobytes()) < 128]
    assert inked == list(range(inked[0], inked[-1] + 1))  # the stem is nowhere broken
    assert len(inked) / 4 > 20


def test_other_ways_of_stating_places() -> None:
    """DeltaY, distances by glyph, a place carried over from the last TextCode, turned characters, no distances at all."""
    cut = cut_face(brought_face(), "口")
    number = cut.glyphs["口"]
    resources = '<o:Fonts><o:Font ID="4" FontName="T"><o:FontFile>f.ttf</o:FontFile></o:Font></o:Fonts>'
    text = (
        '<o:TextObject Boundary="0 0 100 60" Font="4" Size="8" {}>{}</o:TextObject>'.format(
            "",
            '<o:TextCode X="5" Y="10" DeltaX="0" DeltaY="20">口口</o:TextCode><o:TextCode X="20">口</o:TextCode>',
        )
        + '<o:TextObject Boundary="0 0 100 60" Font="4" Size="8">'
        f'<o:CGTransform CodePosition="1" CodeCount="3" GlyphCount="2"><o:Glyphs>{number} {number}</o:Glyphs></o:CGTransform>'
        '<o:TextCode X="40" Y="10" DeltaX="g 2 10">口口口口</o:TextCode></o:TextObject>'
        '<o:TextObject Boundary="0 0 100 60" Font="4" Size="8" CharDirection="90"><o:TextCode X="40" Y="30">口</o:TextCode></o:TextObject>'
        '<o:TextObject Boundary="0 0 100 60" Font="4" Size="8"><o:TextCode X="60" Y="50">口口</o:TextCode></o:TextObject>'
    )
    document, page = drawn(text, resources=resources, extra={"Doc_0/f.ttf": cut.truetype})
    assert document.omissions == ()

    def has_ink(x: float, y: float) -> bool:
        spot = page.convert("L").crop((round(x * 4), round(y * 4), round((x + 8) * 4), round((y + 8) * 4)))
        return min(spot.tobytes()) < 100

    expected = {(5, 3): True, (5, 23): True, (20, 23): False, (20, 3): True, (40, 3): True, (50, 3): True, (60, 3): True, (70, 3): False}
    expected |= {(40, 31): True, (60, 43): True, (68, 43): True, (76, 43): False}
    assert {place: has_ink(*place) for place in expected} == expected


def test_text_without_its_font_is_drawn_with_another_and_that_is_said() -> None:
    text = (
        '<o:TextObject Boundary="0 0 100 60" Font="4" Size="8"><o:TextCode X="5" Y="20" DeltaX="8">口\U0001f600</o:TextCode></o:TextObject>'
    )
    for resources, extra in (
        ("", {}),
        ('<o:Fonts><o:Font ID="4" FontName="宋体"/></o:Fonts>', {}),
        ('<o:Fonts><o:Font ID="4" FontName="x"><o:FontFile>f.ttf</o:FontFile></o:Font></o:Fonts>', {"Doc_0/f.ttf": b"no font at all"}),
    ):
        document, page = drawn(text, resources=resources, extra=extra)
        assert what(document) == {("replaced", "font"), ("left-out", "glyph")}
        assert page.convert("L").getextrema()[0] < 100  # type: ignore[operator]
        assert next(o.detail for o in document.omissions if o.what == "glyph") == "U+1F600"


@pytest.mark.clause("GB/T 33190-2016 9 paths")
def test_arcs_draw_params_layers_and_blocks() -> None:
    resources = (
        '<o:DrawParams><o:DrawParam ID="20" LineWidth="4"><o:StrokeColor Value="0 0 255"/></o:DrawParam>'
        '<o:DrawParam ID="21" Relative="20" Cap="Round" Join="Bevel" DashPattern="5 9" DashOffset="1"/></o:DrawParams>'
    )
    back = layer(square(0, 0, 30), "Background")
    middle = layer(
        '<o:PathObject Boundary="40 0 60 30"><o:AbbreviatedData>M 5 15 L 55 15</o:AbbreviatedData></o:PathObject>', more='DrawParam="20"'
    )
    front = layer(square(10, 10, 10, "0 255 0"), "Foreground")
    circle = (
        '<o:PathObject Boundary="0 30 30 30" Stroke="false" Fill="true" Rule="Even-Odd"><o:FillColor Value="0 0 0"/>'
        "<o:AbbreviatedData>S 5 15 A 10 10 0 0 1 25 15 A 10 10 0 1 1 5 15 C M 10 15 A 5 5 0 0 0 20 15 A 5 5 0 0 0 10 15 C</o:AbbreviatedData></o:PathObject>"
    )
    block = f'<o:PageBlock><o:PageBlock>{square(40, 40, 10)}</o:PageBlock></o:PageBlock><o:PathObject Boundary="60 40 40 10" DrawParam="21"><o:AbbreviatedData>M 0 5 L 40 5</o:AbbreviatedData></o:PathObject>'
    content = layer(circle + block)
    document = draw_ofd(pack(files(front + middle + content + back, resources)))
    page = shown(document.pdf)
    assert document.omissions == ()
    assert (at(page, 5, 5), at(page, 15, 15), at(page, 70, 15), at(page, 45, 45)) == (RED, GREEN, BLUE, RED)
    assert (at(page, 7, 45), at(page, 15, 45), at(page, 15, 54), at(page, 2, 32)) == (BLACK, WHITE, BLACK, WHITE)
    assert BLUE in [at(page, x, 45) for x in range(65, 95)]
    assert WHITE in [at(page, x / 4, 45) for x in range(260, 380)]


@pytest.mark.clause("GB/T 33190-2016 13 composite units")
def test_composites_clips_colours_and_opacity() -> None:
    resources = (
        '<o:ColorSpaces><o:ColorSpace ID="30" Type="CMYK"/><o:ColorSpace ID="31" Type="GRAY"/></o:ColorSpaces>'
        f'<o:CompositeGraphicUnits><o:CompositeGraphicUnit ID="40" Width="20" Height="20"><o:Content>{square(0, 0, 5)}</o:Content>'
        "</o:CompositeGraphicUnit></o:CompositeGraphicUnits>"
    )
    composite = '<o:CompositeObject Boundary="10 10 20 20" CTM="2 0 0 2 0 0" ResourceID="40"/>'
    clip = '<o:Clips><o:Clip><o:Area><o:Path Boundary="5 0 5 10"><o:AbbreviatedData>M 0 0 L 5 0 L 5 10 L 0 10 C</o:AbbreviatedData></o:Path></o:Area></o:Clip></o:Clips>'
    clipped = square(40, 10, 10).replace("<o:FillColor", clip + "<o:FillColor", 1)
    cyan = square(60, 10, 10, "255 0 0 0").replace('Value="255 0 0 0"', 'Value="255 0 0 0" ColorSpace="30"')
    grey = square(75, 10, 10, "128").replace('Value="128"', 'Value="128" ColorSpace="31"')
    faint = square(10, 40, 10, more='Alpha="128"')
    hidden = square(30, 40, 10, more='Visible="false"')
    wide = square(50, 40, 10).replace("L 10 0 L 10 10", "L 40 0 L 40 10")  # drawn beyond its boundary
    document, page = drawn(composite, clipped, cyan, grey, faint, hidden, wide, resources=resources)
    assert document.omissions == ()
    assert (at(page, 15, 15), at(page, 19, 19), at(page, 22, 22)) == (RED, RED, WHITE)
    assert (at(page, 42, 15), at(page, 47, 15), at(page, 52, 15)) == (WHITE, RED, WHITE)
    assert at(page, 65, 15)[0] < 60
    assert at(page, 80, 15) == (128, 128, 128)
    assert at(page, 15, 45)[1] == pytest.approx(127, abs=2)
    assert (at(page, 35, 45), at(page, 55, 45), at(page, 65, 45)) == (WHITE, RED, WHITE)


@pytest.mark.clause("GB/T 33190-2016 10 pictures")
@pytest.mark.parametrize(
    ("kind", "mode", "colour", "expected"),
    [
        ("PNG", "RGB", RED, RED),
        ("PNG", "RGBA", (255, 0, 0, 0), WHITE),
        ("PNG", "LA", (0, 255), BLACK),
        ("PNG", "P", 0, BLACK),
        ("PNG", "1", 0, BLACK),
        ("PNG", "I;16", 0, BLACK),
        ("JPEG", "L", 0, BLACK),
        ("JPEG", "CMYK", (0, 0, 0, 0), WHITE),
        ("BMP", "RGB", BLUE, BLUE),
        ("GIF", "P", 0, BLACK),
        ("TIFF", "RGB", GREEN, GREEN),
    ],
)
def test_pictures_of_every_kind(kind: str, mode: str, colour: object, expected: tuple[int, ...]) -> None:
    resources = '<o:MultiMedias><o:MultiMedia ID="5" Type="Image"><o:MediaFile>p</o:MediaFile></o:MultiMedia></o:MultiMedias>'
    image = '<o:ImageObject Boundary="10 10 20 20" ResourceID="5"/>'
    document, page = drawn(image, image, resources=resources, extra={"Doc_0/p": picture(kind, mode, colour)})
    assert document.omissions == ()
    assert at(page, 20, 20) == expected
    assert at(page, 35, 20) == WHITE


def test_a_picture_stands_upright() -> None:
    from PIL import Image as Pillow

    two = Pillow.new("RGB", (2, 2), WHITE)
    two.putpixel((0, 0), RED)
    two.putpixel((1, 1), BLUE)
    import io

    out = io.BytesIO()
    two.resize((40, 40), Pillow.Resampling.NEAREST).save(out, "PNG")
    page = shown(draw_ofd(ours(Image(out.getvalue(), 10, 10, 20, 20), Image(out.getvalue(), 50, 10, 20, 20, turn=90))).pdf)
    assert (at(page, 14, 14), at(page, 26, 14), at(page, 14, 26), at(page, 26, 26)) == (RED, WHITE, WHITE, BLUE)
    assert (at(page, 54, 14), at(page, 66, 14), at(page, 54, 26), at(page, 66, 26)) == (WHITE, RED, BLUE, WHITE)


MISSING = [
    ('<o:VideoObject Boundary="0 0 9 9"/>', ("left-out", "VideoObject")),
    ("<o:PathObject/>", ("left-out", "PathObject")),
    ('<o:PathObject Boundary="0 0 9 9"><o:AbbreviatedData>M 0 0 X</o:AbbreviatedData></o:PathObject>', ("left-out", "PathObject")),
    ('<o:PathObject Boundary="0 0 9 9"><o:AbbreviatedData>M 0</o:AbbreviatedData></o:PathObject>', ("left-out", "PathObject")),
    ('<o:PathObject Boundary="0 0 9 9"><o:AbbreviatedData>M a b</o:AbbreviatedData></o:PathObject>', ("left-out", "PathObject")),
    ('<o:PathObject Boundary="0 0 9 9"><o:AbbreviatedData>M 0 0<o:x/></o:AbbreviatedData></o:PathObject>', ("left-out", "PathObject")),
    ('<o:PathObject Boundary="0 0 9 9"><o:StrokeColor><o:AxialShd/></o:StrokeColor></o:PathObject>', ("left-out", "AxialShd")),
    ('<o:PathObject Boundary="0 0 9 9"><o:StrokeColor Index="3"/></o:PathObject>', ("left-out", "colour")),
    ('<o:PathObject Boundary="0 0 9 9"><o:StrokeColor Value="1 2"/></o:PathObject>', ("left-out", "colour")),
    ('<o:ImageObject Boundary="0 0 9 9" ResourceID="77"/>', ("left-out", "picture")),
    ('<o:ImageObject Boundary="0 0 9 9" ResourceID="5" ImageMask="6"/>', ("left-out", "ImageMask")),
    ('<o:ImageObject Boundary="0 0 9 9" ResourceID="5"><o:Border/></o:ImageObject>', ("left-out", "Border")),
    ('<o:ImageObject Boundary="0 0 9 9" ResourceID="6"/><o:ImageObject Boundary="0 0 9 9" ResourceID="6"/>', ("left-out", "picture")),
    ('<o:CompositeObject Boundary="0 0 9 9" ResourceID="77"/>', ("left-out", "CompositeObject")),
    ('<o:CompositeObject Boundary="0 0 9 9" ResourceID="40" Alpha="9"/>', ("replaced", "CompositeObject")),
    (square(0, 0, 9).replace("<o:Fill", "<o:Clips><o:Clip><o:Area/><o:Area/></o:Clip></o:Clips><o:Fill", 1), ("replaced", "clip")),
    (
        '<o:TextObject Boundary="0 0 9 9"><o:TextCode>a<o:b/></o:TextCode><o:TextCode X="1">a</o:TextCode></o:TextObject>',
        ("replaced", "font"),
    ),
    ('<o:PathObject Boundary="0 0 9 9" DrawParam="99"><o:StrokeColor Value="x"/></o:PathObject>', ("left-out", "colour")),
    ("<o:PageBlock>" * 10 + "</o:PageBlock>" * 10, ("left-out", "limit")),
    ('<o:TextObject Boundary="0 0 9 9" Stroke="true"><o:TextCode>a</o:TextCode></o:TextObject>', ("replaced", "text outline")),
    ('<o:TextObject Boundary="0 0 9 9" Italic="true"><o:TextCode>a</o:TextCode></o:TextObject>', ("replaced", "text italic")),
    ('<o:TextObject Boundary="0 0 9 9" Weight="700"><o:TextCode>a</o:TextCode></o:TextObject>', ("replaced", "text weight")),
]


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
    assert radius >= 0.99
    for point in back:
        assert math.dist((centre_x, centre_y), point) == pytest.approx(radius, rel=0.02, abs=0.02)


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
