"""Whose licence another region gave sees that it was shown, and finds what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.export_subject import export_subject
from licence_vault.actions.query_foreign_licence import sweep_foreign
from licence_vault.actions.use_desk import UseDesk
from licence_vault.model import Holder
from licence_vault.reporting import limits
from licence_vault.uses import DONE, UseAction, UseMode
from standards.errors import Kind, TrustError
from tests.licence_vault.abroad_here import OFFICE, OTHER_OFFICE, REGION, Abroad, abroad_in, as_new, refusal
from tests.licence_vault.issuing_here import PERSON
from tests.postgres import postgres_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    with abroad_in(tmp_path_factory.mktemp("foreign")) as abroad:
        yield abroad


@pytest.fixture
def abroad(shared: Abroad) -> Abroad:
    return as_new(shared)


def exported(abroad: Abroad, holder: Holder = PERSON) -> list[dict[str, Any]]:
    """What the export of everything that is held on a holder has of other regions."""
    desk = UseDesk(abroad.desk.context, abroad.desk.contents, None)
    parts = list(export_subject(desk, OFFICE, (holder.code_type, holder.code), reason="本人申请"))
    assert parts[-1] == {"kind": "end", "complete": True}
    return [each for each in parts if each["kind"] == "foreign"]


def lines(abroad: Abroad, holder: Holder = PERSON) -> list[tuple[str, str | None, str, str]]:
    """What its holder sees of questions to other regions, the newest first."""
    with abroad.desk.context.database.read() as conn:
        subjects = [abroad.desk.contents.find_holder(holder.code_type, holder.code)]
        found = store.list_uses_of_subjects(conn, subjects, before=None, limit=100)
    return [
        (each.client, each.mode, each.reason, each.outcome)
        for each in found
        if each.action is UseAction.ASKED_ELSEWHERE and each.type_code == abroad.record.type_code
    ]


def test_whose_licence_it_is_sees_that_it_was_shown_and_finds_it_in_his_export(abroad: Abroad) -> None:
    before = lines(abroad)
    first = abroad.ask(mode=UseMode.CONSENTED, consent="同意书 1")
    assert lines(abroad) == [("cl_office", UseMode.CONSENTED, "跨省通办；同意书 1", DONE), *before]
    abroad.ask()  # what is kept is shown
    assert lines(abroad)[0] == ("cl_office", UseMode.BY_DUTY, "跨省通办", DONE)
    assert first.licence is not None
    [held] = exported(abroad)
    assert (held["region"], held["identifier"], held["asked_by"]) == (REGION, abroad.record.identifier, "cl_office")
    assert held["data"] == first.licence.as_json()
    assert held["file_digest"] == sm3(abroad.simulator.shared[abroad.record.identifier][0]).hex()
    assert held["fetched_at"] == first.fetched_at.isoformat().replace("+00:00", "Z")
    abroad.ask(OTHER_OFFICE)
    assert {each["asked_by"] for each in exported(abroad)} == {"cl_office", "cl_other"}
    abroad.later(limits.FOREIGN_FRESH_SECONDS + 1)
    abroad.share(abroad.record)
    abroad.ask()  # in place of what was kept before
    assert sorted(each["asked_by"] for each in exported(abroad)) == ["cl_office", "cl_other"]
    abroad.later(limits.FOREIGN_KEPT_SECONDS)
    assert [each["asked_by"] for each in exported(abroad)] == ["cl_office"]
    abroad.later(1)
    assert exported(abroad) == [], "though nothing has swept"
    sweep_foreign(abroad.desk)
    assert exported(abroad) == []


def test_what_is_kept_is_found_and_swept_on_postgresql_too(tmp_path: Path) -> None:
    with abroad_in(tmp_path, database_url=postgres_url()) as there:
        there.share(there.record)
        test_whose_licence_it_is_sees_that_it_was_shown_and_finds_it_in_his_export(there)


def test_each_holder_of_it_sees_it_and_nobody_else(abroad: Abroad) -> None:
    other, stranger = Holder("示例乙", "E20000001", "414"), Holder("示例丙", "E20000002", "414")
    record = abroad.here.issue(holders=(PERSON, other))
    abroad.share(record)
    abroad.ask(identifier=record.identifier)
    assert [each["identifier"] for each in exported(abroad, other)] == [record.identifier]
    assert len(lines(abroad, other)) == 1
    assert (exported(abroad, stranger), lines(abroad, stranger)) == ([], [])


def test_of_what_is_not_shown_its_holder_hears_nothing_and_nothing_is_kept(abroad: Abroad) -> None:
    before = lines(abroad)
    assert abroad.ask(holder_code="110105194912310000").licence is None
    abroad.simulator.shared.clear()
    assert refusal(abroad.ask)[0] == "LICENCE_FOREIGN_NOT_FOUND"
    assert (lines(abroad), exported(abroad)) == (before, [])


def test_nobody_asks_as_if_he_were_the_holder(abroad: Abroad) -> None:
    """A holder's own looks do not stand among the uses that he is shown first: whoever may name them as such asks unseen."""
    assert refusal(lambda: abroad.ask(mode=UseMode.OWN, consent="本人")) == ("FIELD_UNACCEPTABLE", "consented, duty or entrusted")
    assert abroad.asked() == 0


def test_without_its_line_nothing_is_shown_and_nothing_kept(abroad: Abroad, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE", reason="no space left")

    monkeypatch.setattr("licence_vault.actions.query_foreign_licence.record_use", fail)
    assert refusal(abroad.ask)[0] == "AUDIT_UNAVAILABLE"
    assert exported(abroad) == []
