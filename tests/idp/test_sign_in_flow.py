"""Signing in, page by page, as a browser does it."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import change_account_status
from idp.actions.set_credentials import issue_recovery_code, put_in, set_totp
from idp.credentials.one_time_codes import code_at
from idp.credentials.passwords import check_kept_hash
from idp.model.people import AccountKind, AccountStatus, CredentialKind
from idp.model.requests import ClientProfile
from idp.store.credentials import list_credentials
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, PASSWORD, Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    own = ClientProfile("own", "Own portal", is_own=True, post_logout_redirect_uris=("https://rp.example/bye",))
    shop = ClientProfile("shop", "Housing office", purpose="To fill in your application")
    firm = ClientProfile("firm", "Tax office", acting="organisation", is_own=True)
    protocol = Registered({each.client_id: each for each in (own, shop, firm)})
    monkeypatch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        yield settle(here, protocol)


def now_code(town: Town, secret: bytes, later: int = 0) -> str:
    return code_at(secret, int(town.desk.clock.now().timestamp()) // 30 + later)


def test_password_consent_code_and_then_nothing_more_is_asked(town: Town) -> None:
    person = town.person()
    browser = Browser(town.here)
    browser.authorize()
    assert browser.heading == "Sign in"
    assert "Housing office" in browser.answer.text
    browser.log_in()
    assert browser.heading == "Your consent"
    assert "Date of birth" in browser.answer.text
    assert "To fill in your application" in browser.answer.text
    assert "13800000000" not in browser.answer.text
    browser.submit("consent")
    given = browser.returned
    assert given["state"] == "s1"
    assert given["iss"] == town.desk.issuer
    assert given["code"]
    who = town.protocol.issued[0]
    assert (who.account_id, who.acting_for, who.acr, who.amr) == (person.account_id, None, "urn:yinxin:loa:2", ("pwd",))
    # Again: the session and the consent stand
    browser.authorize(prompt="none")
    assert browser.returned["code"]
    assert town.protocol.issued[1].session_id == who.session_id
    # More than was agreed to: asked again
    browser.authorize(scope="openid profile phone")
    assert browser.heading == "Your consent"
    browser.submit("cancel")
    assert browser.returned["error"] == "access_denied"


def test_prompt_none_never_shows_a_page(town: Town) -> None:
    town.person()
    browser = Browser(town.here)
    browser.authorize(prompt="none")
    assert browser.returned["error"] == "login_required"
    browser.authorize("own")
    browser.log_in()
    assert browser.returned["code"]
    browser.authorize(prompt="none")
    assert browser.returned["error"] == "consent_required"
    browser.authorize("own", prompt="none")
    assert browser.returned["code"]


def test_prompt_login_max_age_and_hints_ask_again(town: Town) -> None:
    first = town.person()
    town.person("yier")
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    old = browser.cookies["yinxin-session"]
    for query in ({"prompt": "login"}, {"login_hint": "yier"}, {"id_token_hint": "pe_other"}, {"max_age": "0"}):
        browser.authorize("own", **query)
        assert browser.heading == "Sign in", query
    browser.authorize("own", id_token_hint=first.account_id, max_age="1000")
    assert browser.returned["code"]
    # Whether a name is somebody else's or nobody's is not told to who is signed in; one's own goes on, by whatever name
    for name in ("yier", "nobody-at-all", "no name of any kind", "13900000000", "a@example.org"):
        browser.authorize("own", login_hint=name)
        assert browser.heading == "Sign in", name
    for name in (" JIA ", "138 0000 0000", first.account_id):
        browser.authorize("own", login_hint=name)
        assert browser.returned["code"], name
    browser.authorize("own", prompt="login")
    browser.log_in("yier")
    assert browser.returned["code"]
    assert browser.cookies["yinxin-session"] != old
    stale = Browser(town.here)
    stale.cookies = {**browser.cookies, "yinxin-session": old}
    stale.authorize("own", prompt="none")
    assert stale.returned["error"] == "login_required"  # the session before has ended


def test_select_account_shows_who_one_is_and_lets_one_be_another(town: Town) -> None:
    town.person()
    other = town.person("yier", name="测试乙")
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    browser.authorize("own", prompt="select_account")
    assert browser.heading == "Choose an account"
    browser.submit("account", another="yes")
    assert browser.heading == "Sign in"
    browser.log_in("yier")
    assert browser.returned["code"]
    assert town.protocol.issued[-1].account_id == other.account_id
    browser.authorize("own", prompt="select_account")
    assert "测试乙" in browser.answer.text
    browser.submit("account")
    assert browser.returned["code"]


def test_step_up_asks_for_the_second_factor_and_changes_the_cookie(town: Town) -> None:
    person = town.person()
    secret = set_totp(town.desk, person.account_id, actor="test")
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    first, cookie = town.protocol.issued[-1], browser.cookies["yinxin-session"]
    assert first.acr == "urn:yinxin:loa:2"
    browser.authorize("own", acr_values="urn:yinxin:loa:3")
    assert browser.heading == "One more step"
    browser.submit("code", code="000000")
    assert browser.heading == "One more step"
    assert browser.answer.status_code == 401
    browser.submit("code", code=now_code(town, secret))
    second = town.protocol.issued[-1]
    assert (second.acr, second.amr) == ("urn:yinxin:loa:3", ("pwd", "otp", "mfa"))
    assert second.session_id == first.session_id
    assert browser.cookies["yinxin-session"] != cookie


def test_a_level_out_of_reach_is_given_as_it_is_or_refused_where_essential(town: Town) -> None:
    town.person(level=1)
    browser = Browser(town.here)
    browser.authorize("own", acr_values="urn:yinxin:loa:4")
    browser.log_in()
    assert browser.returned["code"]
    assert town.protocol.issued[-1].acr == "urn:yinxin:loa:1"
    essential = '{"id_token":{"acr":{"essential":true,"values":["urn:yinxin:loa:4"]}}}'
    browser.authorize("own", claims=essential)
    assert browser.returned["error"] == "unmet_authentication_requirements"


def test_administrators_need_two_factors(town: Town) -> None:
    person = town.person()
    at = town.desk.clock.now()
    holder = f"person:{person.account_id}"
    town.desk.database.write(
        lambda connection: appoint(
            connection, town.desk.audit, holder, Role.SECURITY, is_bound=lambda *_: False, actor="test", reason="test", at=at
        )
    )
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    assert browser.heading == "This cannot go on"
    assert "SECOND_FACTOR_MISSING" in browser.answer.text
    assert "yinxin-session" not in browser.cookies
    browser.submit("cancel")
    assert browser.returned["error"] == "access_denied"
    secret = set_totp(town.desk, person.account_id, actor="test")
    browser.authorize("own")
    browser.log_in()
    assert browser.heading == "One more step"
    browser.submit("code", code=now_code(town, secret))
    assert browser.returned["code"]


def test_a_code_counts_once_whoever_is_first(town: Town) -> None:
    person = town.person(needs_two_factors=True)
    secret = set_totp(town.desk, person.account_id, actor="test")
    browsers = [Browser(town.here) for _ in range(6)]
    for browser in browsers:
        browser.authorize("own")
        browser.log_in()
        assert browser.heading == "One more step"
    code = now_code(town, secret)
    threads = [threading.Thread(target=browser.submit, args=("code",), kwargs={"code": code}) for browser in browsers[:4]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(browser.answer.status_code for browser in browsers[:4])
    assert statuses == [303, 401, 401, 401]
    browsers[4].submit("code", code=code)
    assert browsers[4].answer.status_code == 401


def test_acting_for_an_organisation_and_switching_back(town: Town) -> None:
    person, firm = town.person(), town.organisation()
    browser = Browser(town.here)
    browser.authorize("firm")
    browser.log_in()
    assert browser.returned["error"] == "access_denied"  # acts for nobody
    grant = grant_agent(town.desk, firm.account_id, person.account_id, scopes=("tax",), actor="test")
    browser.authorize("own", prompt="login")
    browser.log_in()
    assert browser.heading == "For whom do you act?"
    assert "测试有限公司" in browser.answer.text
    browser.submit("acting", acting_for="or_" + "a" * 24)
    assert town.protocol.issued == []
    browser.authorize("own", prompt="login")
    browser.log_in()
    browser.submit("acting", acting_for=firm.account_id)
    who = town.protocol.issued[-1]
    assert (who.account_id, who.acting_for, who.subject) == (person.account_id, firm.account_id, firm.account_id)
    cookie = browser.cookies["yinxin-session"]
    browser.go("/switch")
    browser.send("POST", "/switch", data={"csrf": browser.csrf})
    browser.follow()
    assert browser.heading == "Where you are signed in"
    assert browser.cookies["yinxin-session"] != cookie
    browser.authorize("own", prompt="none")
    assert town.protocol.issued[-1].acting_for is None
    # A grant that has ended ends with the next answer
    browser.go("/switch")
    browser.send("POST", "/switch", data={"csrf": browser.csrf, "acting_for": firm.account_id})
    revoke_agent(town.desk, grant.agent_id, actor="test")
    browser.authorize("own")
    assert town.protocol.issued[-1].acting_for is None


def test_recovery_sets_a_new_password_and_works_once(town: Town) -> None:
    person = town.person()
    code = issue_recovery_code(town.desk, person.account_id, actor="test")
    browser = Browser(town.here)
    browser.authorize("own")
    browser.go(f"{browser.path}?method=recovery")
    browser.submit("recovery", login="jia", code=code.lower().replace("-", " "))
    assert browser.heading == "Set a new password"
    browser.submit("new-password", password="short")
    assert browser.answer.status_code == 422
    assert browser.heading == "Set a new password"
    browser.submit("new-password", password="another-jia-horse-8")  # the rule about the login name holds here, too
    assert browser.answer.status_code == 422
    browser.submit("new-password", password="another horse 8")
    assert browser.returned["code"]
    assert town.protocol.issued[-1].acr == "urn:yinxin:loa:1"
    again = Browser(town.here)
    again.authorize("own")
    again.go(f"{again.path}?method=recovery")
    again.submit("recovery", login="jia", code=code)
    assert again.answer.status_code == 401
    again.go(again.path.rpartition("/")[0])
    again.log_in(password="another horse 8")
    assert again.returned["code"]


@pytest.mark.parametrize("scheme", ["sha256", "sm3", "salted"])
def test_a_hash_of_another_system_is_replaced_when_it_is_used(town: Town, scheme: str) -> None:
    import base64

    from crypto.sm3 import pbkdf2_hmac_sm3, sm3

    person = town.person(password=None)
    salt = b"salt-0123"
    text = base64.b64encode(salt).decode().rstrip("=").replace("+", ".")
    if scheme == "salted":
        kept = f"$sm3${text}${sm3(salt + PASSWORD.encode()).hex()}"
    else:
        made = (
            hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 1000)
            if scheme == "sha256"
            else pbkdf2_hmac_sm3(PASSWORD.encode(), salt, 1000, 32)
        )
        kept = f"$pbkdf2-{scheme}$1000${text}${base64.b64encode(made).decode().rstrip('=').replace('+', '.')}"
    taken_over: Any = (person.account_id, CredentialKind.PASSWORD, kept.encode(), "test", town.desk.clock.now())
    town.desk.database.write(lambda connection: put_in(connection, town.desk, *taken_over))
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in(password="wrong horse 77")
    assert browser.answer.status_code == 401
    browser.log_in()
    assert browser.returned["code"]
    with town.desk.database.read() as connection:
        (now,) = [each for each in list_credentials(connection, town.desk.vault, person.account_id) if each.kind is CredentialKind.PASSWORD]
    assert now.value.startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")
    for text in (
        "$1$md5$hash",
        "$argon2id$",
        "$argon2id$v=19$m=1048576,t=2,p=1$",
        "$argon2id$v=19$m=65536,t=99,p=1$",
        "$argon2id$v=19$m=65536,t=2,p=99$",
    ):
        with pytest.raises(TrustError, match="CREDENTIAL_UNUSABLE"):
            check_kept_hash(text + "c2FsdHNhbHRzYWx0" * 2 if text.endswith("$") else text)
    check_kept_hash("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$FoxB6ARyRvkOnPU5u+D0oZcJfUBwpqIzpvnfpEMsAF0")


def test_a_disabled_account_is_out_at_once(town: Town) -> None:
    person = town.person()
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    change_account_status(town.desk, person.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "login_required"
    browser.authorize("own")
    browser.log_in()
    assert browser.answer.status_code == 401


def test_form_post_comes_on_a_page_without_scripts(town: Town) -> None:
    town.person()
    browser = Browser(town.here)
    browser.authorize("own", response_mode="form_post")
    browser.log_in()
    assert browser.answer.status_code == 200
    assert f'action="{CALLBACK}"' in browser.answer.text
    assert 'name="code"' in browser.answer.text
    assert "<script" not in browser.answer.text
    policy = browser.answer.headers["content-security-policy"]
    assert "script-src" not in policy
    assert "form-action 'self' https://rp.example;" in policy


def test_a_request_by_post_from_elsewhere_finds_the_session_again(town: Town) -> None:
    town.person()
    browser = Browser(town.here)
    browser.authorize("own")
    browser.log_in()
    kept, browser.cookies = browser.cookies, {}  # SameSite=Lax keeps them from a cross-site POST
    form = {"client_id": "own", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "code_challenge_method": "S256"}
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbu-fOlQiwcM"
    browser.send("POST", "/authorize", data={**form, "prompt": "none", "code_challenge": challenge})
    assert browser.answer.status_code == 303
    browser.cookies = {**kept, **browser.cookies}
    browser.follow()
    assert browser.returned["code"]


def test_own_pages_list_end_and_sign_out(town: Town) -> None:
    town.person()
    first, second = Browser(town.here), Browser(town.here)
    for browser in (first, second):
        browser.go("/sessions")
        assert browser.heading == "Sign in"
        browser.log_in()
        assert browser.heading == "Where you are signed in"
    first.go("/sessions")
    session_id = re.search(r"/sessions/(se_[a-z2-7]+)/end", first.answer.text)
    assert session_id
    first.send("POST", f"/sessions/{session_id[1]}/end", data={"csrf": first.csrf})
    second.go("/sessions")
    assert second.heading == "Sign in"
    second.log_in()
    first.go("/sessions")
    first.submit("end-others")
    second.go("/sessions")
    assert second.heading == "Sign in"
    first.go("/logout", client_id="own", post_logout_redirect_uri="https://rp.example/bye", state="x1")
    assert first.heading == "Sign out?"
    target = re.findall(r'name="(target|target_client|target_state|target_mac)" value="([^"]*)"', first.answer.text)
    first.send("POST", "/logout", data={"csrf": first.csrf, "confirm": "yes", **dict(target)})
    assert first.answer.headers["location"] == "https://rp.example/bye?state=x1"
    assert "yinxin-session" not in first.cookies
    assert len(town.audited("session.end")) == 3


@pytest.mark.parametrize("address", ["https://evil.example/", "https://rp.example/bye2", "//evil.example", "https://rp.example/bye/", ""])
def test_signing_out_goes_nowhere_that_is_not_registered(town: Town, address: str) -> None:
    browser = Browser(town.here)
    browser.go("/logout", client_id="own", post_logout_redirect_uri=address)
    assert browser.heading == "You are signed out"
    town.person()
    browser.go("/sessions")
    browser.log_in()
    browser.go("/logout")
    forged = {"csrf": browser.csrf, "confirm": "yes", "target": "https://evil.example/", "target_mac": "0" * 64}
    browser.send("POST", "/logout", data=forged)
    assert browser.answer.headers["location"] == "/logout/done"
