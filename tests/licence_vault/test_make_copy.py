"""Annotated copies: committed, drawn, sealed, checked, given out; and everything that can stand in the way."""

from __future__ import annotations

import zipfile
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.finish_copy import CopyUse, finish_copy, read_copy
from licence_vault.actions.make_copy import CopyOrder, begin_copy, make_copy
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.copies import CopyState, read_salted_copy
from licence_vault.limits import COPY_DAYS, COPY_DAYS_MAX, COPY_LEASE_SECONDS
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.model import read_salted_licence
from licence_vault.uses import DONE, Officer, UseAction, UseMode, read_officer
from licence_vault.verify import COPY_FILES, ORIGINAL_FILES
from service_kit import fail_points
from standards.errors import TrustError
from standards.gbt7408_times import CHINA
from tests.fakes.sealer import MARK, attachments_in, refused, unavailable
from tests.licence_vault.copying_here import OFFICE, REASON, WINDOW, copies, copy, here, licence, outcomes, refusal, shared, take, uses
from tests.licence_vault.faces.designs import text_of

if TYPE_CHECKING:
    from licence_vault.actions.finish_copy import MadeCopy
    from licence_vault.register import LicenceRecord
    from tests.licence_vault.issuing_here import IssuingHere


__all__ = ["here", "licence", "shared"]  # fixtures, each module's own


@pytest.mark.clause("GB/T 36903-2018 annotated copy")
@pytest.mark.parametrize("form", ["pdf", "ofd"])
def test_a_copy_is_whole(here: IssuingHere, licence: LicenceRecord, form: str) -> None:
    made = copy(here, licence, form=form)
    record, drawn = made.record, made.content.rpartition(MARK)[0]
    now = here.vault.clock.at

    # what it carries: the licence as it was made, and the annotation, each with its leaf and proofs
    attached = attachments_in(drawn)
    assert set(attached) == {each for names in (ORIGINAL_FILES, COPY_FILES) for each in (names.data, names.leaf, *names.proofs)}
    original, said = read_salted_licence(attached[ORIGINAL_FILES.data]), read_salted_copy(attached[COPY_FILES.data])
    assert original.data.identifier == licence.identifier
    statement = said.statement
    assert (statement.made_by, statement.reason, statement.form, statement.licence) == (WINDOW, REASON, form, licence.commitment)
    assert (statement.made_at, statement.until) == (now, now + timedelta(days=COPY_DAYS))
    leaf = read_leaf(attached[COPY_FILES.leaf])
    assert isinstance(leaf, LicenceLeaf)
    assert (leaf.event, leaf.commitment, leaf.status_index) == ("annotated", said.commitment(), licence.status_index)
    issued = here.history(licence.id)[-1]
    assert leaf.previous == here.index(issued.entry_id)

    # what a reader sees
    if form == "pdf":
        for words in ("加注件", WINDOW, REASON, "加注件 仅供示例区", "2026-11-28 16:"):
            assert words in text_of(drawn)
    else:
        with zipfile.ZipFile(BytesIO(drawn)) as package:
            listing = package.read("OFD.xml").decode()
        for name, value in (("JZJZZZ", WINDOW), ("JZJZZSY", REASON), ("JZJZZSJ", "20261128"), ("JZJYXQJZSJ", "20261228")):
            assert f'Name="{name}">{value}' in listing

    # what is kept: a row, a line of the access log, the audit trail; the licence itself is as it was
    assert (record.state, record.file_digest, record.until) == (CopyState.MADE, sm3(made.content), statement.until)
    assert record in copies(here, licence)
    line = uses(here, licence)[0]
    assert (line.action, line.outcome, line.mode, line.client, line.reason) == (
        UseAction.COPIED,
        DONE,
        UseMode.BY_DUTY,
        "cl_office",
        REASON,
    )
    assert line.officer_sealed is not None
    assert OFFICE.officer == read_officer(here.means.contents.open_officer(line.officer_sealed))
    assert here.trail(licence.id)[-3:] == [("licence.copy", "intended"), ("licence-use.copied", "done"), ("licence.copy", "done")]
    with here.vault.context.database.read() as conn:
        assert store.load_licence(conn, licence.id) == licence
    assert read_copy(here.means, record) == made.content


