"""Batches of licences: tried, taken in, issued exactly once whatever dies, reported row by row; and erasing what ended licences said."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import limits, store
from licence_vault.actions import define_type, finish_issue
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.enter_issuer import give_membership, take_membership
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_licences import LicenceWish, find_licence, list_licences, read_licence_file
from licence_vault.actions.issue_batch import (
    cancel_batch,
    find_batch,
    list_batch_rows,
    open_batch,
    run_batches,
    start_batch,
    try_batch,
)
from licence_vault.actions.succeed_licence import NewContent, succeed_licence
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.batch import BatchState, RowState
from licence_vault.faces import qr
from licence_vault.model import step_named
from service_kit import fail_points
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.fakes.sealer import refused, unavailable
from tests.licence_vault.batch_files import BAD, GOOD, file_of, rest, rows_of, run_to_its_end
from tests.licence_vault.issuing_here import FACE, ISSUER, OTHER_ISSUER, PERSON, IssuingHere, caller, code_of
from tests.licence_vault.type_files import AUTHORITY, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("batches") / "d") as made:
        yield made


@pytest.fixture
def here(shared: IssuingHere) -> Iterator[IssuingHere]:
    yield shared
    rest(shared)


def count_licences(here: IssuingHere) -> int:
    with here.vault.context.database.read() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM licence_licences WHERE state = 'issued'").scalar_one())


def test_a_dry_run_says_everything_and_changes_nothing(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    before = count_licences(here)
    run = try_batch(here.means, here.clerk, file_of(GOOD, BAD, GOOD, BAD))
    assert (run.rows, run.good) == (4, 2)
    assert [(each.number, each.code, each.place) for each in run.problems] == [
        (number, "LICENCE_CONTENT_UNACCEPTABLE", "holders[0].code") for number in (2, 4)
    ]
    monkeypatch.setattr(limits, "PROBLEMS_SHOWN", 1)
    assert len(try_batch(here.means, here.clerk, file_of(BAD, BAD)).problems) == 1
    assert count_licences(here) == before


def test_what_the_face_cannot_show_is_found_before_a_number_is_taken(here: IssuingHere) -> None:
    """Too long for its place, and a character that no typeface has: in the dry run, in the report, at single issuing, and nothing in the public log."""
    narrow = {
        **FACE,
        "parts": [*FACE["parts"], {"kind": "text", "x_mm": 5, "y_mm": 30, "size_mm": 4, "width_mm": 30, "text": "{fields.KZ_address}"}],
    }
    code = f"{AUTHORITY}992"
    here.publish(type_file(face=narrow, code=code))
    long, strange = GOOD.replace("示例路{}号", "示例路一号" * 9), GOOD.replace("示例路{}号", "\U0001f600")
    file = file_of(GOOD, long, strange, type_code=code)
    found = ["FACE_TEXT_TOO_LONG", "GLYPH_MISSING"]
    run = try_batch(here.means, here.clerk, file)
    assert (run.rows, run.good) == (3, 1)
    assert [(each.number, each.code, each.place) for each in run.problems] == [
        (2, found[0], "{fields.KZ_address}"),
        (3, found[1], "{fields.KZ_address}"),
    ]
    assert all(each.rule for each in run.problems)

    def count_drafts() -> int:
        with here.vault.context.database.read() as conn:
            return int(conn.exec_driver_sql(f"SELECT count(*) FROM licence_licences WHERE type_code = '{code}'").scalar_one())

    for number, address in enumerate(("示例路一号" * 9, "\U0001f600")):
        with pytest.raises(TrustError) as raised:
            here.issue(type_code=code, fields={"KZ_address": address})
        assert code_of(raised) == found[number]
    assert count_drafts() == 0, "no number, no leaf"
    batch = open_batch(here.means, here.clerk, file)
    start_batch(here.means, here.clerk, batch.id)
    run_to_its_end(here, batch)
    assert [(row.state, row.code) for row in rows_of(here, batch)] == [
        (RowState.ISSUED, None), (RowState.FAILED, found[0]), (RowState.FAILED, found[1]),
    ]  # fmt: skip
    assert count_drafts() == 1


def test_what_the_code_on_the_face_cannot_say_is_found_before_a_number_is_taken(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the dry run, in the report, at single issuing and at a change; the type is of a time when it was not looked at."""
    code = f"{AUTHORITY}993"
    parts = [
        {"kind": "text", "x_mm": 5, "y_mm": 10, "size_mm": 1.5, "width_mm": 90, "text": "{name}"},
        {"kind": "qr", "x_mm": 5, "y_mm": 15, "size_mm": 60, "level": "H"},
    ]
    whole = type_file(face={**FACE, "parts": parts}, code=code, numbering="")
    with pytest.raises(TrustError) as raised:
        here.publish(whole)
    assert (code_of(raised), raised.value.facts["place"]) == ("LICENCE_QR_TOO_LARGE", "qr")
    with monkeypatch.context() as before:
        before.setattr(define_type, "check_longest_code", lambda *_: None)
        here.publish(whole)
    fits: dict[str, Any] = {"type_code": code, "number": "\U00020003" * 48, "name": "名" * 48, "holders": (PERSON,)}
    record = here.issue(**fits)
    here.take_in()
    names = tuple(
        replace(PERSON, name=letter * 48, code=f"{at}", code_type="414") for at, letter in enumerate("\U00020000\U00020001\U00020002")
    )

    def count_drafts() -> int:
        with here.vault.context.database.read() as conn:
            return int(conn.exec_driver_sql(f"SELECT count(*) FROM licence_licences WHERE type_code = '{code}'").scalar_one())

    wide = fits | {"number": "\U00020004" * 48, "holders": names}
    change = partial(
        succeed_licence, here.means, here.clerk, record.id, step_named("change"), NewContent(holders=names), reason="更名", if_revision=None
    )
    for attempt in (lambda: here.issue(**wide), lambda: here.issue(**wide | {"forms": ("ofd",)}), change):
        with pytest.raises(TrustError) as raised:
            attempt()
        assert (code_of(raised), raised.value.facts["place"]) == ("LICENCE_QR_TOO_LARGE", "qr")
    assert count_drafts() == 1, "no number, no leaf"


