"""The console in one process: who is signed in, for how long, with which rights; attacks on it; and its pages on seals."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service_kit.duties import give_duty, take_duty
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.browser.people import STAFF, Staff, add_staff
from tests.deployments import make_deployment, served_here
from tests.yinxin.surfing import Surfer
from yinxin.console import sessions
from yinxin.console.api_calls import ApiCalls, ApiProblem, problem_in
from yinxin.console.console import own_path
from yinxin.console.forms import FIELDS_MAX, PLAIN_BYTES_MAX
from yinxin.console.tables import sessions as table
from yinxin.duties import CONSOLE_CLIENT, DUTIES, PAGE_SCOPES, scopes_at_pages
from yinxin.links import is_bound, known_scopes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.composition import ServiceContext
    from tests.deployments import Here

CREDIT_CODE = "12990000YX0000008K"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Here, Staff]]:
    folder = make_deployment(tmp_path_factory.mktemp("console") / "deployment")
    staff = add_staff(folder, {login: STAFF[login] for login in ("shenqing", "shenhe", "zhizhang", "guanli", "yongyin", "shimin")})
    with served_here(folder) as here:
        yield here, staff


@pytest.fixture(scope="module")
def here(site: tuple[Here, Staff]) -> Here:
    return site[0]


@pytest.fixture(scope="module")
def staff(site: tuple[Here, Staff]) -> Staff:
    return site[1]


@pytest.fixture(scope="module")
def context(here: Here) -> ServiceContext:
    return here.house.context


@pytest.fixture(scope="module")
def people(here: Here) -> Iterator[dict[str, Surfer]]:
    """Signed in once for the module; tests that end a sign-in use their own."""
    with ExitStack() as stack:
        made: dict[str, Surfer] = {}
        for login in ("shenqing", "shenhe", "zhizhang"):
            made[login] = Surfer(here).sign_in(login)
            stack.callback(made[login].close)
        yield made


@pytest.fixture
def surfer(here: Here) -> Iterator[Surfer]:
    made = Surfer(here)
    yield made
    made.close()


def rows(context: ServiceContext) -> list[Any]:
    with context.database.read() as connection:
        return list(connection.execute(table.select()).mappings())


def desk_of(here: Here) -> sessions.SessionDesk:
    from crypto.sealed_values import ValueSealer
    from crypto.sm3 import hmac_sm3
    from yinxin.deployment import WEBHOOK_SECRETS_KEY

    context = here.house.context
    secret = hmac_sm3(context.keystore.open_secret(WEBHOOK_SECRETS_KEY), b"yinxin console v1")
    return sessions.SessionDesk(context.database, context.clock, ValueSealer(secret))


def session_of(here: Here, surfer: Surfer) -> sessions.Session:
    cookies = surfer.http._client.cookies
    found = sessions.find_session(desk_of(here), sessions.hash_of(str(cookies["yinxin-console"])))
    assert found is not None
    return found


def count_refreshes(context: ServiceContext) -> int:
    from service_kit.tables import audit

    with context.database.read() as connection:
        entries = [json.loads(row.entry) for row in connection.execute(audit.select())]
    return sum(1 for entry in entries if entry["action"] == "token.issue" and entry["facts"].get("by") == "refresh_token")


# ---- Who is signed in


def test_tokens_stay_on_the_server_and_the_cookie_opens_nothing_else(here: Here, surfer: Surfer, context: ServiceContext) -> None:
    surfer.sign_in("shimin", to="/console?x=1")
    assert surfer.at == "/console?x=1"
    session = session_of(here, surfer)
    stored = str(rows(context))
    for secret in (session.tokens.access, session.tokens.refresh, str(surfer.http._client.cookies["yinxin-console"])):
        assert secret not in surfer.page.text
        assert secret not in stored
    # A row that somebody moves to a cookie of his own opens nothing
    stolen = sessions.hash_of("of-somebody-else")
    with context.database.read() as connection:
        row = connection.execute(table.select().where(table.c.cookie_hash == session.cookie_hash)).mappings().one()
    context.database.write(lambda connection: connection.execute(table.insert(), {**row, "cookie_hash": stolen}))
    assert sessions.find_session(desk_of(here), stolen) is None


def test_nobody_is_sent_elsewhere_after_signing_in(surfer: Surfer) -> None:
    for to in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/" + "a" * 600):
        assert own_path(to) in {"", "/"}, to
    surfer.get("/console/sign-in?to=https://evil.example/x", follow=False)
    assert surfer.page.headers["location"].startswith("/authorize?")
    cookie = surfer.page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_code_for_another_browser_signs_nobody_in(surfer: Surfer, here: Here) -> None:
    """Somebody gets a victim to open the address that his own sign-in came back to."""
    surfer.sign_in("shimin", to="/console/seals")
    attacker = Surfer(here)
    try:
        attacker.get("/console/sign-in")
        for address in ("/console/signed-in?code=x&state=y", "/console/signed-in", "/console/signed-in?state=%ff"):
            victim = Surfer(here)
            victim.get(address)
            assert victim.page.status_code == 404
            assert "重新登录" in victim.text
            assert "yinxin-console" not in {cookie.name for cookie in victim.http._client.cookies.jar}
            victim.close()
    finally:
        attacker.close()


def test_a_refused_sign_in_is_told_and_can_begin_again(surfer: Surfer, here: Here) -> None:
    first = surfer.get("/console/sign-in?to=/console/seals", follow=False).headers["location"]
    state = re.search(r"state=([^&]+)", first)
    assert state
    for query, status in (
        (f"error=access_denied&state={state[1]}", 403),
        (f"code=wrong&state={state[1]}", 400),
        (f"code=x&iss=https%3A%2F%2Fevil&state={state[1]}", 403),
    ):
        surfer.get(f"/console/signed-in?{query}")
        assert surfer.page.status_code == status, query
        assert "/console/sign-in?to=/console/seals" in surfer.text
    assert here.http.get("/console/signed-out").status_code == 200


def test_signing_out_ends_session_and_tokens(here: Here, surfer: Surfer, context: ServiceContext) -> None:
    surfer.sign_in("shimin")
    session = session_of(here, surfer)
    cookie = str(surfer.http._client.cookies["yinxin-console"])
    csrf = surfer.csrf()
    refused = surfer.http.post("/console/sign-out", data={"csrf": "x"})
    assert refused.status_code == 403
    assert session_of(here, surfer).tokens == session.tokens
    surfer.get("/console")
    surfer.post("/console/sign-out", {"csrf": csrf})
    assert surfer.at == "/console/signed-out"
    # The cookie is worth nothing, the tokens are revoked, and the identity provider asks for the password again
    assert here.http.get("/console", headers={"cookie": f"yinxin-console={cookie}"}).status_code == 303
    answer = here.http.get("/v1/me", headers={"authorization": f"Bearer {session.tokens.access}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_REVOKED")
    assert "login" in surfer.get("/console").text
    assert surfer.post("/console/sign-out", {"csrf": surfer.csrf()}, follow=False).status_code in {303, 403}


def test_a_sign_in_that_ended_begins_again_and_is_no_error(here: Here, surfer: Surfer, context: ServiceContext) -> None:
    surfer.sign_in("shimin")
    session = session_of(here, surfer)
    end = {"token": session.tokens.refresh}
    from crypto.sm3 import hmac_sm3
    from yinxin.console.client import client_secret
    from yinxin.deployment import WEBHOOK_SECRETS_KEY

    secret = client_secret(hmac_sm3(context.keystore.open_secret(WEBHOOK_SECRETS_KEY), b"yinxin console v1"))
    assert here.http.post("/oauth2/revoke", data=end, auth=(CONSOLE_CLIENT, secret)).status_code == 200
    # The session of the identity provider stands: the page comes as if nothing had been
    surfer.get("/console")
    assert (surfer.page.status_code, surfer.at) == (200, "/console")
    again = session_of(here, surfer)
    assert again.tokens.access != session.tokens.access
    # Where it ends again at once, it does not go round for ever
    here.http.post("/oauth2/revoke", data={"token": again.tokens.refresh}, auth=(CONSOLE_CLIENT, secret))
    surfer.get("/console")
    assert surfer.page.status_code == 503
    assert "登录后立即失效" in surfer.text


def test_one_of_many_renews_and_all_go_on(here: Here, surfer: Surfer, context: ServiceContext) -> None:
    """Two tabs whose token is over at the same moment: a refresh token that comes twice would end the sign-in."""
    surfer.sign_in("shimin")
    desk, session = desk_of(here), session_of(here, surfer)
    sessions.finish_renewal(desk, session, replace(session.tokens, access_until=0))
    before = count_refreshes(context)
    cookie = {"cookie": f"yinxin-console={surfer.http._client.cookies['yinxin-console']}"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: here.http.get("/console", headers=cookie).status_code, range(6)))
    assert answers == [200] * 6
    assert count_refreshes(context) == before + 1
    assert session_of(here, surfer).tokens.access_until > context.clock.now().timestamp()


def test_who_died_while_renewing_holds_up_nobody_for_long(here: Here, surfer: Surfer) -> None:
    from datetime import timedelta

    surfer.sign_in("shimin")
    desk, session = desk_of(here), session_of(here, surfer)
    assert sessions.begin_renewal(desk, session)
    assert not sessions.begin_renewal(desk, session)

    class Later:
        def now(self) -> Any:
            return desk.clock.now() + timedelta(seconds=sessions.RENEWING_SECONDS + 1)

    later = replace(desk, clock=Later())
    assert sessions.begin_renewal(later, session)
    sessions.give_up_renewal(desk, session)
    assert sessions.begin_renewal(desk, session)
    sessions.finish_renewal(desk, session, session.tokens)
    assert not sessions.begin_renewal(desk, session)  # another version stands there now

    class MuchLater:
        def now(self) -> Any:
            return desk.clock.now() + timedelta(seconds=sessions.SESSION_SECONDS + 1)

    gone = replace(desk, clock=MuchLater())
    assert sessions.find_session(gone, session.cookie_hash) is None


def test_what_is_over_is_swept(here: Here, context: ServiceContext) -> None:
    desk = desk_of(here)
    cookie = sessions.begin_session(desk, sessions.Tokens("a", "r", "i", 0, (), "pe_x", "x"))
    name = sessions.hash_of(cookie)
    context.database.write(lambda connection: connection.execute(table.update().where(table.c.cookie_hash == name).values(expires_at=1)))
    sessions.sweep_sessions(desk)
    assert name not in {row["cookie_hash"] for row in rows(context)}


# ---- With which rights


def test_each_person_has_what_was_given_to_him_and_no_more(here: Here, surfer: Surfer, staff: Staff, context: ServiceContext) -> None:
    assert set(PAGE_SCOPES) <= set(known_scopes())
    surfer.sign_in("shimin")
    assert set(session_of(here, surfer).tokens.scopes) == {"openid", "profile", "me.read", "licence.own"}
    assert "您还没有管理台权限" in surfer.text
    assert staff.holder("shimin") in surfer.text
    for path in ("/console/seals", "/console/applications", "/console/applications/new", "/console/designer"):
        assert surfer.get(path).status_code == 403, path
        assert "您没有此项权限" in surfer.text
    # Nor does the identity provider give more for the asking at the token endpoint
    holder = staff.holder("shimin")

    def give(connection: Any) -> bool:
        return give_duty(connection, context.audit, holder, "seal-reviewer", known=DUTIES, actor="t", reason="r", at=context.clock.now())

    assert context.database.write(give) is True
    assert context.database.write(give) is False
    assert surfer.get("/console/sign-in?to=/console/applications").status_code == 200  # he need not show his password again
    assert surfer.at == "/console/applications"
    # Taken back, it is gone with the next token, and the page says so
    context.database.write(
        lambda connection: take_duty(connection, context.audit, holder, "seal-reviewer", actor="t", reason="r", at=context.clock.now())
    )
    desk, session = desk_of(here), session_of(here, surfer)
    sessions.finish_renewal(desk, session, replace(session.tokens, access_until=0))
    assert surfer.get("/console/applications").status_code == 403
    assert "seal.review" not in session_of(here, surfer).tokens.scopes
    assert context.database.write(give)
    with pytest.raises(TrustError) as refused:
        context.database.write(
            lambda connection: appoint(
                connection, context.audit, holder, Role.AUDIT, is_bound=is_bound, actor="t", reason="r", at=context.clock.now()
            )
        )
    assert refused.value.code == "ROLE_HOLDER_BOUND"
    context.database.write(
        lambda connection: take_duty(connection, context.audit, holder, "seal-reviewer", actor="t", reason="r", at=context.clock.now())
    )


def test_an_administrators_rights_need_two_factors(context: ServiceContext) -> None:
    holder = "person:pe_" + "a" * 24
    at = context.clock.now()
    context.database.write(
        lambda connection: appoint(connection, context.audit, holder, Role.SECURITY, is_bound=is_bound, actor="t", reason="r", at=at)
    )
    with context.database.read() as connection:
        assert scopes_at_pages(connection, holder, has_two=False) == {"me.read", "licence.own"}
        assert "seal.secure" in scopes_at_pages(connection, holder, has_two=True)
        assert "seal.use" not in scopes_at_pages(connection, holder, has_two=True)
    for wrong in (
        {"duty": "nothing-known"},
        {"reason": " "},
        {"holder": "with blank"},
    ):
        with pytest.raises(TrustError) as refused:
            given = {"holder": "person:pe_b", "duty": "developer", "reason": "r", **wrong}
            context.database.write(
                lambda connection, given=given: give_duty(  # type: ignore[misc]
                    connection, context.audit, given["holder"], given["duty"], known=DUTIES, actor="t", reason=given["reason"], at=at
                )
            )
        assert refused.value.code == "ROLE_FIELD_INVALID"
    with pytest.raises(TrustError) as refused:
        context.database.write(
            lambda connection: give_duty(connection, context.audit, holder, "developer", known=DUTIES, actor="t", reason="r", at=at)
        )
    assert refused.value.code == "ROLE_HELD"


def test_the_security_administrator_gives_duties_and_freezes_but_does_no_work(here: Here, staff: Staff, context: ServiceContext) -> None:
    """Signed in with two factors, as administrators must be; each change on record, none about himself."""
    import idp.service
    from idp.actions.set_credentials import set_totp
    from idp.credentials.one_time_codes import STEP_SECONDS, code_at

    admin = add_staff(here.folder, {"anquan": ("安全员（样例）", ())}, context)
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
        surfer.post("/console/duties", {"what": "appoint", "role": "audit", "holder": "shimin", "reason": "轮岗"})
        assert "轮岗" in surfer.text
        surfer.post("/console/duties", {"what": "dismiss", "holder": "shimin", "reason": "轮岗结束"})
        assert "轮岗结束" not in surfer.text
        seals = re.search(r"/console/seals/(sl_[0-9a-f]+)", surfer.get("/console/seals").text)
        if seals:  # of another test of this file, where one came before
            surfer.get(f"/console/seals/{seals[1]}/powers")
            for take in ({}, {"take": "1"}):
                surfer.post(f"/console/seals/{seals[1]}/powers", {"power": "audit", "holder": "shimin", "reason": "监督", **take})
                assert surfer.page.status_code == 200
            surfer.post(f"/console/seals/{seals[1]}/powers", {"power": "audit", "holder": "nobody-known", "reason": "x"})
            assert surfer.page.status_code == 422
    finally:
        surfer.close()


# ---- Forms


def test_forms_of_others_are_refused(people: dict[str, Surfer], here: Here) -> None:
    surfer = people["shenqing"]
    surfer.get("/console/applications/new")
    own = surfer.csrf()
    stranger = Surfer(here)
    stranger.get("/console/signed-out")
    for fields in ({"csrf": ""}, {"csrf": "x"}, {"csrf": own[:-1] + ("A" if own[-1] != "A" else "B")}):
        surfer.get("/console/applications/new")
        surfer.post("/console/designer", {"name": "x", **fields})
        assert surfer.page.status_code == 403
        assert "表单来源不符" in surfer.text
    stranger.close()
    for body, kind in (
        (b"a=%ff&csrf=x", "application/x-www-form-urlencoded"),
        (b"x=" + b"a" * PLAIN_BYTES_MAX, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(FIELDS_MAX + 2)), "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--x", "multipart/form-data; boundary=x"),
    ):
        answer = surfer.http.post("/console/designer", content=body, headers={"content-type": kind})
        assert answer.status_code in {400, 413}, kind
        assert "未能完成" in answer.text or 'class="alert"' in answer.text


def test_a_form_after_the_end_of_a_sign_in_leads_back_to_its_page(surfer: Surfer) -> None:
    answer = surfer.http.post("/console/designer", data={"name": "x"})
    assert answer.headers["location"] == "/console/sign-in?to=%2Fconsole%2Fdesigner"
    answer = surfer.http.post("/console/seals/sl_1/steps/freeze", data={})
    assert answer.headers["location"] == "/console/sign-in?to=%2Fconsole"


def test_language_and_type_are_kept(people: dict[str, Surfer]) -> None:
    surfer = people["shenhe"]
    assert surfer.get("/console?lang=en&x=1").status_code == 200
    assert surfer.at == "/console?x=1"
    assert "To do" in surfer.text
    assert 'class="large"' in surfer.get("/console?type=large").text
    assert 'class="large"' not in surfer.get("/console?type=normal").text
    surfer.get("/console?lang=zh")
    assert "待办与概览" in surfer.text


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


def test_the_life_of_a_seal_through_forms_alone(here: Here, people: dict[str, Surfer], staff: Staff) -> None:
    applicant, reviewer, maker = people["shenqing"], people["shenhe"], people["zhizhang"]
    # 1. What is wrong is told on the form, with what was entered
    applicant.get("/console/applications/new")
    for wrong, told in (
        ({"credit_code": "1"}, "CREDIT_CODE"),
        ({"managers": "nobody-known"}, "找不到“nobody-known”"),
        ({"picture_width_mm": "wide"}, "FIELD_UNACCEPTABLE"),
        ({"design": "{"}, "FIELD_UNACCEPTABLE"),
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
        assert manager.page.status_code == 422
        manager.get(seal)
        manager.post(f"{seal}/steps/freeze", {"reason": "设备遗失"})
        assert "从现在起不能用印" in manager.text
        assert "印章已冻结" in manager.text
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

    for _ in range(200):
        if "/steps/issue" in surfer.get(seal).text:
            return
        time.sleep(0.02)
    raise AssertionError(surfer.text)


def _grants(manager: Surfer, seal: str) -> None:
    manager.get(f"{seal}/grants")
    limits = {"forms": ["pdf"], "document_types": "批文\n证明", "uses_max": "5", "valid_until": "2029-01-01", "hours": "08:30-17:30"}
    manager.post(f"{seal}/grants", {"holder": "nobody-known", **limits})
    assert manager.page.status_code == 422
    assert "08:30-17:30" in manager.text
    manager.post(f"{seal}/grants", {"holder": "shimin", "reason": "代办", **limits})
    assert "授权已生效" in manager.text
    assert "批文、证明" in manager.text
    revoke = re.search(rf"{seal}/grants/sg_[0-9a-f]+/revoke", manager.page.text)
    assert revoke
    manager.post(revoke[0], {"reason": "不再需要"})
    assert "已收回" in manager.text


def test_the_designer_draws_as_it_will_be_made_and_tells_what_is_against_rules(people: dict[str, Surfer]) -> None:
    surfer = people["shenqing"]
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


def test_a_picture_of_ones_own_goes_into_an_application(people: dict[str, Surfer], staff: Staff) -> None:
    import io

    from PIL import Image, ImageDraw

    drawn = Image.new("RGB", (320, 320), "white")
    ImageDraw.Draw(drawn).ellipse((20, 20, 300, 300), outline=(200, 20, 30), width=14)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    surfer = people["shenqing"]
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


def test_what_is_not_there_is_told_with_a_way_back(people: dict[str, Surfer]) -> None:
    surfer = people["zhizhang"]
    for path in ("/console/seals/sl_" + "0" * 24, "/console/applications/sa_" + "0" * 24):
        assert surfer.get(path).status_code == 404
        assert "返回" in surfer.text
    assert surfer.get("/console/seals/..%2f..%2fme").status_code in {404, 422}


# ---- The API in between


def test_an_api_that_does_not_answer_is_a_problem_not_a_fault() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async def token() -> str:
        return "t"

    calls = ApiCalls(httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://api"), token, "zh", "req-12345678")
    with pytest.raises(ApiProblem) as told:
        asyncio.run(calls.get("/v1/me"))
    assert (told.value.status, told.value.code) == (503, "API_UNREACHABLE")

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer t"
        return httpx.Response(200, content=b"{", headers={"content-type": "application/json"})

    calls = ApiCalls(httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://api"), token, "en")
    read = asyncio.run(calls.put("/v1/x", json={}, if_match='"1"', idempotency_key="k"))
    assert (read.body, read.etag) == (None, "*")
    assert asyncio.run(calls.patch("/v1/x", json={})).status == 200
    assert asyncio.run(calls.delete("/v1/x", params={"a": [1]})).status == 200
    problem = problem_in(httpx.Response(502, content=b"bad gateway", headers={"content-type": "text/html"}))
    assert (problem.code, problem.title) == ("HTTP_502", "Bad Gateway")
