"""A licence begins as a draft: its row, its leaf in the public log, the first line of its history and its audit entry stand together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.record_event import leaf_of, previous_index
from licence_vault.log.entries import append_leaf
from licence_vault.model import LicenceEvent
from licence_vault.register import EventRecord
from service_kit.callers import person_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def enter_draft(
    context: ServiceContext,
    conn: Connection,
    caller: Caller,
    draft: LicenceRecord,
    before: LicenceRecord | None,
    *,
    key_sealed: bytes,
    holder_digests: Sequence[bytes],
    reason: str,
) -> LicenceRecord:
    """Enter it within the caller's transaction; returns it with its entry in the log. ``before``: in whose place it comes.

    ``key_sealed``: the key of its content, sealed; ``holder_digests``: under which its holders are found.
    """
    at, person = draft.made_at, person_of(caller)
    # 1. The leaf, and the row that names it.
    previous = None if before is None else previous_index(conn, before)
    entry_id = append_leaf(conn, leaf_of(draft, LicenceEvent.MADE, at, previous, None))
    record = replace(draft, last_entry_id=entry_id)
    store.insert_licence(conn, record, key_sealed=key_sealed, holder_digests=holder_digests)

    # 2. The audit entry, and the line of the history that names both.
    facts: dict[str, str | int] = {
        "identifier": record.identifier,
        "type_version": record.type_version,
        "commitment": record.commitment.hex(),
    }
    if before is not None:
        facts["predecessor"] = before.id
    if record.transferred_from is not None:
        facts["transferred_from"] = record.transferred_from
    audit_id = context.audit.record(
        conn, at=at, actor=person.actor, action="licence.issue", subject=f"licence:{record.id}", outcome="intended", facts=facts
    )
    made = EventRecord(
        licence_id=record.id,
        position=1,
        event=LicenceEvent.MADE,
        step="make",
        from_state="",
        to_state=record.state.value,
        operation="",
        holder=person.holder,
        actor=person.actor,
        at=at,
        reason=reason,
        file_digest=None,
        entry_id=entry_id,
        audit_id=audit_id,
    )
    store.insert_event(conn, made)

    # 3. Who comes after the one before.
    if before is not None:
        store.set_successor(conn, before.id, record.id)
    return record
