"""The ends of a making of an approved seal, inside the caller's transaction: made, or given up so that it can be begun again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.change_seal_state import record_step
from seal_service.actions.record_act import record_act
from seal_service.errors import seal_making_cut_off
from seal_service.model import (
    APPLICATION_LIFE,
    Application,
    ApplicationState,
    Edition,
    EditionState,
    Seal,
    SealState,
    transition_named,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seal_service.actions.certify_seal import Certified
    from service_kit.callers import Person
    from service_kit.composition import ServiceContext

FILING_TOPIC: Final = "seal.file"
FINISH: Final = transition_named("finish-making")
ABANDON: Final = transition_named("abandon")
DONE: Final = transition_named("finish", APPLICATION_LIFE)
FALL_BACK: Final = transition_named("fall-back", APPLICATION_LIFE)


@dataclass(frozen=True, slots=True)
class Making:
    """A making under way: the seal as it was, as it is wanted, the edition that is being made, and what it is made for."""

    seal: Seal
    wanted: Seal
    edition: Edition
    application: Application


def finish_making(context: ServiceContext, conn: Connection, person: Person, making: Making, certified: Certified) -> Seal:
    """Record what was made; the seal is made then, and a message to the region waits in the outbox.

    Raises SEAL_MAKING_CUT_OFF where somebody gave the making up, or ended the seal meanwhile.
    """
    found = store.load_seal(conn, making.wanted.id, is_locked=True)
    if found is None or found.state not in FINISH.sources:
        raise seal_making_cut_off(making.wanted.id)
    at = context.clock.now()
    if not store.finish_edition(
        conn,
        found.id,
        making.edition.edition,
        certificate_der=certified.certificate.der,
        seal_data_der=certified.seal_data_der,
        at=at,
    ):
        raise seal_making_cut_off(found.id)
    store.update_edition(
        conn,
        replace(
            making.wanted,
            edition=making.edition.edition,
            certificate_der=certified.certificate.der,
            chain_der=certified.chain_der,
            seal_data_der=certified.seal_data_der,
            valid_until=certified.valid_until,
        ),
    )
    store.update_application(conn, making.application.id, state=ApplicationState(DONE.target), at=at)
    made = record_step(
        context,
        conn,
        person,
        found,
        FINISH,
        reason="",
        at=at,
        application_id=making.application.id,
        facts={"code": found.code, "edition": making.edition.edition, **certified.facts},
    )
    context.outbox.put(conn, topic=FILING_TOPIC, payload={"seal_id": made.id, "version": made.version}, at=at)
    return made


def give_up_making(context: ServiceContext, conn: Connection, person: Person, seal_id: str, edition: int, *, reason: str) -> bool:
    """Give up an edition that is being made; False where it has ended. A new seal is abandoned with it; the application can be made again."""
    found = store.load_seal(conn, seal_id, is_locked=True)
    making = store.load_edition(conn, seal_id, edition)
    if found is None or making is None or making.state is not EditionState.MAKING:
        return False
    at = context.clock.now()
    store.abandon_edition(conn, seal_id, edition, at=at)
    if found.state in ABANDON.sources:
        record_step(context, conn, person, found, ABANDON, reason=reason, at=at, application_id=making.application_id)
    else:
        record_act(
            context,
            conn,
            person,
            act="make",
            from_state=found.state.value,
            to_state=found.state.value,
            at=at,
            seal_id=seal_id,
            application_id=making.application_id,
            reason=reason,
            outcome="voided",
        )
    application = None if making.application_id is None else store.load_application(conn, making.application_id, is_locked=True)
    if application is not None and application.state in FALL_BACK.sources:
        is_seal_new = found.state in ABANDON.sources or found.state is SealState.ABANDONED
        changes = {"seal_id": None} if is_seal_new else {}
        store.update_application(conn, application.id, state=ApplicationState(FALL_BACK.target), at=at, **changes)
    return True
