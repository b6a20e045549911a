"""Fonts for documents that come by the thousand: glyphs are cut out of a face once and kept, a document's font is put together from them.

Cutting a face takes HarfBuzz and fontTools some ten milliseconds each time. Documents of one kind use the same few hundred characters, so
what is new about one of them are the characters of a name; everything else is copied (OpenType 1.9: cmap, glyf, head, hhea, hmtx, loca,
maxp, name, OS/2, post). What comes out is the same as from :func:`service_kit.typefaces.cut.cut_face`, glyph numbers apart.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from service_kit.typefaces.cut import CutFace, cut_face
from service_kit.typefaces.outlines import PlacedGlyph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service_kit.typefaces.faces import Face

MAX_POOLED: Final = 40_000  # glyphs kept of one face (some 200 bytes each); over it the pool begins anew
FONTS_KEPT: Final = 128  # the fonts of the fixed parts of documents
POOLS_KEPT: Final = 8
_COPIED_NAMES: Final = frozenset({0, 13, 14})  # copyright, terms of use and where they stand
_WORD: Final = 0xFFFFFFFF
_CHECKSUM: Final = 0xB1B0AFBA
_WINDOWS_UNICODE: Final = (3, 1)
_ENGLISH: Final = 0x409
_PLANE: Final = 0x10000


@dataclass(frozen=True, slots=True)
class _Piece:
    """One glyph as the tables ``glyf`` and ``hmtx`` have it, the outline filled up to whole words; lengths in font units. ``words``: the sum of
    the outline's words, of which the checksum of the table is made.
    """

    outline: bytes
    metric: bytes
    advance: int
    contours: int
    points: int
    words: int


@dataclass(frozen=True, slots=True)
class _Taken:
    """The pieces for one font, and what fits all fonts of the face: ``missing`` (glyph 0), further tables, ascent and descent."""

    characters: Mapping[str, _Piece]
    runs: Mapping[str, tuple[tuple[_Piece, PlacedGlyph], ...]]
    missing: _Piece
    tables: Mapping[str, bytes]
    ascent_em: float
    descent_em: float


class _Pool:
    """What was cut out of one face so far."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._lock = threading.Lock()
        self._characters: dict[str, _Piece] = {}
        self._runs: dict[str, tuple[tuple[_Piece, PlacedGlyph], ...]] = {}
        space = cut_face(face, " ")
        self._tables = read_tables(space.truetype)
        self._missing = _read_pieces(space.truetype, self._tables)[0]
        self._extents = (space.ascent_em, space.descent_em)

    def take(self, characters: str, runs: tuple[str, ...]) -> _Taken:
        """The pieces of these characters and runs."""
        with self._lock:
            if len(self._characters) > MAX_POOLED:
                self._characters.clear()
                self._runs.clear()
            new = "".join(each for each in characters if each not in self._characters)
            new_runs = tuple(run for run in runs if run not in self._runs)
            if new or new_runs:
                self._cut(new, new_runs)
            taken = {each: self._characters[each] for each in characters}, {run: self._runs[run] for run in runs}
        return _Taken(*taken, self._missing, self._tables, *self._extents)

    def _cut(self, characters: str, runs: tuple[str, ...]) -> None:
        cut = cut_face(self._face, characters, runs=runs)
        pieces = _read_pieces(cut.truetype, read_tables(cut.truetype))
        for character, number in cut.glyphs.items():
            self._characters[character] = pieces[number]
        for run, placed in cut.runs.items():
            self._runs[run] = tuple((pieces[glyph.number], glyph) for glyph in placed)


@lru_cache(maxsize=POOLS_KEPT)
def _pool(face: Face) -> _Pool:
    return _Pool(face)


def pooled_face(face: Face, characters: Iterable[str], *, runs: Iterable[str] = ()) -> CutFace:
    """A font with exactly these characters, and the glyphs of these runs of traditional Mongolian script; the same bytes for the same request.

    Errors as :func:`service_kit.typefaces.cut.cut_face`.
    """
    return _assembled(face, "".join(sorted(set(characters))), tuple(sorted(set(runs))))


