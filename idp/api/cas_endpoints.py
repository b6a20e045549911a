"""Where services validate their tickets and go on to others (CAS 3.0.3 2.4 to 2.9, 4.2): by tickets alone, as the protocol has it, without credentials."""

from __future__ import annotations

import math
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response

from crypto.sm3 import sm3
from idp.actions.grant_proxy import ProxyAnswer, grant_proxy, issue_proxy_ticket
from idp.actions.issue_ticket import Validation, validate_ticket
from idp.errors import rate_exceeded
from service_kit.composition import public
from service_kit.rates import Rates
from standards import apereo_cas as cas
from standards import saml11_validation as saml

if TYPE_CHECKING:
    from idp.actions.people_desk import PeopleDesk
    from service_kit.outbound import Outbound

VALIDATE: Final = "/cas/validate"
SERVICE_VALIDATE: Final = "/cas/serviceValidate"
P3_SERVICE_VALIDATE: Final = "/cas/p3/serviceValidate"
PROXY_VALIDATE: Final = "/cas/proxyValidate"
P3_PROXY_VALIDATE: Final = "/cas/p3/proxyValidate"
PROXY: Final = "/cas/proxy"
SAML_VALIDATE: Final = "/cas/samlValidate"
CALLBACKS_MAX: Final = 8  # of one client, called at once by one process
ALL_CALLBACKS_MAX: Final = 64  # of all clients: each is a thread for three seconds at most
PROXY_TICKETS_PER_SECOND: Final = 10.0  # of one granting ticket: a system that goes on to another for each page of one person
PROXY_TICKETS_BURST: Final = 100.0
_BY_TICKET: Final = "services validate by the ticket itself, which only they have been sent"
_NO_STORE: Final = {"cache-control": "no-store"}
_DESCRIPTIONS: Final = {
    cas.INVALID_REQUEST: "service and ticket are required, each once",
    cas.INVALID_TICKET: "the ticket is unknown, used, expired, or not of a new sign-in where that was asked for",
    cas.INVALID_TICKET_SPEC: "a proxy ticket is validated at proxyValidate",
    cas.INVALID_SERVICE: "the ticket was issued for another service",
    cas.INVALID_PROXY_CALLBACK: "pgtUrl is not registered for this client, or did not answer with 200",
    cas.UNAUTHORIZED_SERVICE_PROXY: "this client gets no proxy-granting tickets, or its ticket came through too many proxies",
}
_SAML_DESCRIPTIONS: Final = {
    **_DESCRIPTIONS,
    cas.INVALID_REQUEST: f"TARGET, and a SAML 1.1 request with one AssertionArtifact in at most {saml.REQUEST_BYTES_MAX} bytes, are required",
    cas.UNAUTHORIZED_SERVICE_PROXY: "no proxy-granting ticket comes of a validation by SAML",
}
_PROXY_DESCRIPTIONS: Final = {
    cas.INVALID_REQUEST: "pgt and targetService are required, each once",
    cas.INVALID_TICKET: "the proxy-granting ticket is unknown, or what it rests on has ended",
    cas.UNAUTHORIZED_SERVICE: "the target is not registered, does not accept this proxy, or the person has not agreed to what it is told",
}
_CALLBACK: Final[dict[str, Any]] = {
    "name": "pgtUrl",
    "in": "query",
    "schema": {"type": "string"},
    "description": "Where a proxy-granting ticket is wanted: a callback registered for the client.",
}
_FORMS: Final[dict[str, Any]] = {"name": "format", "in": "query", "schema": {"type": "string", "enum": ["XML", "JSON"]}}


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
    return given, ""


def _is_json(given: dict[str, str]) -> bool:
    return given.get("format", "").upper() == "JSON"


def _answer(body: bytes, *, is_json: bool) -> Response:
    return Response(body, headers={**_NO_STORE, "content-type": "application/json" if is_json else "application/xml; charset=utf-8"})


