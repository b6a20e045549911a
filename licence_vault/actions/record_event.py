"""One event in the life of a licence, on record: leaf of the public log, line of the history, state, status list, audit entry and message, all
in the transaction of the event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.errors import licence_changed, log_pending
from licence_vault.log.entries import append_leaf, index_of
from licence_vault.log.leaf import LicenceLeaf
from licence_vault.model import TOKEN_STATUS
from licence_vault.register import EventRecord
from licence_vault.status.news import NEWS
from licence_vault.status.register import StatusPlace, set_status
from service_kit.callers import PERSON_PREFIX, Person
from service_kit.webhooks.deliveries import publish
from service_kit.webhooks.model import AUDIENCE_MAX

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.model import LicenceEvent, LicenceStep
    from licence_vault.register import LicenceRecord
    from service_kit.composition import ServiceContext

SERVICE: Final = "service:licences"  # as whom the service itself takes a step
STATE_CHANGED: Final = "licence.state-changed"
EVENT_TYPES: Final = {
    STATE_CHANGED: "A step in the life of a licence: issued, changed, extended, suspended, resumed, checked, cancelled, revoked, withdrawn, transferred, expired."
}


BY_ITSELF: Final = Person(SERVICE, SERVICE)


def leaf_of(
    record: LicenceRecord,
    event: LicenceEvent,
    at: datetime,
    previous: int | None,
    file_digest: bytes | None,
    *,
    commitment: bytes | None = None,
) -> LicenceLeaf:
    """What the public log says of an event: codes, numbers and digests. ``commitment``: where it is not that of what the licence says."""
    return LicenceLeaf(
        event=event.value,
        type_code=record.type_code,
        issuer_code=record.issuer_code,
        version=f"{record.version:03d}",
        at=at.replace(microsecond=0),
        previous=previous,
        status_index=record.status_index,
        file_digest=file_digest,
        commitment=commitment or record.commitment,
    )


def previous_index(conn: Connection, record: LicenceRecord) -> int:
    """Where the newest event of a licence stands in the log. LICENCE_LOG_PENDING in the moment before the log has taken it in."""
    index = index_of(conn, record.last_entry_id)
    if index is None:
        raise log_pending()
    return index


def record_step(
    context: ServiceContext,
    conn: Connection,
    record: LicenceRecord,
    step: LicenceStep,
    person: Person,
    *,
    at: datetime,
    reason: str = "",
    file_digest: bytes | None = None,
    successor_id: str | None = None,
) -> LicenceRecord:
    """Take ``step``, whose sources the caller has checked on the locked row. Raises LICENCE_CHANGED, LICENCE_LOG_PENDING, AUDIT_UNAVAILABLE."""
    # 1. The public log.
    entry_id = append_leaf(conn, leaf_of(record, step.event, at, previous_index(conn, record), file_digest))

    # 2. The audit trail and the history.
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=person.actor,
        action=f"licence.{step.name}",
        subject=f"licence:{record.id}",
        outcome="done",
        facts={
            "from": record.state.value,
            "to": step.target.value,
            "identifier": record.identifier,
            "reason": reason,
            **({} if file_digest is None else {"file": file_digest.hex()}),
        },
    )
    store.insert_event(
        conn,
        EventRecord(
            licence_id=record.id,
            position=store.next_position(conn, record.id),
            event=step.event,
            step=step.name,
            from_state=record.state.value,
            to_state=step.target.value,
            operation=step.operation,
            holder=person.holder,
            actor=person.actor,
            at=at,
            reason=reason,
            file_digest=file_digest,
            entry_id=entry_id,
            audit_id=audit_id,
        ),
    )

    # 3. The row is the projection; it must be as the caller read it.
    successor = successor_id or record.successor_id
    moved = store.move_licence(conn, record, state=step.target, reason=reason, at=at, entry_id=entry_id, successor_id=successor)
    if moved is None:
        found = store.load_licence(conn, record.id)
        raise licence_changed(record.id, record.revision, 0 if found is None else found.revision)

    # 4. What strangers see, and what the authority's systems are told.
    if TOKEN_STATUS[step.target] != TOKEN_STATUS[record.state]:
        set_status(conn, StatusPlace(record.status_list, record.status_index), TOKEN_STATUS[step.target], at)
        context.database.defer(conn, NEWS, record.id)
    _tell(context, conn, moved, step, audit_id, at)
    return moved


def _tell(context: ServiceContext, conn: Connection, record: LicenceRecord, step: LicenceStep, audit_id: str, at: datetime) -> None:
    members = [each for each in store.list_members(conn, record.issuer_code) if not each.startswith(PERSON_PREFIX)]
    data = {
        "licence_id": record.id,
        "identifier": record.identifier,
        "event": step.event.value,
        "state": record.state.value,
        "audit_entry": audit_id,
    }
    for first in range(0, len(members), AUDIENCE_MAX):  # an event has a bounded audience; nobody is left out for that
        audience = members[first : first + AUDIENCE_MAX]
        publish(context.outbox, conn, event_type=STATE_CHANGED, data=data, audience=audience, at=at)
