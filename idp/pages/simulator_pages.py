"""The simulated upstream of a demonstration, served by the deployment itself. Outside of demonstrations these addresses do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations
from starlette.responses import JSONResponse

from idp.actions.spend_simulated_code import spend_simulated_code
from idp.connectors.simulator import MISBEHAVIOURS, NAME, PATH, PERSONS, SLOW_SECONDS
from idp.tokens.request import read_form
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from idp.connectors.simulator import Simulator
    from idp.pages.sign_in_pages import Pages

_ASKED: Final = ("client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method")
_PLACE: Final = f"{PATH}/authorize"
_BODY_BYTES_MAX: Final = 16 * 1024


def add_simulator_pages(router: APIRouter, pages: Pages, simulator: Simulator) -> None:
    """Add them to the service's router."""
    desk = pages.desk
    hidden: Any = {"include_in_schema": False}

    def refused(reason: str) -> TrustError:
        return TrustError(Kind.UNACCEPTABLE, "SIMULATOR_REFUSED", reason=reason)

    @router.get(_PLACE, **hidden)
    @public("a demonstration's simulated upstream: who to be there", is_step=True)
    async def choose(request: Request) -> Response:
        visit = pages.visit(request)
        asked = {name: request.query_params.get(name, "") for name in _ASKED}
        if not simulator.is_known_request(asked):
            return visit.error(refused("request"))
        persons = [{"subject": subject, "name": each["name"], "level": each["level"]} for subject, each in PERSONS.items()]
        return visit.page("simulator", at=_PLACE, asked=asked, persons=persons, wrongs=MISBEHAVIOURS, csrf=visit.token(_PLACE))

    @router.post(_PLACE, **hidden)
    @public("a demonstration's simulated upstream: a form of its page")
    async def chosen(request: Request) -> Response:
        visit = pages.visit(request)
        try:
            form = await visit.form(_PLACE)
            wrong, subject = form.get("misbehaviour", ""), form.get("subject", "")
            if not simulator.is_known_request(form) or subject not in PERSONS or wrong not in MISBEHAVIOURS:
                raise refused("request")
            code = simulator.write_code(form, subject, wrong, desk.clock.now())
            if wrong == "code-twice":
                await anyio.to_thread.run_sync(spend_simulated_code, desk, code)
        except TrustError as error:
            return visit.error(error)
        answer = {"code": code, "state": form.get("state", ""), "iss": simulator.issuer}
        if wrong == "state":  # the answer to somebody else's question
            answer["state"] = answer["state"][::-1]
        if wrong == "other-issuer":  # RFC 9207: another provider's answer
            answer["iss"] += "/other"
        return visit.go(f"{simulator.callback_url}?{urlencode(answer)}")

    @router.post(f"{PATH}/token", **hidden)
    @public("a demonstration's simulated upstream: it asks for its client's secret itself")
    async def redeem(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _BODY_BYTES_MAX:
                raise refused("request")
        form = read_form(body)
        code, at = form.get("code", ""), desk.clock.now()
        try:
            kept = simulator.read_code(code, form.get("code_verifier", ""), request.headers.get("authorization", ""), at)
        except TrustError as error:
            return JSONResponse({"error": "invalid_grant", "error_description": str(error.facts["reason"])}, 400)
        if kept["misbehaviour"] == "broken":
            return JSONResponse({"error": "server_error"}, 503)
        if kept["misbehaviour"] == "slow":
            await anyio.sleep(SLOW_SECONDS)
        if not await anyio.to_thread.run_sync(spend_simulated_code, desk, code):
            return JSONResponse({"error": "invalid_grant", "error_description": "code"}, 400)
        return JSONResponse(simulator.tokens(kept, at), headers={"cache-control": "no-store"})

    @router.get(f"{PATH}/userinfo", **hidden)
    @public("a demonstration's simulated upstream: it reads its access token itself", is_step=True)
    async def tell(request: Request) -> Response:
        return JSONResponse(simulator.userinfo(request.headers.get("authorization", "")), headers={"cache-control": "no-store"})

    @router.get(f"{PATH}/jwks", **hidden)
    @public("a demonstration's simulated upstream: its key")
    async def show_key() -> Response:
        return JSONResponse(simulator.key_set())

    @router.get(f"{PATH}/.well-known/openid-configuration", **hidden)
    @public("a demonstration's simulated upstream: its metadata")
    async def show_metadata() -> Response:
        return JSONResponse(simulator.discovery())

    @router.get(f"{PATH}/logout", **hidden)
    @public("a demonstration's simulated upstream: it remembers nobody, and sends people back", is_step=True)
    async def leave(request: Request) -> Response:
        state = request.query_params.get("state", "")
        return pages.visit(request).go(f"/sign-in/upstream/{NAME}/logged-out?{urlencode({'state': state})}")
