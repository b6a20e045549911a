"""Issuing that waits for others, passes over, is given up or is asked for again."""

from __future__ import annotations

import socket
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from licence_vault import limits
from licence_vault.actions import finish_issue
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.define_type import take_type_step
from licence_vault.actions.enter_issuer import give_membership, take_membership
from licence_vault.actions.find_licences import LicenceWish, find_licence, list_licences
from licence_vault.actions.import_licences import import_licences, list_imports
from licence_vault.actions.issue_batch import list_batches
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.limits import ISSUING_LEASE_SECONDS, ISSUING_RETRY_SECONDS
from licence_vault.model import LicenceState, step_named, type_step_named
from licence_vault.row_files import RowForm
from service_kit.tables import idempotency
from standards.errors import Kind, TrustError
from tests.fakes.sealer import refused, unavailable
from tests.licence_vault.issuing_here import FACE, ISSUER, OTHER_ISSUER, IssuingHere, caller, code_of, cut_off, drafts
from tests.licence_vault.type_files import AUTHORITY, type_file
from tests.watched_steps import watch_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.register import LicenceRecord


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("issuing") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    yield shared
    shared.rest()


def test_whoever_acts_for_many_authorities_is_shown_all_or_asked_for_one(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    context, contents = here.vault.context, here.means.contents
    record = here.issue()
    give_membership(context, caller("cl_admin"), OTHER_ISSUER, "cl_clerk")
    try:
        monkeypatch.setattr(limits, "AUTHORITIES_ASKED", 2)
        assert record.id in [each.id for each in list_licences(context, contents, here.clerk, LicenceWish(), after="", limit=100)]
        monkeypatch.setattr(limits, "AUTHORITIES_ASKED", 1)
        ways: list[Callable[[], object]] = [
            lambda: list_licences(context, contents, here.clerk, LicenceWish(), after="", limit=100),
            lambda: list_imports(here.means, here.clerk, holder=None, number=None, after="", limit=100),
            lambda: list_batches(here.means, here.clerk, before=None, limit=100),
        ]
        for ask in ways:
            error = _raised(ask)
            assert (error.code, error.facts["field"]) == ("FIELD_UNACCEPTABLE", "issuer")
        assert list_batches(here.means, here.clerk, issuer_code=ISSUER, before=None, limit=100) == []
        wish = LicenceWish(issuer_code=ISSUER)
        assert record.id in [each.id for each in list_licences(context, contents, here.clerk, wish, after="", limit=100)]
        list_imports(here.means, here.clerk, holder=None, number=None, after="", limit=100, issuer_code=OTHER_ISSUER)
    finally:
        take_membership(context, here.clerk, OTHER_ISSUER, "cl_clerk")


def number_of(here: IssuingHere, record: LicenceRecord) -> str:
    view = find_licence(here.vault.context, here.means.contents, here.clerk, record.id)
    assert view.data is not None
    return view.data.number


def test_numbers_that_others_have_are_passed_over(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"{AUTHORITY}995"
    here.publish(type_file(code=code, face=FACE, numbering="{serial:3}"))

    def take_over(*numbers: str) -> None:
        head = "number,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address"
        rows = [f"{number},张三（示例）,11010519491231002X,111,2026-11-28,长期,示例路" for number in numbers]
        import_licences(here.means, here.clerk, BatchFile(code, ISSUER, ("pdf",), RowForm.CSV, "\n".join((head, *rows)).encode()))

    take_over("001", "003", "004")
    assert [number_of(here, here.issue(type_code=code)) for _ in range(2)] == ["002", "005"]

    # where more are taken than are looked through at once, the series moves on all the same
    take_over("006", "007", "008")
    monkeypatch.setattr(limits, "SERIALS_TRIED", 2)
    with pytest.raises(TrustError) as raised:
        here.issue(type_code=code)
    assert (code_of(raised), raised.value.kind) == ("LICENCE_SERIES_BEHIND", Kind.TOO_MANY)
    assert number_of(here, here.issue(type_code=code)) == "009"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"issued_on": date(2026, 11, 29)}, "issued_on"),
        ({"issued_on": date(2099, 1, 1)}, "issued_on"),
        ({"issued_on": date(1949, 9, 30)}, "issued_on"),
        ({"valid_from": date(1800, 1, 1), "valid_to": None}, "valid_from"),
        ({"valid_from": date(1949, 9, 30), "valid_to": None}, "valid_from"),
        ({"valid_from": date(2024, 11, 28), "valid_to": date(2026, 11, 27)}, "valid_to"),
        ({"issued_on": date(2026, 6, 2), "valid_from": date(2025, 6, 1), "valid_to": date(2026, 6, 1)}, "valid_to"),
        ({"number": "自编1号"}, "number"),
        ({"name": "另一许可证"}, "name"),
        ({"valid_to": date(2026, 11, 30)}, "valid_to"),
        ({"valid_to": date(2027, 11, 26)}, "valid_to"),
    ],
)
def test_what_no_authority_can_mean_is_refused_before_a_number_is_taken(here: IssuingHere, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(TrustError) as raised:
        here.issue(**changes)
    assert code_of(raised) in {"LICENCE_CONTENT_UNACCEPTABLE", "FIELD_UNACCEPTABLE"}
    assert raised.value.facts.get("place", raised.value.facts.get("field")) == place
    assert drafts(here) == []


def test_what_an_authority_can_mean_is_issued(here: IssuingHere) -> None:
    assert here.issue(issued_on=date(2026, 11, 28)).issued_on == date(2026, 11, 28)
    assert here.issue(issued_on=date(1949, 10, 1), valid_from=date(1949, 10, 1), valid_to=None).valid_from == date(1949, 10, 1)
    assert here.issue(valid_to=date(2027, 11, 27)).valid_to == date(2027, 11, 27), "a year, the last day counted"
    assert here.issue(valid_from=date(2025, 11, 28), valid_to=date(2026, 11, 28)).state is LicenceState.ISSUED, "for this very day"
    assert here.issue(name="示例许可证").state is LicenceState.ISSUED
    named = {**FACE, "parts": [*FACE["parts"], {"kind": "text", "x_mm": 5, "y_mm": 30, "size_mm": 4, "text": "{name}"}]}
    here.publish(type_file(face=named, code=f"{AUTHORITY}989"))
    assert here.issue(type_code=f"{AUTHORITY}989", name="另一许可证").state is LicenceState.ISSUED, "its face shows it"


def test_the_same_request_gets_its_answer_whatever_has_become_of_the_type(here: IssuingHere) -> None:
    code = f"{AUTHORITY}997"
    here.publish(type_file(code=code, face=FACE))
    first = here.issue(type_code=code, key="before")
    here.sealer.fail_with = unavailable()
    with pytest.raises(TrustError):
        here.issue(type_code=code, key="begun")
    [draft] = drafts(here)
    here.sealer.fail_with = None
    take_type_step(here.vault.context, here.clerk, code, 1, type_step_named("retire"), reason="停用", if_revision=None)
    here.vault.clock.at += timedelta(seconds=ISSUING_LEASE_SECONDS + 1)
    assert here.issue(type_code=code, key="before").id == first.id
    assert here.issue(type_code=code, key="begun").id == draft
    with pytest.raises(TrustError) as raised:
        here.issue(type_code=code, key="after")
    assert code_of(raised) == "LICENCE_TYPE_NOT_PUBLISHED"
    take_membership(here.vault.context, here.clerk, ISSUER, "cl_clerk")
    try:
        with pytest.raises(TrustError) as raised:
            here.issue(type_code=code, key="before")
    finally:
        give_membership(here.vault.context, caller("cl_admin"), ISSUER, "cl_clerk")
    assert code_of(raised) == "LICENCE_ISSUER_NOT_FOUND"


@pytest.mark.parametrize(
    "passing",
    [
        TrustError(Kind.CHANGED, "SEAL_CHANGED", expected=1, found=2),
        TrustError(Kind.CONFLICT, "IDEMPOTENCY_IN_FLIGHT", retry_after_seconds=1),
        TrustError(Kind.CONFLICT, "SEAL_USE_VOIDED", seal_use="su_1"),
    ],
    ids=lambda error: error.code,
)
def test_whoever_else_is_at_the_seal_makes_it_later_and_no_failure(here: IssuingHere, passing: TrustError) -> None:
    here.sealer.fail_with = passing
    with pytest.raises(TrustError) as raised:
        here.issue()
    assert code_of(raised) == passing.code
    [draft] = drafts(here)
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=ISSUING_RETRY_SECONDS + 1)
    assert sweep_issues(here.means) == {"released": 1, "left": 0}
    assert find_licence(here.vault.context, here.means.contents, here.clerk, draft).record.state is LicenceState.ISSUED


