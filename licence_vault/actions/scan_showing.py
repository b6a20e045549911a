"""A system scans the code on a holder's screen: a masked view at once, and the whole once, where the holder agrees to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.grant_by_duty import check_officer
from licence_vault.actions.use_desk import demand_in_force, demand_system, is_still_empowered, is_still_entrusted, open_data, who_came
from licence_vault.copy_errors import showing_state_conflict, showing_unknown
from licence_vault.errors import sharing_denied
from licence_vault.showings import Showing, ShowingState, is_on_screen, read_screen_code
from licence_vault.type_rules.masked_view import mask_licence
from licence_vault.uses import SHOWN_BY_HOLDER, ShareRight, UseAction, read_officer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import Standing, UseDesk
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import Officer
    from service_kit.callers import Caller
    from standards.errors import TrustError

# Outcomes in the access log where the caller is told no more than that the code is of no use.
WRONG: Final = "SHOWING_CODE_WRONG"
OVER: Final = "SHOWING_OVER"
TAKEN: Final = "SHOWING_TAKEN"
WITHDRAWN: Final = "SHOWING_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class SeenLicence:
    """What a system is shown. ``data``: the JSON value of the licence, masked until ``is_whole``."""

    showing: Showing
    data: dict[str, Any]
    is_whole: bool


def scan_showing(desk: UseDesk, caller: Caller, code: str, *, reason: str, officer: Officer | None = None) -> SeenLicence:
    """The masked view; from now on nobody else can scan it. The same system may scan again while it waits.

    Raises TrustError FIELD_UNACCEPTABLE, LICENCE_SHOWING_UNKNOWN, LICENCE_SHARING_DENIED, LICENCE_NOT_IN_FORCE, LICENCE_ERASED.
    """
    # 1. Who scans, and why.
    reason = check_purpose(reason)
    officer = None if officer is None else check_officer(officer)
    at = desk.context.clock.now()
    named = read_screen_code(code)
    standing = _who_shows(desk, None if named is None else named[0], at)

    def begin() -> Attempt:
        return Attempt(UseAction.SHOWING_SCANNED, caller, caller.client_id, reason, at, officer=officer)

    def decide(conn: Connection, attempt: Attempt) -> SeenLicence:
        # 2. Which showing. Tries at its code are counted; after the last it is over.
        showing, record = _load(conn, attempt, None if named is None else named[0])
        if named is None or not is_on_screen(showing.id, named[1], at, desk.contents.screen_code):
            left = max(showing.tries_left - 1, 0)
            store.move_showing(conn, showing, replace(showing, tries_left=left, state=showing.state if left else ShowingState.ENDED))
            raise _unknown(attempt, WRONG)
        if showing.is_over_at(at):
            raise _unknown(attempt, OVER)
        if showing.state is not ShowingState.OPEN and (showing.state is not ShowingState.SCANNED or showing.client != caller.client_id):
            raise _unknown(attempt, TAKEN)

        # 3. Whether this system may, with the holder before it, and the licence counts now.
        definition = _demand(conn, attempt, showing, record, standing)
        demand_in_force(record, definition, at)
        masked = mask_licence(open_data(desk.contents, conn, record), definition)

        # 4. It is this system's now.
        sealed = None if officer is None else desk.contents.seal_officer(officer.write())
        taken = replace(showing, state=ShowingState.SCANNED, client=caller.client_id, reason=reason, officer_sealed=sealed)
        return SeenLicence(_move(conn, showing, taken), masked, is_whole=False)

    return decide_use(desk, begin, decide)


def view_showing(desk: UseDesk, caller: Caller, showing_id: str) -> SeenLicence:
    """The whole, once, after the holder agreed.

    Raises TrustError LICENCE_SHOWING_UNKNOWN, LICENCE_SHOWING_STATE_CONFLICT (not agreed yet, or seen), LICENCE_SHARING_DENIED,
    LICENCE_NOT_IN_FORCE, LICENCE_ERASED.
    """
    at = desk.context.clock.now()
    standing = _who_shows(desk, showing_id, at)

    def begin() -> Attempt:
        return Attempt(UseAction.SHOWN, caller, caller.client_id, SHOWN_BY_HOLDER, at)

    def decide(conn: Connection, attempt: Attempt) -> SeenLicence:
        # 1. The showing that this very system scanned, not over, and agreed to.
        showing, record = _load(conn, attempt, showing_id)
        if showing.client != caller.client_id:
            raise _unknown(attempt, TAKEN)
        attempt.reason = showing.reason or SHOWN_BY_HOLDER
        attempt.officer = None if showing.officer_sealed is None else read_officer(desk.contents.open_officer(showing.officer_sealed))
        if showing.state is ShowingState.SEEN:
            raise showing_state_conflict(showing.state)
        if showing.is_over_at(at):
            raise _unknown(attempt, OVER)
        if showing.state is not ShowingState.AGREED:
            raise showing_state_conflict(showing.state)

        # 2. All it hangs on still stands.
        demand_in_force(record, _demand(conn, attempt, showing, record, standing), at)
        data = open_data(desk.contents, conn, record).as_json()

        # 3. Once.
        return SeenLicence(_move(conn, showing, replace(showing, state=ShowingState.SEEN)), data, is_whole=True)

    return decide_use(desk, begin, decide)


def _load(conn: Connection, attempt: Attempt, showing_id: str | None) -> tuple[Showing, LicenceRecord]:
    showing = None if showing_id is None else store.load_showing(conn, showing_id, is_locked=True)
    record = None if showing is None else store.load_licence(conn, showing.licence_id)
    if showing is None or record is None:
        raise showing_unknown()
    attempt.licences.append(record)
    attempt.mode = showing.mode
    return showing, record


def _who_shows(desk: UseDesk, showing_id: str | None, at: datetime) -> Standing | None:
    """Who he is now, of a showing that hangs on a power: asked with no transaction open. None of any other."""
    if showing_id is None:
        return None
    with desk.context.database.read() as conn:
        showing = store.load_showing(conn, showing_id)
    if showing is None or not showing.is_by_power or showing.is_over_at(at):
        return None
    return who_came(desk, showing.power_client, showing.power_grant, at)


def _demand(conn: Connection, attempt: Attempt, showing: Showing, record: LicenceRecord, standing: Standing | None) -> TypeDefinition:
    demand_system(attempt.caller, record.type_code)
    modes, definition = modes_permitted(conn, attempt.caller.client_id, record.type_code, frozenset({ShareRight.QUERY}))
    if showing.mode not in modes:
        raise sharing_denied(record.type_code)
    is_empowered = not showing.is_by_power or is_still_empowered(conn, standing, record, attempt.at)
    if not is_empowered or not is_still_entrusted(conn, showing.entrustment_id, attempt.at):
        raise _unknown(attempt, WITHDRAWN)
    return definition


def _move(conn: Connection, before: Showing, after: Showing) -> Showing:
    if not store.move_showing(conn, before, after):
        raise showing_unknown()
    return replace(after, revision=before.revision + 1)


def _unknown(attempt: Attempt, outcome: str) -> TrustError:
    attempt.outcome = outcome
    return showing_unknown()
