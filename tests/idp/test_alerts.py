"""Who hears of a sign-in: the clients that may read accounts, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.actions.register_client import NewClient, register_client
from idp.model.clients import ClientStatus
from service_kit.webhooks.deliveries import EVENT_TOPIC
from tests.idp.people import Browser, Town
from tests.idp.test_sign_in_flow import town  # noqa: F401 - a fixture


def events(town: Town) -> list[dict[str, Any]]:  # noqa: F811
    with town.desk.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT payload FROM kit_outbox WHERE topic = ? ORDER BY position", (EVENT_TOPIC,)).all()
    return [json.loads(row[0]) for row in rows]


def test_a_new_sign_in_is_told_to_who_may_read_accounts(town: Town) -> None:  # noqa: F811
    clients = idp.service.client_desk(town.here.house.context)
    for name, scopes in (("notifier", ("account.read",)), ("office", ("seal.read",)), ("former", ("account.read",))):
        register_client(clients, NewClient(name.title(), scopes, client_id=name), actor="test")
    change_client_status(clients, "former", ClientStatus.DISABLED, actor="test")
    person = town.person()
    before = len(events(town))
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    browser.authorize("own")  # the same session: no new sign-in
    told = events(town)[before:]
    assert [each["type"] for each in told] == ["account.sign-in-alert"]
    assert told[0]["audience"] == ["notifier"]
    data = json.loads(told[0]["body"])["data"]
    assert data["account_id"] == person.account_id
    assert data["what"] == "signed in"
    assert data["session_id"].startswith("se_")
    assert person.name not in told[0]["body"]
