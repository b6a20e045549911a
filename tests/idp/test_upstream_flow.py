"""Signing in through another provider, from the button to the client's code, and everything that must not get through on that way."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from idp.actions import join_identity
from idp.actions.manage_accounts import NewAccount, change_account_status, create_account
from idp.actions.set_credentials import set_totp
from idp.model.people import AccountKind, AccountStatus, Identifier, IdentifierKind
from idp.store.accounts import list_evidence
from tests.idp.people import Browser, Town

if TYPE_CHECKING:
    from tests.fakes.upstream import Upstream

from tests.idp.upstream_town import (  # noqa: F401 - fixtures
    account_by,
    away,
    back,
    button,
    conflicts,
    fresh_fixture,
    numbers,
    resident,
    sign_in,
    someone,
    there_fixture,
    town_fixture,
)


def test_an_account_that_is_full_of_evidence_still_signs_in(town: Town, there: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    said = someone()
    sign_in(town, there, said)
    monkeypatch.setattr(join_identity, "EVIDENCE_PER_ACCOUNT_MAX", 0)
    assert sign_in(town, there, {**said, "lv": "L3"}).returned["code"]
    with town.desk.database.read() as connection:
        assert list_evidence(connection, town.desk.vault, town.protocol.issued[-1].account_id) == ()


def test_a_new_person_comes_back_with_an_account_and_comes_again_as_the_same(town: Town, there: Upstream) -> None:
    said = someone(area="150700", mobile="138 0000 0000", sex="2")
    browser = sign_in(town, there, said)
    assert browser.returned["code"]
    who = town.protocol.issued[-1]
    assert (who.acr, who.amr) == ("urn:yinxin:loa:2", ("fed",))
    account = account_by(town, "region", said["sub"])
    assert (account.account_id, account.name, account.origin, account.level) == (who.account_id, "测试甲", "upstream:region", 2)
    number = account.id_number
    assert number is not None
    assert number.value == said["idnum"]
    assert number.verified_at is not None
    with town.desk.database.read() as connection:
        (proof,) = list_evidence(connection, town.desk.vault, account.account_id)
    assert (proof.method, proof.source, proof.level) == ("upstream.oidc", "region", 2)
    # Again, in another browser, now vouched for at a higher level: the evidence follows
    other = sign_in(town, there, {**said, "lv": "L3"})
    assert other.returned["code"]
    assert town.protocol.issued[-1].account_id == who.account_id
    assert town.protocol.issued[-1].acr == "urn:yinxin:loa:3"
    with town.desk.database.read() as connection:
        assert [each.level for each in list_evidence(connection, town.desk.vault, account.account_id)] == [3]
    entries = [json.loads(each) for each in town.audited("sign-in.return")]
    assert [each["outcome"] for each in entries[-2:]] == ["done", "done"]
    assert said["idnum"] not in "".join(town.audited("sign-in.return") + town.audited("account.create") + town.audited("sign-in.leave"))


def test_the_same_proven_number_joins(town: Town, there: Upstream) -> None:
    said = someone(name="测试 甲")
    known = resident(said, town=town, login="joined")
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id == known.account_id
    assert '"why":"number"' in town.audited("account.link")[-1]


@pytest.mark.parametrize(
    ("name", "said", "account", "doubt"),
    [
        ("region", {"name": "测试乙"}, {}, "name_differs"),
        ("region", {}, {"verified": False}, "number_claimed"),
        ("region", {}, {"level": 1}, "account_unproven"),
        ("region", {"lv": "L1"}, {}, "not_trusted"),
        ("region", {"usertype": 2}, {}, "kind_differs"),
        ("other", {}, {}, "not_trusted"),
    ],
)
def test_what_only_looks_alike_opens_nothing(
    town: Town, there: Upstream, name: str, said: dict[str, object], account: dict[str, Any], doubt: str
) -> None:
    told = someone(**said)
    resident(told, town=town, login=f"alike-{next(numbers)}", **account)
    before = len(conflicts(town))
    for _ in range(2):
        browser = sign_in(town, there, told, name)
        assert browser.answer.status_code == 409
        assert "Not clear whether this is the same account" in browser.answer.text
        assert "yinxin-session" not in browser.cookies
    assert town.protocol.issued == []
    assert conflicts(town)[before:] == [doubt]


def test_telephone_mail_and_name_join_nothing(town: Town, there: Upstream) -> None:
    mail = Identifier(IdentifierKind.MAIL, "jia@example.org", town.desk.clock.now())
    phone = Identifier(IdentifierKind.MOBILE, "13900000001", town.desk.clock.now())
    known = create_account(town.desk, NewAccount(AccountKind.PERSON, "测试甲", (mail, phone)), actor="test")
    said = someone(mail="jia@example.org", mobile="13900000001", email="jia@example.org", idnum="", idtype="")
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id != known.account_id


def test_an_account_made_by_a_directory_of_the_same_name_is_not_opened(town: Town, there: Upstream) -> None:
    """Who may import accounts, with passwords he knows, must not get the sign-in of whoever he names."""
    said = someone(idnum="", idtype="")
    planted = Identifier(IdentifierKind.UPSTREAM, f"region|{said['sub']}")
    made = create_account(town.desk, NewAccount(AccountKind.PERSON, "测试甲", (planted,)), actor="client:importer")
    assert sign_in(town, there, said).returned["code"]
    assert town.protocol.issued[-1].account_id != made.account_id


def test_a_number_that_is_not_proven_is_not_kept_from_its_owner(town: Town, there: Upstream) -> None:
    said = someone()
    assert sign_in(town, there, said, "other").returned["code"]  # an upstream that nobody trusts for numbers
    first = town.protocol.issued[-1].account_id
    assert account_by(town, "other", said["sub"]).id_number is None
    assert sign_in(town, there, said).returned["code"]  # its owner, by one that is trusted
    assert town.protocol.issued[-1].account_id != first
    number = account_by(town, "region", said["sub"]).id_number
    assert number is not None
    assert number.value == said["idnum"]


def test_a_subject_handed_on_and_a_second_subject_of_one_number(town: Town, there: Upstream) -> None:
    said, stranger = someone(), someone()
    assert sign_in(town, there, said).returned["code"]
    before = len(conflicts(town))
    assert sign_in(town, there, {**said, "idnum": stranger["idnum"]}).answer.status_code == 409
    assert sign_in(town, there, {**said, "sub": "second-" + said["sub"]}).answer.status_code == 409
    assert conflicts(town)[before:] == ["number_differs", "other_subject"]
    assert len(town.protocol.issued) == 1


def test_who_may_not_sign_in_may_not_this_way_either(town: Town, there: Upstream) -> None:
    said = someone()
    known = resident(said, town=town, login="disabled")
    change_account_status(town.desk, known.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    browser = sign_in(town, there, said)
    assert browser.answer.status_code == 401
    assert "Sign-in failed" in browser.answer.text
    unknown = sign_in(town, there, someone(), "closed")
    assert unknown.answer.status_code == 403
    assert "No account here" in unknown.answer.text
    assert town.protocol.issued == []
    assert '"reason":"sign-up-closed"' in town.audited("sign-in.return")[-1]


@pytest.mark.clause("RFC 9207 2.4")
def test_mix_up_an_answer_of_one_provider_counts_at_no_other(town: Town, there: Upstream) -> None:
    there.record = someone()
    browser, sent_to = away(town)
    back(there, browser, sent_to, iss="https://attacker.example")
    assert browser.answer.status_code == 401
    assert "Answer of the upstream not accepted" in browser.answer.text
    assert there.asked == []
    back(there, browser, sent_to)  # that trip is over, whoever brings the right answer now
    assert browser.answer.status_code == 404
    browser, sent_to = away(town)
    back(there, browser, sent_to, name="other")
    assert browser.answer.status_code == 401
    assert there.asked == []
    back(there, browser, sent_to)
    assert browser.answer.status_code == 404
    assert town.protocol.issued == []


def test_replay_an_answer_counts_once_even_of_sixteen_at_once(town: Town, there: Upstream) -> None:
    there.record = someone()
    browser, sent_to = away(town)
    query = urlencode(there.authorize(sent_to))
    statuses = []

    def bring() -> None:
        copy = Browser(town.here)
        copy.cookies = dict(browser.cookies)
        statuses.append(
            (copy.send("GET", f"/sign-in/upstream/region/callback?{query}").status_code, copy.answer.headers.get("location", ""))
        )

    threads = [threading.Thread(target=bring) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(status == 303 for status, _ in statuses) == 1
    assert {status for status, _ in statuses} <= {303, 404, 503}
    assert there.asked.count("/token") == 1
    bring()
    assert statuses[-1][0] == 404


def test_login_csrf_an_answer_counts_in_no_other_browser(town: Town, there: Upstream) -> None:
    """The attacker's own answer, planted in a victim's browser, and the victim's answer in the attacker's."""
    there.record = someone()
    attacker, sent_to = away(town)
    victim, _ = away(town)
    back(there, victim, sent_to)
    assert victim.answer.status_code == 404
    nobody = Browser(town.here)
    back(there, nobody, sent_to)
    assert nobody.answer.status_code == 404
    assert there.asked == []
    back(there, attacker, sent_to)
    assert attacker.returned["code"]


def test_swapped_responses_of_two_sign_ins(town: Town, there: Upstream) -> None:
    """Two sign-ins of one browser: a code brought under the other's state fails by nonce and PKCE."""
    there.record = someone()
    browser, first = away(town)
    _, second = away(town, browser=browser)
    there.authorize(second)  # the upstream's code is of the second
    state = dict(parse_qsl(urlsplit(first).query))["state"]
    browser.go(f"/sign-in/upstream/region/callback?{urlencode({'code': 'c-1', 'state': state, 'iss': there.url})}")
    assert browser.answer.status_code == 401
    assert town.protocol.issued == []


