"""Somebody has a licence and its bearer before him, and asks whether it is his: on the page, without scripts, offline, by command and API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from typer.testing import CliRunner

from seal_service.limits import HOLDER_CODE_CHARACTERS, HOLDER_NAME_CHARACTERS
from tests.browser.test_stranger_story import files, look, sentence, tones, watch_posts
from tests.browser.walker import RULES, WIDE, axe_script
from tests.flows.served import ANSWER_SECONDS
from yinxin.command_line import app
from yinxin.verification_page.samples import CODE_FILE
from yinxin.verification_page.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.walker import Walkers
    from tests.flows.served import Served

NAME: Final = "呼伦贝尔市政务服务演示中心（样例）"
CODE: Final = "12990000YX0000008K"  # of the demonstration's licences, as PDF, OFD and credential
OTHER: Final = "阿尔山某某甲乙丙"
ALL_OK: Final = ["ok"] * 5
UNSIGNED: Final = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA~"
"""A credential that nobody known has signed, and so says nothing of a holder."""
WRONG: Final = ("holder_name", "holder_code")


def fill(page: Page, name: str, code: str) -> None:
    if page.locator("#holder").get_attribute("open") is None:
        page.locator("#holder summary").click()
    page.fill("#holder_name", name)
    page.fill("#holder_code", code)


def ask(page: Page) -> None:
    """Press the button of the fold and wait for the result."""
    page.locator("#holder button").click()
    page.wait_for_selector(".answers")


def wrong_fields(page: Page) -> list[str]:
    """Which fields are marked, by what is told beside them."""
    found = [each for each in WRONG if page.locator(f"#{each}").get_attribute("aria-invalid") == "true"]
    assert found == [each for each in WRONG if page.locator(f"#{each}_wrong").is_visible()]
    for each in found:
        described = page.locator(f"#{each}").get_attribute("aria-describedby") or ""
        assert described.split() == [f"{each}_wrong", "holder-help"]
    return found


def test_the_holder_is_asked_about_on_the_device(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(narrow=True)
    page = walker.goto("/v")
    posts, asked = watch_posts(page), list[str]()
    page.on("request", lambda request: asked.append(request.url + (request.post_data or "")))
    # 1. Filled in before: the file that is chosen then is asked about him
    fill(page, NAME, CODE)
    look(walker, "holder-form-390")
    page.set_input_files("#file", files(served) / "licence.pdf")
    page.wait_for_selector(".answers")
    assert (sentence(page), tones(page)) == ("有效", ALL_OK)
    assert page.locator(".answers > li").last.inner_text().startswith(TEXTS["q_holder"][0])
    look(walker, "holder-valid-390")
    # 2. Another name is typed: what was said of the first does not stand beside it, and counts for nothing when something is published
    page.fill("#holder_name", OTHER)
    page.get_by_text(TEXTS["holder_changed"][0]).first.wait_for()
    assert page.locator(".answers").count() == 0
    ask(page)
    assert (sentence(page), tones(page)) == ("不是由此人持有", ["ok", "ok", "ok", "ok", "bad"])
    assert NAME not in page.locator(".answers > li").last.inner_text(), "a wrong guess learns nothing"
    look(walker, "holder-other-390")
    with page.expect_download() as download:
        page.get_by_role("button", name="下载技术报告（JSON）").click()
    report = Path(download.value.path()).read_text(encoding="utf-8")
    assert [each["name"] for each in json.loads(report)["files"][0]["questions"]][-1] == "holder"
    # 3. What looks like it is not it; Enter asks as the button does
    for name, code in ((NAME + " ", CODE), (NAME, CODE.lower()), (NAME.replace("（", "("), CODE), (CODE, NAME)):
        fill(page, name, code)
        page.press("#holder_code", "Enter")
        page.wait_for_selector(".answers")
        assert tones(page)[4] == "bad", (name, code)
    # 4. OFD, a document that says nothing of a holder, and a licence of his that is no longer good
    fill(page, NAME, CODE)
    for sample, said, tone in (
        ("licence.ofd", "有效", "ok"),
        ("sealed.pdf", "无法判断", "unknown"),
        ("revoked-licence.pdf", "证照已失效", "bad"),
    ):
        page.click(f"[data-sample='{sample}']")
        page.wait_for_function("said => document.getElementById('headline')?.textContent === said", arg=said)
        assert tones(page)[4] == tone, sample
    # 5. Nothing of it is anywhere but in the fields
    assert posts == []
    for typed in (NAME, CODE, OTHER):
        assert typed not in page.url + "".join(asked)
        assert OTHER not in report
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    page.get_by_role("button", name=TEXTS["another"][0]).click()
    assert [page.input_value(f"#{each}") for each in WRONG] == ["", ""]
    page.set_input_files("#file", files(served) / "licence.pdf")
    page.wait_for_selector(".answers")
    assert tones(page) == ALL_OK[:4], "nobody is asked about any more"


def test_half_an_asking_gets_no_answer(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(language="en")
    walker.page.set_viewport_size({"width": 1280, "height": 900})
    page = walker.goto("/v")
    # Nobody asked about and no file: it is said what is missing
    page.locator("#holder summary").click()
    page.locator("#holder button").click()
    page.get_by_text(TEXTS["holder_first"][1]).first.wait_for()
    page.set_input_files("#file", files(served) / "licence.pdf")
    page.wait_for_selector(".answers")
    long_name, long_code = "名" * (HOLDER_NAME_CHARACTERS + 1), "9" * (HOLDER_CODE_CHARACTERS + 1)
    beyond = "\U00020bb7"  # two units of a browser, one character
    for name, code, wrong in (
        (NAME, "", ["holder_code"]),
        ("", CODE, ["holder_name"]),
        (" \u3000\u00a0", CODE, ["holder_name"]),
        ("\u2003", "\u3000", list(WRONG)),
        (long_name, CODE, ["holder_name"]),
        (NAME, long_code, ["holder_code"]),
        (beyond * (HOLDER_NAME_CHARACTERS + 1), "", list(WRONG)),
    ):
        # Somebody is asked about in between, so that what is waited for is the answer to this asking and not what stands there from the one before
        fill(page, NAME, CODE)
        ask(page)
        page.wait_for_selector(".answers > li:nth-child(5)")
        fill(page, name, code)
        page.set_input_files("#file", files(served) / "licence.pdf")
        page.wait_for_selector("[aria-invalid=true]")
        assert wrong_fields(page) == wrong, (name, code)
        assert page.locator(".answers").count() == 0
        assert page.locator("#place").inner_text() == TEXTS["file_chosen"][1].format(name="licence.pdf")
        assert page.evaluate("document.activeElement.id") == wrong[0]
        assert page.title().startswith(TEXTS["title"][1]), "no verdict stands in the window's title either"
        assert page.input_value("#holder_name") == name, "nothing is cut: what is left might be somebody's name"
    look(walker, "holder-wrong-1280")
    # As long as licences have them is not too long
    fill(page, beyond * HOLDER_NAME_CHARACTERS, "9" * HOLDER_CODE_CHARACTERS)
    ask(page)
    assert (wrong_fields(page), tones(page)[4]) == ([], "bad")
    # Half of it in a folded part is unfolded, not passed over; so is what is pasted as text
    page.fill("#holder_code", "")
    page.locator("#holder summary").click()
    page.fill("#code", UNSIGNED)
    page.locator("#code-form button[type=submit]").click()
    page.wait_for_function("() => document.activeElement.id === 'holder_code'")
    assert wrong_fields(page) == ["holder_code"]
    assert page.locator(".answers").count() == 0
    fill(page, NAME, CODE)
    ask(page)
    assert tones(page)[4] == "unknown"
    # The order of the keys is that of the eyes
    page.locator("#file").focus()
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert order == ["SUMMARY", "holder_name", "holder_code", "BUTTON"]


def test_a_code_is_not_asked_and_the_page_says_so(walkers: Walkers, served: Served) -> None:
    code = (files(served) / CODE_FILE).read_text(encoding="ascii").strip()
    walker = walkers.anybody(narrow=True)
    page = walker.goto("/v")
    for name, notes in (("", 0), (NAME, 1)):  # half of it is as good as the whole
        fill(page, name, "")
        page.fill("#code", code)
        page.locator("#code-form button[type=submit]").click()
        page.wait_for_selector(".claims")
        assert (sentence(page), tones(page)) == ("有效", ALL_OK[:4])
        assert page.locator(".claims").get_by_text(TEXTS["holder_not_of_code"][0]).count() == notes
        look(walker, f"holder-code-{notes}-390")
        page.get_by_role("button", name=TEXTS["another"][0]).click()


def test_a_browser_that_cannot_verify_sends_both_when_it_is_told_to(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(narrow=True)
    walker.page.route("**/v/knowledge", lambda route: route.fulfill(status=404))
    page = walker.goto("/v")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    for name, tone in ((NAME, "ok"), (OTHER, "bad")):
        fill(page, name, CODE)
        page.set_input_files("#file", files(served) / "licence.ofd")
        page.locator("#place").get_by_text(TEXTS["holder_sent"][0]).wait_for()
        sent.clear()
        page.get_by_role("button", name=TEXTS["upload_verify"][0]).last.click()
        page.wait_for_selector(".answers")
        assert tones(page)[4] == tone
        assert len(sent) == 1
    page.fill("#holder_name", NAME)
    assert page.locator(".answers").count() == 0


def test_without_scripts_the_server_asks(walkers: Walkers, served: Served) -> None:
    walker = walkers.anybody(narrow=True, script=False)
    page = walker.goto("/v")
    assert page.get_by_text(TEXTS["holder_sent"][0]).count() == 1
    page.locator("#holder summary").click()
    walker.shoot("holder-without-scripts-390")

    def send(name: str, code: str, file: str = "licence.pdf") -> None:
        fill(page, name, code)
        page.set_input_files("#file", files(served) / file)
        walker.follow(page.locator("#file-form .no-script button").first)

    for name, code, tone in ((NAME, CODE, "ok"), (OTHER, CODE, "bad"), (NAME, CODE.lower(), "bad")):
        send(name, code)
        assert tones(page)[4] == tone
        assert page.url.endswith("/v")
        assert OTHER not in page.content()
    walker.shoot("holder-other-without-scripts-390")
    send(OTHER, CODE, "sealed.pdf")
    assert tones(page)[4] == "unknown"
    send("", "")
    assert tones(page) == ALL_OK[:4]
    for name, code, wrong in ((OTHER, "", "holder_code"), ("", CODE, "holder_name"), ("名" * 201, CODE, "holder_name")):
        send(name, code)
        assert page.locator(".answers").count() == 0
        assert wrong_fields(page) == [wrong]
        assert TEXTS["holder_again"][0] in page.locator("[role=alert]").inner_text()
        assert [page.input_value(f"#{each}") for each in WRONG] == ["", ""], "nothing is told back"
    walker.shoot("holder-wrong-without-scripts-390")


@pytest.fixture
def stick(chromium: Browser, served: Served, tmp_path: Path) -> Iterator[Page]:
    """The offline page out of the served deployment, opened from a disk without a network, with that deployment's bundle."""
    program = tmp_path / "yinxin-verifier.html"
    program.write_bytes(httpx.get(served.url + "/v/offline/yinxin-verifier.html", timeout=ANSWER_SECONDS).content)
    bundle = httpx.get(served.url + "/trust-bundle", timeout=ANSWER_SECONDS).content
    context = chromium.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    context.set_offline(True)
    opened = context.new_page()
    wrongs: list[str] = []
    opened.on("console", lambda said: wrongs.append(said.text) if said.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: wrongs.append(str(error)))
    opened.on("request", lambda asked: None if asked.url.startswith(("file://", "blob:")) else wrongs.append(asked.url))
    opened.goto(program.as_uri())
    opened.wait_for_selector("main:not([hidden])")
    opened.set_input_files("#bundle", {"name": "t.json", "mimeType": "application/json", "buffer": bundle})
    opened.locator("#knowledge .notice").wait_for()
    yield opened
    context.close()
    assert wrongs == []


