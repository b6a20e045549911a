"""Glyphs of any font as Type 3 fonts of the PDF (ISO 32000-1 9.6.5): outlines as operators, each glyph once, with its text for searching.

A font of a document is only ever read by HarfBuzz; no program of the font, no table but outlines and widths, goes into the PDF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.pdf_file import real, reals

if TYPE_CHECKING:
    from service_kit.ofd_drawing.pdf_file import PdfFile
    from service_kit.typefaces.outlines import Glyph, Outlines

PER_EM: Final = 1000
_SLOTS: Final = 255  # codes 1..255 of one font
_EMPTY_BOX: Final = (0.0, 0.0, 1.0, 1.0)


class GlyphFonts:
    """The Type 3 fonts of one PDF. ``names`` are the resources by their names."""

    def __init__(self, pdf: PdfFile, most_points: int) -> None:
        self._pdf = pdf
        self._points = most_points
        self._places: dict[tuple[int, int, str], tuple[str, int]] = {}
        self._kept: list[Outlines] = []  # so that no identity is used twice
        self._fonts: list[tuple[int, list[tuple[Glyph, str]]]] = []

    def place(self, outlines: Outlines, number: int, text: str) -> tuple[str, int] | None:
        """The font resource and the code for a glyph that stands for ``text``; None where its outline is over the limit of points."""
        key = (id(outlines), number, text)
        if key not in self._places:
            glyph = outlines.glyph(number)
            self._points -= sum(1 + len(contour.pieces) for contour in glyph.contours)
            if self._points < 0:
                return None
            if not self._fonts or len(self._fonts[-1][1]) == _SLOTS:
                self._fonts.append((self._pdf.reserve(), []))
            glyphs = self._fonts[-1][1]
            glyphs.append((glyph, text))
            self._kept.append(outlines)
            self._places[key] = (f"F{len(self._fonts)}", len(glyphs))
        return self._places[key]

    def resources(self) -> str:
        """The entries of the Font resource dictionary."""
        return "".join(f"/F{index} {number} 0 R" for index, (number, _) in enumerate(self._fonts, 1))

    def finish(self) -> None:
        """Write the fonts with all glyphs that were used."""
        for number, glyphs in self._fonts:
            names = [f"g{code}" for code in range(1, len(glyphs) + 1)]
            procedures = [self._pdf.add_stream(_procedure(glyph).encode("ascii")) for glyph, _ in glyphs]
            widths = " ".join(real(glyph.advance_em * PER_EM) for glyph, _ in glyphs)
            unicode_map = self._pdf.add_stream(_to_unicode([text for _, text in glyphs]))
            self._pdf.set(
                number,
                f"<</Type/Font/Subtype/Type3/FontBBox[0 0 0 0]/FontMatrix[{1 / PER_EM} 0 0 {1 / PER_EM} 0 0]/Resources<<>>"
                f"/FirstChar 1/LastChar {len(glyphs)}/Widths[{widths}]"
                f"/Encoding<</Type/Encoding/Differences[1 {' '.join('/' + name for name in names)}]>>"
                f"/CharProcs<<{' '.join(f'/{name} {stream} 0 R' for name, stream in zip(names, procedures, strict=True))}>>"
                f"/ToUnicode {unicode_map} 0 R>>",
            )


def _procedure(glyph: Glyph) -> str:
    points = [point for contour in glyph.contours for point in contour.points()]
    xs, ys = [x * PER_EM for x, _ in points], [y * PER_EM for _, y in points]
    box = (min(xs), min(ys), max(xs), max(ys)) if points else _EMPTY_BOX
    out = [f"{real(glyph.advance_em * PER_EM)} 0 {reals(*box)} d1"]
    for contour in glyph.contours:
        out.append(f"{reals(contour.start[0] * PER_EM, contour.start[1] * PER_EM)} m")
        out += [f"{reals(*(value * PER_EM for value in piece))} {'l' if len(piece) == 2 else 'c'}" for piece in contour.pieces]
        out.append("h")
    if glyph.contours:
        out.append("f")
    return "\n".join(out)


def _to_unicode(texts: list[str]) -> bytes:
    """A CMap from codes to texts (ISO 32000-1 9.10.3); a glyph that stands for nothing of its own is left out."""
    rows = [f"<{code:02X}> <{text.encode('utf-16-be', 'replace').hex().upper()}>" for code, text in enumerate(texts, 1) if text]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /T def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange\n{body}\nendcmap end end"
    ).encode("ascii")