def test_a_row_whose_code_would_say_too_much_is_found_by_the_dry_run(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    before = count_licences(here)
    monkeypatch.setattr(qr, "QR_MESSAGE_BYTES", 480)
    file = file_of(GOOD, GOOD.replace("张三（示例）", "张" * 48))
    run = try_batch(here.means, here.clerk, file)
    assert [(each.number, each.code, each.place, bool(each.rule)) for each in run.problems] == [(2, "LICENCE_QR_TOO_LARGE", "qr", True)]
    batch = open_batch(here.means, here.clerk, file)
    start_batch(here.means, here.clerk, batch.id)
    run_to_its_end(here, batch)
    assert [(row.state, row.code) for row in rows_of(here, batch)] == [(RowState.ISSUED, None), (RowState.FAILED, "LICENCE_QR_TOO_LARGE")]
    assert count_licences(here) == before + 1


def test_a_row_that_the_data_of_a_licence_cannot_hold_is_found_by_the_dry_run(here: IssuingHere) -> None:
    [problem] = try_batch(here.means, here.clerk, file_of(GOOD.replace("张三（示例）", "张" * 201))).problems
    with pytest.raises(TrustError) as raised:
        here.issue(holders=(replace(PERSON, name="张" * 201),))
    assert problem.code == code_of(raised)


def test_a_batch_from_the_file_to_the_report(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS_PER_WRITE", 2)
    monkeypatch.setattr(limits, "ROWS_PER_TURN", 2)
    before = count_licences(here)
    batch = open_batch(here.means, here.clerk, file_of(GOOD, BAD, GOOD, GOOD, GOOD))
    assert (batch.state, batch.total) == (BatchState.READY, 5)
    assert find_batch(here.means, here.clerk, batch.id)[1] == {
        RowState.WAITING: 4, RowState.ISSUED: 0, RowState.FAILED: 1, RowState.CANCELLED: 0,
    }  # fmt: skip
    assert run_batches(here.means) == 0, "not started yet"
    start_batch(here.means, here.clerk, batch.id)
    run_to_its_end(here, batch)
    assert start_batch(here.means, here.clerk, batch.id).state is BatchState.DONE
    rows = rows_of(here, batch)
    assert [row.state.value for row in rows] == ["issued", "failed", "issued", "issued", "issued"]
    assert (rows[1].code, rows[1].place, rows[1].licence_id) == ("LICENCE_CONTENT_UNACCEPTABLE", "holders[0].code", None)
    assert all(row.cells_sealed is None for row in rows)
    assert count_licences(here) == before + 4
    [failed] = list_batch_rows(here.means, here.clerk, batch.id, state=RowState.FAILED, after=0, limit=9)
    assert failed.number == 2
    view = find_licence(here.vault.context, here.means.contents, here.clerk, str(rows[4].licence_id))
    assert view.data is not None
    assert view.data.fields == {"KZ_address": "示例路4号"}
    with here.vault.context.database.read() as conn:
        trail = [each.action for each in find_entries(conn, subject=f"licence-batch:{batch.id}", limit=9)]
    assert trail == ["licence-batch.done", "licence-batch.started", "licence-batch.opened"]
    with pytest.raises(TrustError) as raised:
        cancel_batch(here.means, here.clerk, batch.id)
    assert code_of(raised) == "LICENCE_BATCH_STATE_CONFLICT"


def test_killed_again_and_again_nothing_is_lost_or_doubled(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    class Death(BaseException):
        pass

    chance, deaths, seen = random.Random(20261128), 0, set()

    def reach(place: str) -> None:
        nonlocal deaths
        if place.startswith(("licence-batch.", "issue-licence.")) and deaths < 100 and chance.random() < 0.35:
            deaths += 1
            seen.add(place)
            raise Death

    before = count_licences(here)
    batch = open_batch(here.means, here.clerk, file_of(*[GOOD] * 40))
    start_batch(here.means, here.clerk, batch.id)
    monkeypatch.setattr(limits, "ROWS_PER_TURN", 4)
    with monkeypatch.context() as killing:
        killing.setattr(fail_points, "reach", reach)
        while find_batch(here.means, here.clerk, batch.id)[0].state is BatchState.RUNNING:
            here.vault.clock.at += timedelta(seconds=limits.ISSUING_RETRY_SECONDS)  # what a dead process had is left to it for a while
            try:
                run_batches(here.means)
            except Death:
                here.vault.clock.at += timedelta(seconds=chance.choice([0, limits.ISSUING_LEASE_SECONDS + 1]))
                if chance.random() < 0.2:
                    try:
                        sweep_issues(here.means)  # whoever sweeps meanwhile must not matter
                    except Death:
                        continue
    rows = rows_of(here, batch)
    assert [row.state for row in rows] == [RowState.ISSUED] * 40
    assert len({row.licence_id for row in rows}) == 40
    assert count_licences(here) == before + 40
    assert deaths == 100
    assert len(seen) >= 6


def test_what_is_not_there_now_is_waited_for_and_what_is_refused_fails(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD, GOOD))
    start_batch(here.means, here.clerk, batch.id)
    here.sealer.fail_with = unavailable()
    assert run_batches(here.means) == 0
    assert [row.state for row in rows_of(here, batch)] == [RowState.WAITING] * 2
    assert run_batches(here.means) == 0, "not before a while"
    here.vault.clock.at += timedelta(seconds=limits.ISSUING_RETRY_SECONDS)
    here.sealer.fail_with = refused()
    assert run_batches(here.means) == 2
    assert [(row.state, row.code) for row in rows_of(here, batch)] == [(RowState.FAILED, "SEAL_NOT_ACTIVE")] * 2
    run_to_its_end(here, batch)


def test_one_row_that_our_verifier_refuses_does_not_hold_up_the_others(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD, GOOD, GOOD))
    start_batch(here.means, here.clerk, batch.id)
    spoiled: list[bytes] = []

    def spoil_first(sealed: bytes) -> bytes:
        spoiled.append(sealed)
        return sealed[:-1] if len(spoiled) == 1 else sealed

    here.sealer.spoil = spoil_first
    assert run_batches(here.means) == 2
    here.sealer.spoil = lambda sealed: sealed
    run_to_its_end(here, batch)
    assert {row.state for row in rows_of(here, batch)} == {RowState.ISSUED}


def test_rows_that_are_refused_for_ever_neither_starve_the_others_nor_stay(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS_PER_TURN", 2)
    monkeypatch.setattr(finish_issue, "SELF_CHECKS", 2)
    batch = open_batch(here.means, here.clerk, file_of(*[GOOD] * 4))
    start_batch(here.means, here.clerk, batch.id)
    spoiled: list[bytes] = []

    def spoil_two(sealed: bytes) -> bytes:
        spoiled.append(sealed)
        return sealed[:-1] if len(spoiled) <= 2 else sealed

    here.sealer.spoil = spoil_two
    run_batches(here.means)
    assert [row.state for row in rows_of(here, batch)] == [RowState.WAITING] * 4
    run_batches(here.means)
    assert [row.state.value for row in rows_of(here, batch)] == ["waiting", "waiting", "issued", "issued"]
    here.sealer.spoil = lambda sealed: sealed[:-1]
    run_to_its_end(here, batch)
    assert [(row.state.value, row.code, row.rule) for row in rows_of(here, batch)[:2]] == [
        ("failed", "LICENCE_ISSUING_ABANDONED", "LICENCE_SELF_CHECK_FAILED")
    ] * 2


def test_a_row_whose_licence_is_the_work_of_others_is_left_to_them(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD, GOOD))
    start_batch(here.means, here.clerk, batch.id)
    here.sealer.fail_with = unavailable()
    run_batches(here.means)
    here.sealer.fail_with = None
    here.vault.clock.at += timedelta(seconds=limits.ISSUING_RETRY_SECONDS)
    orders = len(here.sealer.orders)
    with monkeypatch.context() as racing:
        racing.setattr(store, "take_lease", lambda *_: False)
        assert run_batches(here.means) == 0
    assert len(here.sealer.orders) == orders
    sweep_issues(here.means)
    run_to_its_end(here, batch)
    assert [row.state for row in rows_of(here, batch)] == [RowState.ISSUED] * 2


def test_whoever_acts_for_the_authority_no_more_issues_no_more(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD))
    start_batch(here.means, here.clerk, batch.id)
    take_membership(here.vault.context, caller("cl_admin"), ISSUER, "cl_clerk")
    try:
        assert run_batches(here.means) == 1
    finally:
        give_membership(here.vault.context, caller("cl_admin"), ISSUER, "cl_clerk")
    [row] = rows_of(here, batch)
    assert (row.state, row.code) == (RowState.FAILED, "LICENCE_ISSUER_NOT_FOUND")


