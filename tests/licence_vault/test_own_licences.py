"""What a holder sees: his licences, every use of them by anybody, and everything that is held on him; of others nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.consent_to_use import Consent, consent_to_use
from licence_vault.actions.copy_own_licence import copy_own_licence
from licence_vault.actions.entrust_use import EntrustmentOrder, end_entrustment, entrust_use
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.export_subject import export_own, export_subject
from licence_vault.actions.find_entrusted_licences import find_entrusted_licences
from licence_vault.actions.find_licence_uses import list_licence_uses
from licence_vault.actions.find_own_copies import list_own_copies, read_own_copy_file
from licence_vault.actions.find_own_licences import list_own_licences, list_own_uses, show_own_licence
from licence_vault.actions.finish_copy import CopyUse
from licence_vault.actions.grant_by_duty import DutyOrder, grant_by_duty
from licence_vault.actions.import_licences import import_licences
from licence_vault.actions.make_copy import CopyOrder, make_copy
from licence_vault.actions.redeem_use_code import redeem_use_code
from licence_vault.model import Holder
from licence_vault.row_files import RowForm
from licence_vault.uses import DONE, Officer, UseAction, UseMode
from service_kit.callers import human_in
from standards.errors import TrustError
from tests.audit_trail import blocked, find_entries
from tests.licence_vault.issuing_here import ISSUER, caller
from tests.licence_vault.using_here import SHARED, UsingHere
from tests.licence_vault.vault_here import AT
from tests.postgres import postgres_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller

WHY = "办理变更登记"
OFFICER = Officer("李四（示例）", "执法人员", "示例市监督所")
OFFICE, ADMIN = caller("cl_office"), caller("cl_admin")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("own") / "d") as using:
        yield using


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError, match=f"^{code}"):
        act()


def person(here: UsingHere, number: int, **acts_for: Any) -> tuple[Caller, Holder]:
    """Somebody whom no other test knows."""
    holder = Holder(f"示例{number}", f"E1000000{number}", "414")
    return here.directory.sign_in(f"pe_{number}", (holder.code_type, holder.code), **acts_for), holder


def test_a_holder_sees_his_licences_masked_page_by_page(here: UsingHere) -> None:
    me, holder = person(here, 1)
    assert list_own_licences(here.desk, me, before=None, limit=10) == []
    [looked] = list_own_uses(here.desk, me, before=None, limit=9, has_own=True)
    assert (looked.record.action, looked.record.licence_id) == (UseAction.QUERIED, None), (
        "that he looked is on record where there is nothing, too"
    )
    made = [here.issue(holder, fields={"KZ_address": "示例路1号", "KZ_class": "甲级"}) for _ in range(3)]
    here.step(made[0], "revoke")
    here.issue()  # of somebody else
    page = list_own_licences(here.desk, me, before=None, limit=2)
    rest = list_own_licences(here.desk, me, before=page[-1].record.id, limit=2)
    assert [each.record.id for each in (*page, *rest)] == sorted((each.id for each in made), reverse=True)  # at one moment as it comes
    assert {each.record.id: each.record.state for each in (*page, *rest)}[made[0].id] == "revoked"
    for each in (*page, *rest):
        assert each.data is not None
        assert (each.data.fields, each.data.holders[0].code) == ({"KZ_class": "甲级"}, "E****1")
    assert here.lines(made[2]) == [(UseAction.QUERIED, UseMode.OWN, "cl_portal", DONE)]


def test_a_holder_sees_one_of_his_licences_whole_and_nobody_else_does(here: UsingHere) -> None:
    me, holder = person(here, 2)
    friend, friends_code = person(here, 3)
    licence = here.issue(holder)
    entrust_use(
        here.desk, me, EntrustmentOrder((friends_code.code_type, friends_code.code), SHARED, here.later(days=2).context.clock.now(), WHY)
    )
    shown = show_own_licence(here.desk, me, licence.id)
    assert shown.data is not None
    assert shown.data.holders == (holder,)
    stranger, copy = person(here, 4)[0], CopyOrder(licence.id, "pdf", "示例窗口", WHY)
    for other in (friend, stranger):  # who may let others use it may not look into it
        refused("LICENCE_NOT_FOUND", lambda other=other: show_own_licence(here.desk, other, licence.id))  # type: ignore[misc]
        refused("LICENCE_NOT_FOUND", lambda other=other: copy_own_licence(here.issuing.means, here.desk, other, copy))  # type: ignore[misc]
    refused("LICENCE_NOT_FOUND", lambda: show_own_licence(here.desk, me, "lc_000000000000000000000000"))
    refused("LICENCE_HOLDER_UNKNOWN", lambda: show_own_licence(here.desk, OFFICE, licence.id))
    assert here.lines(licence) == [
        (UseAction.SHOWN, UseMode.OWN, "cl_portal", DONE),
        *[(UseAction.REFUSED, None, "cl_portal", "LICENCE_NOT_FOUND")] * 4,
    ]


def test_who_has_power_over_an_organisation_sees_what_it_holds(here: UsingHere) -> None:
    firm = Holder("示例有限公司", "12990000YX0000008K", "001")
    agent = person(here, 5, acts_for={(firm.code_type, firm.code): frozenset({"licence"})})[0]
    licence = here.issue(firm)
    assert show_own_licence(here.desk, agent, licence.id).record.id == licence.id
    assert [each.record.id for each in list_own_licences(here.desk, agent, before=None, limit=9)] == [licence.id]


FIRM = Holder("示例股份公司", "91150700MA0N000012", "001")
FIRM_CODE = (FIRM.code_type, FIRM.code)


def seen_at_first(here: UsingHere, who: Caller, licence: LicenceRecord) -> list[tuple[UseAction, UseMode | None, str]]:
    """What somebody finds of a licence without asking for his own looks, the oldest first."""
    found = list_own_uses(here.desk, who, before=None, limit=50, has_own=False, licence_id=licence.id)
    assert not any(each.is_own for each in found)
    return [(each.record.action, each.record.mode, human_in(each.record.actor)) for each in reversed(found)]


def look_at_all(here: UsingHere, who: Caller, licence: LicenceRecord) -> None:
    """Every way in which somebody looks at what is his."""
    list_own_licences(here.desk, who, before=None, limit=9)
    show_own_licence(here.desk, who, licence.id)
    made = copy_own_licence(here.issuing.means, here.desk, who, CopyOrder(licence.id, "pdf", "示例银行", WHY))
    list_own_copies(here.issuing.means, here.desk, who, licence.id, before=None, limit=9)
    read_own_copy_file(here.issuing.means, here.desk, who, licence.id, made.record.id)


LOOKS = [UseAction.QUERIED, UseAction.SHOWN, UseAction.COPIED, UseAction.QUERIED, UseAction.DOWNLOADED]


def test_what_an_agent_looks_at_stands_before_who_represents_the_organisation_and_its_authority(here: UsingHere) -> None:
    head = person(here, 20, acts_for={FIRM_CODE: None})[0]
    agent = person(here, 21, acts_for={FIRM_CODE: frozenset({"licence"})})[0]
    licence = here.issue(FIRM)
    look_at_all(here, replace(agent, client_id="cl_yinxin", subject="og_firm", acting="pe_21"), licence)  # signed in for the organisation
    by_agent = [(each, UseMode.ENTRUSTED, "person:pe_21") for each in LOOKS]
    assert seen_at_first(here, head, licence) == by_agent
    assert seen_at_first(here, agent, licence) == [], "they are his own looks, whichever way he came"
    authority = list_licence_uses(here.desk, here.issuing.clerk, licence.id, before=None, limit=9)
    assert [each.record.action for each in reversed(authority)] == LOOKS
    whole = list_own_uses(here.desk, agent, before=None, limit=9, has_own=True, licence_id=licence.id)
    assert [each.is_own for each in whole] == [True] * len(LOOKS)


def test_what_one_holder_looks_at_stands_before_the_other_and_not_before_the_authority(here: UsingHere) -> None:
    (one, first), (two, second) = person(here, 22), person(here, 23)
    licence = here.issue(first, second)
    look_at_all(here, two, licence)
    assert seen_at_first(here, one, licence) == [(each, UseMode.OWN, "person:pe_23") for each in LOOKS]
    assert seen_at_first(here, two, licence) == []
    assert list_licence_uses(here.desk, here.issuing.clerk, licence.id, before=None, limit=9) == []


def test_of_his_own_and_the_organisations_licences_each_look_stands_by_its_right(here: UsingHere) -> None:
    me, holder = person(here, 24, acts_for={FIRM_CODE: None})
    mine, ours = here.issue(holder), here.issue(FIRM)
    list_own_licences(here.desk, me, before=None, limit=50)
    assert [here.lines(each) for each in (mine, ours)] == [
        [(UseAction.QUERIED, mode, "cl_portal", DONE)] for mode in (UseMode.OWN, UseMode.ENTRUSTED)
    ]


def test_only_ones_own_looks_are_left_out_and_of_names_that_are_alike_each_is_his_own(here: UsingHere) -> None:
    (small, first), (great, second) = person(here, 25), person(here, 26)
    licence = here.issue(first, second)
    here.directory.people["pe_aB"], here.directory.people["pe_Ab"] = (here.directory.people[each] for each in ("pe_25", "pe_26"))
    small, great = (replace(each, subject=name, grant_id=f"gr_{name}") for each, name in ((small, "pe_aB"), (great, "pe_Ab")))
    show_own_licence(here.desk, great, licence.id)
    assert [each for each, *_ in seen_at_first(here, small, licence)] == [UseAction.SHOWN]
    here.code(licence, small)
    show_own_licence(here.desk, small, licence.id)
    left = list_own_uses(here.desk, small, before=None, limit=9, has_own=False, licence_id=licence.id)
    assert [(each.record.action, each.is_own) for each in left] == [(UseAction.CODE_GRANTED, True), (UseAction.SHOWN, False)]


def test_a_holder_sees_every_use_and_which_officer_it_was(here: UsingHere) -> None:
    me, holder = person(here, 6)
    licence = here.issue(holder)
    granted = here.code(licence, me)
    redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY)
    refused("USE_CODE_USED", lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY))
    grant_by_duty(here.desk, OFFICE, DutyOrder(SHARED, (holder.code_type, holder.code), WHY, OFFICER))
    show_own_licence(here.desk, me, licence.id)
    seen = list_own_uses(here.desk, me, before=None, limit=10, has_own=False)
    assert [(each.record.action, each.record.outcome, each.officer) for each in seen] == [
        (UseAction.CODE_GRANTED, DONE, OFFICER),
        (UseAction.REFUSED, "USE_CODE_USED", None),
        (UseAction.QUERIED, DONE, None),
        (UseAction.CODE_GRANTED, DONE, None),
    ]
    whole = list_own_uses(here.desk, me, before=None, limit=10, has_own=True)
    assert (whole[0].record.action, len(whole)) == (UseAction.SHOWN, 5)
    assert list_own_uses(here.desk, me, before=seen[1].record.id, limit=1, has_own=False) == [seen[2]]
    stranger = person(here, 7)[0]
    assert list_own_uses(here.desk, stranger, before=None, limit=10, has_own=True) == []
    with here.desk.context.database.read() as conn:
        assert [each.action for each in find_entries(conn, subject="account:pe_6", limit=10)] == ["licence-use.read"] * 3


def test_everything_that_is_held_on_a_person_is_exported_to_him(here: UsingHere) -> None:
    me, holder = person(here, 8)
    first, second = here.issue(holder), here.issue(holder)
    granted = here.code(first, me)
    redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY)
    consent_to_use(here.later(minutes=1), me, Consent(first.id, "cl_office", WHY))
    entrust_use(here.desk, me, EntrustmentOrder(("111", "110105194912310011"), SHARED, here.later(days=2).context.clock.now(), WHY))
    head = "证照编号,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address"
    rows = f"{head}\n旧字第8号,{holder.name},{holder.code},{holder.code_type},2020-01-01,2024-12-31,示例路1号"
    import_licences(here.issuing.means, here.issuing.clerk, BatchFile(SHARED, ISSUER, ("pdf",), RowForm.CSV, rows.encode()))
    order = CopyOrder(first.id, "pdf", "示例登记中心", WHY)
    make_copy(here.issuing.means, order, CopyUse("cl_clerk", "client:cl_clerk"))
    here.issue()  # of somebody else
    parts = list(export_own(here.desk, me))
    kinds = [each["kind"] for each in parts]
    assert kinds[:2] == ["licence", "licence"]
    assert (kinds.count("imported"), kinds.count("entrustment"), parts[-1]) == (1, 1, {"kind": "end", "complete": True})
    assert {each["id"] for each in parts[:2]} == {second.id, first.id}
    whole = next(each for each in parts if each.get("id") == first.id)
    assert (whole["data"]["holders"], whole["state"]) == ([{"name": holder.name, "code": holder.code, "code_type": "414"}], "issued")
    assert [each["event"] for each in whole["events"]] == ["made", "issued"]
    assert (whole["files"][0]["form"], len(whole["files"][0]["digest"])) == ("pdf", 64)
    assert [(each["purpose"], each["client"], each["used_at"] is None) for each in whole["consents"]] == [
        (WHY, "cl_office", True),
        (WHY, "cl_office", False),
    ], "the newest first"
    assert whole["credentials"] == []
    assert [(each["made_by"], each["reason"], each["state"], len(each["digest"])) for each in whole["copies"]] == [
        ("示例登记中心", WHY, "made", 64)
    ]
    imported = next(each for each in parts if each["kind"] == "imported")
    assert imported["cells"]["holder_code"] == holder.code
    assert (imported["marks"]["seal"], imported["marks"]["number"]) == ("absent", "absent")
    assert whole["transferred_from"] is None
    used = [(each["action"], each["mode"]) for each in parts if each["kind"] == "use" and each["licence"] == first.id]
    assert used == [
        ("downloaded", "own"),
        ("copied", None),
        ("code_granted", "consented"),
        ("queried", "consented"),
        ("code_granted", "consented"),
    ]


def test_what_was_entrusted_to_a_person_is_in_his_export_once_it_is_over_too(here: UsingHere) -> None:
    me = person(here, 11)[0]
    friend, friends_code = person(here, 12)
    agent = (friends_code.code_type, friends_code.code)
    until = here.later(days=2).context.clock.now()
    ended = entrust_use(here.desk, me, EntrustmentOrder(agent, SHARED, until, WHY))
    end_entrustment(here.desk, me, ended.id)
    standing = entrust_use(here.desk, me, EntrustmentOrder(agent, SHARED, until, WHY))
    shown = find_entrusted_licences(here.later(days=2, seconds=-1), friend, before=None, limit=50)
    assert [each.entrustment.id for each in shown] == [standing.id]
    assert find_entrusted_licences(here.later(days=2), friend, before=None, limit=50) == []
    desk = here.later(days=3)
    parts = [each for each in export_own(desk, friend) if each["kind"] == "received_entrustment"]
    assert {each["id"]: each["ended_at"] is None for each in parts} == {ended.id: False, standing.id: True}
    assert {tuple(sorted(each)) for each in parts} == {("ended_at", "given_at", "id", "kind", "reason", "type", "until")}, "not by whom"
    assert [each["id"] for each in parts] == [
        each["id"] for each in export_subject(desk, ADMIN, agent, reason="本人申请") if "until" in each
    ]
    assert {each["kind"] for each in export_own(desk, me)} == {"entrustment", "use", "end"}


def test_an_administrator_exports_with_a_reason_that_the_holder_sees(here: UsingHere) -> None:
    me, holder = person(here, 9)
    licence = here.issue(holder)
    pair = (holder.code_type, holder.code)
    assert next(export_subject(here.desk, ADMIN, pair, reason="本人申请"))["id"] == licence.id
    line = list_own_uses(here.desk, me, before=None, limit=1, has_own=False)[0].record
    assert (line.action, line.client, line.reason, line.mode) == (UseAction.DOWNLOADED, "cl_admin", "本人申请", None)
    refused("FIELD_UNACCEPTABLE", lambda: export_subject(here.desk, ADMIN, pair, reason=" "))
    nobody = ("414", "E99999999")
    parts = list(export_subject(here.desk, ADMIN, nobody, reason="本人申请"))
    assert [each["kind"] for each in parts] == ["use", "end"]  # the export itself
    with blocked():
        refused("AUDIT_UNAVAILABLE", lambda: export_subject(here.desk, ADMIN, pair, reason="本人申请"))


def test_a_draft_that_was_given_up_is_no_licence_of_his_and_is_exported(here: UsingHere) -> None:
    me, holder = person(here, 13)
    licence = here.issue(holder)
    here.give_up_next_version(licence)
    assert [each.record.id for each in list_own_licences(here.desk, me, before=None, limit=9)] == [licence.id]
    held = [each for each in export_own(here.desk, me) if each["kind"] == "licence"]
    assert {(each["id"] == licence.id, each["state"], len(each["files"])) for each in held} == {
        (True, "issued", 1),
        (False, "cancelled", 0),
    }


def test_an_export_is_the_same_on_postgresql(tmp_path: Path) -> None:
    with UsingHere.made(tmp_path / "d", database_url=postgres_url()) as there:
        test_what_was_entrusted_to_a_person_is_in_his_export_once_it_is_over_too(there)
        test_a_draft_that_was_given_up_is_no_licence_of_his_and_is_exported(there)
        test_what_an_agent_looks_at_stands_before_who_represents_the_organisation_and_its_authority(there)
        test_only_ones_own_looks_are_left_out_and_of_names_that_are_alike_each_is_his_own(there)


def test_an_export_says_where_it_stops(here: UsingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    me, holder = person(here, 0)
    made = [here.issue(holder) for _ in range(3)]
    monkeypatch.setattr("licence_vault.actions.export_subject.EXPORT_LICENCES", 1)
    parts = list(export_own(here.desk, me))
    assert [each["id"] for each in parts if each["kind"] == "licence"] == sorted(
        (each.id for each in made), reverse=True
    )  # at one moment as it comes
    assert parts[-1]["complete"] is True
    monkeypatch.setattr("licence_vault.actions.export_subject.EXPORT_LINES", 2)
    assert [each["kind"] for each in export_own(here.desk, me)] == ["licence", "licence", "end"]
    assert list(export_own(here.desk, me))[-1]["complete"] is False


def test_of_what_was_erased_the_uses_remain_and_nothing_else(here: UsingHere) -> None:
    me, holder = person(here, 10)
    licence = here.issue(holder)
    show_own_licence(here.desk, me, licence.id)
    here.step(licence, "revoke")
    erase_licence(here.desk.context, here.issuing.clerk, licence.id, reason="x", if_revision=None)
    assert list_own_licences(here.desk, me, before=None, limit=9) == []
    refused("LICENCE_NOT_FOUND", lambda: show_own_licence(here.desk, me, licence.id))
    assert {each["kind"] for each in export_own(here.desk, me)} == {"use", "end"}
    with here.desk.context.database.read() as conn:
        assert store.list_holder_digests(conn, licence.id) == []


def test_who_came_for_an_organisation_exports_nothing_of_himself(here: UsingHere) -> None:
    agent = here.directory.sign_in("pe_firm", acts_for={("001", "12990000YX0000008K"): None})
    refused("LICENCE_HOLDER_UNKNOWN", lambda: export_own(here.desk, agent))
    refused("LICENCE_HOLDER_UNKNOWN", lambda: export_own(here.desk, OFFICE))
    assert here.desk.context.clock.now() == AT
