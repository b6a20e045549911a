"""The administrators' story of one seal: applied for, reviewed by somebody else, made, issued, accepted, frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seal_service.pdf.documents import reportlab_document

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.people import Staff
    from tests.browser.walker import Walkers
    from tests.flows.served import Served

ORGANISATION = "呼伦贝尔市样例审批局"
CREDIT_CODE = "12990000YX0000008K"
STAYS = "sessionStorage.getItem('seen') || sessionStorage.setItem(location.pathname, '5')"
"""Until it was seen, a page that waits for what the system does by itself thinks that it has looked often enough."""


@pytest.mark.clause("W3C WCAG22 AA")
def test_from_application_to_freeze(walkers: Walkers, served: Served, staff: Staff, tmp_path: Path) -> None:
    paper = tmp_path / "批文.pdf"
    paper.write_bytes(b"%PDF-1.7 synthetic")

    # 1. Somebody applies, naming by login who gets the three powers
    applicant = walkers.person("shenqing")
    applicant.look("home-applicant")
    page = applicant.goto("/console/applications/new", "apply")
    page.fill("#organisation", ORGANISATION)
    page.fill("#credit_code", CREDIT_CODE)
    page.fill("#managers", "guanli")
    page.fill("#users", "yongyin")
    page.fill("#auditors", "jiandu")
    page.set_input_files("#papers", paper)
    page.fill("#reason", "机构设立（样例）")
    applicant.press("预览")
    applicant.look("apply-preview")
    assert page.locator("#drawn img").is_visible()
    page.set_input_files("#papers", paper)
    applicant.press("提交申请")
    applicant.look("application-own")
    assert page.get_by_text("须由另一人审核").is_visible()
    address = page.url

    # 2. A second person reviews it, all of it on one page, on a phone and in the dark
    reviewer = walkers.person("shenhe", narrow=True, dark=True)
    reviewer.look("home-reviewer")
    reviewer.follow(reviewer.page.get_by_role("link", name=ORGANISATION))
    reviewer.look("review")
    assert reviewer.page.url == address
    assert reviewer.page.get_by_text("批文.pdf").first.is_visible()
    for box in reviewer.page.locator("form[action$=approve] input[type=checkbox]").all():
        box.check()
    reviewer.page.fill("#reason-approve", "材料齐全")
    reviewer.press("批准")
    reviewer.look("review-done")

    # 3. A third one makes and issues it
    maker = walkers.person("zhizhang")
    maker.look("home-maker")
    maker.page.goto(address)
    maker.page.add_init_script(STAYS)  # a page that looks again by itself would be gone in the midst of being looked at
    maker.press("制作印章")
    maker.look("seal-made")
    seal = maker.page.url
    maker.page.evaluate("sessionStorage.setItem('seen', 'yes'); sessionStorage.removeItem(location.pathname)")
    maker.page.goto(seal)
    maker.page.locator("summary", has_text="发放").wait_for()  # filed by the system itself, a moment later
    maker.page.locator("summary", has_text="发放").click()
    maker.press("发放")
    maker.look("seal-issued")

    # 4. Its owner accepts it; from then on he sees it as usable
    user = walkers.person("yongyin")
    user.look("home-user")
    user.follow(user.page.get_by_role("link", name=ORGANISATION).first)
    user.look("seal-to-accept")
    user.page.locator("summary", has_text="启用").click()
    user.press("启用")
    user.look("seal-in-use")
    assert user.page.get_by_role("link", name="用印", exact=True).is_visible()

    # and uses it once: the result is verified on the spot
    document = tmp_path / "决定.pdf"
    document.write_bytes(reportlab_document())
    user.follow(user.page.get_by_role("link", name="用印", exact=True).first)
    user.page.set_input_files("#document", document)
    user.press("下一步")
    user.page.fill("#reason", "首次用印（样例）")
    user.press("签章")
    user.page.get_by_text("有效：签章真实").wait_for()
    user.look("seal-used")
    user.page.goto(f"{seal.partition('?')[0]}/uses")
    assert user.page.get_by_text("已完成").first.is_visible()

    # 5. Who manages it freezes it in one step, without script, with a reason; the user sees it at once
    manager = walkers.person("guanli", script=False)
    manager.page.goto(seal)
    manager.page.locator("#freeze summary").click()
    manager.page.fill("#reason-freeze", "设备遗失（样例）")
    manager.press("冻结")
    assert manager.page.get_by_text("印章已冻结，从现在起不能用印").is_visible()
    user.page.goto(seal)
    user.look("seal-frozen")
    assert user.page.get_by_text("设备遗失（样例）").first.is_visible()
    assert not user.page.get_by_role("link", name="用印", exact=True).is_visible()
    seal_id = seal.rpartition("/")[2].partition("?")[0]
    assert ("seal.freeze", "done") in served.deployment.trail(seal_id)
    assert staff.holder("guanli") in str(served.deployment.rows("SELECT holder FROM seal_powers WHERE power = 'manage'"))


def test_the_designer_draws_while_one_types_with_keys_alone(walkers: Walkers) -> None:
    """In English, in large type, on a phone, without a mouse."""
    applicant = walkers.person("shenqing", to="/console/designer?type=large", narrow=True, language="en-US")
    page = applicant.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 'content'")  # a browser goes to a fragment when it draws next
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "name"
    page.keyboard.type(ORGANISATION)
    page.locator("#drawn img").wait_for()
    page.locator("#warnings :first-child").first.wait_for()
    applicant.look("designer-large")
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") > 20
    # What is printed is the page without what one works it with
    page.emulate_media(media="print")
    assert not page.locator("header .tools").is_visible()
    assert not page.locator("details.menu").is_visible()


def test_the_security_administrator_sees_three_hands_apart(walkers: Walkers) -> None:
    """Signs in with two factors; whoever has a role has no duty, and he may change neither his own nor another security administrator's."""
    admin = walkers.person("security-admin", to="/console/duties")
    admin.look("duties")
    assert admin.page.get_by_text("演示审计管理员").is_visible()
    assert admin.page.locator("form input[name=what][value=dismiss]").count() == 2
    assert not admin.page.get_by_role("link", name="用印", exact=True).is_visible()
