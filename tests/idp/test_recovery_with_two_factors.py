"""A recovery code takes the place of a forgotten password, and is no factor of two: how those who need two get in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.actions.set_credentials import issue_recovery_code, set_totp
from tests.idp.people import Browser
from tests.idp.test_sign_in_flow import now_code, town  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.people import Town


@pytest.mark.parametrize("needs_two_factors", [True, False])
def test_after_a_recovery_code_two_factors_are_shown_with_the_new_password(town: Town, *, needs_two_factors: bool) -> None:  # noqa: F811
    person = town.person(needs_two_factors=needs_two_factors)
    secret = set_totp(town.desk, person.account_id, actor="test")
    browser = Browser(town.here)
    if needs_two_factors:
        browser.authorize("own")
    else:
        browser.authorize("own", acr_values="urn:yinxin:loa:3")
    browser.go(f"{browser.path}?method=recovery")
    browser.submit("recovery", login="jia", code=issue_recovery_code(town.desk, person.account_id, actor="test"))
    browser.submit("new-password", password="another horse 8")
    # A recovery code is no factor: with it no one-time code would ever be enough, and the page for one would come again and again
    assert browser.heading == "Sign in"
    browser.log_in(password="another horse 8")
    assert browser.heading == "One more step"
    browser.submit("code", code=now_code(town, secret))
    assert browser.returned["code"]
    assert (town.protocol.issued[-1].acr, town.protocol.issued[-1].amr) == ("urn:yinxin:loa:3", ("pwd", "otp", "mfa"))


def test_a_session_by_recovery_code_is_not_stepped_up_but_begun_anew(town: Town) -> None:  # noqa: F811
    person = town.person()
    secret = set_totp(town.desk, person.account_id, actor="test")
    browser = Browser(town.here)
    browser.authorize("own")
    browser.go(f"{browser.path}?method=recovery")
    browser.submit("recovery", login="jia", code=issue_recovery_code(town.desk, person.account_id, actor="test"))
    browser.submit("new-password", password="another horse 8")
    assert browser.returned["code"]
    browser.authorize("own", acr_values="urn:yinxin:loa:3")
    assert browser.heading == "Sign in"
    browser.log_in(password="another horse 8")
    browser.submit("code", code=now_code(town, secret))
    assert browser.returned["code"]
    assert town.protocol.issued[-1].acr == "urn:yinxin:loa:3"
    browser.go("/keys")
    assert browser.heading == "Keys you sign in with"
