"""The console's pages on seals through forms alone, the security administrator's pages, and the API in between."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from service_kit.roles import Role, appoint
from tests.audit_trail import find_entries
from tests.browser.people import Staff, add_staff
from tests.yinxin.console_site import CREDIT_CODE, context, here, secret_of, session_of, site, staff, surfer
from tests.yinxin.surfing import Surfer
from yinxin.duties import CONSOLE_CLIENT
from yinxin.links import is_bound

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from tests.deployments import Here
    from tests.yinxin.console_site import Site


__all__ = ["context", "here", "site", "staff", "surfer"]  # fixtures, each module's own


def test_the_security_administrator_gives_duties_and_freezes_but_does_no_work(here: Here, staff: Staff, context: ServiceContext) -> None:
    """Signed in with two factors, as administrators must be; each change on record, none about himself."""
    import idp.service
    from idp.actions.set_credentials import set_totp
    from idp.credentials.one_time_codes import STEP_SECONDS, code_at

    admin = add_staff(here.folder, {"anquan": ("安全员（样例）", ()), "lungang": ("轮换员（样例）", ())}, context)
    holder = admin.holder("anquan")
    at = context.clock.now()
    context.database.write(
        lambda connection: appoint(connection, context.audit, holder, Role.SECURITY, is_bound=is_bound, actor="t", reason="r", at=at)
    )
    desk = idp.service.people_desk(context)
    secret = set_totp(desk, admin.accounts["anquan"], actor="t")
    desk.pool.close()
    surfer = Surfer(here).sign_in("anquan", code=code_at(secret, int(at.timestamp()) // STEP_SECONDS))
    try:
        assert "安全管理员" in surfer.text
        assert "seal.use" not in session_of(here, surfer).tokens.scopes
        for path in ("/console/seals?of=all", "/console/duties"):
            assert surfer.get(path).status_code == 200, path
        change = {"holder": "guanli", "reason": "兼办申请"}
        for what, told in (({"what": "give", "duty": "seal-applicant"}, "已办理"), ({"what": "take", "duty": "seal-applicant"}, "已收回")):
            surfer.post("/console/duties", {**change, **what})
            assert told in surfer.text
        for wrong, code in (
            ({"what": "give", "duty": "nothing"}, "ROLE_FIELD_INVALID"),
            ({"what": "give", "duty": "developer", "holder": holder}, "ROLE_OF_ONE_SELF"),
            ({"what": "take", "duty": "developer", "holder": holder}, "ROLE_OF_ONE_SELF"),
            ({"what": "appoint", "role": "security", "holder": "zhizhang"}, "ROLE_OF_ONE_SELF"),
            ({"what": "appoint", "role": "audit", "holder": "zhizhang"}, "ROLE_HOLDER_BOUND"),
            ({"what": "appoint", "role": "audit", "holder": "nobody-known"}, "HOLDER_UNKNOWN"),
        ):
            surfer.post("/console/duties", {**change, **wrong})
            assert surfer.page.status_code >= 400, wrong
            assert code in surfer.text, wrong
            assert ('value="兼办申请"' in surfer.page.text) is (wrong.get("what") != "take"), "what was typed is still there"
        surfer.post("/console/duties", {"what": "appoint", "role": "audit", "holder": "lungang", "reason": "轮岗"})
        assert "轮岗" in surfer.text
        surfer.post("/console/duties", {"what": "dismiss", "holder": "lungang", "reason": "轮岗结束"})
        assert "轮岗结束" not in surfer.text
        seals = re.search(r"/console/seals/(sl_[0-9a-f]+)", surfer.get("/console/seals").text)
        if seals:  # of another test of this file, where one came before
            surfer.get(f"/console/seals/{seals[1]}/powers")
            for take in ({}, {"take": "1"}):
                surfer.post(f"/console/seals/{seals[1]}/powers", {"power": "audit", "holder": "lungang", "reason": "监督", **take})
                assert surfer.page.status_code == 200
            surfer.post(f"/console/seals/{seals[1]}/powers", {"power": "audit", "holder": "nobody-known", "reason": "x"})
            assert (surfer.page.status_code, 'value="nobody-known"' in surfer.page.text) == (422, True)
    finally:
        surfer.close()


# ---- Seals


def apply_for(surfer: Surfer, staff: Staff, **fields: Any) -> str:
    surfer.get("/console/applications/new")
    wanted = {
        "kind": "new",
        "organisation": "呼伦贝尔市样例局",
        "credit_code": CREDIT_CODE,
        "managers": "guanli",
        "users": staff.holder("yongyin"),
        "type_code": "1",
        "picture_width_mm": "42",
        "reason": "机构设立",
        **fields,
    }
    surfer.post("/console/applications/new", wanted, files=[("papers", ("批文.pdf", b"%PDF a")), ("papers", ("二.pdf", b"%PDF b"))])
    return surfer.at


def test_the_life_of_a_seal_through_forms_alone(site: Site, here: Here, staff: Staff, context: ServiceContext) -> None:
    applicant, reviewer, maker = site.person("shenqing"), site.person("shenhe"), site.person("zhizhang")
    # 1. What is wrong is told on the form, with what was entered
    applicant.get("/console/applications/new")
    for wrong, told in (
        ({"credit_code": "1"}, "CREDIT_CODE"),
        ({"managers": "nobody-known"}, "找不到“nobody-known”"),
        ({"picture_width_mm": "wide"}, "直径（毫米）：应为毫米数"),
        ({"design": "{"}, "设计：应为印章设计工具保存的设计"),
        ({"reason": " "}, "事由：必填"),
        ({"reason": "长" * 2001}, "事由：最多"),
    ):
        apply_for(applicant, staff, **wrong)
        assert applicant.page.status_code in {400, 422}, wrong
        assert told in applicant.text
        assert "呼伦贝尔市样例局" in applicant.text
    applicant.post("/console/applications/new", {"kind": "new", "preview": "1", "organisation": "样例", "picture_width_mm": "no"})
    assert "data:image/svg+xml;base64," in applicant.page.text
    # 2. Applied: its applicant sees that somebody else must look
    place = apply_for(applicant, staff)
    assert re.fullmatch(r"/console/applications/sa_[0-9a-f]{24}", place), applicant.text
    assert "须由另一人审核" in applicant.text
    assert "二.pdf" in applicant.text
    paper = re.search(r"/console/applications/papers/sp_[0-9a-f]+", applicant.page.text)
    assert paper
    fetched = reviewer.http.get(paper[0])
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert fetched.headers["content-security-policy"] == "sandbox"
    # 3. Reviewed and made by others
    version = re.compile(r'name="version" value="([^"]+)"')
    applicant_tries = applicant.post(f"{place}/steps/approve", {"reason": "mine", "version": "*"})
    assert applicant_tries.status_code == 403
    reviewer.get("/console")
    assert place in reviewer.page.text
    reviewer.get(place)
    found = version.search(reviewer.page.text)
    assert found
    reviewer.post(f"{place}/steps/approve", {"reason": "齐全", "version": found[1].replace("&#34;", '"')})
    assert "已批准" in reviewer.text
    maker.get("/console")
    assert place in maker.page.text
    maker.get(place)
    found = version.search(maker.page.text)
    assert found
    maker.post(f"{place}/steps/make", {"version": found[1].replace("&#34;", '"')})
    seal = maker.at
    assert re.fullmatch(r"/console/seals/sl_[0-9a-f]{24}", seal), maker.text
    assert "<script" not in maker.http.get(f"{seal}/picture.svg").text
    assert "sandbox" in maker.http.get(f"{seal}/picture.svg").headers["content-security-policy"]
    assert maker.http.get(f"{seal}/seal.esl").content[:1] == b"\x30"
    # 4. Each of its pages, in both languages
    for language in ("en", "zh"):
        for part in ("", "/grants", "/powers", "/uses", "/editions"):
            maker.get(f"{seal}{part}?lang={language}")
            assert maker.page.status_code == 200, part
            assert "呼伦贝尔市样例局" in maker.text
    left = text("UPDATE seal_editions SET key_left_with = :keeper WHERE seal_id = :seal")
    for keeper, told in (("device", "在该设备内销毁"), ("owner", "由该单位销毁"), (None, "")):  # as once a renewal has replaced the key
        renewed = left.bindparams(keeper=keeper, seal=seal.rpartition("/")[2])
        context.database.write(methodcaller("execute", renewed))
        maker.get(f"{seal}/editions?lang=zh")
        assert told in maker.text
        assert ("已停用" in maker.text) is (keeper is not None)
    maker.get("/console/seals?of=all&state=made&search=样例")
    maker.get("/console/seals?of=none&state=none")
    # 5. Filed in the background, issued, accepted
    _until_filed(maker, seal)
    maker.post(f"{seal}/steps/issue", {"reason": ""})
    assert "已发放" in maker.text
    with _signed_in(here, "yongyin") as user:
        assert seal in user.get("/console").text
        user.get(seal)
        user.post(f"{seal}/steps/activate", {"reason": ""})
        assert "使用中" in user.text
        assert "全过程记录由管理人" in user.text
        assert user.get("/console/seals?of=all").status_code == 200
    # 6. Its manager grants within limits, takes back, freezes with a reason, applies for a change
    with _signed_in(here, "guanli") as manager:
        _grants(manager, seal)
        manager.get(seal)
        manager.post(f"{seal}/steps/freeze", {"reason": ""})
        assert (manager.page.status_code, f'class="button" href="{seal}"' in manager.page.text) == (422, True), "the way back"
        manager.get(seal)
        manager.post(f"{seal}/steps/freeze", {"reason": "设备遗失"})
        assert "从现在起不能用印" in manager.text
        assert "印章已冻结" in manager.text
        assert re.findall(r"new\?kind=(\w+)", manager.page.text) == ["cancel"], "its end may be applied for, no other edition"
        assert seal in manager.get("/console").text
        manager.get(seal)
        manager.post(f"{seal}/steps/unfreeze", {"reason": "已找回"})
        seal_id = seal.rpartition("/")[2]
        for kind in ("renew", "cancel", "change"):
            manager.get(f"/console/applications/new?kind={kind}&seal={seal_id}")
            assert manager.page.status_code == 200, kind
        manager.post(
            "/console/applications/new", {"kind": "change", "seal_id": seal_id, "organisation": "呼伦贝尔市样例管理局", "reason": "更名"}
        )
        change = manager.at
        assert manager.get("/console/applications/new?kind=renew").url.path == "/console/seals"
    reviewer.get(change)
    assert "呼伦贝尔市样例管理局" in reviewer.text
    assert "有变化" in reviewer.text
    reviewer.get(change)
    reviewer.post(f"{change}/steps/reject", {"reason": "材料不全", "version": "*"})
    assert "已驳回" in reviewer.text
    assert reviewer.get("/console/applications?state=rejected&search=").status_code == 200
    # 7. A security administrator's pages refuse whoever is none
    reviewer.get(f"{seal}/powers")
    assert reviewer.post(f"{seal}/powers", {"power": "audit", "holder": "shimin", "reason": "x"}).status_code == 403
    hostile = {"kind": "change", "preview": "1"}
    assert applicant.post("/console/applications/new", hostile).status_code in {403, 404}


def _signed_in(here: Here, login: str) -> Any:
    from contextlib import closing

    return closing(Surfer(here).sign_in(login))


def _until_filed(surfer: Surfer, seal: str) -> None:
    import time

    for _ in range(1000):
        if "/steps/issue" in surfer.get(seal).text:
            return
        time.sleep(0.02)
    raise AssertionError(surfer.text)


def _grants(manager: Surfer, seal: str) -> None:
    manager.get(f"{seal}/grants")
    standing = manager.page.text.count("/revoke")
    days = {"valid_from": "2028-12-01", "valid_until": "2029-01-01"}
    limits = {"forms": ["pdf"], "document_types": "批文\n证明", "uses_max": "5", "hours": "08:30-17:30", **days}
    for wrong in (
        {"uses_max": "5 次"},
        {"uses_max": "-1"},
        {"uses_max": "五"},
        {"uses_max": "٥"},
        {"forms": ["all"]},
        {"valid_from": "soon"},
    ):
        manager.post(f"{seal}/grants", {"holder": "shimin", "reason": "代办", **limits, **wrong})
        assert manager.page.status_code == 422, wrong
        assert "08:30-17:30" in manager.text, wrong
        manager.get(f"{seal}/grants")
        assert manager.page.text.count("/revoke") == standing, wrong
    manager.post(f"{seal}/grants", {"holder": "nobody-known", **limits})
    assert manager.page.status_code == 422
    assert "08:30-17:30" in manager.text
    manager.post(f"{seal}/grants", {"holder": "shimin", "reason": "代办", **limits})
    assert "授权已生效" in manager.text
    assert "批文、证明" in manager.text
    assert "2028-12-01 00:00" in manager.text
    revoke = re.search(rf"{seal}/grants/sg_[0-9a-f]+/revoke", manager.page.text)
    assert revoke
    manager.post(revoke[0], {"reason": "不再需要"})
    assert "已收回" in manager.text
    # The licence service issues with the seals of authorities: it is nobody's account, and still somebody who can be named
    manager.post(f"{seal}/grants", {"holder": "~licence-vault", "reason": "颁发证照"})
    assert "授权已生效" in manager.text
    assert "证照服务（~licence-vault）" in manager.text


def test_the_designer_draws_as_it_will_be_made_and_tells_what_is_against_rules(site: Site) -> None:
    surfer = site.person("shenqing")
    assert surfer.get("/console/designer").status_code == 200
    form = {
        "shape": "round",
        "name": "呼伦贝尔市样例局",
        "registered_name": "呼伦贝尔市另一局",
        "width_mm": "30",
        "height_mm": "40",
        "unit": "department",
    }
    surfer.post("/console/designer", form)
    assert "data:image/svg+xml;base64," in surfer.page.text
    assert 'class="alert warn"' in surfer.page.text
    live = surfer.http.post("/console/designer", data={**form, "csrf": surfer.csrf()}, headers={"accept": "application/json"}).json()
    assert live["url"].startswith("data:image/svg+xml;base64,")
    assert len(live["warnings"]) >= 2
    for wrong in ({"width_mm": "wide"}, {"shape": "oval", "centre": "star", "arrangement": "bilingual-rings", "mongolian": "x"}):
        surfer.post("/console/designer", {**form, **wrong})
        assert surfer.page.status_code == 422
        told = surfer.http.post(
            "/console/designer", data={**form, **wrong, "csrf": surfer.csrf()}, headers={"accept": "application/json"}
        ).json()
        assert told["problem"]
    surfer.get("/console/designer")
    surfer.post("/console/applications/new", {**form, "from_designer": "1"})
    assert "采用设计器中的设计" in surfer.text
    assert "呼伦贝尔市另一局" in surfer.text


def test_a_picture_of_ones_own_goes_into_an_application(site: Site) -> None:
    import io

    from PIL import Image, ImageDraw

    drawn = Image.new("RGB", (320, 320), "white")
    ImageDraw.Draw(drawn).ellipse((20, 20, 300, 300), outline=(200, 20, 30), width=14)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    surfer = site.person("shenqing")
    surfer.get("/console/applications/new")
    fields = {
        "kind": "new",
        "organisation": "样例",
        "credit_code": CREDIT_CODE,
        "managers": "guanli",
        "users": "yongyin",
        "reason": "旧章",
        "picture_width_mm": "42",
    }
    surfer.post("/console/applications/new", fields, files={"own_picture": ("旧章.png", file.getvalue())})
    assert surfer.at.startswith("/console/applications/sa_"), surfer.text
    assert "文字请人工核对" in surfer.text
    place = surfer.at
    assert surfer.http.get(f"{place}/picture.svg").text.count("<path") >= 1
    surfer.post(f"{place}/steps/withdraw", {"reason": "改用设计", "version": "*"})
    assert "已撤回" in surfer.text


def test_what_is_not_there_is_told_with_a_way_back(site: Site) -> None:
    surfer = site.person("zhizhang")
    for path in ("/console/seals/sl_" + "0" * 24, "/console/applications/sa_" + "0" * 24):
        assert surfer.get(path).status_code == 404
        assert "返回" in surfer.text
    assert surfer.get("/console/seals/..%2f..%2fme").status_code in {404, 422}


# ---- The console as a client, and its static files


def test_static_files_are_kept_by_their_version(here: Here) -> None:
    from service_kit.page_frame.assets import ASSETS, Assets
    from service_kit.page_frame.pages import PageFrame

    for name, kind in (("yinxin.css", "text/css"), ("console.js", "text/javascript")):
        fresh = here.http.get(ASSETS.url(name))
        assert fresh.headers["content-type"].startswith(kind)
        assert "immutable" in fresh.headers["cache-control"]
        assert "immutable" not in here.http.get(f"/static/{name}?v=old").headers["cache-control"]
    assert here.http.get("/static/none.css").status_code == 404
    assert here.http.get("/static/..%2fpages.py").status_code == 404
    twice = Assets()
    twice.add_package("service_kit.page_frame")
    twice.add_package("service_kit.page_frame")  # the same again is no harm
    frame = PageFrame("yinxin.console", {"own": ("一", "one")})
    with pytest.raises(ValueError, match="own"):
        frame.add_texts({"own": ("二", "two")})


def test_a_menu_entry_stands_in_a_section_there_is(here: Here) -> None:
    from yinxin.console.console import Console

    with pytest.raises(ValueError, match="nowhere"):
        Console.menu(None, "nowhere", "nav_home", "/console/x")  # type: ignore[arg-type]


def test_the_console_sets_its_registration_right_where_somebody_changed_it(here: Here, context: ServiceContext) -> None:
    import idp.service
    from idp.actions.rotate_secret import rotate_secret
    from idp.actions.set_registration import set_registration
    from idp.store.clients import find_client
    from idp.store.registrations import find_registration
    from yinxin.console.client import client_secret, ensure_client, wanted_registration

    secret = secret_of(here)
    desk = idp.service.client_desk(context)
    ensure_client(context, secret)
    _, theirs = rotate_secret(desk, CONSOLE_CLIENT, overlap_seconds=0, actor="t")
    rotate_secret(desk, CONSOLE_CLIENT, overlap_seconds=3600, actor="t")
    set_registration(desk, replace(wanted_registration(context.settings.base_url), is_own=False, person_scopes=()), actor="t")
    ensure_client(context, secret)
    with context.database.read() as connection:
        by_whom = [
            each.actor for each in find_entries(connection, subject=f"client:{CONSOLE_CLIENT}") if each.action == "client.rotate-secret"
        ]
    assert by_whom == ["service:console", "t", "t"], "setting it right stands in the trail as replacing it does"
    form = {"grant_type": "client_credentials"}
    old = here.http.post("/oauth2/token", data=form, auth=(CONSOLE_CLIENT, theirs))
    assert old.json()["error"] == "invalid_client", "what somebody else knows goes on nowhere beside it"
    answer = here.http.post("/oauth2/token", data=form, auth=(CONSOLE_CLIENT, client_secret(secret)))
    assert answer.json()["error"] in {"unauthorized_client", "invalid_scope"}  # known again, and still good for nobody but people
    with context.database.read() as connection:
        client = find_client(connection, CONSOLE_CLIENT, desk.mac_key)
        assert client is not None
        assert client[0].scopes == ()
        assert find_registration(connection, CONSOLE_CLIENT, desk.mac_key) == wanted_registration(context.settings.base_url)
