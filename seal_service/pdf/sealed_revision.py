"""What was sealed, and what became of it: the bytes a signature covers are still in the file where only something was appended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.trust_list import TrustList
from seal_service.pdf.byte_ranges import RangeDigests, open_signed_revision, read_coverage
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.sealing_checks import Setting
from seal_service.pdf.signature_value import TIMESTAMP_FILTER, verify_value
from seal_service.render import compare_page
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from seal_service.render import PageDifference

COMPARED_PAGES_MAX: Final = 200  # each is drawn twice, at some 10 ms
PICTURED_PAGES_MAX: Final = 20  # pages whose pictures are given; each set has some 100 kB


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """``kind``: changed, added, removed. ``difference`` for the first changed pages only; None too where a page is there only once."""

    page: int
    kind: str
    difference: PageDifference | None = None


@dataclass(frozen=True, slots=True)
class PageChanges:
    """``compared``: how many pages were looked at, from the first; where that is less than all, the rest was not."""

    pages_before: int
    pages_after: int
    compared: int
    pages: tuple[ChangedPage, ...]


def find_sealed_revision(data: bytes, at: datetime, *, field: str | None = None) -> tuple[str, bytes]:
    """The name of a signature and the document as it was when it was made: of ``field``, else of the last one whose bytes are whole.

    Raises TrustError ``SEALED_REVISION_LOST``: no such signature, or bytes inside what it covers were changed, so that what was sealed
    cannot be had from this file any more.
    """
    document = PdfDocument.open(data)
    digests = RangeDigests(data)
    found: list[tuple[int, str]] = []
    for each in document.signature_fields():
        value = each.value_dict
        if value is None or (field is not None and each.name != field):
            continue
        if field is None and document.resolve(value.get("SubFilter")) == TIMESTAMP_FILTER:
            continue
        coverage = read_coverage(document, each)
        if coverage.end is None or open_signed_revision(document, coverage)[0] is None:
            continue
        _, result = verify_value(document, value, coverage, digests, Setting(TrustList.empty(), at))
        if result.document_intact:
            found.append((coverage.end, each.name))
    if not found:
        raise TrustError(Kind.UNACCEPTABLE, "SEALED_REVISION_LOST", field=field)
    end, name = max(found)
    return name, data[:end]


def compare_pages(before: bytes, after: bytes) -> PageChanges:
    """What a person sees differently, page by page. Later seals are differences too: the verifier says which of them are allowed."""
    counts = PdfDocument.open(before).page_count(), PdfDocument.open(after).page_count()
    common = min(*counts, COMPARED_PAGES_MAX)
    changed: list[ChangedPage] = []
    for page in range(1, common + 1):
        difference = compare_page(before, after, page)
        if difference is not None:
            changed.append(ChangedPage(page, "changed", difference if len(changed) < PICTURED_PAGES_MAX else None))
    kind = "added" if counts[1] > counts[0] else "removed"
    changed += [ChangedPage(page, kind) for page in range(min(counts) + 1, max(counts) + 1)]
    return PageChanges(*counts, common, tuple(changed))