def test_what_our_own_verifier_never_accepts_is_given_up(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish_issue, "SELF_CHECKS", 3)
    here.sealer.spoil = lambda sealed: sealed[:-1] + b"x"
    with pytest.raises(TrustError) as raised:
        here.issue(key="never")
    assert code_of(raised) == "LICENCE_SELF_CHECK_FAILED"
    [draft] = drafts(here)

    def find() -> LicenceRecord:
        return find_licence(here.vault.context, here.means.contents, here.clerk, draft).record

    # each try waits twice as long for the next
    for refusals, wait in ((1, ISSUING_RETRY_SECONDS), (2, 2 * ISSUING_RETRY_SECONDS)):
        record, at = find(), here.vault.clock.at
        assert (record.refusals, record.lease_until) == (refusals, at + timedelta(seconds=wait))
        here.vault.clock.at += timedelta(seconds=wait)
        if refusals == 1:
            assert sweep_issues(here.means) == {"released": 0, "left": 1}
    with pytest.raises(TrustError) as raised:
        finish_issue.finish_issue(here.means, find())
    for error in (raised.value, _raised(lambda: finish_issue.finish_issue(here.means, find()))):
        assert (error.code, error.kind, error.facts["reason"]) == (
            "LICENCE_ISSUING_ABANDONED", Kind.CONFLICT, "LICENCE_SELF_CHECK_FAILED",
        )  # fmt: skip
    assert (find().state, find().state_reason) == (LicenceState.CANCELLED, "LICENCE_SELF_CHECK_FAILED")
    assert here.trail(draft) == [("licence.issue", "intended"), ("licence.abandon", "done")]
    here.sealer.spoil = lambda sealed: sealed
    assert here.issue(key="never").id != draft, "the key is free again"


