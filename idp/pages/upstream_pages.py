"""The pages around other providers: away to one and back, joining one with one's account, being sent here by one, signing out there too."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from idp.actions.begin_sign_in import living_session, store_sign_in
from idp.actions.keep_key import may_change_keys
from idp.actions.leave_for_upstream import leave_to_link, leave_to_sign_in
from idp.actions.return_from_upstream import finish_trip, peek_trip
from idp.model.federation import SIGN
from idp.model.people import IdentifierKind
from idp.model.sign_in import Step, decide_next_step
from idp.pages.sign_in_pages import dispatch
from idp.pages.visit import once, titled
from idp.pages.ways_out import NOWHERE, WayOut, if_registered
from idp.store.accounts import load_account
from idp.store.federation import upstream_of
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit

LINKS: Final = "/links"
INITIATE: Final = "/initiate-login"
LOGGED_OUT: Final = "/logout/done"
_ADDRESS_CHARACTERS_MAX: Final = 2048
_FATAL: Final = frozenset({"SIGN_IN_UNKNOWN", "SESSION_NOT_FOUND", "UPSTREAM_UNKNOWN"})


def _leave(pages: Pages, sign_in_id: str, name: str, visit: Visit) -> Response:
    try:
        pages.door.leave(visit.peer)
        away = leave_to_sign_in(pages.federation, name, sign_in_id, visit.browser_hash)
    except TrustError as error:
        if error.code in _FATAL:
            raise
        return dispatch(pages, visit, sign_in_id, error)
    return visit.go(away or f"/sign-in/{sign_in_id}")


def _come_back(pages: Pages, name: str, answer: dict[str, str], visit: Visit) -> Response:
    trip = peek_trip(pages.federation, name, answer, visit.browser_hash)
    if trip.session_id:
        try:
            finish_trip(pages.federation, trip, answer, None)
        except TrustError as error:
            if error.code in _FATAL:
                raise
            return _show_links(pages, visit, error)
        return visit.go(LINKS)
    _, profile = pages.load(trip.sign_in_id, visit.browser_hash)
    try:
        finish_trip(pages.federation, trip, answer, profile)
    except TrustError as error:
        if error.code in _FATAL:
            raise
        return dispatch(pages, visit, trip.sign_in_id, error)
    return visit.go(f"/sign-in/{trip.sign_in_id}")


def _show_links(pages: Pages, visit: Visit, problem: TrustError | None = None) -> Response:
    """Which other providers one can sign in with, and which one could add; who may add none signs in first, as for keys."""
    desk, at = pages.desk, pages.desk.clock.now()
    with desk.database.read() as connection:
        session = living_session(connection, desk, visit.session_hash, at)
        if session is not None and problem is None and not may_change_keys(connection, desk, session, at):
            session = None
        account = load_account(connection, desk.vault, session.account_id) if session else None
    if account is None:
        row = store_sign_in(desk, visit.browser_hash, None, None, None, admit=pages.admit(visit), return_to=LINKS, asks_two=True)
        return visit.go(f"/sign-in/{row.sign_in_id}")
    joined = {
        each.value.partition("|")[0].removeprefix(SIGN)
        for each in account.identifiers
        if each.kind is IdentifierKind.UPSTREAM and each.value.startswith(SIGN)
    }
    shown = [
        {"name": name, "title": titled(settings, visit.language), "is_linked": name in joined}
        for name, settings in pages.federation.upstreams.items()
    ]
    targets = " ".join(settings.endpoints["authorization"] for settings in pages.federation.upstreams.values())
    return visit.page("links", problem=problem, targets=targets, name=account.name, upstreams=shown, csrf=visit.token(LINKS))


def _is_own_path(pages: Pages, address: str) -> bool:
    """Whether an address leads to a page of this deployment. Compared as parsed, and nothing that browsers read in another way."""
    if len(address) > _ADDRESS_CHARACTERS_MAX or not address.isascii() or not address.isprintable() or set(address) & set("\\ @"):
        return False
    own, parts = urlsplit(pages.desk.issuer), urlsplit(address)
    same = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    return same and parts.path.startswith("/") and not parts.path.startswith("//") and not parts.fragment


def _initiate(pages: Pages, given: dict[str, str], visit: Visit) -> Response:
    """Sign in at the upstream that sent the browser here (OpenID Connect Core 1.0, 4), then go on to a page of ours."""
    # 1. By whom: one of the upstreams, by its issuer; anything else could send people to a provider of its own
    federation, desk = pages.federation, pages.desk
    issuer = given.get("iss", "")
    name = next((name for name, each in federation.upstreams.items() if each.issuer and each.issuer == issuer), None)
    if name is None:
        raise TrustError(Kind.UNACCEPTABLE, "UPSTREAM_UNKNOWN")
    # 2. Where to: only within this deployment
    target = given.get("target_link_uri", "")
    if target and not _is_own_path(pages, target):
        raise TrustError(Kind.UNACCEPTABLE, "TARGET_NOT_OURS")
    parts = urlsplit(target)
    return_to = (parts.path + (f"?{parts.query}" if parts.query else "")) if target else "/sessions"
    # 3. Who is signed in already goes on; everybody else goes there
    row = store_sign_in(desk, visit.browser_hash, None, None, visit.session_hash, admit=pages.admit(visit), return_to=return_to)
    if decide_next_step(row) is not Step.FIRST_FACTOR:
        return visit.go(f"/sign-in/{row.sign_in_id}")
    return _leave(pages, row.sign_in_id, name, visit)


# Signing out


def _target_place(visit: Visit) -> str:
    return f"idp.upstream-logout:{visit.browser_hash.hex()}"


def upstream_logout(pages: Pages, visit: Visit, session_id: str, way: WayOut) -> str | None:
    """Where the browser goes so that the session at the upstream ends, too; it comes back and goes on by ``way``. None: none, or no such page."""
    with pages.desk.database.read() as connection:
        name = upstream_of(connection, session_id)
    if name not in pages.federation.upstreams:
        return None
    kept = json.dumps([way.client_id, way.address, way.state]).encode()
    state = urlsafe_b64encode(visit.sealer.seal(kept, _target_place(visit))).decode()
    return pages.federation.connector(name).logout_url(f"{pages.desk.issuer}/sign-in/upstream/{name}/logged-out", state)


def _logged_out(pages: Pages, state: str, visit: Visit) -> Response:
    try:
        way = WayOut(*json.loads(visit.sealer.open(urlsafe_b64decode(state.encode("ascii")), _target_place(visit))))
    except (TrustError, ValueError, binascii.Error):  # not ours, of another form, or another browser's: it leads nowhere
        way = NOWHERE
    return visit.go(if_registered(pages, way).target or LOGGED_OUT)


def add_upstream_pages(router: APIRouter, pages: Pages) -> None:
    """Add them to the service's router; before those of signing in, whose addresses are wider."""
    hidden: Any = {"include_in_schema": False}

    async def shown(request: Request, show: Callable[[Visit], Response]) -> Response:
        visit = pages.visit(request)
        try:
            return await anyio.to_thread.run_sync(show, visit)
        except TrustError as error:
            return visit.error(error)

    @router.get("/sign-in/upstream/{name}/callback", **hidden)
    @public("people come back here from another provider; the answer is bound to their browser and counts once", is_step=True)
    async def come_back(request: Request, name: str) -> Response:
        pairs = request.query_params.multi_items()
        return await shown(request, lambda visit: _come_back(pages, name, once(pairs), visit))

    @router.get("/sign-in/upstream/{name}/logged-out", **hidden)
    @public("people come back here after signing out at another provider", is_step=True)
    async def logged_out(request: Request, name: str) -> Response:
        del name
        state = request.query_params.get("state", "")
        return await shown(request, partial(_logged_out, pages, state))

    @router.get("/sign-in/{sign_in_id}/upstream/{name}", **hidden)
    @public("people leave for another provider; the sign-in is bound to their browser", is_step=True)
    async def leave(request: Request, sign_in_id: str, name: str) -> Response:
        return await shown(request, partial(_leave, pages, sign_in_id, name))

    @router.get(LINKS, **hidden)
    @public("people see with which other providers they can sign in; who is not signed in, signs in first", is_step=True)
    async def show_links(request: Request) -> Response:
        switched = pages.visit(request).switched()
        return switched if switched is not None else await shown(request, lambda visit: _show_links(pages, visit))

    @router.post(LINKS, **hidden)
    @public("a form of the person's own page")
    async def link(request: Request) -> Response:
        visit = pages.visit(request)

        def go(visit: Visit, name: str) -> Response:
            try:
                return visit.go(leave_to_link(pages.federation, name, visit.browser_hash, visit.session_hash))
            except TrustError as error:
                if error.code in _FATAL:
                    raise
                return _show_links(pages, visit, error)

        try:
            form = await visit.form(LINKS)
            return await anyio.to_thread.run_sync(go, visit, form.get("upstream", ""))
        except TrustError as error:
            return visit.error(error)

    @router.get(INITIATE, **hidden)
    @public("an upstream sends people here to sign in with it (OpenID Connect Core 1.0, 4)", is_step=True)
    async def initiate_by_get(request: Request) -> Response:
        pairs = request.query_params.multi_items()
        return await shown(request, lambda visit: _initiate(pages, once(pairs), visit))

    @router.post(INITIATE, **hidden)
    @public("an upstream sends people here to sign in with it (OpenID Connect Core 1.0, 4)", is_step=True)
    async def initiate_by_post(request: Request) -> Response:
        visit = pages.visit(request)
        try:
            form = await visit.plain_form()
        except TrustError as error:
            return visit.error(error)
        # A POST from elsewhere brings no cookies along: look again where it does
        wanted: dict[str, str] = {name: form[name] for name in ("iss", "target_link_uri") if name in form}
        return Response(status_code=303, headers={"location": f"{INITIATE}?{urlencode(wanted)}", "cache-control": "no-store"})
