"""Drawn documents, looked at through PDFium: what stands where, and what is said to be missing."""

from __future__ import annotations

from datetime import date

import pytest

from service_kit.ofd_drawing.draw import draw_ofd
from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import Style, brought_face, find_face, system_faces
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
from tests.standards.gbt33190_ofd.archives import pack

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
