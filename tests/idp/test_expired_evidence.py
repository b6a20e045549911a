"""A level is told no longer than the evidence for it lasts, and no directory gives what that verified to another name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import idp.service
from idp.actions.import_accounts import receive_import, run_imports
from idp.actions.lower_levels import lower_levels
from idp.actions.manage_accounts import AccountChange, NewAccount, add_evidence, change_account, change_account_status, create_account
from idp.api.scim_shapes import PERSON
from idp.model.imports import ImportForm, RowOutcome
from idp.model.people import AccountKind, AccountStatus, Evidence, Identifier, IdentifierKind, new_id
from idp.store.accounts import find_account, insert_account, insert_evidence
from idp.store.imports import list_rows
from idp.store.levels import overstated
from standards.errors import TrustError
from tests.clocks import FixedClock
from tests.idp.databases import database, database_url  # noqa: F401 - fixtures
from tests.idp.test_changes import bearer, get
from tests.idp.test_people_store import AT, VAULT, person, resident_number
from tests.idp.test_scim import patch_of, scim  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.database import Database
    from tests.idp.scim import Scim

HOUR = timedelta(hours=1)


def proven(desk: PeopleDesk, account_id: str, level: int, *, lasts: timedelta | None, ago: timedelta = HOUR) -> None:
    """Evidence that was entered some time ago, and lasts so long from then on."""
    earlier = FixedClock(desk.clock.now() - ago)
    until = None if lasts is None else earlier.at + lasts
    item = Evidence(new_id("ev_"), "counter", "Demo hall", level, earlier.at, until)
    add_evidence(replace(desk, clock=earlier), account_id, AccountKind.PERSON, item, actor="test")


def test_what_is_overstated_on_either_database(database: Database) -> None:  # noqa: F811
    def entered(level: int, *pieces: tuple[int, timedelta | None], status: AccountStatus = AccountStatus.ACTIVE) -> str:
        made = person(level=level, status=status)

        def store(connection: Connection) -> None:
            insert_account(connection, VAULT, made)
            for worth, lasts in pieces:
                item = Evidence(new_id("ev_"), "counter", "Demo hall", worth, AT - 2 * HOUR, None if lasts is None else AT + lasts)
                insert_evidence(connection, VAULT, made.account_id, item)

        database.write(store)
        return made.account_id

    over = [entered(3, (3, -HOUR)), entered(3, (3, timedelta()), (2, None)), entered(2, (3, -HOUR), (2, -HOUR), (1, HOUR))]
    entered(3, (3, -HOUR), (3, HOUR))
    entered(2, (3, -HOUR), (2, None))
    entered(0, (3, -HOUR))
    entered(1, (1, None))
    entered(3, (3, -HOUR), status=AccountStatus.CLOSED)
    with database.read() as connection:
        found = overstated(connection, AT, after="", count=9)
        assert found == sorted(over)
        assert overstated(connection, AT, after=found[0], count=1) == found[1:2]


def test_attack_a_level_whose_evidence_has_run_out_is_told_to_nobody(scim: Scim) -> None:  # noqa: F811
    town = scim.town
    desk = town.desk
    over, rests, closed = (scim.user(f"runs-out-{index}")["id"] for index in range(3))
    lasting = scim.user("lasts")["id"]
    for each in (over, rests, closed):
        proven(desk, each, 3, lasts=HOUR / 2)
    proven(desk, rests, 1, lasts=None)
    proven(desk, lasting, 3, lasts=HOUR / 2)
    proven(desk, lasting, 3, lasts=2 * HOUR)
    change_account_status(desk, closed, AccountKind.PERSON, AccountStatus.CLOSED, actor="test")
    before = get(town, scim.headers, f"/v1/account-facts/{over}")
    lower_levels(desk)
    assert lower_levels(desk) == 0, "once"
    reader = bearer(town, "levels", "account.read")
    for account_id, level in ((over, 0), (rests, 1), (lasting, 3)):
        assert get(town, reader, f"/v1/accounts/{account_id}")["level"] == level
        assert scim.ok("GET", f"/Users/{account_id}")[PERSON]["level"] == level
        assert get(town, scim.headers, f"/v1/account-facts/{account_id}")["facts"]["level"] == level
    after = get(town, scim.headers, f"/v1/account-facts/{over}")
    assert after["digest"] != before["digest"]
    recorded = [json.loads(each) for each in town.audited("account.evidence-expire")]
    for account_id, told in ((over, [(3, 0)]), (rests, [(3, 1)]), (lasting, []), (closed, [])):
        found = [each["facts"] for each in recorded if each["subject"] == f"account:{account_id}"]
        assert [(each["level_before"], each["level"]) for each in found] == told
    with desk.database.read() as connection:
        kept = find_account(connection, desk.vault, closed)
    assert kept is not None
    assert kept.level == 3, "closed: nothing about it changes any more"


def test_an_edited_row_keeps_no_other_account_from_being_lowered(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    desk = scim.town.desk
    monkeypatch.setattr("idp.actions.lower_levels._AT_ONCE", 1)
    made = [scim.user(f"edited-{index}")["id"] for index in range(3)]
    for each in made:
        proven(desk, each, 2, lasts=HOUR / 2)
    edit = "UPDATE idp_evidence SET source = :said WHERE account_id = :edited"
    desk.database.write(lambda connection: connection.exec_driver_sql(edit, {"said": "X", "edited": made[0]}))
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        lower_levels(desk)
    assert [scim.ok("GET", f"/Users/{each}")[PERSON]["level"] for each in made] == [2, 0, 0]
    desk.database.write(lambda connection: connection.exec_driver_sql(edit, {"said": "Demo hall", "edited": made[0]}))
    lower_levels(desk)
    assert scim.ok("GET", f"/Users/{made[0]}")[PERSON]["level"] == 0


def test_attack_a_directory_renames_whom_evidence_that_ran_out_had_proven(scim: Scim) -> None:  # noqa: F811
    """The number would stay verified, for a name with which nobody ever compared it."""
    town, number = scim.town, resident_number("99000019900307919")
    desk = town.desk
    made = scim.user("renamed-later")
    path, login = f"/Users/{made['id']}", Identifier(IdentifierKind.LOGIN, "renamed-later")
    verified = Identifier(IdentifierKind.RESIDENT_ID, number, desk.clock.now())
    change_account(desk, made["id"], AccountKind.PERSON, AccountChange(identifiers=(login, verified)), actor="test")
    proven(desk, made["id"], 3, lasts=HOUR / 2)
    proven(desk, made["id"], 1, lasts=None, ago=timedelta())
    assert scim.ok("GET", path)[PERSON]["level"] == 1
    other = resident_number("99000019900307929")
    for operation in (
        {"op": "replace", "path": "displayName", "value": "别人"},
        {"op": "add", "value": {PERSON: {"idType": "resident_id", "idNumber": other}}},
    ):
        assert scim.refused("PATCH", path, patch_of(operation)) == (400, "mutability")
    scim.patch(path, {"op": "replace", "path": "emails", "value": [{"value": "stays@example.org"}]})
    # And so no import
    imported = create_account(
        desk, NewAccount(AccountKind.PERSON, "测试甲", (Identifier(IdentifierKind.UPSTREAM, "import:late|1"),)), actor="test"
    )
    proven(desk, imported.account_id, 2, lasts=HOUR / 2)
    proven(desk, imported.account_id, 1, lasts=None, ago=timedelta())
    received = receive_import(
        desk, "late", "source_id,name\r\n1,别人\r\n".encode(), ImportForm.CSV, is_dry_run=False, actor="operator:test"
    )
    while run_imports(desk):
        pass
    with desk.database.read() as connection:
        rows = list_rows(connection, received.import_id, outcome=None, after=0, count=9)
    assert [(each.outcome, each.code) for each in rows] == [(RowOutcome.REFUSED, "ACCOUNT_PROVEN")]


def test_a_process_looks_for_levels_to_lower(scim: Scim) -> None:  # noqa: F811
    assert "lasting-levels" in {job.name for job in idp.service.build(scim.town.here.house.context).jobs}
