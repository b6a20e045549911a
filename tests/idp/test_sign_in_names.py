"""What names at the sign-in page must not do: tell which there are, or stand for something of ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from idp.actions.set_credentials import set_totp
from idp.actions.show_password import REFUSED_AFTER_SECONDS
from idp.credentials.passwords import is_right
from tests.idp.people import Browser
from tests.idp.test_sign_in_flow import now_code, town  # noqa: F401 - a fixture

if TYPE_CHECKING:
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
