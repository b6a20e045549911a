"""``/oauth2/register``: systems register themselves and manage what they registered (RFC 7591, RFC 7592)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from idp.actions.register_itself import REGISTER_PATH, change_itself, read_itself, register_itself, withdraw_itself
from idp.tokens.client_metadata import METADATA_BYTES_MAX, refused
from service_kit.composition import public
from service_kit.problems import CREATED, STATUS_WORDS
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.actions.register_itself import SelfRegistration

_HEADERS: Final = {"cache-control": "no-store", "pragma": "no-cache"}
_REDIRECTS: Final = frozenset({"redirect_uris"})
_TOKEN_CHARACTERS_MAX: Final = 256
_STATUS: Final = {Kind.UNAUTHENTICATED: 401, Kind.TOO_LARGE: 413, Kind.TOO_MANY: 429, Kind.UNAVAILABLE: 503}
_EXAMPLE: Final[dict[str, Any]] = {
    "client_name": "Housing portal",
    "redirect_uris": ["https://housing.example.org/callback"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks_uri": "https://housing.example.org/keys",
    "scope": "openid profile",
}


def _token(request: Request) -> str:
    given = request.headers.getlist("authorization")
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token or len(token) > _TOKEN_CHARACTERS_MAX:
        raise TrustError(Kind.UNAUTHENTICATED, "INITIAL_TOKEN_INVALID" if request.method == "POST" else "REGISTRATION_TOKEN_INVALID")
    return token


async def _members(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > METADATA_BYTES_MAX:
            raise TrustError(Kind.TOO_LARGE, "TOKEN_REQUEST_TOO_LARGE", limit_bytes=METADATA_BYTES_MAX)
    try:
        return read_strict_object(bytes(body))
    except StrictJsonError:
        raise refused("body", "a JSON object") from None


def _error(error: TrustError) -> Response:
    """RFC 7591 3.2.2, with our stable code beside it."""
    status = _STATUS.get(error.kind, 400)
    headers = dict(_HEADERS)
    if status == _STATUS[Kind.UNAUTHENTICATED]:
        word, headers["www-authenticate"] = "invalid_token", 'Bearer realm="yinxin", error="invalid_token"'
    else:
        field = error.facts.get("field")
        word = "invalid_redirect_uri" if field in _REDIRECTS else "invalid_client_metadata"
    if status in {429, 503}:
        word, headers["retry-after"] = "temporarily_unavailable", "5"
    facts = {name: error.facts[name] for name in ("field", "expected") if name in error.facts}
    description = f"{facts['field']}: {facts['expected']}" if len(facts) > 1 else word
    return JSONResponse({"error": word, "error_description": description, "code": error.code}, status, headers)


def add_self_registration_routes(router: APIRouter, desk: SelfRegistration) -> None:
    """Add them to the service's router."""

    async def answer(work: Callable[[], dict[str, Any]]) -> Response:
        return JSONResponse(await anyio.to_thread.run_sync(work), 200, _HEADERS)

    @public("by an initial token that the endpoint reads itself")
    async def register(request: Request) -> Response:
        try:
            token = _token(request)
            made = await anyio.to_thread.run_sync(partial(register_itself, desk, token, await _members(request)))
            return JSONResponse(made, 201, _HEADERS | {"location": made["registration_client_uri"]})
        except TrustError as error:
            return _error(error)

    @public("by the token that the client got when it registered", is_step=True)
    async def manage(request: Request, client_id: str) -> Response:
        try:
            token = _token(request)
            if request.method == "GET":
                return await answer(partial(read_itself, desk, client_id, token))
            if request.method == "PUT":
                return await answer(partial(change_itself, desk, client_id, token, await _members(request)))
            await anyio.to_thread.run_sync(partial(withdraw_itself, desk, client_id, token))
            return Response(status_code=204, headers=_HEADERS)
        except TrustError as error:
            return _error(error)

    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}}}}
    shown = {"description": "What is registered.", "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}}}
    errors: dict[int | str, dict[str, Any]] = {
        400: {"description": "invalid_redirect_uri or invalid_client_metadata (RFC 7591 3.2.2)."},
        401: {"description": "The token is unknown, expired, withdrawn or used up."},
        413: {"description": STATUS_WORDS[413]},
        429: {"description": STATUS_WORDS[429]},
    }
    common: Any = {"tags": ["clients"], "response_class": Response}
    router.post(
        REGISTER_PATH,
        name="register_itself",
        summary="Register as a client",
        description="RFC 7591, by an initial token in Authorization: Bearer (`yinxin client initial-token`).",
        status_code=201,
        openapi_extra=body,
        responses={201: CREATED | shown, **errors},
        **common,
    )(register)
    path = REGISTER_PATH + "/{client_id}"
    for method, name, summary in (
        (router.get, "read_itself", "Show what the client registered"),
        (router.put, "change_itself", "Replace what the client registered"),
    ):
        extra = body if name == "change_itself" else None
        method(
            path, name=name, summary=summary, description="RFC 7592 2.", openapi_extra=extra, responses={200: shown, **errors}, **common
        )(manage)
    router.delete(
        path,
        name="withdraw_itself",
        summary="Withdraw the client for good",
        description="RFC 7592 2.3.",
        status_code=204,
        responses=errors,
        tags=["clients"],
        response_class=Response,
    )(manage)
