"""One's own pages: where one is signed in, for whom one acts, and signing out (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio.to_thread
from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations

from idp.actions.begin_sign_in import living_session, store_sign_in
from idp.actions.end_session import end_all_sessions, end_session, organisations_of, switch_acting
from idp.actions.take_back_access import kept_access, take_back_access
from idp.model.sign_in import SESSION_SECONDS
from idp.pages.upstream_pages import LOGGED_OUT, upstream_logout
from idp.pages.visit import SESSION_COOKIE, once
from idp.pages.ways_out import NOWHERE, WayOut, if_registered
from idp.store.accounts import account_name
from idp.store.sign_ins import living_sessions
from service_kit.composition import public
from service_kit.page_frame.browser import CSRF_FIELD
from standards.errors import TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from idp.actions.read_hint import TokenHint
    from idp.model.sign_in import Session
    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit

SESSIONS: Final = "/sessions"
SWITCH: Final = "/switch"
LOGOUT: Final = "/logout"
_ASKED: Final = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
"""What is read of what a client asks (OpenID Connect RP-Initiated Logout 1.0, 2)."""
_STATE_CHARACTERS_MAX: Final = 512


def _present(pages: Pages, visit: Visit) -> Session | None:
    with pages.desk.database.read() as connection:
        return living_session(connection, pages.desk, visit.session_hash, pages.desk.clock.now())


def _sign_in_first(pages: Pages, visit: Visit, return_to: str) -> Response:
    row = store_sign_in(pages.desk, visit.browser_hash, None, None, None, admit=pages.admit(visit), return_to=return_to)
    return visit.go(f"/sign-in/{row.sign_in_id}")


def _show_sessions(pages: Pages, visit: Visit) -> Response:
    desk, at = pages.desk, pages.desk.clock.now()
    if visit.session_hash is None:
        return _sign_in_first(pages, visit, SESSIONS)
    with desk.database.read() as connection:
        session = living_session(connection, desk, visit.session_hash, at)
        if session is not None:
            name = account_name(connection, desk.vault, session.account_id)
            organisation = account_name(connection, desk.vault, session.acting_for) if session.acting_for else None
            alive = living_sessions(connection, desk.vault, session.account_id, at)
            may_switch = bool(organisations_of(connection, desk, session.account_id))
            kept = kept_access(connection, desk, session.account_id)
    if session is None:
        return _sign_in_first(pages, visit, SESSIONS)
    shown = [
        {
            "session_id": each.session_id,
            "browser": each.browser,
            "is_this": each.session_id == session.session_id,
            "since": _written(each.created_at),
        }
        for each in sorted(alive, key=lambda each: (each.session_id != session.session_id, -each.created_at.timestamp()))
    ]
    return visit.page(
        "sessions",
        name=name or "",
        organisation=organisation or "",
        sessions=shown,
        kept=[{"client_id": each.client_id, "name": each.name, "since": _written(each.since)} for each in kept],
        may_switch=may_switch,
        may_link=bool(pages.federation.upstreams),
        csrf=visit.token(SESSIONS),
    )


def _written(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M} (UTC+8)"


def _show_switch(pages: Pages, visit: Visit, problem: TrustError | None = None) -> Response:
    session = _present(pages, visit)
    if session is None:
        return _sign_in_first(pages, visit, SWITCH)
    desk = pages.desk
    with desk.database.read() as connection:
        name = account_name(connection, desk.vault, session.account_id)
        found = [(each, account_name(connection, desk.vault, each)) for each in organisations_of(connection, desk, session.account_id)]
    organisations = [{"account_id": each, "name": called} for each, called in found if called is not None]
    return visit.page(
        "switch",
        problem=problem,
        name=name or "",
        organisations=organisations,
        present=session.acting_for or "",
        csrf=visit.token(SWITCH),
    )


def _target_mac(visit: Visit, way: WayOut) -> str:
    return visit.sealer.find(f"{visit.browser}|{way.client_id}|{way.target}".encode(), "idp.logout-target").hex()


def _logout_target(pages: Pages, parameters: dict[str, str], hint_client: str | None) -> WayOut:
    """Where to go after signing out: only an address that the client has registered, compared as it stands."""
    client_id = parameters.get("client_id") or hint_client or ""
    address = parameters.get("post_logout_redirect_uri", "")
    profile = pages.protocol.profile(client_id) if pages.protocol is not None and client_id else None
    if profile is None or address not in profile.post_logout_redirect_uris or (hint_client and hint_client != client_id):
        return NOWHERE
    return WayOut(client_id, address, parameters.get("state", "")[:_STATE_CHARACTERS_MAX])


def _stated_target(pages: Pages, visit: Visit, form: dict[str, str]) -> WayOut:
    """Where our own page says to go: as we wrote it, and only if it is registered still."""
    way = WayOut(form.get("target_client", ""), form.get("target", ""), form.get("target_state", ""))
    is_ours = hmac.compare_digest(form.get("target_mac", "").encode(), _target_mac(visit, way).encode())
    return if_registered(pages, way) if way.address and is_ours else NOWHERE


def _begin_logout(pages: Pages, visit: Visit, parameters: dict[str, str]) -> Response:
    """What a client asks for (OpenID Connect RP-Initiated Logout 1.0)."""
    hint = pages.read_hint(parameters["id_token_hint"]) if pages.read_hint is not None and "id_token_hint" in parameters else None
    target = _logout_target(pages, parameters, hint.client_id if hint else None)
    is_of_another = hint is not None and (parameters.get("client_id") or hint.client_id) != hint.client_id
    if is_of_another or (parameters.get("post_logout_redirect_uri") and not target.address):
        hint = None  # the request is not as its client meant it: the person decides (OpenID Connect RP-Initiated Logout 4)
    return begin_logout(pages, visit, target, hint)


def begin_logout(pages: Pages, visit: Visit, way: WayOut, hint: TokenHint | None) -> Response:
    """Ask before ending a session, except where the client shows by its ID token that it is this session's. ``way``: checked already."""
    session = _present(pages, visit)
    if session is None:
        return visit.go(way.target or LOGGED_OUT)
    if hint is not None and hint.session_id == session.session_id:
        return _leave(pages, visit, session, way)
    csrf = visit.token(LOGOUT)
    further = upstream_logout(pages, visit, session.session_id, way) or ""
    fields = {"target": way.address, "target_state": way.state, "target_client": way.client_id, "target_mac": _target_mac(visit, way)}
    return visit.page("logout", targets=f"{way.target} {further}", target=fields if way.address else {}, csrf=csrf)