@pytest.mark.parametrize(
    ("attack", "claims", "status"),
    [
        ("", {"iss": "https://other.example"}, 401),
        ("", {"aud": "another-client"}, 401),
        ("", {"nonce": "of another sign-in"}, 401),
        ("", {"exp": 1_000}, 401),
        ("", {"skew": 400}, 401),
        ("other-keys", {}, 401),
        ("bad-signature", {}, 401),
        ("other-userinfo", {}, 401),
        ("broken", {}, 503),
        ("oversized", {}, 503),
        ("redirect", {}, 401),
        ("not-json", {}, 401),
    ],
)
def test_a_provider_that_misbehaves_signs_nobody_in(town: Town, there: Upstream, attack: str, claims: dict[str, Any], status: int) -> None:
    there.record = someone()
    browser, sent_to = away(town)
    there.attack = attack
    there.claims = {"iat": int(town.desk.clock.now().timestamp()) + claims["skew"]} if "skew" in claims else claims
    back(there, browser, sent_to)
    assert browser.answer.status_code == status
    assert browser.heading == "Sign in"
    assert "yinxin-session" not in browser.cookies
    assert town.protocol.issued == []
    assert json.loads(town.audited("sign-in.return")[-1])["outcome"] == "refused"


def test_parameters_given_twice_errors_and_unknown_providers(town: Town, there: Upstream) -> None:
    there.record = someone()
    browser, sent_to = away(town)
    query = urlencode(there.authorize(sent_to))
    browser.go(f"/sign-in/upstream/region/callback?{query}&code=c-2")
    assert browser.answer.status_code == 400
    back(there, browser, sent_to, error="access_denied", code="-")
    assert browser.answer.status_code == 401
    browser.go("/sign-in/upstream/region/callback")
    assert browser.answer.status_code == 404
    browser.authorize("own")
    browser.go(button(browser).replace("/region", "/nobody"))
    assert browser.answer.status_code == 404
    browser.go("/sign-in/si_none/upstream/region")
    assert browser.answer.status_code == 404


