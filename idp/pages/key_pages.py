"""One's own keys: passkeys are added and taken away here. Needs a fresh sign-in, with both factors where there are two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from idp.actions.begin_sign_in import living_session, store_sign_in
from idp.actions.keep_key import KEYS, drop_key, keep_passkey, may_change_keys, passkey_creation
from idp.actions.show_certificate import keep_certificate, new_certificate_challenge
from idp.credentials.certificates import text_to_sign, write_challenge
from idp.pages.visit import PASSKEY_SCRIPT, PASSKEY_SCRIPT_PATH
from idp.store.credentials import list_credentials
from service_kit.composition import public
from standards.errors import TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit

KEYS_PATH: Final = "/keys"
_LABEL_CHARACTERS_MAX: Final = 60


def _show_keys(pages: Pages, visit: Visit, problem: TrustError | None = None) -> Response:
    desk, at = pages.desk, pages.desk.clock.now()
    with desk.database.read() as connection:
        session = living_session(connection, desk, visit.session_hash, at)
        if session is not None and may_change_keys(connection, desk, session, at):
            found = [each for each in list_credentials(connection, desk.vault, session.account_id) if each.kind in KEYS]
            options = passkey_creation(connection, desk, session, at)
            keys = [
                {
                    "credential_id": each.credential_id,
                    "label": each.label,
                    "kind": each.kind.value,
                    "since": f"{each.created_at.astimezone(CHINA):%Y-%m-%d}",
                }
                for each in found
            ]
            challenge = new_certificate_challenge(desk, session, at)
            return visit.page(
                "keys",
                problem=problem,
                keys=keys,
                passkey=options,
                csrf=visit.token(KEYS_PATH),
                challenge=write_challenge(challenge),
                to_sign=text_to_sign(desk.issuer, challenge),
                script=bool(options),
            )
    row = store_sign_in(desk, visit.browser_hash, None, None, None, admit=pages.admit(visit), return_to=KEYS_PATH, asks_two=True)
    return visit.go(f"/sign-in/{row.sign_in_id}")


def add_key_pages(router: APIRouter, pages: Pages) -> None:
    """Add them to the service's router; before those of signing in, whose addresses are wider."""
    desk = pages.desk
    hidden: Any = {"include_in_schema": False}

    async def changed(request: Request, work: Callable[[Visit, dict[str, str]], None]) -> Response:
        visit = pages.visit(request)

        def go(form: dict[str, str]) -> Response:
            try:
                work(visit, form)
            except TrustError as error:
                return _show_keys(pages, visit, error)
            return visit.go(KEYS_PATH)

        try:
            form = await visit.form(KEYS_PATH)
            return await anyio.to_thread.run_sync(go, form)
        except TrustError as error:
            return visit.error(error)

    @router.get(PASSKEY_SCRIPT_PATH, **hidden)
    @public("the one script there is: a browser gives passkeys to nothing else")
    async def read_script() -> Response:
        return Response(PASSKEY_SCRIPT, media_type="text/javascript", headers={"cache-control": "public, max-age=3600"})

    @router.get(KEYS_PATH, **hidden)
    @public("people see their keys; who is not freshly signed in, signs in first", is_step=True)
    async def show_keys(request: Request) -> Response:
        visit = pages.visit(request)
        switched = visit.switched()
        try:
            return switched if switched is not None else await anyio.to_thread.run_sync(_show_keys, pages, visit)
        except TrustError as error:
            return visit.error(error)

    @router.post(f"{KEYS_PATH}/passkey", **hidden)
    @public("a form of the person's own page")
    async def add_passkey(request: Request) -> Response:
        def work(visit: Visit, form: dict[str, str]) -> None:
            label = form.get("label", "").strip()[:_LABEL_CHARACTERS_MAX] or visit.browser_name
            keep_passkey(desk, visit.session_hash, answer=form.get("answer", ""), label=label)

        return await changed(request, work)

    @router.post(f"{KEYS_PATH}/certificate", **hidden)
    @public("a form of the person's own page")
    async def add_certificate(request: Request) -> Response:
        def work(visit: Visit, form: dict[str, str]) -> None:
            keep_certificate(desk, visit.session_hash, challenge=form.get("challenge", ""), answer=form.get("answer", ""))

        return await changed(request, work)

    @router.post(KEYS_PATH + "/{credential_id}/remove", **hidden)
    @public("a form of the person's own page; only keys of the same account")
    async def remove_key(request: Request, credential_id: str) -> Response:
        return await changed(request, lambda visit, _form: drop_key(desk, visit.session_hash, credential_id))