def _leave(pages: Pages, visit: Visit, session: Session, way: WayOut) -> Response:
    there = upstream_logout(pages, visit, session.session_id, way)
    end_session(pages.desk, session.session_id, actor=f"account:{session.account_id}")
    visit.set_cookie(SESSION_COOKIE, "")
    return visit.go(there or way.target or LOGGED_OUT)


async def _shown(pages: Pages, visit: Visit, show: Callable[[Pages, Visit], Response]) -> Response:
    try:
        switched = visit.switched()
        return switched if switched is not None else await pages.in_thread(show, pages, visit)
    except TrustError as error:
        return visit.error(error)


async def show_sessions(pages: Pages, visit: Visit) -> Response:
    """Where one is signed in; who is not, signs in first."""
    return await _shown(pages, visit, _show_sessions)


def add_session_pages(router: APIRouter, pages: Pages) -> None:
    """Add them to the service's router."""
    desk = pages.desk
    hidden: Any = {"include_in_schema": False}

    async def shown(request: Request, show: Callable[[Pages, Visit], Response]) -> Response:
        return await _shown(pages, pages.visit(request), show)

    async def changed(request: Request, place: str, work: Callable[[Visit, dict[str, str], Session], Response]) -> Response:
        visit = pages.visit(request)
        try:
            form = await visit.form(place)
            session = await anyio.to_thread.run_sync(_present, pages, visit)
            if session is None:
                return visit.go(place)
            return await anyio.to_thread.run_sync(work, visit, form, session)
        except TrustError as error:
            return visit.error(error)

    @router.post("/sessions/end-others", **hidden)
    @public("a form of the person's own page")
    async def end_others(request: Request) -> Response:
        def work(visit: Visit, _form: dict[str, str], session: Session) -> Response:
            end_all_sessions(desk, session.account_id, actor=f"account:{session.account_id}", but=session.session_id)
            return visit.go(SESSIONS)

        return await changed(request, SESSIONS, work)

    @router.post("/sessions/{session_id}/end", **hidden)
    @public("a form of the person's own page; only sessions of the same account end")
    async def end_one(request: Request, session_id: str) -> Response:
        def work(visit: Visit, _form: dict[str, str], session: Session) -> Response:
            end_session(desk, session_id, actor=f"account:{session.account_id}", account_id=session.account_id)
            return visit.go(SESSIONS)

        return await changed(request, SESSIONS, work)

    @router.post("/sessions/take-back", **hidden)
    @public("a form of the person's own page; only what the same account let an application keep ends")
    async def take_back(request: Request) -> Response:
        def work(visit: Visit, form: dict[str, str], session: Session) -> Response:
            take_back_access(desk, session.account_id, form.get("client", ""))
            return visit.go(SESSIONS)

        return await changed(request, SESSIONS, work)

    @router.get(SWITCH, **hidden)
    @public("people choose for whom they act; who is not signed in, signs in first", is_step=True)
    async def show_switch(request: Request) -> Response:
        return await shown(request, _show_switch)

    @router.post(SWITCH, **hidden)
    @public("a form of the person's own page")
    async def switch(request: Request) -> Response:
        def work(visit: Visit, form: dict[str, str], _session: Session) -> Response:
            cookie = switch_acting(desk, visit.session_hash or b"", acting_for=form.get("acting_for", ""))
            visit.set_cookie(SESSION_COOKIE, cookie, seconds=SESSION_SECONDS)
            return visit.go(SESSIONS)

        return await changed(request, SWITCH, work)

    @router.get(LOGOUT, **hidden)
    @public("people sign out here; nothing ends without their yes or their client's ID token", is_step=True)
    async def begin_logout(request: Request) -> Response:
        return await shown(request, _logout_by_get)

    @router.post(LOGOUT, **hidden)
    @public("people sign out here; a form of ours carries its token, a client's request is answered like GET")
    async def finish_logout(request: Request) -> Response:
        visit = pages.visit(request)
        try:
            form = await visit.plain_form()
            if form.get("confirm") != "yes":
                if visit.session_hash is None:  # a POST from elsewhere brings no cookies along: look again where it does
                    asked: dict[str, str] = {name: form[name] for name in _ASKED if name in form}
                    return visit.go(f"{LOGOUT}?{urlencode(asked)}")
                return await anyio.to_thread.run_sync(_begin_logout, pages, visit, form)
            visit.check_token(form.get(CSRF_FIELD, ""), LOGOUT)
            way = await anyio.to_thread.run_sync(_stated_target, pages, visit, form)
            session = await anyio.to_thread.run_sync(_present, pages, visit)
            if session is None:
                return visit.go(way.target or LOGGED_OUT)
            return await anyio.to_thread.run_sync(_leave, pages, visit, session, way)
        except TrustError as error:
            return visit.error(error)

    @router.get(LOGGED_OUT, **hidden)
    @public("says that one is signed out")
    async def logged_out(request: Request) -> Response:
        return await shown(request, lambda _pages, visit: visit.page("logged_out"))


def _logout_by_get(pages: Pages, visit: Visit) -> Response:
    return _begin_logout(pages, visit, once(visit.request.query_params.multi_items()))
