"""Are the blobs there that rows name? A row stays when somebody deletes its file: nothing else tells it before that file is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, true

from service_kit.log_check import CheckReport
from service_kit.migrations import are_there

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement
    from sqlalchemy.engine import Connection

    from service_kit.blobs import Blobs
    from service_kit.database import Database

CHUNK: Final = 2048
EVERY_ROW: Final = true()


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """A column in which rows name blobs (SM3, hexadecimal). ``row``: what tells one of its rows from another. ``kept``: of which rows the blob must
    be there; what was rightly not kept, or is of somebody whose data was erased, is no loss.
    """

    blob: Column[Any]
    row: tuple[Column[Any], ...]
    kept: ColumnElement[bool] = EVERY_ROW


@dataclass(frozen=True, slots=True)
class NamedBlob:
    """One row that names a blob."""

    table: str
    row: str
    blob: str


def named_blobs(connection: Connection, places: Sequence[BlobPlace]) -> Iterator[NamedBlob]:
    """Every row that names a blob which must be there, a chunk in memory at a time. A place that a database of an older version lacks is passed over."""
    for place in places:
        statement = select(place.blob, *place.row).where(place.blob.is_not(None), place.kept)
        if are_there(connection, statement):
            for blob, *row in connection.execute(statement.execution_options(yield_per=CHUNK)):
                yield NamedBlob(place.blob.table.name, "/".join(str(each) for each in row), blob)


@dataclass(slots=True)
class BlobCounts:
    """Rows that name a blob: all, those whose blob is not stored, those whose blob is on record as lost; and the first of the second kind."""

    named: int = 0
    missing: int = 0
    lost: int = 0
    first: NamedBlob | None = None


def count_blobs(connection: Connection, places: Sequence[BlobPlace], is_stored: Callable[[str], bool], lost: Collection[str]) -> BlobCounts:
    """Count the rows that name a blob. ``lost``: what is on record as lost."""
    counts = BlobCounts()
    for each in named_blobs(connection, places):
        counts.named += 1
        if is_stored(each.blob):
            continue
        if each.blob in lost:
            counts.lost += 1
        else:
            counts.missing += 1
            counts.first = counts.first or each
    return counts


def check_blobs(
    database: Database,
    blobs: Blobs,
    places: Sequence[BlobPlace],
    is_stored: Callable[[str], bool],
    lost: Collection[str] = (),
    *,
    are_read: bool = False,
) -> CheckReport:
    """Every blob that a row names: is it there, and with ``are_read`` also: does it have the content that it had? That reads all blobs.

    ``is_stored``: of ``Blobs.listed``. ``lost``: what is on record as lost, and counted apart.
    """
    report = CheckReport()
    damaged = frozenset(blobs.damaged()) if are_read else frozenset()
    with database.read() as connection:
        for each in named_blobs(connection, places):
            report.entries += 1
            if not is_stored(each.blob) and each.blob in lost:
                report.lost += 1
            elif not is_stored(each.blob):
                report.add("BLOB_MISSING", table=each.table, row=each.row, blob=each.blob)
            elif each.blob in damaged:
                report.add("BLOB_DAMAGED", table=each.table, row=each.row, blob=each.blob)
    return report
