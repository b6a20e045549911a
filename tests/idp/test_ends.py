"""What ends stays ended: sessions, what waits on them, and what was opened with credentials that have changed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest

import idp.service
from idp.actions.end_session import end_all_sessions
from idp.actions.manage_accounts import change_account_status
from idp.model.people import AccountKind, AccountStatus
from idp.model.requests import ClientProfile
from idp.model.sign_in import Session
from idp.store.sign_ins import insert_session, living_sessions
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from idp.model.people import Account

PAGE: Final = 200  # more than one page of rows stands before those that matter
NUMBERS: Final = count()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    own = ClientProfile("own", "Own portal", is_own=True)
    shop = ClientProfile("shop", "Housing office", purpose="To fill in your application")
    protocol = Registered({each.client_id: each for each in (own, shop)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
        with served_here(make_deployment(tmp_path_factory.mktemp("ends") / "deployment")) as here:
            yield settle(here, protocol)


@dataclass
class One:
    """A person with a login of its own, so that the tests of this module share a deployment."""

    town: Town
    account: Account
    login: str

    @property
    def account_id(self) -> str:
        return self.account.account_id

    def signed_in(self, client: str = "own") -> Browser:
        browser = Browser(self.town.here)
        browser.authorize(client)
        browser.log_in(self.login)
        return browser

    def living(self) -> list[str]:
        desk = self.town.desk
        with desk.database.read() as connection:
            return [each.session_id for each in living_sessions(connection, desk.vault, self.account_id, desk.clock.now())]


@pytest.fixture
def one(town: Town) -> One:
    login = f"one{next(NUMBERS)}"
    return One(town, town.person(login), login)


def switch_off(one: One) -> None:
    for status in (AccountStatus.DISABLED, AccountStatus.ACTIVE):
        change_account_status(one.town.desk, one.account_id, AccountKind.PERSON, status, actor="test")


# However many there are


@pytest.mark.parametrize("how", ["signed out everywhere", "disabled"])
def test_every_living_session_ends_however_many_have_ended_before(one: One, how: str) -> None:
    desk = one.town.desk
    at = desk.clock.now()

    def add(connection: Connection) -> None:
        for number in range(PAGE + 2):
            ended_at = None if number > PAGE else at
            insert_session(
                connection,
                desk.vault,
                Session(
                    f"se_{number:03}{secrets.token_hex(8)}",
                    secrets.token_bytes(32),
                    one.account_id,
                    None,
                    2,
                    ("password",),
                    "Firefox",
                    at,
                    at,
                    at,
                    at + timedelta(hours=12),
                    ended_at=ended_at,
                ),
            )

    desk.database.write(add)
    assert len(one.living()) == 1
    if how == "disabled":
        switch_off(one)
    else:
        assert end_all_sessions(desk, one.account_id, actor="test") == 1
    assert one.living() == []
