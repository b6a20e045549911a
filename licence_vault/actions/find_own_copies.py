"""A signed-in person's view of the annotated copies that were made of his licences: for whom, why, until when, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.decide_use import Attempt, decide_use
from licence_vault.actions.find_copies import views_of_copies
from licence_vault.actions.finish_copy import MadeCopy, read_copy
from licence_vault.actions.use_desk import right_to_see, who_is_behind
from licence_vault.copies import CopyState
from licence_vault.copy_errors import copy_not_found
from licence_vault.errors import licence_not_found
from licence_vault.uses import OWN_LOOK, UseAction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.find_copies import CopyView
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.use_desk import Standing, UseDesk
    from licence_vault.copies import CopyRecord
    from service_kit.callers import Caller


def list_own_copies(
    means: IssuingMeans, desk: UseDesk, caller: Caller, licence_id: str, *, before: str | None, limit: int
) -> list[CopyView]:
    """Copies of a licence that is the person's to see, newest first, whoever had them made, from behind the id ``before``.

    Raises TrustError LICENCE_HOLDER_UNKNOWN, LICENCE_NOT_FOUND (also for a licence of somebody else).
    """
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        return Attempt(UseAction.QUERIED, caller, caller.client_id, OWN_LOOK, at)

    def decide(conn: Connection, attempt: Attempt) -> list[CopyView]:
        _demand_own(conn, standing, attempt, licence_id, at)
        return views_of_copies(means, conn, licence_id, before=before, limit=limit)

    return decide_use(desk, begin, decide)


def read_own_copy_file(means: IssuingMeans, desk: UseDesk, caller: Caller, licence_id: str, copy_id: str) -> MadeCopy:
    """The file of one of them; that it was read is on record. As ``list_own_copies``, LICENCE_COPY_NOT_FOUND, LICENCE_ERASED."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    # 1. Nothing is read before it is on record that it leaves.
    def begin() -> Attempt:
        return Attempt(UseAction.DOWNLOADED, caller, caller.client_id, OWN_LOOK, at)

    def decide(conn: Connection, attempt: Attempt) -> CopyRecord:
        _demand_own(conn, standing, attempt, licence_id, at)
        record = store.load_copy(conn, copy_id)
        if record is None or record.licence_id != licence_id or record.state is not CopyState.MADE:
            raise copy_not_found(copy_id)
        return record

    # 2. The file.
    record = decide_use(desk, begin, decide)
    return MadeCopy(record, read_copy(means, record))


def _demand_own(conn: Connection, standing: Standing, attempt: Attempt, licence_id: str, at: datetime) -> None:
    record = store.load_licence(conn, licence_id)
    if record is None:
        raise licence_not_found(licence_id)
    attempt.licences = [record]
    attempt.mode = right_to_see(conn, standing, record, at)
    if attempt.mode is None:
        raise licence_not_found(licence_id)
