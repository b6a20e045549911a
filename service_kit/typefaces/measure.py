"""How wide texts are, without a font being cut: for those who only ask whether something fits.

What is measured is what would be written: the same advances, to the last bit, as :func:`service_kit.typefaces.pool.pooled_face` gives.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from service_kit.typefaces.cut import shaped_run
from service_kit.typefaces.faces import glyph_missing
from service_kit.typefaces.outlines import Outlines

if TYPE_CHECKING:
    from service_kit.typefaces.faces import Face
    from service_kit.typefaces.outlines import PlacedGlyph

MEASURES_KEPT: Final = 16  # faces; each has as many advances as it has characters, at most (some 5 MB)
RUNS_KEPT: Final = 4096  # of one face


class _Advances(dict[str, float]):
    """How far each character moves the pen (1.0 = font size), read when it is first asked for."""

    def __init__(self, outlines: Outlines) -> None:
        super().__init__()
        self._outlines = outlines

    def __missing__(self, character: str) -> float:
        number = self._outlines.number_of(character)
        if not number:
            raise glyph_missing(character)
        found = self._outlines.advance_em(number)
        self[character] = found
        return found


class Measures:
    """The advances of one face. May be shared by threads."""

    def __init__(self, face: Face) -> None:
        outlines = Outlines(face.path, index=face.index, weight=face.weight)
        self.advances_em = _Advances(outlines)
        self._shape = lru_cache(maxsize=RUNS_KEPT)(lambda run: shaped_run(outlines, run))

    def width_mm(self, text: str, size_mm: float, spacing_mm: float = 0) -> float:
        """How long a text is on one line. Raises ``GLYPH_MISSING``."""
        return sum(map(self.advances_em.__getitem__, text)) * size_mm + spacing_mm * max(len(text) - 1, 0)

    def placed(self, run: str) -> tuple[PlacedGlyph, ...]:
        """The glyphs of a run of traditional Mongolian. Raises ``GLYPH_MISSING``."""
        return self._shape(run)


@lru_cache(maxsize=MEASURES_KEPT)
def measures_of(face: Face) -> Measures:
    """What a face measures, read once in a process."""
    return Measures(face)
