"""Approve, reject or withdraw an application: one step of ``life.APPLICATION_LIFE``. An approved end of a seal takes effect at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.change_seal_state import record_step, revoke_certificate
from seal_service.actions.record_act import check_reason, load_papers, record_act
from seal_service.errors import (
    application_changed,
    application_not_found,
    application_state_conflict,
    seal_not_found,
    seal_state_conflict,
    second_person_needed,
)
from seal_service.model import Application, ApplicationKind, ApplicationState, Seal, transition_named
from service_kit.callers import may_be_one, person_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from seal_service.model import Transition
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

WITHDRAW: Final = "withdraw"
CANCEL: Final = transition_named("cancel")


def review_application(
    context: ServiceContext,
    caller: Caller,
    application_id: str,
    step: Transition,
    *,
    reason: str,
    papers: Sequence[str] = (),
    if_version: int | None = None,
) -> Application:
    """Take ``step`` and return the application as it is then. The applicant withdraws, and nobody else; he never reviews.

    Raises APPLICATION_NOT_FOUND, APPLICATION_CHANGED, APPLICATION_STATE_CONFLICT, SECOND_PERSON_NEEDED, SEAL_STATE_CONFLICT, PAPER_UNKNOWN.
    """
    reason = check_reason(reason, is_required=step.is_reason_required)

    def take_step(conn: Connection) -> tuple[Application, Seal | None]:
        # 1. The application is locked: two reviewers meet here, and the later one finds it reviewed.
        application = store.load_application(conn, application_id, is_locked=True)
        if application is None or (step.name == WITHDRAW and application.applied_by != caller.holder):
            raise application_not_found(application_id)
        if if_version is not None and application.version != if_version:
            raise application_changed(application_id, if_version, application.version)
        if application.state not in step.sources:
            raise application_state_conflict(application_id, step.name, application.state)

        # 2. Two people: checked here for a clear answer, by the table for everything else.
        applicant = store.who_applied(conn, application_id) if step.needs_second_person else ""
        if step.needs_second_person and may_be_one(caller, application.applied_by, applicant):
            raise second_person_needed(step.name)
        at = context.clock.now()
        is_end = step.target == ApplicationState.REVIEWED and application.kind is ApplicationKind.CANCEL
        target = ApplicationState.CARRIED_OUT if is_end else ApplicationState(step.target)
        reviewed = {"reviewed_by": caller.holder, "reviewed_at": store.write_time(at), "review_reason": reason}
        store.update_application(conn, application_id, state=target, at=at, **(reviewed if step.needs_second_person else {}))
        record_act(
            context,
            conn,
            person_of(caller),
            act=step.name,
            from_state=application.state.value,
            to_state=target.value,
            at=at,
            application_id=application_id,
            reason=reason,
            second_to=application.applied_by if step.needs_second_person else None,
            second_human=applicant,
            papers=load_papers(conn, papers, caller.holder),
        )

        # 3. There is nothing to make for the end of a seal: it is cancelled in the same transaction.
        ended = None
        if is_end:
            seal = store.load_seal(conn, str(application.seal_id), is_locked=True)
            if seal is None:
                raise seal_not_found(str(application.seal_id))
            if seal.state not in CANCEL.sources:
                raise seal_state_conflict(seal.id, CANCEL.name, seal.state)
            ended = record_step(
                context,
                conn,
                person_of(caller),
                seal,
                CANCEL,
                reason=application.reason,
                at=context.clock.now(),
                application_id=application_id,
            )
        changed = store.load_application(conn, application_id)
        if changed is None:
            raise application_not_found(application_id)
        return changed, ended

    changed, ended = context.database.write(take_step)
    if ended is not None:
        revoke_certificate(context, ended, actor=caller.actor)
    return changed
