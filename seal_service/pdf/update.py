"""Incremental update (ISO 32000-1 7.5.6): new and replaced objects behind the document, which itself is never touched.

The appended section has the kind of the document's last one: a cross-reference table behind tables (hybrid files included, whose table
part every reader knows), a cross-reference stream behind streams. A mixture is what readers disagree about.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from seal_service.pdf.object_text import Verbatim, last_ref, read_text_of, with_entries, with_item, write_value
from seal_service.pdf.syntax import HexString, Name, PdfString, Ref, write_object
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal_service.pdf.cross_references import XrefSection
    from seal_service.pdf.document import PdfDocument

MAX_OFFSET: Final = 9_999_999_999  # ten digits of a cross-reference table entry, 7.5.4
MAX_OBJECT_NUMBER: Final = 8_388_607  # ISO 32000-1 annex C.2
_ID_BYTES: Final = 16
_SPACE: Final = b"\x00\t\n\x0c\r "  # white space, 7.2.2


class IncrementalUpdate:
    """Collects objects for one appended revision. Offsets in the file are known after :meth:`write`."""

    def __init__(self, document: PdfDocument, original_bytes: int, *, ends_line: bool) -> None:
        """``original_bytes``: length of the document; ``ends_line``: whether it ends with an end of line."""
        self._document = document
        self._start = original_bytes
        self._lead = b"" if ends_line else b"\n"
        self._objects: dict[Ref, object] = {}
        # /Size of the newest trailer should be the largest; where an older one is larger its numbers were in use once.
        self._next = max([1, *(size for trailer in _trailers(document) if type(size := trailer.get("Size")) is int)])
        self.offsets: dict[Ref, int] = {}  # of "n g obj", from the start of the file

    def add(self, value: object) -> Ref:
        """A new object under a number nobody has used."""
        if self._document.entry(self._next) is not None:  # /Size was too small: begin behind the largest number of all
            self._next = 1 + max(max(section.numbers(), default=0) for section in self._document.sections)
        ref = Ref(self._next, 0)
        if self._next > MAX_OBJECT_NUMBER:
            raise TrustError(Kind.TOO_LARGE, "PDF_TOO_MANY_OBJECTS", most=MAX_OBJECT_NUMBER)
        self._next += 1
        self._objects[ref] = value
        return ref

    def reserve(self) -> Ref:
        """A number for an object that will be given with :meth:`replace`, for objects that point at each other."""
        return self.add(None)

    def replace(self, ref: Ref, value: object) -> None:
        """A new version of an object, under its number and generation."""
        self._objects[ref] = value

    def set_entries(self, ref: Ref, entries: dict[str, object]) -> None:
        """Set some entries of a dictionary that the document has; everything else in it stays as it is written there."""
        ref = last_ref(self._document, ref)
        self._objects[ref] = with_entries(self._text(ref), entries)

    def append_item(self, ref: Ref, item: object) -> None:
        """Append to an array that the document has as an object of its own."""
        ref = last_ref(self._document, ref)
        self._objects[ref] = with_item(self._text(ref), item)

    def _text(self, ref: Ref) -> bytes:
        begun = self._objects.get(ref)
        return begun if isinstance(begun, Verbatim) else read_text_of(self._document, ref)

    def write(self, second_id: bytes) -> bytearray:
        """The bytes to append. ``second_id`` (16 bytes) becomes the second part of /ID where the document has one."""
        tail = bytearray(self._lead)
        for ref, value in self._objects.items():
            self.offsets[ref] = self._start + len(tail)
            tail += b"%d %d obj\n" % ref
            tail += write_value(value)
            tail += b"\nendobj\n"
        at = self._start + len(tail)
        if at > MAX_OFFSET:
            raise TrustError(Kind.TOO_LARGE, "PDF_TOO_LARGE", limit=MAX_OFFSET)
        trailer = self._trailer(second_id)
        if self._kind() == "stream":
            tail += self._stream(at, trailer)
        else:
            tail += self._table(trailer)
        tail += b"startxref\n%d\n%%%%EOF\n" % at
        return tail

    def _kind(self) -> str:
        return self._newest().kind

    def _newest(self) -> XrefSection:
        """The section that startxref names: the keyword itself, or white space in front of it, where node-signpdf writes it and every reader goes on."""
        named, newest = self._document.last_startxref, next(iter(self._document.sections), None)
        if newest is None or named > newest.offset or self._document.data[named : newest.offset].strip(_SPACE):
            raise MalformedError("PDF_XREF_DAMAGED", startxref=named)
        return newest

    def _trailer(self, second_id: bytes) -> dict[str, object]:
        old = self._document.trailer
        trailer: dict[str, object] = {"Size": self._next}
        trailer |= {key: old[key] for key in ("Root", "Info") if key in old}
        trailer["Prev"] = self._newest().offset
        identifier = self._document.resolve(old.get("ID"))
        if isinstance(identifier, list) and identifier:
            first = self._document.resolve(identifier[0])
            if isinstance(first, PdfString):
                trailer["ID"] = [HexString(first), HexString(second_id[:_ID_BYTES])]
        return trailer

    def _runs(self, offsets: dict[Ref, int]) -> list[list[tuple[Ref, int]]]:
        """Entries in runs of successive numbers, as both kinds of section list them."""
        ordered = sorted(offsets.items())
        grouped = groupby(enumerate(ordered), key=lambda item: item[1][0].number - item[0])
        return [[entry for _, entry in run] for _, run in grouped]

    def _table(self, trailer: dict[str, object]) -> bytes:
        # The head of the free list comes first, as in the standard's own example (annex H.7): some readers count from it.
        out = [b"xref\n0 1\n0000000000 65535 f \n"]
        for run in self._runs(self.offsets):
            out.append(b"%d %d\n" % (run[0][0].number, len(run)))
            out += [b"%010d %05d n \n" % (offset, ref.generation) for ref, offset in run]
        out += (b"trailer\n", write_object(trailer), b"\n")
        return b"".join(out)

    def _stream(self, at: int, trailer: dict[str, object]) -> bytes:
        """A cross-reference stream (7.5.8) that lists itself; plain, since a dozen entries are shorter than their compression."""
        own = Ref(self._next, 0)
        runs = self._runs(self.offsets | {own: at})
        width = (at.bit_length() + 7) // 8
        body = b"".join(b"\1" + offset.to_bytes(width, "big") + ref.generation.to_bytes(2, "big") for run in runs for ref, offset in run)
        index = [number for run in runs for number in (run[0][0].number, len(run))]
        dictionary: dict[str, object] = {"Type": Name("XRef"), **trailer, "Size": self._next + 1, "Index": index, "W": [1, width, 2]}
        dictionary["Length"] = len(body)
        return b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (own.number, write_object(dictionary), body)


def _trailers(document: PdfDocument) -> Iterator[dict[str, object]]:
    yield document.trailer
    for section in document.sections:
        yield section.trailer
