"""What a batch has sealed, as a ZIP archive with a report in it: written while it is sent, a bounded part at a time."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.seal_batch import find_batch
from seal_service.batch import BatchState
from seal_service.errors import batch_state_conflict
from seal_service.limits import RESULT_ARCHIVE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from seal_service.actions.record_use import User
    from seal_service.batch import BatchItem
    from seal_service.store import BatchResult
    from service_kit.composition import ServiceContext

REPORT_NAME: Final = "report.json"
_UNSAFE: Final = re.compile(r'[\\/:*?"<>|]')  # what some system takes for more than a letter of a name
_FILE_MODE: Final = 0o100644 << 16
_NAME_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True)
class ResultArchive:
    """``chunks`` of the archive; ``next_after``: the number behind which the next part begins, None where this is the last."""

    chunks: Iterator[bytes]
    next_after: int | None


class _Outlet:
    """A file that only takes: what was written since it was last emptied."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes, /) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """For the archive's writer; there is nothing behind it."""

    def close(self) -> None:
        """What was written stays to be taken."""

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


def pack_results(context: ServiceContext, user: User, seal_id: str, batch_id: str, *, after: int, limit: int) -> ResultArchive:
    """The documents behind the number ``after``, at most ``limit`` of them and RESULT_ARCHIVE_BYTES, and what became of the others.

    Raises TrustError BATCH_NOT_FOUND, and BATCH_STATE_CONFLICT before the batch has ended.
    """
    batch, _ = find_batch(context, user, seal_id, batch_id)
    if batch.state not in {BatchState.DONE, BatchState.CANCELLED}:
        raise batch_state_conflict(batch_id, batch.state)
    with context.database.read() as conn:
        found = store.list_batch_results(conn, batch_id, after=after, limit=limit + 1)
    part: list[BatchResult] = []
    size = 0
    for result in found[:limit]:
        size += result.result_bytes
        if part and size > RESULT_ARCHIVE_BYTES:
            break
        part.append(result)
    is_last = len(part) == len(found)
    return ResultArchive(_packed(context, part, batch.created_at), None if is_last else part[-1].item.number)


def _packed(context: ServiceContext, results: list[BatchResult], at: datetime) -> Iterator[bytes]:
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for result in results:
            if result.result_digest is None:
                continue
            entry = _entry(file_name(result.item), result.item.finished_at or at)
            with context.blobs.open(result.result_digest) as chunks, archive.open(entry, "w", force_zip64=False) as file:
                for chunk in chunks:
                    file.write(chunk)
                    yield outlet.take()
        report = json.dumps({"items": [_line(result.item) for result in results]}, ensure_ascii=False, indent=2)
        archive.writestr(_entry(REPORT_NAME, at), report.encode() + b"\n")
    yield outlet.take()


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.external_attr = _FILE_MODE
    return entry


def file_name(item: BatchItem) -> str:
    """What an item's result is called in the archive: its number, so that no two are called alike, and its name made harmless."""
    return f"{item.number:05d}-{_UNSAFE.sub('_', item.name)[-_NAME_CHARACTERS:].strip(' .') or 'document'}"


def _line(item: BatchItem) -> dict[str, str | int | None]:
    is_sealed = item.use_id is not None
    return {
        "number": item.number,
        "name": item.name,
        "state": item.state.value,
        "file": file_name(item) if is_sealed else None,
        "seal_use": item.use_id,
        "code": item.code,
        "finished_at": None if item.finished_at is None else item.finished_at.isoformat(),
    }