@lru_cache(maxsize=FONTS_KEPT)
def _assembled(face: Face, characters: str, runs: tuple[str, ...]) -> CutFace:
    # 1. The glyphs: none, the characters in their order, the forms of the runs
    taken = _pool(face).take(characters, runs)
    pieces = [taken.missing, *(taken.characters[character] for character in characters)]
    numbers = {character: number for number, character in enumerate(characters, 1)}
    forms: dict[_Piece, int] = {}
    placed: dict[str, tuple[PlacedGlyph, ...]] = {}
    for run, glyphs in taken.runs.items():
        row = []
        for piece, glyph in glyphs:
            if piece not in forms:
                forms[piece] = len(pieces)
                pieces.append(piece)
            row.append(PlacedGlyph(forms[piece], glyph.advance_em, glyph.x_em, glyph.y_em, glyph.first_character))
        placed[run] = tuple(row)

    # 2. The file
    upem = struct.unpack(">H", taken.tables["head"][18:20])[0]
    mark = hashlib.sha256(b"".join(piece.outline for piece in pieces) + characters.encode()).hexdigest()[:10].upper()
    weight = "Regular" if face.weight < 550 else "Bold"
    name = f"{face.family.replace(' ', '')}-{weight}-{mark}"
    truetype = _write(taken.tables, pieces, numbers, (f"{face.family} {mark}", weight, name))
    advances = {character: taken.characters[character].advance / upem for character in characters}
    return CutFace(face.family, name, truetype, numbers, advances, placed, taken.ascent_em, taken.descent_em)


def read_tables(truetype: bytes) -> dict[str, bytes]:
    """The tables of a font file of our own making, by tag."""
    (count,) = struct.unpack_from(">H", truetype, 4)
    tables = {}
    for at in range(12, 12 + 16 * count, 16):
        tag, _, offset, length = struct.unpack_from(">4sIII", truetype, at)
        tables[tag.decode("ascii")] = truetype[offset : offset + length]
    return tables


def advances_of(tables: Mapping[str, bytes]) -> list[int]:
    """How far each glyph moves the pen, in font units, by glyph number."""
    return [advance for advance, _ in _metrics(tables)]


def _metrics(tables: Mapping[str, bytes]) -> list[tuple[int, int]]:
    (full,) = struct.unpack_from(">H", tables["hhea"], 34)
    (glyphs,) = struct.unpack_from(">H", tables["maxp"], 4)
    table = tables["hmtx"]
    rows = [struct.unpack_from(">Hh", table, 4 * number) for number in range(min(full, glyphs))]
    last = rows[-1][0]
    return rows + [(last, struct.unpack_from(">h", table, 4 * full + 2 * number)[0]) for number in range(glyphs - len(rows))]


def _read_pieces(truetype: bytes, tables: Mapping[str, bytes]) -> list[_Piece]:
    metrics = _metrics(tables)
    is_long = struct.unpack_from(">h", tables["head"], 50)[0] == 1
    places = struct.unpack_from(f">{len(metrics) + 1}{'I' if is_long else 'H'}", tables["loca"])
    scale = 1 if is_long else 2
    outlines = [tables["glyf"][scale * start : scale * end] for start, end in pairwise(places)]
    composed = [number for number, outline in enumerate(outlines) if outline[:1] >= b"\x80"]
    if composed:
        for number, outline in _resolved(truetype, composed).items():
            outlines[number] = outline
    return [_piece(outline, *metric) for outline, metric in zip(outlines, metrics, strict=True)]


def _piece(outline: bytes, advance: int, bearing: int) -> _Piece:
    contours = points = 0
    if outline:
        (contours,) = struct.unpack_from(">h", outline)
        points = struct.unpack_from(">H", outline, 8 + 2 * contours)[0] + 1
    filled = outline + b"\0" * (-len(outline) % 4)
    return _Piece(filled, struct.pack(">Hh", advance, bearing), advance, contours, points, _sum(filled))


def _resolved(truetype: bytes, numbers: Sequence[int]) -> dict[int, bytes]:
    """The outlines of glyphs that are made of other glyphs, as outlines of their own."""
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import TTFont

    found = {}
    with TTFont(BytesIO(truetype)) as font:
        drawn, table = font.getGlyphSet(), font["glyf"]
        for number in numbers:
            whole, pen = DecomposingRecordingPen(drawn), TTGlyphPen(None)
            drawn[font.getGlyphName(number)].draw(whole)
            whole.replay(pen)
            glyph = pen.glyph()
            glyph.recalcBounds(table)
            found[number] = bytes(glyph.compile(table))
    return found


