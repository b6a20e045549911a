"""What a client holds for a person ends when the person's credentials change."""

from __future__ import annotations

import json
from functools import partial

import pytest

from idp.actions.manage_accounts import change_account_status
from idp.actions.set_credentials import issue_recovery_code, set_password, set_totp
from idp.model.people import AccountKind, AccountStatus
from idp.store.credentials import list_credentials
from standards.errors import TrustError
from tests.idp.people import Browser
from tests.idp.test_code_flow import Clients, clients, refused  # noqa: F401 - a fixture


@pytest.mark.parametrize("how", ["password", "code secret", "recovery"])
def test_changed_credentials_end_sessions_and_every_grant(clients: Clients, how: str) -> None:  # noqa: F811
    login = f"change-{how.replace(' ', '-')}"
    person, desk = clients.town.person(login), clients.town.desk
    browser = Browser(clients.town.here)
    found = []
    for scope in ("openid offline_access", "openid"):
        browser.authorize("own", scope=scope)
        if browser.heading == "Sign in":
            browser.log_in(login)
        found.append(clients.redeem(browser.returned["code"]).json())
    browser.authorize("own", scope="openid offline_access")
    code = browser.returned["code"]  # not yet redeemed: what it would give is to outlive its session, too
    if how == "password":
        set_password(desk, person.account_id, "other horse 88", actor="test")
    elif how == "code secret":
        set_totp(desk, person.account_id, actor="test")
        assert clients.is_let_in(found[0])  # the first one takes nobody's place
        set_totp(desk, person.account_id, actor="test")
    else:
        me = Browser(clients.town.here)
        me.authorize("own")
        me.go(me.path + "?method=recovery")
        me.submit("recovery", login=login, code=issue_recovery_code(desk, person.account_id, actor="test"))
        me.submit("new-password", password="brand new horse 9")
        found_now = clients.redeem(me.returned["code"]).json()
        assert clients.is_let_in(found_now)
    for tokens in found:
        assert not clients.is_let_in(tokens)
        assert refused(clients.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]))[2] == "GRANT_ENDED"
    assert refused(clients.redeem(code))[2] == "GRANT_ENDED"
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "login_required"
    action = "credential.set-totp" if how == "code secret" else "credential.set-password"
    facts = json.loads(clients.town.audited(action)[-1])["facts"]
    assert (facts["sessions_ended"], facts["grants_ended"]) == (1, 1)


def test_a_closed_account_is_given_no_credential(clients: Clients) -> None:  # noqa: F811
    """It was told done, though nobody signs in with it."""
    person, desk = clients.town.person("change-closed"), clients.town.desk
    change_account_status(desk, person.account_id, AccountKind.PERSON, AccountStatus.CLOSED, actor="test")

    def credentials() -> list[str]:
        with desk.database.read() as connection:
            return [each.credential_id for each in list_credentials(connection, desk.vault, person.account_id)]

    had = credentials()
    for put in (partial(set_password, password="other horse 88"), set_totp, issue_recovery_code):
        with pytest.raises(TrustError, match="ACCOUNT_STATUS_CONFLICT"):
            put(desk, person.account_id, actor="test")
    assert credentials() == had
