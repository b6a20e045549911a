"""What must not work on the way in."""

from __future__ import annotations

import asyncio
import re
import statistics
import threading
import time
from typing import TYPE_CHECKING

import pytest

from idp.actions.answer_device import find_waiting_device
from idp.actions.count_attempts import enter_attempt, name_key, peer_key
from idp.credentials.passwords import PasswordPool
from idp.limits import FAILURES_PER_NAME, FAILURES_PER_PEER
from idp.pages.texts import TEXTS
from idp.store.credentials import attempts_of_two
from standards.errors import Kind, TrustError
from tests.idp.people import CALLBACK, PASSWORD, Browser, Town
from tests.idp.test_sign_in_flow import town  # noqa: F401 - a fixture

if TYPE_CHECKING:
    import httpx
    from sqlalchemy import Connection


def at_password(town: Town, client: str = "own") -> Browser:  # noqa: F811
    browser = Browser(town.here)
    browser.authorize(client)
    assert browser.heading == "Sign in"
    return browser


def visible(page: httpx.Response) -> str:
    """A page without what differs by chance."""
    return re.sub(r'value="[^"]*"|si_[a-z2-7]+', "", page.text)


def test_a_form_of_another_site_is_refused(town: Town) -> None:  # noqa: F811
    town.person()
    browser = at_password(town)
    path = browser.path
    right = browser.csrf
    for csrf in ("", "x", right[:-1] + ("A" if right[-1] != "A" else "B")):
        browser.send("POST", path + "/password", data={"csrf": csrf, "login": "jia", "password": PASSWORD})
        assert browser.answer.status_code == 403
        assert "FORM_FORGED" in browser.answer.text
    other = at_password(town)  # another browser's token for this sign-in, and another sign-in's token
    other.send("POST", path + "/password", data={"csrf": other.csrf, "login": "jia", "password": PASSWORD})
    assert other.answer.status_code == 403
    no_cookie = Browser(town.here)
    no_cookie.send("POST", path + "/password", data={"csrf": right, "login": "jia", "password": PASSWORD})
    assert no_cookie.answer.status_code == 403
    assert town.protocol.issued == []


def test_a_sign_in_cannot_be_taken_to_another_browser(town: Town) -> None:  # noqa: F811
    """Login CSRF and fixation: neither the address of a sign-in nor a planted session cookie lets anybody in as somebody."""
    town.person()
    attacker = at_password(town)
    victim = Browser(town.here)
    victim.go(attacker.path)
    assert victim.answer.status_code == 404
    assert "SIGN_IN_UNKNOWN" in victim.answer.text
    victim.cookies["yinxin-session"] = "planted"
    victim.authorize("own")
    victim.log_in()
    assert victim.returned["code"]
    assert victim.cookies["yinxin-session"] != "planted"


def test_a_finished_sign_in_gives_nothing_again(town: Town) -> None:  # noqa: F811
    town.person()
    browser = at_password(town)
    path = browser.path
    browser.log_in()
    assert browser.returned["code"]
    browser.go(path)
    assert browser.answer.status_code == 404


def test_steps_cannot_be_skipped_by_sending_their_forms(town: Town) -> None:  # noqa: F811
    town.person()
    browser = at_password(town, "shop")
    path, csrf = browser.path, browser.csrf
    for name in ("consent", "acting", "code", "new-password", "account", "nothing"):
        browser.send("POST", f"{path}/{name}", data={"csrf": csrf, "password": PASSWORD, "code": "123456"})
        browser.follow()
        assert browser.heading == "Sign in" or browser.answer.status_code == 404, name
    assert town.protocol.issued == []


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/cb",
        CALLBACK + "/",
        CALLBACK + "?x=1",
        "https://rp.example.evil.example/cb",
        "javascript:alert(1)",
        "//rp.example/cb",
    ],
)
def test_no_redirect_to_an_address_that_is_not_registered(town: Town, address: str) -> None:  # noqa: F811
    browser = Browser(town.here)
    browser.authorize("own", redirect_uri=address)
    assert browser.answer.status_code == 422
    assert "location" not in browser.answer.headers
    assert "AUTHORIZATION_REFUSED" in browser.answer.text


