"""Where a text stands on the pages of an OFD document, by its text objects (GB/T 33190-2016 11): for seals that are placed on a keyword.

What writers give one object each, a word, a character or half a line, is put together again: characters that follow one another on one
line are one text, wherever the objects end. A line is read in its own direction, so turned text is found too, and so is text that runs
downwards. White space counts nowhere: forms spread a word over the width they have. What is not shown is not searched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from seal_service.ofd.refusals import refused
from seal_service.ofd.stamp_places import OfdPages
from seal_service.places import EVERY, PLACES_MAX, Place
from service_kit.ofd_drawing.values import box, number, numbers, steps
from standards.errors import Kind, MalformedError
from standards.gbt33190_ofd.graph import Role
from standards.gbt33190_ofd.locations import folder_of
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seal_service.ofd.package import OfdPackage
    from seal_service.ofd.stamp_places import Size
    from standards.gbt33190_ofd.graph import Body
    from standards.gbt33190_ofd.xml_parts import XmlNode

MAX_PAGES_SEARCHED: Final = 2000  # as in PDF; the longest documents tested have 500
MAX_PAGE_CHARACTERS: Final = 100_000  # of one page; a full page of small print has under 10,000
MAX_UNITS: Final = 50_000  # of one page, templates included
MAX_DEPTH: Final = 8  # blocks inside each other; real: 2
MAX_KEYWORD_CHARACTERS: Final = 128
MAX_OCCURRENCE: Final = 10_000  # a keyword counted further than this is a mistake
LAST_OCCURRENCE: Final = -1

_DEFAULT_SIZE_MM: Final = 3.5
_WIDE_FROM: Final = "\u1100"  # Hangul on, with all of Chinese: as wide as high; before it, half
_ON_LINE: Final = 0.4  # of the size: how far off its line a character may stand
_BACK: Final = -0.6  # of the size: how far a character may reach back over the one before
_GAP: Final = 2.5  # of the size: what is farther away is another text, as another column is
_ASCENT: Final = 0.8  # of the size above the baseline; the rest is below
_SAME_TURN: Final = 0.02  # radians

_Matrix = tuple[float, float, float, float, float, float]
_UNTURNED: Final[_Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class TextPlace:
    """An occurrence: the page from 1, and its centre in millimetres from the upper-left corner, as boundaries count."""

    page: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class _Glyph:
    """A character on the page: the beginning of its baseline, its direction as a unit vector, its size and advance in millimetres."""

    text: str
    x: float
    y: float
    along: tuple[float, float]
    size: float
    advance: float

    @property
    def turn(self) -> float:
        return math.atan2(self.along[1], self.along[0])

    def offset_to(self, other: _Glyph) -> tuple[float, float]:
        """How far ``other`` begins along this one's line, and across it downwards."""
        dx, dy = other.x - self.x, other.y - self.y
        return dx * self.along[0] + dy * self.along[1], dy * self.along[0] - dx * self.along[1]


@dataclass(slots=True)
class _Run:
    """Characters that follow one another. ``is_down``: None while there is only one."""

    glyphs: list[_Glyph] = field(default_factory=list)
    is_down: bool | None = None

    def takes(self, glyph: _Glyph) -> bool:
        """Whether the character goes on here; then it is taken."""
        last = self.glyphs[-1]
        if abs(glyph.turn - last.turn) > _SAME_TURN:
            return False
        along, across = last.offset_to(glyph)
        is_next = abs(across) <= _ON_LINE * last.size and last.advance + _BACK * last.size <= along <= last.advance + _GAP * last.size
        is_below = abs(along) <= _ON_LINE * last.size and (1 + _BACK) * last.size <= across <= (1 + _GAP) * last.size
        is_down = False if is_next else True if is_below else None
        if is_down is None or self.is_down not in {None, is_down}:
            return False
        self.is_down = is_down
        self.glyphs.append(glyph)
        return True


