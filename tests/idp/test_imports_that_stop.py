"""An import ends with the right to it of whoever sent it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import idp.service
from idp.actions import import_accounts
from idp.actions.change_client_status import change_client_status
from idp.actions.import_accounts import receive_import, run_imports
from idp.actions.manage_accounts import change_account_status
from idp.model.clients import ClientStatus
from idp.model.imports import ImportForm
from idp.model.people import AccountKind, AccountStatus
from idp.store.imports import list_rows, load_import
from tests.idp.test_changes import bearer
from tests.idp.test_imports import account, town_fixture  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.people import Town


@pytest.mark.parametrize("stopped", ["client", "person"])
def test_attack_an_import_goes_on_after_who_sent_it_was_disabled(town: Town, monkeypatch: pytest.MonkeyPatch, stopped: str) -> None:
    """What was dealt with by then stays; of the rest nothing is done any more, and nothing is kept."""
    monkeypatch.setattr(import_accounts, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(import_accounts, "ROWS_PER_TURN", 1)
    source, client = f"left-{stopped}", f"sender-{stopped}"
    bearer(town, client, "directory.manage")
    clients = idp.service.client_desk(town.here.house.context)
    person = town.person(f"sent-{stopped}").account_id
    actor = f"client:{client}" if stopped == "client" else f"client:{client} for {person}"
    text = "source_id,name\r\n" + "".join(f"{number},测试{number}\r\n" for number in range(1, 4))
    received = receive_import(town.desk, source, text.encode(), ImportForm.CSV, is_dry_run=False, actor=actor, client_id=client)
    assert run_imports(town.desk) == 1
    if stopped == "client":
        change_client_status(clients, client, ClientStatus.DISABLED, actor="test")
    else:
        change_account_status(town.desk, person, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    while run_imports(town.desk):
        pass
    with town.desk.database.read() as connection:
        made = load_import(connection, town.desk.vault, received.import_id)
        rows = list_rows(connection, received.import_id, outcome=None, after=0, count=9)
        kept = connection.exec_driver_sql("SELECT count(*) FROM idp_import_rows WHERE row_sealed IS NOT NULL").scalar_one()
    assert made.state == "finished"
    assert [(each.outcome.value, each.code) for each in rows] == [("created", ""), *[("refused", "IMPORT_STOPPED")] * 2]
    assert account(town, source, "2") is None
    assert kept == 0
    recorded = json.loads(town.audited("import.finish")[-1])
    assert (recorded["facts"]["created"], recorded["facts"]["refused"], recorded["facts"]["stopped"]) == (1, 2, True)
