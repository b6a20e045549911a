"""Objects as the bytes that stand in the file, changed at one place and nowhere else.

Reading a dictionary and writing it anew would round its numbers, and a verifier that compares the page before and after an earlier
signature would rightly say that it was changed. So what is not ours is copied byte for byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.pdf.cross_references import IN_FILE, IN_STREAM
from seal_service.pdf.limits import MAX_REFERENCE_CHAIN
from seal_service.pdf.syntax import Lexer, Ref, read_object_header, skip_space, write_name, write_object
from standards.errors import MalformedError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument


class Verbatim(bytes):
    """A value that is already PDF syntax; its bytes go into the file unchanged."""

    __slots__ = ()


def write_value(value: object) -> bytes:
    """A value as PDF syntax; :class:`Verbatim` as it is."""
    return bytes(value) if isinstance(value, Verbatim) else write_object(value)


def last_ref(document: PdfDocument, ref: Ref) -> Ref:
    """The reference behind references to references: the object that would be replaced."""
    for _ in range(MAX_REFERENCE_CHAIN):
        value = document.get(ref)
        if not isinstance(value, Ref):
            return ref
        ref = value
    raise MalformedError("PDF_REFERENCE_LOOP")


def read_text_of(document: PdfDocument, ref: Ref) -> Verbatim:
    """The bytes of an object's value, in the file or in an object stream."""
    entry = document.entry(ref.number)
    data, at, end = document.data, None, document.end
    if entry is not None and entry.kind == IN_FILE:
        header = read_object_header(data, entry.at, end)
        at = header[2] if header is not None else None
    elif entry is not None and entry.kind == IN_STREAM:
        data, index = document._object_stream(entry.at)  # noqa: SLF001 - the reader's own copy, decoded once
        at, end = index[entry.extra][1], len(data)
    if at is None:
        raise MalformedError("PDF_OBJECT_MISPLACED", number=ref.number)
    start = skip_space(data, at, end)
    lexer = Lexer(data, start, end, limits=document.budget.limits)
    lexer.read_value()
    return Verbatim(data[start : lexer.position])


def entry_text(dictionary: bytes, key: str) -> Verbatim | None:
    """The bytes of one entry's value; the last one counts where a key stands twice."""
    found = [dictionary[start:end] for name, _, start, end in Lexer(dictionary).read_dictionary_spans() if name == key]
    return Verbatim(found[-1]) if found else None


def with_entries(dictionary: bytes, entries: dict[str, object]) -> Verbatim:
    """A dictionary with some entries set; a key that stands twice is set twice, so that no reader sees an old value."""
    lexer = Lexer(dictionary)
    spans = lexer.read_dictionary_spans()
    parts, at = [], 0
    for name, _, start, end in spans:
        if name in entries:
            parts += [dictionary[at:start], b" ", write_value(entries[name])]
            at = end
    close = lexer.position - 2
    parts.append(dictionary[at:close])
    present = {name for name, *_ in spans}
    parts += [write_name(key) + b" " + write_value(value) for key, value in entries.items() if key not in present]
    return Verbatim(b"".join((*parts, b">>")))


def with_item(array: bytes, item: object) -> Verbatim:
    """An array with one more item at its end."""
    lexer = Lexer(array)
    if not isinstance(lexer.read_value(), list):
        raise MalformedError("PDF_SYNTAX", offset=0)
    return Verbatim(array[: lexer.position - 1] + b" " + write_value(item) + b"]")