def test_away_too_long(town: Town, there: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    there.record = someone()
    browser, sent_to = away(town)
    later = town.desk.clock.now() + timedelta(seconds=601)
    monkeypatch.setattr(type(town.desk.clock), "now", lambda _clock: later)
    back(there, browser, sent_to)
    assert browser.answer.status_code == 401
    assert there.asked == []


def test_after_the_first_factor_nobody_goes_away_any_more(town: Town, there: Upstream) -> None:
    person = town.person("gone-on", needs_two_factors=True)
    set_totp(town.desk, person.account_id, actor="test")
    there.record = someone()
    browser, sent_to = away(town)
    path = browser.path.rpartition("/upstream")[0]
    assert path.startswith("/sign-in/si_")
    browser.go(path)
    browser.log_in("gone-on")
    assert browser.heading == "One more step"
    browser.go(f"{path}/upstream/region")
    assert browser.heading == "One more step"
    back(there, browser, sent_to)  # a late answer changes nothing of who it is
    assert browser.heading == "One more step"
    assert town.protocol.issued == []


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_prompt_login_and_max_age_reach_the_upstream(town: Town, there: Upstream) -> None:
    """Single sign-on there must not answer a client that wants the person to show himself now."""
    there.record = someone()
    now = int(town.desk.clock.now().timestamp())
    for name, value in (("prompt", "login"), ("max_age", "60")):
        browser, sent_to = away(town, "region", None, **{name: value})
        assert "prompt=login&max_age=0" in sent_to
        there.claims = {"auth_time": now - 3600}
        back(there, browser, sent_to)
        assert browser.answer.status_code == 401
        assert town.protocol.issued == []
    browser, sent_to = away(town, prompt="login")
    there.claims = {"auth_time": now}
    back(there, browser, sent_to)
    assert browser.returned["code"]
    assert int(town.protocol.issued[-1].auth_time.timestamp()) == now
    browser.authorize("own", prompt="login")
    browser.go(button(browser).replace("/region", "/legacy"))  # has no word for it
    assert browser.answer.status_code == 422
    assert browser.heading == "Sign in"
    assert "Use another way to sign in" in browser.answer.text


def test_a_session_is_as_old_as_the_sign_in_on_which_it_rests(town: Town, there: Upstream) -> None:
    now = int(town.desk.clock.now().timestamp())
    there.claims = {"auth_time": now - 3600}
    assert sign_in(town, there, someone()).returned["code"]
    assert int(town.protocol.issued[-1].auth_time.timestamp()) == now - 3600


@pytest.mark.parametrize("page", ["keys", "links"])
def test_attack_an_open_browser_gets_no_way_in_of_its_own_by_single_sign_on(town: Town, there: Upstream, page: str) -> None:
    """The upstream lets the browser back in without a word, and says of no time: nobody has shown that the person sits there."""
    there.record = someone()
    browser = Browser(town.here)
    browser.go("/sessions")
    browser.send("GET", button(browser))
    back(there, browser, browser.answer.headers["location"])
    assert browser.heading == "Where you are signed in"
    browser.go(f"/{page}")
    assert browser.heading == "Sign in"
    for path in ("/keys/passkey", "/keys/certificate"):
        token = browser.csrf
        browser.send("POST", path, data={"csrf": token, "answer": "{}", "challenge": "x"})
        assert browser.answer.status_code == 403
        browser.go(f"/{page}")
    # Nor by what cannot be asked for more; where it is asked, what comes back must say so
    browser.go(button(browser).replace("/region", "/legacy"))
    assert "Use another way to sign in" in browser.answer.text
    now = int(town.desk.clock.now().timestamp())
    browser.send("GET", button(browser))
    sent_to = browser.answer.headers["location"]
    assert "prompt=login&max_age=0" in sent_to
    there.claims = {"auth_time": now - 3600}
    back(there, browser, sent_to)
    assert browser.answer.status_code == 401
    browser.send("GET", button(browser))
    there.claims = {"auth_time": now}
    back(there, browser, browser.answer.headers["location"])
    assert browser.path == f"/{page}"
    assert browser.answer.status_code == 200
