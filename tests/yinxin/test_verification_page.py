"""The verification page on the server's side: what it sends, what it verifies for browsers without scripts, and how fast it tells of changes."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from crypto.trust_list import read_trust_list
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.life import transition_named
from seal_service.seal_data.status_list import open_status_list
from service_kit.callers import Caller
from tests.deployments import make_deployment, served_here
from tests.licence_vault.test_verify_code import code_for
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from yinxin.demo.document import draw_document
from yinxin.demo.forgery import forge_amount
from yinxin.verification_page.offline_file import read_offline_file
from yinxin.verification_page.pages import PAGE_PATH
from yinxin.verification_page.published_status import FRESH_SECONDS, PublishedStatus
from yinxin.verification_page.samples import CODE_FILE, Samples
from yinxin.verification_page.static_files import WORKER, read_static_files
from yinxin.verification_page.texts import SAMPLE_TEXTS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from seal_service.model import Seal
    from tests.deployments import Here

CALLER = Caller("cl_a", "cl_a", frozenset({"seal.manage", "seal.use", "seal.read"}))
IMPORTS = re.compile(r'from "\./([^"]+)"')


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A demonstration deployment with one seal, served in this process."""
    folder = make_deployment(tmp_path_factory.mktemp("verification") / "deployment", demo=True)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as here:
        yield here


@pytest.fixture(autouse=True)
def _reader_without_choices(open_to_all: Here) -> None:
    """Each test is somebody who has chosen no language and no size."""
    open_to_all.http.forget()


