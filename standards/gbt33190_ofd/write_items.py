"""Text, paths and pictures as the graphic units of a page (GB/T 33190-2016 8.5, 9, 10, 11).

A reader clips every unit to its boundary, so boundaries are made wide enough for the strokes and the overhang of glyphs; a unit's own
coordinates start at the upper left corner of its boundary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_values import BLACK, Figure, Font, GlyphPlace, Image, Path, Text
from standards.gbt33190_ofd.write_xml import (
    bad_value,
    checked_line,
    checked_mm,
    distances,
    element,
    number,
    numbers,
    text_element,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standards.gbt33190_ofd.write_values import Colour, Item

MAX_TEXT_CHARACTERS: Final = 10_000  # on one line
MAX_POINTS: Final = 200_000  # of one path
SHARED_KEPT: Final = 512  # paths of templates whose XML is kept, and four times as many texts
MAX_FONT_MM: Final = 2000
MAX_LINE_MM: Final = 1000
MAX_GLYPH_NUMBER: Final = 65_535
MAX_EM: Final = 100  # advances and offsets
DEFAULT_LINE_MM: Final = 0.353  # 8.5.1
DEFAULT_MITER: Final = 3.528
_OVERHANG_EM: Final = 0.25  # what glyphs may reach out of their advances, ascent and descent
_OPAQUE: Final = 255
_GRID: Final = 100  # of a millimetre
_COMMANDS: Final = {2: "L", 4: "Q", 6: "B"}

Box = tuple[float, float, float, float]


class Resources:
    """What the units refer to: numbers of fonts and pictures, given out as they are first used; and the numbers of the units.

    ``begun``: go on behind these, which stay as they are.
    """

    def __init__(self, begun: Resources | None = None) -> None:
        self._last = 0 if begun is None else begun.last
        self.fonts: dict[str, tuple[int, Font]] = {} if begun is None else dict(begun.fonts)
        self.pictures: dict[bytes, tuple[int, str]] = {} if begun is None else dict(begun.pictures)

    @property
    def last(self) -> int:
        """The greatest number given out (MaxUnitID)."""
        return self._last

    def next(self) -> int:
        """A number no other part of the document has."""
        self._last += 1
        return self._last

    def font(self, font: Font) -> int:
        """The number of a font. Two different fonts of one name would be taken for each other by readers: ``OFD_VALUE_BAD``."""
        if font.name not in self.fonts:
            checked_line(font.name, "font name", 200, least=1)
            checked_line(font.family, "font family", 200, least=1)
            if not font.truetype.startswith((b"\x00\x01\x00\x00", b"true", b"OTTO")):
                raise bad_value("font", "a TrueType or OpenType file")
            self.fonts[font.name] = (self.next(), font)
        identifier, known = self.fonts[font.name]
        if known.truetype != font.truetype:
            raise bad_value("font name", "one font for each name")
        return identifier

    def picture(self, content: bytes) -> int:
        """The number of a picture; the same bytes are kept once."""
        if content not in self.pictures:
            if content.startswith(b"\x89PNG\r\n\x1a\n"):
                kind = "PNG"
            elif content.startswith(b"\xff\xd8\xff"):
                kind = "JPEG"
            else:
                raise bad_value("picture", "PNG or JPEG")
            self.pictures[content] = (self.next(), kind)
        return self.pictures[content][0]


def write_item(item: Item, resources: Resources, *, is_shared: bool = False) -> str:
    """One graphic unit, with a number of its own. ``is_shared``: the same object will be written again, so what it gives is remembered."""
    if isinstance(item, Text):
        checked_line(item.text, "text", MAX_TEXT_CHARACTERS, least=1)
        font = resources.font(item.font)
        inner, attributes = _shared_text(Same(item)) if is_shared else _text(item)
        return element("TextObject", inner, **(attributes | {"ID": str(resources.next()), "Font": str(font)}))
    if isinstance(item, Path):
        inner, attributes = _shared_path(Same(item)) if is_shared else _path(item)
        return element("PathObject", inner, **(attributes | {"ID": str(resources.next())}))
    return _write_image(item, resources)


def colour_element(name: str, colour: Colour) -> str:
    """CT_Color in the default colour space, RGB (8.3.2)."""
    if len(colour) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in colour):
        raise bad_value("colour", "three whole numbers 0 to 255")
    return element(name, Value=" ".join(map(str, colour)))


def _opacity(value: int) -> str | None:
    if not (isinstance(value, int) and 0 <= value <= _OPAQUE):
        raise bad_value("opacity", "0 to 255")
    return None if value == _OPAQUE else str(value)


def _turned(turn: float, x: float, y: float) -> tuple[float, float, float, float]:
    """The matrix that turns clockwise as seen (y downwards), and where it brings a point; whole quarters without rounding errors."""
    checked_mm(turn, "turn", least=-360, most=360)
    angle = math.radians(turn)
    cosine, sine = (round(value) if turn % 90 == 0 else value for value in (math.cos(angle), math.sin(angle)))
    return cosine, sine, cosine * x - sine * y, sine * x + cosine * y


def _bounds(turn: float, box: Box) -> Box:
    """Left, top, right, bottom of a box after turning about the origin."""
    left, top, right, bottom = box
    if turn == 0:
        return min(left, right), min(top, bottom), max(left, right), max(top, bottom)
    corners = [_turned(turn, x, y)[2:] for x in (left, right) for y in (top, bottom)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


@dataclass(slots=True)
class _Code:
    """One TextCode: where its first character stands from the beginning of the line, and the steps from there."""

    text: str
    x: float
    y: float
    steps: list[float]
    end: float  # where its last glyph stands


def _text(item: Text) -> tuple[str, dict[str, str | None]]:
    """What stands in a TextObject, and its attributes; its number and that of its font come later."""
    text = item.text
    size = checked_mm(item.size_mm, "font size", least=0.01, most=MAX_FONT_MM)
    spacing = checked_mm(item.spacing_mm, "spacing", least=-MAX_FONT_MM, most=MAX_FONT_MM)
    x, y = checked_mm(item.x_mm, "x"), checked_mm(item.y_mm, "y")
    if item.glyphs is None:
        steps = [advance * size + spacing for advance in _advances(item.font, text)]
        transforms, codes, width = "", [_Code(text, 0, 0, steps[:-1], 0)], sum(steps) - spacing
    else:
        transforms, codes, width = _shaped(text, item.glyphs, size, spacing)
    over = _OVERHANG_EM * size
    rise, fall = checked_mm(item.font.ascent_em, "ascent", most=MAX_EM) * size, checked_mm(item.font.descent_em, "descent") * size
    left, top, right, bottom = _bounds(item.turn, (-over, -rise - over, width + over, over - fall))
    cosine, sine, *_ = _turned(item.turn, 0, 0)
    matrix = None if item.turn == 0 else numbers(cosine, sine, -sine, cosine, -left, -top)
    shift_x, shift_y = (-left, -top) if matrix is None else (0.0, 0.0)
    written = "".join(
        text_element("TextCode", code.text, X=number(code.x + shift_x), Y=number(code.y + shift_y), DeltaX=distances(code.steps) or None)
        for code in codes
    )
    colour = "" if item.colour == BLACK else colour_element("FillColor", item.colour)
    attributes = {
        "ID": None,
        "CTM": matrix,
        "Boundary": numbers(x + left, y + top, right - left, bottom - top),
        "Alpha": _opacity(item.opacity),
        "Font": None,
        "Size": number(size),
    }
    return colour + transforms + written, attributes


def _advances(font: Font, text: str) -> list[float]:
    try:
        advances = [font.advances_em[character] for character in text]
    except KeyError as missing:
        raise TrustError(Kind.UNACCEPTABLE, "OFD_GLYPH_MISSING", character=f"U+{ord(missing.args[0]):04X}", font=font.name) from None
    for advance in set(advances):  # most characters are as wide as the others
        checked_mm(advance, "advance", least=-MAX_EM, most=MAX_EM)
    return advances


def _shaped(text: str, glyphs: Sequence[GlyphPlace], size: float, spacing: float) -> tuple[str, list[_Code], float]:
    """The glyph transforms (11.4), the TextCodes, and the width of a shaped run.

    Readers disagree whether a DeltaX belongs to characters or to glyphs where their counts differ. So a TextCode holds only pairs of one
    character and one glyph on the pen's line, or one group of several, whose place is stated outright.
    """
    starts = [glyph.first_character for glyph in glyphs]
    if not starts or len(starts) > MAX_TEXT_CHARACTERS or starts != sorted(starts) or starts[0] != 0 or starts[-1] >= len(text):
        raise bad_value("glyphs", "groups in the order of the text, the first at its beginning")
    transforms: list[tuple[int, int, list[int]]] = []  # first character, how many, their glyphs
    codes: list[_Code] = []
    pen = 0.0
    may_go_on = False
    groups = [(start, list(group)) for start, group in groupby(glyphs, lambda glyph: glyph.first_character)]
    for (start, group), (end, _) in zip(groups, [*groups[1:], (len(text), [])], strict=True):
        # 1. Where each glyph of the group stands
        places: list[tuple[float, float]] = []
        for glyph in group:
            if not 0 < glyph.number <= MAX_GLYPH_NUMBER:
                raise bad_value("glyph number", f"1 to {MAX_GLYPH_NUMBER}")
            advance, x, y = (
                checked_mm(value, "glyph place", least=-MAX_EM, most=MAX_EM) for value in (glyph.advance_em, glyph.x_em, glyph.y_em)
            )
            places.append((pen + x * size, -y * size))
            pen += advance * size
        pen += spacing

        # 2. The characters, on the line so far or at a place of their own; and which glyphs stand for them
        (x, y), characters = places[0], text[start:end]
        numbers_here = [glyph.number for glyph in group]
        is_plain = len(group) == len(characters) == 1 and y == 0
        if is_plain and may_go_on:
            codes[-1].text += characters
            codes[-1].steps.append(x - codes[-1].end)
            codes[-1].end = x
            first, count, before = transforms[-1]
            transforms[-1] = (first, count + 1, [*before, *numbers_here])
        else:
            codes.append(_Code(characters, x, y, [after[0] - before[0] for before, after in pairwise(places)], x))
            transforms.append((start, len(characters), numbers_here))
        may_go_on = is_plain
    written = "".join(
        element(
            "CGTransform",
            text_element("Glyphs", " ".join(map(str, shown))),
            CodePosition=str(first),
            CodeCount=str(count),
            GlyphCount=str(len(shown)),
        )
        for first, count, shown in transforms
    )
    return written, codes, pen - spacing


_Unit = TypeVar("_Unit")


class Same(Generic[_Unit]):
    """Something that is told from others by being the same object: comparing thousands of points would take as long as writing them."""

    __slots__ = ("unit",)

    def __init__(self, unit: _Unit) -> None:
        self.unit: _Unit = unit

    def __hash__(self) -> int:
        return id(self.unit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.unit is self.unit


@lru_cache(maxsize=4 * SHARED_KEPT)
def _shared_text(same: Same[Text]) -> tuple[str, dict[str, str | None]]:
    return _text(same.unit)


@lru_cache(maxsize=SHARED_KEPT)
def _shared_path(same: Same[Path]) -> tuple[str, dict[str, str | None]]:
    return _path(same.unit)


def _path(item: Path) -> tuple[str, dict[str, str | None]]:
    """What stands in a PathObject, and its attributes without its number."""
    if item.stroke is None and item.fill is None:
        raise bad_value("path", "stroked or filled")
    width = checked_mm(item.line_width_mm, "line width", least=0, most=MAX_LINE_MM)
    points = [point for figure in item.figures for point in _points(figure)]
    if not points or len(points) > MAX_POINTS:
        raise bad_value("path", f"1 to {MAX_POINTS} points")
    for x, y in points:
        checked_mm(x, "x")
        checked_mm(y, "y")
    # A corner reaches out by at most the limit of mitres; more than that is cut off there by every reader
    edge = width * DEFAULT_MITER / 2 + 0.1 if item.stroke is not None else 0.1
    # The corner stands on the grid that most coordinates are on, so that those inside have no more decimals than they came with
    left, top = (math.floor((min(values) - edge) * _GRID) / _GRID for values in zip(*points, strict=True))
    right, bottom = max(x for x, _ in points) + edge, max(y for _, y in points) + edge
    data = " ".join(_figure(figure, left, top) for figure in item.figures)
    stroke = colour_element("StrokeColor", item.stroke) if item.stroke is not None else ""
    fill = colour_element("FillColor", item.fill) if item.fill is not None else ""
    for length in item.dash_mm:
        checked_mm(length, "dash", least=0, most=MAX_LINE_MM)
    if item.dash_mm and not sum(item.dash_mm) > 0:
        raise bad_value("dash", "not all zero")
    attributes = {
        "ID": None,
        "Boundary": numbers(left, top, right - left, bottom - top),
        "LineWidth": number(width) if item.stroke is not None and width != DEFAULT_LINE_MM else None,
        "DashPattern": numbers(*item.dash_mm) if item.dash_mm else None,
        "Alpha": _opacity(item.opacity),
        "Stroke": "false" if item.stroke is None else None,
        "Fill": "true" if item.fill is not None else None,
        "Rule": "Even-Odd" if item.is_even_odd else None,
    }
    return stroke + fill + text_element("AbbreviatedData", data), attributes


def _points(figure: Figure) -> list[tuple[float, float]]:
    points = [figure.start]
    for piece in figure.pieces:
        if len(piece) not in _COMMANDS:
            raise bad_value("path", "pieces of 2, 4 or 6 numbers")
        points += [(piece[index], piece[index + 1]) for index in range(0, len(piece), 2)]
    return points


def _figure(figure: Figure, left: float, top: float) -> str:
    """AbbreviatedData (9.2): M, then L, Q, B, and C where the figure is closed."""
    out = [f"M {numbers(figure.start[0] - left, figure.start[1] - top)}"]
    for piece in figure.pieces:
        moved = [value - (top if index % 2 else left) for index, value in enumerate(piece)]
        out.append(f"{_COMMANDS[len(piece)]} {numbers(*moved)}")
    return " ".join([*out, "C"] if figure.is_closed else out)


def _write_image(item: Image, resources: Resources) -> str:
    x, y = checked_mm(item.x_mm, "x"), checked_mm(item.y_mm, "y")
    width, height = checked_mm(item.width_mm, "width", least=0.01), checked_mm(item.height_mm, "height", least=0.01)
    left, top, right, bottom = _bounds(item.turn, (-width / 2, -height / 2, width / 2, height / 2))
    cosine, sine, shift_x, shift_y = _turned(item.turn, -width / 2, -height / 2)
    return element(
        "ImageObject",
        ID=str(resources.next()),
        CTM=numbers(cosine * width, sine * width, -sine * height, cosine * height, shift_x - left, shift_y - top),
        Boundary=numbers(x + width / 2 + left, y + height / 2 + top, right - left, bottom - top),
        Alpha=_opacity(item.opacity),
        ResourceID=str(resources.picture(item.content)),
    )
