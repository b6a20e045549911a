"""``python -m docs.generators.seal_sheet``: the sheet of all kinds of seals in docs/images, for people to look at.

Needs fonts-noto-core (Mongolian) and fonts-noto-cjk (Song). All names are invented; no reader of Mongolian has checked the samples.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from docs.generators.clause_matrix import PROJECT
from seal_service.pictures.design import Arrangement, Centre, SealDesign, Shape, Typeface
from seal_service.pictures.draw_seal import draw_seal
from seal_service.render import draw_picture
from service_kit.typefaces.faces import brought_file

TARGET: Final = PROJECT / "docs" / "images" / "seal-sheet.png"
DPI: Final = 200
WIDTH: Final = 1760
MARGIN: Final = 40
GAP: Final = 36
CAPTION: Final = 56

NAME: Final = "呼伦贝尔市政务服务演示中心"
CODE: Final = "15070000000001"
MONGOLIAN: Final = "ᠬᠥᠯᠥᠨ ᠪᠤᠶᠢᠷ ᠬᠣᠲᠠ\u202fᠶᠢᠨ ᠵᠠᠰᠠᠭ\u202fᠤᠨ ᠦᠢᠯᠡᠴᠢᠯᠡᠭᠡᠨ\u202fᠦ ᠲᠥᠪ"
PERSON: Final = "ᠵᠠᠩ ᠰᠠᠨ"

ROWS: Final[tuple[tuple[tuple[str, SealDesign], ...], ...]] = (
    (
        ("部门 department, 42", SealDesign(Shape.ROUND, NAME, 42, 42, code=CODE, typeface=Typeface.SONG)),
        ("旗县政府 government, 45", SealDesign(Shape.ROUND, "样例旗人民政府", 45, 45, centre=Centre.EMBLEM, typeface=Typeface.SONG)),
        ("专用章 purpose, 42", SealDesign(Shape.ROUND, NAME, 42, 42, purpose="业务专用章", code=CODE)),
        ("企业 enterprise, 40", SealDesign(Shape.ROUND, "样例有限公司", 40, 40, code=CODE[:13])),
    ),
    (
        ("内外环 rings, 45", SealDesign(Shape.ROUND, NAME, 45, 45, Arrangement.RINGS, MONGOLIAN, code=CODE, typeface=Typeface.SONG)),
        ("内外环 rings, 42", SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.RINGS, MONGOLIAN, purpose="业务专用章", code=CODE)),
        ("上下半环 halves, 45", SealDesign(Shape.ROUND, NAME, 45, 45, Arrangement.HALVES, MONGOLIAN, code=CODE, typeface=Typeface.SONG)),
        ("上下半环 halves, 42", SealDesign(Shape.ROUND, NAME, 42, 42, Arrangement.HALVES, MONGOLIAN, purpose="业务专用章")),
    ),
    (
        ("发票 invoice, 40×30", SealDesign(Shape.OVAL, "样例有限公司", 40, 30, centre_text="91150700MA0N123456", purpose="发票专用章")),
        ("合同 contract, 45×30", SealDesign(Shape.OVAL, "呼伦贝尔市样例有限公司", 45, 30, purpose="合同专用章", code=CODE)),
        ("税务 tax, 30×20", SealDesign(Shape.OVAL, "国家税务总局样例税务局", 30, 20)),
        (
            "双文 bilingual, 45×30",
            SealDesign(Shape.OVAL, "呼伦贝尔市样例中心", 45, 30, Arrangement.HALVES, "ᠬᠥᠯᠥᠨ ᠪᠤᠶᠢᠷ ᠬᠣᠲᠠ\u202fᠶᠢᠨ ᠲᠥᠪ", purpose="合同专用章"),
        ),
    ),
    (
        ("20", SealDesign(Shape.SQUARE, "张三", 20, 20, purpose="之印")),
        ("20", SealDesign(Shape.SQUARE, "王小明", 20, 20, purpose="印", typeface=Typeface.SONG)),
        ("18", SealDesign(Shape.SQUARE, "欧阳样例", 18, 18)),
        ("18", SealDesign(Shape.SQUARE, "张三", 18, 18)),
        ("24×10", SealDesign(Shape.RECTANGLE, "王小明", 24, 10, purpose="印")),
        ("10×24", SealDesign(Shape.RECTANGLE, "王小明", 10, 24, purpose="印")),
        ("22", SealDesign(Shape.SQUARE, "张三", 22, 22, Arrangement.COLUMN, PERSON, purpose="之印")),
        ("12×26", SealDesign(Shape.RECTANGLE, "张三", 12, 26, Arrangement.COLUMN, PERSON, purpose="之印")),
    ),
    (
        ("收文 60×24", SealDesign(Shape.RECTANGLE, NAME, 60, 24, purpose="收文专用章", code=CODE)),
        ("双文 bilingual, 60×30", SealDesign(Shape.RECTANGLE, NAME, 60, 30, Arrangement.COLUMN, MONGOLIAN, purpose="收文专用章")),
        (
            "双文 bilingual, 40",
            SealDesign(Shape.SQUARE, NAME, 40, 40, Arrangement.COLUMN, MONGOLIAN, purpose="业务专用章", typeface=Typeface.SONG),
        ),
    ),
)


def draw() -> bytes:
    """PNG bytes of the sheet: rows of seals in true proportion, each with its kind and size in millimetres."""
    font = ImageFont.truetype(str(brought_file()), 22)
    font.set_variation_by_axes([500])
    pictures = [[(caption, _open(design)) for caption, design in row] for row in ROWS]
    height = MARGIN * 2 + sum(max(image.height for _, image in row) + CAPTION + GAP for row in pictures)
    sheet = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(sheet)
    y = MARGIN
    for row in pictures:
        tallest = max(image.height for _, image in row)
        space = (WIDTH - 2 * MARGIN - sum(image.width for _, image in row)) / max(1, len(row) - 1)
        x = float(MARGIN)
        for caption, image in row:
            sheet.paste(image, (round(x), y + (tallest - image.height) // 2), image)
            pen.text((x + image.width / 2, y + tallest + 14), caption, "#333333", font=font, anchor="mt")
            x += image.width + space
        y += tallest + CAPTION + GAP
    pen.text(
        (MARGIN, height - MARGIN),
        "样例，无法律效力；蒙古文未经通晓者校核。 Samples without legal effect; millimetres.",
        "#777777",
        font=font,
        anchor="lm",
    )
    out = io.BytesIO()
    sheet.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _open(design: SealDesign) -> Image.Image:
    return Image.open(io.BytesIO(draw_picture(draw_seal(design), dpi=DPI))).convert("RGBA")


def main() -> None:
    """Write the sheet."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(draw())


if __name__ == "__main__":
    main()
