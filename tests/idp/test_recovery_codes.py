"""A recovery code is given to who can use it, and lets him in whom his own forgotten password has locked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.actions.manage_accounts import AccountChange, NewAccount, change_account, change_account_status, create_account
from idp.actions.set_credentials import issue_recovery_code
from idp.limits import FAILURES_PER_NAME
from idp.model.people import AccountKind, AccountStatus, Identifier, IdentifierKind
from idp.store.credentials import list_credentials
from standards.errors import TrustError
from tests.idp.people import Browser
from tests.idp.test_sign_in_flow import town  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.people import Town


def test_who_has_locked_himself_out_is_let_in_by_the_code_he_is_given(town: Town) -> None:  # noqa: F811
    """It is the one way to it: five wrong guesses, a call, a code; it was refused for a quarter of an hour, as if it were wrong."""
    person = town.person("forgets")
    browser = Browser(town.here)
    browser.authorize("own")
    for _ in range(FAILURES_PER_NAME):
        browser.log_in("forgets", password="not this one 1")
        assert browser.answer.status_code == 401
    browser.log_in("forgets")
    assert browser.answer.status_code == 401, "locked"
    code = issue_recovery_code(town.desk, person.account_id, actor="test")
    browser.go(f"{browser.path.rpartition('/')[0]}?method=recovery")
    browser.submit("recovery", login="forgets", code=code)
    assert browser.heading == "Set a new password"
    browser.submit("new-password", password="another horse 8")
    assert browser.returned["code"]


def test_no_code_is_given_that_nobody_could_use(town: Town) -> None:  # noqa: F811
    """A code is shown under a login name: of an account that came by another provider there may be none."""
    nameless = create_account(town.desk, NewAccount(AccountKind.PERSON, "测试甲"), actor="test")
    closed = town.person("closed-since")
    change_account_status(town.desk, closed.account_id, AccountKind.PERSON, AccountStatus.CLOSED, actor="test")
    for account_id, code in ((nameless.account_id, "ACCOUNT_FIELD_INVALID"), (closed.account_id, "ACCOUNT_STATUS_CONFLICT")):
        with pytest.raises(TrustError, match=code):
            issue_recovery_code(town.desk, account_id, actor="test")
        with town.desk.database.read() as connection:
            kinds = [each.kind for each in list_credentials(connection, town.desk.vault, account_id)]
        assert "recovery" not in kinds
    named = AccountChange(identifiers=(Identifier(IdentifierKind.LOGIN, "named-since"),))
    change_account(town.desk, nameless.account_id, AccountKind.PERSON, named, actor="test")
    assert issue_recovery_code(town.desk, nameless.account_id, actor="test")
