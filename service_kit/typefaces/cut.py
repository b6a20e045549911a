"""A font cut down to what one document uses: a small TrueType file that can be embedded, with the numbers a page maker needs.

HarfBuzz cuts the face and fixes its weight. Outlines of another kind (CFF, as Noto CJK has) are turned into TrueType ones, because that is
what every reader of OFD and every maker of PDF takes. The cut font has a name of its own, made from its content: two cuts of one face in
one document are never taken for each other, and a variable face never for its hairline default.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import uharfbuzz as hb

from service_kit.typefaces.faces import Face, glyph_missing, missing_characters
from service_kit.typefaces.outlines import WEIGHT_AXIS, Outlines, PlacedGlyph
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_CHARACTERS: Final = 20_000  # different ones in one font; a code of law uses under 3,000
MAX_RUNS: Final = 2000
CUTS_KEPT: Final = 64  # forms are filled in with the same words again and again
CURVE_TOLERANCE_EM: Final = 0.0005  # how far a TrueType curve may lie off the cubic it replaces: 2 micrometres at 12 pt
RUN_SCRIPT: Final = "Mong"
RUN_LANGUAGE: Final = "mn"
_UNUSED_TABLES: Final = ("GSUB", "GPOS", "GDEF", "BASE", "STAT", "JSTF", "vhea", "vmtx", "VORG", "DSIG", "gasp", "meta", "MATH", "kern")
_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class CutFace:
    """A cut font. Lengths in em (1.0 = font size); ``glyphs`` are glyph numbers within ``truetype``.

    ``runs`` are the shaped runs that were asked for, by their text; ``descent_em`` is negative.
    """

    family: str
    postscript_name: str
    truetype: bytes
    glyphs: Mapping[str, int]
    advances_em: Mapping[str, float]
    runs: Mapping[str, tuple[PlacedGlyph, ...]]
    ascent_em: float
    descent_em: float


def cut_face(face: Face, characters: Iterable[str], *, runs: Iterable[str] = ()) -> CutFace:
    """A font with exactly these characters, and the glyphs of these runs of traditional Mongolian script. The same bytes for the same request.

    :raises TrustError: ``GLYPH_MISSING`` (a character or a run that the face cannot draw; an empty box is never drawn),
        ``TYPEFACE_TOO_LARGE`` over ``MAX_CHARACTERS`` or ``MAX_RUNS``.
    """
    wanted, shaped = "".join(sorted(set(characters))), tuple(sorted(set(runs)))
    if len(wanted) > MAX_CHARACTERS or len(shaped) > MAX_RUNS:
        raise TrustError(Kind.TOO_LARGE, "TYPEFACE_TOO_LARGE", characters=len(wanted), runs=len(shaped), most=MAX_CHARACTERS)
    return _cut(face, wanted, shaped)


@lru_cache(maxsize=CUTS_KEPT)
def _cut(face: Face, characters: str, runs: tuple[str, ...]) -> CutFace:
    missing = missing_characters(face, characters)
    if missing:
        raise glyph_missing(missing)
    outlines = Outlines(face.path, index=face.index, weight=face.weight)
    shaped = {run: shaped_run(outlines, run) for run in runs}

    # 1. The glyphs in use, at their weight, under new numbers
    source = hb.Face(hb.Blob.from_file_path(str(face.path)), face.index)
    request = hb.SubsetInput()
    request.unicode_set.update(map(ord, characters))
    request.glyph_set.update(glyph.number for run in shaped.values() for glyph in run)
    request.drop_table_tag_set.update(int.from_bytes(tag.encode("ascii").ljust(4)) for tag in _UNUSED_TABLES)
    request.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE
    if any(axis.tag == WEIGHT_AXIS for axis in source.axis_infos):
        request.pin_axis_location(source, WEIGHT_AXIS, face.weight)
    plan = hb.SubsetPlan(source, request)
    cut = bytes(plan.execute().blob.data)
    numbers = dict(plan.old_to_new_glyph_mapping)

    # 2. TrueType outlines and a name of its own
    truetype, name = _written(cut, face)

    # 3. What is measured is what was written
    written = Outlines(truetype)
    glyphs = {character: written.number_of(character) for character in characters}
    extents = hb.Font(hb.Face(hb.Blob(truetype))).get_font_extents("ltr")
    return CutFace(
        face.family,
        name,
        truetype,
        glyphs,
        {character: written.glyph(number).advance_em for character, number in glyphs.items()},
        {
            run: tuple(PlacedGlyph(numbers[g.number], g.advance_em, g.x_em, g.y_em, g.first_character) for g in placed)
            for run, placed in shaped.items()
        },
        extents.ascender / source.upem,
        extents.descender / source.upem,
    )


def shaped_run(outlines: Outlines, run: str) -> tuple[PlacedGlyph, ...]:
    """The glyphs of a run of traditional Mongolian. Raises ``GLYPH_MISSING``."""
    placed = outlines.shape(run, script=RUN_SCRIPT, language=RUN_LANGUAGE)
    lacking = {run[glyph.first_character] for glyph in placed if not glyph.number}
    if lacking or not placed:
        raise glyph_missing(lacking)
    return placed


def _written(cut: bytes, face: Face) -> tuple[bytes, str]:
    """The font file, and its PostScript name."""
    from fontTools.ttLib import TTFont

    weight = "Regular" if face.weight < 550 else "Bold"
    # An identifier of this content, so that no reader takes one cut for another; nothing is protected by it
    mark = hashlib.sha256(cut).hexdigest()[:10].upper()
    name = f"{face.family.replace(' ', '')}-{weight}-{mark}"
    with _LOCK, TTFont(BytesIO(cut), recalcTimestamp=False) as font:
        if "glyf" not in font:
            _make_truetype(font)
        font["name"].names = [record for record in font["name"].names if record.nameID in {0, 13, 14}]  # copyright and licence stay
        for number, text in ((1, f"{face.family} {mark}"), (2, weight), (3, name), (4, name), (6, name)):
            font["name"].setName(text, number, 3, 1, 0x409)
        out = BytesIO()
        font.save(out)
    return out.getvalue(), name


def _make_truetype(font: Any) -> None:
    """Replace the CFF outlines of a font by TrueType ones."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import newTable

    order = font.getGlyphOrder()
    drawn = font.getGlyphSet()
    tolerance = CURVE_TOLERANCE_EM * font["head"].unitsPerEm
    table = newTable("glyf")
    table.glyphOrder, table.glyphs = order, {}
    for name in order:
        pen = TTGlyphPen(None)
        drawn[name].draw(Cu2QuPen(pen, tolerance, reverse_direction=True))
        table.glyphs[name] = pen.glyph()
    del font["CFF "]
    font["loca"], font["glyf"] = newTable("loca"), table
    font.sfntVersion = "\x00\x01\x00\x00"
    largest = font["maxp"]
    largest.tableVersion = 0x00010000
    for field in (
        "maxZones",
        "maxTwilightPoints",
        "maxStorage",
        "maxFunctionDefs",
        "maxInstructionDefs",
        "maxStackElements",
        "maxSizeOfInstructions",
        "maxPoints",
        "maxContours",
        "maxCompositePoints",
        "maxCompositeContours",
        "maxComponentElements",
        "maxComponentDepth",
    ):
        setattr(largest, field, 0)
    largest.maxZones = 1  # no twilight zone: there are no instructions
    font["post"].formatType = 3.0
