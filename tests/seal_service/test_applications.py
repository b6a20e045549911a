"""From the application to the destruction, by different people: nobody does two halves of one act, and everything is on record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from crypto.report import Verdict
from seal_service import store
from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.expire_seals import expire_seals
from seal_service.actions.file_seal import file_seal, tell_state
from seal_service.actions.find_applications import find_application, hand_in_paper, list_applications, load_paper
from seal_service.actions.find_seals import find_seal, list_editions, list_seals, list_timeline
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_making import FILING_TOPIC
from seal_service.actions.review_application import review_application
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import APPLICATION_LIFE, Application, ApplicationKind, ApplicationState, Power, Seal, SealState, transition_named
from seal_service.ports import REGIONAL_PLATFORM, STATE_LISTENERS, StateChange
from seal_service.seal_data.seal_file import verify_esl
from service_kit.callers import Caller
from service_kit.outbox import Message
from service_kit.settings import Seals, Settings
from standards.errors import Kind, TrustError
from standards.gbt38540_seal.read import read_seal
from standards.gbt38540_seal.values import MONGOLIAN_NAME, ROMANISED_NAME
from tests.clocks import FixedClock
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, answer_lost


def person(name: str, *scopes: str) -> Caller:
    return Caller("cl_console", name, frozenset(scopes))


APPLICANT = person("applicant", "seal.apply", "seal.read")
REVIEWER = person("reviewer", "seal.review", "seal.read")
MAKER = person("maker", "seal.make", "seal.read")
MANAGER = person("manager", "seal.manage", "seal.apply", "seal.read")
SECOND = person("second-manager", "seal.manage", "seal.read")
USER = person("user", "seal.use", "seal.read")
ORDER = ApplicationOrder(
    ApplicationKind.NEW,
    "机构设立",
    organisation=ORGANISATION,
    credit_code=CREDIT_CODE,
    managers=("person:manager", "person:second-manager"),
    users=("person:user",),
    auditors=("person:auditor",),
)
STEPS = {step.name: step for step in APPLICATION_LIFE}


def deliver(house: House) -> None:
    """What the outbox does in its thread."""
    context = house.context
    context.outbox.add_handlers(
        {FILING_TOPIC: lambda message: file_seal(context, message), "seal.state-changed": lambda m: tell_state(context, m)}
    )
    while context.outbox.run_once():
        pass


def approved(house: House, order: ApplicationOrder = ORDER, caller: Caller = APPLICANT) -> Application:
    made = apply_for_seal(house.context, caller, order)
    return review_application(house.context, REVIEWER, made.id, STEPS["approve"], reason="材料齐全")


def take(house: House, caller: Caller, seal: Seal, name: str, reason: str = "x") -> Seal:
    return change_seal_state(house.context, caller, seal.id, transition_named(name), reason=reason)


def activated(house: House, order: ApplicationOrder = ORDER) -> Seal:
    seal = make_approved_seal(house.context, MAKER, approved(house, order).id)
    deliver(house)
    take(house, MAKER, seal, "issue", "")
    return take(house, USER, seal, "activate", "")


def code_of(act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(TrustError) as refused:
        act(*arguments, **named)
    return refused.value.code


def test_one_human_is_no_second_person_to_himself_by_any_name(house: House) -> None:
    """He applies as himself and decides for his organisation, or comes by another portal: the history knows the human."""
    scopes = frozenset({"seal.apply", "seal.review", "seal.make"})
    himself, colleague = Caller("cl_console", "pe_x", scopes), Caller("cl_console", "pe_z", scopes)
    for_firm = Caller("cl_console", "or_y", scopes, acting="pe_x")
    by_portal = Caller("cl_portal", "pw_1", scopes, known_as="pe_x")
    for one, other in ((himself, for_firm), (for_firm, himself), (himself, by_portal), (by_portal, for_firm)):
        made = apply_for_seal(house.context, one, ORDER)
        assert code_of(review_application, house.context, other, made.id, STEPS["approve"], reason="x") == "SECOND_PERSON_NEEDED"
        review_application(house.context, colleague, made.id, STEPS["approve"], reason="x")
        assert code_of(make_approved_seal, house.context, other, made.id) == "SECOND_PERSON_NEEDED"
    assert ("client:cl_portal for pw_1 by pe_x", "person:pe_x") in house.rows("SELECT actor, human FROM seal_history WHERE act = 'apply'")


def test_an_approved_making_whose_commit_is_answered_with_a_lost_connection_keeps_its_certificate(house: House) -> None:
    application = approved(house)
    with answer_lost(house, Seal):
        make_approved_seal(house.context, MAKER, application.id)
    assert make_approved_seal(house.context, MAKER, application.id).state is SealState.MADE
    assert house.issuer.revoked == []


def test_a_seal_comes_to_be_by_four_people(house: House) -> None:
    paper = hand_in_paper(house.context, APPLICANT, "成立批文.pdf", b"%PDF-1.7 paper")
    made = apply_for_seal(
        house.context,
        APPLICANT,
        replace(ORDER, papers=(paper.id,), name_mongolian="ᠬᠥᠯᠦᠨ ᠪᠤᠶᠢᠷ", name_romanised="Hulunbuir"),
        idempotency_key="k",
    )
    assert made.state is ApplicationState.APPLIED
    assert find_application(house.context, REVIEWER, made.id)[1] == [paper]
    assert load_paper(house.context, REVIEWER, paper.id)[1] == b"%PDF-1.7 paper"
    reviewed = review_application(house.context, REVIEWER, made.id, STEPS["approve"], reason="材料齐全", if_version=1)
    assert (reviewed.state, reviewed.reviewed_by) == (ApplicationState.REVIEWED, "person:reviewer")

    seal = make_approved_seal(house.context, MAKER, made.id)
    assert (seal.state, seal.code, seal.edition, seal.are_powers_separated) == (SealState.MADE, "15070000000001", 1, True)
    assert make_approved_seal(house.context, MAKER, made.id).id == seal.id  # asked again: the same seal
    read = read_seal(seal.seal_data_der or b"")
    assert {each.oid: each.critical for each in read.extensions}[MONGOLIAN_NAME]
    assert not {each.oid: each.critical for each in read.extensions}[ROMANISED_NAME]
    assert verify_esl(seal.seal_data_der or b"", house.pki.trust_list(), house.context.clock.now()).verdict is Verdict.VALID

    assert code_of(take, house, MAKER, seal, "issue") == "SEAL_STATE_CONFLICT"  # not on file yet
    deliver(house)
    filed, granted = find_seal(house.context, MANAGER, seal.id)
    assert (filed.state, filed.filing, granted) == (SealState.FILED, "not-configured", ["person:user"])
    take(house, MAKER, seal, "issue", "")
    assert code_of(take, house, MANAGER, seal, "activate") == "SEAL_NOT_FOUND"
    active = take(house, USER, seal, "activate", "")
    assert active.state is SealState.ACTIVE

    acts = list_timeline(house.context, MANAGER, seal.id, after=0, limit=100)
    assert [act.act for act in acts] == ["apply", "approve", "make", "finish-making", "file", "issue", "activate"]
    assert acts[0].papers == (("成立批文.pdf", paper.digest),)
    assert [act.second_to for act in acts if act.second_to] == ["person:applicant", "person:maker"]
    assert all(act.audit_id for act in acts)
    assert list_timeline(house.context, MANAGER, seal.id, after=acts[4].position, limit=1)[0].act == "issue"
    assert code_of(list_timeline, house.context, USER, seal.id, after=0, limit=1) == "SEAL_NOT_FOUND"
    assert [each.id for each in list_seals(house.context, MAKER, after="", limit=9, is_all=True)] == [seal.id]
    assert code_of(list_seals, house.context, USER, after="", limit=9, is_all=True) == "SCOPE_MISSING"


def test_nobody_reviews_or_makes_what_he_applied_for(house: House) -> None:
    everything = person("applicant", "seal.apply", "seal.review", "seal.make")
    made = apply_for_seal(house.context, everything, ORDER)
    for name in ("approve", "reject"):
        assert code_of(review_application, house.context, everything, made.id, STEPS[name], reason="x") == "SECOND_PERSON_NEEDED"
    with pytest.raises(IntegrityError):
        house.sql("UPDATE seal_applications SET reviewed_by = applied_by")
    review_application(house.context, REVIEWER, made.id, STEPS["approve"], reason="x")
    assert code_of(make_approved_seal, house.context, everything, made.id) == "SECOND_PERSON_NEEDED"


def test_sixteen_reviews_at_once_give_one_decision_and_never_by_the_applicant(house: House) -> None:
    made = apply_for_seal(house.context, APPLICANT, ORDER)
    both = [Caller("cl_console", name, frozenset({"seal.review"})) for name in ("applicant", "r1", "r2", "r3")] * 4

    def review(number: int) -> str:
        try:
            step = STEPS["approve" if number % 2 else "reject"]
            return str(review_application(house.context, both[number], made.id, step, reason="x").reviewed_by)
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(review, range(16)))
    decided = [answer for answer in answers if answer.startswith("person:")]
    assert len(decided) == 1
    assert decided[0] != "person:applicant"
    assert set(answers) - set(decided) <= {"APPLICATION_STATE_CONFLICT", "SECOND_PERSON_NEEDED"}


def test_an_approved_application_is_made_once_however_many_make_it(house: House) -> None:
    application = approved(house)

    def make(_: int) -> str:
        try:
            return make_approved_seal(house.context, MAKER, application.id).id
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(make, range(8)))
    assert house.rows("SELECT count(*) FROM seal_seals") == [(1,)]
    assert len(answers - {"SEAL_MAKING_UNDER_WAY"}) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"credit_code": "11150700MB1234562R"}, "CREDIT_CODE_CHECK"),
        ({"reason": " "}, "FIELD_UNACCEPTABLE"),
        ({"name": "a\u202eb"}, "FIELD_UNACCEPTABLE"),
        ({"managers": ()}, "FIELD_UNACCEPTABLE"),
        ({"users": ()}, "FIELD_UNACCEPTABLE"),
        ({"users": ("person:manager",)}, "SEAL_POWER_HELD"),
        ({"auditors": ("person:user",)}, "SEAL_POWER_HELD"),
        ({"users": ("a b",)}, "FIELD_UNACCEPTABLE"),
        ({"seal_id": "sl_x"}, "FIELD_UNACCEPTABLE"),
        ({"papers": ("sp_000000000000000000000000",)}, "PAPER_UNKNOWN"),
        ({"kind": ApplicationKind.RENEW}, "FIELD_UNACCEPTABLE"),
        ({"kind": ApplicationKind.RENEW, "seal_id": "sl_x"}, "SEAL_NOT_FOUND"),
        ({"organisation": "\U0001f600"}, "SEAL_GLYPH_MISSING"),
        ({"design_json": '{"shape": "none"}'}, "SEAL_DESIGN_MALFORMED"),
    ],
)
def test_what_cannot_be_made_cannot_be_applied_for(house: House, changes: dict[str, Any], code: str) -> None:
    assert code_of(apply_for_seal, house.context, APPLICANT, replace(ORDER, **changes)) == code
    assert house.rows("SELECT count(*) FROM seal_applications") == [(0,)]


def test_applications_are_known_to_the_applicant_and_to_who_works_on_them(house: House) -> None:
    made = apply_for_seal(house.context, APPLICANT, ORDER, idempotency_key="k")
    assert apply_for_seal(house.context, APPLICANT, ORDER, idempotency_key="k").id == made.id
    assert [each.id for each in list_applications(house.context, APPLICANT, after="", limit=9)] == [made.id]
    assert [each.id for each in list_applications(house.context, REVIEWER, after="", limit=9, search=ORGANISATION[:4])] == [made.id]
    assert list_applications(house.context, REVIEWER, after="", limit=9, state=ApplicationState.REJECTED) == []
    assert list_applications(house.context, MANAGER, after="", limit=9) == []
    assert code_of(find_application, house.context, MANAGER, made.id) == "APPLICATION_NOT_FOUND"
    assert code_of(review_application, house.context, MANAGER, made.id, STEPS["withdraw"], reason="x") == "APPLICATION_NOT_FOUND"
    assert code_of(review_application, house.context, REVIEWER, made.id, STEPS["reject"], reason="x", if_version=7) == "APPLICATION_CHANGED"
    assert review_application(house.context, APPLICANT, made.id, STEPS["withdraw"], reason="x").state is ApplicationState.WITHDRAWN
    assert code_of(make_approved_seal, house.context, MAKER, made.id) == "APPLICATION_STATE_CONFLICT"
    assert code_of(make_approved_seal, house.context, MAKER, "sa_none") == "APPLICATION_NOT_FOUND"
    paper = hand_in_paper(house.context, APPLICANT, "a", b"x")
    assert code_of(load_paper, house.context, MANAGER, paper.id) == "PAPER_NOT_FOUND"
    for name in ("", "a\nb"):
        assert code_of(hand_in_paper, house.context, APPLICANT, name, b"x") == "FIELD_UNACCEPTABLE"


def test_the_same_paper_twice_with_one_key_is_one_paper(house: House) -> None:
    first = hand_in_paper(house.context, APPLICANT, "批文", b"x", idempotency_key="k")
    assert hand_in_paper(house.context, APPLICANT, "批文", b"x", idempotency_key="k") == first
    assert hand_in_paper(house.context, MANAGER, "批文", b"x", idempotency_key="k") != first, "a key is its caller's"
    for name, content in (("批文", b"y"), ("批文二", b"x")):
        with pytest.raises(TrustError) as refused:
            hand_in_paper(house.context, APPLICANT, name, content, idempotency_key="k")
        assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert house.rows("SELECT count(*) FROM seal_papers") == [(2,)]


def test_a_making_that_fails_can_be_begun_again(house: House) -> None:
    application = approved(house)
    house.issuer.fail_with = TrustError(Kind.UNAVAILABLE, "CA_UNAVAILABLE")
    assert code_of(make_approved_seal, house.context, MAKER, application.id) == "CA_UNAVAILABLE"
    assert house.rows("SELECT state FROM seal_seals") == [("abandoned",)]
    house.issuer.fail_with = None
    seal = make_approved_seal(house.context, MAKER, application.id)
    assert (seal.state, seal.code) == (SealState.MADE, "15070000000002")
    sweep_intents(house.context)
    assert [key.key_id for key in house.context.keystore.list()] == [seal.key_id]


def test_a_renewed_seal_has_the_same_code_and_another_key(house: House) -> None:
    seal = activated(house)
    application = approved(house, ApplicationOrder(ApplicationKind.RENEW, "到期换证", seal_id=seal.id), MANAGER)
    assert (
        code_of(apply_for_seal, house.context, MANAGER, ApplicationOrder(ApplicationKind.CANCEL, "x", seal_id=seal.id))
        == "APPLICATION_OPEN"
    )
    again = make_approved_seal(house.context, MAKER, application.id)
    assert (again.state, again.code, again.edition, again.name) == (SealState.MADE, seal.code, 2, seal.name)
    assert again.key_id != seal.key_id
    assert read_seal(again.seal_data_der or b"").es_id == seal.code
    sweep_intents(house.context)
    assert [key.key_id for key in house.context.keystore.list()] == [again.key_id]
    assert house.issuer.revoked == []  # what was sealed before stays as good as it was
    editions = list_editions(house.context, MANAGER, seal.id)
    assert [(each.edition, each.retired_at is None, each.is_key_destroyed) for each in editions] == [(1, False, True), (2, True, False)]


def test_a_changed_seal_is_made_again_and_the_certificate_of_the_old_name_is_revoked(house: House) -> None:
    seal = activated(house)
    design = '{"shape": "round", "name": "whatever", "width_mm": 45, "height_mm": 45, "code": "00000000000000"}'
    order = ApplicationOrder(
        ApplicationKind.CHANGE, "更名", seal_id=seal.id, organisation="呼伦贝尔市数据服务中心（样例）", design_json=design
    )
    application = approved(house, order, MANAGER)
    house.issuer.fail_with = TrustError(Kind.UNAVAILABLE, "CA_UNAVAILABLE")
    assert code_of(make_approved_seal, house.context, MAKER, application.id) == "CA_UNAVAILABLE"
    assert find_seal(house.context, MANAGER, seal.id)[0].state is SealState.CHANGED  # the old edition is used no more
    house.issuer.fail_with = None
    changed = make_approved_seal(house.context, MAKER, application.id)
    assert (changed.state, changed.organisation, changed.edition) == (SealState.MADE, "呼伦贝尔市数据服务中心（样例）", 3)
    assert read_seal(changed.seal_data_der or b"").picture.width_mm == 45
    sweep_intents(house.context)
    assert len(house.issuer.revoked) == 1


def test_an_approved_end_cancels_at_once_and_destruction_takes_another_person(house: House) -> None:
    seal = activated(house)
    ended = approved(house, ApplicationOrder(ApplicationKind.CANCEL, "机构撤销", seal_id=seal.id), MANAGER)
    assert ended.state is ApplicationState.CARRIED_OUT
    assert find_seal(house.context, MANAGER, seal.id)[0].state is SealState.CANCELLED
    assert len(house.issuer.revoked) == 1
    assert code_of(make_approved_seal, house.context, MAKER, ended.id) == "APPLICATION_STATE_CONFLICT"
    assert take(house, MANAGER, seal, "destroy").state is SealState.DESTROYED
    assert house.context.keystore.list() == []
    assert sweep_intents(house.context)["certificates_revoked"] == 0


def test_who_cancelled_does_not_destroy(house: House) -> None:
    seal = activated(house)
    take(house, replace(MANAGER, known_as="pe_x"), seal, "cancel")
    for who in (MANAGER, replace(SECOND, known_as="pe_x")):  # nor does he as the other manager
        assert code_of(take, house, who, seal, "destroy") == "SECOND_PERSON_NEEDED"
    with pytest.raises(IntegrityError):
        house.sql("UPDATE seal_history SET second_to = holder")
    assert take(house, SECOND, seal, "destroy").state is SealState.DESTROYED


def test_a_seal_that_should_never_have_been_made_is_marked(house: House) -> None:
    seal = activated(house)
    assert take(house, REVIEWER, seal, "invalidate").state is SealState.INVALIDATED
    assert len(house.issuer.revoked) == 1
    assert (
        code_of(apply_for_seal, house.context, MANAGER, ApplicationOrder(ApplicationKind.RENEW, "x", seal_id=seal.id))
        == "SEAL_STATE_CONFLICT"
    )


def test_seals_expire(house: House) -> None:
    seal = activated(house)
    assert expire_seals(house.context) == 0
    house.sql("UPDATE seal_seals SET valid_until = NULL")
    assert expire_seals(house.context) == 0
    assert find_seal(house.context, MANAGER, seal.id)[0].valid_until == seal.valid_until
    until = store.write_time(house.context.clock.now() - timedelta(seconds=1))
    house.sql(f"UPDATE seal_seals SET valid_until = {until}")
    assert expire_seals(house.context) == 1
    assert find_seal(house.context, MANAGER, seal.id)[0].state is SealState.EXPIRED
    assert expire_seals(house.context) == 0


def test_the_region_and_the_listeners_are_told(house: House) -> None:
    told: list[StateChange] = []
    tries: list[str] = []

    class Region:
        def file_seal(self, seal: Seal) -> str:
            tries.append(seal.code)
            if len(tries) == 1:
                raise TrustError(Kind.UNAVAILABLE, "REGION_UNAVAILABLE")
            return "NM-2026-1"

    links = {
        **house.context.links,
        REGIONAL_PLATFORM: Region(),
        STATE_LISTENERS: (told.append,),
    }
    context = replace(house.context, links=links)
    house.context = context
    seal = make_approved_seal(context, MAKER, approved(house).id)
    message = Message("m", FILING_TOPIC, {"seal_id": seal.id, "version": seal.version}, 1)
    assert code_of(file_seal, context, message) == "REGION_UNAVAILABLE"
    file_seal(context, message)
    file_seal(context, message)  # delivered twice
    assert tries == [seal.code] * 2
    assert find_seal(context, MANAGER, seal.id)[0].filing == "NM-2026-1"
    deliver(house)
    assert [(each.state, each.version) for each in told if each.seal_id == seal.id] == [("made", 2), ("filed", 3)]  # each as it was then


@pytest.mark.parametrize("receipt", ["", "x" * 65, "one\ntwo"])
def test_a_receipt_that_cannot_be_kept_whole_is_refused(house: House, receipt: str) -> None:
    class Region:
        def file_seal(self, seal: Seal) -> str:
            return receipt

    house.context = replace(house.context, links={**house.context.links, REGIONAL_PLATFORM: Region()})
    seal = make_approved_seal(house.context, MAKER, approved(house).id)
    message = Message("m", FILING_TOPIC, {"seal_id": seal.id, "version": seal.version}, 1)
    assert code_of(file_seal, house.context, message) == "SEAL_RECEIPT_UNUSABLE"
    assert find_seal(house.context, MANAGER, seal.id)[0].state is SealState.MADE


def test_without_review_nothing_is_made_in_one_step(house: House) -> None:
    for settings in (Settings(dir=house.folder), Settings(dir=house.folder, demo=True, seals=Seals(two_person_review=True))):
        context = replace(house.context, settings=settings)
        assert code_of(make_seal, context, MANAGER, SealRequest(ORGANISATION, CREDIT_CODE)) == "SEAL_REVIEW_REQUIRED"
    context = replace(house.context, settings=Settings(dir=house.folder, seals=Seals(two_person_review=False)))
    seal = make_seal(context, MANAGER, SealRequest(ORGANISATION, CREDIT_CODE))
    with context.database.read() as conn:
        assert store.powers_of(conn, seal.id, "person:manager") == {Power.MANAGE}


def test_papers_of_a_day_have_a_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seal_service.actions.find_applications.PAPERS_PER_DAY", 2)
    for number in range(2):
        hand_in_paper(house.context, APPLICANT, "paper", bytes([number]))
    with pytest.raises(TrustError) as refused:
        hand_in_paper(house.context, APPLICANT, "paper", b"more")
    assert (refused.value.kind, refused.value.code) == (Kind.TOO_MANY, "PAPERS_TOO_MANY")
    tomorrow = replace(house.context, clock=FixedClock(house.context.clock.now() + timedelta(days=1, seconds=1)))
    hand_in_paper(tomorrow, APPLICANT, "paper", b"tomorrow")