class CasDoor:
    """Validation and proxies, for one process. ``outbound``: how callbacks are called, in places of their own and of each client no more than
    CALLBACKS_MAX at once: one that does not answer holds up neither a validation without a callback nor the callbacks of others.
    """

    def __init__(self, desk: PeopleDesk, outbound: Outbound) -> None:
        self.desk = desk
        self._outbound = outbound
        self._callbacks = anyio.CapacityLimiter(ALL_CALLBACKS_MAX)
        self._callbacks_of: dict[str, anyio.CapacityLimiter] = {}  # by client, of those with registered callbacks alone
        self._proxies = Rates(per_second=PROXY_TICKETS_PER_SECOND, burst=PROXY_TICKETS_BURST)

    async def validate(
        self, ticket: str, service: str, given: dict[str, str], failure: str, *, takes_proxied: bool = False, callback: str | None = None
    ) -> Validation:
        """What a ticket is good for; see ``validate_ticket`` and ``grant_proxy``. Without a ticket: the failure, and nothing is spent."""
        if not ticket:
            return Validation(failure or cas.INVALID_REQUEST)
        is_fresh = given.get("renew", "false").lower() != "false"
        work = partial(validate_ticket, self.desk, ticket, service, must_be_fresh=is_fresh, failure=failure)
        found = await anyio.to_thread.run_sync(partial(work, takes_proxied=takes_proxied, callback=callback))
        if found.ticket is None or callback is None:
            return found
        async with self._callbacks_of.setdefault(found.ticket.client_id, anyio.CapacityLimiter(CALLBACKS_MAX)):
            return await anyio.to_thread.run_sync(grant_proxy, self.desk, self._outbound, ticket, callback, found, limiter=self._callbacks)

    async def proxy(self, granting_ticket: str, target: str) -> ProxyAnswer:
        """A proxy ticket; see ``issue_proxy_ticket``. RATE_EXCEEDED for a granting ticket that asks too often."""
        wait_seconds = self._proxies.take(sm3(granting_ticket.encode("utf-8", "replace")).hex(), time.monotonic())
        if wait_seconds:
            raise rate_exceeded(math.ceil(wait_seconds))
        return await anyio.to_thread.run_sync(issue_proxy_ticket, self.desk, granting_ticket, target)


def add_cas_endpoints(router: APIRouter, desk: PeopleDesk, outbound: Outbound) -> None:
    """Add them to the service's router. ``outbound``: for callbacks, with a short time limit of its own."""
    tags: list[Any] = ["cas"]
    door = CasDoor(desk, outbound)
    parameters: list[dict[str, Any]] = [
        {"name": "service", "in": "query", "required": True, "schema": {"type": "string"}, "example": "https://office.example.org/app/"},
        {"name": "ticket", "in": "query", "required": True, "schema": {"type": "string"}, "example": "ST-" + "x" * 43},
        {"name": "renew", "in": "query", "schema": {"type": "string"}, "description": "Only a ticket of a new sign-in is good."},
    ]

    @router.get(
        VALIDATE,
        summary="Validate a service ticket (CAS 1.0)",
        tags=tags,
        response_class=Response,
        openapi_extra={"parameters": parameters},
        responses={200: {"description": "yes or no, and the user", "content": {"text/plain": {"example": "yes\npe_1\n"}}}},
    )
    @public(_BY_TICKET, is_step=True)
    async def validate(request: Request) -> Response:
        given, failure = _read(request)
        if not failure and "pgtUrl" in given:  # CAS 1.0 knows no proxies, and an answer without one would not be what was asked for
            failure = cas.UNAUTHORIZED_SERVICE_PROXY
        found = await door.validate(given.get("ticket", ""), given.get("service", ""), given, failure)
        user = None if found.ticket is None else found.ticket.user
        return Response(cas.write_validation(user), media_type="text/plain", headers=_NO_STORE)

    asked = [*parameters, _CALLBACK, _FORMS]
    for path, version in (
        (SERVICE_VALIDATE, "CAS 2.0, without attributes"),
        (P3_SERVICE_VALIDATE, "CAS 3.0, with attributes"),
        (PROXY_VALIDATE, "CAS 2.0, proxy tickets too"),
        (P3_PROXY_VALIDATE, "CAS 3.0, proxy tickets too"),
    ):
        _add_service_validate(router, door, path, version, asked)
    _add_proxy(router, door)
    _add_saml_validate(router, door)


def _add_service_validate(router: APIRouter, door: CasDoor, path: str, version: str, parameters: list[dict[str, Any]]) -> None:
    tags: list[Any] = ["cas"]
    example = {"serviceResponse": {"authenticationSuccess": {"user": "pe_1"}}}
    content = {"application/xml": {"example": cas.write_success("pe_1", None).decode()}, "application/json": {"example": example}}

    @router.get(
        path,
        summary=f"Validate a ticket ({version})",
        tags=tags,
        response_class=Response,
        openapi_extra={"parameters": parameters},
        responses={200: {"description": "A serviceResponse: success or failure.", "content": content}},
    )
    @public(_BY_TICKET, is_step=True)
    async def service_validate(request: Request) -> Response:
        given, failure = _read(request)
        takes_proxied, callback = path in {PROXY_VALIDATE, P3_PROXY_VALIDATE}, given.get("pgtUrl")
        ticket, service = given.get("ticket", ""), given.get("service", "")
        found = await door.validate(ticket, service, given, failure, takes_proxied=takes_proxied, callback=callback)
        is_json = _is_json(given)
        if found.ticket is None:
            write = cas.write_failure_json if is_json else cas.write_failure
            return _answer(write(found.failure, _DESCRIPTIONS[found.failure]), is_json=is_json)
        attributes = attributes_of(found) if path in {P3_SERVICE_VALIDATE, P3_PROXY_VALIDATE} else None
        tell = cas.write_success_json if is_json else cas.write_success
        proxies = [each.callback for each in found.ticket.proxies]
        return _answer(tell(found.ticket.user, attributes, iou=found.iou, proxies=proxies), is_json=is_json)


