"""Passkeys in a browser that people have: Chromium with an authenticator of its own making, on the pages as they are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, Identifier, IdentifierKind
from tests.deployments import Server, free_port, make_deployment
from tests.idp.people import PASSWORD
from tests.interop.chromium import Chromium
from tests.optional import need_program
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from pathlib import Path

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.mark.clause("W3C webauthn-2 7.1", "W3C webauthn-2 7.2")
def test_a_person_makes_a_passkey_and_comes_in_by_it(tmp_path: Path) -> None:
    need_program("chromium")
    port = free_port()
    base = f"http://localhost:{port}"  # passkeys belong to a name, not to an address
    folder = make_deployment(tmp_path / "deployment", base_url=base)
    house = open_house(open_deployment(folder))
    people = idp.service.people_desk(house.context)
    person = create_account(people, NewAccount(AccountKind.PERSON, "测试甲", (Identifier(IdentifierKind.LOGIN, "jia"),)), actor="test")
    set_password(people, person.account_id, PASSWORD, actor="test")
    people.pool.close()
    house.close()
    with Server(folder, port), Chromium(tmp_path / "profile") as browser:
        browser.call("WebAuthn.enable")
        held = browser.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)["authenticatorId"]
        # 1. In by password, and a passkey made
        browser.go(f"{base}/keys")
        browser.submit("form[action$='/password']", login="jia", password=PASSWORD)
        assert browser.at == f"{base}/keys"
        assert "None yet." in browser.text
        browser.submit("form[data-passkey=create]")
        assert "None yet." not in browser.text
        (key,) = browser.call("WebAuthn.getCredentials", authenticatorId=held)["credentials"]
        assert (key["rpId"], key["isResidentCredential"]) == ("localhost", True)
        # 2. As a stranger again, in by the passkey alone: no name is typed
        browser.call("Network.clearBrowserCookies")
        browser.go(f"{base}/keys")
        assert browser.at.startswith(f"{base}/sign-in/")
        browser.submit("form[data-passkey=get]")
        assert browser.at == f"{base}/keys"
        browser.go(f"{base}/sessions")
        assert "Where you are signed in" in browser.text
        # 3. An authenticator that does not know its person brings nobody in
        browser.call("WebAuthn.setUserVerified", authenticatorId=held, isUserVerified=False)
        browser.call("Network.clearBrowserCookies")
        browser.go(f"{base}/keys")
        browser.run("document.querySelector('form[data-passkey] button').click()")
        while browser.run("document.querySelector('form[data-passkey] [role=alert]').hidden"):
            browser.call("WebAuthn.getCredentials", authenticatorId=held)  # until the script has been told
        assert browser.at.startswith(f"{base}/sign-in/")
        # 4. Nothing was complained of, and nobody else was asked
        assert browser.complaints == []
        assert [each for each in browser.asked if not each.startswith(base + "/")] == []
