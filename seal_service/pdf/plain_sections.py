"""Whether a cross-reference section behind a signature is one that every reader reads alike (ISO 32000-1 7.5.4, 7.5.8).

A reader that finds fault with a section rebuilds the whole file: it searches for objects and takes the last one of each number, also one
that the signer never saw because the cross-references of his revision passed it over. So leniency that does no harm in the document that is
signed lets whoever comes after it choose what such readers show. An update has to be written as the standard says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from seal_service.pdf.cross_references import FREE, IN_FILE, IN_STREAM

if TYPE_CHECKING:
    from seal_service.pdf.cross_references import XrefSection
    from seal_service.pdf.document import PdfDocument

_HEAD: Final = re.compile(rb"xref ?(?:\r\n|\n|\r)")
_SUBSECTION: Final = re.compile(rb"(\d{1,10}) (\d{1,10}) ?(?:\r\n|\n|\r)")
_TRAILER: Final = re.compile(rb"(?:(?<=\n)\r?\n)?trailer")  # MuPDF and pdf-lib leave a line empty in front of it
_ENTRIES: Final = re.compile(rb"(?:\d{10} \d{5} [nf](?: \n| \r|\r\n))*+\Z")
_ENTRY_BYTES: Final = 20
_KINDS: Final = frozenset({FREE, IN_FILE, IN_STREAM})


def has_odd_sections(signed: PdfDocument, final: PdfDocument) -> bool:
    """Whether one of the sections that came behind ``signed`` is not plain."""
    known = {section.offset for section in signed.sections}
    chain = {part.offset for section in final.sections for part in (section, section.hidden) if part is not None}
    leads = [final.last_startxref, *(section.trailer.get("Prev") for section in final.sections)]
    return any(
        lead != section.offset
        or _is_odd(section, final)
        or (section.hidden is not None and _is_odd_pair(section, section.hidden, final, chain))
        for section, lead in zip(final.sections, leads, strict=False)
        if section.offset not in known
    )


def _is_odd(section: XrefSection, final: PdfDocument) -> bool:
    size = section.trailer.get("Size")
    if type(section.trailer.get("Prev", 0)) is not int or type(size) is not int or section.own_highest >= size:
        return True
    if section.kind != "stream":
        return not _is_plain_table(final.data, section.offset, section.end)
    if not section.is_complete or not final.data[section.offset : section.offset + 1].isdigit():  # space or a comment in front of it
        return True
    entries = {number: section.own_entry(number) for number in section.own_numbers()}
    final.budget.spend_lookups(len(entries))
    return any(entry is None or entry.kind not in (_KINDS if number else {FREE}) for number, entry in entries.items())


def _is_plain_table(data: bytes, start: int, end: int) -> bool:
    head = _HEAD.match(data, start, end)
    if head is None:
        return False
    position = head.end()
    subsections = 0
    while (match := _SUBSECTION.match(data, position, end)) is not None:
        first, count = int(match[1]), int(match[2])
        position = match.end() + _ENTRY_BYTES * count
        entries = data[match.end() : position]
        if position > end or not _ENTRIES.match(entries):
            return False
        # Object 0 is free; a table that begins at 1 with its entry begins at 0 for some readers
        if count and ((first == 0 and entries[17:18] != b"f") or (first == 1 and entries.startswith(b"0000000000 65535 f"))):
            return False
        subsections += 1
    return subsections > 0 and _TRAILER.match(data, position, end) is not None


def _is_odd_pair(table: XrefSection, hidden: XrefSection, final: PdfDocument, chain: set[int]) -> bool:
    """Readers that know no hidden stream go by the table alone, and some follow the stream's own /Prev."""
    previous = hidden.trailer.get("Prev")
    return (
        _is_odd(hidden, final)
        or (previous is not None and previous not in chain)
        or any(number and table.own_entry(number) not in (None, hidden.own_entry(number)) for number in hidden.own_numbers())
    )
