"""What systems of other departments are told of licences: little without a code or a duty, nothing without a permission, and all of it on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions import find_licences
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.find_own_licences import show_own_licence
from licence_vault.actions.issue_licence import issue_licence
from licence_vault.actions.list_shared_types import find_shared_type, list_shared_types
from licence_vault.actions.permit_sharing import withdraw_sharing
from licence_vault.actions.query_shared import ShareCall, query_by_code, query_by_identifier, query_of_holder
from licence_vault.actions.verify_shared import StatedLicence, verify_shared_file, verify_stated
from licence_vault.faces.qr import claims_of, write_qr
from licence_vault.model import Holder, LicenceState, step_named
from licence_vault.status.tokens import SM2_KEY
from licence_vault.uses import DONE, Officer, ShareRight, UseAction, UseMode
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.fakes.sealer import FakeJudge
from tests.licence_vault.issuing_here import ISSUER_NAME, OTHER_ISSUER, caller
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file
from tests.licence_vault.using_here import ME, SHARED, UsingHere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.model import LicenceData
    from licence_vault.register import LicenceRecord

WHY = "办理变更登记"
OFFICER = Officer("李四（示例）", "执法人员", "示例市监督所")
CALL = ShareCall(caller("cl_office"), WHY)
FIELDS = {"KZ_address": "示例路1号", "KZ_class": "甲级"}
NEIGHBOUR = Holder("王五（示例）", "110105194912310011", "111")
TRAVELLER = Holder("赵六（示例）", "E20000001", "414")  # of one test alone
WAITING = Holder("钱七（示例）", "E20000002", "414")
JUDGE = FakeJudge(ISSUER_NAME)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("shared") / "d") as using:
        using.permit("cl_polite", modes=frozenset({UseMode.CONSENTED}))
        using.permit("cl_verifier", rights=frozenset({ShareRight.VERIFY}))
        using.permit("cl_reader", rights=frozenset({ShareRight.QUERY}))
        yield using


@pytest.fixture(scope="module")
def me(here: UsingHere) -> Caller:
    return here.directory.sign_in("pe_me", ME)


@pytest.fixture(scope="module")
def licence(here: UsingHere) -> LicenceRecord:
    return here.issue(fields=FIELDS)


def said(here: UsingHere, record: LicenceRecord) -> LicenceData:
    view = find_licences.find_licence(here.desk.context, here.desk.contents, here.issuing.clerk, record.id)
    assert view.data is not None
    return view.data


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError, match=f"^{code}"):
        act()


def last(here: UsingHere, record: LicenceRecord) -> tuple[UseAction, UseMode | None, str, str]:
    return here.lines(record)[-1]


def test_without_a_code_or_a_duty_the_answer_is_masked(here: UsingHere, licence: LicenceRecord) -> None:
    found = query_by_identifier(here.desk, CALL, licence.identifier)
    assert (found.record.id, found.is_whole, found.data.fields) == (licence.id, False, {"KZ_class": "甲级"})
    assert found.data.holders == (Holder("张****", "1****X", "111"),)
    assert last(here, licence) == (UseAction.QUERIED, None, "cl_office", DONE)


def test_an_officer_is_told_the_whole_by_duty(here: UsingHere, licence: LicenceRecord) -> None:
    by_duty = replace(CALL, officer=OFFICER)
    assert query_by_identifier(here.desk, by_duty, licence.identifier).data == said(here, licence)
    assert last(here, licence) == (UseAction.QUERIED, UseMode.BY_DUTY, "cl_office", DONE)
    found = query_of_holder(here.desk, by_duty, SHARED, ME, None)
    assert {each.is_whole for each in found} == {True}
    polite = replace(by_duty, caller=caller("cl_polite"))
    refused("LICENCE_SHARING_DENIED", lambda: query_by_identifier(here.desk, polite, licence.identifier))
    assert last(here, licence) == (UseAction.REFUSED, UseMode.BY_DUTY, "cl_polite", "LICENCE_SHARING_DENIED")
    refused(
        "FIELD_UNACCEPTABLE", lambda: query_by_identifier(here.desk, replace(CALL, officer=replace(OFFICER, role=" ")), licence.identifier)
    )


def test_a_use_code_opens_its_own_licence_alone_and_once(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    other = here.issue()
    granted = here.code(licence, me)
    with_code = replace(CALL, use_code=granted.code)
    refused("SHARE_NO_MATCH", lambda: query_by_identifier(here.desk, with_code, other.identifier))
    refused("USE_CODE_PURPOSE_DIFFERS", lambda: query_by_identifier(here.desk, replace(with_code, reason="其他"), licence.identifier))
    thief = replace(with_code, caller=caller("cl_reader"))
    refused("USE_CODE_UNKNOWN", lambda: query_by_identifier(here.desk, thief, licence.identifier))
    refused("USE_CODE_UNKNOWN", lambda: query_by_code(here.desk, thief, granted.code))
    assert query_by_identifier(here.desk, with_code, licence.identifier).data == said(here, licence)
    refused("USE_CODE_USED", lambda: query_by_identifier(here.desk, with_code, licence.identifier))
    refused("USE_CODE_USED", lambda: query_by_code(here.desk, CALL, granted.code))
    fresh = here.code(licence, me)
    assert query_by_code(here.desk, CALL, fresh.code).data == said(here, licence)
    assert last(here, licence) == (UseAction.QUERIED, UseMode.CONSENTED, "cl_office", DONE)


def test_the_printed_code_leads_to_a_masked_answer(here: UsingHere, licence: LicenceRecord) -> None:
    claims = claims_of(said(here, licence), log_index=1, commitment=licence.commitment)
    page = here.desk.context.settings.base_url + "/verify"
    text = write_qr(claims, page=page, signer=here.desk.context.keystore.signer(SM2_KEY))
    found = query_by_code(here.desk, CALL, text)
    assert (found.record.id, found.is_whole) == (licence.id, False)
    for forged in (text[:-1] + ("0" if text[-1] != "0" else "1"), "", "yxu", "https://else.example/x#" + "A" * 50):
        refused("SHARE_NO_MATCH", lambda forged=forged: query_by_code(here.desk, CALL, forged))  # type: ignore[misc]


def test_of_a_holder_only_what_is_his_in_force_and_of_the_type_is_told(here: UsingHere) -> None:
    mine = here.issue(TRAVELLER)
    second, suspended = here.issue(TRAVELLER), here.issue(TRAVELLER)
    here.step(suspended, "suspend")
    here.issue(TRAVELLER, valid_from=date(2026, 12, 1))
    here.issuing.issue(holders=(TRAVELLER,))  # of another type
    holder = ("414", TRAVELLER.code)
    found = query_of_holder(here.desk, CALL, SHARED, holder, None)
    assert {each.record.id for each in found} == {second.id, mine.id}
    assert {each.is_whole for each in found} == {False}
    for each in (mine, second):
        assert last(here, each) == (UseAction.QUERIED, None, "cl_office", DONE)
    number = said(here, mine).number
    assert [each.record.id for each in query_of_holder(here.desk, CALL, SHARED, holder, number)] == [mine.id]
    refused("LICENCE_OF_HOLDER_NOT_FOUND", lambda: query_of_holder(here.desk, CALL, SHARED, holder, "示字〔2026〕第999999号"))
    refused("LICENCE_OF_HOLDER_NOT_FOUND", lambda: query_of_holder(here.desk, CALL, SHARED, ("511", TRAVELLER.code), None))
    refused("LICENCE_SHARING_DENIED", lambda: query_of_holder(here.desk, CALL, TYPE, holder, None))


def test_what_is_not_permitted_or_not_there_is_not_told_and_seen_by_the_holder(here: UsingHere) -> None:
    licence = here.issue()
    person = Caller("cl_office", "pe_clerk", frozenset(), grant_id="gr_1")
    for by in (caller("cl_verifier"), caller("cl_nobody"), person):
        refused("LICENCE_SHARING_DENIED", lambda by=by: query_by_identifier(here.desk, replace(CALL, caller=by), licence.identifier))  # type: ignore[misc]
        assert last(here, licence) == (UseAction.REFUSED, None, by.client_id, "LICENCE_SHARING_DENIED")
    refused("SHARE_NO_MATCH", lambda: query_by_identifier(here.desk, CALL, licence.identifier[:-1] + "?"))
    for call in (replace(CALL, reason=reason) for reason in ("", " ", "x" * 201)):
        refused("FIELD_UNACCEPTABLE", lambda call=call: query_by_identifier(here.desk, call, licence.identifier))  # type: ignore[misc]
    here.step(licence, "suspend")
    with pytest.raises(TrustError, match="LICENCE_NOT_IN_FORCE") as caught:
        query_by_identifier(here.desk, CALL, licence.identifier)
    assert caught.value.facts["share"] == 23
    assert last(here, licence)[3] == "LICENCE_NOT_IN_FORCE"


def test_a_draft_is_nothing_yet(here: UsingHere) -> None:
    licence = here.issue()
    with here.desk.context.database.read() as conn:
        assert store.load_licence_of_identifier(conn, licence.identifier) is not None
    here.desk.context.database.write(
        lambda conn: conn.exec_driver_sql("UPDATE licence_licences SET state = 'draft' WHERE id = ?", (licence.id,))
    )
    refused("SHARE_NO_MATCH", lambda: query_by_identifier(here.desk, CALL, licence.identifier))


def test_what_was_never_released_is_told_to_nobody_as_a_cancelled_licence(here: UsingHere) -> None:
    """A draft that was given up is in that state; nobody ever had it."""
    mine = Holder("孙八（示例）", "E20000003", "414")
    licence = here.issue(mine)
    here.give_up_next_version(licence)
    wish = find_licences.LicenceWish(holder=("414", mine.code))
    given_up, *_ = find_licences.list_licences(
        here.desk.context, here.desk.contents, here.issuing.clerk, replace(wish, state=LicenceState.CANCELLED), after="", limit=9
    )
    assert given_up.is_abandoned
    refused("SHARE_NO_MATCH", lambda: query_by_identifier(here.desk, CALL, given_up.identifier))
    holder = here.directory.sign_in("pe_sun", ("414", mine.code))
    assert show_own_licence(here.desk, holder, licence.id).record.id == licence.id
    refused("LICENCE_NOT_FOUND", lambda: show_own_licence(here.desk, holder, given_up.id))


def stated(here: UsingHere, record: LicenceRecord, **changes: Any) -> StatedLicence:
    data = said(here, record)
    holder = data.holders[0]
    return replace(StatedLicence(SHARED, holder.code_type, holder.code, holder.name, data.number), **changes)


def test_what_somebody_says_is_right_or_wrong_and_no_more_is_said(here: UsingHere, licence: LicenceRecord) -> None:
    verifier = caller("cl_verifier")
    neighbours = here.issue(NEIGHBOUR)
    for changes, result in (
        ({}, "valid"),
        ({"holder_name": "张四（示例）"}, "differs"),
        ({"number": "示字〔2026〕第999999号"}, "differs"),
        ({"number": said(here, neighbours).number}, "differs"),
        ({"holder_code": "110105194912310038"}, "not_found"),
        ({"holder_code_type": "414"}, "not_found"),
    ):
        assert verify_stated(here.desk, verifier, stated(here, licence, **changes), reason=WHY) == result
    assert (UseAction.VERIFIED, None, "cl_verifier", DONE) in here.lines(licence)
    for by, type_code in ((caller("cl_reader"), SHARED), (caller("cl_nobody"), SHARED), (verifier, TYPE)):
        asked = stated(here, licence, type_code=type_code)
        refused("LICENCE_SHARING_DENIED", lambda by=by, asked=asked: verify_stated(here.desk, by, asked, reason=WHY))  # type: ignore[misc]
    coming = here.issue(valid_from=date(2026, 12, 1))
    assert verify_stated(here.desk, verifier, stated(here, coming), reason=WHY) == "not_yet"
    past = here.issue(issued_on=date(2025, 11, 27), valid_from=date(2025, 11, 27), valid_to=date(2026, 11, 26))
    assert verify_stated(here.desk, verifier, stated(here, past), reason=WHY) == "ended"
    for step, result in (("suspend", "restricted"), ("revoke", "ended")):
        here.step(coming, step)
        assert verify_stated(here.desk, verifier, stated(here, coming), reason=WHY) == result


def test_a_licence_is_in_force_though_the_draft_of_its_next_version_was_given_up(here: UsingHere) -> None:
    licence = here.issue(WAITING)
    here.give_up_next_version(licence)
    assert verify_stated(here.desk, caller("cl_verifier"), stated(here, licence), reason=WHY) == "valid"


def test_of_licences_of_one_printed_number_the_one_in_force_counts(here: UsingHere) -> None:
    mine = f"{AUTHORITY}996"
    here.issuing.publish(type_file(code=mine, numbering="", sharing={"modes": ["duty"], "shown_masked": []}))
    here.permit("cl_verifier", type_code=mine, modes=frozenset({UseMode.BY_DUTY}), rights=frozenset({ShareRight.VERIFY}))
    licence = here.issuing.issue(type_code=mine, number="2026-1")
    asked = stated(here, licence, type_code=mine)
    order = here.issuing.order(type_code=mine, number="2026-1", issuer_code=OTHER_ISSUER)
    with here.a_second_later():
        elsewhere = issue_licence(here.issuing.means, here.issuing.stranger, order)
    here.issuing.take_in()
    change_licence_state(here.desk.context, here.issuing.stranger, elsewhere.id, step_named("revoke"), reason="x", if_revision=None)
    assert verify_stated(here.desk, caller("cl_verifier"), asked, reason=WHY) == "valid"
    here.step(licence, "suspend")
    assert verify_stated(here.desk, caller("cl_verifier"), asked, reason=WHY) == "ended", "the newest, where none is in force"


def test_a_file_is_right_or_wrong_by_itself_and_by_what_became_of_the_licence(here: UsingHere, licence: LicenceRecord) -> None:
    def ask(content: bytes, judge: FakeJudge = JUDGE, by: str = "cl_verifier", type_code: str = SHARED) -> str:
        return verify_shared_file(here.desk, judge, caller(by), type_code, content, reason=WHY)

    def file_of(record: LicenceRecord) -> bytes:
        return find_licences.read_licence_file(here.desk.context, here.desk.contents, here.issuing.clerk, record.id, "pdf")

    content = file_of(licence)
    assert ask(content) == "valid"
    assert last(here, licence) == (UseAction.VERIFIED, None, "cl_verifier", DONE)
    here.permit("cl_verifier2", rights=frozenset({ShareRight.VERIFY}))
    assert (ask(content[:-1] + b"?"), ask(b"%PDF-1.7 nothing"), ask(b"")) == ("not_found", "not_found", "not_found")
    told = (UseAction.VERIFIED, None, "cl_verifier", DONE)
    for judge, result in ((FakeJudge("另一机构"), "differs"), (FakeJudge(None), "unknown")):
        before = here.lines(licence)
        assert ask(content, judge) == result
        assert here.lines(licence) == [*before, told], "every answer on it is a line that its holder sees"
    for by, type_code in (("cl_reader", SHARED), ("cl_nobody", SHARED), ("cl_verifier", TYPE)):
        refused("LICENCE_SHARING_DENIED", lambda by=by, type_code=type_code: ask(content, by=by, type_code=type_code))  # type: ignore[misc]
    ended = here.issue()
    content = file_of(ended)
    here.step(ended, "suspend")
    assert ask(content) == "restricted"
    here.step(ended, "revoke")
    assert ask(content) == "ended"


def test_who_names_a_licence_in_a_file_of_his_own_tells_its_holders_nothing(here: UsingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = here.issue(), here.issue()
    files = find_licences.read_licence_file(here.desk.context, here.desk.contents, here.issuing.clerk, other.id, "pdf")
    monkeypatch.setattr(store, "load_licence_of_identifier", lambda conn, _: store.load_licence(conn, named.id))
    before = here.lines(named)
    verify_shared_file(here.desk, FakeJudge("另一机构"), caller("cl_verifier"), SHARED, files, reason=WHY)
    assert here.lines(named) == before


def test_a_file_of_another_type_than_was_asked_for_is_not_found(here: UsingHere) -> None:
    another = f"{AUTHORITY}994"
    here.issuing.publish(type_file(code=another, sharing={"modes": ["duty"], "shown_masked": []}))
    here.permit("cl_verifier", type_code=another, modes=frozenset({UseMode.BY_DUTY}), rights=frozenset({ShareRight.VERIFY}))
    record = here.issue()
    content = find_licences.read_licence_file(here.desk.context, here.desk.contents, here.issuing.clerk, record.id, "pdf")
    assert verify_shared_file(here.desk, JUDGE, caller("cl_verifier"), another, content, reason=WHY) == "not_found"


def test_a_system_sees_the_types_it_may_use(here: UsingHere) -> None:
    mine = f"{AUTHORITY}995"
    here.issuing.publish(type_file(code=mine, sharing={"modes": ["duty"], "shown_masked": []}))
    lister = caller("cl_lister")
    for type_code in (SHARED, mine):
        here.permit("cl_lister", type_code=type_code, modes=frozenset({UseMode.BY_DUTY}))
    found = list_shared_types(here.desk, lister, reason=WHY)
    assert [(definition.code, modes) for definition, _, modes in found] == [
        (SHARED, frozenset({UseMode.BY_DUTY})),
        (mine, frozenset({UseMode.BY_DUTY})),
    ]
    assert find_shared_type(here.desk, lister, mine, reason=WHY).code == mine
    here.issuing.publish(type_file(code=mine, sharing={"modes": [], "shown_masked": []}))
    assert [definition.code for definition, _, _ in list_shared_types(here.desk, lister, reason=WHY)] == [SHARED]
    withdraw_sharing(here.desk.context, caller("cl_admin"), "cl_lister", mine)
    refused("LICENCE_SHARING_DENIED", lambda: find_shared_type(here.desk, lister, mine, reason=WHY))
    refused("FIELD_UNACCEPTABLE", lambda: list_shared_types(here.desk, lister, reason=""))
