"""Setting the texts of a face: faces found and cut, lines broken and made to fit, columns of traditional Mongolian.

Two passes: first all texts are announced, so that each face is cut once; then they are set with the widths of the cut fonts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from licence_vault.faces import limits
from licence_vault.faces.design import Align, ColumnPart, TextPart
from service_kit.typefaces.faces import BOLD, REGULAR, Style, find_face
from service_kit.typefaces.measure import measures_of
from service_kit.typefaces.pool import pooled_face
from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_values import Font, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from service_kit.typefaces.cut import CutFace
    from service_kit.typefaces.faces import Face
    from service_kit.typefaces.measure import Measures
    from service_kit.typefaces.outlines import PlacedGlyph

_Line = TypeVar("_Line")

_ROUNDING: Final = 1e-6
_SHRINK: Final = 0.94  # from one try to the next
_LEAST: Final = 0.6  # of the size, where the design does not say
_WHOLE: Final = 0.85  # of the size: as much smaller a centred text may be to stay in one line
_LEADING: Final = 1.45
_COLUMN_LEADING: Final = 1.5
_MONGOLIAN: Final = re.compile("[\u1800-\u18af\u202f\u200c\u200d]+ *")
_WORD: Final = re.compile("[\u1800-\u18af\u202f\u200c\u200d]+ *|[^\u1800-\u18af\u202f\u200c\u200d\n]")
_TOKEN: Final = re.compile(r"\n|[ \t]+|[\x21-\x7e\u00a1-\u024f]+|.", re.DOTALL)
_CLOSING: Final = frozenset("，。、；：？！）》」』】〕”’%,.;:?!)]}")
_OPENING: Final = frozenset("（《「『【〔“‘([{")
_TURNED: Final = frozenset("（）《》〈〉「」『』【】〔〕［］｛｝“”‘’—…～")  # marks that lie along the line
_UPRIGHT_RISE: Final = 0.88  # of the box of an upright character, from its top to its base line
_LATIN_MIDDLE: Final = 0.36  # of an em above the base line
_SQUARE_MIDDLE: Final = 0.38
_MONGOLIAN_MIDDLE: Final = 0.28


class _Widths(Protocol):
    """What lines are broken by: a font that was cut, or what a face measures."""

    @property
    def advances_em(self) -> Mapping[str, float]: ...

    def width_mm(self, text: str, size_mm: float, spacing_mm: float = 0) -> float: ...


class FontBook:
    """The fonts of one group of texts."""

    def __init__(self) -> None:
        self._wanted: dict[Face, tuple[set[str], set[str]]] = {}
        self._chosen: dict[tuple[str, Style, bool], Face] = {}
        self.cut: dict[str, CutFace] = {}
        self._fonts: dict[Face, Font] = {}
        self._faces: dict[Face, CutFace] = {}

    def want(self, text: str, style: Style, *, is_bold: bool = False) -> None:
        """Announce a text of one face. Raises ``GLYPH_MISSING``."""
        key = (text, style, is_bold)
        if key not in self._chosen:
            plain = text.replace("\n", "")
            self._chosen[key] = find_face(plain, style, weight=BOLD if is_bold else REGULAR)
            self._wanted.setdefault(self._chosen[key], (set(), set()))[0].update(plain)

    def want_run(self, run: str) -> None:
        """Announce a run of traditional Mongolian."""
        key = (run, Style.MONGOLIAN, False)
        if key not in self._chosen:
            self._chosen[key] = find_face(run, Style.MONGOLIAN)
            self._wanted.setdefault(self._chosen[key], (set(), set()))[1].add(run)

    def close(self) -> None:
        """Cut the faces."""
        for face, (characters, runs) in self._wanted.items():
            cut = pooled_face(face, characters, runs=runs)
            self.cut[cut.postscript_name] = cut
            self._faces[face] = cut
            self._fonts[face] = Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em, cut.ascent_em, cut.descent_em)

    def font(self, text: str, style: Style, *, is_bold: bool = False) -> Font:
        """The font of an announced text."""
        return self._fonts[self._chosen[text, style, is_bold]]

    def run(self, run: str) -> tuple[Font, CutFace]:
        """The font of an announced run, with its forms."""
        face = self._chosen[run, Style.MONGOLIAN, False]
        return self._fonts[face], self._faces[face]

    def placed(self, run: str) -> tuple[PlacedGlyph, ...]:
        """The glyphs of an announced run."""
        return self.run(run)[1].runs[run]


class MeasureBook:
    """In place of a font book where it is only asked whether texts fit: nothing is cut, and the faces are those that a font book would choose."""

    def __init__(self) -> None:
        self._chosen: dict[tuple[str, Style, bool], Measures] = {}

    def want(self, text: str, style: Style, *, is_bold: bool = False) -> None:
        """Choose the face of a text. Raises ``GLYPH_MISSING``."""
        key = (text, style, is_bold)
        if key not in self._chosen:
            self._chosen[key] = measures_of(find_face(text.replace("\n", ""), style, weight=BOLD if is_bold else REGULAR))

    def want_run(self, run: str) -> None:
        """Choose the face of a run of traditional Mongolian."""
        key = (run, Style.MONGOLIAN, False)
        if key not in self._chosen:
            self._chosen[key] = measures_of(find_face(run, Style.MONGOLIAN))

    def font(self, text: str, style: Style, *, is_bold: bool = False) -> Measures:
        """What the face of a chosen text measures."""
        return self._chosen[text, style, is_bold]

    def placed(self, run: str) -> tuple[PlacedGlyph, ...]:
        """The glyphs of a chosen run. Raises ``GLYPH_MISSING``."""
        return self._chosen[run, Style.MONGOLIAN, False].placed(run)


def announce(part: TextPart | ColumnPart, text: str, book: FontBook | MeasureBook) -> None:
    """First pass."""
    text = _shown(part, text)
    if isinstance(part, TextPart):
        book.want(text, part.style, is_bold=part.is_bold)
        return
    pieces, rest = _pieces(text)
    for piece in pieces:
        if _MONGOLIAN.fullmatch(piece):
            book.want_run(piece)
    if rest:
        book.want(rest, Style.SANS)


def set_text(part: TextPart | ColumnPart, text: str, book: FontBook) -> list[Text]:
    """Second pass. Raises ``FACE_TEXT_TOO_LONG``."""
    text = _shown(part, text)
    if not text.strip():
        return []
    return _set_lines(part, text, book) if isinstance(part, TextPart) else _set_columns(part, text, book)


def check_text(part: TextPart | ColumnPart, text: str) -> None:
    """Whether both passes would take this text, without cutting a font for it. Raises ``GLYPH_MISSING``, ``FACE_TEXT_TOO_LONG``."""
    book = MeasureBook()
    announce(part, text, book)
    text = _shown(part, text)
    if not text.strip():
        return
    if isinstance(part, TextPart):
        fit_lines(part, text, book.font(text, part.style, is_bold=part.is_bold))
    else:
        _fit_columns(part, text, book)


def _shown(part: TextPart | ColumnPart, text: str) -> str:
    """What is written of a text: a place without a width is one line, so its line breaks are spaces."""
    return text.replace("\n", " ") if isinstance(part, TextPart) and part.width_mm is None else text


def _too_long(part: TextPart | ColumnPart, text: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "FACE_TEXT_TOO_LONG", x_mm=part.x_mm, y_mm=part.y_mm, characters=len(text))


def _fit(part: TextPart | ColumnPart, text: str, breaking: Callable[[float], list[_Line]]) -> tuple[float, list[_Line]]:
    """The largest size that fits, and the lines at that size."""
    size, lines = _largest(part, breaking)
    if not lines:
        raise _too_long(part, text)
    return size, lines


def _largest(part: TextPart | ColumnPart, breaking: Callable[[float], list[_Line]]) -> tuple[float, list[_Line]]:
    """As ``_fit``; no lines where it fits at no size."""
    size = part.size_mm
    least = part.least_mm if part.least_mm is not None else max(size * _LEAST, limits.LETTER_LEAST_MM)
    while True:
        lines = breaking(size)
        if lines and len(lines) <= part.lines:
            return size, lines
        if size <= least:
            return size, []
        size = max(size * _SHRINK, least)


# -- lines -------------------------------------------------------------------------------------------------------------------------------


def fit_lines(part: TextPart, text: str, font: _Widths) -> tuple[float, list[str]]:
    """The size in millimetres and the lines that a text is set in. Raises ``FACE_TEXT_TOO_LONG``."""
    width = part.width_mm
    # Where one line fits, no part of it is longer than all of it
    is_one_line = "\n" not in text and text == text.strip() and part.spacing_mm >= 0

    def breaking(size: float) -> list[str]:
        if width is None:
            return [text]
        # What follows the last character of a line is no part of it
        if is_one_line and font.width_mm(text, size, part.spacing_mm) <= width:
            return [text]
        return break_lines(text, width + part.spacing_mm, lambda piece: font.width_mm(piece, size) + part.spacing_mm * len(piece))

    if part.align is Align.CENTRE and part.lines > 1 and is_one_line and width is not None:
        whole = replace(part, lines=1, least_mm=max(part.least_mm or 0, part.size_mm * _WHOLE))
        size, lines = _largest(whole, breaking)
        if lines:  # a name in one line, somewhat smaller, before its last character stands alone in a second
            return size, lines
    return _fit(part, text, breaking)


def _set_lines(part: TextPart, text: str, book: FontBook) -> list[Text]:
    font = book.font(text, part.style, is_bold=part.is_bold)
    width = part.width_mm
    size, lines = fit_lines(part, text, font)
    leading = (part.leading_mm or part.size_mm * _LEADING) * size / part.size_mm
    # Lines that are fewer than there is room for stand where the first one is; smaller letters stay on the middle of theirs
    y = part.y_mm - (part.size_mm - size) * _LATIN_MIDDLE
    out = []
    for index, line in enumerate(lines):
        if not line:  # room between two others
            continue
        length, spacing = font.width_mm(line, size, part.spacing_mm), part.spacing_mm
        x = part.x_mm
        if part.align is Align.SPREAD and width is not None and len(line) > 1:
            spacing += (width - length) / (len(line) - 1)
        elif part.align is Align.CENTRE:
            x += ((width or 0) - length) / 2
        elif part.align is Align.RIGHT:
            x += (width or 0) - length
        out.append(Text(font, size, x, y + index * leading, line, colour=part.colour, spacing_mm=spacing))
    return out


def break_lines(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Lines of up to ``width``: between characters of Chinese, between words of Latin letters; no line begins with closing punctuation.

    ``measure``: the width of a piece; that of two pieces is the sum.
    """
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _tokens(text):
        if piece == "\n":
            lines.append(line.rstrip())
            line, used = "", 0.0
            continue
        length = measure(piece)
        shown = measure(piece.rstrip()) if piece[-1].isspace() else length
        if line and used + shown > width + _ROUNDING:
            lines.append(line.rstrip())
            line, used = "", 0.0
        if not line and piece.isspace():
            continue
        while length > width + _ROUNDING and len(piece) > 1:  # a word longer than a line
            end = max((count for count in range(1, len(piece)) if measure(piece[:count]) <= width), default=1)
            lines.append(piece[:end])
            piece = piece[end:]  # noqa: PLW2901 - what is left of it
            length = measure(piece)
        line, used = line + piece, used + length
    lines.append(line.rstrip())
    return lines


