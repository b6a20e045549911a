"""Annotated copies for those who act for the licence's authority: the list of them, and their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.find_licences import load_own_licence
from licence_vault.actions.finish_copy import CopyUse, MadeCopy, read_copy, read_note, record_copy_use
from licence_vault.actions.issuer_look import record_issuer_look
from licence_vault.copies import CopyState
from licence_vault.copy_errors import copy_not_found
from licence_vault.log.entries import index_of
from licence_vault.uses import DONE, UseAction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.finish_copy import CopyNote
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.copies import CopyRecord
    from service_kit.callers import Caller

AT_THE_AUTHORITY = "issuing authority"
"""Why those look at a copy who act for the authority that issued the licence, where they give no reason."""


@dataclass(frozen=True, slots=True)
class CopyView:
    """A copy with what it says and for which use it is, and where it stands in the public log.

    ``note``: None once that was erased; ``log_index``: None in the moment before the log has taken it in.
    """

    record: CopyRecord
    note: CopyNote | None
    log_index: int | None


def list_copies(means: IssuingMeans, caller: Caller, licence_id: str, *, before: str | None, limit: int) -> list[CopyView]:
    """Copies of a licence of an authority the caller acts for, newest first, from behind the id ``before``; its holders see that, where any says
    for whom and why it was made. LICENCE_NOT_FOUND.
    """
    with means.context.database.read() as conn:
        licence = load_own_licence(conn, caller, licence_id)
        found = views_of_copies(means, conn, licence_id, before=before, limit=limit)
    if any(each.note is not None for each in found):
        record_issuer_look(means.context, means.contents, caller, UseAction.ISSUER_READ, licence=licence)
    return found


def views_of_copies(means: IssuingMeans, conn: Connection, licence_id: str, *, before: str | None, limit: int) -> list[CopyView]:
    """Copies of a licence with what they say, newest first; whether the reader may see them was asked before."""
    found = store.list_copies(conn, licence_id, before=before, limit=limit)
    key_sealed = store.load_key(conn, licence_id)
    key = None if key_sealed is None else means.contents.open_key(licence_id, key_sealed)
    return [
        CopyView(
            each,
            None if key is None or each.note_sealed is None else read_note(key.open_note(each.id, each.note_sealed)),
            index_of(conn, each.entry_id),
        )
        for each in found
    ]


def load_own_copy(conn: Connection, caller: Caller, licence_id: str, copy_id: str) -> CopyRecord:
    """A copy that was made, of a licence of an authority the caller acts for. LICENCE_NOT_FOUND, LICENCE_COPY_NOT_FOUND."""
    load_own_licence(conn, caller, licence_id)
    record = store.load_copy(conn, copy_id)
    if record is None or record.licence_id != licence_id or record.state is not CopyState.MADE:
        raise copy_not_found(copy_id)
    return record


def read_own_copy(means: IssuingMeans, caller: Caller, licence_id: str, copy_id: str) -> MadeCopy:
    """The file of a copy; that it was read is on record. LICENCE_NOT_FOUND, LICENCE_COPY_NOT_FOUND, LICENCE_ERASED."""
    # 1. Which copy, and its file.
    with means.context.database.read() as conn:
        record = load_own_copy(conn, caller, licence_id, copy_id)
    content = read_copy(means, record)

    # 2. Nothing leaves before it is on record that it does.
    def record_reading(conn: Connection) -> None:
        licence = load_own_licence(conn, caller, licence_id)
        use = CopyUse(caller.client_id, caller.actor)
        record_copy_use(means, conn, licence, use, UseAction.DOWNLOADED, AT_THE_AUTHORITY, DONE, means.context.clock.now())

    means.context.database.write(record_reading)
    return MadeCopy(record, content)
