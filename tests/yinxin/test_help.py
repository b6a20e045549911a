"""The documents as the deployment serves them: every page, in both languages, with links that lead somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from service_kit.page_frame.assets import ASSETS
from service_kit.problem_catalogue import all_texts
from tests.deployments import Here, make_deployment, served_here
from tests.optional import PROJECT
from yinxin.help.contents import GROUPS
from yinxin.help.help_pages import HelpDesk
from yinxin.help.library import IN_PROJECT, Library, Page, page_name
from yinxin.help.rendering import linked, render
from yinxin.help.search import find, passages_of
from yinxin.help.test_results import read_results, with_results
from yinxin.help.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOORS = ("standards", "crypto", "service_kit", "idp", "seal_service", "licence_vault", "yinxin")
ENGLISH, CHINESE = {"accept-language": "en"}, {"accept-language": "zh-CN"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("help") / "deployment")) as here:
        yield here


@pytest.fixture(autouse=True)
def _reader_without_choices(served: Here) -> None:
    """Each test is somebody who has chosen no language and no size."""
    served.http.forget()


def page(text: str, folder: str = "how-to", language: str = "en") -> Page:
    return Page(f"{folder}/x", folder, language, "X", text)


def shown(text: str, folder: str = "how-to", language: str = "en") -> str:
    return render(page(text, folder, language), text).html


@pytest.mark.untraced
def test_every_page_is_shown_and_every_link_of_it_leads_somewhere(served: Here) -> None:
    """Anchors included, and those of the frame; each address asked for once."""
    names = Library(IN_PROJECT).names()
    assert {"index", "how-to/operate", "tutorials/first-call", "reference/settings", "explanation/architecture"} <= set(names)
    pages = {
        f"/help/{name}": served.http.get(f"/help/{name}", headers=language).text
        for name in names
        for language in ((ENGLISH, CHINESE) if name.startswith(("index", "tutorials", "how-to")) else (ENGLISH,))
        if not name.endswith(("clause-matrix", "error-catalogue"))
    } | {"/help": served.http.get("/help", headers=ENGLISH).text}
    anchors = {address: set(re.findall(r'id="([^"]+)"', text)) for address, text in pages.items()}
    others: dict[str, int] = {}
    broken = []
    for address, text in pages.items():
        assert "<h1" in text, address
        for link in {unescape(each) for each in re.findall(r'(?:href|src)="([^"]+)"', text)}:
            path, _, anchor = link.partition("#")
            path = path or address
            if "://" in link or "?" in link or link.startswith("data:"):
                continue
            if path not in pages and path not in others:
                others[path] = served.http.get(path, headers=ENGLISH).status_code
            if others.get(path, 200) not in {200, 302} or (anchor and path in anchors and unquote(anchor) not in anchors[path]):
                broken.append((address, link))
    assert broken == []


@pytest.mark.untraced
def test_no_page_asks_another_server_for_anything(served: Here) -> None:
    for path in ("/help", "/help/search?q=seal", "/help/errors", "/help/errors/SEAL_CHANGED", "/help/reference/settings", "/docs"):
        answer = served.http.get(path)
        assert answer.status_code == 200
        assert not re.search(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?:https?:)?//""", answer.text)
        assert "style=" not in answer.text
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=", answer.text)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'")


def test_pages_come_in_the_readers_language_and_stay_in_the_chosen_one(served: Here) -> None:
    english, chinese = (served.http.get("/help", headers=each) for each in (ENGLISH, CHINESE))
    assert english.headers["content-language"] == "en"
    assert "运维手册" in chinese.text
    chosen = served.http.get("/help/search?q=x&lang=en", headers=CHINESE)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/help/search?q=x")
    cookie = chosen.headers["set-cookie"].partition(";")[0]
    served.http._client.cookies.clear()  # which it would show to the other tests as well
    assert served.http.get("/help", headers=CHINESE | {"cookie": cookie}).headers["content-language"] == "en"
    only = served.http.get("/help/reference/cas", headers=CHINESE).text
    assert TEXTS["only_english"][0] in only
    assert '<article class="card text" lang="en">' in only


