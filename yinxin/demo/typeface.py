"""The typeface of the demonstration document: Noto Sans SC, cut down to the characters in use, at its regular weight.

The package ``justmytype-intl-cjk`` brings it as a variable font whose default is the hairline weight (100), so an instance at weight 400
is made. A character that the font lacks is an error, never an empty box.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

REGULAR_WEIGHT: Final = 400
FONT_FILE: Final = Path("fonts", "ofl", "notosanssc", "NotoSansSC[wght].ttf")


def cut_typeface(characters: str) -> bytes:
    """A TrueType font (file bytes) with exactly ``characters`` at weight 400. Raises TrustError ``GLYPH_MISSING``."""
    import justmytype_intl_cjk
    from fontTools.ttLib import TTFont

    with TTFont(Path(justmytype_intl_cjk.__file__).parent / FONT_FILE, lazy=True) as font:
        return _cut(font, characters)


def _cut(font: TTFont, characters: str) -> bytes:
    from fontTools import subset
    from fontTools.varLib import instancer

    covered = font.getBestCmap()
    missing = sorted({character for character in characters if ord(character) not in covered})
    if missing:
        raise TrustError(Kind.UNACCEPTABLE, "GLYPH_MISSING", characters="".join(missing))
    options = subset.Options(
        layout_features=[], notdef_outline=True, name_IDs=["*"], drop_tables=["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG"]
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    instance = instancer.instantiateVariableFont(font, {"wght": REGULAR_WEIGHT}, inplace=True, updateFontNames=False)
    for record in instance["name"].names:  # its own PostScript name, so that it is never taken for the hairline default
        if record.nameID in {4, 6}:
            record.string = "NotoSansSC-Regular"
    out = BytesIO()
    instance.save(out)
    return out.getvalue()
