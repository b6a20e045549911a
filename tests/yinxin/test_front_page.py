"""The page where people begin: a door for what is served here, and none that leads nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.deployments import Here, make_deployment, served_here
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
