"""Leaving for another provider writes rows for whoever opens an address: no more of them than the door lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.admit_sign_in import SignInDoor
from service_kit.rates import Rates
from tests.idp.people import Browser, Town
from tests.idp.upstream_town import button, fresh_fixture, there_fixture, town_fixture  # noqa: F401 - fixtures

if TYPE_CHECKING:
    import pytest

LEAVES = 3


def _trips(town: Town) -> int:
    with town.desk.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM idp_upstream_trips").scalar_one())


def test_attack_one_sign_in_does_not_fill_the_trail_by_leaving_again_and_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    rates, leave = Rates(per_second=0.001, burst=LEAVES), SignInDoor.leave

    def counted(door: SignInDoor, peer: str) -> None:
        monkeypatch.setattr(door, "_rates", rates)
        leave(door, peer)

    browser = Browser(town.here)
    browser.authorize("own")
    path, page = button(browser), browser.path
    monkeypatch.setattr(SignInDoor, "leave", counted)
    before, recorded = _trips(town), len(town.audited("sign-in.leave"))
    for _ in range(LEAVES):
        assert browser.send("GET", path).status_code == 303
    for _ in range(LEAVES):
        refused = browser.send("GET", path)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert "Too many sign-ins begun" in refused.text
    assert (_trips(town) - before, len(town.audited("sign-in.leave")) - recorded) == (LEAVES, LEAVES)
    browser.go(page)
    assert browser.heading == "Sign in"
