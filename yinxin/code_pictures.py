"""Codes to be scanned from a page."""

from __future__ import annotations

import io
from typing import Final
from urllib.parse import quote

import segno

QUIET_MODULES: Final = 4  # ISO/IEC 18004 9.1: blank around a code


def draw_code(code: str) -> bytes:
    """A code as an SVG picture, black on white whatever the page's colours are, because scanners want it so."""
    drawn = io.BytesIO()
    segno.make(code, error="m", micro=False).save(
        drawn, kind="svg", border=QUIET_MODULES, dark="#000", light="#fff", xmldecl=False, svgclass=None, lineclass=None, omitsize=True
    )
    return drawn.getvalue()


def inline_code(code: str) -> str:
    """The picture as an address that holds it, for a code that can be drawn only now."""
    return "data:image/svg+xml," + quote(draw_code(code))