def _add_proxy(router: APIRouter, door: CasDoor) -> None:
    tags: list[Any] = ["cas"]
    parameters = [
        {"name": "pgt", "in": "query", "required": True, "schema": {"type": "string"}, "example": "PGT-" + "x" * 43},
        {
            "name": "targetService",
            "in": "query",
            "required": True,
            "schema": {"type": "string"},
            "example": "https://records.example.org/api/",
        },
        _FORMS,
    ]
    example = {"serviceResponse": {"proxySuccess": {"proxyTicket": "PT-" + "x" * 43}}}
    content = {
        "application/xml": {"example": cas.write_proxy_success("PT-" + "x" * 43).decode()},
        "application/json": {"example": example},
    }

    @router.get(
        PROXY,
        summary="Get a proxy ticket for another service (CAS 2.0)",
        tags=tags,
        response_class=Response,
        openapi_extra={"parameters": parameters},
        responses={200: {"description": "A serviceResponse: success or failure.", "content": content}},
    )
    @public("a proxy asks by its granting ticket, which only its registered callback has been sent", is_step=True)
    async def proxy(request: Request) -> Response:
        pairs = request.query_params.multi_items()
        given = dict(pairs)
        granting_ticket, target = given.get("pgt", ""), given.get("targetService", "")
        if len(given) != len(pairs) or not granting_ticket or not target:
            got = ProxyAnswer(cas.INVALID_REQUEST)
        else:
            got = await door.proxy(granting_ticket, target)
        is_json = _is_json(given)
        if got.failure:
            write = cas.write_proxy_failure_json if is_json else cas.write_proxy_failure
            return _answer(write(got.failure, _PROXY_DESCRIPTIONS[got.failure]), is_json=is_json)
        tell = cas.write_proxy_success_json if is_json else cas.write_proxy_success
        return _answer(tell(got.ticket), is_json=is_json)


def _add_saml_validate(router: APIRouter, door: CasDoor) -> None:
    tags: list[Any] = ["cas"]
    parameters = [
        {"name": "TARGET", "in": "query", "required": True, "schema": {"type": "string"}, "example": "https://office.example.org/app/"}
    ]
    body = {"required": True, "content": {"text/xml": {"schema": {"type": "string"}, "example": saml.EXAMPLE}}}

    @router.post(
        SAML_VALIDATE,
        summary="Validate a service ticket (SAML 1.1)",
        tags=tags,
        response_class=Response,
        openapi_extra={"parameters": parameters, "requestBody": body},
        responses={
            200: {"description": "A SAML 1.1 response: success or failure.", "content": {"text/xml": {"schema": {"type": "string"}}}}
        },
    )
    @public(_BY_TICKET, is_step=True)
    async def saml_validate(request: Request) -> Response:
        pairs = request.query_params.multi_items()
        given = dict(pairs)
        service = given.get("TARGET", "")
        failure = "" if len(given) == len(pairs) and service else cas.INVALID_REQUEST
        if not failure and "pgtUrl" in given:  # as by CAS 1.0
            failure = cas.UNAUTHORIZED_SERVICE_PROXY
        wanted = saml.read_validation_request(await _body(request))
        found = await door.validate("" if wanted is None else wanted.ticket, service, given, failure)
        request_id = "" if wanted is None else wanted.request_id
        response_id, at, issued = "_" + secrets.token_hex(16), door.desk.clock.now(), found.ticket
        if issued is None:
            written = saml.write_failure(response_id, request_id, service, _SAML_DESCRIPTIONS[found.failure], at)
        else:
            told = saml.Statement(door.desk.issuer, issued.service, issued.user, attributes_of(found), issued.auth_at)
            written = saml.write_success(response_id, request_id, told, at)
        return Response(written, headers={**_NO_STORE, "content-type": "text/xml; charset=utf-8"})


async def _body(request: Request) -> bytes:
    """The body, no more of it than one part beyond the limit of the reader, to which it is then too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > saml.REQUEST_BYTES_MAX:
            break
    return bytes(body)