def test_each_copy_is_another(here: IssuingHere, licence: LicenceRecord) -> None:
    first, second = copy(here, licence), copy(here, licence, use=CopyUse("cl_clerk", "client:cl_clerk"))
    assert first.record.id != second.record.id
    assert first.record.file_digest != second.record.file_digest
    assert {each.id for each in copies(here, licence)} == {second.record.id, first.record.id}


def test_its_end_is_a_moment_whatever_the_zone_it_was_named_in(here: IssuingHere, licence: LicenceRecord) -> None:
    until = here.vault.clock.at + timedelta(days=7, microseconds=5)
    made = copy(here, licence, until=until.astimezone(CHINA))
    said = read_salted_copy(attachments_in(made.content.rpartition(MARK)[0])[COPY_FILES.data]).statement
    assert said.until == made.record.until == until.replace(microsecond=0)


def test_nothing_of_an_annotation_stands_in_the_clear(here: IssuingHere, licence: LicenceRecord) -> None:
    use = CopyUse("cl_office", "client:cl_office", UseMode.BY_DUTY, Officer("欧阳甲（示例）", "窗口", "中心"))
    copy(here, licence, made_by="绝密窗口九十九号", use=use)
    for path in here.vault.context.settings.dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in ("绝密窗口九十九号", "欧阳甲") if word.encode() in content], path


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"form": "doc"}, "form"),
        ({"made_by": ""}, "made_by"),
        ({"made_by": "x" * 61}, "made_by"),
        ({"made_by": "a\u202eb"}, "made_by"),
        ({"reason": ""}, "reason"),
        ({"reason": "a\nb"}, "reason"),
        ({"reason": " a"}, "reason"),
        ({"until": timedelta(0)}, "until"),
        ({"until": timedelta(days=COPY_DAYS_MAX, seconds=1)}, "until"),
    ],
)
def test_what_cannot_stand_on_a_copy_is_refused(shared: IssuingHere, changes: dict[str, Any], field: str) -> None:
    if "until" in changes:
        changes = {"until": shared.vault.clock.at + changes["until"]}
    order: dict[str, Any] = {"form": "pdf", "made_by": WINDOW, "reason": REASON} | changes
    with pytest.raises(TrustError) as raised:
        begin_copy(shared.means, CopyOrder("lc_none", **order), OFFICE)
    assert (raised.value.code, raised.value.facts["field"]) == ("FIELD_UNACCEPTABLE", field)


def test_of_a_licence_that_is_not_there_there_is_no_copy(shared: IssuingHere) -> None:
    with pytest.raises(TrustError, match="LICENCE_NOT_FOUND"):
        begin_copy(shared.means, CopyOrder("lc_none", "pdf", WINDOW, REASON), OFFICE)


@pytest.mark.parametrize(("step", "state"), [("revoke", "revoked"), ("suspend", "suspended"), ("annual-fail", "annual_overdue")])
def test_of_a_licence_not_in_force_nothing_is_made(here: IssuingHere, licence: LicenceRecord, step: str, state: str) -> None:
    take(here, licence, step)
    error = refusal(here, licence)
    assert (error.code, error.facts["state"]) == ("LICENCE_STATE_CONFLICT", state)
    assert copies(here, licence) == []
    assert outcomes(here, licence) == [(UseAction.REFUSED, "LICENCE_STATE_CONFLICT")], "the holder sees that somebody wanted one"


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"valid_from": date(2027, 6, 1), "valid_to": date(2028, 5, 31)}, "LICENCE_NOT_YET_VALID"),
        ({"valid_from": date(2025, 11, 28), "valid_to": date(2026, 11, 28)}, "LICENCE_EXPIRED"),
    ],
)
def test_a_licence_out_of_its_days_is_not_copied(here: IssuingHere, days: dict[str, Any], code: str) -> None:
    licence = here.issue(**days)
    before = here.vault.clock.at
    here.vault.clock.at += timedelta(days=1)
    try:
        assert refusal(here, licence).facts["state"] == code
    finally:
        here.vault.clock.at = before


