"""The access log: every use stands in it and in the audit trail, holders find it, and nothing changes a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from licence_vault import store
from licence_vault.actions.record_use import record_use
from licence_vault.use_tables import use_subjects, uses
from licence_vault.uses import DONE, Officer, UseAction, UseMode, read_officer
from service_kit.append_only import protect_rows
from service_kit.audit import find_entry
from standards.errors import TrustError
from tests.audit_trail import blocked
from tests.licence_vault.issuing_here import PERSON, IssuingHere
from tests.licence_vault.type_files import TYPE
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.register import LicenceRecord
    from licence_vault.uses import UseRecord

OFFICER = Officer("李四（示例）", "窗口受理", "不动产登记中心")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("uses") / "d") as made:
        yield made


@pytest.fixture(scope="module")
def licence(here: IssuingHere) -> LicenceRecord:
    return here.issue()


def record(here: IssuingHere, **changes: Any) -> int:
    wish: dict[str, Any] = {
        "licence": None,
        "action": UseAction.QUERIED,
        "mode": UseMode.BY_DUTY,
        "client": "cl_office",
        "actor": "client:cl_office",
        "officer": OFFICER,
        "reason": "办理变更登记",
        "outcome": DONE,
        "at": AT,
    } | changes
    return here.vault.context.database.write(lambda conn: record_use(here.vault.context, here.means.contents, conn, **wish))


def seen(here: IssuingHere, *holders: tuple[str, str], before: int | None = None, limit: int = 50) -> list[UseRecord]:
    subjects = [here.means.contents.find_holder(*each) for each in holders]
    with here.vault.context.database.read() as conn:
        return store.list_uses_of_subjects(conn, subjects, before=before, limit=limit)


def test_a_use_is_seen_by_the_holder_and_stands_in_the_audit_trail(here: IssuingHere, licence: LicenceRecord) -> None:
    number = record(here, licence=licence)
    line = next(each for each in seen(here, (PERSON.code_type, PERSON.code)) if each.id == number)
    assert (line.licence_id, line.type_code, line.client, line.action) == (licence.id, TYPE, "cl_office", UseAction.QUERIED)
    assert (line.mode, line.reason, line.outcome, line.at) == (UseMode.BY_DUTY, "办理变更登记", DONE, AT)
    assert line.officer_sealed is not None
    assert OFFICER.name.encode() not in line.officer_sealed
    assert read_officer(here.means.contents.open_officer(line.officer_sealed)) == OFFICER
    assert OFFICER.name not in repr(OFFICER)
    with here.vault.context.database.read() as conn:
        entry = find_entry(conn, line.audit_id)
    assert (entry.action, entry.outcome, entry.actor) == ("licence-use.queried", "done", "client:cl_office")
    assert entry.subject == f"licence:{licence.id}"


def test_a_query_that_found_nothing_is_seen_by_whom_it_was_about(here: IssuingHere) -> None:
    someone = ("111", "110105194912310011")
    subjects = [here.means.contents.find_holder(*someone)]
    numbers = [
        record(here, action=UseAction.REFUSED, outcome="LICENCE_NOT_FOUND", mode=None, officer=None, type_code=TYPE, subjects=subjects)
        for _ in range(3)
    ]
    lines = seen(here, someone)
    assert [each.id for each in lines] == numbers[::-1]  # newest first
    assert (lines[0].licence_id, lines[0].type_code, lines[0].mode, lines[0].outcome) == (None, TYPE, None, "LICENCE_NOT_FOUND")
    assert [each.id for each in seen(here, someone, before=numbers[2], limit=1)] == [numbers[1]]
    assert seen(here, ("111", "110105194912310038")) == []
    assert seen(here, ("414", someone[1])) == []  # the same characters as another kind of code are somebody else


@pytest.mark.parametrize(
    "statement", [update(uses).values(reason="x"), delete(uses), update(use_subjects).values(use_id=1), delete(use_subjects)]
)
def test_nothing_changes_or_removes_a_line(here: IssuingHere, licence: LicenceRecord, statement: Any) -> None:
    number = record(here, licence=licence)
    with pytest.raises((DBAPIError, TrustError)):
        here.vault.context.database.write(lambda conn: conn.execute(statement))
    assert number in {each.id for each in seen(here, (PERSON.code_type, PERSON.code))}


def test_without_an_audit_trail_nothing_is_recorded_or_given(here: IssuingHere, licence: LicenceRecord) -> None:
    before = seen(here, (PERSON.code_type, PERSON.code))
    with blocked(), pytest.raises(TrustError, match="AUDIT_UNAVAILABLE"):
        record(here, licence=licence)
    assert seen(here, (PERSON.code_type, PERSON.code)) == before


def test_only_names_of_tables_are_protected(here: IssuingHere) -> None:
    with here.vault.context.database.read() as conn, pytest.raises(ValueError, match="DROP"):
        protect_rows(conn, "x; DROP TABLE y")
