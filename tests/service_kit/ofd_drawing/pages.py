"""Documents to be drawn: parts written by hand, with what our own writer does not write."""

from __future__ import annotations

import io

from PIL import Image
from pypdfium2 import PdfDocument

from service_kit.ofd_drawing.draw import DrawnDocument, draw_ofd
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import body, entry, part

PIXELS_PER_MM = 4
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def picture(kind: str = "PNG", mode: str = "RGB", colour: object = RED, size: tuple[int, int] = (8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind)  # type: ignore[arg-type]
    return out.getvalue()


def square(x: float, y: float, side: float, colour: str = "255 0 0", more: str = "") -> str:
    """A filled square at a place of the page."""
    return (
        f'<o:PathObject Boundary="{x} {y} {side} {side}" Stroke="false" Fill="true" {more}><o:FillColor Value="{colour}"/>'
        f"<o:AbbreviatedData>M 0 0 L {side} 0 L {side} {side} L 0 {side} C</o:AbbreviatedData></o:PathObject>"
    )


def files(
    content: str,
    resources: str = "",
    *,
    area: str = "0 0 100 60",
    common: str = "",
    after: str = "",
    before: str = "",
    extra: dict[str, bytes] | None = None,
) -> dict[str, bytes]:
    """One page of 100 by 60 mm with this content (layers) and these resources."""
    document = (
        f"<o:CommonData><o:PageArea><o:PhysicalBox>{area}</o:PhysicalBox></o:PageArea><o:PublicRes>Res.xml</o:PublicRes>{common}</o:CommonData>"
        f'<o:Pages><o:Page ID="1" BaseLoc="Page.xml"/></o:Pages>{after}'
    )
    return {
        "OFD.xml": entry(body()),
        "Doc_0/Document.xml": part("Document", document),
        "Doc_0/Res.xml": part("Res", resources),
        "Doc_0/Page.xml": part("Page", f"{before}<o:Content>{content}</o:Content>"),
        **(extra or {}),
    }


def layer(units: str, kind: str = "Body", more: str = "") -> str:
    return f'<o:Layer ID="9" Type="{kind}" {more}>{units}</o:Layer>'


def drawn(*content: str, **options: object) -> tuple[DrawnDocument, Image.Image]:
    """A page with these units drawn, and its picture at four pixels for a millimetre."""
    document = draw_ofd(pack(files(layer("".join(content)), **options)))  # type: ignore[arg-type]
    return document, shown(document.pdf)


def shown(pdf: bytes, page: int = 0) -> Image.Image:
    opened = PdfDocument(pdf)
    try:
        image: Image.Image = opened[page].render(scale=PIXELS_PER_MM * 25.4 / 72).to_pil().convert("RGB")
        image.load()
        return image
    finally:
        opened.close()


def text_of(pdf: bytes, page: int = 0) -> str:
    opened = PdfDocument(pdf)
    try:
        words = opened[page].get_textpage()
        try:
            return str(words.get_text_range())
        finally:
            words.close()
    finally:
        opened.close()


def at(image: Image.Image, x_mm: float, y_mm: float) -> tuple[int, ...]:
    """The colour at a place of the page."""
    found = image.getpixel((round(x_mm * PIXELS_PER_MM), round(y_mm * PIXELS_PER_MM)))
    assert isinstance(found, tuple)
    return found


def what(document: DrawnDocument) -> set[tuple[str, str]]:
    return {(omission.effect, omission.what) for omission in document.omissions}
