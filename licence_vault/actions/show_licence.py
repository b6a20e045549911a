"""A signed-in person shows a licence (亮证): begins, sees who scanned the code and what for, agrees to that one look, or ends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.decide_use import Attempt, decide_use
from licence_vault.actions.use_desk import demand_in_force, is_still_entrusted, right_to, who_is_behind
from licence_vault.copy_errors import showing_changed, showing_state_conflict, showing_unknown, showings_too_many
from licence_vault.errors import licence_not_found
from licence_vault.limits import SHOWING_SECONDS, SHOWING_TRIES, SHOWINGS
from licence_vault.showings import Showing, ShowingState, new_showing_id, seconds_left, write_screen_code
from licence_vault.uses import SHOWN_BY_HOLDER, UseAction, UseMode, read_officer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import Standing, UseDesk
    from licence_vault.uses import Officer
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class OwnShowing:
    """A showing as whoever shows sees it. ``code``: to be put on the screen for ``code_seconds`` more, None once it was scanned or is over.
    ``officer``: for whom the system scanned it.
    """

    showing: Showing
    is_over: bool
    code: str | None
    code_seconds: int
    officer: Officer | None

    def __repr__(self) -> str:
        """Without the code."""
        return f"OwnShowing({self.showing.id!r})"


def open_showing(desk: UseDesk, caller: Caller, licence_id: str) -> OwnShowing:
    """Begin to show a licence, for ten minutes.

    Raises TrustError LICENCE_HOLDER_UNKNOWN, LICENCE_NOT_FOUND (also for one that is not his to show), LICENCE_NOT_IN_FORCE,
    LICENCE_SHOWINGS_TOO_MANY.
    """
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        return Attempt(UseAction.SHOWING_OPENED, caller, caller.client_id, SHOWN_BY_HOLDER, at)

    def decide(conn: Connection, attempt: Attempt) -> OwnShowing:
        # 1. It is his to show, and counts now.
        record = store.load_licence(conn, licence_id)
        if record is None:
            raise licence_not_found(licence_id)
        attempt.licences.append(record)
        right = right_to(conn, standing, record, at)
        if right is None:
            raise licence_not_found(licence_id)
        attempt.mode = mode = _mode_of(right[0])
        demand_in_force(record, None, at)
        if store.count_showings(conn, standing.account, at) >= SHOWINGS:
            raise showings_too_many(SHOWINGS)

        # 2. The showing; nobody has scanned it yet.
        showing = Showing(
            id=new_showing_id(),
            licence_id=record.id,
            account=standing.account,
            mode=mode,
            state=ShowingState.OPEN,
            revision=1,
            tries_left=SHOWING_TRIES,
            opened_at=at,
            ends_at=at + timedelta(seconds=SHOWING_SECONDS),
            entrustment_id=None if right[1] is None else right[1].id,
        )
        showing = _as_came(showing, caller)
        store.insert_showing(conn, showing)
        return _view(desk, showing, at)

    return decide_use(desk, begin, decide)


def find_showing(desk: UseDesk, caller: Caller, showing_id: str) -> OwnShowing:
    """How far it is, with the code for the screen. LICENCE_HOLDER_UNKNOWN, LICENCE_SHOWING_UNKNOWN (also for somebody else's)."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)
    with desk.context.database.read() as conn:
        return _view(desk, _load_own(conn, standing, showing_id), at)


def list_showings(desk: UseDesk, caller: Caller) -> list[OwnShowing]:
    """Those of the person that are not over, the one begun last first. LICENCE_HOLDER_UNKNOWN."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)
    with desk.context.database.read() as conn:
        return [_view(desk, each, at) for each in store.list_showings(conn, standing.account, at, limit=SHOWINGS)]


def agree_to_showing(desk: UseDesk, caller: Caller, showing_id: str, *, if_revision: int) -> OwnShowing:
    """Let the system that scanned see the licence once, whole. ``if_revision``: as the person saw it when he decided.

    Raises TrustError LICENCE_HOLDER_UNKNOWN, LICENCE_SHOWING_UNKNOWN, LICENCE_SHOWING_CHANGED, LICENCE_SHOWING_STATE_CONFLICT,
    LICENCE_NOT_FOUND (not his to show any more), LICENCE_NOT_IN_FORCE.
    """
    return _step(desk, caller, showing_id, UseAction.SHOWING_AGREED, ShowingState.AGREED, if_revision)


def end_showing(desk: UseDesk, caller: Caller, showing_id: str) -> OwnShowing:
    """End it at once, whoever scanned it. LICENCE_HOLDER_UNKNOWN, LICENCE_SHOWING_UNKNOWN, LICENCE_SHOWING_STATE_CONFLICT (over already)."""
    return _step(desk, caller, showing_id, UseAction.SHOWING_ENDED, ShowingState.ENDED, None)


def _step(desk: UseDesk, caller: Caller, showing_id: str, action: UseAction, target: ShowingState, if_revision: int | None) -> OwnShowing:
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        return Attempt(action, caller, caller.client_id, SHOWN_BY_HOLDER, at)

    def decide(conn: Connection, attempt: Attempt) -> OwnShowing:
        # 1. His own, as he saw it, and not over.
        showing = _load_own(conn, standing, showing_id, is_locked=True)
        record = store.load_licence(conn, showing.licence_id)
        if record is None:
            raise showing_unknown()
        attempt.licences.append(record)
        attempt.mode, attempt.client, attempt.reason = showing.mode, showing.client or attempt.client, showing.reason or SHOWN_BY_HOLDER
        if if_revision is not None and if_revision != showing.revision:
            raise showing_changed(if_revision, showing.revision)
        if showing.is_over_at(at):
            raise showing_state_conflict("over")

        # 2. To agree takes somebody who scanned, and all that showing it took in the first place.
        if target is ShowingState.AGREED:
            if showing.state is not ShowingState.SCANNED:
                raise showing_state_conflict(showing.state)
            right = right_to(conn, standing, record, at)
            if right is None or _mode_of(right[0]) is not showing.mode or not is_still_entrusted(conn, showing.entrustment_id, at):
                raise licence_not_found(record.id)
            demand_in_force(record, None, at)
            showing = _as_came(showing, caller)
        moved = replace(showing, state=target, revision=showing.revision + 1)
        if not store.move_showing(conn, showing, moved):
            raise showing_changed(showing.revision, showing.revision + 1)
        return _view(desk, moved, at)

    return decide_use(desk, begin, decide)


def _mode_of(right: UseMode) -> UseMode:
    return UseMode.CONSENTED if right is UseMode.OWN else UseMode.ENTRUSTED


def _as_came(showing: Showing, caller: Caller) -> Showing:
    """With what a power is asked for by when it is scanned and seen."""
    return replace(showing, power_client=caller.client_id, power_grant=caller.grant_id) if showing.is_by_power else showing


def _load_own(conn: Connection, standing: Standing, showing_id: str, *, is_locked: bool = False) -> Showing:
    showing = store.load_showing(conn, showing_id, is_locked=is_locked)
    if showing is None or showing.account != standing.account:
        raise showing_unknown()
    return showing


def _view(desk: UseDesk, showing: Showing, at: datetime) -> OwnShowing:
    is_over = showing.is_over_at(at)
    has_code = showing.state is ShowingState.OPEN and not is_over
    code = write_screen_code(showing.id, at, desk.contents.screen_code) if has_code else None
    sealed = showing.officer_sealed
    officer = None if sealed is None else read_officer(desk.contents.open_officer(sealed))
    return OwnShowing(showing, is_over, code, seconds_left(at) if has_code else 0, officer)
