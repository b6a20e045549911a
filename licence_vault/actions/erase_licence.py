"""Erase what an ended licence said: its key is deleted, and with it what was sealed under it, in tables and files, wherever copies are that
have not the key as well, as a backup from before has.

The events, the number and the commitments in the public log remain: without the salt they lead to nobody. A region that was told of the licence
is told of this too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.define_type import check_reason
from licence_vault.actions.find_licences import load_own_licence
from licence_vault.errors import licence_changed, licence_erased, licence_state_conflict
from licence_vault.model import ENDED, LicenceState
from licence_vault.store import reports

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

ERASABLE = ENDED | {LicenceState.EXPIRED}
"""Not one that is transferred out (转出): that is no end. It may be taken back (取消转出), which would bring an empty licence into force, and the
authority that takes it in names it (``associatedZzeCertID`` of the collection interface) and is held against its holders. It can be erased once
another licence was released in its place, or once it is cancelled because it was taken in elsewhere.
"""


def erase_licence(context: ServiceContext, caller: Caller, licence_id: str, *, reason: str, if_revision: int | None) -> LicenceRecord:
    """Erase it for good and return what remains.

    Raises TrustError LICENCE_NOT_FOUND, LICENCE_CHANGED, LICENCE_STATE_CONFLICT (still in force), LICENCE_ERASED, FIELD_UNACCEPTABLE.
    """
    reason = check_reason(reason, is_required=True)

    def erase(conn: Connection) -> LicenceRecord:
        record = load_own_licence(conn, caller, licence_id, is_locked=True)
        if if_revision is not None and record.revision != if_revision:
            raise licence_changed(licence_id, if_revision, record.revision)
        if record.state not in ERASABLE and not _is_taken_in(conn, record):
            raise licence_state_conflict(licence_id, "erase", record.state)
        if record.data_sealed is None:
            raise licence_erased(licence_id)
        context.audit.record(
            conn,
            at=context.clock.now(),
            actor=caller.actor,
            action="licence.erase",
            subject=f"licence:{licence_id}",
            outcome="done",
            facts={"identifier": record.identifier, "reason": reason},
        )
        store.erase_content(conn, licence_id)
        store.erase_copies(conn, licence_id)
        reports.insert_erasure_report(conn, record, context.clock.now())
        return load_own_licence(conn, caller, licence_id)

    return context.database.write(erase)


def _is_taken_in(conn: Connection, record: LicenceRecord) -> bool:
    """Whether it was transferred out, and a licence is released in its place."""
    if record.state is not LicenceState.TRANSFERRED or record.successor_id is None:
        return False
    successor = store.load_licence(conn, record.successor_id)
    return successor is not None and successor.state is not LicenceState.DRAFT
