"""Two revisions of one file beside each other: which objects changed, who refers to them, whether two values are the same.

A revision is a prefix of the file, so an object that stands at the same place in both is the same object and is never read for the
comparison. What has changed is found from the cross-references alone; what it means is judged by who refers to it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from seal_service.pdf.cross_references import FREE, IN_STREAM
from seal_service.pdf.recovery import find_objects
from seal_service.pdf.syntax import Keyword, Name, PdfString, Ref, Stream, skip_space
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal_service.pdf.document import PdfDocument

Path = tuple[str, ...]
TRAILER: Final = 0  # object 0 is always free, so its number stands for the trailer as a referrer
_MAX_COMPARED_DEPTH: Final = 48
_MAX_REFERRERS: Final = 64  # listed per object; one that is referred to from more places is ``crowded``
_TRAILER: Final = re.compile(rb"trailer[\x00\t\n\x0c\r ]*<<")
_SKIPPED_KEYS: Final = {"StructTreeRoot"}  # logical structure: nothing of it is painted; looked at separately


def changed_numbers(signed: PdfDocument, final: PdfDocument, limit: int) -> tuple[set[int], bool]:
    """Numbers of the objects that stand elsewhere in ``final`` than in ``signed``, new and freed ones included.

    The second value says whether the final cross-references continue those of the signed revision, as an incremental update does
    (ISO 32000-1 7.5.6). Where they do not, every entry of both is compared. More than ``limit`` entries are ``PDF_TOO_COMPLEX``.
    """
    if final.found_behind is not None:
        if len(final.found_behind) > limit:
            raise MalformedError("PDF_TOO_COMPLEX", entries=limit)
        return {number for number in final.found_behind if number and _stands_elsewhere(signed, final, number)}, False
    own = [section.extent for section in signed.sections]
    extents = [section.extent for section in final.sections]
    continues = len(extents) >= len(own) and extents[len(extents) - len(own) :] == own
    newer = final.sections[: len(extents) - len(own)] if continues else [*final.sections, *signed.sections]
    if sum(section.count for section in newer) > limit:
        raise MalformedError("PDF_TOO_COMPLEX", entries=limit)
    numbers = {number for section in newer for number in section.numbers()}
    return {number for number in numbers if number and _stands_elsewhere(signed, final, number)}, continues


def _stands_elsewhere(signed: PdfDocument, final: PdfDocument, number: int) -> bool:
    before, after = signed.entry(number), final.entry(number)
    if (before is None or before.kind == FREE) and (after is None or after.kind == FREE):
        return False
    if before is None or after is None or before != after:
        return True
    return before.kind == IN_STREAM and signed.place(number) != final.place(number)  # the same entry of another stream


def crossing_objects(final: PdfDocument, ends: list[int]) -> dict[int, list[int]]:
    """Objects that begin before the end of a signed revision and end behind it, by that end.

    They were unfinished when signed and were completed with bytes that the signature does not cover.
    """
    ordered = sorted(set(ends))
    crossing: dict[int, list[int]] = {}
    for number, (start, stop) in final.extents.items():
        at = bisect_right(ordered, start)
        while at < len(ordered) and ordered[at] < stop:
            crossing.setdefault(ordered[at], []).append(number)
            at += 1
    return crossing


def stray_objects(final: PdfDocument, start: int) -> list[int]:
    """Offsets behind ``start`` of objects and trailers that no reader uses who follows the cross-references.

    Readers that rebuild the cross-references of a file, for whatever they find wrong with it, do use them: the last one of each number.
    """
    data, end = final.data, final.end
    parts = [part for section in final.sections for part in (section, section.hidden) if part is not None]
    sections = {skip_space(data, part.offset, end) for part in parts}
    found = [
        at
        for at in (match.start() for match in _TRAILER.finditer(data, start, end))
        if not any(part.offset < at < part.end for part in parts)
    ]
    for offset, number, _, _ in find_objects(data, start, end, final.budget):
        place = final.place(number)
        if offset not in sections and (place is None or skip_space(data, place[0], end) < offset):
            found.append(offset)
    return found


def revision_of(signed: PdfDocument, final: PdfDocument, number: int) -> int:
    """In which revision behind the signed one (1 = the first) an object was last written; 0 when none of them names it."""
    own = {section.offset for section in signed.sections}
    newer = [section for section in final.sections if section.offset not in own]
    for index, section in enumerate(newer):
        if section.find(number) is not None:
            return len(newer) - index
    return 0


def references_in(value: object) -> Iterator[tuple[Path, Ref]]:
    """Every reference inside a value, with the dictionary keys that lead to it."""
    stack: list[tuple[Path, object]] = [((), value)]
    while stack:
        path, item = stack.pop()
        if type(item) is Ref:
            yield path, item
        elif isinstance(item, list):
            stack += [(path, each) for each in item if isinstance(each, (Ref, list, dict))]
        elif isinstance(item, (dict, Stream)):
            dictionary = item.dictionary if isinstance(item, Stream) else item
            stack += [((*path, key), each) for key, each in dictionary.items() if isinstance(each, (Ref, list, dict))]


class ReferenceIndex:
    """Who refers to the objects of interest in one view of a document, by a walk from the trailer over everything reachable.

    ``referrers[number]``: pairs of the referring object's number (``TRAILER`` for the trailer) and the keys inside it. ``crowded``: the
    objects that have more of them than are listed, so that none of the rest can be called allowed.
    """

    def __init__(self, document: PdfDocument, targets: set[int]) -> None:
        self.referrers: dict[int, set[tuple[int, Path]]] = {}
        self.crowded: set[int] = set()
        self.unreadable: set[int] = set()
        self._came_from: dict[int, tuple[int, Path]] = {}
        self._document = document
        root = document.trailer.get("Root")
        root_number = root.number if isinstance(root, Ref) else TRAILER
        start = {key: document.trailer[key] for key in ("Root", "Info") if key in document.trailer}
        stack: list[tuple[int, object]] = [(TRAILER, start)]
        while stack:
            holder, value = stack.pop()
            for path, ref in references_in(value):
                if holder == root_number and path[:1] and path[0] in _SKIPPED_KEYS:
                    continue
                if ref.number in targets:
                    known = self.referrers.setdefault(ref.number, set())
                    if len(known) < _MAX_REFERRERS:
                        known.add((holder, path))
                    elif (holder, path) not in known:
                        self.crowded.add(ref.number)
                if ref.number in self._came_from:
                    continue
                self._came_from[ref.number] = (holder, path)
                try:
                    stack.append((ref.number, document.get(document.present(ref.number), keep=False)))
                except MalformedError as error:
                    if error.code == "PDF_TOO_COMPLEX":
                        raise
                    self.unreadable.add(ref.number)
                    continue
                entry = document.entry(ref.number)
                if entry is not None and entry.kind == IN_STREAM and entry.at not in targets and entry.at not in self._came_from:
                    # the object stream it stands in: another length or filter would make other objects of it
                    self._came_from[entry.at] = (ref.number, ())
                    stack.append((entry.at, document.get(Ref(entry.at), keep=False)))

    def path_to(self, number: int) -> str:
        """How the document leads to an object, as the keys from the trailer on: ``Root/Pages/Kids/Contents``."""
        parts: list[str] = []
        seen: set[int] = set()
        while number != TRAILER and number in self._came_from and number not in seen:
            seen.add(number)
            number, path = self._came_from[number]
            parts[:0] = path
        return "/".join(parts)[-200:]


class ValueComparison:
    """Whether values of two views are the same, references followed only where they differ. Bounded in work and depth.

    ``rewritten``: references (number, referring object, keys) of the final view that lead to a copy of what stood there before.
    ``reads_texts`` False: strings are encrypted, and whoever writes an object again encrypts them anew, so any two count as the same.
    """

    def __init__(self, signed: PdfDocument, final: PdfDocument, *, reads_texts: bool = True) -> None:
        self._signed = signed
        self._final = final
        self.rewritten: set[tuple[int, int, Path]] = set()
        self._reads_texts = reads_texts

    def same(self, before: object, after: object, holder: int, path: Path = (), depth: int = 0) -> bool:
        """Whether two values are the same; ``after`` stands in object ``holder`` under the keys ``path``.

        Equal references are the same: what stands behind them is judged on its own.
        """
        self._final.budget.spend_compared(1)
        if depth > _MAX_COMPARED_DEPTH:
            return False
        if isinstance(before, Ref) or isinstance(after, Ref):
            if before == after:
                return True
            inner = (after.number, ()) if isinstance(after, Ref) else (holder, path)
            if not self.same(self._signed.resolve(before), self._final.resolve(after), *inner, depth + 1):
                return False
            if isinstance(after, Ref):
                self.rewritten.add((after.number, holder, path))
            return True
        if isinstance(before, Stream) and isinstance(after, Stream):
            return before.raw == after.raw and self.same(before.dictionary, after.dictionary, holder, path, depth + 1)
        if isinstance(before, dict) and isinstance(after, dict):
            # an entry whose value is null, or a reference to nothing, is the same as no entry (7.3.7, 7.3.10)
            return all(self.same(before.get(key), after.get(key), holder, (*path, key), depth + 1) for key in before.keys() | after.keys())
        if isinstance(before, list) and isinstance(after, list):
            return len(before) == len(after) and all(self.same(a, b, holder, path, depth + 1) for a, b in zip(before, after, strict=True))
        if not self._reads_texts and isinstance(before, PdfString) and isinstance(after, PdfString):
            return True
        return _kind(before) == _kind(after) and before == after

    def different_keys(self, before: dict[str, object], after: dict[str, object], holder: int, path: Path = ()) -> set[str]:
        """The keys whose values differ, missing counting as null. ``after`` stands in object ``holder`` under ``path``."""
        return {key for key in before.keys() | after.keys() if not self.same(before.get(key), after.get(key), holder, (*path, key))}


def _kind(value: object) -> type:
    if isinstance(value, (Name, Keyword, PdfString)):
        return PdfString if isinstance(value, PdfString) else type(value)
    return float if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)
