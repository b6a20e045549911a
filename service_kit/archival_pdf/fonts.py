"""Embedded fonts with text that can be searched (ISO 32000-1 9.7, 9.10; ISO 19005-3 6.2.11).

A code stands for one glyph together with the text it means there: the forms of traditional Mongolian letters look alike for different
letters, so a glyph alone would not say which characters to find. ``CIDToGIDMap`` leads from the codes to the glyphs of the font file.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from service_kit.archival_pdf.packing import OUTLINE_LEVEL, packed
from service_kit.ofd_drawing.pdf_file import real
from service_kit.typefaces.pool import advances_of, read_tables

if TYPE_CHECKING:
    from service_kit.ofd_drawing.pdf_file import PdfFile
    from service_kit.typefaces.cut import CutFace

UNITS_KEPT: Final = 8192  # characters that documents have in common
_PER_EM: Final = 1000
_SYMBOLIC: Final = 4  # font flags (table 123): glyphs are addressed by number
_ROWS: Final = 100  # in one block of a CMap


@lru_cache(maxsize=64)
def _metrics(truetype: bytes) -> tuple[list[float], list[float]]:
    """Widths of the glyphs and the box of the font, in thousandths of an em."""
    tables = read_tables(truetype)
    (upem,) = struct.unpack_from(">H", tables["head"], 18)
    scale = _PER_EM / upem
    return [advance * scale for advance in advances_of(tables)], [value * scale for value in struct.unpack_from(">4h", tables["head"], 36)]


class PdfFont:
    """One font of a layer: codes are given out as glyphs are used."""

    def __init__(self, face: CutFace) -> None:
        self.face = face
        self._widths, self._box = _metrics(face.truetype)
        self._codes: dict[tuple[int, str], int] = {}
        self._shown: dict[str, str] = {}

    def code(self, glyph: int, text: str) -> int:
        """The code for a glyph that stands for ``text``."""
        return self._codes.setdefault((glyph, text), len(self._codes) + 1)

    def plain(self, text: str) -> str:
        """The codes of characters that each stand for themselves, in hexadecimal; KeyError for one that the face has no glyph of."""
        shown, glyphs = self._shown, self.face.glyphs
        for character in text:
            if character not in shown:
                shown[character] = f"{self.code(glyphs[character], character):04X}"
        return "".join(map(shown.__getitem__, text))

    def width(self, glyph: int) -> float:
        """How far a glyph moves the pen, in thousandths of an em."""
        return self._widths[glyph]

    def finish(self) -> FinishedFont:
        """The parts of the font's objects; no code is given out afterwards."""
        widths = " ".join(real(self._widths[glyph]) for glyph, _ in self._codes)
        glyphs = struct.pack(f">{len(self._codes) + 1}H", 0, *(glyph for glyph, _ in self._codes))
        texts = [text for _, text in self._codes]
        return FinishedFont(self.face, self._box, widths, packed(glyphs), packed(_unicode_map(texts)))


class FinishedFont:
    """A font as its objects will be written."""

    __slots__ = ("_box", "_glyphs", "_texts", "_widths", "face")

    def __init__(self, face: CutFace, box: list[float], widths: str, glyphs: bytes, texts: bytes) -> None:
        self.face = face
        self._box = box
        self._widths = widths
        self._glyphs = glyphs
        self._texts = texts

    def write(self, pdf: PdfFile) -> int:
        """Add the objects; the number of the font."""
        face = self.face
        # A name of six letters in front says that the font was cut down (9.6.4)
        name = "".join(chr(ord("A") + int(digit, 16)) for digit in face.postscript_name[-6:]) + "+" + face.postscript_name
        program = pdf.add_stream(packed(face.truetype, OUTLINE_LEVEL), f"/Length1 {len(face.truetype)}/Filter/FlateDecode", is_packed=True)
        ascent, descent = real(face.ascent_em * _PER_EM), real(face.descent_em * _PER_EM)
        descriptor = pdf.add(
            f"<</Type/FontDescriptor/FontName/{name}/Flags {_SYMBOLIC}/FontBBox[{' '.join(map(real, self._box))}]/ItalicAngle 0"
            f"/Ascent {ascent}/Descent {descent}/CapHeight {ascent}/StemV 80/FontFile2 {program} 0 R>>"
        )
        glyphs = pdf.add_stream(self._glyphs, "/Filter/FlateDecode", is_packed=True)
        descendant = pdf.add(
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            f"/FontDescriptor {descriptor} 0 R/DW 1000/W[1[{self._widths}]]/CIDToGIDMap {glyphs} 0 R>>"
        )
        texts = pdf.add_stream(self._texts, "/Filter/FlateDecode", is_packed=True)
        return pdf.add(
            f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts[{descendant} 0 R]/ToUnicode {texts} 0 R>>"
        )


@lru_cache(maxsize=UNITS_KEPT)
def _units(text: str) -> str:
    """UTF-16 in hexadecimal."""
    return text.encode("utf-16-be").hex().upper()


def _unicode_map(texts: list[str]) -> bytes:
    """A CMap from codes to texts (9.10.3); a glyph that adds nothing to the text before it is left out."""
    rows = [f"<{code:04X}> <{_units(text)}>" for code, text in enumerate(texts, 1) if text]
    blocks = [rows[at : at + _ROWS] for at in range(0, len(rows), _ROWS)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def /CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <FFFF> endcodespacerange\n{body}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode("ascii")
