"""Who administers this deployment, and acts for whoever does, is not for an upstream to say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from idp.store.person_grants import grants_of_person
from service_kit.roles import Role, appoint
from tests.idp.upstream_town import account_by, fresh_fixture, sign_in, someone, there_fixture, town_fixture  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from tests.fakes.upstream import Upstream
    from tests.idp.people import Town


def test_attack_an_upstream_prolongs_an_office_that_was_given_after_its_word(
    town: Town, there: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said before runs out: whether the agent of an organisation with a role exercises it is not for an upstream to say."""
    firms = [{"id": "o-office", "title": "测试办公室", "code": ""}]
    said = someone(firms=firms)
    sign_in(town, there, said)
    agent, office = (account_by(town, "region", each).account_id for each in (said["sub"], "o-office"))
    context = town.here.house.context

    def until() -> datetime:
        with town.desk.database.read() as connection:
            (found,) = grants_of_person(connection, town.desk.vault, agent)
        assert found.valid_until is not None
        return found.valid_until

    before = until()
    given: dict[str, Any] = {"is_bound": lambda *_: False, "actor": "operator:x", "reason": "test", "at": context.clock.now()}
    context.database.write(lambda connection: appoint(connection, context.audit, f"person:{office}", Role.SECURITY, **given))
    later = town.desk.clock.now() + timedelta(seconds=3000)
    with monkeypatch.context() as patch:
        patch.setattr(type(town.desk.clock), "now", lambda _clock: later)
        patch.setattr("tests.fakes.upstream.AT", later)
        sign_in(town, there, said)
    assert until() == before
