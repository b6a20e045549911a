"""Whose name stands behind what another provider proves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idp.actions.manage_accounts import AccountChange, change_account
from idp.model.federation import PROVEN_LEVEL
from idp.model.people import AccountKind
from tests.idp.test_upstream_life import all_conflicts, bearer, decide
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


def test_attack_what_a_provider_proves_of_one_name_is_not_said_of_another(town: Town, there: Upstream) -> None:
    """Renamed while nothing stood behind the name: the account takes the name that was compared, or the evidence would vouch for the other one."""
    said = someone(lv="L1", idnum="", name="昵称")
    assert sign_in(town, there, said).returned["code"]
    before = account_by(town, "region", said["sub"])
    assert before.level < PROVEN_LEVEL
    change_account(town.desk, before.account_id, AccountKind.PERSON, AccountChange(name="测试丁"), actor="test")
    assert sign_in(town, there, {**said, "name": "测试丙"}).returned["code"]
    assert account_by(town, "region", said["sub"]).name == "测试丁", "nobody has compared any name"
    assert sign_in(town, there, {**said, "name": "测试丙", "lv": "L3"}).returned["code"]
    after = account_by(town, "region", said["sub"])
    assert (after.account_id, after.name, after.level) == (before.account_id, "测试丙", 3)
    assert json.loads(town.audited("account.evidence-renew")[-1])["facts"]["name"] is True


def test_attack_nobody_enters_a_proven_account_under_another_name_and_no_number(town: Town, there: Upstream) -> None:
    """A subject that was handed on, at a provider that tells no numbers: the next one is not the one before."""
    said = someone(idnum="", lv="L3")
    assert sign_in(town, there, said).returned["code"]
    first = town.protocol.issued[-1].account_id
    assert account_by(town, "region", said["sub"]).level >= PROVEN_LEVEL
    for level in ("L3", "L1"):
        assert sign_in(town, there, {**said, "name": "测试丙", "lv": level}).answer.status_code == 409
    headers = bearer(town)
    found = next(each for each in all_conflicts(town, headers) if each["account_id"] == first)
    assert found["doubt"] == "name_differs"
    assert decide(town, headers, found["conflict_id"], "link").json()["code"] == "CONFLICT_DECISION_IMPOSSIBLE"
    assert sign_in(town, there, said).answer.status_code == 303, "he himself goes on"
    assert account_by(town, "region", said["sub"]).name == "测试甲"