@pytest.mark.parametrize(("language", "title"), [("en", "Client authentication failed"), ("zh-CN", "客户端认证失败")])
def test_the_type_of_a_problem_leads_to_the_page_of_its_code(served: Here, language: str, title: str) -> None:
    problem = served.http.get("/v1/seals").json()
    led = served.http.get(problem["type"])
    assert led.status_code == 302
    assert f"<code>{problem['code']}</code>" in served.http.get(led.headers["location"]).text
    answer = served.http.get("/help/errors/CLIENT_AUTH_FAILED", headers={"accept-language": language})
    assert title in answer.text.partition("<h1>")[2].partition("</h1>")[0]
    assert served.http.get("/problems").headers["location"] == "/help/errors"
    assert served.http.get("/problems/NO_SUCH_CODE").status_code == 404


def test_every_code_has_a_page(served: Here) -> None:
    listed = served.http.get("/help/errors", headers=ENGLISH).text
    assert all(f'href="/help/errors/{each.code}"' in listed for each in all_texts())
    desk = HelpDesk(is_demo=False, is_secure=False)
    for each in all_texts():  # pages that a remedy names are there
        for name in re.findall(r'href="/help/([^"]+)"', linked(each.remedy_en) + linked(each.remedy_zh)):
            assert desk.library.find(name, "en"), (each.code, name)


def test_the_page_of_a_code_shows_code_as_code_in_both_languages_and_its_title_once(served: Here) -> None:
    page = served.http.get("/help/errors/SCOPE_MISSING", headers=ENGLISH).text
    assert "scope named in <code>facts</code>" in page
    assert "<title>SCOPE_MISSING · Yinxin help</title>" in page
    chinese = served.http.get("/help/errors/SCOPE_MISSING").text
    assert "scope named in <code>facts</code>" in chinese
    assert linked("a `<b>` and docs/how-to/tls.md") == 'a <code>&lt;b&gt;</code> and <a href="/help/how-to/tls">how-to/tls</a>'
    assert "<title>印信帮助</title>" in served.http.get("/help").text


def test_what_is_not_there_is_answered_with_what_is_near(served: Here) -> None:
    answer = served.http.get("/help/reference/xyzzy", headers=ENGLISH)
    assert answer.status_code == 404
    assert "Nothing found" in answer.text
    near = served.http.get("/help/how-to/settings", headers=ENGLISH)
    assert near.status_code == 404
    assert "/help/reference/settings" in near.text
    for path in ("/help/../../etc/passwd", "/help/images/..%2Findex.md", "/help/images/none.png", "/docs/static/x"):
        assert served.http.get(path).status_code == 404
    assert served.http.get("/help/images/first-look.png").content.startswith(b"\x89PNG")


def test_words_are_found_without_scripts(served: Here) -> None:
    english = served.http.get("/help/search?q=riding+seam", headers=ENGLISH).text
    assert "/help/reference/pdf-sealing" in english
    assert "<mark>" in english
    assert "/help/errors/SEAL_CHANGED" in served.http.get("/help/search?q=SEAL_CHANGED", headers=CHINESE).text
    assert "印章管理员指南" in served.http.get("/help/search", params={"q": "冻结"}, headers=CHINESE).text
    escaped = served.http.get("/help/search", params={"q": '"><script>alert(1)</script>'}, headers=ENGLISH).text
    assert "<script>alert" not in escaped
    assert served.http.get("/help/search", params={"q": "x" * 5000}).status_code == 200
    assert "<h1>" in served.http.get("/help/search").text


def test_the_api_page_starts_from_own_files_alone(served: Here) -> None:
    text = served.http.get("/docs", headers=ENGLISH).text
    assert set(re.findall(r'src="([^"]+)"', text)) == {"/docs/static/swagger-ui-bundle.js", ASSETS.url("api-page.js")}
    for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
        answer = served.http.get(f"/docs/static/{name}")
        assert answer.headers["content-type"].startswith(kind)
        assert len(answer.content) > 500


def test_a_page_cannot_carry_a_script() -> None:
    html = shown("# A <script>x</script>\n\n<img src=x onerror=y> [l](javascript:x)\n\n`<b>`\n\n|a|\n|-|\n|b<br>c<i>|")
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "<td>b<br>c&lt;i&gt;</td>" in html