@pytest.fixture(scope="module")
def seal(open_to_all: Here) -> Seal:
    return make_seal(open_to_all.house.context, CALLER, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


@pytest.fixture(scope="module")
def other_seal(open_to_all: Here) -> Seal:
    """One that is frozen for a moment. A document that was sealed in the second of its seal's freeze counts as sealed after it, so this one seals none."""
    return make_seal(open_to_all.house.context, CALLER, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


@pytest.fixture(scope="module")
def sealed(open_to_all: Here, seal: Seal) -> bytes:
    order = SealOrder(draw_document(), keyword="（盖章处）")
    return seal_document(open_to_all.house.context, User(CALLER.client_id, CALLER.actor), seal.id, order).content


def send(here: Here, path: str = PAGE_PATH, *, language: str = "zh", text: str | None = None, **files: Any) -> httpx.Response:
    parts: list[tuple[str, tuple[str | None, bytes]]] = [(name, (f"{name}.pdf", content)) for name, content in files.items()]
    if text is not None:
        parts.append(("text", (None, text.encode())))
    return here.http.post(path, files=parts, headers={"accept-language": language})


def headline(answer: httpx.Response) -> tuple[str, str]:
    found = re.search(r'class="sentence is-(\w+)">.*?<h2 id="headline">(.*?)</h2>', answer.text, re.DOTALL)
    assert found is not None, answer.text[-3000:]
    return found[1], found[2]


def tones(answer: httpx.Response) -> list[str]:
    return re.findall(r'<li class="card is-(\w+)">', answer.text)


def test_the_page_is_whole_and_closed(open_to_all: Here) -> None:
    page = open_to_all.http.get(PAGE_PATH)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["permissions-policy"].startswith("camera=(self)")
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page.text)  # nothing from elsewhere
    assert not re.search(r"<[^>]+ (?:style|on\w+)=", page.text)
    addresses = re.findall(r'(?:src|href)="(/v/static/[^"]+)"', page.text)
    assert {address.rpartition("/")[2] for address in addresses} == {"verification.css", "page.js"}
    for address in addresses:
        answer = open_to_all.http.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        plain = open_to_all.http.get(address, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
    assert open_to_all.http.get("/v/static/of-before/page.js").headers["cache-control"] == "no-store"
    assert open_to_all.http.get("/v/static/x/none.js").status_code == 404


def test_scripts_import_only_each_other_and_write_no_markup() -> None:
    files = read_static_files().by_name
    scripts = {name: file.content.decode() for name, file in files.items() if name.endswith(".js") and name != f"{WORKER}.js"}
    for path, text in scripts.items():
        assert set(IMPORTS.findall(text)) <= set(scripts), path
        assert "innerHTML" not in text, path
        assert "http://" not in text, path
        assert "https://" not in text, path
    worker = files[f"{WORKER}.js"]
    assert b"verifyFile" in worker.content
    assert len(worker.packed) < 250_000
    used = {key for text in scripts.values() for key in re.findall(r'\bt\("(\w+)"', text)}
    assert used <= set(TEXTS)


def test_every_text_is_in_both_languages() -> None:
    for key, (chinese, english) in {**TEXTS, **SAMPLE_TEXTS}.items():
        assert re.search(r"[一-鿿]", chinese), key
        assert english, key
        assert not re.search(r"[一-鿿]", english), key
        assert set(re.findall(r"\{\w+\}", chinese)) == set(re.findall(r"\{\w+\}", english)), key


def test_a_genuine_file(open_to_all: Here, sealed: bytes) -> None:
    answer = send(open_to_all, document=sealed)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert headline(answer) == ("ok", TEXTS["h_valid"][0])
    assert tones(answer)[:3] == ["ok", "ok", "ok"]
    assert ORGANISATION in answer.text
    assert CREDIT_CODE in answer.text
    assert TEXTS["uploaded"][0] in answer.text
    assert "北京时间" in answer.text
    assert sm3(sealed).hex() in answer.text
    assert TEXTS["uploaded"][1] in send(open_to_all, document=sealed, language="en").text


def test_names_of_strangers_turn_nothing_around(open_to_all: Here, sealed: bytes) -> None:
    parts = [("document", ("\u202efdp.<b>.pdf", sealed))]
    answer = open_to_all.http.post(PAGE_PATH, files=parts)
    assert "\ufffdfdp.&lt;b&gt;.pdf" in answer.text
    assert "\u202e" not in answer.text


def test_a_forged_file_and_what_was_changed(open_to_all: Here, sealed: bytes) -> None:
    forged = forge_amount(sealed)
    answer = send(open_to_all, document=forged)
    assert headline(answer) == ("bad", TEXTS["h_changed"][0])
    assert tones(answer)[0] == "bad"
    shown = send(open_to_all, "/v/changes", document=forged)
    assert shown.status_code == 200
    assert shown.text.count('src="data:image/png;base64,') == 3
    assert "data:application/pdf;base64," in shown.text


def test_a_file_without_a_seal_is_not_called_valid(open_to_all: Here) -> None:
    answer = send(open_to_all, document=draw_document())
    assert headline(answer) == ("unknown", TEXTS["h_unsealed"][0])
    assert "ok" not in tones(answer)
    assert headline(send(open_to_all, document=b"what is this"))[0] == "unknown"


NAME, NUMBER = "阿尔山某某甲乙丙", "11010519491231002X"


def ask_of(here: Here, document: bytes | None, *, text: str = "", path: str = PAGE_PATH, **fields: str) -> httpx.Response:
    parts: list[tuple[str, Any]] = [(name, (None, value.encode())) for name, value in fields.items()]
    parts.append(("text", (None, text.encode())) if document is None else ("document", ("a.pdf", document)))
    return here.http.post(path, files=parts, headers={"accept-language": "en"})


def test_asked_who_holds_it_the_page_answers_as_the_api_does(open_to_all: Here, sealed: bytes, caplog: pytest.LogCaptureFixture) -> None:
    asked = {"holder_name": NAME, "holder_code": NUMBER}
    answer = ask_of(open_to_all, sealed, **asked)
    assert headline(answer) == ("unknown", TEXTS["h_unknown"][1])
    assert tones(answer)[4:] == ["unknown"]
    assert TEXTS["q_holder"][1] in answer.text
    assert "LICENCE_HOLDER_NOT_SAID" in answer.text
    # A form that nobody has filled in asks about nobody
    for nothing in ({"holder_name": "", "holder_code": ""}, {"holder_name": ""}, {}):
        plain = ask_of(open_to_all, sealed, **nothing)
        assert (plain.status_code, len(tones(plain))) == (200, 4)
    # A credential as text is asked; nothing else that is typed could be, and is not answered as if it had not been
    credential = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA~"
    assert tones(ask_of(open_to_all, None, text=credential, **asked))[4:] == ["unknown"]
    for text in (code_for(), "99999999999999", "hello", ""):
        refused = ask_of(open_to_all, None, text=text, **asked)
        assert (refused.status_code, tones(refused)) == (422, [])
        assert "FIELD_UNACCEPTABLE" in refused.text
        assert ask_of(open_to_all, None, text=text, holder_name="", holder_code="").status_code == 200
    # The button beside it, for what was changed, may be sent the same form: then it says that this is not answered here
    for fields in (asked, {"holder_name": NAME, "holder_code": ""}, {"holder_code": NUMBER}):
        shown = ask_of(open_to_all, forge_amount(sealed), path="/v/changes", **fields)
        assert (shown.status_code, f"<span>{TEXTS['holder_not_of_changes'][1]}</span>" in shown.text) == (200, True)
        assert not any(each in shown.text for each in (NAME, NUMBER))
    for fields in ({"holder_name": "", "holder_code": ""}, {}):
        shown = ask_of(open_to_all, forge_amount(sealed), path="/v/changes", **fields)
        assert (shown.status_code, f"<span>{TEXTS['holder_not_of_changes'][1]}</span>" in shown.text) == (200, False)
    assert not any(each in caplog.text + answer.text for each in (NAME, NUMBER))


@pytest.mark.parametrize("path", [PAGE_PATH, "/v/changes"])
def test_what_is_asked_in_the_wrong_place_is_refused(open_to_all: Here, sealed: bytes, path: str) -> None:
    """Behind the ``?`` nothing is read: neither who holds it, nor when, nor what else somebody thinks of."""
    for query in (f"holder_name={NAME}&holder_code={NUMBER}", "at=2020-01-01T00:00:00Z", "x"):
        answer = ask_of(open_to_all, sealed, path=f"{path}?{query}")
        assert (answer.status_code, tones(answer)) == (422, [])
        assert "PARAMETER_UNKNOWN" in answer.text
        assert not any(each in answer.text for each in (NAME, NUMBER, "2020-01"))


def test_a_file_and_a_text_are_not_asked_about_at_once(open_to_all: Here, sealed: bytes) -> None:
    """One of them would be judged and the other not."""
    both = send(open_to_all, text="99999999999999", document=sealed)
    assert (both.status_code, "FIELD_UNACCEPTABLE" in both.text) == (422, True)
    elsewhere = send(open_to_all, "/v/changes", text="99999999999999", document=sealed)
    assert (elsewhere.status_code, "FIELD_UNKNOWN" in elsewhere.text) == (422, True)


def test_half_an_asking_is_refused_beside_its_field(open_to_all: Here, sealed: bytes, caplog: pytest.LogCaptureFixture) -> None:
    for fields, wrong, status in (
        ({"holder_name": NAME}, "holder_code", 422),
        ({"holder_code": NUMBER}, "holder_name", 422),
        ({"holder_name": NAME, "holder_code": ""}, "holder_code", 422),
        ({"holder_name": "\u3000 ", "holder_code": NUMBER}, "holder_name", 422),
        ({"holder_name": " ", "holder_code": ""}, "holder_name", 422),
        ({"holder_name": NAME * 30, "holder_code": NUMBER}, "holder_name", 422),
        ({"holder_name": NAME, "holder_code": NUMBER * 4}, "holder_code", 422),
        ({"holder_name": NAME, "holder_code": NUMBER * 4000}, "holder_code", 413),
    ):
        answer = ask_of(open_to_all, sealed, **fields)
        assert (answer.status_code, tones(answer)) == (status, [])
        assert re.findall(r'<input id="(\w+)"[^>]* aria-invalid="true">', answer.text) == [wrong]
        assert re.findall(r'<p class="wrong" id="(\w+)_wrong">', answer.text) == [wrong]
        assert '<details class="more holder" id="holder" open>' in answer.text
        assert TEXTS["holder_again"][1] in answer.text
        assert not any(each in answer.text + caplog.text for each in (NAME, NUMBER)), "nothing is told back"
        assert not re.search(r'<input id="holder_\w+"[^>]* value=', answer.text)
    # As long as licences have them is not too long, and nothing in the page cuts what is longer: what is left might be somebody's
    assert len(tones(ask_of(open_to_all, sealed, holder_name="名" * 200, holder_code="9" * 64))) == 5
    page = open_to_all.http.get(PAGE_PATH).text
    assert "maxlength" not in page
    assert len(re.findall(r'<input id="holder_\w+"[^>]* autocomplete="off"', page)) == 2


@pytest.mark.parametrize(("path", "parts", "status"), [
    (PAGE_PATH, {}, 422), (PAGE_PATH, {"else": b"x"}, 422), ("/v/changes", {"document": b"no pdf"}, 422), (PAGE_PATH, {"document": b""}, 422),
])  # fmt: skip
def test_what_cannot_be_taken_is_told_on_the_page(open_to_all: Here, path: str, parts: dict[str, bytes], status: int) -> None:
    answer = send(open_to_all, path, **dict[str, Any](parts or {"nothing": b""}))
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert 'id="file-form"' in answer.text


def test_what_was_typed(open_to_all: Here, seal: Seal) -> None:
    assert headline(send(open_to_all, text=f" {seal.code} "))[1].startswith(f"印章 {seal.code}")
    assert headline(send(open_to_all, text="99999999999999")) == ("unknown", TEXTS["seal_unknown"][0])
    assert headline(send(open_to_all, text="")) == ("unknown", TEXTS["code_empty"][0])
    assert headline(send(open_to_all, text="hello")) == ("unknown", TEXTS["code_unclear"][0])
    good = "1.2.156.3005.2.11100000000013338W001.11100000000013338W.000000001.001.K"
    assert headline(send(open_to_all, text=good))[0] in {"unknown", "bad"}
    assert headline(send(open_to_all, text="1.2.156.3005.2.x")) == ("bad", TEXTS["number_wrong"][0])
    assert headline(send(open_to_all, text="eyJhbGciOiJFUzI1NiJ9.e30.AAAA~"))[0] in {"unknown", "bad"}
    assert headline(send(open_to_all, text="yxs_0123")) == ("unknown", TEXTS["code_shown"][0])
    stranger = send(open_to_all, text=code_for())
    assert headline(stranger) == ("unknown", TEXTS["h_issuer_unknown"][0])
    assert TEXTS["code_uploaded"][0] in stranger.text
    assert headline(send(open_to_all, text="https://somewhere.example/v#ABC")) == ("bad", TEXTS["h_code_false"][0])


def test_the_version_changes_with_what_is_published(open_to_all: Here, other_seal: Seal) -> None:
    context = open_to_all.house.context
    first = open_to_all.http.get("/v/status")
    assert first.json()["version"]
    published = PublishedStatus(context, has_seals=True, has_licences=True)
    before = published.read()
    change_seal_state(context, CALLER, other_seal.id, transition_named("freeze"), reason="test of the status")
    try:
        assert published.read() != before
        assert headline(send(open_to_all, text=other_seal.code))[0] == "bad"
    finally:
        change_seal_state(context, CALLER, other_seal.id, transition_named("unfreeze"), reason="test of the status")


def test_what_browsers_must_know_is_of_now(open_to_all: Here, seal: Seal, other_seal: Seal) -> None:
    context = open_to_all.house.context
    answer = open_to_all.http.get("/v/knowledge")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    payload = json.loads(base64.b64decode(json.loads(answer.content)["payload"]))
    trust = read_trust_list(json.dumps(payload["trust_list"]).encode())
    assert trust.anchors
    assert trust.logs
    assert payload["issuers"]
    (listed,) = trust.status_lists
    opened = open_status_list(listed, context.trust(), context.clock.now())
    assert opened.content is not None
    assert sorted(history.seal_id for history in opened.content.seals) == sorted([seal.code, other_seal.code])
    again = open_to_all.http.get("/v/knowledge", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code in {200, 304}  # another test of this module may have changed a seal


def test_pages_that_know_the_version_are_told_no_more(open_to_all: Here) -> None:
    first = open_to_all.http.get("/v/status")
    again = open_to_all.http.get("/v/status", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) in {(304, b""), (200, again.content)}
    assert first.headers["cache-control"] == "no-cache"
    assert open_to_all.http.post("/v/status").status_code == 405


def test_however_many_ask_the_database_is_asked_once(open_to_all: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    published = PublishedStatus(open_to_all.house.context, has_seals=True, has_licences=True, now=lambda: now[0])
    looks: list[str] = []

    def look(_: PublishedStatus) -> str:
        looks.append("look")
        return f"{len(looks)}"

    monkeypatch.setattr(PublishedStatus, "read", look)

    async def ask() -> list[str]:
        crowd = list(await asyncio.gather(*(published.current() for _ in range(50))))
        crowd.append(await published.current())
        now[0] += FRESH_SECONDS
        return [*crowd, await published.current()]

    assert asyncio.run(ask()) == ["1"] * 51 + ["2"]


def test_samples_are_those_that_are_there(open_to_all: Here, sealed: bytes) -> None:
    folder = open_to_all.folder / "demo"
    folder.mkdir(exist_ok=True)
    (folder / "sealed.pdf").write_bytes(sealed)
    (folder / CODE_FILE).write_text("http://127.0.0.1/v#ABC%20", encoding="ascii")
    page = open_to_all.http.get(PAGE_PATH)
    assert re.findall(r'data-sample="([^"]+)"', page.text) == ["sealed.pdf"]
    assert 'href="/v#ABC%20"' in page.text
    sample = open_to_all.http.get("/v/samples/sealed.pdf")
    assert (sample.status_code, sample.content) == (200, sealed)
    for name in ("forged.pdf", "trust.json", "..%2fsettings.toml"):
        assert open_to_all.http.get(f"/v/samples/{name}").status_code == 404
    assert Samples(None).listed() == []
    assert Samples(None).read("sealed.pdf") is None
    assert Samples(None).code() == ""


def test_the_offline_verifier_is_offered_with_its_digests(open_to_all: Here) -> None:
    page = open_to_all.http.get("/v/offline")
    assert page.status_code == 200
    file = open_to_all.http.get("/v/offline/yinxin-verifier.html")
    assert file.status_code in {200, 404}
    if file.status_code == 200:
        assert file.headers["etag"].strip('"') in page.text
    made = read_offline_file(lambda: b"abc")
    assert made is not None
    assert made.sm3 == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert made.sha256.startswith("ba7816bf")
    assert made.size == "3"
    assert read_offline_file(None) is None


def test_language_and_size_are_anybodys_to_choose(open_to_all: Here) -> None:
    for address, cookie in (("/v?lang=en", "yinxin-language=en"), ("/v/offline?type=large", "yinxin-large=1")):
        answer = open_to_all.http.get(address, follow_redirects=False)
        assert answer.status_code == 303
        assert cookie in answer.headers["set-cookie"]


def test_without_seals_and_licences_there_is_no_page(tmp_path: Path) -> None:
    from yinxin.verification_page.service import build

    nothing: Any = None
    assert build(nothing, tmp_path, ("idp",)) == ()
