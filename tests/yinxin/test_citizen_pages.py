"""The citizen's pages as a browser without scripts sees them: own licences, showing one, who used what, consents, copies, and nothing of others."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, Identifier, IdentifierKind
from tests.idp.people import PASSWORD, Browser
from tests.licence_vault.issuing_here import ISSUER
from tests.licence_vault.test_use_routes import JIA, OFFICER, SHARED, WHY, clerk, clients, here, issued, licence, registry, served
from yinxin.mongolian_words import in_mongolian

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.deployments import Here
    from tests.idp.test_code_flow import Clients
    from tests.licence_vault.served import Office

__all__ = ["clerk", "clients", "here", "licence", "registry", "served"]  # fixtures, each module's own
NO_SHOWING = "sh_" + "0" * 24


class Citizen(Browser):
    """A browser whose person signs in at the console and goes to the pages under ``/my``."""

    def __init__(self, here: Here, login: str, language: str = "zh-CN") -> None:
        super().__init__(here, language)
        self.go("/my")
        self.log_in(login)
        assert self.path.startswith("/my"), self.answer.text

    def follow(self) -> httpx.Response:
        while self.answer.status_code == 303:
            self.send("GET", self.answer.headers["location"].removeprefix(self._here.house.context.settings.base_url))
        return self.answer

    def see(self, path: str) -> str:
        """The words of a page."""
        return words(self.go(path))

    def press(self, action: str, **fields: str) -> str:
        """Send the form of the present page with this action, with its hidden fields, and read the page it leads to."""
        for form in re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', self.answer.text, re.DOTALL):
            if form[0] == action:
                hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[1]))
                self.send("POST", action, data={name: html.unescape(each) for name, each in hidden.items()} | fields)
                return words(self.follow())
        raise AssertionError((action, self.answer.text))


def words(answer: httpx.Response) -> str:
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.fixture(scope="module")
def jia(here: Here, clients: Clients, licence: dict[str, Any]) -> Citizen:
    return Citizen(here, "jia")


@pytest.fixture(scope="module")
def yii(here: Here, clients: Clients) -> Citizen:
    return Citizen(here, "yii", "en")


@pytest.fixture
def showing(jia: Citizen, licence: dict[str, Any]) -> Iterator[str]:
    """A showing that has just begun, ended afterwards."""
    jia.go(f"/my/licences/{licence['id']}")
    asked = jia.answer
    jia.press(f"/my/licences/{licence['id']}/show")
    begun = jia.path
    jia.answer = asked
    jia.press(f"/my/licences/{licence['id']}/show")
    assert jia.path == begun, "pressed twice, shown once"
    yield jia.path
    if "已结束" not in jia.see(jia.path) and f"{jia.path}/end" in jia.answer.text:
        jia.press(f"{jia.path}/end")


def code_on(jia: Citizen) -> str:
    found = re.search(r"yxs_[0-9a-f]+", jia.answer.text)
    assert found
    return found[0]


def scan(registry: Office, code: str) -> None:
    registry.call("POST", "/v1/showings/scan", {"code": code, "reason": WHY, "officer": OFFICER}, status=200)


def test_licences_are_cards_and_masked_until_one_asks(jia: Citizen, licence: dict[str, Any]) -> None:
    listed = jia.see("/my")
    assert jia.answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in jia.answer.headers["content-security-policy"]
    name, number = licence["data"]["name"], licence["data"]["number"]
    assert name in listed
    assert "张****" in listed
    assert "自 2025-01-01 起长期有效" in listed
    assert in_mongolian("my_licences") in listed
    assert "蒙古文用词尚待审定" in listed
    assert number not in listed
    masked = jia.see(f"/my/licences/{licence['id']}")
    assert ("1****X" in masked, JIA[1] in masked, "示例路1号" in masked, "等级 甲级" in masked) == (True, False, False, True)
    whole = jia.see(f"/my/licences/{licence['id']}?whole=yes")
    assert (JIA[1] in whole, number in whole, "示例路1号" in whole) == (True, True, True)


def test_a_licence_of_somebody_else_is_not_there(yii: Citizen, jia: Citizen, licence: dict[str, Any]) -> None:
    assert "You hold no licences here yet." in yii.see("/my")
    for path in (f"/my/licences/{licence['id']}", f"/my/licences/{licence['id']}?whole=yes", f"/my/licences/{licence['id']}/copies"):
        told = yii.see(path)
        assert yii.answer.status_code == 404
        assert licence["data"]["name"] not in told
        assert "LICENCE_NOT_FOUND" in told
    assert "Nobody has used your licences yet." in yii.see("/my/uses")
    assert "You hold no licence in force" in yii.see("/my/trust")
    yii.see(f"/my/showings/{NO_SHOWING}")
    assert yii.answer.status_code == 404


@pytest.mark.parametrize("part", ["lc_%3Fwhole", "..", "%2e%2e", "lc_0;a", "LC_" + "0" * 24, "lc_" + "0" * 25, "%E7%85%A7"])
def test_nothing_but_an_identifier_becomes_part_of_a_call(jia: Citizen, part: str) -> None:
    for path in (f"/my/licences/{part}/copies", f"/my/showings/{part}/state"):
        assert jia.send("GET", path).status_code == 404


def test_a_form_without_the_browsers_token_does_nothing(jia: Citizen, licence: dict[str, Any]) -> None:
    for token in ("", "AAAA"):
        answer = jia.send("POST", f"/my/licences/{licence['id']}/show", data={"csrf": token})
        assert (answer.status_code, "FORM_FORGED" in answer.text) == (403, True)
    assert "有一个正在进行的出示" not in jia.see("/my")


def test_who_is_not_signed_in_signs_in_first(here: Here) -> None:
    answer = here.http.get("/my/uses", headers={"cookie": "other=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in?to=%2Fmy%2Fuses")


def test_a_citizen_shows_a_licence_and_confirms_what_is_shown_and_to_whom(
    jia: Citizen, registry: Office, showing: str, licence: dict[str, Any]
) -> None:
    before = jia.send("GET", f"{showing}/state").json()
    on_screen = jia.see(showing)
    assert "出示码每分钟更换一次" in on_screen
    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in jia.answer.text
    code = code_on(jia)
    picture = jia.send("GET", f"{showing}/code.svg")
    assert (picture.headers["content-type"], picture.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert picture.text.startswith("<svg")
    state = jia.send("GET", f"{showing}/state").json()
    assert (state["state"], 0 < state["code_seconds"] <= 60) == ("open", True)
    assert code in {before["code"], state["code"]}, "with the minute it is another one"

    scan(registry, code)
    assert "cl_office正在等待您确认" in jia.see("/my")
    asked = jia.see(showing)
    for told in (
        "请求方 cl_office",
        "李四（示例）（执法人员，示例市监督所）",
        WHY,
        f"证照全部内容：{licence['data']['name']}",
        "对方只能查看一次",
    ):
        assert told in asked
    assert jia.send("GET", f"{showing}/code.svg").status_code == 404
    jia.go(showing)
    assert "您已同意" in jia.press(f"{showing}/agree")
    whole = registry.call("POST", f"/v1/showings/{showing.rpartition('/')[2]}/view", status=200).json()
    assert whole["data"] == licence["data"]
    assert "cl_office已查看这份证照" in jia.see(showing)
    told = jia.see("/my/uses")
    assert f"cl_office查看了您的「{licence['data']['name']}」的全部内容" in told
    assert "经您同意" in told


def test_a_showing_of_somebody_else_is_nobodys_business(jia: Citizen, yii: Citizen, registry: Office, showing: str) -> None:
    jia.see(showing)
    scan(registry, code_on(jia))
    for path in (showing, f"{showing}/code.svg", f"{showing}/state"):
        told = yii.see(path)
        assert (yii.answer.status_code, OFFICER["name"] in told, WHY in told) == (404, False, False)
    yii.see("/my")
    token = re.search(r'name="csrf" value="([^"]+)"', yii.answer.text)
    assert token
    for step, fields in (("agree", {"seen": '"2"'}), ("end", {})):
        answer = yii.send("POST", f"{showing}/{step}", data={"csrf": token[1], **fields})
        assert (answer.status_code, "LICENCE_SHOWING_UNKNOWN" in answer.text) == (404, True)
    assert "是否让对方查看？" in jia.see(showing)
    stolen = jia.send("POST", f"{showing}/agree", data={"csrf": token[1], "seen": '"2"'})
    assert (stolen.status_code, "FORM_FORGED" in stolen.text) == (403, True)
    assert "是否让对方查看？" in jia.see(showing)


def test_a_citizen_refuses_and_an_old_page_agrees_to_nothing(jia: Citizen, registry: Office, showing: str) -> None:
    jia.see(showing)
    scan(registry, code_on(jia))
    jia.see(showing)
    old = jia.answer
    jia.press(f"{showing}/end")
    assert "出示已结束" in jia.see(showing)
    jia.answer = old
    told = jia.press(f"{showing}/agree")
    assert (jia.answer.status_code, "LICENCE_SHOWING_CHANGED" in told) == (412, True)
    jia.answer = old
    assert "LICENCE_SHOWING_STATE_CONFLICT" in jia.press(f"{showing}/end")
    registry.call("POST", f"/v1/showings/{showing.rpartition('/')[2]}/view", status=404)


def test_a_citizen_lets_a_system_use_a_licence_once(jia: Citizen, registry: Office, licence: dict[str, Any]) -> None:
    jia.see("/my/trust")
    wish = {"licence": licence["id"], "client": "cl_office", "purpose": WHY}
    form = jia.answer
    told = jia.press("/my/consents", **wish)
    shown, jia.answer = jia.answer, form
    assert ("没有再次办理" in jia.press("/my/consents", **wish), jia.path) == (True, "/my/trust")
    jia.answer = shown
    code = re.search(r"yxu_\S+", told)
    assert code
    assert 'src="data:image/svg+xml,' in jia.answer.text
    assert (
        registry.call("POST", "/v1/licence-use-codes/redeem", {"code": code[0], "purpose": WHY}, status=200).json()["data"]
        == licence["data"]
    )
    assert "您授权cl_office使用" in jia.see("/my/trust")
    refused = jia.press("/my/consents", **wish | {"client": "cl_nobody"})
    assert "这个系统没有获准使用此类证照" in refused
    assert (jia.answer.status_code, "LICENCE_SHARING_DENIED" in refused, 'value="cl_nobody"' in jia.answer.text) == (403, True, True)
    assert "拒绝原因" in jia.see("/my/uses")


def test_a_citizen_entrusts_somebody_and_ends_it(jia: Citizen) -> None:
    jia.see("/my/trust")
    wish = {"type": SHARED, "code_type": "111", "code": "11010519491231010x", "until": "2099-01-01", "reason": "委托办理"}
    told = jia.press("/my/entrustments", **wish)
    assert (jia.answer.status_code, "FIELD_UNACCEPTABLE" in told, "截止日期：须晚于现在，且在" in told) == (422, True, True)
    jia.press("/my/entrustments", **wish | {"until": "soon"})
    assert jia.answer.status_code == 422
    last = re.search(r'id="until"[^>]* max="([^"]+)"', jia.see("/my/trust") and jia.answer.text)
    assert last
    assert "受托人的证件号码：应为有效的公民身份号码" in jia.press("/my/entrustments", **wish | {"until": last[1], "code": "1"})
    last = re.search(r'id="until"[^>]* value="([^"]+)"', jia.see("/my/trust") and jia.answer.text)
    assert last
    assert re.findall(r'<select id="code-type".*?</select>', jia.answer.text, re.DOTALL)[0].count("<option") == 2, (
        "people, and no organisation"
    )
    form = jia.answer
    assert "已委托。" in jia.press("/my/entrustments", **wish | {"until": last[1]})
    assert "您已就此类证照委托此人" in jia.press("/my/entrustments", **wish | {"until": last[1]})
    assert jia.answer.status_code == 409
    jia.answer = form
    assert "没有再次办理" in jia.press("/my/entrustments", **wish | {"until": last[1]})
    (path,) = re.findall(r'action="(/my/entrustments/en_[0-9a-f]+/end)"', jia.answer.text)
    assert "委托已终止" in jia.press(path)
    assert "已终止" in jia.see("/my/trust")


def test_a_citizen_has_a_copy_made_and_downloads_it(jia: Citizen, clerk: Office) -> None:
    path = f"/my/licences/{issued(clerk, JIA[1])['id']}/copies"
    assert "还没有制作过加注件" in jia.see(path)
    wish = {"made_by": "示例学校", "reason": "入学", "form": "ofd"}
    told = jia.press(f"{path}/new", **wish | {"until": "2099-01-01"})
    assert (jia.answer.status_code, 'value="示例学校"' in jia.answer.text, "FIELD_UNACCEPTABLE" in told) == (422, True, True)
    assert "截止日期：须晚于现在，最长" in told
    until = re.search(r'id="until"[^>]* value="([^"]+)"', jia.see(path) and jia.answer.text)
    assert until
    told = jia.press(f"{path}/new", **wish | {"until": until[1]})
    assert "加注件已制作" in told
    assert "示例学校" in told
    (file,) = re.findall(r'href="([^"]+/file)"', jia.answer.text)
    got = jia.send("GET", file)
    assert got.content.startswith(b"PK")
    assert got.headers["content-disposition"].endswith('.ofd"')
    assert ("可用" in told, "证照目前无效" in told) == (True, False)
    clerk.call("POST", f"/v1/licences/{path.split('/')[3]}/revoke", {"reason": "处罚"}, status=200, if_match="*")
    told = jia.see(path)
    assert ("可用" in told, "证照目前无效" in told) == (False, True), "no verifier calls a copy of it valid any more"


def test_a_citizen_takes_everything_away(jia: Citizen, licence: dict[str, Any]) -> None:
    assert "下载我的全部数据" in jia.see("/my/data")
    got = jia.send("GET", "/my/data/everything")
    assert got.headers["content-disposition"] == 'attachment; filename="my-licence-data.ndjson"'
    assert licence["id"] in got.text
    assert got.text.endswith('{"kind":"end","complete":true}\n')
    assert 'href="/keys"' in jia.go("/my/account").text


def test_own_looks_are_told_where_one_asks(jia: Citizen, licence: dict[str, Any]) -> None:
    jia.see(f"/my/licences/{licence['id']}?whole=yes")
    told = jia.see("/my/uses?own=yes")
    assert f"您查看了您的「{licence['data']['name']}」的全部内容" in told
    assert "您查看了您的" in jia.see(f"/my/uses?own=yes&licence={licence['id']}")
    assert "还没有人使用过您的证照" in jia.see(f"/my/uses?licence=lc_{'0' * 24}")
    assert "您查看了您的" not in jia.see("/my/uses")
    jia.see("/my/uses?before=1")
    assert "还没有人使用过您的证照" in jia.see("/my/uses?before=1")


def test_licences_that_do_not_count_cannot_be_shown(jia: Citizen, clerk: Office) -> None:
    order = {
        "type": SHARED,
        "issuer": ISSUER,
        "holders": [{"name": "张三（示例）", "code": JIA[1], "code_type": "111"}],
        "fields": {"KZ_address": "示例路1号", "KZ_class": "甲级"},
        "issued_on": "2024-01-01",
        "valid_from": "2024-01-01",
        "valid_to": "2024-12-31",
    }
    made = clerk.call("POST", "/v1/licences", order, status=201).json()
    told = jia.see(f"/my/licences/{made['id']}")
    assert ("已过期" in told, "2024-01-01 至 2024-12-31" in told, "/show" in jia.answer.text) == (True, True, False)
    assert "目前不能出示" in told
    assert "目前不能出示" in jia.see(f"/my/licences/{made['id']}/copies")


def test_who_is_not_verified_is_told_how_to_be(here: Here, clients: Clients) -> None:
    login = (Identifier(IdentifierKind.LOGIN, "bing"),)
    made = create_account(clients.town.desk, NewAccount(AccountKind.PERSON, "测试丙", login), actor="test")
    set_password(clients.town.desk, made.account_id, PASSWORD, actor="test")
    told = Citizen(here, "bing").see("/my")
    assert "尚不能显示您的证照" in told
