"""What ends stays ended: sessions, what waits on them, and what was opened with credentials that have changed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

import idp.service
from idp.actions.admit_sign_in import SignInDoor
from idp.actions.end_session import end_all_sessions, end_session
from idp.actions.keep_key import drop_key
from idp.actions.manage_accounts import change_account_status
from idp.actions.set_credentials import issue_recovery_code, remove_credential, set_password, set_totp
from idp.actions.sign_in_row import cookie_hash
from idp.limits import SIGN_INS_COUNTED_SECONDS, SIGN_INS_PER_PEER, SIGN_INS_RETRY_SECONDS
from idp.model.people import AccountKind, AccountStatus, Credential, CredentialKind, new_id
from idp.model.requests import ClientProfile
from idp.model.sign_in import Session
from idp.store.accounts import account_standing, raise_credential_epoch
from idp.store.credentials import list_credentials, put_credential
from idp.store.sign_ins import count_sign_ins, insert_session, living_sessions
from standards.errors import Kind, TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, CHALLENGE, Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from idp.model.people import Account

PAGE: Final = 200  # more than one page of rows stands before those that matter
NUMBERS: Final = count()
ASKED: Final = {
    "client_id": "own",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    own = ClientProfile("own", "Own portal", is_own=True)
    shop = ClientProfile("shop", "Housing office", purpose="To fill in your application")
    protocol = Registered({each.client_id: each for each in (own, shop)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
        with served_here(make_deployment(tmp_path_factory.mktemp("ends") / "deployment", services=["idp"])) as here:
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


# What waits


def test_an_ended_session_is_not_revived_by_what_waited_on_it(one: One) -> None:
    browser = one.signed_in()
    issued = len(one.town.protocol.issued)
    browser.authorize("shop")
    assert browser.heading == "Your consent"
    assert end_all_sessions(one.town.desk, one.account_id, actor="test") == 1
    browser.submit("consent")
    assert browser.heading == "Sign in"
    assert one.living() == []
    assert len(one.town.protocol.issued) == issued
    # From here it goes on as any sign-in does: consent is asked again, since none was stored
    browser.log_in(one.login)
    assert browser.heading == "Your consent"
    browser.submit("consent")
    assert browser.returned["code"]


@pytest.mark.parametrize("form", ["consent", "account"])
def test_one_session_that_ended_takes_along_what_waited_on_it(one: One, form: str) -> None:
    browser = one.signed_in()
    browser.authorize("shop", **({"prompt": "select_account"} if form == "account" else {}))
    page = browser.answer
    (session_id,) = one.living()
    end_session(one.town.desk, session_id, actor="test")
    browser.answer = page
    browser.submit(form)
    assert browser.heading == "Sign in"
    assert one.living() == []


def new_password(one: One) -> None:
    set_password(one.town.desk, one.account_id, "other horse 88", actor="test")


def new_secret(one: One) -> None:
    set_totp(one.town.desk, one.account_id, actor="test")
    set_totp(one.town.desk, one.account_id, actor="test")


def removal(one: One) -> None:
    with one.town.desk.database.read() as connection:
        (found,) = list_credentials(connection, one.town.desk.vault, one.account_id)
    remove_credential(one.town.desk, one.account_id, found.credential_id, actor="test")


@pytest.mark.parametrize("change", [new_password, new_secret, removal, switch_off])
def test_a_sign_in_under_way_begins_again_when_credentials_change(one: One, change: Callable[[One], None]) -> None:
    browser = Browser(one.town.here)
    browser.authorize("shop")
    browser.log_in(one.login)  # a first factor was shown, no session is there yet
    assert browser.heading == "Your consent"
    change(one)
    browser.submit("consent")
    assert browser.heading == "Sign in"
    assert one.living() == []


def test_a_session_made_while_credentials_change_does_not_count(one: One) -> None:
    browser = one.signed_in()
    desk = one.town.desk
    # As of another job of that moment: nothing ended it, but it rests on the factors of before
    desk.database.write(lambda connection: raise_credential_epoch(connection, desk.vault, one.account_id))
    browser.go("/sessions")
    assert browser.heading == "Sign in"
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "login_required"


def test_a_recovery_code_ends_what_was_open_and_its_own_sign_in_goes_on(one: One) -> None:
    other = one.signed_in()
    code = issue_recovery_code(one.town.desk, one.account_id, actor="test")
    other.go("/sessions")
    assert other.heading != "Sign in"  # a code that nobody has used yet ends nothing
    me = Browser(one.town.here)
    me.authorize("own")
    me.go(me.path + "?method=recovery")
    me.submit("recovery", login=one.login, code=code)
    me.submit("new-password", password="brand new horse 9")
    assert me.returned["code"]
    other.go("/sessions")
    assert other.heading == "Sign in"
    assert one.living() == [one.town.protocol.issued[-1].session_id]


def test_the_epoch_is_part_of_the_row(one: One) -> None:
    one.signed_in()
    desk = one.town.desk
    new_password(one)
    back = {"account": one.account_id}
    desk.database.write(lambda c: c.execute(text("UPDATE idp_accounts SET credential_epoch = NULL WHERE account_id = :account"), back))
    with desk.database.read() as connection, pytest.raises(TrustError, match="ROW_ALTERED"):
        account_standing(connection, desk.vault, one.account_id)


@pytest.mark.parametrize("mac", ["0" * 64, "é", "", "\u6d4b" * 64])
def test_signing_out_goes_nowhere_that_this_site_did_not_write_down(one: One, mac: str) -> None:
    browser = one.signed_in()
    browser.go("/logout")
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes", "target": "https://evil.example/", "target_mac": mac})
    assert browser.answer.headers["location"] == "/logout/done"
    assert one.living() == []


def test_who_removes_a_key_stays_and_everybody_else_goes(one: One) -> None:
    other, browser = one.signed_in(), one.signed_in()
    desk = one.town.desk
    key = Credential(
        new_id("cr_"), one.account_id, CredentialKind.CERTIFICATE, b"x", "UKey", desk.clock.now(), find_hash=one.login.encode()
    )
    desk.database.write(lambda connection: put_credential(connection, desk.vault, key))
    drop_key(desk, cookie_hash(browser.cookies["yinxin-session"]), key.credential_id)
    browser.go("/sessions")
    assert browser.heading != "Sign in"
    other.go("/sessions")
    assert other.heading == "Sign in"
    assert len(one.living()) == 1


# How many may be begun


@pytest.mark.parametrize(
    "path",
    ["/authorize?" + urlencode(ASKED), "/links", "/keys", "/sessions", "/switch"],
)
@pytest.mark.parametrize(("code", "status"), [("SIGN_INS_TOO_MANY", 429), ("SIGN_IN_BUSY", 503)])
def test_who_is_not_let_in_sees_a_page_that_says_when(
    town: Town, path: str, code: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = Kind.TOO_MANY if status == 429 else Kind.UNAVAILABLE

    def admit(_door: SignInDoor, _connection: Connection, peer: str) -> None:
        assert peer == "192.0.2.7"
        raise TrustError(kind, code, retry_after_seconds=7)

    monkeypatch.setattr(SignInDoor, "admit", admit)
    browser = Browser(town.here)
    browser.go(path)
    assert (browser.answer.status_code, browser.answer.headers["retry-after"]) == (status, "7")
    assert ("Too many sign-ins begun" if status == 429 else "Sign-in is busy") in browser.answer.text


def test_sign_ins_are_counted_by_address_and_in_all(one: One) -> None:
    """A session that answers all that is asked keeps nothing and is not counted."""
    desk, now = one.town.desk, [0.0]
    browser = one.signed_in()

    def admitted(door: SignInDoor, peer: str) -> str:
        try:
            desk.database.write(lambda connection: door.admit(connection, peer))
        except TrustError as error:
            return f"{error.code} {error.facts['retry_after_seconds']}"
        return ""

    door = SignInDoor(now=lambda: now[0])
    with desk.database.read() as connection:
        for _ in range(int(SIGN_INS_PER_PEER)):
            door.admit(connection, "192.0.2.1")
    assert admitted(door, "192.0.2.1") == "SIGN_INS_TOO_MANY 1"
    assert admitted(door, "192.0.2.2") == ""
    now[0] += 0.1
    assert admitted(door, "192.0.2.1") == ""
    # In all: what the database keeps, and what this process has let in since
    with desk.database.read() as connection:
        kept = count_sign_ins(connection, 10_000)
        assert count_sign_ins(connection, 1) == 1
    for _ in range(2):  # asked before anything is written: takes nothing, and says the same
        door.look("192.0.2.1")
    while admitted(door, "192.0.2.1") == "":
        continue
    with pytest.raises(TrustError, match="SIGN_INS_TOO_MANY"):
        door.look("192.0.2.1")
    with pytest.raises(TrustError, match="SIGN_INS_TOO_MANY"):  # nor does it go to other providers by the sign-ins it has
        door.leave("192.0.2.1")
    door.look("192.0.2.2")
    door.leave("192.0.2.2")
    door = SignInDoor(most=kept + 2, now=lambda: now[0])
    assert [admitted(door, "192.0.2.3") for _ in range(3)] == ["", "", f"SIGN_IN_BUSY {SIGN_INS_RETRY_SECONDS}"]
    now[0] += SIGN_INS_COUNTED_SECONDS
    assert admitted(door, "192.0.2.3") == ""
    browser.authorize("own")
    assert browser.returned["code"]
    with desk.database.read() as connection:
        assert count_sign_ins(connection, 10_000) == kept


def test_of_ipv6_a_whole_network_is_one_address() -> None:
    door = SignInDoor(now=lambda: 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idp.actions.admit_sign_in.count_sign_ins", lambda *_: 0)
        nothing: Any = None
        for number in range(int(SIGN_INS_PER_PEER)):
            door.admit(nothing, f"2001:db8:0:1::{number:x}")
    with pytest.raises(TrustError, match="SIGN_INS_TOO_MANY"):
        door.look("2001:db8:0:1:ffff::1")
    door.look("2001:db8:0:2::1")


def test_attack_one_session_written_past_the_program_keeps_nothing_from_ending(one: One) -> None:
    desk = one.town.desk
    browsers = [one.signed_in() for _ in range(2)]
    with desk.database.read() as connection:
        first, *_ = living_sessions(connection, desk.vault, one.account_id, desk.clock.now())
    desk.database.write(
        lambda connection: connection.exec_driver_sql(
            f"UPDATE idp_sessions SET acting_for = 'or_thief' WHERE session_id = '{first.session_id}'"
        )
    )
    change_account_status(desk, one.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    with desk.database.read() as connection:
        counted = "SELECT count(*) FROM idp_sessions WHERE account_id = ? AND ended_at IS NULL"
        assert connection.exec_driver_sql(counted, (one.account_id,)).scalar_one() == 0
    assert len(browsers) == 2
