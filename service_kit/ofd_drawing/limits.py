"""How much of a document is drawn. Over a limit, the rest is left out and listed."""

from __future__ import annotations

from typing import Final

MAX_PAGES: Final = 500  # in one drawing; more by asking for other pages
MAX_PAGE_MM: Final = 5080  # what PDF readers can show (ISO 32000-1 annex C: 14,400 units)
MAX_UNITS: Final = 200_000  # text, paths and pictures on all pages; a page of a map has under 20,000
MAX_CONTENT_BYTES: Final = 64 * 1024 * 1024  # of operators
MAX_DEPTH: Final = 8  # composite units and blocks inside each other; real: 2
MAX_POINTS: Final = 2_000_000  # of paths and outlines
MAX_CHARACTERS: Final = 1_000_000
MAX_FONTS: Final = 200
MAX_FONT_BYTES: Final = 64 * 1024 * 1024  # of one file; the largest whole Chinese fonts have 40 MB
MAX_PICTURE_PIXELS: Final = 40_000_000  # of one; an A4 scan at 600 dpi has 35 million
MAX_PICTURES_PIXELS: Final = 160_000_000  # of all, each counted once
MAX_OMISSIONS: Final = 200  # kept by name
