"""Items in millimetres as one form XObject (ISO 32000-1 8.10) with the fonts and pictures it uses, packed and ready to be written.

What a layer is made of is the same for OFD (``standards.gbt33190_ofd.write_values``); values are checked there where OFD is written, and
here only where a PDF would be wrong.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from service_kit.archival_pdf.fonts import PdfFont
from service_kit.archival_pdf.packing import packed
from service_kit.archival_pdf.pictures import Picture, read_picture
from service_kit.ofd_drawing.pdf_file import real, reals
from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_values import Image, Path, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service_kit.archival_pdf.fonts import FinishedFont
    from service_kit.ofd_drawing.pdf_file import PdfFile
    from service_kit.typefaces.cut import CutFace
    from standards.gbt33190_ofd.write_values import Colour, Figure, Item

POINTS_PER_MM: Final = 72 / 25.4
VALUES_KEPT: Final = 1024  # colours and turns: a template has a few of each
_OPAQUE: Final = 255


class Layer:
    """What :func:`prepare_layer` made; may be written into any number of files."""

    __slots__ = ("_box", "_content", "_fonts", "_opacities", "_pictures")

    def __init__(
        self, box: str, content: bytes, fonts: Sequence[FinishedFont], pictures: Sequence[Picture], opacities: Sequence[str]
    ) -> None:
        self._box = box
        self._content = content
        self._fonts = fonts
        self._pictures = pictures
        self._opacities = opacities

    def write(self, pdf: PdfFile) -> int:
        """Add the objects; the number of the form."""
        fonts = "".join(f"/F{index} {font.write(pdf)} 0 R" for index, font in enumerate(self._fonts))
        pictures = "".join(
            f"/X{index} {pdf.add_stream(picture.data, picture.entries, is_packed=True)} 0 R" for index, picture in enumerate(self._pictures)
        )
        states = "".join(f"/A{index}<<{entry}>>" for index, entry in enumerate(self._opacities))
        resources = f"/Resources<</Font<<{fonts}>>/XObject<<{pictures}>>/ExtGState<<{states}>>>>"
        entries = f"/Type/XObject/Subtype/Form/BBox[{self._box}]/Matrix[{real(POINTS_PER_MM)} 0 0 {real(POINTS_PER_MM)} 0 0]{resources}"
        return pdf.add_stream(self._content, entries + "/Filter/FlateDecode", is_packed=True)


def prepare_layer(items: Sequence[Item], width_mm: float, height_mm: float, faces: Mapping[str, CutFace]) -> Layer:
    """The items of a page of this size. ``faces``: the cut faces by the names (PostScript) of the fonts that the texts name.

    :raises TrustError: ``GLYPH_MISSING`` (a character that its face was not cut with), ``PDF_PICTURE_*``.
    """
    drawing = _Drawing(height_mm, faces)
    for item in items:
        drawing.add(item)
    fonts = [font.finish() for font in drawing.fonts.values()]
    content = packed("\n".join(drawing.out).encode("ascii"))
    return Layer(f"0 0 {reals(width_mm, height_mm)}", content, fonts, list(drawing.pictures.values()), list(drawing.opacities))


class _Drawing:
    def __init__(self, height_mm: float, faces: Mapping[str, CutFace]) -> None:
        self._height = height_mm
        self._faces = faces
        self.out: list[str] = []
        self.fonts: dict[str, PdfFont] = {}
        self.pictures: dict[bytes, Picture] = {}
        self.opacities: dict[str, None] = {}

    def add(self, item: Item) -> None:
        state = self._state(item.opacity)
        if isinstance(item, Text):
            drawn = self._text(item)
        elif isinstance(item, Path):
            drawn = self._path(item)
        else:
            drawn = self._image(item)
        self.out.append(f"q {state}{drawn} Q")

    def _state(self, opacity: int) -> str:
        if opacity == _OPAQUE:
            return ""
        entry = f"/ca {real(opacity / _OPAQUE)}/CA {real(opacity / _OPAQUE)}"
        self.opacities.setdefault(entry)
        return f"/A{list(self.opacities).index(entry)} gs "

    # -- text ------------------------------------------------------------------------------------------------------------------------

    def _text(self, item: Text) -> str:
        name = item.font.name
        if name not in self.fonts:
            self.fonts[name] = PdfFont(self._faces[name])
        font = self.fonts[name]
        place = f"{_turned(item.turn)} {reals(item.x_mm, self._height - item.y_mm)} Tm"
        spacing = f"{real(item.spacing_mm)} Tc " if item.spacing_mm else ""
        shown = _plain(font, item.text) if item.glyphs is None else _shaped(font, item)
        return f"{_colour(item.colour, 'rg')} BT /F{list(self.fonts).index(name)} {real(item.size_mm)} Tf {spacing}{place} {shown} ET"

    # -- paths and pictures ----------------------------------------------------------------------------------------------------------

    def _path(self, item: Path) -> str:
        out = []
        if item.fill is not None:
            out.append(_colour(item.fill, "rg"))
        if item.stroke is not None:
            out.append(f"{_colour(item.stroke, 'RG')} {real(item.line_width_mm)} w")
            if item.dash_mm:
                out.append(f"[{reals(*item.dash_mm)}] 0 d")
        out += [self._figure(figure) for figure in item.figures]
        even_odd = "*" if item.is_even_odd and item.fill is not None else ""
        out.append(("S" if item.fill is None else "f" if item.stroke is None else "B") + even_odd)
        return " ".join(out)

    def _figure(self, figure: Figure) -> str:
        height = self._height
        x, y = figure.start
        out = [f"{reals(x, height - y)} m"]
        for piece in figure.pieces:
            points, operator = tuple(piece), "c"
            if len(piece) == 2:
                operator = "l"
            elif len(piece) == 4:  # a quadratic curve as the cubic it is
                p, q, a, b = piece
                points = (x + 2 / 3 * (p - x), y + 2 / 3 * (q - y), a + 2 / 3 * (p - a), b + 2 / 3 * (q - b), a, b)
            out.append(reals(*(height - value if index % 2 else value for index, value in enumerate(points))) + " " + operator)
            x, y = points[-2:]
        return " ".join([*out, "h"] if figure.is_closed else out)

    def _image(self, item: Image) -> str:
        if item.content not in self.pictures:
            self.pictures[item.content] = read_picture(item.content)
        index = list(self.pictures).index(item.content)
        angle = math.radians(item.turn)
        cosine, sine = _exact(math.cos(angle)), _exact(math.sin(angle))
        middle_x, middle_y = item.x_mm + item.width_mm / 2, self._height - item.y_mm - item.height_mm / 2
        a, b, c, d = cosine * item.width_mm, -sine * item.width_mm, sine * item.height_mm, cosine * item.height_mm
        return f"{reals(a, b, c, d, middle_x - (a + c) / 2, middle_y - (b + d) / 2)} cm /X{index} Do"


@lru_cache(maxsize=VALUES_KEPT)
def _turned(turn: float) -> str:
    """The first four numbers of the matrix that turns by so many degrees."""
    cosine, sine = (_exact(function(math.radians(turn))) for function in (math.cos, math.sin))
    return reals(cosine, -sine, sine, cosine)


def _exact(value: float) -> float:
    """Whole quarters of a turn without rounding errors."""
    return round(value) if abs(value - round(value)) < 1e-12 else value


@lru_cache(maxsize=VALUES_KEPT)
def _colour(colour: Colour, operator: str) -> str:
    return f"{reals(*(part / 255 for part in colour))} {operator}"


def _plain(font: PdfFont, text: str) -> str:
    try:
        return f"<{font.plain(text)}> Tj"
    except KeyError:
        glyphs = font.face.glyphs
        missing = [character for character in text if character not in glyphs]
        raise TrustError(Kind.UNACCEPTABLE, "GLYPH_MISSING", characters=f"U+{ord(missing[0]):04X}", count=len(missing)) from None


def _shaped(font: PdfFont, item: Text) -> str:
    """A shaped run: every glyph at its own place, the text of a group on its first glyph."""
    glyphs = item.glyphs or ()
    starts = sorted({glyph.first_character for glyph in glyphs})
    ends = dict(zip(starts, [*starts[1:], len(item.text)], strict=True))
    out: list[str] = []
    row: list[str] = []
    rise, pen, at = 0.0, 0.0, 0.0  # pen: where the glyph belongs; at: where the reader's pen stands, both in thousandths of an em
    spacing = item.spacing_mm / item.size_mm * 1000
    said: set[int] = set()
    for glyph in glyphs:
        if glyph.y_em != rise:
            out.append(f"[{' '.join(row)}] TJ {real(glyph.y_em * item.size_mm)} Ts")
            row, rise = [], glyph.y_em
        start = glyph.first_character
        text = "" if start in said else item.text[start : ends[start]]
        said.add(start)
        step = at - pen - glyph.x_em * 1000
        if abs(step) > 0.001:
            row.append(real(step))
            at -= step
        row.append(f"<{font.code(glyph.number, text):04X}>")
        at += font.width(glyph.number) + spacing
        pen += glyph.advance_em * 1000 + spacing
    return " ".join([*out, f"[{' '.join(row)}] TJ"])