def test_a_printed_number_of_what_was_given_up_is_free_again(here: IssuingHere) -> None:
    wanted = {"type_code": f"{AUTHORITY}991", "number": "示字第8号"}
    here.sealer.fail_with = refused()
    assert _raised(lambda: here.issue(**wanted)).code == "SEAL_NOT_ACTIVE"
    here.sealer.fail_with = None
    released = here.issue(**wanted)
    assert _raised(lambda: here.issue(**wanted)).code == "LICENCE_NUMBER_TAKEN"
    here.take_in()
    change_licence_state(here.vault.context, here.clerk, released.id, step_named("cancel"), reason="x", if_revision=None)
    assert _raised(lambda: here.issue(**wanted)).code == "LICENCE_NUMBER_TAKEN", "of what was released it is not, whatever becomes of it"


def _raised(act: Callable[[], object]) -> TrustError:
    with pytest.raises(TrustError) as raised:
        act()
    return raised.value


def test_what_cannot_be_given_up_now_comes_again(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")

    here.sealer.fail_with = refused()
    with monkeypatch.context() as failing:
        failing.setattr(finish_issue, "abandon_issue", fail)
        with pytest.raises(TrustError) as raised:
            here.issue()
    assert code_of(raised) == "SEAL_NOT_ACTIVE"
    assert len(drafts(here)) == 1


def test_no_step_of_an_issuing_waits_for_anything(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step holds up everybody who computes: not even a request that is repeated writes within one."""
    taken, found = watch_steps(monkeypatch)
    first = here.issue(key="watched", forms=("pdf", "ofd"))
    assert here.issue(key="watched", forms=("pdf", "ofd")).id == first.id
    assert found == []
    assert taken >= {"licence.begin", "licence.check", "licence.prove", "licence.load", "licence.draw", "licence.verify"}


def test_who_repeats_a_request_whose_process_died_does_not_wait(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = cut_off(here, monkeypatch, "at-once")
    with pytest.raises(TrustError) as raised:
        here.issue(key="at-once")
    assert code_of(raised) == "IDEMPOTENCY_IN_FLIGHT", "for all that is known it is still being worked on"
    dead = f"{socket.gethostname()[:32]}-1-dead"
    here.vault.context.database.write(
        lambda conn: conn.execute(update(idempotency).where(idempotency.c.reference == draft).values(owner=dead)).rowcount
    )
    issued = here.issue(key="at-once")
    assert (issued.id, issued.state) == (draft, LicenceState.ISSUED)
    assert here.issue(key="at-once") == issued
