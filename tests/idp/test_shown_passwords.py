"""What becomes of a password that was shown: compared in its place, noted where it is right, and wrong where it was replaced meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from idp.actions.set_credentials import set_password
from idp.actions.show_password import _check
from idp.credentials.passwords import PasswordPool
from idp.model.people import Credential, CredentialKind
from idp.store.credentials import find_single
from standards.errors import TrustError
from tests.idp.test_sign_in_attacks import at_password
from tests.idp.test_sign_in_flow import town  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.idp.people import Town


def test_work_that_nobody_waits_for_any_more_frees_its_place() -> None:
    gate = threading.Event()
    pool = PasswordPool(threads=1, queue_max=1)
    begun = []

    async def leave(work: Callable[[], object]) -> None:
        with pool.take_place() as place:
            await asyncio.wait_for(place.run(work), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(leave(gate.wait))
    for _ in range(3):  # the one place before the thread is free again each time
        with pytest.raises(TimeoutError):
            asyncio.run(leave(lambda: begun.append(1)))
    with pool.take_place(), pytest.raises(TrustError, match="SIGN_IN_BUSY"):
        pool.take_place()  # the thread still works
    gate.set()
    assert pool.submit(lambda: 7).result(timeout=60) == 7
    assert not begun
    pool.close()
    with pool.take_place(), pool.take_place():
        pass


def test_a_right_password_is_noted_and_kept_as_it_is(town: Town) -> None:  # noqa: F811
    person = town.person()
    found = []
    for _ in range(3):
        with town.desk.database.read() as connection:
            found.append(find_single(connection, town.desk.vault, person.account_id, CredentialKind.PASSWORD))
            assert find_single(connection, town.desk.vault, person.account_id, CredentialKind.RECOVERY) is None
        browser = at_password(town)
        browser.log_in()
        assert "code" in browser.returned
    before, once, twice = found
    assert before
    assert once
    assert twice
    assert before.last_used_at is None
    assert once.last_used_at is not None
    assert twice.last_used_at is not None
    assert once.last_used_at < twice.last_used_at
    assert (once.version, twice.version) == (before.version + 1, before.version + 2)
    assert before.value == once.value == twice.value


def test_a_password_replaced_while_it_is_compared_is_wrong(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    person = town.person()
    browser = at_password(town)

    def compare(credential: Credential | None, password: str) -> tuple[bool, bytes | None]:
        set_password(town.desk, person.account_id, "another horse 8", actor="test")
        return _check(credential, password)

    monkeypatch.setattr("idp.actions.show_password._check", compare)
    browser.log_in()
    assert browser.answer.status_code == 401
    assert '"reason":"wrong"' in town.audited("sign-in.show")[-1]