def test_pages_cannot_be_framed_cached_or_scripted(town: Town) -> None:  # noqa: F811
    browser = at_password(town)
    policy = browser.answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert browser.answer.headers["cache-control"] == "no-store"
    assert "<script" not in browser.answer.text
    assert "style=" not in browser.answer.text
    browser.authorize("own", login_hint='"><script>alert(1)</script>')
    assert "<script" not in browser.answer.text


def test_unknown_wrong_locked_and_disabled_look_the_same(town: Town) -> None:  # noqa: F811
    town.person()
    town.person("noone", password=None)
    pages = set()
    for login, password in (("jia", "wrong horse 7"), ("nobody", "wrong horse 7"), ("noone", "wrong horse 7")):
        browser = at_password(town)
        browser.log_in(login, password)
        assert browser.answer.status_code == 401
        pages.add(visible(browser.answer))
    for _ in range(FAILURES_PER_NAME):
        browser = at_password(town)
        browser.log_in("jia", "wrong horse 7")
    browser = at_password(town)
    browser.log_in()  # right, but locked
    assert browser.answer.status_code == 401
    pages.add(visible(browser.answer))
    assert len(pages) == 1
    reasons = [re.search(r'"reason":"(\w*)"', entry)[1] for entry in town.audited("sign-in.show")]  # type: ignore[index]
    assert reasons[:3] == ["wrong", "unknown", "unknown"]
    assert reasons[-1] == "locked"
    # Names are personal data; in an identifier the same letters stand by chance now and then
    assert "jia" not in re.sub(r'(?<=[":])[a-z]{2}_[a-z2-7]+(?=")', "", "".join(town.audited("sign-in.show")))


def test_an_unknown_name_takes_as_long_as_a_known_one(town: Town) -> None:  # noqa: F811
    """The two groups of times are not told apart by the rank-sum test at one in a thousand (and never differ by a tenth of the hash).

    Processor time of this process, which is provider and browser in one: another process on the machine does not count. A real difference
    shows every time it is measured, chance does not.
    """
    for number in range(10):
        town.person(f"known{number}")
    for _ in range(3):
        times = times_of_wrong_passwords(town)
        apart = abs(statistics.median(times[True]) - statistics.median(times[False])) / statistics.median(times[True])
        if apart < 0.1 and rank_sum_z(times[True], times[False]) < 3.3:
            break
    else:
        pytest.fail(f"known and unknown names are told apart: {times}")


