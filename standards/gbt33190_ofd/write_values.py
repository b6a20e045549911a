"""What can be put into a document. Millimetres from the upper left corner of the page, x to the right and y downwards (GB/T 33190-2016 8).

Values are checked where they are written, so a page may be made in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

Colour = tuple[int, int, int]  # red, green, blue, each 0..255

BLACK: Final[Colour] = (0, 0, 0)
WHITE: Final[Colour] = (255, 255, 255)


class GlyphPlace(Protocol):
    """A glyph of a shaped run, lengths in em: how far it moves the pen, how far it is drawn off it (y upwards), its first character."""

    @property
    def number(self) -> int:
        """Within the font's file."""

    @property
    def advance_em(self) -> float:
        """To the next glyph."""

    @property
    def x_em(self) -> float:
        """To the right of the pen."""

    @property
    def y_em(self) -> float:
        """Above the base line."""

    @property
    def first_character(self) -> int:
        """Index within the text; glyphs that have the same one stand for the same characters."""


@dataclass(frozen=True, slots=True)
class Font:
    """An embedded font. ``truetype`` is the file; ``advances_em`` says how far each character moves the pen (1.0 = font size).

    Fonts of one document are told apart by ``name`` (PostScript). Only characters with an advance may be written with it.
    """

    name: str
    family: str
    truetype: bytes
    advances_em: Mapping[str, float]
    ascent_em: float = 0.9
    descent_em: float = -0.3

    def width_mm(self, text: str, size_mm: float, spacing_mm: float = 0) -> float:
        """How long a text is on one line. KeyError for a character without an advance."""
        return sum(map(self.advances_em.__getitem__, text)) * size_mm + spacing_mm * max(len(text) - 1, 0)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; ``x_mm``, ``y_mm`` is where its base line begins.

    ``turn`` turns it about that point, in degrees clockwise: 90 makes a line that runs downwards with its head to the right, as columns of
    traditional Mongolian do. ``glyphs`` are the forms of a shaped run; without them each character is shown as the font has it.
    ``spacing_mm`` is added between characters. ``opacity`` 0..255.
    """

    font: Font
    size_mm: float
    x_mm: float
    y_mm: float
    text: str
    colour: Colour = BLACK
    turn: float = 0
    spacing_mm: float = 0
    glyphs: Sequence[GlyphPlace] | None = None
    opacity: int = 255


@dataclass(frozen=True, slots=True)
class Figure:
    """One curve of a path: a start, then lines (x, y), quadratic curves (control, end) or cubic ones (control, control, end)."""

    start: tuple[float, float]
    pieces: Sequence[tuple[float, ...]]
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """Curves that are stroked, filled, or both. Without ``stroke`` no line is drawn, without ``fill`` no surface.

    ``dash_mm`` are the lengths of strokes and gaps by turns. ``opacity`` 0..255.
    """

    figures: Sequence[Figure]
    stroke: Colour | None = BLACK
    fill: Colour | None = None
    line_width_mm: float = 0.25
    dash_mm: Sequence[float] = ()
    is_even_odd: bool = False
    opacity: int = 255


@dataclass(frozen=True, slots=True)
class Image:
    """A picture (PNG or JPEG file) in a box of the page. ``turn`` turns it about the middle of the box, in degrees clockwise."""

    content: bytes
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    turn: float = 0
    opacity: int = 255


Item = Text | Path | Image


@dataclass(frozen=True, slots=True)
class Template:
    """What several pages have in common, drawn behind their own content or in front of it. Pages that share it hold the same object."""

    name: str
    width_mm: float
    height_mm: float
    items: Sequence[Item]
    is_foreground: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note, watermark or the like on top of a page: a box with content, its places from the upper left corner of the box.

    ``kind`` is one of ``Link``, ``Path``, ``Highlight``, ``Stamp``, ``Watermark``.
    """

    kind: str
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    items: Sequence[Item]
    creator: str
    modified_on: date
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; what comes later in ``items`` lies on top."""

    width_mm: float
    height_mm: float
    items: Sequence[Item]
    templates: Sequence[Template] = ()
    annotations: Sequence[Annotation] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document. ``extension`` names its format in the package (``xml``, ``json``)."""

    name: str
    content: bytes
    extension: str
    created_on: date | None = None
    usage: str | None = None
    is_visible: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. ``identifier`` has 32 hexadecimal digits (7.4); ``custom_data`` are names and values of DocInfo."""

    identifier: str
    pages: Sequence[Page]
    title: str = ""
    author: str = ""
    subject: str = ""
    abstract: str = ""
    created_on: date | None = None
    modified_on: date | None = None
    keywords: Sequence[str] = ()
    creator: str = ""
    creator_version: str = ""
    custom_data: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


def line(x0_mm: float, y0_mm: float, x1_mm: float, y1_mm: float, *, width_mm: float = 0.25, colour: Colour = BLACK) -> Path:
    """A straight line."""
    return Path([Figure((x0_mm, y0_mm), [(x1_mm, y1_mm)])], stroke=colour, line_width_mm=width_mm)


def rectangle(
    x_mm: float,
    y_mm: float,
    width_mm: float,
    height_mm: float,
    *,
    stroke: Colour | None = BLACK,
    fill: Colour | None = None,
    line_width_mm: float = 0.25,
) -> Path:
    """A rectangle by its upper left corner and its size."""
    right, bottom = x_mm + width_mm, y_mm + height_mm
    corners = Figure((x_mm, y_mm), [(right, y_mm), (right, bottom), (x_mm, bottom)], is_closed=True)
    return Path([corners], stroke=stroke, fill=fill, line_width_mm=line_width_mm)