@pytest.mark.parametrize("place", ["intended", "logged", "sealed", "stored"])
def test_whoever_dies_in_between_leaves_what_is_finished_later(
    here: IssuingHere, licence: LicenceRecord, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(BaseException):
        pass

    def die(reached: str) -> None:
        if reached == f"make-copy.{place}":
            raise Death

    with monkeypatch.context() as dying:
        dying.setattr(fail_points, "reach", die)
        with pytest.raises(Death):
            copy(here, licence, key=f"dies-{place}")
    [left] = copies(here, licence)
    assert (left.state, outcomes(here, licence)) == (CopyState.MAKING, [])
    assert sweep_copies(here.means) == {"made": 0, "left": 0}  # its lease is not over: it may still be somebody's work
    here.vault.clock.at += timedelta(seconds=COPY_LEASE_SECONDS + 1)
    assert sweep_copies(here.means) == {"made": 1, "left": 0}
    assert outcomes(here, licence) == [(UseAction.COPIED, DONE)]
    again = copy(here, licence, key=f"dies-{place}")
    assert again.record.id == left.id, "the answer to the request that died"
    assert sm3(again.content) == again.record.file_digest
    assert outcomes(here, licence) == [(UseAction.DOWNLOADED, DONE), (UseAction.COPIED, DONE)], "given out once more, and on record"
    assert len(copies(here, licence)) == 1


def test_a_request_that_died_after_all_was_recorded_is_answered_by_the_same_copy(
    here: IssuingHere, licence: LicenceRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(reached: str) -> None:
        if reached == "make-copy.recorded":
            raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(fail_points, "reach", die)
        with pytest.raises(KeyboardInterrupt):
            copy(here, licence, key="late")
    [made] = copies(here, licence)
    assert (made.state, copy(here, licence, key="late").record.id) == (CopyState.MADE, made.id)
    assert refusal(here, licence, key="late", reason="别的").code == "IDEMPOTENCY_KEY_REUSED"


def test_who_is_slower_gets_the_copy_of_who_was_faster(here: IssuingHere, licence: LicenceRecord) -> None:
    record = begin_copy(here.means, CopyOrder(licence.id, "pdf", WINDOW, REASON), OFFICE)
    kept: list[MadeCopy] = []

    def overtake(key: str) -> None:
        here.sealer.before = lambda _: None
        kept.append(finish_copy(here.means, record))

    here.sealer.before = overtake
    slower = finish_copy(here.means, record)
    assert slower == kept[0]
    assert outcomes(here, licence) == [(UseAction.COPIED, DONE)]


def test_copies_go_with_the_licence_they_were_made_of(here: IssuingHere, licence: LicenceRecord) -> None:
    made = copy(here, licence)
    waiting = begin_copy(here.means, CopyOrder(licence.id, "pdf", WINDOW, REASON), OFFICE)
    take(here, licence, "cancel")
    erase_licence(here.vault.context, here.clerk, licence.id, reason="依申请", if_revision=None)
    assert [each.note_sealed for each in copies(here, licence)] == [None, None]
    with pytest.raises(TrustError, match="LICENCE_ERASED"):
        read_copy(here.means, made.record)
    with pytest.raises(TrustError, match="LICENCE_ERASED"):
        finish_copy(here.means, waiting)
    assert {each.id: each.refusal for each in copies(here, licence)} == {made.record.id: "", waiting.id: "LICENCE_ERASED"}
    assert refusal(here, licence).code == "LICENCE_ERASED"


def test_whoever_decides_says_by_what_right(here: IssuingHere, licence: LicenceRecord) -> None:
    """A right that is used up in the same transaction: once for each copy, and where it is refused there is no copy but a line in the log."""
    asked: list[str] = []

    def allow(_conn: Any, found: LicenceRecord) -> CopyUse:
        asked.append(found.id)
        return OFFICE

    order, nobody = CopyOrder(licence.id, "pdf", WINDOW, REASON), CopyUse("cl_office", "client:cl_office")
    first = make_copy(here.means, order, nobody, decide=allow, idempotency_key="right")
    assert make_copy(here.means, order, nobody, decide=allow, idempotency_key="right").record == first.record
    assert asked == [licence.id]
    assert {each.mode for each in uses(here, licence)} == {UseMode.BY_DUTY}

    def refuse(_conn: Any, _found: LicenceRecord) -> CopyUse:
        raise asked_of

    for asked_of, lines in ((refused(), 1), (unavailable(), 0)):
        before = len(uses(here, licence))
        with pytest.raises(TrustError, match=asked_of.code):
            make_copy(here.means, order, nobody, decide=refuse, idempotency_key=f"refused-{lines}")
        assert [each.outcome for each in uses(here, licence)][: len(uses(here, licence)) - before] == [asked_of.code] * lines
    assert len(copies(here, licence)) == 1
    assert make_copy(here.means, order, nobody, decide=allow, idempotency_key="refused-1").record.id != first.record.id, (
        "the key is free again"
    )