def test_cancelling_ends_what_waits(here: IssuingHere) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD, GOOD))
    for _ in range(2):
        assert cancel_batch(here.means, here.clerk, batch.id).state is BatchState.CANCELLED
    assert [row.state for row in rows_of(here, batch)] == [RowState.CANCELLED] * 2
    with pytest.raises(TrustError) as raised:
        start_batch(here.means, here.clerk, batch.id)
    assert code_of(raised) == "LICENCE_BATCH_STATE_CONFLICT"


def test_a_file_that_cannot_be_read_to_its_end_leaves_no_batch_to_start(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS_PER_WRITE", 1)
    with pytest.raises(TrustError) as raised:
        open_batch(here.means, here.clerk, file_of(GOOD, '"'))
    assert code_of(raised) == "LICENCE_ROW_FILE_UNACCEPTABLE"
    with here.vault.context.database.read() as conn:
        [state, row] = conn.exec_driver_sql(
            "SELECT b.state, r.state FROM licence_batches b JOIN licence_batch_rows r ON r.batch_id = b.id ORDER BY b.created_at DESC, b.rowid DESC LIMIT 1"
        ).one()
    assert (state, row) == ("cancelled", "cancelled")


def test_batches_of_others_do_not_exist(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = open_batch(here.means, here.clerk, file_of(GOOD))
    asked: list[Any] = [
        lambda: find_batch(here.means, here.stranger, batch.id),
        lambda: list_batch_rows(here.means, here.stranger, batch.id, state=None, after=0, limit=9),
        lambda: start_batch(here.means, here.stranger, batch.id),
        lambda: cancel_batch(here.means, here.stranger, batch.id),
        lambda: find_batch(here.means, here.clerk, "lb_000000000000000000000000"),
    ]
    for ask in asked:
        with pytest.raises(TrustError) as raised:
            ask()
        assert code_of(raised) == "LICENCE_BATCH_NOT_FOUND"
    for issuer in (ISSUER, "11100000000013338W"):
        with pytest.raises(TrustError) as raised:
            open_batch(here.means, here.stranger, file_of(GOOD, issuer_code=issuer))
        assert code_of(raised) == "LICENCE_ISSUER_NOT_FOUND"
    monkeypatch.setattr(limits, "BATCHES_PER_ISSUER", 0)
    with pytest.raises(TrustError) as raised:
        open_batch(here.means, here.stranger, file_of(GOOD, issuer_code=OTHER_ISSUER))
    assert code_of(raised) == "LICENCE_BATCHES_TOO_MANY"


def test_what_an_ended_licence_said_is_erased_for_good(here: IssuingHere) -> None:
    context, contents = here.vault.context, here.means.contents
    record = here.issue(holders=(here.order().holders[0],), area_code="150788")

    def erase(**wishes: Any) -> Any:
        wishes = {"reason": "保存期满", "if_revision": None} | wishes
        return erase_licence(context, here.clerk, record.id, **wishes)

    with pytest.raises(TrustError) as raised:
        erase()
    assert code_of(raised) == "LICENCE_STATE_CONFLICT"
    here.take_in()
    ended = change_licence_state(context, here.clerk, record.id, step_named("cancel"), reason="注销", if_revision=None)
    for wishes, expected in (({"if_revision": ended.revision + 1}, "LICENCE_CHANGED"), ({"reason": " "}, "FIELD_UNACCEPTABLE")):
        with pytest.raises(TrustError) as raised:
            erase(**wishes)
        assert code_of(raised) == expected
    erased = erase(if_revision=ended.revision)
    assert (erased.data_sealed, erased.state, erased.revision) == (None, ended.state, ended.revision + 1)
    view = find_licence(context, contents, here.clerk, record.id)
    assert view.data is None
    holder = here.order().holders[0]
    wish = LicenceWish(holder=(holder.code_type, holder.code))
    assert record.id not in [each.id for each in list_licences(context, contents, here.clerk, wish, after="", limit=200)]
    for ask in (
        lambda: read_licence_file(context, contents, here.clerk, record.id, "pdf"),
        erase,
        lambda: succeed_licence(here.means, here.clerk, record.id, step_named("replace"), NewContent(), reason="x", if_revision=None),
    ):
        with pytest.raises(TrustError) as raised:
            ask()
        assert code_of(raised) == "LICENCE_ERASED"
    with here.vault.context.database.read() as conn:
        assert conn.exec_driver_sql(f"SELECT count(*) FROM licence_keys WHERE licence_id = '{record.id}'").scalar_one() == 0
