"""Take a step of ``life.LICENCE_LIFE`` that needs no new version: suspend, resume, annual check, cancel, revoke, withdraw, transfer, expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.define_type import check_reason
from licence_vault.actions.find_licences import load_own_licence
from licence_vault.actions.record_event import BY_ITSELF, record_step
from licence_vault.errors import licence_changed, licence_state_conflict, licence_succeeded
from licence_vault.limits import OVER_PER_SWEEP
from licence_vault.model import LicenceState, step_named
from service_kit.callers import person_of
from standards.errors import Kind, TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.model import LicenceStep
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_EXPIRE: Final = step_named("expire")


def change_licence_state(
    context: ServiceContext, caller: Caller, licence_id: str, step: LicenceStep, *, reason: str, if_revision: int | None
) -> LicenceRecord:
    """Take ``step`` and return the licence as it is then; in force for the very next request of every process.

    Raises TrustError LICENCE_NOT_FOUND, LICENCE_CHANGED, LICENCE_STATE_CONFLICT, LICENCE_SUCCEEDED, LICENCE_LOG_PENDING, FIELD_UNACCEPTABLE.
    """
    # 1. A reason that a later reader can use.
    reason = check_reason(reason, is_required=step.is_reason_required)

    def take_step(conn: Connection) -> LicenceRecord:
        # 2. The licence is locked; it is the caller's to change, as he saw it, and the table has the step.
        record = load_own_licence(conn, caller, licence_id, is_locked=True)
        if if_revision is not None and record.revision != if_revision:
            raise licence_changed(licence_id, if_revision, record.revision)
        if record.state not in step.sources:
            raise licence_state_conflict(licence_id, step.name, record.state)
        if record.successor_id is not None and step.target is LicenceState.ISSUED:
            raise licence_succeeded(licence_id)

        # 3. Event, leaf, state, status list, audit entry and message, in this transaction.
        return record_step(context, conn, record, step, person_of(caller), at=context.clock.now(), reason=reason)

    return context.database.write(take_step)


def expire_licences(context: ServiceContext) -> int:
    """Record that licences are over whose last day is past; how many. Each in a transaction of its own, so that nobody waits long."""
    today = context.clock.now().astimezone(CHINA).date()
    with context.database.read() as conn:
        over = store.list_over(conn, _EXPIRE.sources, today, limit=OVER_PER_SWEEP)
    return sum(_expire(context, record.id) for record in over)


def _expire(context: ServiceContext, licence_id: str) -> bool:
    def expire(conn: Connection) -> bool:
        record = store.load_licence(conn, licence_id, is_locked=True)
        if record is None or record.state not in _EXPIRE.sources:
            return False
        record_step(context, conn, record, _EXPIRE, BY_ITSELF, at=context.clock.now())
        return True

    try:
        return context.database.write(expire)
    except TrustError as error:
        if error.kind is Kind.UNAVAILABLE:  # the log has not taken in its last event: it comes again
            return False
        raise
