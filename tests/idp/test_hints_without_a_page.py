"""What a client is told without a page being shown: no more about names than that somebody is signed in; and that no page is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.actions.manage_accounts import AccountChange, change_account
from idp.model.people import AccountKind
from tests.idp.people import Browser
from tests.idp.test_sign_in_flow import town  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.people import Town


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_attack_asking_without_a_page_whose_telephone_it_is(town: Town) -> None:  # noqa: F811 - the fixture
    """With prompt=none the answer would tell whoever asks: it is the same with a name of who is signed in, of another, and with none."""
    first = town.person()
    town.person("yier")
    browser = Browser(town.here)
    names = ("jia", "13800000000", first.account_id, "yier", "13900000000", "nobody-at-all", "a@example.org")

    def answers(client: str) -> set[str]:
        told = []
        for hint in ({}, *({"login_hint": name} for name in names)):
            browser.authorize(client, prompt="none", **hint)
            told.append(browser.returned.get("error", "code"))
        return set(told)

    assert answers("own") == {"login_required"}
    browser.authorize("own")
    browser.log_in()
    assert answers("own") == {"code"}
    assert answers("shop") == {"consent_required"}


@pytest.mark.clause("OIDC Core 3.1.2.6")
def test_who_lacks_a_second_factor_hears_it_on_no_page_that_may_not_be_shown(town: Town) -> None:  # noqa: F811 - the fixture
    person = town.person()
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    assert browser.returned["code"]
    change_account(town.desk, person.account_id, AccountKind.PERSON, AccountChange(needs_two_factors=True), actor="test")
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "interaction_required"
    browser.authorize("own")
    assert "SECOND_FACTOR_MISSING" in browser.answer.text
