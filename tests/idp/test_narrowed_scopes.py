"""What an administrator took of a client's scopes, the client does not give itself again (RFC 7592 2.2)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from idp.actions.set_registration import set_registration
from idp.store.registrations import find_registration
from idp.store.rows import row_mac
from idp.tables import registrations
from tests.deployments import make_deployment, served_here
from tests.idp.test_self_registration import BODY, World
from tests.service_kit.receivers import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with receiver() as rp, served_here(make_deployment(tmp_path_factory.mktemp("narrowed") / "deployment")) as here:
        yield World(here, rp)


def test_attack_a_client_takes_no_scope_back_that_an_administrator_took(world: World) -> None:
    made = world.made()
    client_id = made["client_id"]
    with world.desk.database.read() as connection:
        before = find_registration(connection, client_id, world.desk.mac_key)
    assert before is not None
    # What it left out by itself it may have again
    for scope in ("openid", "openid profile phone"):
        assert world.manage(made, "PUT", {**BODY, "client_id": client_id, "scope": scope}).json()["scope"] == scope
    # What was taken from it, it may not: neither by asking, nor by leaving the member out, nor in two steps
    set_registration(world.desk, replace(before, scopes=("openid", "profile")), actor="test", keeps_token=True)
    for body, scope in (
        ({"scope": "openid profile phone identity"}, "openid profile"),
        ({"scope": "openid"}, "openid"),
        ({}, "openid profile"),
        ({"scope": "phone"}, ""),
        ({"scope": "openid phone"}, "openid"),
    ):
        answer = world.manage(made, "PUT", {**BODY, "client_id": client_id, **body})
        assert (answer.status_code, answer.json()["scope"]) == (200, scope)
    # Until an administrator gives more
    set_registration(world.desk, replace(before, scopes=("openid", "phone")), actor="test", keeps_token=True)
    assert world.manage(made, "PUT", {**BODY, "client_id": client_id, "scope": "openid phone profile"}).json()["scope"] == "openid phone"


def test_attack_scopes_of_a_row_from_before_do_not_grow(world: World) -> None:
    """Who narrowed them is not known of such a row: it may have been an administrator."""
    made = world.made(scope="openid")
    with world.desk.database.read() as connection:
        before = find_registration(connection, made["client_id"], world.desk.mac_key)
    assert before is not None
    row = {name: value for name, value in asdict(before).items() if name != "scopes_most"}
    values = {"client_id": before.client_id, "metadata_json": json.dumps(row), "changed_at": 1}
    values["row_mac"] = row_mac(world.desk.mac_key, registrations.name, values)
    where = registrations.c.client_id == before.client_id
    world.desk.database.write(lambda connection: connection.execute(update(registrations).where(where).values(values)))
    answer = world.manage(made, "PUT", {**BODY, "client_id": made["client_id"], "scope": "openid profile"})
    assert (answer.status_code, answer.json()["scope"]) == (200, "openid")