def _tokens(text: str) -> list[str]:
    out: list[str] = []
    for piece in _TOKEN.findall(text):
        if out and out[-1] != "\n" and ((piece[0] in _CLOSING and len(piece) == 1) or out[-1][-1] in _OPENING) and piece != "\n":
            out[-1] += piece
        else:
            out.append(piece)
    return out


# -- columns -----------------------------------------------------------------------------------------------------------------------------


def _is_upright(character: str) -> bool:
    return character not in _TURNED and unicodedata.east_asian_width(character) in {"W", "F"}


def _length_em(piece: str, sans: _Widths | None, book: FontBook | MeasureBook) -> float:
    if _MONGOLIAN.fullmatch(piece):
        return sum(glyph.advance_em for glyph in book.placed(piece))
    return 1.0 if _is_upright(piece) or sans is None else sans.advances_em[piece]


def _fit_columns(part: ColumnPart, text: str, book: FontBook | MeasureBook) -> tuple[float, list[list[str]]]:
    pieces, rest = _pieces(text)
    sans: _Widths | None = book.font(rest, Style.SANS) if rest else None
    words = [(word, sum(_length_em(piece, sans, book) for piece in word)) for word in _words(pieces)]

    def breaking(size: float) -> list[list[str]]:
        columns: list[list[str]] = [[]]
        used = 0.0
        for word, length_em in words:
            length = length_em * size
            if used + length > part.length_mm and columns[-1]:
                columns.append([])
                used = 0.0
            if length > part.length_mm:
                return []
            columns[-1] += word
            used += length
        return columns

    return _fit(part, text, breaking)


