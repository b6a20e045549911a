"""What was typed at the console is still there after a refusal, ticks and choices too: what is lost in silence is sent otherwise the next time."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.yinxin.console_site import CREDIT_CODE, Site, open_site
from yinxin.console.seal_rights_pages import standing_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.yinxin.surfing import Surfer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("console") / "deployment") as made:
        yield made


@pytest.fixture(scope="module")
def seal(site: Site) -> str:
    """The address of a seal in use."""
    return put_into_use(site)


def put_into_use(site: Site) -> str:
    applicant, reviewer, maker = (site.person(each) for each in ("shenqing", "shenhe", "zhizhang"))
    applicant.get("/console/applications/new")
    people = {"managers": "guanli", "users": "yongyin"}
    wanted = {"kind": "new", "organisation": "呼伦贝尔市样例处", "credit_code": CREDIT_CODE, "reason": "设立", **people}
    applicant.post("/console/applications/new", wanted)
    place = applicant.at
    reviewer.get(place)
    reviewer.post(f"{place}/steps/approve", {"reason": "齐全", "version": "*"})
    maker.get(place)
    maker.post(f"{place}/steps/make", {"version": "*"})
    made = maker.at
    for _ in range(1000):
        if "/steps/issue" in maker.get(made).text:
            break
        time.sleep(0.02)
    maker.post(f"{made}/steps/issue", {"reason": ""})
    user = site.person("yongyin")  # signs in once he has the power
    user.get(made)
    user.post(f"{made}/steps/activate", {"reason": ""})
    assert "使用中" in user.text
    return made


def is_ticked(surfer: Surfer, name: str, value: str) -> bool:
    found = re.search(rf'name="{name}" value="{value}"([^>]*)>', surfer.page.text)
    assert found, surfer.text
    return "checked" in found[1]


def test_a_grant_that_was_refused_is_no_wider_the_next_time(site: Site, seal: str) -> None:
    """No tick says no limit: a form whose ticks are gone grants every kind of file."""
    manager = site.person("guanli")
    manager.get(f"{seal}/grants")
    manager.post(f"{seal}/grants", {"holder": "nobody-known", "forms": ["pdf", "ofd"]})
    assert manager.page.status_code == 422
    assert [is_ticked(manager, "forms", each) for each in ("pdf", "ofd", "digest")] == [True, True, False]


def test_a_grant_says_whether_it_stands_now(site: Site, seal: str) -> None:
    manager = site.person("guanli")
    at = datetime.now(UTC)
    given = {"revoked_at": None, "valid_from": None, "valid_until": None, "uses_max": None, "used": 0}
    day = timedelta(days=1)
    assert standing_of(given, at) == "standing"
    assert standing_of(given | {"valid_until": at.isoformat()}, at) == "over"
    assert standing_of(given | {"valid_until": (at + day).isoformat(), "valid_from": (at - day).isoformat()}, at) == "standing"
    assert standing_of(given | {"valid_from": (at + day).isoformat()}, at) == "not_yet"
    assert standing_of(given | {"uses_max": 2, "used": 1}, at) == "standing"
    assert standing_of(given | {"uses_max": 2, "used": 2}, at) == "used_up"
    assert standing_of(given | {"valid_until": at.isoformat(), "revoked_at": at.isoformat()}, at) == "revoked"
    for days, told in (({"valid_until": "2020-01-01"}, "已过期"), ({"valid_from": "2999-01-01"}, "尚未生效")):
        manager.get(f"{seal}/grants")
        assert told not in manager.text
        manager.post(f"{seal}/grants", {"holder": "shimin", "reason": "代办", **days})
        assert told in manager.text, "it was said to stand"


def test_what_was_granted_of_a_seal_that_has_ended_does_not_stand(site: Site) -> None:
    """It was called good, and further grants were offered, which are refused."""
    seal = put_into_use(site)
    manager, reviewer, maker = (site.person(each) for each in ("guanli", "shenhe", "zhizhang"))
    manager.get(f"{seal}/grants")
    manager.post(f"{seal}/grants", {"holder": "shimin", "reason": "代办"})
    assert ("有效" in manager.text, "新增授权" in manager.text) == (True, True)
    manager.get(f"/console/applications/new?kind=cancel&seal={seal.rpartition('/')[2]}")
    manager.post("/console/applications/new", {"kind": "cancel", "seal_id": seal.rpartition("/")[2], "reason": "停用"})
    place = manager.at
    reviewer.get(place)
    reviewer.post(f"{place}/steps/approve", {"reason": "齐全", "version": "*"})
    maker.get(place)
    maker.post(f"{place}/steps/make", {"version": "*"})
    manager.get(f"{seal}/grants")
    badges = re.findall(r'<span class="badge badge-(\w+)">(?:<svg.*?</svg>)?\s*([^<]+)</span>', manager.page.text, re.DOTALL)
    assert ("ok", "有效") not in badges
    assert badges.count(("bad", "已注销")) >= 2, "that of the seal, and of each grant"
    assert "新增授权" not in manager.text
    assert "收回授权" in manager.text


def chosen_type(surfer: Surfer) -> list[str]:
    return re.findall(r'<option value="([^"]*)" selected>', surfer.page.text.partition('name="type_code"')[2].partition("</select>")[0])


def test_a_change_that_was_refused_still_changes_the_type(site: Site, seal: str) -> None:
    manager = site.person("guanli")
    change = {"kind": "change", "seal_id": seal.rpartition("/")[2], "reason": "改用途"}
    manager.get(f"/console/applications/new?kind=change&seal={change['seal_id']}")
    assert chosen_type(manager) == [], "as it is"
    assert "通用设计" not in manager.text, "what is not asked for stays, the design too"
    manager.post("/console/applications/new", change | {"type_code": "4", "picture_width_mm": "999"})
    assert manager.page.status_code == 422
    assert chosen_type(manager) == ["4"]


def test_files_have_to_be_chosen_again_and_it_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser keeps the files of a form that comes back."""
    applicant = site.person("shenqing")
    wanted = {"kind": "new", "organisation": "呼伦贝尔市样例科", "reason": "设立", "managers": "guanli"}
    files = [("papers", ("批文.pdf", b"%PDF a")), ("own_picture", ("印模.png", b"png"))]
    for further in ({"preview": "1"}, {"credit_code": "1"}):
        applicant.get("/console/applications/new")
        assert "须重新选择" not in applicant.text
        applicant.post("/console/applications/new", wanted | further, files=files)
        for name in ("批文.pdf", "印模.png"):
            assert f"文件须重新选择：{name}" in applicant.text, further
    monkeypatch.setattr("yinxin.console.visit.Visit.form.__kwdefaults__", {"held": None, "file_bytes_max": 1000})
    applicant.get("/console/applications/new")
    applicant.post("/console/applications/new", wanted, files=[("papers", ("批文.pdf", b"x" * 2000))])
    assert applicant.page.status_code == 413
    assert "FILE_TOO_LARGE" in applicant.text
    assert "呼伦贝尔市样例科" in applicant.text, "a file that is too large costs no more than itself"
    assert ">guanli</textarea>" in applicant.text
    applicant.post("/console/applications/new", wanted | {"csrf": "x"}, files=[("papers", ("批文.pdf", b"x" * 2000))])
    assert "呼伦贝尔市样例科" not in applicant.text, "nothing of a form of others is shown"
    gone = wanted | {"kind": "change", "seal_id": "sl_" + "0" * 24}
    applicant.get("/console/applications/new")
    applicant.post("/console/applications/new", gone, files=[("papers", ("批文.pdf", b"x" * 2000))])
    assert (applicant.page.status_code, "FILE_TOO_LARGE" in applicant.text) == (413, True)


