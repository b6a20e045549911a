"""A stranger finds out what a file and a code are worth, without an account, and sees on the open page when that changes."""

from __future__ import annotations

import json
import re
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yinxin.verification_page
from tests.browser.walker import SEEN
from yinxin.verification_page.published_status import FRESH_SECONDS, PATH
from yinxin.verification_page.samples import CODE_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from playwright.sync_api import Page, Request, Response

    from tests.browser.walker import Walker, Walkers
    from tests.flows.served import Served

LOG_MS, LOG_TURNS = 200, 50
LIVE_MS, VERIFY_MS = 2_000, 500  # what the page promises, and what of it is left to fetch and to verify
ISSUER = "12990000YX0000008K"


def files(served: Served) -> Path:
    return Path(served.deployment.made["sealed_pdf"]).parent


def look(walker: Walker, name: str) -> None:
    """Hold the page to the rules with this result, though the page is one that was seen."""
    SEEN.difference_update({each for each in SEEN if each[0] == "/v"})
    walker.look(name)


def choose(page: Page, file: Path | dict[str, Any]) -> None:
    page.set_input_files("#file", file)  # type: ignore[arg-type]
    page.wait_for_selector(".answers")


def tones(page: Page) -> list[str]:
    classes = [each.get_attribute("class") or "" for each in page.locator(".answers > li").all()]
    return [each.rpartition("is-")[2] for each in classes]


def sentence(page: Page) -> str:
    return page.locator("#headline").inner_text()


def watch_posts(page: Page) -> list[str]:
    posts: list[str] = []

    def note(request: Request) -> None:
        if request.method != "GET":
            posts.append(request.url)

    page.on("request", note)
    return posts


def take(page: Page, http: httpx.Client, path: str, step: str, **body: str) -> None:
    tag = http.get(path).headers["etag"]
    answer = http.post(f"{path}/{step}", json=body, headers={"if-match": tag})
    for _ in range(LOG_TURNS):
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:  # the public log takes in a licence's last event within a second
            break
        page.wait_for_timeout(LOG_MS)
        answer = http.post(f"{path}/{step}", json=body, headers={"if-match": tag})
    assert answer.status_code == HTTPStatus.OK, answer.text


def show_by_itself(page: Page, http: httpx.Client, change: Callable[[], None], wanted: str) -> None:
    """``change`` is shown on the open page with the next answer that it gets once the change is published. How long a machine takes to verify anew,
    with others at work beside it, decides nothing.
    """
    before, answers = http.get(PATH).headers["etag"], list[str]()

    def note(response: Response) -> None:
        if response.url.endswith(PATH):
            answers.append(response.headers.get("etag", ""))

    change()
    for _ in range(LOG_TURNS):
        if http.get(PATH).headers["etag"] != before:
            break
        page.wait_for_timeout(LOG_MS)
    page.on("response", note)
    page.wait_for_selector(wanted)
    page.remove_listener("response", note)
    assert answers.count(before) <= 1, "one may have been under way"


def test_pages_ask_often_enough_to_keep_what_is_promised() -> None:
    script = Path(next(iter(yinxin.verification_page.__path__))) / "static" / "live.js"
    every = re.search(r"const EVERY_MS = ([0-9]+);", script.read_text(encoding="utf-8"))
    assert every
    assert int(every[1]) + FRESH_SECONDS * 1000 <= LIVE_MS - VERIFY_MS


