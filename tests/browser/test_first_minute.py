"""The three links that ``yinxin demo`` prints at the end show what it says they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.walker import Walkers


def test_the_printed_links_lead_to_verdicts_and_to_the_console(walkers: Walkers) -> None:
    walker = walkers.anybody()
    for sample, said in (("licence.pdf", "有效"), ("forged.pdf", "盖章后被改动")):
        page = walker.goto(f"/v#sample-{sample}")
        page.reload()  # a fragment alone loads nothing anew
        page.wait_for_selector(".answers")
        assert said in page.locator("#headline").inner_text()
    page = walker.goto("/console")
    assert page.locator("input[name=password]").count() == 1
