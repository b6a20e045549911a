"""Attach the files of an archive to imported licences, each as ``attach_file`` does, and tell of each what came of it.

A file is a transaction of its own: what was attached before something died stays attached, and the same archive may be sent again.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from licence_vault import limits, store
from licence_vault.actions.import_licences import attach_unless_there
from licence_vault.errors import import_file_unacceptable, issuer_not_found, type_not_found
from licence_vault.import_archives import FileArchive
from service_kit import fail_points
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.imported import Mark
    from service_kit.callers import Caller

_OF_ONE_FILE: Final = frozenset({"FIELD_UNACCEPTABLE", "LICENCE_IMPORT_FILE_UNACCEPTABLE"})  # what else is refused ends the whole
_IMPORT_ID: Final = re.compile(r"li_[0-9a-f]{24}")
_ENDINGS: Final = frozenset({"pdf", "ofd"})
_NOBODY: Final = "the number or identifier of an imported licence of this issuer and type"
_SEVERAL: Final = "what one imported licence alone goes by"
_WITHOUT_INDEX: Final = "a name that ends with .pdf or .ofd, where there is no index"
_ONE_ROW: Final = "in one row of the index"
_ONE_FILE: Final = "one file for each licence"
_NOT_IN_INDEX: Final = "named in the index"
_NOT_IN_ARCHIVE: Final = "in the archive, where the index says"


class Outcome(StrEnum):
    """What came of one file. ``NOT_REACHED``: the time of the request was over; the same archive is sent again."""

    ATTACHED = "attached"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    NOT_MATCHED = "not_matched"
    REFUSED = "refused"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class ArchiveOrder:
    """Whose licences of which type, and the archive (ZIP)."""

    issuer_code: str
    type_code: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FileReport:
    """``name``: the number, identifier or id that the licence was sought by; ``seal``: the mark of what is attached now; ``code``: of a refusal;
    ``rule``: what is not so, where nothing was attached.
    """

    path: str
    name: str | None
    import_id: str | None
    outcome: Outcome
    seal: Mark | None = None
    code: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file belongs. ``name``: what is sought by; ``rule``: why no licence is found by it; ``error``: why the file is refused whatever is in it."""

    name: str | None = None
    import_id: str | None = None
    rule: str | None = None
    error: TrustError | None = None


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """``files``: in the archive; ``entries``: one for each, in their order, and behind them rows of the index whose file is not there."""

    files: int
    entries: tuple[FileReport, ...]

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many entries had which outcome."""
        return Counter(each.outcome for each in self.entries)


def attach_archive(means: IssuingMeans, caller: Caller, order: ArchiveOrder, *, ends_at: float) -> ArchiveReport:
    """Every file, one after the other. ``ends_at``: when the answer is awaited no more, in seconds of ``time.monotonic``.

    LICENCE_ISSUER_NOT_FOUND, LICENCE_TYPE_NOT_FOUND, LICENCE_SEALER_MISSING, LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE, LICENCE_ROW_FILE_UNACCEPTABLE; what
    says "later" (no room on the disk) ends it in the midst.
    """
    # 1. The right, before anything of the archive is opened.
    began = time.monotonic()
    until = began + limits.IMPORT_ARCHIVE_TIME_SHARE * (ends_at - began)
    with means.context.database.read() as conn:
        if not store.is_member(conn, order.issuer_code, caller.holder):
            raise issuer_not_found(order.issuer_code)
        if store.next_type_version(conn, order.type_code) == 1:  # there is none
            raise type_not_found(order.type_code)
    means.need_seals()

    # 2. What each file is to be the file of.
    archive = FileArchive(order.content)
    rows = archive.read_index()
    places = _places(means, order, archive, rows)

    # 3. File by file.
    entries: list[FileReport] = []
    attached = 0
    for path in archive.paths:
        if time.monotonic() > (until if attached else ends_at):  # one at least gets on, on slow lines too
            entries.append(FileReport(path, places[path].name, places[path].import_id, Outcome.NOT_REACHED))
            continue
        entry = _attach(means, caller, archive, path, places[path])
        attached += entry.outcome in {Outcome.ATTACHED, Outcome.REPLACED}
        entries.append(entry)
        fail_points.reach("attach-archive.file")
    missing = dict.fromkeys((name, path) for name, path in rows or () if path not in places)
    entries += [FileReport(path, name, None, Outcome.NOT_MATCHED, rule=_NOT_IN_ARCHIVE) for name, path in missing]
    return ArchiveReport(len(archive.paths), tuple(entries))


def _attach(means: IssuingMeans, caller: Caller, archive: FileArchive, path: str, place: _Place) -> FileReport:
    """One file: what is wrong with it holds up no other."""
    try:
        archive.check_file(path)
        if place.error is not None:
            raise place.error
        if place.import_id is None:
            return FileReport(path, place.name, None, Outcome.NOT_MATCHED, rule=place.rule)
        content = archive.read(path)
        found = attach_unless_there(means, caller, place.import_id, content)
    except TrustError as error:
        if error.code not in _OF_ONE_FILE:
            raise
        return FileReport(path, place.name, place.import_id, Outcome.REFUSED, code=error.code, rule=str(error.facts["rule"]))
    is_same = found.before == found.imported.file_digest
    outcome = Outcome.ATTACHED if found.before is None else Outcome.UNCHANGED if is_same else Outcome.REPLACED
    return FileReport(path, place.name, place.import_id, outcome, found.imported.marks.seal)


def _places(means: IssuingMeans, order: ArchiveOrder, archive: FileArchive, rows: Sequence[tuple[str, str]] | None) -> dict[str, _Place]:
    """Of every file of the archive. Which licence one belongs to is asked for all at once, before any is unpacked."""
    # 1. The licences that go by what files are sought by. An index names numbers and nothing else.
    places = _named_places(archive, rows)
    names = {place.name for place in places.values() if place.name}
    digests = {name: means.contents.find_number(name) for name in names}
    own_names = {name for name in names if "\0" not in name} if rows is None else set()  # a database may take no text with it
    with means.context.database.read() as conn:
        found = store.list_import_names(
            conn,
            order.issuer_code,
            order.type_code,
            ids={name for name in own_names if _IMPORT_ID.fullmatch(name)},
            identifiers=own_names,
            numbers=set(digests.values()),
        )
    holders: dict[str | bytes, set[str]] = {}
    for import_id, identifier, digest in found:
        for key in (import_id, digest) if identifier is None else (import_id, identifier, digest):
            holders.setdefault(key, set()).add(import_id)
    for path, place in places.items():
        if place.name is not None:
            ids = holders.get(digests.get(place.name, b""), set()) | (holders.get(place.name, set()) if rows is None else set())
            places[path] = replace(place, import_id=min(ids)) if len(ids) == 1 else replace(place, rule=_SEVERAL if ids else _NOBODY)

    # 2. Two files of one licence: nobody knows which one is meant.
    counts = Counter(place.import_id for place in places.values() if place.import_id is not None)
    doubled = {import_id for import_id, count in counts.items() if count > 1}
    return {
        path: replace(place, error=import_file_unacceptable(_ONE_FILE)) if place.import_id in doubled else place
        for path, place in places.items()
    }


def _named_places(archive: FileArchive, rows: Sequence[tuple[str, str]] | None) -> dict[str, _Place]:
    """What each file is sought by: the number that the index says, or its own name."""
    if rows is None:
        return {path: _place_by_its_name(path.rpartition("/")[2]) for path in archive.paths}
    numbers: dict[str, list[str]] = {}
    listed = dict.fromkeys(rows)
    for number, path in listed:
        numbers.setdefault(path, []).append(number)
    files = Counter(number for number, _ in listed)
    places = {}
    for path in archive.paths:
        match numbers.get(path, []):
            case []:
                places[path] = _Place(rule=_NOT_IN_INDEX)
            case [number] if files[number] > 1:  # whether the other is in this archive or in another one
                places[path] = _Place(number, error=import_file_unacceptable(_ONE_FILE))
            case [number]:
                places[path] = _Place(number)
            case _:
                places[path] = _Place(error=import_file_unacceptable(_ONE_ROW))
    return places


def _place_by_its_name(file_name: str) -> _Place:
    stem, dot, ending = file_name.rpartition(".")
    if not dot or ending.lower() not in _ENDINGS:
        return _Place(error=import_file_unacceptable(_WITHOUT_INDEX))
    return _Place(stem.strip())