def reports(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("globalThis.yinxinReports ?? []")
    return found


def held(report: dict[str, Any]) -> tuple[str, str, list[list[str]]]:
    """Verdict, and what is said of the holder: codes, clauses and sentences."""
    (question,) = (each for each in report["questions"] if each["name"] == "holder")
    return (
        report["verdict"],
        question["verdict"],
        [[step[member] for member in ("code", "outcome", "clause", "detail")] for step in question["steps"]],
    )


def test_page_command_api_and_stick_say_the_same(stick: Page, walkers: Walkers, served: Served, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_bytes(httpx.get(served.url + "/trust-bundle", timeout=ANSWER_SECONDS).content)
    walker = walkers.anybody()
    page = walker.goto("/v")
    for file in ("licence.pdf", "licence.ofd", "sealed.pdf", "original.pdf", "revoked-licence.pdf"):
        path = files(served) / file
        for name, code in ((NAME, CODE), (OTHER, CODE), (NAME, CODE.lower()), (NAME + "\u3000", CODE)):
            told = {"holder_name": name, "holder_code": code}
            answer = httpx.post(
                served.url + "/v1/verifications",
                files={"document": (file, path.read_bytes())},
                data=told,
                headers={"accept-language": "zh"},
                timeout=ANSWER_SECONDS,
            )
            wanted = held(answer.json())
            command = CliRunner().invoke(
                app,
                ["verify", str(path), "--trust", str(bundle), "--json", "--holder-name", name, "--holder-code", code],
                env={"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8", "LANGUAGE": "zh"},
            )
            assert held(json.loads(command.stdout)["files"][0]) == wanted, (file, name, code)
            fill(page, name, code)
            page.set_input_files("#file", path)
            page.wait_for_selector(".answers")
            with page.expect_download() as download:
                page.get_by_role("button", name="下载技术报告（JSON）").click()
            (found,) = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["files"]
            assert held(found) == wanted, (file, name, code)
            page.get_by_role("button", name=TEXTS["another"][0]).click()
            fill(stick, name, code)
            stick.set_input_files("#file", path)
            stick.locator(".answers").wait_for()
            assert [held(each) for each in reports(stick)] == [wanted], (file, name, code)
            stick.get_by_role("button", name=TEXTS["another"][0]).click()


def test_the_stick_asks_too(stick: Page, served: Served, walkers: Walkers) -> None:
    page, walker = stick, walkers.anybody()
    walker.page.close()
    walker.page = stick
    pdf, ofd = (files(served) / name for name in ("licence.pdf", "licence.ofd"))
    # 1. Half of it: no file is verified, it waits
    page.locator("#holder summary").click()
    page.locator("#holder button").click()
    page.get_by_text(TEXTS["holder_first"][0]).wait_for()
    fill(page, NAME, "")
    page.set_input_files("#file", [pdf, ofd])
    page.wait_for_selector("#holder_code[aria-invalid=true]")
    assert page.evaluate("document.activeElement.id") == "holder_code"
    assert (wrong_fields(page), page.locator(".answers").count()) == (["holder_code"], 0)
    walker.shoot("offline-holder-wrong-390")
    page.fill("#holder_code", "9" * (HOLDER_CODE_CHARACTERS + 1))
    page.locator("#holder button").click()
    assert page.locator("#place").inner_text() == TEXTS["file_chosen"][0].format(name="licence.pdf、licence.ofd")
    assert (wrong_fields(page), page.locator(".answers").count()) == (["holder_code"], 0)
    # 2. Both of it, and both files
    page.fill("#holder_code", CODE)
    page.locator("#holder button").click()
    page.wait_for_function("() => document.querySelectorAll('.answers').length === 2")
    assert tones(page) == ALL_OK * 2
    assert page.locator("#first").count() == 0
    page.evaluate(axe_script())
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", list(RULES))
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    walker.shoot("offline-holder-valid-390")
    # 3. Another is typed: nothing that was said of the first stands there, not in another language either
    page.fill("#holder_name", OTHER)
    assert (page.locator(".answers").count(), page.get_by_text(TEXTS["holder_changed"][0]).count(), reports(page)) == (0, 2, [])
    page.click("#speak-en")
    page.wait_for_function("() => document.querySelectorAll('.answers').length === 2")
    assert tones(page)[4::5] == ["bad", "bad"]
    assert page.locator("#headline").first.inner_text() == "Not held by this person"
    page.set_viewport_size(WIDE | {"width": 1280})  # type: ignore[arg-type]
    walker.shoot("offline-holder-other-1280")
    # 4. A new bundle while the fields are against the rule: what was said under the old one does not stand
    page.fill("#holder_code", "")
    assert reports(page) == []
    page.set_input_files(
        "#bundle",
        {
            "name": "t.json",
            "mimeType": "application/json",
            "buffer": httpx.get(served.url + "/trust-bundle", timeout=ANSWER_SECONDS).content,
        },
    )
    page.wait_for_selector("#holder_code[aria-invalid=true]")  # the focus is there already, from typing
    assert page.evaluate("document.activeElement.id") == "holder_code"
    assert (page.locator(".answers").count(), reports(page)) == (0, [])
    # 5. A credential as text is asked, a code is not
    page.fill("#code", UNSIGNED)
    page.locator("#code-form button").click()
    page.wait_for_function("() => document.activeElement.id === 'holder_code'")
    assert reports(page) == []
    page.get_by_role("button", name="Verify", exact=True).first.wait_for()
    fill(page, NAME, CODE)
    page.locator("#code-form button").click()
    page.wait_for_selector(".answers")
    assert held(reports(page)[-1])[1] == "indeterminate"
    page.fill("#code", (files(served) / CODE_FILE).read_text(encoding="ascii").strip())
    page.locator("#code-form button").click()
    page.wait_for_selector(".claims")
    assert "holder" not in {each["name"] for each in reports(page)[-1]["questions"]}
    assert TEXTS["holder_not_of_code"][1] in page.locator(".claims").inner_text()
    # 6. Nothing of it is left, in the page's memory of the browser or in its address
    page.get_by_role("button", name="Verify another").first.click()
    assert [page.input_value(f"#{each}") for each in WRONG] == ["", ""]
    page.set_input_files("#file", pdf)
    page.wait_for_selector(".answers")
    assert tones(page) == ALL_OK[:4]
    assert page.url.startswith("file://")
    assert "#" not in page.url
