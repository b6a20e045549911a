"""Who is signed in at the console, for how long, and with which rights; attacks on its sessions and forms."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from service_kit.duties import give_duty, take_duty
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.yinxin.console_site import context, desk_of, here, secret_of, session_of, site, staff, surfer
from tests.yinxin.surfing import Surfer
from yinxin.console import sessions
from yinxin.console.api_calls import ApiProblem
from yinxin.console.console import own_path
from yinxin.console.forms import FIELDS_MAX, PARTS_MAX, PLAIN_BYTES_MAX
from yinxin.console.tables import sessions as table
from yinxin.duties import CONSOLE_CLIENT, DUTIES, PAGE_SCOPES, scopes_at_pages
from yinxin.links import is_bound, known_scopes

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from tests.browser.people import Staff
    from tests.deployments import Here
    from tests.yinxin.console_site import Site


__all__ = ["context", "here", "site", "staff", "surfer"]  # fixtures, each module's own


def rows(context: ServiceContext) -> list[Any]:
    with context.database.read() as connection:
        return list(connection.execute(table.select()).mappings())


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
        assert secret not in repr(session)
    # A row that somebody moves to a cookie of his own opens nothing
    stolen = sessions.hash_of("of-somebody-else")
    with context.database.read() as connection:
        row = connection.execute(table.select().where(table.c.cookie_hash == session.cookie_hash)).mappings().one()
    context.database.write(lambda connection: connection.execute(table.insert(), {**row, "cookie_hash": stolen}))
    assert sessions.find_session(desk_of(here), stolen) is None


def test_nobody_is_sent_elsewhere_after_signing_in(surfer: Surfer) -> None:
    for to in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/" + "a" * 600):
        assert own_path(to) in {"", "/"}, to
    assert own_path("/console/audit?actor=https://portal.example/x") == "/console/audit?actor=https://portal.example/x"
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
    from yinxin.console.client import client_secret

    secret = client_secret(secret_of(here))
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
        assert scopes_at_pages(connection, holder, human=holder, has_two=False) == {"me.read", "licence.own"}
        assert "seal.secure" in scopes_at_pages(connection, holder, human=holder, has_two=True)
        assert "seal.use" not in scopes_at_pages(connection, holder, human=holder, has_two=True)
    organisation = "person:pe_" + "c" * 24
    context.database.write(
        lambda connection: give_duty(connection, context.audit, organisation, "licence-officer", known=DUTIES, actor="t", reason="r", at=at)
    )
    with context.database.read() as connection:
        assert "licence.issue" in scopes_at_pages(connection, organisation, human="person:pe_" + "d" * 24, has_two=True)
        assert scopes_at_pages(connection, organisation, human=holder, has_two=True) == {"me.read", "licence.own"}
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


# ---- Forms


def test_forms_of_others_are_refused(site: Site, here: Here) -> None:
    surfer = site.person("shenqing")
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
        (_parts(PARTS_MAX + 1), "multipart/form-data; boundary=x"),
    ):
        answer = surfer.http.post("/console/designer", content=body, headers={"content-type": kind})
        assert answer.status_code in {400, 413}, kind
        assert "未能完成" in answer.text or 'class="alert"' in answer.text


def _parts(count: int) -> bytes:
    return b"".join(b'--x\r\ncontent-disposition: form-data; name="n%d"\r\n\r\n\r\n' % each for each in range(count)) + b"--x--\r\n"


def test_who_is_not_signed_in_has_no_files_read(surfer: Surfer) -> None:
    answer = surfer.http.post("/console/sign-out", files={"f": ("a", b"x")})
    assert answer.status_code == 400
    assert surfer.http.post("/console/sign-out", data={"csrf": "x"}).status_code == 403


def test_of_who_may_not_send_a_form_nothing_is_read(site: Site) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = site.person("shimin").http.post("/console/applications/new", content=b"--x", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"picture_width_mm": "nan"},
        {"design": '{"width_mm": 1e999}'},
        {"design": '{"name": "\\ud800"}'},
        {"design": "[" * 50_000},
        {"once": "é"},
        {"managers": "x" * 100_000},
    ],
)
def test_what_no_call_can_carry_is_told_to_who_wrote_it(site: Site, fields: dict[str, str]) -> None:
    surfer = site.person("shenqing")
    surfer.get("/console/applications/new")
    answer = surfer.post("/console/applications/new", {"kind": "new", "organisation": "某局", "picture_width_mm": "42", **fields})
    assert answer.status_code == 422
    assert surfer.get("/console/designer?name=x&width_mm=nan").status_code == 422


def test_a_form_after_the_end_of_a_sign_in_leads_back_to_its_page(surfer: Surfer) -> None:
    answer = surfer.http.post("/console/designer", data={"name": "x"})
    assert answer.headers["location"] == "/console/sign-in?to=%2Fconsole%2Fdesigner"
    for sent, page in (("console/seals/sl_1/steps/freeze", "console%2Fseals%2Fsl_1"), ("my/showings/sh_1/end", "my%2Fshowings%2Fsh_1")):
        assert surfer.http.post(f"/{sent}", data={}).headers["location"] == f"/console/sign-in?to=%2F{page}"


def test_language_and_type_are_kept(site: Site) -> None:
    surfer = site.person("shenhe")
    assert surfer.get("/console?lang=en&x=1").status_code == 200
    assert surfer.at == "/console?x=1"
    assert "To do" in surfer.text
    assert 'class="large"' in surfer.get("/console?type=large").text
    assert 'class="large"' not in surfer.get("/console?type=normal").text
    assert surfer.http.request("HEAD", "/console").status_code == 200
    surfer.get("/console?lang=zh")
    assert "待办与概览" in surfer.text


def test_who_waits_for_a_renewal_is_told_how_it_ended(here: Here, surfer: Surfer) -> None:
    """Another process renews: it ends the sign-in, or never comes back, or the provider cannot be asked now."""
    from unittest.mock import patch

    from yinxin.console import sign_in as module

    surfer.sign_in("shimin")
    desk, session = desk_of(here), session_of(here, surfer)
    stale = replace(session.tokens, access_until=0)
    sessions.finish_renewal(desk, session, stale)
    session = session_of(here, surfer)
    assert sessions.begin_renewal(desk, session)
    with patch.object(module, "WAITS", 2):
        assert surfer.get("/console").status_code == 503
    sessions.give_up_renewal(desk, session)
    # The provider is too busy: nothing is lost, and the next page renews
    with patch.object(module.SignIn, "_token", side_effect=ApiProblem(429, "RATE_LIMITED", "busy")):
        assert surfer.get("/console").status_code == 429
    assert surfer.get("/console").status_code == 200
    # A refresh token that was spent: signed in anew, without an error
    session = session_of(here, surfer)
    sessions.finish_renewal(desk, session, replace(stale, refresh="yxr_" + "x" * 43))
    assert surfer.get("/console").status_code == 200
    assert session_of(here, surfer).cookie_hash != session.cookie_hash
    # It ends while one waits
    session = session_of(here, surfer)
    sessions.finish_renewal(desk, session, stale)
    assert sessions.begin_renewal(desk, session_of(here, surfer))

    async def end_meanwhile(_seconds: float) -> None:
        sessions.end_session(desk, session.cookie_hash)

    surfer.http._client.cookies.delete("yinxin-console-again")
    with patch("yinxin.console.sign_in.anyio.sleep", end_meanwhile):
        assert surfer.get("/console").status_code == 200
    assert session_of(here, surfer).cookie_hash != session.cookie_hash
