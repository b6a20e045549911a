"""A subject that an upstream hands on, and a link that is taken away: who came by it is in no longer, and nobody takes another's place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from idp.actions.manage_accounts import AccountChange, change_account, change_account_status
from idp.model.people import AccountKind, AccountStatus, Identifier, IdentifierKind
from idp.store.sign_ins import living_sessions
from tests.idp.test_upstream_life import all_conflicts, bearer, decide, newest
from tests.idp.upstream_town import (  # noqa: F401 - fixtures
    account_by,
    fresh_fixture,
    sign_in,
    someone,
    there_fixture,
    town_fixture,
)

if TYPE_CHECKING:
    from tests.fakes.upstream import Upstream
    from tests.idp.people import Town


@pytest.mark.parametrize("number", [{"idnum": ""}, {"idtype": "414", "idnum": "E7654321"}])
def test_attack_a_subject_that_was_handed_on_is_not_the_one_before_for_want_of_his_number(
    town: Town, there: Upstream, number: dict[str, str]
) -> None:
    """Who comes under a proven person's subject with another name, and without his number, is somebody else until it is decided."""
    said = someone()
    assert sign_in(town, there, said).returned["code"]
    first = account_by(town, "region", said["sub"])
    assert first.id_number is not None
    assert sign_in(town, there, {**said, "name": "测试丙", **number}).answer.status_code == 409
    assert newest(town, bearer(town))["doubt"] == "name_differs"
    again = account_by(town, "region", said["sub"])
    assert again.identifiers == first.identifiers, "nothing of his was proven of another"
    # The same name without the number, or another name with it, is he
    for told in ({**said, **number}, {**said, "name": "测试丙"}):
        assert sign_in(town, there, told).returned["code"]
        assert town.protocol.issued[-1].account_id == first.account_id


@pytest.mark.parametrize("how", ["changed", "separated"])
def test_with_a_link_that_goes_ends_what_was_opened_by_it(town: Town, there: Upstream, how: str) -> None:
    """As with a password that is replaced: the way in is closed, and nobody stays who came by it."""
    said = someone()
    browser = sign_in(town, there, said)
    assert browser.returned["code"]
    account = account_by(town, "region", said["sub"])

    def alive() -> int:
        with town.desk.database.read() as connection:
            return len(living_sessions(connection, town.desk.vault, account.account_id, town.desk.clock.now()))

    # What is added, or other than a link, ends nothing
    more = (*account.identifiers, Identifier(IdentifierKind.LOGIN, f"unlinked-{how}"), Identifier(IdentifierKind.UPSTREAM, f"@other|{how}"))
    change_account(town.desk, account.account_id, AccountKind.PERSON, AccountChange(identifiers=more), actor="test")
    facts = json.loads(town.audited("account.link")[-1])["facts"]
    assert facts == {"upstream": "other", "why": "operator"}
    assert alive() == 1
    if how == "changed":
        kept = tuple(each for each in more if each.value != f"@region|{said['sub']}")
        change_account(town.desk, account.account_id, AccountKind.PERSON, AccountChange(identifiers=kept), actor="test")
    else:
        assert sign_in(town, there, {**said, "idnum": someone()["idnum"]}).answer.status_code == 409
        headers = bearer(town)
        found = next(each for each in all_conflicts(town, headers) if each["account_id"] == account.account_id)
        assert decide(town, headers, found["conflict_id"], "separate").status_code == 200
    assert alive() == 0
    entry = json.loads(town.audited("account.unlink")[-1])
    assert entry["facts"] == {"upstream": "region", "sessions_ended": 1, "grants_ended": 0}
    assert said["sub"] not in json.dumps(entry)
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "login_required"
    # One job may take a link and the account with it
    change_account_status(town.desk, account.account_id, AccountKind.PERSON, AccountStatus.CLOSED, actor="test")