def test_files_are_verified_on_the_device(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(narrow=True)
    page = walker.goto("/v", "verify-home-390")
    posts = watch_posts(page)
    # 1. A genuine document, chosen from the disk
    choose(page, files(served) / "sealed.pdf")
    assert (sentence(page), tones(page)) == ("有效", ["ok", "ok", "ok", "ok"])
    assert page.locator(".sealer").first.inner_text().startswith("呼伦贝尔市")
    look(walker, "verify-valid-390")
    # 2. Samples: a licence, a revoked one, one whose seal was frozen afterwards
    for sample, said, tone, which in (
        ("licence.ofd", "有效", "ok", "JY15070000000001"),
        ("revoked-licence.pdf", "证照已失效", "bad", "JY15070000000002"),
        ("frozen.pdf", "有效，但印章现已停用", "warn", None),
    ):
        page.evaluate("document.querySelector('.result').classList.add('of-before')")  # the sentence of one may be that of the next
        page.click(f"[data-sample='{sample}']")
        page.wait_for_selector(".result:not(.of-before) .answers")
        assert (sentence(page), tones(page)[3]) == (said, tone)
        told = page.locator(".claims")
        assert told.count() == (which is not None)
        assert which is None or {"食品经营许可证（样例）", which} <= set(told.locator("dd").all_inner_texts())
    # 3. Nothing has been sent; the report can be had
    assert posts == []
    with page.expect_download() as download:
        page.get_by_role("button", name="下载技术报告（JSON）").click()
    assert download.value.suggested_filename == "yinxin-report.json"


def test_a_forged_file_and_what_was_changed(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(dark=True, language="en")
    page = walker.goto("/v")
    posts = watch_posts(page)
    choose(page, files(served) / "forged.pdf")
    assert (sentence(page), tones(page)[0]) == ("Changed after sealing", "bad")
    assert posts == []
    page.get_by_role("button", name="Upload and show changes").click()
    page.wait_for_selector(".closer canvas")
    assert [each.rpartition("/v1")[2] for each in posts] == ["/verifications/changes"]
    look(walker, "verify-forged-dark")
    page.get_by_role("button", name="Verify another").click()
    assert page.locator("#place").inner_text() == ""


def test_a_frozen_seal_shows_on_the_open_page(walkers: Walkers, served: Served) -> None:
    with served.client() as http:
        wanted = {"organisation": "呼伦贝尔市政务服务演示中心（样例）", "credit_code": ISSUER, "purpose": "实时章", "type_code": "99"}
        seal = http.post("/v1/seals", json=wanted, headers={"idempotency-key": "live-seal"}).json()
        document = {"document": ("a.pdf", (files(served) / "original.pdf").read_bytes())}
        sealed = http.post(f"/v1/seals/{seal['id']}/signatures", files=document, headers={"idempotency-key": "live-use"})
        assert sealed.status_code == 200, sealed.text
        walker = walkers.anybody(narrow=True)
        page = walker.goto("/v")
        choose(page, {"name": "a.pdf", "mimeType": "application/pdf", "buffer": sealed.content})
        page.wait_for_selector(".sentence.is-ok")
        page.wait_for_timeout(
            max(0, 1000 - page.evaluate("Date.now() % 1000"))
        )  # what was sealed within the second of a freeze counts as sealed after it
        freeze = partial(take, page, http, f"/v1/seals/{seal['id']}", "freeze", reason="test of the open page")
        show_by_itself(page, http, freeze, ".sentence.is-warn")
        assert "此前盖的章仍然有效" in page.locator(".sentence").inner_text()
        assert page.locator("#live-news").is_visible()
        walker.shoot("verify-frozen-live-390")
        # A seal by its code, typed
        page.fill("#code", seal["code"])
        page.locator("#code-form button[type=submit]").click()
        page.wait_for_function("() => document.getElementById('headline')?.textContent.includes('已冻结')")


def test_a_code_is_verified_from_its_address_and_follows_the_licence(walkers: Walkers, served: Served) -> None:
    code = (files(served) / CODE_FILE).read_text(encoding="ascii").strip()
    walker = walkers.anybody(narrow=True)
    posts = watch_posts(walker.page)
    asked: list[str] = []
    walker.page.on("request", lambda request: asked.append(request.url))
    page = walker.goto("/v" + code[code.index("#") :])
    page.wait_for_selector(".answers")
    assert (sentence(page), tones(page)) == ("有效", ["ok", "ok", "ok", "ok"])
    assert "食品经营许可证" in page.locator(".claims").inner_text()
    look(walker, "verify-code-390")
    number = page.locator(".claims dd").last.inner_text()
    with served.client() as http:
        licences = http.get("/v1/licences", params={"issuer": ISSUER}).json()["licences"]
        path = next(f"/v1/licences/{each['id']}" for each in licences if each["identifier"] == number)
        try:
            show_by_itself(page, http, partial(take, page, http, path, "suspend", reason="test of the open page"), ".sentence.is-bad")
            assert sentence(page) == "证照已暂扣"
        finally:
            take(page, http, path, "resume", reason="test of the open page")
        page.wait_for_selector(".sentence.is-ok")
    assert posts == []
    assert not any(code.partition("#")[2][:40] in each for each in asked if "#" not in each)  # it stayed in the browser
    # A letter more or less, and it is no code
    page.fill("#code", code[:-4])
    page.locator("#code-form button[type=submit]").click()
    page.wait_for_function("() => document.querySelector('.sentence.is-bad #headline')?.textContent.includes('不是真的')")


def test_without_scripts_the_server_verifies_and_says_so(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(narrow=True, script=False)
    page = walker.goto("/v", "verify-without-scripts-390")
    assert "文件将上传到本服务器核验" in page.locator("noscript").inner_text()
    for number, said in ((0, "盖章后被改动"), (1, "内容不同")):  # to verify, and to see what was changed
        page.set_input_files("#file", files(served) / "forged.pdf")
        walker.follow(page.locator("#file-form button").nth(number))
        page.get_by_text(said).first.wait_for()
        assert "没有保存" in page.locator("#place").inner_text()
    page.fill("#code", (files(served) / CODE_FILE).read_text(encoding="ascii").strip())
    walker.follow(page.locator("#code-form button[type=submit]"))
    page.locator("#place").get_by_text("证照现在有效").first.wait_for()
    assert "食品经营许可证" in page.locator(".claims").inner_text()


CAMERA = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return [{ rawValue: CODE }]; }
};
let asked = 0;
navigator.mediaDevices.getUserMedia = async () => {
  if (asked++ === 0) throw new DOMException("no", "NotAllowedError");
  const canvas = document.createElement("canvas");
  const stream = canvas.captureStream();
  setInterval(() => canvas.getContext("2d").fillRect(0, 0, 9, 9), 50);
  return stream;
};
"""
"""A camera that is refused first and shows a code then."""


def test_the_camera_reads_a_code_and_its_refusal_is_said(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(narrow=True)
    code = (files(served) / CODE_FILE).read_text(encoding="ascii").strip()
    walker.context.add_init_script(CAMERA.replace("CODE", json.dumps(code)))
    page = walker.goto("/v?type=large")
    page.click("#scan-start")
    page.get_by_text("没有使用摄像头的许可").wait_for()
    look(walker, "verify-large-390")
    # Letters are large, and nothing is cut off
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") > 20
    page.click("#scan-start")
    page.wait_for_selector(".claims")
    assert page.locator("#scan-view").is_hidden()
    assert page.url.partition("#")[2] == code.partition("#")[2]
