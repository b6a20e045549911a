"""The page where people begin: a door for what is served here, and none that leads nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from service_kit.page_frame.browser import CONTENT_SECURITY_POLICY
from tests.deployments import Here, make_deployment, served_here
from yinxin.front_page.lost_pages import FOR_PROGRAMS
from yinxin.front_page.pages import doors_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("front") / "d")) as served:
        yield served


def test_every_door_leads_somewhere(here: Here) -> None:
    page = here.http.get("/", headers={"accept-language": "zh-CN"})
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    doors = re.findall(r'class="tile" href="([^"]+)"', page.text)
    assert doors == ["/v", "/my", "/console", "/help", "/docs"]
    for door in doors:
        assert here.http.get(door).status_code in {200, 303}, door
    assert "核验文件或证照" in page.text
    assert "Check a file or a licence" in here.http.get("/", headers={"accept-language": "en", "cookie": "x=1"}).text


def test_language_and_type_are_remembered(here: Here) -> None:
    chosen = here.http.get("/?type=large")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
    assert '<html lang="zh-CN" class="large">' in here.http.get("/", headers={"cookie": "yinxin-large=1"}).text


def test_what_is_not_served_here_has_no_door() -> None:
    assert [each.path for each in doors_of(["seal_service"])] == ["/v", "/help", "/docs"]
    assert [each.path for each in doors_of(["idp"])] == ["/v", "/console", "/help", "/docs"]


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "accept-language": "zh-CN"}
JAVA = {"accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}  # what its HTTP client sends unless it is told otherwise
MADE_UP = (
    "/consol",
    "/console/x",
    "/console/",
    "/my/x",
    "/v/x",
    "/v/samples/x",
    "/problems/NO_SUCH",
    "/docs/static/x",
    "/sessions/x",
    "//other.example/x",
)


@pytest.mark.parametrize("path", MADE_UP)
def test_who_mistypes_an_address_in_a_browser_reads_a_page(here: Here, path: str) -> None:
    base = here.house.context.settings.base_url
    page = here.http.get(base + path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (page.headers["content-security-policy"], page.headers["cache-control"]) == (CONTENT_SECURITY_POLICY, "no-store")
    assert "<h1>没有找到页面</h1>" in page.text
    assert '<a class="button" href="/">返回首页</a>' in page.text
    assert "other.example" not in page.text
    english = here.http.get(base + path, headers={**BROWSER, "cookie": "yinxin-language=en"})
    assert (english.status_code, "<h1>No such page</h1>" in english.text, '<html lang="en">' in english.text) == (404, True, True)
    # A program that asks there hears what it always heard
    for accept in ("application/json", "*/*", "text/htmlx"):
        told = here.http.get(base + path, headers={"accept": accept})
        assert (told.status_code, told.headers["content-type"], told.json()["code"]) == (404, "application/problem+json", "ROUTE_UNKNOWN")


def test_attack_nothing_of_a_made_up_address_comes_back(here: Here) -> None:
    base = here.house.context.settings.base_url
    for path in ("/canary%22%3E%3Cscript%3E", "/my/canary?lang=en&canary=1", "//canary.example/?type=large&to=//canary.example"):
        page = here.http.get(base + path, headers=BROWSER)
        assert (page.status_code, "canary" in page.text, "location" in page.headers) == (404, False, False), path


def test_a_page_says_that_an_address_takes_forms_alone(here: Here) -> None:
    page = here.http.get("/sessions/end-others", headers=BROWSER)
    assert (page.status_code, page.headers["allow"], page.headers["content-type"]) == (405, "POST", "text/html; charset=utf-8")
    assert "只接收页面上提交的表单" in page.text
    told = here.http.get("/sessions/end-others")
    assert (told.status_code, told.headers["allow"], told.json()["code"]) == (405, "POST", "METHOD_NOT_ALLOWED")
    sent = here.http.post("/consol", headers=BROWSER, data={"x": "1"})
    assert (sent.status_code, sent.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_interfaces_speak_to_programs_whatever_they_accept(here: Here) -> None:
    paths: Any = here.application.openapi()["paths"]
    documented = {path.split("/")[1] for path in paths}
    assert documented - FOR_PROGRAMS <= {"v"}, "a new interface is for programs: it goes into FOR_PROGRAMS"
    for begins in sorted(FOR_PROGRAMS):
        for path in (f"/{begins}/x/y", f"//{begins}/x/y"):
            told = here.http.get(here.house.context.settings.base_url + path, headers=JAVA)
            assert not told.headers["content-type"].startswith("text/html"), path
    for path, method, status in (("/v1/nothing", "GET", 404), ("/livez", "DELETE", 405), ("/oauth2/nothing", "POST", 404)):
        told = here.http.request(method, path, headers=JAVA)
        assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json"), path
    # What is refused at an address that is served stays a problem document, too
    assert here.http.get("/v1/seals/x", headers=BROWSER).headers["content-type"] == "application/problem+json"