def times_of_wrong_passwords(town: Town) -> dict[bool, list[float]]:  # noqa: F811
    """Seconds of processor time, thirty with known names and thirty with unknown ones, by turns."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(60):
        known = number % 2 == 0
        browser = at_password(town)
        csrf, path = browser.csrf, browser.path
        login = f"known{number // 2 % 10}" if known else f"stranger{number}"
        began = time.process_time()
        browser.send("POST", path + "/password", data={"csrf": csrf, "login": login, "password": "wrong horse 7"})
        times[known].append(time.process_time() - began)
        if number % 20 == 19:
            town.desk.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM idp_attempts"))
    return times


def rank_sum_z(first: list[float], second: list[float]) -> float:
    """|z| of the Mann-Whitney statistic by its normal approximation."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(place for place, (_, group) in enumerate(ranked, 1) if group == 0)
    n, m = len(first), len(second)
    u = ranks - n * (n + 1) / 2
    return float(abs(u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5)


def test_of_many_attempts_at_once_no_more_get_through_than_the_rule_allows(town: Town) -> None:  # noqa: F811
    desk = town.desk
    name, at = name_key(desk.vault, "jia"), desk.clock.now()
    allowed: list[bool] = []

    def attempt(number: int) -> None:
        def enter(connection: Connection) -> bool:
            return enter_attempt(connection, name, peer_key(desk.vault, f"192.0.2.{number}"), at)[0]

        allowed.append(desk.database.write(enter))

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allowed.count(True) == FAILURES_PER_NAME


def test_an_address_that_fails_too_often_is_told_to_wait(town: Town) -> None:  # noqa: F811
    desk, at = town.desk, town.desk.clock.now()
    peer = peer_key(desk.vault, "192.0.2.7")
    for number in range(FAILURES_PER_PEER):
        desk.database.write(lambda connection, number=number: enter_attempt(connection, name_key(desk.vault, f"n{number}"), peer, at))  # type: ignore[misc]
    browser = at_password(town)
    browser.log_in()
    assert browser.answer.status_code == 429
    assert int(browser.answer.headers["retry-after"]) > 0
    assert "Too many failed attempts" in browser.answer.text, "what clients are told of tokens is nothing to people"


def test_attack_a_network_of_ipv6_has_no_more_attempts_than_an_address(town: Town) -> None:  # noqa: F811
    """Whoever has one connection has 2⁶⁴ addresses: names are tried from it no oftener, nor the codes of devices."""
    desk, at = town.desk, town.desk.clock.now()

    def attempt(peer: str, number: int) -> bool:
        name, sender = name_key(desk.vault, f"n{number}"), peer_key(desk.vault, peer)
        return desk.database.write(lambda connection: enter_attempt(connection, name, sender, at)[1])

    assert all(attempt(f"2001:db8:0:1::{number:x}", number) for number in range(FAILURES_PER_PEER))
    assert not attempt("2001:db8:0:1:ffff::1", 1000)
    assert attempt("2001:db8:0:2::1", 1001)
    wrong = "BCDFGHJK"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idp.actions.answer_device.device_by_user_code", lambda *_: None)
        for number in range(FAILURES_PER_PEER):
            with pytest.raises(TrustError, match="DEVICE_UNKNOWN"):
                find_waiting_device(desk, wrong[:-1] + "LMNPQRSTVW"[number % 10], f"2001:db8:0:3::{number:x}", desk.vault.mac_key)
    noted = peer_key(desk.vault, "device 2001:db8:0:3::/64")
    with desk.database.read() as connection:
        assert attempts_of_two(connection, noted, noted)[noted][0] == FAILURES_PER_PEER


def test_when_all_places_are_taken_the_answer_comes_at_once(town: Town) -> None:  # noqa: F811
    """The pool of the served application is full: 503 in under 50 ms, without waiting for a place. The quickest of some: others use this machine."""
    gate = threading.Event()
    pool = PasswordPool(threads=1, queue_max=1)
    held = [pool.submit(gate.wait) for _ in range(2)]
    times = []
    for _ in range(20):
        began = time.perf_counter()
        with pytest.raises(TrustError, match="SIGN_IN_BUSY"):
            pool.submit(lambda: None)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05
    gate.set()
    assert all(each.result(timeout=60) for each in held)
    assert pool.submit(lambda: 7).result(timeout=60) == 7
    with pool.take_place(), pool.take_place(), pytest.raises(TrustError, match="SIGN_IN_BUSY"):
        pool.take_place()
    assert pool.submit(lambda: 7).result(timeout=60) == 7  # a place in which nothing was done is free again

    async def fail() -> None:
        for _ in range(3):
            with pool.take_place() as place, pytest.raises(ZeroDivisionError):
                await place.run(lambda: 1 // 0)

    asyncio.run(fail())
    with pool.take_place(), pool.take_place():  # and one in which something failed
        pass
    pool.close()


def test_whoever_is_sent_away_has_made_no_attempt(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Overload must lock nobody out: what was never tried counts as no failure."""
    town.person()
    browser = at_password(town)

    def full(_pool: PasswordPool) -> None:
        raise TrustError(Kind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds=2)

    with monkeypatch.context() as patch:
        patch.setattr(PasswordPool, "take_place", full)
        for _ in range(FAILURES_PER_NAME + 1):
            browser.log_in()
            assert browser.answer.status_code == 503
            assert browser.answer.headers["retry-after"] == "2"
            again = re.search(r'href="([^"]+)">Try again<', browser.answer.text)
            assert again
            page = again[1]
            browser.go(page)
        # Taken while the form came: refused all the same before any row is read
        patch.setattr(PasswordPool, "demand_place", lambda _pool: None)
        with monkeypatch.context() as unread:
            for place in ("idp.actions.show_password.take_up", "idp.pages.sign_in_pages.take_up"):
                unread.setattr(place, lambda *_: pytest.fail("a row was read for somebody without a place"))
            browser.log_in()
        assert browser.answer.status_code == 503
        browser.go(page)
    name = name_key(town.desk.vault, "jia")
    with town.desk.database.read() as connection:
        assert attempts_of_two(connection, name, name) == {}
    browser.log_in()
    assert "code" in browser.returned


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_speaks_one_language(town: Town, language: str) -> None:  # noqa: F811
    from idp.actions.grant_agent import grant_agent
    from idp.actions.set_credentials import set_totp

    person, firm = town.person(name="Name"), town.organisation("Firm")
    grant_agent(town.desk, firm.account_id, person.account_id, actor="test")
    secret = set_totp(town.desk, person.account_id, actor="test")
    browser = Browser(town.here, language)
    seen = {}

    def note(name: str) -> None:
        seen[name] = browser.answer.text

    town.protocol.profiles["shop"] = type(town.protocol.profiles["shop"])("shop", "Shop", purpose="Because")
    browser.authorize("shop", acr_values="urn:yinxin:loa:3", response_mode="form_post", scope="openid profile phone email address identity")
    note("first_factor")
    path = browser.path
    browser.go(path + "?method=recovery")
    note("recovery")
    browser.go(path)
    browser.log_in(password="wrong horse 7")
    note("failed")
    browser.log_in()
    note("second_factor")
    from idp.credentials.one_time_codes import code_at

    browser.submit("code", code=code_at(secret, int(town.desk.clock.now().timestamp()) // 30))
    note("acting")
    browser.submit("acting")
    note("consent")
    browser.submit("consent")
    note("form_post")
    browser.authorize("shop", prompt="select_account")
    note("account")
    for name in ("sessions", "switch", "logout", "logout/done"):
        browser.go("/" + name)
        note(name)
    browser.go("/sign-in/si_nothing")
    note("error")
    other = 1 if language == "zh" else 0
    foreign = [pair[other] for pair in TEXTS.values() if pair[0] != pair[1] and len(pair[other]) > 5]
    for name, page in seen.items():
        body = re.sub(r'<a href="[^"]*\?lang=.*?</a>', "", page)
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page, name
        assert not [text for text in foreign if f">{text}<" in body], name
        if language == "en":
            assert not re.search(r"[\u4e00-\u9fff]", body), (name, body)


def test_the_language_can_be_changed_and_stays(town: Town) -> None:  # noqa: F811
    browser = at_password(town)
    browser.go(browser.path + "?lang=zh")
    assert browser.heading == "登录"
    place = browser.path.partition("?")[0]
    browser.go(place + "?type=large")
    assert browser.heading == "登录"
    assert 'class="large"' in browser.answer.text
    browser.go(place + "?method=recovery")
    assert f'href="{place}?type=normal&amp;method=recovery"' in browser.answer.text
    browser.go(place + "?type=normal&method=recovery")
    assert 'class="large"' not in browser.answer.text
    assert 'name="code"' in browser.answer.text
    browser.authorize("own", ui_locales="en")
    assert browser.heading == "登录"
    fresh = Browser(town.here)
    fresh.authorize("own", ui_locales="zh-CN")
    assert fresh.heading == "登录"


def test_cookies_are_bound_to_the_host_under_https() -> None:
    from starlette.requests import Request

    from crypto.sealed_values import ValueSealer
    from idp.pages.visit import SESSION_COOKIE, Visit

    visit = Visit(Request({"type": "http", "headers": []}), True, ValueSealer(bytes(32)), is_demo=False)
    visit.set_cookie(SESSION_COOKIE, "value", seconds=5)
    visit.set_cookie(SESSION_COOKIE, "")
    assert visit.cookies[0] == "__Host-yinxin-session=value; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=5"
    assert "Max-Age=0" in visit.cookies[1]
