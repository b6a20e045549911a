"""What a face is made of, as data: every part has its place in millimetres from the upper left corner of the page.

Texts name what they show in braces (``bindings.py``). Values are checked where they are read (``read_design.py``), so a template that
exists is sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service_kit.typefaces.faces import Style

Colour = tuple[int, int, int]

BLACK: Final[Colour] = (0, 0, 0)
DESIGN_VERSION: Final = 1


class Align(StrEnum):
    """How a text stands within its width."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"
    SPREAD = "spread"  # the characters share the width evenly, as labels in official forms do


class FrameKind(StrEnum):
    """The border of a face."""

    PLAIN = "plain"
    DOUBLE = "double"
    WAVES = "waves"  # woven waves between two lines


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text from left to right. ``y_mm``: the base line of its first line.

    With ``width_mm`` it is broken into up to ``lines``, its letters made smaller down to ``least_mm`` where it does not fit; without, it is
    one line that begins (left), ends (right) or has its middle (centre) at ``x_mm``.
    """

    x_mm: float
    y_mm: float
    size_mm: float
    text: str
    width_mm: float | None = None
    align: Align = Align.LEFT
    lines: int = 1
    leading_mm: float | None = None
    least_mm: float | None = None
    style: Style = Style.SANS
    is_bold: bool = False
    colour: Colour = BLACK
    spacing_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class ColumnPart:
    """A text in columns from top to bottom, the columns from left to right, as traditional Mongolian is written.

    ``x_mm``: the middle of the first column; ``y_mm``: its top. Mongolian is shaped and turned, Chinese characters stand upright, all else
    is turned. ``length_mm``: where a column ends; ``lines`` and ``least_mm`` as with :class:`TextPart`.
    """

    x_mm: float
    y_mm: float
    size_mm: float
    text: str
    length_mm: float
    lines: int = 1
    leading_mm: float | None = None
    least_mm: float | None = None
    colour: Colour = BLACK


@dataclass(frozen=True, slots=True)
class LinePart:
    """A straight line."""

    x_mm: float
    y_mm: float
    to_x_mm: float
    to_y_mm: float
    thickness_mm: float = 0.25
    colour: Colour = BLACK


@dataclass(frozen=True, slots=True)
class BoxPart:
    """A rectangle: stroked, filled, or both."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    thickness_mm: float = 0.25
    stroke: Colour | None = BLACK
    fill: Colour | None = None


@dataclass(frozen=True, slots=True)
class FramePart:
    """A border. ``band_mm``: how wide its ornament is."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    kind: FrameKind = FrameKind.WAVES
    band_mm: float = 6.0
    colour: Colour = (150, 90, 30)


@dataclass(frozen=True, slots=True)
class RosettePart:
    """A fine ornament behind the texts: closed waves about a middle, as on valuable papers."""

    x_mm: float
    y_mm: float
    radius_mm: float
    petals: int = 12
    rings: int = 6
    thickness_mm: float = 0.1
    colour: Colour = (236, 224, 200)


@dataclass(frozen=True, slots=True)
class PicturePart:
    """A fixed picture (PNG or JPEG)."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    content: bytes


@dataclass(frozen=True, slots=True)
class QrPart:
    """Where the code to scan stands."""

    x_mm: float
    y_mm: float
    size_mm: float
    level: str = "M"


@dataclass(frozen=True, slots=True)
class SealPart:
    """Where a seal will stand: its middle, and how much room it has."""

    x_mm: float
    y_mm: float
    width_mm: float = 45.0
    height_mm: float = 45.0


Part = TextPart | ColumnPart | LinePart | BoxPart | FramePart | RosettePart | PicturePart | QrPart | SealPart


@dataclass(frozen=True, slots=True)
class FaceTemplate:
    """A face: one page. ``languages``: BCP 47, the first is the document's. Later parts lie on top; what differs
    from licence to licence lies on top of what is the same on all.

    ``note_y_mm``: the base line of the remark that a licence has no legal effect, and of annotated copies above it; None: near the foot.
    """

    name: str
    width_mm: float
    height_mm: float
    parts: tuple[Part, ...]
    languages: tuple[str, ...] = ("zh-CN",)
    note_y_mm: float | None = None

    @property
    def seals(self) -> tuple[SealPart, ...]:
        """Where seals will stand, the issuing authority's first."""
        return tuple(part for part in self.parts if isinstance(part, SealPart))
