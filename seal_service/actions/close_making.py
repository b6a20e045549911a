"""A seal that ends takes along what was still being made or applied for: an edition that waits for its certificate, an open application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.record_act import record_act
from seal_service.model import APPLICATION_LIFE, ENDED, ApplicationState, EditionState, SealState, transition_named

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import Application, Seal
    from service_kit.callers import Person
    from service_kit.composition import ServiceContext

FALL_BACK: Final = transition_named("fall-back", APPLICATION_LIFE)
LAPSE: Final = transition_named("lapse", APPLICATION_LIFE)
SEAL_ENDED: Final = "seal-ended"


def close_making(context: ServiceContext, conn: Connection, person: Person, seal: Seal, at: datetime) -> None:
    """Close what is open about ``seal``, as it is after the step that ended it; nothing to do for one that has not ended.

    The key of a closed edition is destroyed by the sweeper. An application of a seal that was never made can be made again; any other lapses.
    """
    if seal.state not in ENDED and seal.state is not SealState.ABANDONED:
        return
    for edition in store.list_editions(conn, seal.id):
        if edition.state is EditionState.MAKING:
            store.abandon_edition(conn, seal.id, edition.edition, at=at)
    application = store.load_open_application(conn, seal.id)
    if application is None:
        return
    if seal.state is SealState.ABANDONED and application.state in FALL_BACK.sources:
        store.update_application(conn, application.id, state=ApplicationState(FALL_BACK.target), at=at, seal_id=None)
    elif seal.state in ENDED and application.state in LAPSE.sources:
        _lapse(context, conn, person, application, at)


def _lapse(context: ServiceContext, conn: Connection, person: Person, application: Application, at: datetime) -> None:
    store.update_application(conn, application.id, state=ApplicationState(LAPSE.target), at=at)
    record_act(
        context,
        conn,
        person,
        act=LAPSE.name,
        from_state=application.state.value,
        to_state=LAPSE.target,
        at=at,
        application_id=application.id,
        reason=SEAL_ENDED,
    )