def places_on_keyword(
    package: OfdPackage, body: Body, keyword: str, *, occurrence: int = 1, page: int | None = None, picture_mm: Size, width_mm: float | None
) -> tuple[Place, ...]:
    """Places with the seal's centre on the centre of ``keyword``, moved inwards where it would leave the page.

    ``occurrence`` counts from 1 over the whole document, or over one ``page`` (from 1, -1 the last) where given; -1 is the last one, 0 all.
    ``picture_mm``: the seal's own width and height, ``width_mm`` how wide it is shown. Raises TrustError ``KEYWORD_NOT_FOUND`` (facts: how
    often it was found), ``KEYWORD_TOO_OFTEN``, ``KEYWORD_OCCURRENCE_BAD``, ``KEYWORD_BAD``, ``PAGE_NOT_FOUND``.
    """
    if occurrence not in {EVERY, LAST_OCCURRENCE} and not 1 <= occurrence <= MAX_OCCURRENCE:
        raise refused(Kind.UNACCEPTABLE, "KEYWORD_OCCURRENCE_BAD", occurrence=occurrence)
    pages = OfdPages(body)
    most = {EVERY: PLACES_MAX + 1, LAST_OCCURRENCE: MAX_OCCURRENCE}.get(occurrence, occurrence)
    found = find_keyword(package, body, keyword, page=None if page is None else pages.number(page), most=most)
    if not found or len(found) < occurrence:
        raise refused(Kind.UNACCEPTABLE, "KEYWORD_NOT_FOUND", keyword_characters=len(keyword), occurrence=occurrence, found=len(found))
    if occurrence == EVERY and len(found) > PLACES_MAX:
        raise refused(Kind.UNACCEPTABLE, "KEYWORD_TOO_OFTEN", most=PLACES_MAX)
    shown_mm = picture_mm[0] if width_mm is None else width_mm
    size = (shown_mm, shown_mm * picture_mm[1] / picture_mm[0])
    return tuple(_onto(each, pages.size_mm(each.page), size, width_mm) for each in (found if occurrence == EVERY else found[-1:]))


def _onto(text: TextPlace, page_mm: Size, size_mm: Size, width_mm: float | None) -> Place:
    x_mm, y_mm = (
        min(max(centre, size / 2), max(room - size / 2, size / 2))
        for centre, size, room in zip((text.x_mm, page_mm[1] - text.y_mm), size_mm, page_mm, strict=True)
    )
    return Place(text.page, x_mm, y_mm, width_mm)


def find_keyword(package: OfdPackage, body: Body, keyword: str, *, page: int | None = None, most: int) -> list[TextPlace]:
    """The first ``most`` occurrences, page by page, on a page from the top down and on a line from its beginning; case matters.

    ``page`` from 1: only there. Raises TrustError ``KEYWORD_BAD``.
    """
    wanted = "".join(keyword.split())
    if not wanted or not is_printable(keyword) or len(keyword) > MAX_KEYWORD_CHARACTERS:
        raise refused(Kind.UNACCEPTABLE, "KEYWORD_BAD", rule="printable, not empty")
    templates = _templates(package, body)
    first, count = (0, MAX_PAGES_SEARCHED) if page is None else (page - 1, 1)
    found: list[TextPlace] = []
    for number_of_page, part in islice(enumerate(body.pages.values(), 1), first, first + count):
        glyphs = list(islice(_glyphs_of_page(package, part, templates), MAX_PAGE_CHARACTERS))
        for run in _runs(glyphs):
            found += islice(_places(run, wanted, number_of_page), most - len(found))
        if len(found) >= most:
            break
    return found


def _places(run: list[_Glyph], wanted: str, page: int) -> Iterator[TextPlace]:
    text = "".join(glyph.text for glyph in run)
    start = text.find(wanted)
    while start >= 0:
        yield _centre(run[start : start + len(wanted)], page)
        start = text.find(wanted, start + len(wanted))


