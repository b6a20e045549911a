"""Square and rectangular seals: name seals of persons, and seals for a purpose.

A name seal is read as Chinese seals are: columns from right to left, each from top to bottom. A rectangle wider than high is read in
lines from left to right instead. Bilingual ones follow 内政办发〔1996〕32号 article 3(2): Mongolian in columns on the left (columns from left to
right), Chinese on their right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.pictures.arc_text import DIGIT_EM, INK_BOTTOM_EM, INK_EM, INK_TOP_EM, MONGOLIAN_CROWDED, MONGOLIAN_NARROWEST
from seal_service.pictures.outline import bounds, frame
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pictures.design import SealDesign
    from seal_service.pictures.fonts import Glyph, OutlineFont, Run
    from seal_service.pictures.outline import Contour

_BORDER_SHARE: Final = 0.06  # of the shorter side: 1.2 mm of 20 mm
_BORDER_MM_MIN: Final = 0.6
_BORDER_MM_MAX: Final = 1.5
_MARGIN_SHARE: Final = 0.045  # between border and text
_FILL: Final = 0.90  # share of a cell that the ink takes
_FILL_ALONG: Final = 0.95  # the same in a longer text, along its line
_FILL_ACROSS: Final = 0.82  # and across it: lines stand further apart than characters, so that nobody reads them crosswise
_GRID_CHARACTERS: Final = 4  # name seals up to two by two are filled evenly
_SPACED_OUT: Final = 1.0  # step of a character in a line, of the line's height, at most
_SPACED_OUT_SHORT: Final = 1.5  # the same for name seals
_NARROWEST: Final = 0.45  # width / height of a character, and the other way round: what a column or line may press it to
_SIZE_MM_MIN: Final = 1.3  # of a character: smaller ones cannot be engraved or read
_SIZE_MM_CROWDED: Final = 2.3
_LINES_MAX: Final = 8
_MONGOLIAN_COLUMNS_MAX: Final = 4
_MONGOLIAN_SHARE_MAX: Final = 0.55  # of the width
_CODE_HEIGHT_MM: Final = 1.9
_CODE_STEP_MM: Final = 1.75


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of the seal by its edges."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    def shrunk(self, width_share: float, height_share: float) -> _Box:
        x, y = self.width * (1 - width_share) / 2, self.height * (1 - height_share) / 2
        return _Box(self.left + x, self.bottom + y, self.right - x, self.top - y)


def draw_square(design: SealDesign, font: OutlineFont, runs: Sequence[Run]) -> tuple[list[Contour], bool]:
    """The outline in millimetres of a square or rectangular seal, and whether the name is crowded. ``runs``: the Mongolian words."""
    # 1. Border and the room inside it.
    shorter = min(design.width_mm, design.height_mm)
    border = min(max(shorter * _BORDER_SHARE, _BORDER_MM_MIN), _BORDER_MM_MAX)
    margin = shorter * _MARGIN_SHARE
    x, y = design.width_mm / 2, design.height_mm / 2
    outline: list[Contour] = list(frame(x, y, border))
    room = _Box(-x + border + margin, -y + border + margin, x - border - margin, y - border - margin)

    # 2. The code in one line at the bottom, the Mongolian columns on the left.
    if design.code:
        outline += _code_line([font.glyph(digit) for digit in design.code], room)
        room = _Box(room.left, room.bottom + _CODE_HEIGHT_MM + margin / 2, room.right, room.top)
    is_crowded = False
    if runs:
        columns, width, is_crowded = _mongolian_columns(runs, room)
        outline += columns
        room = _Box(room.left + width + margin, room.bottom, room.right, room.top)

    # 3. The Chinese text in what is left.
    for character, cell in _cells_of_text(design, room):
        outline += _in_cell(font.glyph(character), cell)
        smallest = min(cell.width, cell.height)
        if smallest < _SIZE_MM_MIN:
            raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", characters=len(design.name))
        is_crowded = is_crowded or smallest < _SIZE_MM_CROWDED
    return outline, is_crowded


def _cells_of_text(design: SealDesign, room: _Box) -> list[tuple[str, _Box]]:
    """Every character of name and purpose with the box its ink fills: name seals as engravers set them, other texts in lines or columns."""
    name, purpose = design.name, design.purpose
    if purpose in _SUFFIXES:
        name, purpose = name + purpose, ""
    is_in_lines = room.width > room.height * _IN_LINES_FROM
    length, breadth = (room.width, room.height) if is_in_lines else (room.height, room.width)
    if not purpose and not is_in_lines and len(name) in {3, 4} and breadth * _ONE_LINE_FROM > length:
        # 王|小明 (family name, given name), 张三|之印, 王小|明印
        parts = [name[0], name[1:]] if len(name) == 3 and not design.purpose else [name[:2], name[2:]]
    else:
        parts = _parts(name, purpose, length, breadth)
    is_grid = len(name + purpose) <= _GRID_CHARACTERS or len(parts) == 1
    along, across = (_FILL, _FILL) if is_grid else (_FILL_ALONG, _FILL_ACROSS)
    if is_in_lines:
        return [(character, cell.shrunk(along, across)) for character, cell in _cells_of_lines(parts, room, is_grid=is_grid)]
    return [(character, cell.shrunk(across, along)) for character, cell in _cells_of_columns(parts, room)]


_SUFFIXES: Final = frozenset({"印", "之印", "章", "之章", "印章"})  # of name seals: part of the name's own lines
_IN_LINES_FROM: Final = 1.2  # width / height of the room from which the text runs in lines, not columns
_ONE_LINE_FROM: Final = 1.9  # length / breadth from which two to four characters stay in one line


def _parts(name: str, purpose: str, length: float, breadth: float) -> list[str]:
    """The name in as many lines (or columns) as make the characters largest, the purpose in one of its own."""
    best: list[str] = []
    best_size = 0.0
    for count in range(1, min(_LINES_MAX, len(name)) + 1):
        parts = _evenly(name, count) + ([purpose] if purpose else [])
        size = min(breadth / len(parts), length / max(len(part) for part in parts) / _PRESSED)
        if size > best_size * 1.01:
            best, best_size = parts, size
    return best


_PRESSED: Final = 0.8  # a character may be this much shorter along its line than across it before another line is better


def _evenly(text: str, count: int) -> list[str]:
    """The text in at most ``count`` parts, the earlier ones as long as or one longer than the later ones."""
    count = min(count, len(text))
    length, longer = divmod(len(text), count)
    parts, start = [], 0
    for index in range(count):
        end = start + length + (index < longer)
        parts.append(text[start:end])
        start = end
    return parts


def _cells_of_columns(columns: Sequence[str], room: _Box) -> list[tuple[str, _Box]]:
    width = room.width / len(columns)
    cells = []
    for index, column in enumerate(columns):
        right = room.right - index * width
        height = room.height / len(column)
        cells += [
            (character, _Box(right - width, room.top - (row + 1) * height, right, room.top - row * height))
            for row, character in enumerate(column)
        ]
    return cells


def _cells_of_lines(lines: Sequence[str], room: _Box, *, is_grid: bool) -> list[tuple[str, _Box]]:
    """Equal heights; a short line is spaced out a little, about the middle."""
    height = room.height / len(lines)
    cells = []
    for index, line in enumerate(lines):
        width = min(room.width / len(line), height * (_SPACED_OUT_SHORT if is_grid else _SPACED_OUT))
        left = (room.left + room.right) / 2 - width * len(line) / 2
        top = room.top - index * height
        cells += [
            (character, _Box(left + place * width, top - height, left + (place + 1) * width, top)) for place, character in enumerate(line)
        ]
    return cells


def _in_cell(glyph: Glyph, cell: _Box) -> list[Contour]:
    """One character filling its box, neither side pressed below ``_NARROWEST`` of the other."""
    width = min(cell.width, cell.height / _NARROWEST)
    height = min(cell.height, width / _NARROWEST)
    left, bottom, right, top = bounds(glyph.contours) if glyph.contours else (0.0, 0.0, 0.0, 0.0)
    # Ideographs share one box; letters that reach out of it (g, j, accents) are made to fit into the cell as well.
    bottom, top = min(bottom, INK_BOTTOM_EM), max(top, INK_TOP_EM)
    middle = glyph.advance_em / 2
    across = width / max(glyph.advance_em, INK_EM, 2 * (middle - left), 2 * (right - middle))
    up = height / (top - bottom)
    x = (cell.left + cell.right) / 2 - middle * across
    y = (cell.bottom + cell.top) / 2 - (top + bottom) / 2 * up
    return [contour.moved((across, 0), (0, up), (x, y)) for contour in glyph.contours]


def _code_line(digits: Sequence[Glyph], room: _Box) -> list[Contour]:
    step = min(_CODE_STEP_MM, room.width / len(digits))
    up = _CODE_HEIGHT_MM / DIGIT_EM
    x = (room.left + room.right) / 2 - step * (len(digits) - 1) / 2
    contours: list[Contour] = []
    for digit in digits:
        across = min(up, step / digit.advance_em)
        contours += [contour.moved((across, 0), (0, up), (x - digit.advance_em * across / 2, room.bottom)) for contour in digit.contours]
        x += step
    return contours


def _mongolian_columns(words: Sequence[Run], room: _Box) -> tuple[list[Contour], float, bool]:
    """The words in as few columns as let them be as large as they can be: contours, the width they take, and whether they are crowded."""
    best: tuple[float, float, list[list[Run]]] | None = None  # width of a column, squeeze, words of each column
    for count in range(1, min(_MONGOLIAN_COLUMNS_MAX, len(words)) + 1):
        columns = _broken(words, count)
        thickness_em = max(word.top_em for word in words) - min(word.bottom_em for word in words)
        longest_em = max(sum(word.length_em for word in column) + _SPACE_EM * (len(column) - 1) for column in columns)
        widest = room.width * _MONGOLIAN_SHARE_MAX / (count + (count - 1) * _COLUMN_GAP)
        natural = room.height * thickness_em / longest_em  # width of a column whose longest line just fits unpressed
        width = min(widest, natural / MONGOLIAN_CROWDED, room.height * _COLUMN_WIDTH_MAX)
        squeeze = min(1.0, natural / width)
        if best is None or width > best[0] * 1.1:
            best = (width, squeeze, columns)
    if best is None or best[0] < _SIZE_MM_MIN or best[1] < MONGOLIAN_NARROWEST:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_NAME_TOO_LONG", script="Mong")
    width, squeeze, columns = best
    bottom_em = min(word.bottom_em for word in words)
    across = width / (max(word.top_em for word in words) - bottom_em)
    contours: list[Contour] = []
    left = room.left
    for column in columns:
        length = (sum(word.length_em for word in column) + _SPACE_EM * (len(column) - 1)) * across * squeeze
        y = (room.top + room.bottom + length) / 2 if len(columns) == 1 else room.top
        for word in column:
            # A quarter turn clockwise: what ran to the right runs down, what pointed up points right.
            contours += [contour.moved((0, -across * squeeze), (across, 0), (left - bottom_em * across, y)) for contour in word.contours]
            y -= (word.length_em + _SPACE_EM) * across * squeeze
        left += width * (1 + _COLUMN_GAP)
    return contours, left - width * _COLUMN_GAP - room.left, width < _SIZE_MM_CROWDED or squeeze < MONGOLIAN_CROWDED


_SPACE_EM: Final = 0.26  # between words, as wide as the space of the face
_COLUMN_GAP: Final = 0.2  # between columns, of their width
_COLUMN_WIDTH_MAX: Final = 0.3  # of the height: a single short word does not become a poster


def _broken(words: Sequence[Run], count: int) -> list[list[Run]]:
    """The words in order, in at most ``count`` columns, the longest of them as short as can be."""
    lengths = [word.length_em + _SPACE_EM for word in words]
    shortest, longest = max(lengths), sum(lengths)
    for _ in range(_HALVINGS):
        middle = (shortest + longest) / 2
        if len(_filled(words, lengths, middle)) <= count:
            longest = middle
        else:
            shortest = middle
    return _filled(words, lengths, longest + _ROUNDING)


_HALVINGS: Final = 24  # of the length of a column: to less than a micrometre
_ROUNDING: Final = 1e-9  # sums of the same lengths in another order


def _filled(words: Sequence[Run], lengths: Sequence[float], limit: float) -> list[list[Run]]:
    """One column after the other, each with as many words as ``limit`` lets in."""
    columns: list[list[Run]] = [[]]
    filled = 0.0
    for word, length in zip(words, lengths, strict=True):
        if columns[-1] and filled + length > limit:
            columns.append([])
            filled = 0.0
        columns[-1].append(word)
        filled += length
    return columns