def test_of_a_change_that_was_carried_out_the_page_says_what_was_asked_for(site: Site, seal: str) -> None:
    """The seal is as it was changed by then: held against it, nothing would have been asked for."""
    manager, reviewer, maker = (site.person(each) for each in ("guanli", "shenhe", "zhizhang"))
    manager.get(f"/console/applications/new?kind=change&seal={seal.rpartition('/')[2]}")
    change = {"kind": "change", "seal_id": seal.rpartition("/")[2], "name": "样例处新章", "reason": "更名"}
    manager.post("/console/applications/new", change)
    place = manager.at
    assert "样例处新章 有变化" in words(manager)
    assert "沿用印章现有的设计" in words(manager)
    assert "未发现不合规之处" not in words(manager), "the usual design was asked about, whatever the seal's own is"
    reviewer.get(place)
    reviewer.post(f"{place}/steps/approve", {"reason": "齐全", "version": "*"})
    maker.get(place)
    maker.post(f"{place}/steps/make", {"version": "*"})
    assert maker.at == seal, maker.text
    reviewer.get(place)
    shown = words(reviewer)
    assert ("已办结" in shown, "印章名称 样例处新章" in shown) == (True, True)
    assert "不变" not in shown
    assert "尚无人担任" not in shown, "a change gives nobody a power"


def test_who_sent_a_form_when_his_sign_in_had_ended_is_told_that_nothing_was_done(site: Site, seal: str) -> None:
    """He comes back to the page by itself where he is still signed in elsewhere, and would take it for done."""
    manager = site.person("guanli")
    for place, sent in ((seal, f"{seal}/steps/freeze"), ("/my", "/my/consents")):
        manager.get(place)
        manager.http._client.cookies.delete("yinxin-console")
        manager.post(sent, {"reason": "设备遗失"})
        assert (manager.at, manager.page.status_code) == (place, 200)
        assert "刚才提交的内容没有办完" in manager.text
        assert "刚才提交的内容没有办完" not in manager.get(place).text, "once"
    assert "使用中" in manager.get(seal).text


def words(surfer: Surfer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", surfer.text.partition("<main")[2]).split())
