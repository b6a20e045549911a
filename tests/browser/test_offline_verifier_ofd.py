"""The verifier in the browser against the server's: OFD, seals, licences, codes and credentials; same verdicts, same steps, nothing thrown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import yinxin.offline_verifier
from crypto.trust_list import write_trust_list
from tests.browser import offline_cases as cases
from tests.browser.holder_cases import holder_cases
from tests.browser.licence_attacks import attack_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Route

    from tests.browser.offline_cases import Case

MODULES: Final = Path(next(iter(yinxin.offline_verifier.__path__))) / "modules"
ORIGIN: Final = "https://modules.example"
ASK: Final = """async ([trusts, cases]) => {
  const load = (name) => import(`/${name}.js`);
  const [{ isCredential, verifyCredentialFile }, { finishVerdict }, { readJwks }, { verifyLicence, withHolderAsked }, { verifyLicenceCode }] =
    await Promise.all(["credential", "judge", "jose", "licence", "licence_code"].map(load));
  const [{ examineOfd, isOfd }, { fileReport, writeReport }, { isSealData, verifySealData }, { readTrustList }] =
    await Promise.all(["ofd", "report", "ses", "trust"].map(load));
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const known = trusts.map((each) => readTrustList(new TextEncoder().encode(each)));
  const ask = {
    file: async ({ holder, ...asked }, trust) => {
      const report = await ask.whole({ holder, ...asked }, trust);
      return report && withHolderAsked(report, holder);
    },
    async whole({ data, issuers, at, holder }, trust) {
      const file = bytes(data);
      const sets = new Map();
      for (const [name, keys] of issuers) sets.set(name, new Map([...(await readJwks(keys, false)), ...(await readJwks(keys, true))]));
      if (isCredential(file)) return verifyCredentialFile(file, trust, sets, at, { holder });
      if (isOfd(file)) return finishVerdict(file, await examineOfd(file, trust, at), trust, at, { holder });
      return isSealData(file) ? verifySealData(file, trust, at) : null;
    },
    async licence({ files, verdict, tampered, sealer, original, holder, at }, trust) {
      const inside = new Map(Object.entries(files).map(([name, data]) => [name, bytes(data)]));
      const judged = { report: fileReport({ verdict, tampered, signatures: [] }), files: inside, sealerName: sealer[0], sealerCode: sealer[1] };
      return verifyLicence(judged, trust, at, { isOriginalAsked: original, holder });
    },
    code: async ({ text, at }, trust) => (await verifyLicenceCode(text, trust, at)).report,
  };
  const steps = (found) => found.map(({ code, outcome, clause }) => [code, outcome, clause]);
  const tells = (report) => report.questions.some(({ name, steps }) => name === "holder" && steps.some(({ facts }) => Object.keys(facts).length));
  const answers = [];
  for (const each of cases) {
    try {
      const report = await ask[each.kind](each, known[each.trust]);
      if (report === null) {
        answers.push(null);
        continue;
      }
      if (tells(report)) throw new Error("what is said of the holder has facts");
      const written = writeReport("", report);
      written.signatures.forEach((signature, i) => (signature.steps = steps(report.signatures[i].steps)));
      written.questions = report.questions.map((question) => [question.name, question.verdict, steps(question.steps)]);
      answers.push({ ...written, steps: steps(report.steps) });
    } catch (error) {
      answers.push({ thrown: String(error?.stack) });
    }
  }
  return answers;
}"""


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Pages that have the modules and nothing else: whatever they would ask the network for is refused."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        if name == "":
            route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")
        elif name.endswith(".js") and "/" not in name:
            route.fulfill(body=(MODULES / name).read_bytes(), content_type="text/javascript")
        else:
            route.abort()

    made = chromium.new_context()
    made.route("**/*", answer)
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(context: BrowserContext) -> Page:
    """One of them."""
    opened = context.new_page()
    opened.goto(f"{ORIGIN}/")
    return opened


def ask(page: Page, asked: list[Case]) -> list[Any]:
    trusts = list(dict.fromkeys(write_trust_list(case.trust).decode() for case in asked))
    numbered = [{**case.as_json(), "trust": trusts.index(write_trust_list(case.trust).decode())} for case in asked]
    answers: list[Any] = page.evaluate(ASK, [trusts, json.loads(json.dumps(numbered))])
    return answers


def unsupported(answer: dict[str, Any]) -> bool:
    return [step[0] for step in answer["steps"]] == ["FORMAT_UNSUPPORTED"]


@pytest.mark.parametrize(
    "make",
    [cases.ofd_cases, cases.seal_cases, cases.licence_cases, cases.code_cases, cases.credential_cases, attack_cases, holder_cases],
)
def test_the_browser_says_what_the_server_says(page: Page, make: Callable[[], list[Case]]) -> None:
    asked = make()
    answers = ask(page, asked)
    assert {case.wanted.verdict for case in asked} == {"valid", "invalid", "indeterminate"}
    for case, answer in zip(asked, answers, strict=True):
        wanted = cases.said(case.wanted)
        assert answer == wanted or (answer is None and unsupported(wanted)), case.name


def test_without_the_browser_s_cryptography_nothing_more_is_valid(context: BrowserContext) -> None:
    """As on a page without https inside an office: licences of both logs are judged alike, ECDSA is left open and never called wrong."""
    page = context.new_page()
    page.add_init_script("Object.defineProperty(globalThis, 'crypto', { value: {} })")
    page.goto(f"{ORIGIN}/")
    licences = cases.licence_cases()[:20]
    assert ask(page, licences) == [cases.said(case.wanted) for case in licences]
    credentials = cases.credential_cases()
    for case, answer in zip(credentials, ask(page, credentials), strict=True):
        if answer is not None:
            assert answer["verdict"] in {case.wanted.verdict, "indeterminate"} or case.wanted.verdict == "invalid", case.name
            assert answer["verdict"] != "valid" or case.wanted.verdict == "valid", case.name
