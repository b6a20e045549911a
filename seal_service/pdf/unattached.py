"""Signatures in the bytes of a file that no field of the final document leads to.

A later revision can take a signature out of the form, or put another dictionary in its place. The signed revision is still there: it is
opened as it was, so that a removed seal is reported instead of silently missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.pdf.byte_ranges import Coverage, read_coverage
from seal_service.pdf.document import PdfDocument
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pdf.form_fields import SignatureField

_MAX_FOUND: Final = 16  # unattached signatures looked at; honest files have none or one
_BYTE_RANGE: Final = re.compile(rb"/ByteRange[\x00\t\n\x0c\r ]*\[[\x00\t\n\x0c\r ]*0[\x00\t\n\x0c\r ]+(\d{1,10}) +(\d{1,10}) +(\d{1,10})")


@dataclass(frozen=True, slots=True)
class Unattached:
    """A place that looks like a signature; with the revision it belongs to, its field there and its coverage where it is one."""

    offset: int
    revision: PdfDocument | None = None
    field: SignatureField | None = None
    coverage: Coverage | None = None


def find_unattached(document: PdfDocument, positions: Sequence[int]) -> list[Unattached]:
    """Signature dictionaries outside the objects at ``positions`` (those of the document's signature fields). Never raises."""
    data, end = document.data, document.end
    spans = [(position, data.find(b"endobj", position, end)) for position in sorted(set(positions))]
    found: list[Unattached] = []
    at = data.find(b"/ByteRange", 0, end)
    for _ in range(_MAX_FOUND + len(spans)):
        if at < 0 or len(found) >= _MAX_FOUND:
            break
        if not any(start <= at < stop for start, stop in spans):
            found.append(_examine(document, at))
        at = data.find(b"/ByteRange", at + 10, end)
    return found


def _examine(document: PdfDocument, offset: int) -> Unattached:
    match = _BYTE_RANGE.match(document.data, offset)
    if match is None:
        return Unattached(offset)
    end = int(match[2]) + int(match[3])
    if not offset < end <= document.end:
        return Unattached(offset)
    try:
        revision = PdfDocument.open(document.data, end=end, budget=document.budget, recover_damaged=False)
        for field in revision.signature_fields():
            if field.value_dict is not None:
                coverage = read_coverage(revision, field)
                if coverage.end == end and coverage.gap == (int(match[1]), int(match[2])):
                    return Unattached(offset, revision, field, coverage)
    except TrustError:
        return Unattached(offset)  # what it belonged to cannot be read: it is only named
    return Unattached(offset)