def test_links_lead_to_where_pages_are_served() -> None:
    html = shown(
        "[a](backup.zh-CN.md#x) [b](../index.md) [c](../../README.md) [d](../reference/openapi.json) [e](https://example.org) [f](#y)"
    )
    assert re.findall(r'href="([^"]+)"', html) == ["/help/how-to/backup#x", "/help", "/openapi.json", "https://example.org", "#y"]
    assert " c " in html
    assert 'src="/help/images/x.png"' in shown("![x](../images/x.png)")
    assert 'href="/help/errors/SEAL_CHANGED"' in shown("see `SEAL_CHANGED` or `NO_SUCH_CODE`")
    assert shown("[`SEAL_CHANGED`](x.md)").count("<a ") == 1


def test_headings_have_the_anchors_that_code_forges_give_them() -> None:
    html = shown("## Keys, and `more`!\n\n## 密钥 Keys\n\n## 密钥 Keys\n")
    assert re.findall(r'id="([^"]+)"', html) == ["keys-and-more", "密钥-keys", "密钥-keys-1"]


def test_a_line_that_ends_between_chinese_characters_is_no_blank() -> None:
    assert "<p>盖章，核验。</p>" in shown("盖章，\n核验。", language="zh")
    assert "<p>one\ntwo</p>" in shown("one\ntwo")
    assert "<p>使用\nSM2</p>" in shown("使用\nSM2", language="zh")


def test_names_of_pages() -> None:
    assert page_name("how-to/backup.zh-CN.md") == ("how-to/backup", "zh")
    assert page_name("explanation/decisions/README.md") == ("explanation/decisions", "en")
    library = Library(IN_PROJECT)
    grouped = {f"{section}/{name}" for section, groups in GROUPS.items() for _, names in groups for name in names}
    assert grouped - set(library.names()) == set(), "named in contents.py and not written"
    first = {name for name in library.names() if name.startswith(("tutorials/", "how-to/"))} | {"index"}
    assert [name for name in first if {page.language for each in ("en", "zh") if (page := library.find(name, each))} != {"en", "zh"}] == []


def test_a_passage_is_found_by_all_words_at_once() -> None:
    passages = passages_of(page("# X\n\nalpha\n\n## Part\n\nbeta gamma\n\n    code line\n"))
    assert [each.heading for each in find("beta code", passages)] == ["Part"]
    assert find("alpha beta", passages) == []
    assert find("  ", passages) == []
    assert find("x alpha", passages)[0].address == "how-to/x#x"


def test_the_results_of_a_build_are_told_where_it_has_them(tmp_path: Path) -> None:
    matrix = "# Clause matrix\n\nWhich.\n\n| c | `tests/a/test_b.py::test_c`<br>`tests/a/test_b.py::test_d` |\n"
    assert "carries no results" in with_results(matrix, {}, "en")
    results = {"tests/a/test_b.py::test_c": "passed"}
    assert "1 passed, 0 failed, 1 not run" in with_results(matrix, results, "en")
    assert "test_c` ✔ 通过" in with_results(matrix, results, "zh")
    assert read_results(tmp_path) == {}
    (tmp_path / "reference").mkdir()
    path = tmp_path / "reference" / "clause-results.json"
    for text, read in (("[", {}), ("[]", {}), (json.dumps({"tests": results}), results)):
        path.write_text(text, encoding="utf-8")
        assert read_results(tmp_path) == read


@pytest.mark.untraced
def test_a_wheel_carries_the_documents(tmp_path: Path) -> None:
    """Built as an operator's bundle is; opened, it finds its own pages, not the project's."""
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1], {'--build-option': ['build', '--build-base', sys.argv[2]]}))"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path), str(tmp_path / "build")], cwd=PROJECT, capture_output=True, check=True, text=True
    )
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as opened:
        every = set(opened.namelist())
        names = {name for name in every if name.startswith("yinxin/")}
        opened.extractall(tmp_path / "installed", members=names)
    assert {
        "yinxin/help/docs/how-to/operate.zh-CN.md",
        "yinxin/help/docs/images/first-look.png",
        "yinxin/help/templates/page.html",
    } <= names
    ask = "from yinxin.help.library import *; print(folder_of_pages()); print(len(Library(folder_of_pages()).names()))"
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path / "installed", capture_output=True, check=True, text=True
    ).stdout.split()
    assert told == [str(tmp_path / "installed" / "yinxin" / "help" / "docs"), str(len(Library(IN_PROJECT).names()))]
