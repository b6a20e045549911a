"""The help and the API page in a real browser: at rest, on a phone in the dark, searched without scripts, and a call tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.walker import Walkers


@pytest.mark.clause("W3C WCAG22 AA")
def test_help_is_read_searched_and_changed_in_language(walkers: Walkers) -> None:
    reader = walkers.anybody(language="en")
    page = reader.goto("/help", "help")
    assert page.get_by_role("heading", name="Yinxin: help").is_visible()
    page = reader.goto("/help/how-to/key-ceremony", "help-page")
    assert page.get_by_role("navigation", name="On this page").is_visible()
    reader.follow(page.get_by_role("link", name="中文"))
    assert page.get_by_role("heading", name="密钥仪式", exact=True).is_visible()
    reader.goto("/help/errors/SEAL_CHANGED", "help-code")


@pytest.mark.clause("W3C WCAG22 AA")
def test_help_on_a_phone_in_the_dark_and_without_scripts(walkers: Walkers) -> None:
    phone = walkers.anybody(narrow=True, dark=True)
    phone.goto("/help/how-to/operate", "help-phone")
    phone.page.goto("/help/reference/settings")
    wide = phone.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1], "tables scroll by themselves"
    plain = walkers.anybody(narrow=True, script=False)
    page = plain.goto("/help")
    page.locator("summary", has_text="目录").click()
    page.locator("#q-small").fill("冻结")
    with page.expect_navigation(wait_until="load"):
        page.locator("#q-small").press("Enter")
    assert page.get_by_role("link", name="印章管理员指南").first.is_visible()


def test_the_api_is_tried_in_the_browser(walkers: Walkers) -> None:
    """Nothing is fetched from elsewhere, the policy holds, and the call goes to this server."""
    developer = walkers.anybody()
    page = developer.page
    page.goto("/docs")
    page.locator("#operations .opblock-tag").first.wait_for(timeout=60_000)  # a megabyte of operations is read and drawn
    developer.shoot("docs")
    page.locator("#operations .opblock-tag", has_text="operations").click()
    page.locator(".opblock", has_text="/livez").locator(".opblock-summary-control").first.click()
    developer.shoot("docs-open")
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".responses-table.live-responses-table")
    answer.wait_for()
    assert '"alive"' in answer.inner_text()
    developer.shoot("docs-tried")
    reader = walkers.anybody(script=False)
    reader.page.goto("/docs")
    assert reader.page.locator("noscript a, .alert a").first.get_attribute("href") == "/docs/plain"
