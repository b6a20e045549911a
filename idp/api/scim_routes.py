"""SCIM 2.0 (RFC 7643, 7644): other systems keep persons and organisations here. Scope directory.read to look, directory.manage to change.

Errors have the form of RFC 7644 3.12, but for those of the gate before every operation (no token, no scope), which are problem documents.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from idp.actions.provision_account import (
    end_provisioned,
    lasting_agents,
    load_provisioned,
    provision_account,
    provisioned_in,
    reprovision_account,
    scim_source,
    standing_members,
)
from idp.api import scim_schemas
from idp.api.scim_bulk import Outcome, run_bulk
from idp.api.scim_cursors import Cursors
from idp.api.scim_documented import documented
from idp.api.scim_search import PAGE_SCIM_MAX, Found, Page, search
from idp.api.scim_shapes import BASE, BODY_SCIM_BYTES_MAX, COLLECTION, SHAPES, TYPE_NAME, patched, resource_of, wanted_of
from idp.model.people import AccountKind
from service_kit.composition import caller_of, needs
from service_kit.problem_catalogue import text_of
from service_kit.problems import STATUS
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc7493_i_json import REPEATED, StrictJsonError, read_strict
from standards.rfc7644_filter import read_filter
from standards.rfc7644_scim import ERROR, LIST_RESPONSE, MEDIA_TYPE, SEARCH_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account
    from standards.rfc7644_scim import BulkOperation

READ: Final = "directory.read"
MANAGE: Final = "directory.manage"
PATCH_ATTEMPTS: Final = 5  # of a patch that names no version: each is applied to what stands by then
_TYPES: Final = {
    "SCIM_FILTER_INVALID": "invalidFilter",
    "SCIM_PATH_INVALID": "invalidPath",
    "SCIM_VALUE_INVALID": "invalidValue",
    "SCIM_SYNTAX_INVALID": "invalidSyntax",
    "SCIM_TARGET_MISSING": "noTarget",
    "SCIM_TOO_MANY": "tooMany",
    "SCIM_CURSOR_INVALID": "invalidCursor",
    "ACCOUNT_FIELD_INVALID": "invalidValue",
    "PASSWORD_UNACCEPTABLE": "invalidValue",
    "IDENTIFIER_TAKEN": "uniqueness",
    "AGENT_EXISTS": "uniqueness",
    "ACCOUNT_PROVEN": "mutability",
}
"""Code -> scimType (RFC 7644 table 9, RFC 9865)."""
_OF_A_CHANGE: Final = (400, 404, 409, 412, 413)
_NUMBER: Final = re.compile(r"-?[0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read. ``body``: the JSON value, None where there is none."""

    client_id: str
    actor: str
    query: dict[str, str]
    if_match: str | None
    if_none_match: str | None
    body: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered. ``resource`` None: nothing but the status."""

    status: int
    resource: dict[str, Any] | None = None
    etag: str = ""
    location: str = ""


def _written(answer: Answer) -> Response:
    headers = {"cache-control": "no-store"}
    headers |= {name: value for name, value in (("etag", answer.etag), ("location", answer.location)) if value}
    content = b"" if answer.resource is None else json.dumps(answer.resource, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, answer.status, headers=headers, media_type=MEDIA_TYPE if content else None)


def _message(error: TrustError, *, is_conditional: bool) -> tuple[int, dict[str, Any]]:
    """Status and message of an error in the form of RFC 7644 3.12."""
    status = 400 if _TYPES.get(error.code) not in {None, "uniqueness"} else STATUS[error.kind]
    if error.code == "ACCOUNT_CHANGED":  # who stated no version comes into no conflict with one
        status = STATUS[Kind.CHANGED if is_conditional else Kind.CONFLICT]
    entry = text_of(error.code)
    detail = entry.cause("en") if entry else error.code
    facts = "; ".join(f"{name}: {value}" for name, value in error.facts.items())
    told: dict[str, Any] = {
        "schemas": [ERROR],
        "status": str(status),
        "detail": f"{error.code}: {detail}" + (f" ({facts})" if facts else ""),
    }
    if error.code in _TYPES:
        told["scimType"] = _TYPES[error.code]
    return status, told


def _told(error: TrustError, *, is_conditional: bool) -> Response:
    response = _written(Answer(*_message(error, is_conditional=is_conditional)))
    if error.kind in {Kind.UNAVAILABLE, Kind.TOO_MANY}:
        response.headers["retry-after"] = str(int(error.facts.get("retry_after_seconds") or 1))
    return response


async def _read_body(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {MEDIA_TYPE, "application/json"}:
        raise MalformedError("SCIM_SYNTAX_INVALID", expected=MEDIA_TYPE)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_SCIM_BYTES_MAX:
            raise TrustError(Kind.TOO_LARGE, "BODY_TOO_LARGE", limit_bytes=BODY_SCIM_BYTES_MAX)
    try:
        return read_strict(body)
    except StrictJsonError as error:
        raise MalformedError("SCIM_SYNTAX_INVALID", expected="no name twice" if error.rule == REPEATED else "JSON") from None


def _once(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    given = dict(pairs)
    if len(given) != len(pairs):
        raise MalformedError("SCIM_VALUE_INVALID", reason="a parameter stands twice in the address")
    return given


async def _answer(request: Request, work: Callable[[Call], Answer], *, with_body: bool = False) -> Response:
    caller, headers, if_match = caller_of(request), request.headers, request.headers.get("if-match")
    try:
        body = await _read_body(request) if with_body else None
        call = Call(caller.client_id, caller.actor, _once(request), if_match, headers.get("if-none-match"), body)
        return _written(await anyio.to_thread.run_sync(work, call))
    except TrustError as error:
        return _told(error, is_conditional=if_match is not None)


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not _NUMBER.fullmatch(text):
        raise MalformedError("SCIM_VALUE_INVALID", reason=f"{name} is a number")
    return int(text)


def page_of(query: dict[str, str]) -> Page:
    """The page that a query asks for, within bounds; its cursor as it was sent. SCIM_VALUE_INVALID."""
    count = max(0, min(PAGE_SCIM_MAX, _number(query, "count", PAGE_SCIM_MAX)))
    if "cursor" in query:
        return Page(count, after=query["cursor"])
    return Page(count, max(1, _number(query, "startIndex", 1)))


def narrowed(resource: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    """Only the attributes asked for (RFC 7644 3.4.2.5); whole attributes, without their parts."""

    def names(text: str) -> set[str]:
        read = set()
        for each in text.lower().split(","):
            urn, _, last = each.strip().rpartition(":")
            read |= {last.partition(".")[0], urn, each.strip()}
        return read

    always = {"schemas", "id", "meta"}
    if query.get("attributes"):
        wanted = names(query["attributes"]) | always
        return {name: value for name, value in resource.items() if name.lower() in wanted}
    if query.get("excludedAttributes"):
        unwanted = names(query["excludedAttributes"]) - always
        return {name: value for name, value in resource.items() if name.lower() not in unwanted}
    return resource


def add_scim_routes(router: APIRouter, desk: PeopleDesk) -> None:
    """Add them to the service's router."""
    for name, document in scim_schemas.discovery(desk.issuer).items():
        _add_document(router, f"{BASE}/{name}", document)
    works = {kind: _add_collection(router, desk, kind) for kind in AccountKind}

    def many(call: Call) -> Answer:
        """Each operation as if it had come alone, by the same function."""

        def work(kind: AccountKind, account_id: str, operation: BulkOperation) -> Outcome:
            single = replace(call, query={}, if_match=operation.version, if_none_match=None, body=operation.data)
            try:
                answer = works[kind](operation.method, account_id, single)
            except TrustError as error:
                return refused(error, is_conditional=operation.version is not None)
            made = answer.resource["id"] if answer.resource else account_id
            return Outcome(answer.status, answer.etag, made)

        def refused(error: TrustError, *, is_conditional: bool = False) -> Outcome:
            status, message = _message(error, is_conditional=is_conditional)
            return Outcome(status, error=message)

        return Answer(200, run_bulk(call.body, work, refused, desk.issuer))

    @router.post(
        BASE + "/Bulk", **documented("Do many operations, each for itself", "scim_bulk", scim_schemas.BULK_EXAMPLE, refusals=(400, 413))
    )
    @needs(MANAGE)
    async def bulk(request: Request) -> Response:
        return await _answer(request, many, with_body=True)

    @router.get(BASE + "/{rest:path}", include_in_schema=False)
    @needs(READ)
    async def read_nothing(request: Request, rest: str) -> Response:
        del request, rest
        return _told(TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN"), is_conditional=False)


def _add_document(router: APIRouter, path: str, document: dict[str, Any]) -> None:
    @router.get(path, **documented("What this SCIM service can do", "scim_" + path.removeprefix(BASE).strip("/").replace("/", "_")))
    @needs(READ)
    async def read_document(request: Request) -> Response:
        del request
        return _written(Answer(200, document))


def _add_collection(router: APIRouter, desk: PeopleDesk, kind: AccountKind) -> Callable[[str, str, Call], Answer]:
    """Add the routes of a kind; returns what does one operation that changes (method, id, call), for bulk."""
    path, word, example = f"{BASE}/{COLLECTION[kind]}", TYPE_NAME[kind], scim_schemas.RESOURCE_EXAMPLES[kind]
    shape = SHAPES[kind]

    def read(connection: Connection, account: Account, call: Call) -> dict[str, Any]:
        return resource_of(account, lasting_agents(connection, desk, account), call.client_id, desk.issuer)

    def shown(account: Account, call: Call) -> dict[str, Any]:
        with desk.database.read() as connection:
            return read(connection, account, call)

    def whole(account: Account, call: Call, status: int = 200) -> Answer:
        resource = shown(account, call)
        etag, location = resource["meta"]["version"], resource["meta"]["location"] if status == 201 else ""
        return Answer(status, narrowed(resource, call.query), etag, location)

    def checked(present: dict[str, Any], call: Call) -> None:
        """ACCOUNT_CHANGED where If-Match demands another version than the present one."""
        if call.if_match is None or call.if_match.strip() == "*":
            return
        if present["meta"]["version"] not in [each.strip() for each in call.if_match.split(",")]:
            raise TrustError(Kind.CONFLICT, "ACCOUNT_CHANGED")

    def listed(call: Call) -> Answer:
        wanted = read_filter(call.query["filter"], shape) if call.query.get("filter") else None
        cursors = Cursors(desk.vault.sealer, kind, call.client_id, call.query.get("filter", ""))
        page = page_of(call.query)
        if page.after is not None:
            page = replace(page, after=cursors.read(page.after))
        with desk.database.read() as connection:
            found: Found = search(connection, desk, kind, wanted, page, call.client_id, desk.issuer)
        answer: dict[str, Any] = {
            "schemas": [LIST_RESPONSE],
            "totalResults": found.total,
            "itemsPerPage": len(found.resources),
            "Resources": [narrowed(each, call.query) for each in found.resources],
        }
        if page.after is None:
            answer["startIndex"] = page.start
        elif found.next_id is not None:
            answer["nextCursor"] = cursors.write(found.next_id)
        return Answer(200, answer)

    def searched(call: Call) -> Answer:
        """As ``listed``, with the parameters in a SearchRequest (RFC 7644 3.4.3), so that filters stay out of logs."""
        body = call.body
        schemas = body.get("schemas") if isinstance(body, dict) else None
        if not isinstance(schemas, list) or SEARCH_REQUEST not in schemas:
            raise MalformedError("SCIM_SYNTAX_INVALID", expected=SEARCH_REQUEST)
        query = {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in body.items() if value is not None
        }
        return listed(replace(call, query=query))

    def created(call: Call) -> Answer:
        wanted = wanted_of(call.body, kind, call.client_id)
        return whole(provision_account(desk, wanted, actor=call.actor), call, 201)

    def read_one(account_id: str, call: Call) -> Answer:
        answer = whole(load_provisioned(desk, account_id, kind), call)
        is_known = answer.etag in [each.strip() for each in (call.if_none_match or "").split(",")]
        return Answer(304, None, answer.etag) if is_known else answer

    def changed(account_id: str, is_patch: bool, call: Call) -> Answer:  # noqa: FBT001 - bound by partial below
        is_bound = call.if_match is not None and call.if_match.strip() != "*"
        for _ in range(PATCH_ATTEMPTS - 1):
            try:
                return change_once(account_id, is_patch, call, is_bound=is_bound)
            except TrustError as error:
                if error.code != "ACCOUNT_CHANGED" or is_bound or not is_patch:
                    raise
        return change_once(account_id, is_patch, call, is_bound=is_bound)

    def change_once(account_id: str, is_patch: bool, call: Call, *, is_bound: bool) -> Answer:  # noqa: FBT001 - as above
        # 1. One state of the database: a patch says what changes, so that the rest of what is written is what stands here
        with desk.database.read() as connection:
            account = provisioned_in(connection, desk, account_id, kind)
            present = read(connection, account, call)
            standing = standing_members(connection, desk, account)
        checked(present, call)
        body = call.body
        if is_patch:
            body = patched(present, call.body, account)
        wanted = wanted_of(body, kind, call.client_id, account)
        # 2. Written only if that still stands: what somebody took away meanwhile does not come back with it
        seen = (account.version, standing) if is_patch or is_bound else (None, None)
        made = reprovision_account(desk, account_id, wanted, actor=call.actor, expected_version=seen[0], expected_members=seen[1])
        return whole(made, call)

    def ended(account_id: str, call: Call) -> Answer:
        account = load_provisioned(desk, account_id, kind)
        checked(shown(account, call), call)
        expected = None if call.if_match is None or call.if_match.strip() == "*" else account.version
        end_provisioned(desk, account_id, kind, scim_source(call.client_id), actor=call.actor, expected_version=expected)
        return Answer(204)

    @router.get(path, **documented(f"List or find {word}s", f"scim_list_{word}s", refusals=(400,)))
    @needs(READ)
    async def list_resources(request: Request) -> Response:
        return await _answer(request, listed)

    @router.post(path + "/.search", **documented(f"Find {word}s", f"scim_search_{word}s", scim_schemas.SEARCH_EXAMPLE, refusals=(400, 413)))
    @needs(READ)
    async def search_resources(request: Request) -> Response:
        return await _answer(request, searched, with_body=True)

    @router.post(path, **documented(f"Create a {word}", f"scim_create_{word}", example, refusals=(400, 409, 413), status=201))
    @needs(MANAGE)
    async def create(request: Request) -> Response:
        return await _answer(request, created, with_body=True)

    @router.get(path + "/{account_id}", **documented(f"Show a {word}", f"scim_show_{word}", refusals=(304, 400, 404)))
    @needs(READ)
    async def read_resource(request: Request, account_id: str) -> Response:
        return await _answer(request, partial(read_one, account_id))

    @router.put(path + "/{account_id}", **documented(f"Replace a {word}", f"scim_replace_{word}", example, refusals=_OF_A_CHANGE))
    @needs(MANAGE)
    async def put(request: Request, account_id: str) -> Response:
        return await _answer(request, partial(changed, account_id, False), with_body=True)

    @router.patch(
        path + "/{account_id}", **documented(f"Change a {word}", f"scim_change_{word}", scim_schemas.PATCH_EXAMPLE, refusals=_OF_A_CHANGE)
    )
    @needs(MANAGE)
    async def patch(request: Request, account_id: str) -> Response:
        return await _answer(request, partial(changed, account_id, True), with_body=True)

    @router.delete(path + "/{account_id}", **documented(f"Close a {word}", f"scim_delete_{word}", refusals=(404, 409, 412), status=204))
    @needs(MANAGE)
    async def delete(request: Request, account_id: str) -> Response:
        return await _answer(request, partial(ended, account_id))

    def changing(method: str, account_id: str, call: Call) -> Answer:
        if method == "POST":
            return created(call)
        return ended(account_id, call) if method == "DELETE" else changed(account_id, method == "PATCH", call)

    return changing
