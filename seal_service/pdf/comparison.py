"""Two revisions of one file beside each other: which objects changed, who refers to them, whether two values are the same.

A revision is a prefix of the file, so an object that stands at the same place in both is the same object and is never read for the
comparison. What has changed is found from the cross-references alone; what it means is judged by who refers to it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.pdf.cross_references import FREE, IN_FILE, IN_STREAM
from seal_service.pdf.recovery import find_objects, find_odd_headers, find_trailers
from seal_service.pdf.syntax import Keyword, Name, PdfString, Ref, Stream, skip_space
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal_service.pdf.document import PdfDocument

Path = tuple[str, ...]
TRAILER: Final = 0  # object 0 is always free, so its number stands for the trailer as a referrer
_MAX_NUMBERS: Final = 400_000  # of objects, as far as all cross-references are looked at: twice as many as may be read
_MAX_COMPARED_DEPTH: Final = 48
_MAX_REFERRERS: Final = 64  # listed per object; one that is referred to from more places is ``crowded``
_HOLDER: Final = re.compile(rb"ObjStm|XRef|#")  # the type of a stream that holds others, also with escapes
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


@dataclass(frozen=True, slots=True)
class Strays:
    """What only readers find that rebuild the cross-references of a file: offsets of objects and trailers that are not in force.

    ``behind`` a place: all there are. ``before`` it: what takes the place of an object in force, stands last of its number. ``freed``: numbers
    of objects there that are not in force at all; one that the document refers to comes back.
    """

    behind: list[int]
    before: list[int]
    freed: set[int]


def stray_objects(final: PdfDocument, start: int) -> Strays:
    """What stands in a file beside its cross-references, before ``start`` and behind it.

    Readers that rebuild them, for whatever they find wrong with a file, do use it: the last object of each number, what stands in object
    streams included. An honest writer leaves objects that later ones replace, and such that are no more, but none that comes after its successor.
    """
    data, end = final.data, final.end
    parts = sorted(
        ((part.offset, part.end) for section in final.sections for part in (section, section.hidden) if part is not None),
    )
    sections = {skip_space(data, offset, end) for offset, _ in parts}
    strays: list[int] = []
    for at in find_trailers(data, end):
        part = bisect_right(parts, (at, -1)) - 1
        if part < 0 or at >= parts[part][1]:
            strays.append(at)
    strays += find_odd_headers(data, end, final.budget)
    found = Strays([at for at in strays if at >= start], [at for at in strays if at < start], set())
    in_force = _places(final)
    starts = sorted({skip_space(data, at, end) for at in in_force.values() if at >= start})
    for offset, number, generation, _ in find_objects(data, 0, end, final.budget):
        if offset in sections:
            continue
        place = in_force.get(number)
        stands_at = -1 if place is None else skip_space(data, place, end)
        if offset < start and place is None:
            found.freed.add(number)
        elif stands_at < offset or (
            offset >= start and stands_at == offset and _holds_others(final, Ref(number, generation), offset, _next(starts, offset, end))
        ):
            (found.before if offset < start else found.behind).append(offset)
    return found


def _next(starts: list[int], offset: int, end: int) -> int:
    at = bisect_right(starts, offset)
    return starts[at] if at < len(starts) else end


def _places(final: PdfDocument) -> dict[int, int]:
    """Where each object in force stands, or the stream it is in; every entry is looked at once, however many sections there are."""
    final.budget.spend_lookups(sum(section.count for section in final.sections))
    known: set[int] = set()
    places: dict[int, int] = {}
    holders: dict[int, int] = {}
    for section in final.sections:
        for number in section.numbers():
            if number in known:
                continue
            known.add(number)
            entry = section.find(number)
            if entry is not None and entry.kind in {IN_FILE, IN_STREAM}:
                (places if entry.kind == IN_FILE else holders)[number] = entry.at
        if len(known) > _MAX_NUMBERS:
            raise MalformedError("PDF_TOO_COMPLEX", numbers=_MAX_NUMBERS)
    in_streams = {number: places[holder] for number, holder in holders.items() if holder in places}
    return places | in_streams


def _holds_others(final: PdfDocument, ref: Ref, offset: int, after: int) -> bool:
    """Whether an object in force gives others to a reader that rebuilds: a further cross-reference stream, an object stream with more in it."""
    if _HOLDER.search(final.data, offset, after) is None:
        return False
    try:
        value = final.get(ref, keep=False)
    except MalformedError as error:
        if error.code == "PDF_TOO_COMPLEX":
            raise
        return True  # another reader may well understand it
    kind = value.dictionary.get("Type") if isinstance(value, Stream) else None
    if kind != "ObjStm":
        return kind == "XRef"
    try:
        places = [(final.place(inner), index) for index, inner in enumerate(final.numbers_in_stream(ref.number))]
    except MalformedError as error:
        if error.code == "PDF_TOO_COMPLEX":
            raise
        return True
    stand = [(-1 if place is None else skip_space(final.data, place[0], final.end), place, index) for place, index in places]
    return any(at < offset or (at == offset and place is not None and place[1] != index) for at, place, index in stand)


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