def _set_columns(part: ColumnPart, text: str, book: FontBook) -> list[Text]:
    _, rest = _pieces(text)
    sans = book.font(rest, Style.SANS) if rest else None
    size, columns = _fit_columns(part, text, book)
    leading = (part.leading_mm or part.size_mm * _COLUMN_LEADING) * size / part.size_mm
    out = []
    for index, column in enumerate(columns):
        axis, y = part.x_mm + index * leading, part.y_mm
        for piece in column:
            if _MONGOLIAN.fullmatch(piece):
                font, cut = book.run(piece)
                placed = cut.runs[piece]
                out.append(Text(font, size, axis - _MONGOLIAN_MIDDLE * size, y, piece, part.colour, turn=90, glyphs=placed))
            elif sans is not None and _is_upright(piece):
                x = axis - sans.advances_em[piece] * size / 2
                out.append(Text(sans, size, x, y + _UPRIGHT_RISE * size, piece, part.colour))
            elif sans is not None and piece.strip():
                middle = _SQUARE_MIDDLE if piece in _TURNED else _LATIN_MIDDLE
                out.append(Text(sans, size, axis - middle * size, y, piece, part.colour, turn=90))
            y += _length_em(piece, sans, book) * size
    return out


def _pieces(text: str) -> tuple[list[str], str]:
    """A column's text as Mongolian words and single other characters, and those others together."""
    pieces = _WORD.findall(text.replace("\n", " "))
    return pieces, "".join(piece for piece in pieces if not _MONGOLIAN.fullmatch(piece))


def _words(pieces: Sequence[str]) -> list[list[str]]:
    """Pieces that stay together in one column: letters and digits up to a space; a Mongolian word and an upright character alone."""
    words: list[list[str]] = []
    is_open = False
    for piece in pieces:
        is_turned = not _MONGOLIAN.fullmatch(piece) and not _is_upright(piece)
        if (is_turned and is_open) or (piece in _CLOSING and words):
            words[-1].append(piece)
        else:
            words.append([piece])
        is_open = is_turned and piece != " "
    return words
