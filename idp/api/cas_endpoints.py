"""Where services validate their tickets (CAS 3.0.3 2.4 to 2.8): by the ticket alone, as the protocol has it, without credentials."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from idp.actions.issue_ticket import Validation, validate_ticket
from service_kit.composition import public
from standards import apereo_cas as cas

if TYPE_CHECKING:
    from idp.actions.people_desk import PeopleDesk

VALIDATE: Final = "/cas/validate"
SERVICE_VALIDATE: Final = "/cas/serviceValidate"
P3_SERVICE_VALIDATE: Final = "/cas/p3/serviceValidate"
PROXY_VALIDATE: Final = "/cas/proxyValidate"
P3_PROXY_VALIDATE: Final = "/cas/p3/proxyValidate"
_NO_STORE: Final = {"cache-control": "no-store"}
_DESCRIPTIONS: Final = {
    cas.INVALID_REQUEST: "service and ticket are required, each once",
    cas.INVALID_TICKET: "the ticket is unknown, used, expired, or not of a new sign-in where that was asked for",
    cas.INVALID_SERVICE: "the ticket was issued for another service",
    cas.UNAUTHORIZED_SERVICE_PROXY: "no proxy tickets are issued here",
}


def attributes_of(validation: Validation) -> dict[str, cas.Value]:
    """What a service is told beside the user: how the person signed in, and the claims it has registered for, as texts."""
    issued, claims = validation.ticket, validation.claims or {}
    if issued is None:
        return {}
    told: dict[str, cas.Value] = {
        "authenticationDate": f"{issued.auth_at:%Y-%m-%dT%H:%M:%SZ}",
        "isFromNewLogin": issued.is_fresh,
        "longTermAuthenticationRequestTokenUsed": False,
        "acr": issued.acr,
    }
    if issued.acting_for is not None:
        told["actor"] = issued.account_id
    for name, value in claims.items():
        told[name] = value["formatted"] if isinstance(value, dict) else value
    return told


def _read(request: Request) -> tuple[dict[str, str], str]:
    """The parameters and, where they are not acceptable, why."""
    pairs = request.query_params.multi_items()
    given = dict(pairs)
    if len(given) != len(pairs) or not given.get("service") or not given.get("ticket"):
        return given, cas.INVALID_REQUEST
    if "pgtUrl" in given:
        return given, cas.UNAUTHORIZED_SERVICE_PROXY
    return given, ""


async def _validate(desk: PeopleDesk, request: Request) -> tuple[dict[str, str], Validation]:
    given, failure = _read(request)
    ticket, service = given.get("ticket", ""), given.get("service", "")
    if not ticket:
        return given, Validation(failure)
    is_fresh = given.get("renew", "false").lower() != "false"
    work = partial(validate_ticket, desk, ticket, service, must_be_fresh=is_fresh, failure=failure)
    return given, await anyio.to_thread.run_sync(work)


def add_cas_endpoints(router: APIRouter, desk: PeopleDesk) -> None:
    """Add them to the service's router."""
    tags: Any = ["cas"]
    parameters: list[dict[str, Any]] = [
        {"name": "service", "in": "query", "required": True, "schema": {"type": "string"}, "example": "https://office.example.org/app/"},
        {"name": "ticket", "in": "query", "required": True, "schema": {"type": "string"}, "example": "ST-" + "x" * 43},
        {"name": "renew", "in": "query", "schema": {"type": "string"}, "description": "Only a ticket of a new sign-in is good."},
    ]
    forms = {"name": "format", "in": "query", "schema": {"type": "string", "enum": ["XML", "JSON"]}}

    @router.get(
        VALIDATE,
        summary="Validate a service ticket (CAS 1.0)",
        tags=tags,
        response_class=Response,
        openapi_extra={"parameters": parameters},
        responses={200: {"description": "yes or no, and the user", "content": {"text/plain": {"example": "yes\npe_1\n"}}}},
    )
    @public("services validate by the ticket itself, which only they have been sent")
    async def validate(request: Request) -> Response:
        _, found = await _validate(desk, request)
        user = None if found.ticket is None else found.ticket.user
        return Response(cas.write_validation(user), media_type="text/plain", headers=_NO_STORE)

    for path, version in (
        (SERVICE_VALIDATE, "CAS 2.0, without attributes"),
        (P3_SERVICE_VALIDATE, "CAS 3.0, with attributes"),
        # 2.6, 2.8: what serviceValidate takes, and proxy tickets, of which there are none here; clients that accept both ask only there
        (PROXY_VALIDATE, "CAS 2.0, by clients that would take proxy tickets too"),
        (P3_PROXY_VALIDATE, "CAS 3.0, by clients that would take proxy tickets too"),
    ):
        _add_service_validate(router, desk, path, version, [*parameters, forms])


def _add_service_validate(router: APIRouter, desk: PeopleDesk, path: str, version: str, parameters: list[dict[str, Any]]) -> None:
    tags: Any = ["cas"]
    example = {"serviceResponse": {"authenticationSuccess": {"user": "pe_1"}}}
    content = {"application/xml": {"example": cas.write_success("pe_1", None).decode()}, "application/json": {"example": example}}

    @router.get(
        path,
        summary=f"Validate a service ticket ({version})",
        tags=tags,
        response_class=Response,
        openapi_extra={"parameters": parameters},
        responses={200: {"description": "A serviceResponse: success or failure.", "content": content}},
    )
    @public("services validate by the ticket itself, which only they have been sent")
    async def service_validate(request: Request) -> Response:
        given, found = await _validate(desk, request)
        attributes = attributes_of(found) if path in {P3_SERVICE_VALIDATE, P3_PROXY_VALIDATE} else None
        is_json = given.get("format", "").upper() == "JSON"
        if found.ticket is None:
            write = cas.write_failure_json if is_json else cas.write_failure
            body = write(found.failure, _DESCRIPTIONS[found.failure])
        else:
            tell = cas.write_success_json if is_json else cas.write_success
            body = tell(found.ticket.user, attributes)
        kind = "application/json" if is_json else "application/xml; charset=utf-8"
        return Response(body, headers={**_NO_STORE, "content-type": kind})
