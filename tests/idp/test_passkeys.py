"""Passkeys: what works with an authenticator of the tests' own, and what must not."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.manage_accounts import change_account_status
from idp.actions.set_credentials import set_totp
from idp.credentials.one_time_codes import code_at
from idp.credentials.passkeys import ANSWER_CHARACTERS_MAX, creation_options, read_assertion, read_registration, relying_party
from idp.model.people import AccountKind, AccountStatus, CredentialKind
from idp.model.requests import ClientProfile
from idp.model.sign_in import are_two
from idp.store.credentials import list_credentials
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.passkeys import PRESENT, Authenticator, words
from tests.idp.people import Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator


HOST = "id.example"
ORIGIN = f"https://{HOST}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    protocol = Registered({"own": ClientProfile("own", "Own portal", is_own=True)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
        with served_here(make_deployment(tmp_path_factory.mktemp("passkeys") / "deployment", base_url=ORIGIN)) as here:
            yield settle(here, protocol)


def options_of(browser: Browser) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]+)"', browser.answer.text)
    assert found, browser.answer.text
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def signed_in(town: Town, login: str) -> Browser:
    town.person(login, name=f"Name of {login}")
    browser = Browser(town.here)
    browser.go("/keys")
    browser.log_in(login)
    assert browser.heading == "Keys you sign in with"
    return browser


def registered(town: Town, login: str) -> tuple[Browser, Authenticator]:
    browser, key = signed_in(town, login), Authenticator(ORIGIN, HOST)
    browser.submit("passkey", answer=key.create(options_of(browser)), label="Telephone")
    assert "Telephone" in browser.answer.text
    return browser, key


def at_sign_in(town: Town, **query: str) -> Browser:
    browser = Browser(town.here)
    browser.authorize("own", **query)
    assert browser.heading == "Sign in"
    return browser


def is_in(browser: Browser) -> bool:
    return browser.answer.status_code == 303 and "code=" in browser.answer.headers["location"]


def reasons(town: Town) -> list[str]:
    return [json.loads(each)["facts"].get("reason", "") for each in town.audited("sign-in.show")]


def test_a_passkey_alone_is_two_factors(town: Town) -> None:
    _, key = registered(town, "alone")
    browser = at_sign_in(town, acr_values="urn:yinxin:loa:3")
    options = options_of(browser)
    assert not options.get("allowCredentials")  # whatever key the browser has: nobody is named
    assert options["userVerification"] == "required"
    assert options["rpId"] == HOST
    browser.submit("passkey", answer=key.get(options))
    assert is_in(browser)
    who = town.protocol.issued[-1]
    assert who.amr == ("hwk", "mfa")
    assert who.acr == "urn:yinxin:loa:3"
    with town.desk.database.read() as connection:
        kept = [each for each in list_credentials(connection, town.desk.vault, who.account_id) if each.kind is CredentialKind.PASSKEY]
    assert [each.counter for each in kept] == [1]
    assert kept[0].last_used_at is not None


def test_a_passkey_as_second_factor_and_for_an_administrator(town: Town) -> None:
    _, key = registered(town, "boss")
    account_id = key.user.decode()
    holder, at = f"person:{account_id}", town.desk.clock.now()
    town.desk.database.write(
        lambda connection: appoint(
            connection, town.desk.audit, holder, Role.SECURITY, is_bound=lambda *_: False, actor="test", reason="test", at=at
        )
    )
    browser = at_sign_in(town)
    browser.log_in("boss")
    assert browser.heading == "One more step"  # the password is not enough
    assert "6 digits" not in browser.answer.text  # there is no code to ask for
    options = options_of(browser)
    assert [each["id"] for each in options["allowCredentials"]] == [words(key.key_id)]
    browser.submit("passkey", answer=key.get(options))
    assert is_in(browser)
    assert town.protocol.issued[-1].amr == ("pwd", "hwk", "mfa")


ATTACKS = {
    "another origin": {"origin": "https://id.example.evil.example"},
    "a subdomain's origin": {"origin": "https://www.id.example"},
    "no https": {"origin": "http://id.example"},
    "another relying party": {"rp_id": "evil.example"},
    "nobody verified": {"flags": PRESENT},
    "nobody present": {"flags": 0},
    "in a frame of another site": {"client_data": {"crossOrigin": True}},
    "a registration's answer": {"client_data": {"type": "webauthn.create"}},
    "a challenge of the attacker's": {"client_data": {"challenge": words(bytes(56))}},
    "another user's handle": {"user": b"pe_aaaaaaaaaaaaaaaaaaaaaaaa"},
    "an unknown key": {"key_id": bytes(32)},
}


def test_attacks_on_the_answer_fail_alike(town: Town) -> None:
    _, key = registered(town, "target")
    pages = set()
    for name, bent in ATTACKS.items():
        browser = at_sign_in(town)
        browser.submit("passkey", answer=dataclasses.replace(key, **bent).get(options_of(browser)))  # type: ignore[arg-type]
        assert not is_in(browser), name
        assert browser.answer.status_code == 401, name
        pages.add(re.sub(r'value="[^"]*"|si_[a-z2-7]+|data-options="[^"]*"', "", browser.answer.text))
    assert len(pages) == 1  # which of these it was is not told
    # another key's signature under this key's name
    browser = at_sign_in(town)
    browser.submit(
        "passkey", answer=dataclasses.replace(Authenticator(ORIGIN, HOST), key_id=key.key_id, user=key.user).get(options_of(browser))
    )
    assert not is_in(browser)
    # and after all of it the key still works
    key.counter = 20
    browser = at_sign_in(town)
    browser.submit("passkey", answer=key.get(options_of(browser)))
    assert is_in(browser)


def test_an_answer_counts_once_and_only_for_its_sign_in(town: Town) -> None:
    _, key = registered(town, "once")
    browser, other = at_sign_in(town), at_sign_in(town)
    answer = key.get(options_of(browser))
    other.submit("passkey", answer=answer)  # to another sign-in's challenge
    assert not is_in(other)
    assert reasons(town)[-1] == "challenge"
    key.counter = 5
    answer = key.get(options_of(browser))
    path, csrf = browser.path, browser.csrf
    found: list[int] = []
    barrier = threading.Barrier(4)

    def send() -> None:
        rival = Browser(town.here)
        rival.cookies = dict(browser.cookies)
        barrier.wait()
        found.append(rival.send("POST", f"{path}/passkey", data={"csrf": csrf, "answer": answer}).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert reasons(town).count("") >= 1
    with town.desk.database.read() as connection:
        kept = [each for each in list_credentials(connection, town.desk.vault, key.user.decode()) if each.kind is CredentialKind.PASSKEY]
    assert kept[0].version == 2  # used by exactly one of them


def test_a_wrong_answer_uses_up_its_challenge(town: Town) -> None:
    _, key = registered(town, "used")
    browser = at_sign_in(town)
    options, path, csrf = options_of(browser), browser.path, browser.csrf
    browser.submit("passkey", answer=dataclasses.replace(key, flags=PRESENT).get(options))
    key.counter = 9
    browser.send("POST", f"{path}/passkey", data={"csrf": csrf, "answer": key.get(options)})
    assert browser.answer.status_code == 401
    assert reasons(town)[-1] == "challenge"
    browser.go(path)
    browser.submit("passkey", answer=key.get(options_of(browser)))
    assert is_in(browser)


def test_a_counter_that_goes_back_is_refused_and_told(town: Town) -> None:
    _, key = registered(town, "copied")
    key.counter = 7
    browser = at_sign_in(town)
    browser.submit("passkey", answer=key.get(options_of(browser)))
    assert is_in(browser)
    for counter in (7, 3, -1):  # the same again, one behind, none at all
        key.counter = counter
        browser = at_sign_in(town)
        browser.submit("passkey", answer=key.get(options_of(browser)))
        assert not is_in(browser)
        assert reasons(town)[-1] == "counter"


def test_the_second_factor_is_the_accounts_own(town: Town) -> None:
    registered(town, "first")
    _, stranger = registered(town, "stranger")
    town.person("strict", needs_two_factors=True)
    browser = at_sign_in(town, acr_values="urn:yinxin:loa:3")
    browser.log_in("first")
    assert browser.heading == "One more step"
    browser.submit("passkey", answer=stranger.get(options_of(browser)))
    assert not is_in(browser)
    assert reasons(town)[-1] == "of another account"


def test_a_disabled_account_has_no_key(town: Town) -> None:
    _, key = registered(town, "gone")
    change_account_status(town.desk, key.user.decode(), AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    browser = at_sign_in(town)
    browser.submit("passkey", answer=key.get(options_of(browser)))
    assert not is_in(browser)
    assert reasons(town)[-1] == "inactive"


def test_registrations_that_are_refused(town: Town) -> None:
    browser = signed_in(town, "newcomer")
    bents = [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"flags": PRESENT}, {"client_data": {"crossOrigin": True}}]
    for bent in (*bents, {"client_data": {"challenge": words(bytes(56))}}, {"algorithm": -47}, {"client_data": {"type": "webauthn.get"}}):
        key = dataclasses.replace(Authenticator(ORIGIN, HOST), **bent)  # type: ignore[arg-type]
        browser.submit("passkey", answer=key.create(options_of(browser)))
        assert browser.answer.status_code == 422, bent
        assert "None yet." in browser.answer.text
    good = Authenticator(ORIGIN, HOST)
    answer = good.create(options_of(browser))
    browser.submit("passkey", answer=answer)
    assert browser.answer.status_code == 200
    browser.submit("passkey", answer=answer)  # a replay
    assert browser.answer.status_code == 422
    # somebody else cannot take the same key
    other = signed_in(town, "thief")
    other.submit("passkey", answer=good.create(options_of(other)))
    assert other.answer.status_code == 409


def test_keys_are_changed_only_by_who_has_both_factors_now(town: Town) -> None:
    person = town.person("careful")
    secret = set_totp(town.desk, person.account_id, actor="test")
    browser = Browser(town.here)
    browser.go("/sessions")
    browser.log_in("careful")
    assert browser.heading == "Where you are signed in"  # the password is enough for that
    csrf = browser.csrf if 'name="csrf"' in browser.answer.text else ""
    browser.send("POST", "/keys/passkey", data={"csrf": csrf, "answer": "{}"})
    assert browser.answer.status_code == 403
    browser.go("/keys")
    assert browser.heading == "One more step"
    browser.submit("code", code=code_at(secret, int(town.desk.clock.now().timestamp()) // 30))
    assert browser.heading == "Keys you sign in with"
    key = Authenticator(ORIGIN, HOST)
    browser.submit("passkey", answer=key.create(options_of(browser)))
    kept = re.findall(r'action="/keys/(cr_[a-z2-7]+)/remove"', browser.answer.text)
    assert len(kept) == 1
    foreign = signed_in(town, "foreign")
    foreign.send("POST", f"/keys/{kept[0]}/remove", data={"csrf": foreign.csrf})
    assert foreign.answer.status_code == 404
    browser.submit("remove")
    assert "None yet." in browser.answer.text
    gone = at_sign_in(town)
    gone.submit("passkey", answer=key.get(options_of(gone)))
    assert reasons(town)[-1] == "unknown"


def test_the_policy_lets_in_one_script_and_only_where_it_is_needed(town: Town) -> None:
    browser = at_sign_in(town)
    assert browser.answer.headers["content-security-policy"].endswith("; script-src 'self'")
    assert re.findall(r"<script[^>]*>", browser.answer.text) == ['<script src="/sign-in/static/passkey.js" defer>']
    assert re.search(r'data-passkey="get"[^>]* hidden>', browser.answer.text)  # without scripts there is nothing that does not work
    browser.go(browser.path + "?method=recovery")
    script = browser.send("GET", "/sign-in/static/passkey.js")
    assert script.headers["content-type"].startswith("text/javascript")
    browser.go("/logout/done")
    assert "script-src" not in browser.answer.headers["content-security-policy"]
    assert "<script" not in browser.answer.text


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"id":"\\ud800"}', "[" * 5000, '{"rawId":1}', '{"id":"a","rawId":"b"}', "x" * (ANSWER_CHARACTERS_MAX + 1)]
)
def test_hostile_answers_are_refused(answer: str) -> None:
    party = relying_party(ORIGIN)
    for read in (lambda: read_registration(party, answer), lambda: read_assertion(answer)):
        with pytest.raises(TrustError, match="CREDENTIAL_UNUSABLE"):
            read()


def test_cut_and_bent_registrations_never_raise_anything_else() -> None:
    party = relying_party(ORIGIN)
    options = json.loads(creation_options(party, bytes(56), "pe_x", "Name", ()))
    answer = json.loads(Authenticator(ORIGIN, HOST).create(options))
    whole = answer["response"]["attestationObject"]
    for end in range(0, len(whole), 7):
        answer["response"]["attestationObject"] = whole[:end]
        with pytest.raises(TrustError, match="CREDENTIAL_UNUSABLE"):
            read_registration(party, json.dumps(answer))


@pytest.mark.parametrize(
    ("address", "can"),
    [("https://id.example", True), ("http://localhost:8000", True), ("http://127.0.0.1:8000", False), ("http://[::1]:8000", False)],
)
def test_passkeys_belong_to_names(address: str, can: bool) -> None:
    assert relying_party(address).can_have_passkeys is can


def test_what_two_factors_are() -> None:
    assert are_two(("passkey",))
    assert are_two(("password", "totp"))
    assert not are_two(("password",))
    assert not are_two(("recovery", "totp"))


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Trust.Example.org:443", "https://trust.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("https://trust.example.org:8443", "https://trust.example.org:8443"),
        ("https://trust.example.org:80", "https://trust.example.org:80"),
        ("http://[::1]:8600", "http://[::1]:8600"),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(address: str, origin: str) -> None:
    """Else no answer of a browser would ever be one for it."""
    assert relying_party(address).origin == origin
