"""The offline verifier as it is handed out: one file, opened from a disk by a browser without a network, against ``yinxin verify``."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import write_trust_list
from tests.browser.offline_cases import told_holder
from tests.browser.offline_pdf_cases import Question, corpus_questions, generated_questions, told
from tests.browser.walker import RULES, axe_script
from tests.crypto.test_trust_list import REFUSED
from tests.pki import signer_for
from tests.seal_service.pdf.sealing import AT, pki, stamp
from tests.seal_service.pdf.seals_inside import sealed_with
from yinxin.offline_verifier.build import MOST_BYTES, build_verifier
from yinxin.offline_verifier.trust_bundle import VALIDITY, Knowledge, write_bundle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from crypto.trust_list import TrustList

LEAST_GENERATED: Final = 200
LEAST_OF_CORPUS: Final = 50
ASK: Final = """async ([trusts, files, questions]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const worker = new Worker(globalThis.yinxinVerifier);
  const ask = (question) => new Promise((done) => {
    worker.onmessage = ({ data }) => done(data.answer);
    worker.postMessage({ id: 1, ...question });
  });
  const held = files.map(bytes);
  const answers = [];
  let known = -1;
  for (const { trust, file, at, flip, holder } of questions) {
    if (trust !== known) await ask({ kind: "trust", bytes: new TextEncoder().encode(trusts[trust]) });
    known = trust;
    const document = held[file].slice();
    if (flip) document[flip[0]] ^= flip[1];
    const answer = await ask({ kind: "file", bytes: document, at, options: { name: "", language: "en", holder } });
    answers.push(answer.ok ? answer.report : answer);
  }
  worker.terminate();
  return answers;
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file on a disk."""
    path = tmp_path_factory.mktemp("stick") / "yinxin-verifier.html"
    path.write_bytes(build_verifier())
    return path


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """The file, opened without a network; it may ask for nothing and say no error."""
    context = chromium.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    context.set_offline(True)
    opened = context.new_page()
    wrongs: list[str] = []
    opened.on("console", lambda said: wrongs.append(said.text) if said.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: wrongs.append(str(error)))
    opened.on("request", lambda asked: None if asked.url.startswith(("file://", "blob:")) else wrongs.append(asked.url))
    opened.clock.set_fixed_time(AT + timedelta(hours=1))
    opened.goto(file.as_uri())
    opened.wait_for_selector("main:not([hidden])")
    yield opened
    context.close()
    assert wrongs == []


@lru_cache(maxsize=64)
def written(trust: TrustList) -> str:
    """As the page takes it: one that ends is in a bundle."""
    if trust.ends_at is None:
        return write_trust_list(trust).decode()
    return write_bundle(
        Knowledge(trust), [], [signer_for("ends", SignatureAlgorithm.ED25519)], name="", issued_at=trust.ends_at - VALIDITY
    ).decode()


def compare(page: Page, asked: Iterable[Question]) -> tuple[int, set[str]]:
    """Ask the page all of it at once, and hold its answers against those of the command: how many there were, and which verdicts."""
    questions = list(asked)
    trusts = list(dict.fromkeys(written(each.trust) for each in questions))
    files = list(dict.fromkeys(each.base for each in questions))
    numbered = [
        {
            "trust": trusts.index(written(each.trust)),
            "file": files.index(each.base),
            "at": int(each.at.timestamp() * 1000),
            "flip": each.flip,
            "holder": told_holder(each.holder),
        }
        for each in questions
    ]
    answers = page.evaluate(ASK, [trusts, [base64.b64encode(each).decode() for each in files], numbered])
    for question, answer in zip(questions, answers, strict=True):
        assert told(answer) == question.wanted(), question.name
    return len(questions), {each["verdict"] for each in answers}


def test_the_shared_corpus_gets_the_verdicts_of_the_command(page: Page) -> None:
    count, _ = compare(page, corpus_questions())
    assert count >= LEAST_OF_CORPUS


def test_what_is_made_here_gets_the_verdicts_of_the_command(page: Page) -> None:
    count, verdicts = compare(page, generated_questions())
    assert count >= LEAST_GENERATED
    assert verdicts == {"valid", "invalid", "indeterminate"}


def bundle(issued_at: Any = AT, by: str = "bundle") -> bytes:
    algorithms = (SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.ED25519)
    signers = [signer_for(f"{by}-{each.value}", each) for each in algorithms]
    return write_bundle(Knowledge(pki().trust_list()), [b"a checkpoint\n"], signers, name="市级平台（测试）", issued_at=issued_at)


def test_a_person_with_a_stick_verifies_a_file(page: Page) -> None:
    sealed = {"name": "决定.pdf", "mimeType": "application/pdf", "buffer": sealed_with(timestamp=stamp())}

    # 1. Without knowing whom to trust nothing is valid
    page.set_input_files("#file", sealed)  # type: ignore[arg-type]
    assert page.locator(".sentence h2").inner_text() == "无法判断：签发方不在信任列表中"
    assert "还没有信任数据包" in page.locator("#knowledge").inner_text()

    # 2. An altered bundle is not taken
    outer = json.loads(bundle())
    payload = base64.b64decode(outer["payload"]).replace(b'"not-published"', b'"required"').replace("市级".encode(), "省级".encode())
    forged = json.dumps({**outer, "payload": base64.b64encode(payload).decode()}).encode()
    page.set_input_files("#bundle", {"name": "trust.json", "mimeType": "application/json", "buffer": forged})
    page.get_by_text("信任数据包不可用，没有采用").wait_for()

    # 3. With the bundle it is, and the page says how old its knowledge is and who signed it
    page.set_input_files("#bundle", {"name": "trust.json", "mimeType": "application/json", "buffer": bundle()})
    page.get_by_text("已采用：市级平台（测试）").wait_for()
    page.locator(".sentence.is-ok").wait_for()
    assert page.locator(".sentence h2").inner_text() == "有效"
    known = page.locator("#knowledge").inner_text()
    assert "已过 0 天" in known
    assert known.count("SM3（") == 3

    # 4. Everybody can read it: also in English, at any width, with any software
    page.evaluate(axe_script())
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", list(RULES))
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("#speak-en")
    page.get_by_text("Was it changed?").wait_for()
    assert page.locator(".sentence h2").inner_text() == "Valid"


TRUST_ONLY: Final = """async (lists) => {
  const worker = new Worker(globalThis.yinxinVerifier);
  const ask = (bytes) => new Promise((done) => {
    worker.onmessage = ({ data }) => done(data.answer);
    worker.postMessage({ id: 1, kind: "trust", bytes });
  });
  const answers = [];
  for (const each of lists) answers.push(await ask(Uint8Array.from(atob(each), (one) => one.charCodeAt(0))));
  worker.terminate();
  return answers;
}"""


def test_no_list_is_half_understood(page: Page) -> None:
    lists = [content if isinstance(content, bytes) else json.dumps(content).encode() for content, _ in REFUSED]
    good = write_trust_list(pki().trust_list())
    *answers, taken = page.evaluate(TRUST_ONLY, [base64.b64encode(each).decode() for each in (*lists, good)])
    assert taken["ok"]
    found = [(answer["ok"], answer.get("code"), answer.get("facts", {}).get("where")) for answer in answers]
    assert found == [(False, "TRUST_LIST_MALFORMED", where) for _, where in REFUSED]


def json_file(content: bytes) -> Any:
    return {"name": "trust.json", "mimeType": "application/json", "buffer": content}


def test_a_bundle_among_the_files_is_not_believed_for_their_sake(page: Page) -> None:
    sealed: Any = {"name": "a\u202efdp.pdf", "mimeType": "application/pdf", "buffer": sealed_with(timestamp=stamp())}
    refused = page.get_by_text("只有单独给出")

    # 1. Whoever sends a file together with whom to trust for it does not get it called valid
    page.set_input_files("#file", [json_file(bundle()), sealed])
    refused.wait_for()
    page.locator(".sentence h2").wait_for()
    assert page.evaluate("globalThis.yinxinReports.map((each) => each.verdict)") == ["indeterminate"]
    assert page.locator(".report-title").inner_text().endswith("a\ufffdfdp.pdf")  # a name turns no direction

    # 2. Chosen by itself it is taken; then none of other keys and none that is older takes its place
    page.set_input_files("#bundle", json_file(bundle()))
    page.locator(".sentence.is-ok").wait_for()
    for other in (bundle(by="stranger"), bundle(AT - timedelta(hours=1)), write_trust_list(pki().trust_list(), issued_at=AT)):
        page.set_input_files("#file", json_file(other))
        refused.wait_for()
        assert "已过 0 天" in page.locator("#knowledge").inner_text()  # what is in force is still told
        page.set_input_files("#bundle", json_file(bundle()))
        refused.wait_for(state="detached")

    # 3. A newer one of the same keys is welcome, also among files
    page.set_input_files("#file", [sealed, json_file(bundle(AT + timedelta(minutes=1)))])
    page.get_by_text("状态截至 2026-11-20 16:31:15").wait_for()


def test_what_is_being_verified_while_the_bundle_changes_is_verified_anew(page: Page) -> None:
    page.evaluate("""() => {
      const post = Worker.prototype.postMessage;
      let held = 0;
      Worker.prototype.postMessage = function (data) {
        if (data.kind === "file" && held++ === 0) setTimeout(() => post.call(this, data), 1000);
        else post.call(this, data);
      };
    }""")
    page.set_input_files("#file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": sealed_with(timestamp=stamp())})
    page.set_input_files("#bundle", json_file(bundle()))
    page.locator(".sentence.is-ok").wait_for()
    page.wait_for_timeout(1500)
    assert page.locator(".result").count() == 1
    assert page.evaluate("globalThis.yinxinReports.map((each) => each.verdict)") == ["valid"]


def test_knowledge_that_ended_or_comes_from_the_future_makes_nothing_valid(page: Page) -> None:
    sealed = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": sealed_with(timestamp=stamp())}
    for issued_at, said in ((AT - VALIDITY, "信任数据包已于"), (AT + timedelta(days=1), "请校正电脑时钟")):
        page.set_input_files("#bundle", {"name": "t.json", "mimeType": "application/json", "buffer": bundle(issued_at)})
        page.get_by_text(said).wait_for()
        page.set_input_files("#file", sealed)  # type: ignore[arg-type]
        page.locator(".sentence").first.wait_for()
        (report,) = page.evaluate("globalThis.yinxinReports")
        assert report["verdict"] == "indeterminate"
        assert [(each["verdict"], each["trusted"]) for each in report["signatures"]] == [("indeterminate", None)]
        # Whether it was changed is seen in the file alone; no other answer is green
        assert page.locator(".answers > .is-ok").count() == 1
        assert page.locator(".answers > li").first.get_attribute("class") == "card is-ok"
        if issued_at < AT:  # as the command says of a bundle that has ended
            ended = Question("ended", sealed["buffer"], replace(pki().trust_list(), ends_at=AT), AT + timedelta(hours=1))  # type: ignore[arg-type]
            assert told(report) == {**ended.wanted()}
        page.get_by_role("button", name="核验另一份").first.click()


def test_it_is_small_and_carries_nothing_from_elsewhere(file: Path) -> None:
    written = file.read_text("utf-8")
    assert len(file.read_bytes()) <= MOST_BYTES
    assert "http://" not in written.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in written
