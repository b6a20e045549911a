"""``/device``: somebody types the code a device shows, sees what the device is, and signs in for it (RFC 8628 3.3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations

from idp.actions.answer_device import DONE_PATH, REFUSED_PATH, device_sign_in, find_waiting_device
from idp.actions.begin_device import VERIFICATION_PATH
from idp.actions.begin_sign_in import store_sign_in
from idp.actions.claims_of import asked_claims
from idp.model.devices import read_user_code, show_user_code
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from idp.model.requests import ClientProfile
    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit

CONFIRM_PATH: Final = "/device/confirm"


def _client(pages: Pages, client_id: str) -> ClientProfile:
    profile = None if pages.protocol is None else pages.protocol.profile(client_id)
    if profile is None:
        raise TrustError(Kind.NOT_FOUND, "DEVICE_UNKNOWN")
    return profile


def _ask(visit: Visit, typed: str = "", problem: TrustError | None = None) -> Response:
    code = read_user_code(typed)
    shown = show_user_code(code) if code else typed[:32]
    return visit.page("device", problem=problem, code=shown, csrf=visit.token(VERIFICATION_PATH))


def _confirm(pages: Pages, visit: Visit, typed: str) -> Response:
    """What the device is, before anybody signs in for it: who was sent a code by somebody else must be able to see that (RFC 8628 5.4)."""
    device, code = find_waiting_device(pages.desk, typed, visit.peer, pages.desk.vault.mac_key)
    profile = _client(pages, device.client_id)
    asked = pages.asked(visit, device.scopes, asked_claims(device.scopes, {}, "userinfo", profile))
    values: dict[str, Any] = {
        "client": profile.name,
        "terms": profile.terms,
        "code": show_user_code(code),
        "csrf": visit.token(CONFIRM_PATH),
    }
    return visit.page("device_confirm", **values, **asked)


def _begin(pages: Pages, visit: Visit, typed: str) -> Response:
    device, _ = find_waiting_device(pages.desk, typed, visit.peer, pages.desk.vault.mac_key)
    profile = _client(pages, device.client_id)
    request = device_sign_in(device, pages.desk.issuer)
    row = store_sign_in(pages.desk, visit.browser_hash, request, profile, visit.session_hash, admit=pages.admit(visit))
    return visit.go(f"/sign-in/{row.sign_in_id}")


def add_device_pages(router: APIRouter, pages: Pages) -> None:
    """Add them to the service's router."""
    hidden: Any = {"include_in_schema": False}

    @router.get(VERIFICATION_PATH, **hidden)
    @public("people type the code of their device here", is_step=True)
    async def show_device(request: Request) -> Response:
        visit = pages.visit(request)
        brought = request.query_params.get("user_code", "")  # by a link, which anybody may have made: a code, and no words of his
        return visit.switched() or _ask(visit, brought if read_user_code(brought) else "")

    async def take(request: Request, place: str, work: Any) -> Response:
        visit = pages.visit(request)
        typed = ""
        try:
            form = await visit.form(place)
            typed = form.get("user_code", "")
            return await anyio.to_thread.run_sync(partial(work, pages, visit, typed))
        except TrustError as error:
            return _ask(visit, typed, error) if error.code == "DEVICE_UNKNOWN" else visit.error(error)

    @router.post(VERIFICATION_PATH, **hidden)
    @public("a form with a token of its browser")
    async def find_device_of_code(request: Request) -> Response:
        return await take(request, VERIFICATION_PATH, _confirm)

    @router.post(CONFIRM_PATH, **hidden)
    @public("a form with a token of its browser")
    async def confirm_device(request: Request) -> Response:
        return await take(request, CONFIRM_PATH, _begin)

    @router.get(DONE_PATH, **hidden)
    @public("says that it is done")
    async def show_done(request: Request) -> Response:
        visit = pages.visit(request)
        return visit.switched() or visit.page("device_done", is_approved=True)

    @router.get(REFUSED_PATH, **hidden)
    @public("says that it is done")
    async def show_refused(request: Request) -> Response:
        visit = pages.visit(request)
        return visit.switched() or visit.page("device_done", is_approved=False)
