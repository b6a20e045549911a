"""Showing a licence: the code lives a minute, the first system has it, the holder decides, it is seen once; every step is on record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.entrust_use import EntrustmentOrder, end_entrustment, entrust_use
from licence_vault.actions.find_own_licences import list_own_uses
from licence_vault.actions.permit_sharing import withdraw_sharing
from licence_vault.actions.scan_showing import OVER, TAKEN, WITHDRAWN, WRONG, scan_showing, view_showing
from licence_vault.actions.show_licence import agree_to_showing, end_showing, find_showing, open_showing
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.copy_tables import showings
from licence_vault.limits import SHOWING_SECONDS, SHOWING_TRIES, SHOWINGS
from licence_vault.model import Holder, step_named
from licence_vault.showings import ShowingState, is_on_screen, read_screen_code, seconds_left, write_screen_code
from licence_vault.uses import DONE, SHOWN_BY_HOLDER, Officer, ShareRight, UseAction, UseMode
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.licence_vault.issuing_here import PERSON, caller
from tests.licence_vault.showing_here import (
    FIRM,
    OFFICE,
    OFFICER,
    OTHER,
    REASON,
    SHARED,
    ShowingHere,
    code_of,
    here,
    licence,
    me,
    opened,
    refused,
    scan,
)
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from licence_vault.actions.show_licence import OwnShowing
    from licence_vault.register import LicenceRecord

__all__ = ["here", "licence", "me", "opened"]  # fixtures, each module's own


def test_a_licence_is_shown(here: ShowingHere, licence: LicenceRecord, me: Caller, opened: OwnShowing) -> None:
    assert code_of(opened) not in repr(opened)
    assert (opened.showing.state, opened.code_seconds, opened.is_over) == (ShowingState.OPEN, 60, False)

    # scanned: masked, and the holder sees by whom, what for and for whom
    seen = scan(here, opened)
    assert not seen.is_whole
    assert seen.data["holders"] == [{"name": "张****", "code": "1****X", "code_type": "111"}]
    assert "示例路1号" not in repr(seen.data)
    assert PERSON.code not in repr(seen.data)
    looked = find_showing(here.desk, me, opened.showing.id)
    assert (looked.showing.state, looked.showing.client, looked.showing.reason) == (ShowingState.SCANNED, "cl_office", REASON)
    assert (looked.officer, looked.code) == (OFFICER, None)
    refused("LICENCE_SHOWING_STATE_CONFLICT", lambda: view_showing(here.desk, OFFICE, opened.showing.id))

    # agreed: whole, once
    agreed = agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision)
    assert agreed.showing == find_showing(here.desk, me, opened.showing.id).showing
    whole = view_showing(here.desk, OFFICE, opened.showing.id)
    assert whole.is_whole
    assert whole.data["holders"] == [{"name": PERSON.name, "code": PERSON.code, "code_type": "111"}]
    assert whole.data["fields"] == {"KZ_address": "示例路1号"}
    refused("LICENCE_SHOWING_STATE_CONFLICT", lambda: view_showing(here.desk, OFFICE, opened.showing.id))
    assert find_showing(here.desk, me, opened.showing.id).is_over

    # every step is on record, for the holder and in the audit trail
    assert here.lines(licence) == [
        (UseAction.SHOWING_OPENED, "cl_portal", DONE),
        (UseAction.SHOWING_SCANNED, "cl_office", DONE),
        (UseAction.REFUSED, "cl_office", "LICENCE_SHOWING_STATE_CONFLICT"),
        (UseAction.SHOWING_AGREED, "cl_office", DONE),
        (UseAction.SHOWN, "cl_office", DONE),
        (UseAction.REFUSED, "cl_office", "LICENCE_SHOWING_STATE_CONFLICT"),
    ]
    trail = [each for each in here.issuing.trail(licence.id) if each[0].startswith("licence-use.sho")]
    assert trail == [(f"licence-use.{each}", "done") for each in ("showing_opened", "showing_scanned", "showing_agreed", "shown")]


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (59, True), (60, True), (119, True), (120, False), (300, False), (-60, False)])
def test_a_code_lives_for_its_minute_and_the_next(
    here: ShowingHere, licence: LicenceRecord, opened: OwnShowing, seconds: int, is_good: bool
) -> None:
    desk = here.later(seconds=seconds)
    if is_good:
        assert scan(here, opened, desk=desk).showing.state is ShowingState.SCANNED
    else:
        refused("LICENCE_SHOWING_UNKNOWN", lambda: scan(here, opened, desk=desk))
        assert here.lines(licence)[-1] == (UseAction.REFUSED, "cl_office", WRONG)


def test_the_screen_shows_another_code_each_minute(here: ShowingHere, me: Caller, opened: OwnShowing) -> None:
    codes = {find_showing(here.later(seconds=each), me, opened.showing.id).code for each in range(0, 300, 60)}
    assert len(codes) == 5
    assert find_showing(here.later(seconds=59), me, opened.showing.id).code == opened.code
    assert find_showing(here.later(seconds=45), me, opened.showing.id).code_seconds == 15


def test_tries_at_a_code_are_counted_and_end_it(here: ShowingHere, licence: LicenceRecord, me: Caller, opened: OwnShowing) -> None:
    code = code_of(opened)
    guesses = [code[:-8] + f"{number:08x}" for number in range(SHOWING_TRIES)]
    for guess in guesses:
        refused("LICENCE_SHOWING_UNKNOWN", lambda guess=guess: scan_showing(here.desk, OTHER, guess, reason=REASON))  # type: ignore[misc]
    assert find_showing(here.desk, me, opened.showing.id).showing.state is ShowingState.ENDED
    refused("LICENCE_SHOWING_UNKNOWN", lambda: scan(here, opened))
    assert here.lines(licence)[1:] == [(UseAction.REFUSED, "cl_other", WRONG)] * SHOWING_TRIES + [(UseAction.REFUSED, "cl_office", OVER)]


@pytest.mark.parametrize("code", ["", "x", "yxs_", "yxs_" + "0" * 56, "yxs_" + "0" * 57, "YXS_" + "0" * 56, "\udc80", "yxs_" + "g" * 56])
def test_what_is_no_code_leads_nowhere(here: ShowingHere, code: str) -> None:
    refused("LICENCE_SHOWING_UNKNOWN", lambda: scan_showing(here.desk, OFFICE, code, reason=REASON))


def test_the_code_of_one_showing_opens_no_other(here: ShowingHere, me: Caller, licence: LicenceRecord, opened: OwnShowing) -> None:
    second = open_showing(here.desk, me, licence.id)
    mixed = code_of(opened)[:28] + code_of(second)[28:]
    refused("LICENCE_SHOWING_UNKNOWN", lambda: scan_showing(here.desk, OFFICE, mixed, reason=REASON))
    assert scan(here, second).showing.id == second.showing.id


def test_of_racing_systems_one_has_it(here: ShowingHere, licence: LicenceRecord, me: Caller, opened: OwnShowing) -> None:
    def race(who: Caller) -> str:
        try:
            return scan(here, opened, who).showing.client or ""
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(race, [OFFICE, OTHER] * 4))
    [winner] = set(ended) - {"LICENCE_SHOWING_UNKNOWN"}
    loser = OTHER if winner == "cl_office" else OFFICE
    assert (UseAction.REFUSED, loser.client_id, TAKEN) in here.lines(licence)
    looked = find_showing(here.desk, me, opened.showing.id)
    assert looked.showing.client == winner
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision)
    refused("LICENCE_SHOWING_UNKNOWN", lambda: view_showing(here.desk, loser, opened.showing.id))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, loser.client_id, TAKEN)


def test_one_agrees_to_what_one_saw(here: ShowingHere, me: Caller, opened: OwnShowing) -> None:
    refused("LICENCE_SHOWING_STATE_CONFLICT", lambda: agree_to_showing(here.desk, me, opened.showing.id, if_revision=1))
    scan(here, opened)
    looked = find_showing(here.desk, me, opened.showing.id)
    scan(here, opened, reason="别的事")  # the same system, meanwhile, for something else
    refused("LICENCE_SHOWING_CHANGED", lambda: agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision))
    looked = find_showing(here.desk, me, opened.showing.id)
    assert looked.showing.reason == "别的事"
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision)
    refused("LICENCE_SHOWING_UNKNOWN", lambda: scan(here, opened))


def test_showings_of_others_do_not_exist(here: ShowingHere, opened: OwnShowing, licence: LicenceRecord) -> None:
    stranger = here.directory.sign_in("pe_stranger", ("111", "110105194912310011"))
    for act in (
        lambda: find_showing(here.desk, stranger, opened.showing.id),
        lambda: agree_to_showing(here.desk, stranger, opened.showing.id, if_revision=1),
        lambda: end_showing(here.desk, stranger, opened.showing.id),
        lambda: view_showing(here.desk, OFFICE, "sh_none"),
    ):
        refused("LICENCE_SHOWING_UNKNOWN", act)
    refused("LICENCE_NOT_FOUND", lambda: open_showing(here.desk, stranger, licence.id))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, "cl_portal", "LICENCE_NOT_FOUND"), "the holder sees that somebody tried"
    refused("LICENCE_NOT_FOUND", lambda: open_showing(here.desk, stranger, "lc_none"))
    refused("LICENCE_HOLDER_UNKNOWN", lambda: open_showing(here.desk, OFFICE, licence.id))


def test_it_is_over_when_the_holder_says_so(here: ShowingHere, licence: LicenceRecord, me: Caller, opened: OwnShowing) -> None:
    scan(here, opened)
    looked = find_showing(here.desk, me, opened.showing.id)
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision)
    assert end_showing(here.desk, me, opened.showing.id).is_over
    refused("LICENCE_SHOWING_UNKNOWN", lambda: view_showing(here.desk, OFFICE, opened.showing.id))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, "cl_office", OVER)
    refused("LICENCE_SHOWING_STATE_CONFLICT", lambda: end_showing(here.desk, me, opened.showing.id))


def test_it_is_over_after_ten_minutes(here: ShowingHere, me: Caller, licence: LicenceRecord, opened: OwnShowing) -> None:
    scan(here, opened)
    looked = find_showing(here.desk, me, opened.showing.id)
    agree_to_showing(here.later(seconds=SHOWING_SECONDS - 1), me, opened.showing.id, if_revision=looked.showing.revision)
    late = here.later(seconds=SHOWING_SECONDS)
    refused("LICENCE_SHOWING_UNKNOWN", lambda: view_showing(late, OFFICE, opened.showing.id))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, "cl_office", OVER)
    assert find_showing(late, me, opened.showing.id).is_over


def test_nothing_is_on_the_screen_of_a_showing_that_nobody_scanned_in_time(here: ShowingHere, me: Caller, opened: OwnShowing) -> None:
    late = find_showing(here.later(seconds=SHOWING_SECONDS), me, opened.showing.id)
    assert (late.showing.state, late.is_over, late.code, late.code_seconds) == (ShowingState.OPEN, True, None, 0)


def test_a_person_shows_few_licences_at_a_time(here: ShowingHere, me: Caller, licence: LicenceRecord) -> None:
    shown = [open_showing(here.desk, me, licence.id) for _ in range(SHOWINGS)]
    refused("LICENCE_SHOWINGS_TOO_MANY", lambda: open_showing(here.desk, me, licence.id))
    end_showing(here.desk, me, shown[0].showing.id)
    open_showing(here.desk, me, licence.id)


def test_who_acts_for_the_firm_shows_its_licence(here: ShowingHere) -> None:
    licence = here.issue(Holder("示例商行", FIRM[1], FIRM[0]))
    agent = here.directory.sign_in("pe_agent", ("111", "110105194912310038"), acts_for={FIRM: None})
    opened = open_showing(here.desk, agent, licence.id)
    assert opened.showing.mode is UseMode.ENTRUSTED
    scan(here, opened)
    looked = find_showing(here.desk, agent, opened.showing.id)
    here.directory.sign_in("pe_agent", ("111", "110105194912310038"))  # dismissed meanwhile
    refused("LICENCE_NOT_FOUND", lambda: agree_to_showing(here.desk, agent, opened.showing.id, if_revision=looked.showing.revision))


@pytest.mark.parametrize("state", [ShowingState.OPEN, ShowingState.SCANNED, ShowingState.AGREED])
@pytest.mark.parametrize("is_ended", [True, False])
def test_an_entrustment_that_is_over_shows_nothing_more(
    here: ShowingHere, licence: LicenceRecord, me: Caller, state: ShowingState, is_ended: bool
) -> None:
    """Ended by the holder, or past its last moment: whatever was done before."""
    agent_code = ("111", "110105194912310038")
    agent = here.directory.sign_in(f"pe_agent_{licence.id}", agent_code)
    given = entrust_use(here.desk, me, EntrustmentOrder(agent_code, SHARED, AT + timedelta(seconds=30), "委托代办"))
    opened = open_showing(here.desk, agent, licence.id)
    assert opened.showing.mode is UseMode.ENTRUSTED
    if state is not ShowingState.OPEN:
        scan(here, opened)
    looked = find_showing(here.desk, agent, opened.showing.id)
    if state is ShowingState.AGREED:
        agree_to_showing(here.desk, agent, opened.showing.id, if_revision=looked.showing.revision)
    if is_ended:
        end_entrustment(here.desk, me, given.id)
    desk = here.later(seconds=0 if is_ended else 30)
    again = entrust_use(desk, me, EntrustmentOrder(agent_code, SHARED, AT + timedelta(days=1), "再次委托"))  # is another matter
    if state is ShowingState.AGREED:
        refused("LICENCE_SHOWING_UNKNOWN", lambda: view_showing(desk, OFFICE, opened.showing.id))
    else:
        refused("LICENCE_SHOWING_UNKNOWN", lambda: scan(here, opened, desk=desk))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, "cl_office", WITHDRAWN)
    if state is ShowingState.SCANNED:
        refused("LICENCE_NOT_FOUND", lambda: agree_to_showing(desk, agent, opened.showing.id, if_revision=looked.showing.revision))
    for each in (given, again):
        end_entrustment(desk, me, each.id)


@pytest.mark.parametrize("state", [ShowingState.OPEN, ShowingState.SCANNED, ShowingState.AGREED])
@pytest.mark.parametrize("left", ["another power", "no organisation", "nobody"])
def test_a_power_that_is_over_shows_nothing_more(here: ShowingHere, state: ShowingState, left: str) -> None:
    """Taken back, with his agency, or his sign-in is over: whatever was done before."""
    licence = here.issue(Holder("示例社会组织", FIRM[1], FIRM[0]))
    subject, own = f"pe_agent_{licence.id}", ("111", "110105194912310038")
    agent = here.directory.sign_in(subject, own, acts_for={FIRM: frozenset({"licence"})})
    opened = open_showing(here.desk, agent, licence.id)
    if state is not ShowingState.OPEN:
        scan(here, opened)
    if state is ShowingState.AGREED:
        looked = find_showing(here.desk, agent, opened.showing.id)
        agree_to_showing(here.desk, agent, opened.showing.id, if_revision=looked.showing.revision)
    if left == "nobody":
        del here.directory.people[subject]
    else:
        here.directory.sign_in(subject, own, acts_for={FIRM: frozenset({"seal"})} if left == "another power" else None)
    if state is ShowingState.AGREED:
        refused("LICENCE_SHOWING_UNKNOWN", lambda: view_showing(here.desk, OFFICE, opened.showing.id))
    else:
        refused("LICENCE_SHOWING_UNKNOWN", lambda: scan(here, opened))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, "cl_office", WITHDRAWN)


def test_a_power_is_asked_for_as_whoever_agreed_came(here: ShowingHere) -> None:
    """He may begin on one device and agree on another; a sign-in that is over meanwhile is not asked for."""
    licence = here.issue(Holder("示例社会组织", FIRM[1], FIRM[0]))
    subject = f"pe_agent_{licence.id}"
    began = here.directory.sign_in(subject, acts_for={FIRM: None})
    opened = open_showing(here.desk, began, licence.id)
    scan(here, opened)
    agreeing = replace(began, client_id="cl_app", grant_id="gr_second")
    here.directory.people["second"] = here.directory.people.pop(subject)
    looked = find_showing(here.desk, agreeing, opened.showing.id)
    agreed = agree_to_showing(here.desk, agreeing, opened.showing.id, if_revision=looked.showing.revision)
    assert (agreed.showing.power_client, agreed.showing.power_grant) == ("cl_app", "gr_second")
    assert view_showing(here.desk, OFFICE, opened.showing.id).is_whole


def test_what_a_holder_shows_himself_outlasts_his_sign_in(
    here: ShowingHere, licence: LicenceRecord, me: Caller, opened: OwnShowing
) -> None:
    assert (opened.showing.power_client, opened.showing.power_grant) == ("", "")
    scan(here, opened)
    looked = find_showing(here.desk, me, opened.showing.id)
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision)
    del here.directory.people[f"pe_{licence.id}"]
    assert view_showing(here.desk, OFFICE, opened.showing.id).is_whole


def test_the_holder_sees_for_whom_and_what_for_at_each_step(
    here: ShowingHere, me: Caller, licence: LicenceRecord, opened: OwnShowing
) -> None:
    scan(here, opened)
    revision = find_showing(here.desk, me, opened.showing.id).showing.revision
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=revision)
    view_showing(here.desk, OFFICE, opened.showing.id)
    told = [(use.record.action, use.officer, use.record.reason) for use in list_own_uses(here.desk, me, before=None, limit=4, has_own=True)]
    assert told == [
        (UseAction.SHOWN, OFFICER, REASON),
        (UseAction.SHOWING_AGREED, None, REASON),
        (UseAction.SHOWING_SCANNED, OFFICER, REASON),
        (UseAction.SHOWING_OPENED, None, SHOWN_BY_HOLDER),
    ]


def test_a_system_that_names_no_officer_scans_after_a_wrong_try(here: ShowingHere, me: Caller, opened: OwnShowing) -> None:
    wrong = code_of(opened)[:-8] + "0" * 8
    refused("LICENCE_SHOWING_UNKNOWN", lambda: scan_showing(here.desk, OTHER, wrong, reason=REASON))
    assert scan(here, opened, officer=None).showing.state is ShowingState.SCANNED
    looked = find_showing(here.desk, me, opened.showing.id)
    assert (looked.officer, looked.showing.tries_left) == (None, SHOWING_TRIES - 1)


def test_a_system_without_permission_is_shown_nothing(here: ShowingHere, me: Caller, licence: LicenceRecord, opened: OwnShowing) -> None:
    refused("LICENCE_SHARING_DENIED", lambda: scan(here, opened, caller("cl_unknown")))
    refused("LICENCE_SHARING_DENIED", lambda: scan(here, opened, Caller("cl_office", "pe_clerk", frozenset())))
    here.permit("cl_verifier", rights=frozenset({ShareRight.VERIFY}))
    refused("LICENCE_SHARING_DENIED", lambda: scan(here, opened, caller("cl_verifier")))
    here.permit("cl_entrusted", modes=frozenset({UseMode.ENTRUSTED}))
    refused("LICENCE_SHARING_DENIED", lambda: scan(here, opened, caller("cl_entrusted")))

    here.permit("cl_brief")
    scan(here, opened, caller("cl_brief"))
    looked = find_showing(here.desk, me, opened.showing.id)
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=looked.showing.revision)
    withdraw_sharing(here.desk.context, caller("cl_admin"), "cl_brief", SHARED)
    refused("LICENCE_SHARING_DENIED", lambda: view_showing(here.desk, caller("cl_brief"), opened.showing.id))
    assert (UseAction.SHOWN, "cl_brief", DONE) not in here.lines(licence)


@pytest.mark.parametrize("when", ["before", "scanned", "agreed"])
def test_a_revoked_licence_is_not_shown(here: ShowingHere, me: Caller, licence: LicenceRecord, opened: OwnShowing, when: str) -> None:
    def revoke() -> None:
        here.issuing.take_in()
        change_licence_state(here.desk.context, here.issuing.clerk, licence.id, step_named("revoke"), reason="x", if_revision=None)

    if when == "before":
        revoke()
        refused("LICENCE_NOT_IN_FORCE", lambda: open_showing(here.desk, me, licence.id))
        refused("LICENCE_NOT_IN_FORCE", lambda: scan(here, opened))
        return
    scan(here, opened)
    revision = find_showing(here.desk, me, opened.showing.id).showing.revision
    if when == "scanned":
        revoke()
        refused("LICENCE_NOT_IN_FORCE", lambda: agree_to_showing(here.desk, me, opened.showing.id, if_revision=revision))
        return
    agree_to_showing(here.desk, me, opened.showing.id, if_revision=revision)
    revoke()
    refused("LICENCE_NOT_IN_FORCE", lambda: view_showing(here.desk, OFFICE, opened.showing.id))


@pytest.mark.parametrize("changes", [{"reason": ""}, {"reason": "x" * 201}, {"officer": Officer("", "r", "d")}])
def test_who_scans_says_why_and_for_whom(here: ShowingHere, opened: OwnShowing, changes: dict[str, Any]) -> None:
    refused("FIELD_UNACCEPTABLE", lambda: scan(here, opened, **changes))


def test_nothing_is_kept_that_could_be_scanned_and_old_showings_are_forgotten(here: ShowingHere, me: Caller, opened: OwnShowing) -> None:
    code = code_of(opened)
    for path in here.desk.context.settings.dir.rglob("*"):
        assert not path.is_file() or code[-32:].encode() not in path.read_bytes()
    sweep_copies(replace(here.issuing.means, context=here.later(seconds=2 * SHOWING_SECONDS + 1).context))
    with here.desk.context.database.read() as conn:
        assert conn.execute(showings.select().where(showings.c.id == opened.showing.id)).first() is None
    refused("LICENCE_SHOWING_UNKNOWN", lambda: find_showing(here.desk, me, opened.showing.id))


def test_codes_are_read_as_they_are_written() -> None:
    at = datetime(2026, 11, 28, 8, 0, 30, tzinfo=UTC)

    def made(showing_id: str, stretch: int) -> bytes:
        return stretch.to_bytes(16, "big")

    text = write_screen_code("sh_" + "a" * 24, at, made)
    read = read_screen_code(text)
    assert read is not None
    assert read[0] == "sh_" + "a" * 24
    assert [is_on_screen(read[0], read[1], at + timedelta(seconds=each), made) for each in (-31, 0, 89, 90)] == [False, True, True, False]
    assert seconds_left(at) == 30
    assert read_screen_code(text + "0") is None