def _write(tables: Mapping[str, bytes], pieces: Sequence[_Piece], numbers: Mapping[str, int], names: tuple[str, str, str]) -> bytes:
    outlines = b"".join(piece.outline for piece in pieces)
    places = list(accumulate((len(piece.outline) for piece in pieces), initial=0))
    points, contours = max(piece.points for piece in pieces), max(piece.contours for piece in pieces)
    head = bytearray(tables["head"])
    struct.pack_into(">I", head, 8, 0)
    struct.pack_into(">h", head, 50, 1)
    hhea = tables["hhea"][:34] + struct.pack(">H", len(pieces))
    # Version 1.0, no instructions: one zone, everything else nothing
    maxp = struct.pack(">I14H", 0x00010000, len(pieces), points, contours, 0, 0, 1, *[0] * 8)
    codes = [ord(character) for character in numbers]
    os2 = bytearray(tables["OS/2"])
    struct.pack_into(">HH", os2, 64, min([0xFFFF, *codes]), min(max(codes, default=0xFFFF), 0xFFFF))
    written = {
        "OS/2": bytes(os2),
        "cmap": _character_map(codes),
        "glyf": outlines or b"\0",
        "head": bytes(head),
        "hhea": hhea,
        "hmtx": b"".join(piece.metric for piece in pieces),
        "loca": struct.pack(f">{len(places)}I", *places),
        "maxp": maxp,
        "name": _names(tables["name"], names),
        "post": struct.pack(">I", 0x00030000) + tables["post"][4:32],
    }
    return _file(written, {"glyf": sum(piece.words for piece in pieces) & _WORD})


def _segments(codes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of codes with the glyph number of the first; glyphs are numbered from 1 in the order of the codes."""
    found: list[tuple[int, int, int]] = []
    first = last = -2  # next to no code
    for number, code in enumerate(codes, 1):
        if code != last + 1:
            if number > 1:
                found.append((first, last, number - 1 - (last - first)))
            first = code
        last = code
    return [*found, (first, last, len(codes) - (last - first))] if codes else []


def _character_map(codes: Sequence[int]) -> bytes:
    """Format 4 for what it can hold, format 12 for all."""
    segments = _segments(codes)
    plane = [
        *((first, last, number) for first, last, number in _segments([code for code in codes if code < _PLANE - 1])),
        (0xFFFF, 0xFFFF, 0),
    ]
    count = len(plane)
    power = 1 << count.bit_length() - 1
    deltas = [(number - first) % _PLANE for first, _, number in plane[:-1]] + [1]
    small = struct.pack(
        f">7H{count}HH{3 * count}H",
        *(4, 16 + 8 * count, 0, 2 * count, 2 * power, power.bit_length() - 1, 2 * (count - power)),
        *(last for _, last, _ in plane),
        0,
        *(first for first, _, _ in plane),
        *deltas,
        *[0] * count,
    )
    large = struct.pack(">HHIII", 12, 0, 16 + 12 * len(segments), 0, len(segments)) + b"".join(
        struct.pack(">III", *each) for each in segments
    )
    return struct.pack(">HHHHIHHI", 0, 2, 3, 1, 20, 3, 10, 20 + len(small)) + small + large


def _names(table: bytes, names: tuple[str, str, str]) -> bytes:
    family, weight, postscript = names
    own = ((1, family), (2, weight), (3, postscript), (4, postscript), (6, postscript))
    kept = [*_copied_names(table), *((_ENGLISH, number, text.encode("utf-16-be")) for number, text in own)]
    records, texts = b"", b""
    for language, number, text in sorted(kept):
        records += struct.pack(">6H", *_WINDOWS_UNICODE, language, number, len(text), len(texts))
        texts += text
    return struct.pack(">HHH", 0, len(kept), 6 + len(records)) + records + texts


@lru_cache(maxsize=POOLS_KEPT)
def _copied_names(table: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """Language, number and text of the names that go with every font of a face."""
    count, storage = struct.unpack_from(">HH", table, 2)
    kept = []
    for at in range(6, 6 + 12 * count, 12):
        platform, encoding, language, number, length, offset = struct.unpack_from(">6H", table, at)
        if number in _COPIED_NAMES and (platform, encoding) == _WINDOWS_UNICODE:
            kept.append((language, number, table[storage + offset : storage + offset + length]))
    return tuple(kept)


def _sum(data: bytes) -> int:
    return int(sum(struct.unpack(f">{len(data) // 4}I", data))) & _WORD


def _file(tables: Mapping[str, bytes], sums: Mapping[str, int]) -> bytes:
    """The file of these tables. ``sums``: checksums that are known already."""
    count = len(tables)
    power = 1 << count.bit_length() - 1
    header = struct.pack(">IHHHH", 0x00010000, count, 16 * power, power.bit_length() - 1, 16 * (count - power))
    body, directory, total = bytearray(), b"", 0
    start = len(header) + 16 * count
    head_at = 0
    for tag, table in sorted(tables.items()):
        padded = table + b"\0" * (-len(table) % 4)
        checksum = sums[tag] if tag in sums else _sum(padded)
        total += checksum
        if tag == "head":
            head_at = start + len(body)
        directory += struct.pack(">4sIII", tag.encode("ascii"), checksum, start + len(body), len(table))
        body += padded
    total += _sum(header + directory)
    data = bytearray(header + directory + body)
    struct.pack_into(">I", data, head_at + 8, (_CHECKSUM - total) & _WORD)
    return bytes(data)
