"""What names at the sign-in page must not do: tell which there are, or stand for something of ours."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import bcrypt
from markupsafe import escape
from sqlalchemy import update

from idp.actions import show_password
from idp.actions.set_credentials import put_in, set_totp
from idp.actions.show_password import REFUSED_AFTER_SECONDS
from idp.actions.weigh_passwords import weigh_passwords
from idp.credentials.passwords import PasswordPool, hash_password, is_right
from idp.model.hash_costs import OURS_SECONDS, check_seconds, dear_milliseconds
from idp.model.people import CredentialKind
from idp.store.credentials import credential_row, list_credentials
from idp.store.rows import row_mac, without_unset
from idp.tables import credentials
from tests.idp.people import PASSWORD, Browser
from tests.idp.test_sign_in_flow import now_code, town  # noqa: F401 - a fixture

if TYPE_CHECKING:
    import pytest
    from sqlalchemy import Connection, Update

    from tests.idp.people import Town


def test_attack_nobody_locks_a_second_factor_by_what_he_types_as_a_name(town: Town) -> None:  # noqa: F811
    """Failures under a name are counted by the name as typed: none of them may be what something of ours is counted by."""
    person = town.person(needs_two_factors=True)
    secret = set_totp(town.desk, person.account_id, actor="test")
    mine = Browser(town.here)
    mine.authorize("own")
    mine.log_in()
    stranger = Browser(town.here)
    stranger.authorize("own")
    for _ in range(6):
        for name in (f"second factor of {person.account_id}", f"passkey in {mine.path.rpartition('/')[2]}"):
            stranger.log_in(name, "wrong horse 77")
            assert stranger.answer.status_code == 401
    mine.submit("code", code=now_code(town, secret))
    assert mine.returned["code"]


def test_attack_a_cheap_hash_of_another_system_tells_nobody_that_there_is_an_account() -> None:
    """Refusing takes as long as where nobody is known: a wrong password after one pass of SM3 was refused a thousand times faster."""

    def seconds(kept: bytes | None) -> float:
        begun = time.thread_time()
        assert not is_right(kept, "wrong horse 77")
        return time.thread_time() - begun

    cheap = "$2b$08$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    kept = (
        None,
        cheap,
        cheap.replace("$08$", "$04$"),
        "$sm3$c2FsdA$" + "0" * 64,
        "$pbkdf2-sha256$1000$c2FsdA$" + "A" * 43,
        "$pbkdf2-sm3$1000$c2FsdA$" + "A" * 43,
    )
    # In turn, and the shortest of each: how fast the machine is just now, others at work beside it, must not decide
    rounds = [[seconds(None if each is None else each.encode()) for each in kept] for _ in range(5)]
    nobody, *others = (min(found) for found in zip(*rounds, strict=True))
    assert all(each > 0.7 * nobody for each in others), (nobody, others)


def test_attack_a_dear_hash_of_another_system_tells_nobody_that_there_is_an_account(town: Town) -> None:  # noqa: F811
    """bcrypt of cost 10 takes twice as long as ours: no refusal is answered before either could be through."""
    browser = Browser(town.here)
    browser.go("/sessions")
    begun = time.monotonic()
    browser.log_in("nobody-of-this-name", "wrong horse 77")
    assert browser.heading == "Sign in"
    assert time.monotonic() - begun >= REFUSED_AFTER_SECONDS


def run(statement: Update, connection: Connection) -> None:
    connection.execute(statement)


def test_attack_the_dearest_hash_on_record_tells_nobody_that_there_is_an_account(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """bcrypt of cost 13 takes half a second: every refusal waits for that, whoever it is about, while there is such a hash, and no longer.

    How long things take on this machine just now decides nothing here: what is looked at is until when each refusal waits, counted from its check.
    """
    waits: list[float] = []
    began: list[float] = []

    async def wait(at_seconds: float) -> None:
        waits.append(at_seconds - began[-1])

    timed = show_password._check_timed

    def check(*given: Any) -> tuple[bool, bytes | None, float]:
        found = timed(*given)
        began.append(found[2])
        return found

    monkeypatch.setattr(show_password, "_wait_until", wait)
    monkeypatch.setattr(show_password, "_check_timed", check)
    monkeypatch.setattr(type(town.desk.pool), "slowness", 1.0)
    dear, plain = town.person("dear"), town.person("plain")
    browser = Browser(town.here)

    def refusals() -> list[float]:
        waits.clear()
        for name in ("nobody-of-this-name", "dear", "plain"):
            browser.go("/sessions")
            browser.log_in(name, "wrong horse 77")
            assert browser.heading == "Sign in"
        return [round(each, 3) for each in waits]

    assert refusals() == [REFUSED_AFTER_SECONDS] * 3
    kept = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(13))
    desk, at = town.desk, town.desk.clock.now()
    desk.database.write(lambda connection: put_in(connection, desk, dear.account_id, CredentialKind.PASSWORD, kept, "test", at))
    assert refusals() == [1.0] * 3
    # Also of one that was there before costs were, once the job has looked; one that was written past the program does not stop it
    rows = {}
    with desk.database.read() as connection:
        for person in (dear, plain):
            (credential,) = list_credentials(connection, desk.vault, person.account_id)
            rows[credential.credential_id] = {**credential_row(desk.vault, credential), "check_milliseconds": None}
    with monkeypatch.context() as held:  # the town's own job, which may come in this moment
        held.setattr("idp.store.credentials.weigh_passwords", lambda *_, **__: (0, None))
        for name, row in rows.items():
            before = without_unset(row, {"check_milliseconds"})
            mac = row_mac(desk.vault.mac_key, "idp_credentials", before)
            values = {**before, "row_mac": mac}
            as_before = update(credentials).where(credentials.c.credential_id == name).values(**values, check_milliseconds=None)
            desk.database.write(partial(run, as_before))
        altered = "UPDATE idp_credentials SET counter = 7, check_milliseconds = NULL WHERE account_id = ?"
        other = town.person("altered")
        desk.database.write(lambda connection: connection.exec_driver_sql(altered, (other.account_id,)))
        assert refusals() == [REFUSED_AFTER_SECONDS] * 3
        mine = Browser(town.here)
        mine.go("/sessions")
        mine.log_in("plain")
        assert mine.path == "/sessions", "a row from before is good as it is"
        assert show_password.refused_after(desk, 1_000_000_000) == show_password.REFUSED_AFTER_SECONDS_MAX
    assert weigh_passwords(desk) == 2
    assert refusals() == [1.0] * 3
    assert weigh_passwords(desk) == 0
    # The right password puts a hash of ours in its place
    browser.go("/sessions")
    browser.log_in("dear")
    assert browser.path == "/sessions"
    browser = Browser(town.here)
    assert refusals() == [REFUSED_AFTER_SECONDS] * 3


def test_a_refusal_waits(town: Town) -> None:  # noqa: F811
    """And it does wait until then: a slower machine makes it later still, never sooner."""
    desk, dear = town.desk, town.person("dearest")
    kept, at = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(13)), town.desk.clock.now()
    desk.database.write(lambda connection: put_in(connection, desk, dear.account_id, CredentialKind.PASSWORD, kept, "test", at))
    browser = Browser(town.here)
    browser.go("/sessions")
    begun = time.monotonic()
    browser.log_in("nobody-of-this-name", "wrong horse 77")
    assert browser.heading == "Sign in"
    assert time.monotonic() - begun >= 1.0


def test_what_hashes_cost() -> None:
    """In proportion to what makes them dear; the limits of what is brought in bound it."""
    end = ".CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"[1:]
    costs = [check_seconds(f"$2b${cost:02}${end}".encode()) for cost in range(4, 15)]
    assert costs == [2 * each for each in (costs[0] / 2, *costs[:-1])]
    assert check_seconds(f"{{bcrypt}}$2a$13${end}".encode()) == costs[9] == 0.5
    pbkdf2 = "$pbkdf2-{}${}$c2FsdA$" + "A" * 43
    assert check_seconds(pbkdf2.format("sha256", 2_000_000).encode()) == 0.5
    assert dear_milliseconds(pbkdf2.format("sm3", 1_000_000).encode()) == 450
    longer = [check_seconds(f"$pbkdf2-sm3$100000$c2FsdA${'A' * characters}".encode()) for characters in (22, 43, 44, 86, 128)]
    assert longer == [0.045, 0.045, 0.09, 0.09, 0.135], "each block of what is derived takes all the iterations anew"
    assert dear_milliseconds(hash_password(PASSWORD)) == 0
    assert 100 < dear_milliseconds(b"$argon2id$v=19$m=262144,t=16,p=1$c2FsdHNhbHQ$" + b"A" * 43) < 4_000
    assert [dear_milliseconds(each) for each in (b"", b"$sm3$c2FsdA$" + b"0" * 64, f"$2b$10${end}".encode())] == [0, 0, 0]
    pool = PasswordPool()
    assert pool.slowness == 1
    pool.note_ours(4 * OURS_SECONDS)
    assert pool.slowness == 4
    pool.note_ours(2 * OURS_SECONDS)
    pool.note_ours(9 * OURS_SECONDS)
    assert pool.slowness == 2, "others at work beside it do not count"
    pool.close()


def test_a_name_is_typed_once_however_the_secret_beside_it_is_refused(town: Town) -> None:  # noqa: F811
    """On the page that it came from, whether or not there is such an account, and never with the secret."""
    town.person()
    for name in ("jia", "nobody", 'x"><b>'):
        for way, secret, heading in (
            ("password", {"password": "wrong-secret-1"}, "Sign in"),
            ("recovery", {"code": "AAAA-BBBB"}, "recovery"),
        ):
            browser = Browser(town.here)
            browser.authorize("own")
            if way == "recovery":
                browser.go(f"{browser.path}?method=recovery")
            browser.submit(way, login=name, **secret)
            assert browser.answer.status_code == 401
            assert heading in browser.heading
            assert f'name="login" value="{escape(name)}"' in browser.answer.text
            assert not any(each in browser.answer.text for each in secret.values())
