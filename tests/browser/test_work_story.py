"""A department's developer gets from a key to a first sealed document; who works at the console finds every page of work in order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.seal_service.pdf.documents import reportlab_document
from tests.standards.gbt33190_ofd.archives import pack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.people import Staff
    from tests.browser.walker import Walkers
    from tests.flows.served import Served

CLIENT = "land-registry"
ALL = bool(os.environ.get("YINXIN_SHOTS"))  # pictures are wanted of every page; otherwise one page of each build is held to the rules
OPERATIONS = (
    "system/jobs",
    "federation",
    "webhooks/new",
    *(("system/certificates", "system/backups", "reporting", "webhooks") if ALL else ()),
)
LICENCES = ("licences", "licence-batches", "verify", *(("licences/new", "licence-types", "licence-types/new") if ALL else ()))


@pytest.fixture(scope="module")
def seal_id(served: Served, staff: Staff) -> str:
    """A seal that the developer himself may use."""
    with served.client() as portal:
        seal = next(each["id"] for each in portal.get("/v1/seals?state=active").json()["seals"])
        given = portal.post(f"/v1/seals/{seal}/grants", json={"holder": staff.holder("kaifa"), "reason": "样例"}, headers={"if-match": "*"})
        assert given.status_code == 201, given.text
        return str(seal)


def test_from_a_key_to_a_first_sealed_document(walkers: Walkers, served: Served, seal_id: str, tmp_path: Path) -> None:
    # 1. A client of his own, its secret shown once, and what to copy
    developer = walkers.person("kaifa")
    developer.goto("/console/clients", "clients")
    page = developer.goto("/console/clients/new", "client-new")
    page.fill("#name", "不动产登记系统（样例）")
    page.fill("#client_id", CLIENT)
    page.check("input[value='seal.use']")
    developer.press("登记")
    developer.look("client")
    secret = page.locator("#secret").inner_text()
    page.get_by_role("button", name="复制").first.click()
    page.get_by_role("button", name="已复制").wait_for()

    # 2. As the samples say: a token, then a document
    with served.client() as portal:
        assert portal.put(f"/v1/seals/{seal_id}/grants/{CLIENT}", headers={"if-match": "*"}).status_code == 204
    token = served.token(CLIENT, secret)
    sealed = httpx.post(
        f"{served.url}/v1/seals/{seal_id}/signatures",
        headers={"authorization": f"Bearer {token}"},
        data={"placement": '{"page": -1, "x_mm": 150, "y_mm": 60}'},
        files={"document": ("first.pdf", reportlab_document())},
        timeout=60,
    )
    assert sealed.status_code == 200, sealed.text
    verified = httpx.post(f"{served.url}/v1/verifications", files={"document": ("sealed.pdf", sealed.content)}, timeout=60)
    assert verified.json()["verdict"] == "valid"

    # 3. By hand: the seal is dragged over the picture of its page, moved by keys, and stands where the fields say
    document = tmp_path / "决定.pdf"
    document.write_bytes(reportlab_document(pages=2))
    developer.goto("/console/use", "use")
    page = developer.goto(f"/console/use/{seal_id}", "use-document")
    page.set_input_files("#document", document)
    developer.press("下一步")
    mark = page.locator("#mark")
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    before = float(page.input_value("#x_mm"))
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] - 30, box["y"] + 30, steps=3)
    page.mouse.up()
    dragged = float(page.input_value("#x_mm"))
    assert dragged < before
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    assert float(page.input_value("#x_mm")) == pytest.approx(dragged - 1.1, abs=0.05)
    assert f"{dragged - 1.1:.1f}" in (mark.get_attribute("aria-valuetext") or "")
    developer.look("use-place")
    page.fill("#reason", "首次签章（样例）")
    developer.press("签章")
    page.get_by_text("有效：签章真实").wait_for()
    developer.look("use-done")


def test_whole_sentences_in_badges_stay_on_a_phone_in_english(walkers: Walkers) -> None:
    clerk = walkers.person("clerk", narrow=True, language="en")
    page = clerk.goto("/console", "home-english")
    assert page.get_by_text("enters issuing authorities and says which systems may use their licences").is_visible()
    clerk.goto("/console?type=large", "home-large")
    clerk.goto("/console/licence-authorities", "authorities-large")
    clerk.follow(clerk.page.locator("main table a").first)
    clerk.look("authority-large")


def test_licences_of_an_older_repository_come_in_with_their_files(walkers: Walkers, tmp_path: Path) -> None:
    rows, archive = tmp_path / "旧证.csv", tmp_path / "旧证.zip"
    rows.write_text("number,holder_name\r\n旧字一号,甲公司（样例）\r\n旧字二号,\r\n", encoding="utf-8")
    archive.write_bytes(pack({"旧字一号.pdf": reportlab_document(), "旧字九号.pdf": reportlab_document()}))
    clerk = walkers.person("clerk", narrow=True)
    clerk.goto("/console/licences")
    clerk.follow(clerk.page.get_by_role("link", name="旧证照库"))
    clerk.look("imported-none")
    clerk.follow(clerk.page.get_by_role("link", name="接收旧证照"))
    clerk.look("imported-rows")
    clerk.page.set_input_files("#file", rows)
    clerk.press("接收")
    clerk.page.get_by_text("接收完成").wait_for()
    clerk.look("imported-rows-done")
    clerk.goto("/console/imported-licences/files", "imported-files")
    clerk.page.set_input_files("#archive", archive)
    clerk.press("附上文件")
    clerk.page.get_by_text("压缩包中共有 2 个文件").wait_for()
    clerk.look("imported-files-done")
    clerk.follow(clerk.page.locator("main table a[href*='/li_']"))
    assert clerk.page.get_by_text("文件上没有签章").is_visible()
    clerk.look("imported-one")
    wide = walkers.person("clerk", language="en")
    page = wide.goto("/console/imported-licences", "imported-english")
    assert page.get_by_text("they are in no log and on no status list").is_visible()


def test_pages_of_work_are_in_order(walkers: Walkers, served: Served, seal_id: str, tmp_path: Path) -> None:
    # 1. An operator reads the doctor, on a phone
    operator = walkers.person("operator", narrow=True)
    page = operator.goto("/console/system", "system")
    assert page.get_by_text("数据库").first.is_visible()
    for path in OPERATIONS:
        operator.goto(f"/console/{path}", path.replace("/", "-"))

    # 2. An officer's licences
    clerk = walkers.person("clerk")
    for path in LICENCES:
        clerk.goto(f"/console/{path}", path.replace("/", "-"))
    clerk.page.goto("/console/licence-types/new")
    card = clerk.page.locator("ul.facts.card")
    assert card.first.evaluate("list => list.querySelector('li').getBoundingClientRect().x - list.getBoundingClientRect().x") >= 12, (
        "not at the edge"
    )
    clerk.page.goto("/console/licences/new")
    clerk.follow(clerk.page.locator("a.tile").first)
    clerk.look("licence-issue")
    clerk.page.goto("/console/licences?state=issued")
    clerk.follow(clerk.page.locator("main table a").first)
    clerk.look("licence")
    if ALL:
        licence = clerk.page.url
        clerk.goto(licence + "/uses", "licence-uses")
        clerk.page.goto(licence)
    clerk.page.get_by_text("发放到持证人的钱包").click()
    clerk.follow(clerk.page.get_by_role("button", name="生成领取码"))
    clerk.page.get_by_text("六位数字").wait_for()
    clerk.look("licence-wallet")
    # The same person keeps the authorities: who acts for one, and which system may use its licences
    clerk.goto("/console/licence-authorities", "authorities")
    clerk.follow(clerk.page.locator("main table a").first)
    clerk.look("authority")
    page = clerk.goto("/console/licence-sharing/edit", "sharing-edit")
    registered, _ = served.new_client("别的系统（样例）", "licence.use")
    page.fill("#client", registered)
    page.fill("#reason", "样例协议")
    clerk.follow(page.locator("main form button").last)
    page.get_by_text("已授权").wait_for()
    clerk.look("sharing")

    # 3. An auditor proves an entry, without script and in the dark
    auditor = walkers.person("audit-admin", dark=True)
    auditor.goto("/console/audit?action=seal.", "audit")
    auditor.follow(auditor.page.get_by_role("link", name="查看证明").first)
    auditor.page.get_by_text("已证明").wait_for()
    auditor.look("audit-entry")

    # 4. Many documents at once, without script
    user = walkers.person("kaifa", script=False)
    user.page.goto(f"/console/use/{seal_id}/batch")
    document = tmp_path / "a.pdf"
    document.write_bytes(reportlab_document())
    user.page.set_input_files("#documents", document)
    user.press("开始签章")
    for _ in range(400):
        if user.page.get_by_text("下载全部结果").count():
            break
        user.page.wait_for_timeout(100)
        user.follow(user.page.get_by_role("link", name="刷新进度"))
    assert user.page.get_by_text("下载全部结果").is_visible()
