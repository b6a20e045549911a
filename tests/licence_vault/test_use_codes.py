"""Use codes: three ways to get one, one way to use it, and nobody else, nothing else, never twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.consent_to_use import Consent, consent_to_use
from licence_vault.actions.decide_use import check_purpose
from licence_vault.actions.entrust_use import EntrustmentOrder, end_entrustment, entrust_use, list_entrustments
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.grant_by_duty import DutyOrder, check_officer, grant_by_duty
from licence_vault.actions.permit_sharing import withdraw_sharing
from licence_vault.actions.redeem_use_code import redeem_use_code
from licence_vault.limits import ENTRUSTMENT_DAYS, OFFICER_CHARACTERS, USE_CODE_SECONDS, USE_REASON_CHARACTERS
from licence_vault.model import Holder
from licence_vault.uses import DONE, Officer, ShareRight, UseAction, UseMode
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.audit_trail import blocked, find_entries
from tests.licence_vault.issuing_here import PERSON, caller
from tests.licence_vault.type_files import AUTHORITY, TYPE
from tests.licence_vault.using_here import ME, SHARED, UsingHere
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import Entrustment

WHY = "办理变更登记"
OFFICER = Officer("李四（示例）", "执法人员", "示例市监督所")
FIRM = ("001", "12990000YX0000008K")
ANOTHER = ("111", "110105194912310038")
FRIEND = ("111", "110105194912310011")
OFFICE = caller("cl_office")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("codes") / "d") as using:
        yield using


@pytest.fixture(scope="module")
def me(here: UsingHere) -> Caller:
    return here.directory.sign_in("pe_me", ME)


@pytest.fixture(scope="module")
def licence(here: UsingHere) -> LicenceRecord:
    """One that stays in force, with uses of many tests in its log."""
    return here.issue()


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError, match=f"^{code}"):
        act()


def test_a_holder_consents_and_the_office_is_told_what_the_licence_says_once(here: UsingHere, me: Caller) -> None:
    licence = here.issue()
    granted = here.code(licence, me)
    assert granted.code not in repr(granted)
    with here.desk.context.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM licence_use_codes").all()
    assert granted.code not in repr(rows)
    used = redeem_use_code(here.desk, OFFICE, granted.code, purpose=f" {WHY} ")
    assert (used.record.id, used.data.holders, used.code.mode) == (licence.id, (PERSON,), UseMode.CONSENTED)
    refused("USE_CODE_USED", lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY))
    assert here.lines(licence) == [
        (UseAction.CODE_GRANTED, UseMode.CONSENTED, "cl_office", DONE),
        (UseAction.QUERIED, UseMode.CONSENTED, "cl_office", DONE),
        (UseAction.REFUSED, UseMode.CONSENTED, "cl_office", "USE_CODE_USED"),
    ]
    assert {each.reason for each in here.uses(licence)} == {WHY}
    trail = [each for each in here.issuing.trail(licence.id) if each[0].startswith("licence-use.")]
    assert trail == [("licence-use.code_granted", "done"), ("licence-use.queried", "done"), ("licence-use.refused", "refused")]


def test_of_sixteen_that_race_with_one_code_one_is_told(here: UsingHere, me: Caller) -> None:
    licence = here.issue()
    granted = here.code(licence, me)

    def race(_number: int) -> str:
        try:
            return redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY).record.id
        except TrustError as refusal:
            return refusal.code

    with ThreadPoolExecutor(16) as racers:
        told = list(racers.map(race, range(16)))
    assert (told.count(licence.id), told.count("USE_CODE_USED")) == (1, 15)
    assert [line[3] for line in here.lines(licence)].count("USE_CODE_USED") == 15


def test_a_stolen_code_is_worth_nothing_to_the_thief_and_the_holder_sees_him(here: UsingHere, me: Caller) -> None:
    here.permit("cl_thief")
    licence = here.issue()
    granted = here.code(licence, me)
    for thief in (caller("cl_thief"), caller("cl_nobody"), here.directory.sign_in("pe_thief", FRIEND)):
        refused("USE_CODE_UNKNOWN", lambda by=thief: redeem_use_code(here.desk, by, granted.code, purpose=WHY))  # type: ignore[misc]
    refused("USE_CODE_UNKNOWN", lambda: redeem_use_code(here.desk, OFFICE, granted.code[:-1] + "?", purpose=WHY))
    refused("USE_CODE_UNKNOWN", lambda: redeem_use_code(here.desk, OFFICE, "yxu_\ud800", purpose=WHY))
    stolen = [line for line in here.lines(licence) if line[3] == "USE_CODE_STOLEN"]
    assert [line[2] for line in stolen] == ["cl_thief", "cl_nobody", "cl_portal"]
    # A person who comes through the office's system is not the office's system
    through = Caller("cl_office", "pe_someone", frozenset(), grant_id="gr_2")
    refused("LICENCE_SHARING_DENIED", lambda: redeem_use_code(here.desk, through, granted.code, purpose=WHY))
    assert redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY).record.id == licence.id


def test_a_code_counts_for_its_purpose_and_its_time(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    granted = here.code(licence, me)
    refused("USE_CODE_PURPOSE_DIFFERS", lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY + "。"))
    late = here.later(seconds=USE_CODE_SECONDS)
    refused("USE_CODE_EXPIRED", lambda: redeem_use_code(late, OFFICE, granted.code, purpose=WHY))
    just = here.later(seconds=USE_CODE_SECONDS - 1)
    assert redeem_use_code(just, OFFICE, granted.code, purpose=WHY).record.id == licence.id
    for bad in ("", " ", "x" * 201, "a\u202eb"):
        refused("FIELD_UNACCEPTABLE", lambda purpose=bad: redeem_use_code(here.desk, OFFICE, granted.code, purpose=purpose))  # type: ignore[misc]
        refused("FIELD_UNACCEPTABLE", lambda purpose=bad: here.code(licence, me, purpose=purpose))  # type: ignore[misc]


def test_what_was_permitted_must_still_be_when_the_code_is_used(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    here.permit("cl_once")
    once = caller("cl_once")
    granted = here.code(licence, me, client="cl_once")
    here.permit("cl_once", rights=frozenset({ShareRight.VERIFY}))
    refused("LICENCE_SHARING_DENIED", lambda: redeem_use_code(here.desk, once, granted.code, purpose=WHY))
    here.permit("cl_once", modes=frozenset({UseMode.BY_DUTY}))
    refused("LICENCE_SHARING_DENIED", lambda: redeem_use_code(here.desk, once, granted.code, purpose=WHY))
    withdraw_sharing(here.desk.context, caller("cl_admin"), "cl_once", SHARED)
    refused("LICENCE_SHARING_DENIED", lambda: redeem_use_code(here.desk, once, granted.code, purpose=WHY))
    refused("LICENCE_SHARING_DENIED", lambda: here.code(licence, me, client="cl_once"))


def test_a_licence_that_is_not_in_force_is_used_by_no_code(here: UsingHere, me: Caller) -> None:
    licence = here.issue()
    granted = here.code(licence, me)
    here.step(licence, "suspend")
    for act in (lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY), lambda: here.code(licence, me)):
        with pytest.raises(TrustError, match="LICENCE_NOT_IN_FORCE") as caught:
            act()
        assert caught.value.facts == {"state": "suspended", "share": 23}
    here.step(licence, "revoke")
    with pytest.raises(TrustError, match="LICENCE_NOT_IN_FORCE") as caught:
        here.code(licence, me)
    assert caught.value.facts == {"state": "revoked", "share": 21}
    erase_licence(here.desk.context, here.issuing.clerk, licence.id, reason="x", if_revision=None)
    refused("LICENCE_NOT_FOUND", lambda: here.code(licence, me))  # nobody is known as its holder any more


@pytest.mark.parametrize(
    ("days", "state", "share"),
    [((date(2026, 12, 1), date(2031, 11, 30)), "not_yet", 23), ((date(2025, 11, 27), date(2026, 11, 26)), "expired", 22)],
)
def test_days_count_before_the_job_that_notes_them_has_come_by(
    here: UsingHere, me: Caller, days: tuple[date, date], state: str, share: int
) -> None:
    licence = here.issue(valid_from=days[0], valid_to=days[1], issued_on=min(days[0], date(2026, 11, 28)))
    with pytest.raises(TrustError, match="LICENCE_NOT_IN_FORCE") as caught:
        here.code(licence, me)
    assert caught.value.facts == {"state": state, "share": share}


def test_nobody_consents_for_another_and_is_not_told_that_there_is_a_licence(here: UsingHere, licence: LicenceRecord) -> None:
    stranger = here.directory.sign_in("pe_stranger", FRIEND)
    for licence_id in (licence.id, "lc_000000000000000000000000"):
        with pytest.raises(TrustError, match="LICENCE_NOT_FOUND") as caught:
            consent_to_use(here.desk, stranger, Consent(licence_id, "cl_office", WHY))
        assert caught.value.facts == {"licence": licence_id}
    assert (UseAction.REFUSED, None, "cl_office", "LICENCE_NOT_FOUND") in here.lines(licence)


def test_who_has_not_proved_enough_is_no_holder(here: UsingHere, licence: LicenceRecord) -> None:
    weak = here.directory.sign_in("pe_weak", ME, level=1)
    for nobody in (weak, OFFICE, Caller("cl_portal", "pe_unknown", frozenset(), grant_id="gr_9")):
        with pytest.raises(TrustError, match="LICENCE_HOLDER_UNKNOWN") as caught:
            here.code(licence, nobody)
        assert caught.value.facts == {"level": 2}
    alone = replace(here.desk, directory=None)
    refused(
        "LICENCE_HOLDER_UNKNOWN", lambda: consent_to_use(alone, here.directory.sign_in("pe_me", ME), Consent(licence.id, "cl_office", WHY))
    )


def duty(**changes: Any) -> DutyOrder:
    return replace(DutyOrder(SHARED, ("111", FRIEND[1]), WHY, OFFICER, "000100000000"), **changes)


def test_an_officer_acts_by_duty_and_the_holder_sees_which(here: UsingHere) -> None:
    friend = Holder("王五（示例）", FRIEND[1], "111")
    licence, suspended = here.issue(friend), here.issue(friend)
    here.step(suspended, "suspend")
    here.issue(friend, valid_from=date(2026, 12, 1))
    codes = grant_by_duty(here.desk, OFFICE, duty())
    assert [each.licence.id for each in codes] == [licence.id]
    used = redeem_use_code(here.desk, OFFICE, codes[0].granted.code, purpose=WHY)
    assert (used.data.holders, used.code.mode, used.code.service_item) == ((friend,), UseMode.BY_DUTY, "000100000000")
    lines = here.uses(licence)
    assert [(each.action, each.mode) for each in lines] == [(UseAction.CODE_GRANTED, UseMode.BY_DUTY), (UseAction.QUERIED, UseMode.BY_DUTY)]
    for each in lines:
        assert each.officer_sealed is not None
        assert here.desk.contents.open_officer(each.officer_sealed) == OFFICER.write()


def test_what_is_no_duty_gives_no_codes_and_is_seen_all_the_same(here: UsingHere) -> None:
    here.permit("cl_polite", modes=frozenset({UseMode.CONSENTED}))
    subject = ("111", "110105194912310038")
    person = Caller("cl_office", "pe_clerk", frozenset(), grant_id="gr_1")
    for by, order, code in (
        (caller("cl_polite"), duty(holder=subject), "LICENCE_SHARING_DENIED"),
        (caller("cl_stranger"), duty(holder=subject), "LICENCE_SHARING_DENIED"),
        (person, duty(holder=subject), "LICENCE_SHARING_DENIED"),
        (OFFICE, duty(holder=subject, type_code=TYPE), "LICENCE_SHARING_DENIED"),
        (OFFICE, duty(holder=subject), "LICENCE_OF_HOLDER_NOT_FOUND"),
    ):
        refused(code, lambda by=by, order=order: grant_by_duty(here.desk, by, order))  # type: ignore[misc]
    for bad in (replace(OFFICER, name=" "), replace(OFFICER, division="a\nb")):
        refused("FIELD_UNACCEPTABLE", lambda officer=bad: grant_by_duty(here.desk, OFFICE, duty(officer=officer)))  # type: ignore[misc]
    with here.desk.context.database.read() as conn:
        seen = store.list_uses_of_subjects(conn, [here.desk.contents.find_holder(*subject)], before=None, limit=50)
    assert [each.outcome for each in reversed(seen)] == ["LICENCE_SHARING_DENIED"] * 4 + ["LICENCE_OF_HOLDER_NOT_FOUND"]


def test_who_acts_for_an_organisation_with_the_power_grants_for_it(here: UsingHere) -> None:
    licence = here.issue(Holder("示例有限公司", FIRM[1], "001"))
    for subject, powers in (("pe_all", None), ("pe_power", frozenset({"tax", "licence"}))):
        agent = here.directory.sign_in(subject, FRIEND, acts_for={FIRM: powers})
        granted = here.code(licence, agent)
        assert redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY).code.mode is UseMode.ENTRUSTED
    powerless = here.directory.sign_in("pe_tax", FRIEND, acts_for={FIRM: frozenset({"tax"})})
    refused("LICENCE_NOT_FOUND", lambda: here.code(licence, powerless))
    here.permit("cl_only_holders", modes=frozenset({UseMode.CONSENTED}))
    refused(
        "LICENCE_SHARING_DENIED", lambda: here.code(licence, here.directory.sign_in("pe_all2", acts_for={FIRM: None}), "cl_only_holders")
    )


def entrustment(**changes: Any) -> EntrustmentOrder:
    return replace(EntrustmentOrder(FRIEND, SHARED, AT + timedelta(days=1), "委托办理"), **changes)


def listed(desk: UseDesk, person: Caller) -> list[Entrustment]:
    found = list_entrustments(desk, person, before=None, limit=50)
    return [*found.standing, *found.past]


def test_a_holder_entrusts_somebody_and_ends_it(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    friend = here.directory.sign_in("pe_friend", FRIEND)
    refused("LICENCE_NOT_FOUND", lambda: here.code(licence, friend))
    given = entrust_use(here.desk, me, entrustment())
    assert given in listed(here.desk, me)
    granted, unused = here.code(licence, friend), here.code(licence, friend)
    neighbours = here.issue(Holder("赵六（示例）", "110105194912310062", "111"))
    refused("LICENCE_NOT_FOUND", lambda: here.code(neighbours, friend))
    refused("LICENCE_NOT_FOUND", lambda: here.code(licence, here.directory.sign_in("pe_other", ("111", "110105194912310038"))))
    assert redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY).code.mode is UseMode.ENTRUSTED
    refused("LICENCE_NOT_FOUND", lambda: consent_to_use(here.later(days=1), friend, Consent(licence.id, "cl_office", WHY)))
    # whom somebody is entrusted by is not whom he may entrust, or end
    refused("LICENCE_HOLDER_UNKNOWN", lambda: entrust_use(here.desk, friend, entrustment(agent=FIRM, holder=ME)))
    refused("LICENCE_ENTRUSTMENT_NOT_FOUND", lambda: end_entrustment(here.desk, friend, given.id))
    refused("LICENCE_ENTRUSTMENT_NOT_FOUND", lambda: end_entrustment(here.desk, me, "en_000000000000000000000000"))
    assert listed(here.desk, friend) == []
    end_entrustment(here.desk, me, given.id)
    end_entrustment(here.desk, me, given.id)
    with here.desk.context.database.read() as conn:
        ended = [each for each in find_entries(conn, limit=20) if each.action.endswith(".end") and given.id in each.subject]
    assert len(ended) == 1, "on record, once"
    refused("LICENCE_NOT_FOUND", lambda: here.code(licence, friend))
    refused("USE_CODE_WITHDRAWN", lambda: redeem_use_code(here.desk, OFFICE, unused.code, purpose=WHY))
    assert (UseAction.REFUSED, UseMode.ENTRUSTED, "cl_office", "USE_CODE_WITHDRAWN") in here.lines(licence)


def test_an_entrustment_is_for_one_type_and_only_by_who_holds(here: UsingHere, licence: LicenceRecord) -> None:
    helper = ("111", "110105194912310062")
    owner = here.directory.sign_in("pe_owner", ME, acts_for={FIRM: None, ("001", "91150700MA0N000018"): frozenset({"licence"})})
    entrust_use(here.desk, owner, entrustment(agent=helper, type_code=TYPE))
    refused("LICENCE_NOT_FOUND", lambda: here.code(licence, here.directory.sign_in("pe_helper", helper)))
    headed = entrust_use(here.desk, owner, entrustment(agent=helper, holder=FIRM))
    assert headed.holder_digest == here.desk.contents.find_holder(*FIRM)
    for changes, code in (
        ({"holder": ("001", "91150700MA0N000018")}, "LICENCE_HOLDER_UNKNOWN"),  # the power to use is not the power to entrust
        ({"holder": FRIEND}, "LICENCE_HOLDER_UNKNOWN"),
        ({"agent": ME}, "FIELD_UNACCEPTABLE"),
        ({"agent": ("111", "110105194912310021")}, "FIELD_UNACCEPTABLE"),  # mistyped: nobody has such a number
        ({"agent": ("777", "1")}, "FIELD_UNACCEPTABLE"),
        *(({"agent": agent}, "FIELD_UNACCEPTABLE") for agent in (FIRM, ("099", "1"), ("114", "1"), ("412", "E1"), ("999", "1"))),
        ({"until": AT}, "FIELD_UNACCEPTABLE"),
        ({"until": AT + timedelta(days=ENTRUSTMENT_DAYS, seconds=1)}, "FIELD_UNACCEPTABLE"),
        ({"reason": ""}, "FIELD_UNACCEPTABLE"),
        ({"type_code": f"{AUTHORITY}777"}, "LICENCE_TYPE_NOT_PUBLISHED"),
    ):
        refused(code, lambda changes=changes: entrust_use(here.desk, owner, entrustment(**changes)))  # type: ignore[misc]
    two = here.directory.sign_in("pe_two", ME, ("414", "E12345678"))
    refused("FIELD_UNACCEPTABLE", lambda: entrust_use(here.desk, two, entrustment(agent=helper)))


def test_entrustments_of_one_holder_are_bounded(here: UsingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("licence_vault.actions.entrust_use.ENTRUSTMENTS", 1)
    entrust_use(here.desk, here.directory.sign_in("pe_few", ("414", "E00000002")), entrustment())
    many = here.directory.sign_in("pe_many", ("414", "E00000001"))
    given = entrust_use(here.desk, many, entrustment())
    refused("LICENCE_ENTRUSTMENTS_TOO_MANY", lambda: entrust_use(here.desk, many, entrustment(agent=ANOTHER)))
    end_entrustment(here.desk, many, given.id)
    second = entrust_use(here.desk, many, entrustment())
    refused("LICENCE_ENTRUSTMENTS_TOO_MANY", lambda: entrust_use(here.desk, many, entrustment(agent=ANOTHER)))
    over = here.later(days=1)  # until then the second one was good
    third = entrust_use(over, many, entrustment(until=AT + timedelta(days=2)))
    assert [each.id for each in listed(over, many)] == [third.id, *sorted((given.id, second.id))], "what stands, then the newest"


def test_without_an_audit_trail_no_code_is_used_up(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    granted = here.code(licence, me)
    with blocked():
        refused("AUDIT_UNAVAILABLE", lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY))
        refused("AUDIT_UNAVAILABLE", lambda: grant_by_duty(here.desk, OFFICE, duty(holder=ME)))
    assert redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY).record.id == licence.id


def test_a_purpose_and_an_officer_are_as_long_as_they_may_be_and_no_longer() -> None:
    assert check_purpose("由" * USE_REASON_CHARACTERS) == "由" * USE_REASON_CHARACTERS
    refused("FIELD_UNACCEPTABLE", lambda: check_purpose("由" * (USE_REASON_CHARACTERS + 1)))
    most = Officer(*["员" * OFFICER_CHARACTERS] * 3)
    check_officer(most)
    for part in ("name", "role", "division"):
        for bad in ("员" * (OFFICER_CHARACTERS + 1), " ", "a\u202eb"):
            refused("FIELD_UNACCEPTABLE", lambda part=part, bad=bad: check_officer(replace(most, **{part: bad})))  # type: ignore[misc]
