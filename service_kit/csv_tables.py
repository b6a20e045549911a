"""Tables for spreadsheets: CSV (RFC 4180) in UTF-8, in which nobody's text is run as a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MARK: Final = b"\xef\xbb\xbf"
"""Begins a file, so that spreadsheets read it as UTF-8."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for a formula at the beginning of a cell


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Lines ending in CRLF. A cell that a spreadsheet would run begins with an apostrophe, by which it is shown."""
    written = io.StringIO(newline="")
    safe = ([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows)
    csv.writer(written, lineterminator="\r\n").writerows(safe)
    return written.getvalue().encode()
