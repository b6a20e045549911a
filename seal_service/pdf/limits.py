"""Limits for reading PDF files from outside, and the account that is kept against them.

Every number is a bound on work or memory, far above what honest documents need; where the standard names a limit, it is cited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from seal_service.pdf.cross_references import XrefSection

MAX_REFERENCE_CHAIN: Final = 16  # references to references
SHARED_TOKENS: Final = 100_000  # of objects kept for all views of a file, beside those that each view keeps: about 14 MB of Python values


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """Bounds for one document together with all its earlier revisions."""

    file_bytes: int = 134_217_728  # 128 MiB: read at 250 MB/s by SM3 in about half a second
    revisions: int = 512  # sections of the cross-reference chain; a document signed by hundreds of people has fewer
    object_number: int = 8_388_607  # ISO 32000-1 annex C.2: largest number of indirect objects
    objects: int = 200_000  # objects parsed; a check touches structure only, never page contents
    tokens_per_object: int = 400_000  # a flat page tree of 100,000 pages has 100,000 tokens
    tokens: int = 1_500_000  # all objects together, kept or not: about two seconds of reading
    kept_tokens: int = 700_000  # of these, in objects held in memory: under 100 MB of Python values
    object_bytes: int = 33_554_432  # text of one object without its stream: a seal with a large picture inside /Contents
    string_bytes: int = 262_144  # one literal string; ISO 32000-1 annex C.2 names 32,767
    name_bytes: int = 1_024  # ISO 32000-1 annex C.2 names 127
    depth: int = 64  # arrays and dictionaries inside each other; real files stay under 15
    stream_bytes: int = 33_554_432  # one decoded structural stream (cross-references, object stream)
    decoded_bytes: int = 67_108_864  # all decoded streams together
    decoded_ratio: int = 200  # decoded : encoded above 1 MiB; packed cross-references of real files reach about 60
    filters: int = 4  # filters after each other on one stream
    page_tree_depth: int = 64
    pages: int = 50_000
    fields: int = 10_000
    annotations: int = 100_000
    signatures: int = 128
    compared: int = 500_000  # values and references compared for all signatures together: about a second
    lookups: int = 3_000_000  # sections of cross-references asked for an object, one after the other: about a second
    scanned_bytes: int = 1_073_741_824  # bytes searched for missing ends of streams: under half a second
    scanned_objects: int = 200_000  # objects found by scanning a file whose cross-references are damaged


DEFAULT: Final = PdfLimits()


class Budget:
    """What has been spent on one document so far, and what was read of it; shared by the views of its revisions.

    ``sections`` and ``values`` by their offset, as cross_references.py keeps them: a view that ends behind them reads the same there.
    """

    __slots__ = ("compared", "decoded", "kept", "limits", "lookups", "objects", "scanned", "sections", "shared", "tokens", "values")

    def __init__(self, limits: PdfLimits = DEFAULT) -> None:
        self.limits = limits
        self.objects = 0
        self.tokens = 0
        self.kept = 0
        self.decoded = 0
        self.scanned = 0
        self.compared = 0
        self.lookups = 0
        self.sections: dict[int, XrefSection] = {}
        self.values: dict[int, tuple[object, int, bool, int]] = {}
        self.shared = 0  # tokens in ``values``

    def spend_object(self, tokens: int) -> None:
        """One more object was tried, with so many tokens."""
        self.objects += 1
        self.tokens += tokens
        if self.objects > self.limits.objects or self.tokens > self.limits.tokens:
            raise MalformedError("PDF_TOO_COMPLEX", objects=self.objects, tokens=self.tokens)

    def spend_decoded(self, count: int) -> None:
        """So many more bytes were decoded from streams."""
        self.decoded += count
        if self.decoded > self.limits.decoded_bytes:
            raise MalformedError("PDF_DECODED_TOO_LARGE", decoded=self.decoded, limit=self.limits.decoded_bytes)

    def spend_kept(self, tokens: int) -> None:
        """An object with so many tokens is held in memory."""
        self.kept += tokens
        if self.kept > self.limits.kept_tokens:
            raise MalformedError("PDF_TOO_COMPLEX", kept=self.kept)

    def spend_compared(self, count: int) -> None:
        """So many more values or references of two revisions were compared."""
        self.compared += count
        if self.compared > self.limits.compared:
            raise MalformedError("PDF_TOO_COMPLEX", compared=self.compared)

    def spend_lookups(self, count: int) -> None:
        """So many more sections of cross-references were asked for an object."""
        self.lookups += count
        if self.lookups > self.limits.lookups:
            raise MalformedError("PDF_TOO_COMPLEX", lookups=self.lookups)

    def spend_scanned(self, count: int) -> None:
        """So many more bytes were searched."""
        self.scanned += count
        if self.scanned > self.limits.scanned_bytes:
            raise MalformedError("PDF_TOO_COMPLEX", scanned=self.scanned)


def check_file_size(size: int, limits: PdfLimits) -> None:
    """Refuse a file that is larger than the limit (kind TOO_LARGE)."""
    if size > limits.file_bytes:
        raise TrustError(Kind.TOO_LARGE, "PDF_TOO_LARGE", size=size, limit=limits.file_bytes)
