"""What a sign-in through another provider is worth here, with a second factor and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.actions.set_credentials import set_totp
from idp.credentials.one_time_codes import code_at

if TYPE_CHECKING:
    from tests.fakes.upstream import Upstream
    from tests.idp.people import Town

from tests.idp.upstream_town import (  # noqa: F401 - fixtures
    fresh_fixture,
    resident,
    sign_in,
    someone,
    there_fixture,
    town_fixture,
)


def test_a_sign_in_is_worth_no_more_than_the_upstream_says(town: Town, there: Upstream) -> None:
    said = someone()
    known = resident(said, level=3, town=town, login="worth")
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id == known.account_id
    assert sign_in(town, there, {**said, "lv": "L0"}).returned["code"]
    assert town.protocol.issued[-1].acr == "urn:yinxin:loa:0"  # the account is at 3, this way in is not
    essential = '{"id_token":{"acr":{"essential":true,"values":["urn:yinxin:loa:3"]}}}'
    assert sign_in(town, there, said, claims=essential).returned["error"] == "unmet_authentication_requirements"


@pytest.mark.parametrize(("vouched", "worth"), [("L0", 0), ("L2", 3)])
def test_a_code_of_here_makes_no_more_of_a_word_that_is_worth_less_than_a_password(
    town: Town, there: Upstream, vouched: str, worth: int
) -> None:
    said = someone()
    known = resident(said, level=3, town=town, login=f"worth-{vouched}")
    assert sign_in(town, there, said).returned["code"]
    secret = set_totp(town.desk, known.account_id, actor="test")
    browser = sign_in(town, there, {**said, "lv": vouched}, acr_values="urn:yinxin:loa:3")
    assert browser.heading == "One more step"
    browser.submit("code", code=code_at(secret, int(town.desk.clock.now().timestamp()) // 30))
    assert browser.returned["code"]
    who = town.protocol.issued[-1]
    assert (who.account_id, who.acr, who.amr) == (known.account_id, f"urn:yinxin:loa:{worth}", ("fed", "otp", "mfa"))


def test_who_must_show_two_factors_must_here_too(town: Town, there: Upstream) -> None:
    said = someone()
    known = resident(said, town=town, login="twofactors")
    set_totp(town.desk, known.account_id, actor="test")
    browser = sign_in(town, there, said, acr_values="urn:yinxin:loa:3")
    assert browser.heading == "One more step"