def _centre(glyphs: list[_Glyph], page: int) -> TextPlace:
    """The centre of the box around the characters, each as high as its size."""
    xs, ys = [], []
    for glyph in glyphs:
        (ax, ay), size = glyph.along, glyph.size
        for along, across in ((0.0, -_ASCENT * size), (glyph.advance, (1 - _ASCENT) * size)):
            xs.append(glyph.x + along * ax - across * ay)
            ys.append(glyph.y + along * ay + across * ax)
    return TextPlace(page, (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)


def _runs(glyphs: Sequence[_Glyph]) -> list[list[_Glyph]]:
    """The characters of a page as texts, the upper first; on one line, the one that begins first."""
    # 1. As the file has them, one after the other
    runs: list[_Run] = []
    for glyph in glyphs:
        if not runs or not runs[-1].takes(glyph):
            runs.append(_Run([glyph]))

    # 2. Pieces of one line, wherever they stand in the file
    runs.sort(key=_reading_order)
    joined: list[_Run] = []
    for run in runs:
        before = joined[-1] if joined else None
        if before is not None and not before.is_down and not run.is_down and before.takes(run.glyphs[0]):
            before.glyphs += run.glyphs[1:]
        else:
            joined.append(run)
    return [run.glyphs for run in joined]


def _reading_order(run: _Run) -> tuple[float, float, float]:
    """Lines of one turn together, down the page in steps of a millimetre, and along the line."""
    first = run.glyphs[0]
    (ax, ay), turn = first.along, round(first.turn / _SAME_TURN)
    return turn, round(first.y * ax - first.x * ay), first.x * ax + first.y * ay


def _templates(package: OfdPackage, body: Body) -> dict[str, str]:
    """The part of each template by its identifier."""
    graph = package.graph
    found: dict[str, str] = {}
    for path, reached in body.reached.items():
        root = graph.part(path, graph.entry_name) if reached.role is Role.DOCUMENT else None
        for node in root.descendants("TemplatePage") if root is not None else ():
            located = graph.look_up(node.get("BaseLoc") or "", path, (folder_of(path), ""))
            if located is not None and located.path is not None:
                found.setdefault(node.get("ID") or "", located.path)
    return found


def _glyphs_of_page(package: OfdPackage, part: str, templates: dict[str, str]) -> Iterator[_Glyph]:
    """The characters of a page and of the templates it names."""
    graph = package.graph
    root = graph.part(part, graph.entry_name)
    if root is None:
        return
    roots = [root]
    for node in root.children("Template"):
        sheet = templates.get(node.get("TemplateID") or "")
        template = graph.part(sheet, part) if sheet is not None else None
        roots += [template] if template is not None else []
    units = (
        unit for each in roots for content in each.children("Content") for layer in content.children("Layer") for unit in _units(layer, 0)
    )
    for unit in islice(units, MAX_UNITS):
        yield from _glyphs(unit)


def _units(holder: XmlNode, depth: int) -> Iterator[XmlNode]:
    """The text objects that are shown, blocks opened."""
    for node in holder.children():
        if node.get("Visible") == "false":
            continue
        if node.name == "PageBlock" and depth < MAX_DEPTH:
            yield from _units(node, depth + 1)
        elif node.name == "TextObject" and node.get("Alpha") != "0" and (node.get("Fill") != "false" or node.get("Stroke") == "true"):
            yield node


def _glyphs(node: XmlNode) -> Iterator[_Glyph]:
    """The characters of a text object where they stand; white space only moves what follows."""
    place = box(node.get("Boundary"))
    if place is None:
        return
    size, share = abs(number(node.get("Size"), _DEFAULT_SIZE_MM)), number(node.get("HScale"), 1.0)
    matrix = _matrix(node)
    turn = math.radians(number(node.get("CharDirection"), 0.0))
    direction = (matrix[0] * math.cos(turn) + matrix[2] * math.sin(turn), matrix[1] * math.cos(turn) + matrix[3] * math.sin(turn))
    scale = math.hypot(*direction)
    if not scale or not size:
        return
    along = (direction[0] / scale, direction[1] / scale)
    height = size * abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]) / scale
    x, y = 0.0, 0.0
    for code in node.children("TextCode"):
        text = _text(code)
        x, y = number(code.get("X"), x), number(code.get("Y"), y)
        across, down = steps(code.get("DeltaX"), len(text)), steps(code.get("DeltaY"), len(text))
        for index, character in enumerate(text):
            advance = size * share * (1.0 if character >= _WIDE_FROM else 0.5)
            if not character.isspace():
                seen_x, seen_y = matrix[0] * x + matrix[2] * y + matrix[4], matrix[1] * x + matrix[3] * y + matrix[5]
                yield _Glyph(character, place[0] + seen_x, place[1] + seen_y, along, height, advance * scale)
            x += across[index] if index < len(across) else 0.0 if down else advance
            y += down[index] if index < len(down) else 0.0


def _matrix(node: XmlNode) -> _Matrix:
    values = numbers(node.get("CTM"))
    if values is None or len(values) != 6:
        return _UNTURNED
    a, b, c, d, e, f = values
    return a, b, c, d, e, f


def _text(code: XmlNode) -> str:
    """The characters as they stand: white space at the ends counts for the distances. Line ends of indented XML do not."""
    try:
        return code.raw_text.strip("\r\n\t")
    except MalformedError:
        return ""
