"""Annotated copies (加注件) for the issuing authority's own systems, and the addresses from which copies are fetched once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from licence_vault import limits
from licence_vault.actions import download_copy, find_copies
from licence_vault.actions.copy_own_licence import copy_own_licence
from licence_vault.actions.find_licences import find_own_licence, load_own_licence
from licence_vault.actions.find_own_copies import list_own_copies, read_own_copy_file
from licence_vault.actions.finish_copy import CopyUse
from licence_vault.actions.finish_issue import MEDIA_TYPES
from licence_vault.actions.make_copy import CopyOrder, make_copy
from licence_vault.api.copy_shapes import (
    AddressAnswer,
    AddressBody,
    CopyAnswer,
    CopyBody,
    CopyList,
    file_headers,
    write_address,
    write_copy,
    write_listed_copy,
)
from licence_vault.api.parameters import LicenceId  # noqa: TC001 - FastAPI reads the annotations at run time
from licence_vault.model import SCOPE_ISSUE, SCOPE_READ
from licence_vault.uses import SCOPE_OWN, SCOPE_USE
from service_kit.composition import caller_of, needs, public
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - as above
from service_kit.problems import CREATED, problem_answers

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.find_copies import CopyView
    from licence_vault.actions.finish_copy import MadeCopy
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord

_TAGS: Final[list[Any]] = ["licence copies"]
TAG: Final = {"name": "licence copies", "description": "Annotated copies of licences: for whom, why, until when."}
CopyId = Annotated[str, Path(pattern=r"^cp_[0-9a-f]{24}$", description="Identifier of the copy.")]
Token = Annotated[
    str,
    Path(
        min_length=limits.DOWNLOAD_TOKEN_CHARACTERS,
        max_length=limits.DOWNLOAD_TOKEN_CHARACTERS,
        description="The last part of the address.",
    ),
]
_FILE: Final[dict[str, Any]] = {"description": "The file.", "content": {media_type: {} for media_type in MEDIA_TYPES.values()}}


def add_copy_routes(router: APIRouter, means: IssuingMeans, desk: UseDesk) -> None:
    """Add them to the service's router."""

    @router.post(
        "/v1/my/licences/{licence_id}/copies",
        status_code=201,
        name="make_my_licence_copy",
        summary="Have an annotated copy made of one's own licence, to hand it in somewhere",
        description="The answer is the file. The same `Idempotency-Key` gives the same copy again.",
        response_class=Response,
        responses={201: CREATED | _FILE, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def create_own_copy(request: Request, licence_id: LicenceId, body: CopyBody, key: IdempotencyKey = None) -> Response:
        order = CopyOrder(licence_id, body.form, body.made_by, body.reason, body.until)
        made = copy_own_licence(means, desk, caller_of(request), order, idempotency_key=key)
        answer = _file(made, status=201)
        answer.headers["location"] = f"/v1/my/licences/{licence_id}/copies/{made.record.id}/file"
        return answer

    @router.get(
        "/v1/my/licences/{licence_id}/copies",
        name="list_my_licence_copies",
        summary="Which copies were made of one's own licence, for whom and why",
        response_model=CopyList,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_own_copies(
        request: Request,
        response: Response,
        licence_id: LicenceId,
        before: Annotated[str | None, Query(max_length=40, description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.COPIES_PER_PAGE)] = limits.PAGE_SIZE,
    ) -> CopyList:
        found = list_own_copies(means, desk, caller_of(request), licence_id, before=before, limit=limit + 1)
        response.headers["cache-control"] = "no-store"
        return _list(found, limit)

    @router.get(
        "/v1/my/licences/{licence_id}/copies/{copy_id}/file",
        name="download_my_licence_copy",
        summary="Download an annotated copy of one's own licence",
        response_class=Response,
        responses={200: _FILE, **problem_answers(401, 403, 404, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_own_file(request: Request, licence_id: LicenceId, copy_id: CopyId) -> Response:
        return _file(read_own_copy_file(means, desk, caller_of(request), licence_id, copy_id))

    @router.post(
        "/v1/licences/{licence_id}/copies",
        status_code=201,
        name="make_licence_copy",
        summary="Make an annotated copy of a licence",
        description="Drawn afresh with who, why and until when over it, sealed, logged and checked; of a licence in force only.",
        response_model=CopyAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def create_copy(request: Request, licence_id: LicenceId, body: CopyBody, response: Response, key: IdempotencyKey = None) -> CopyAnswer:
        caller = caller_of(request)
        find_own_licence(means.context, caller, licence_id)
        order = CopyOrder(licence_id, body.form, body.made_by, body.reason, body.until)
        use = CopyUse(caller.client_id, caller.actor)

        def decide(conn: Connection, licence: LicenceRecord) -> CopyUse:
            load_own_licence(conn, caller, licence.id)
            return use

        made = make_copy(means, order, use, idempotency_key=key, decide=decide)
        response.headers["location"] = f"/v1/licences/{licence_id}/copies/{made.record.id}/file"
        return write_copy(made.record)

    @router.get(
        "/v1/licences/{licence_id}/copies",
        name="list_licence_copies",
        summary="Which copies were made of a licence, for whom and why",
        response_model=CopyList,
        responses=problem_answers(401, 403, 404, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_copies(
        request: Request,
        licence_id: LicenceId,
        before: Annotated[str | None, Query(max_length=40, description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=limits.COPIES_PER_PAGE)] = limits.PAGE_SIZE,
    ) -> CopyList:
        return _list(find_copies.list_copies(means, caller_of(request), licence_id, before=before, limit=limit + 1), limit)

    @router.get(
        "/v1/licences/{licence_id}/copies/{copy_id}/file",
        name="download_licence_copy",
        summary="Download an annotated copy",
        response_class=Response,
        responses={200: _FILE, **problem_answers(401, 403, 404, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_file(request: Request, licence_id: LicenceId, copy_id: CopyId) -> Response:
        return _file(find_copies.read_own_copy(means, caller_of(request), licence_id, copy_id))

    @router.post(
        "/v1/licences/{licence_id}/copies/{copy_id}/addresses",
        status_code=201,
        name="offer_licence_copy",
        summary="An address from which somebody else fetches a copy once",
        description=f"Good for {limits.DOWNLOAD_SECONDS} seconds and one download.",
        response_model=AddressAnswer,
        responses=problem_answers(400, 401, 403, 404, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def create_address(request: Request, licence_id: LicenceId, copy_id: CopyId, body: AddressBody) -> AddressAnswer:
        return write_address(download_copy.offer_own_download(means, caller_of(request), licence_id, copy_id, client=body.client))

    @router.get(
        "/v1/licence-downloads/{token}",
        name="fetch_licence_copy",
        summary="Fetch a copy from an address made for the calling system",
        response_class=Response,
        responses={200: _FILE, **problem_answers(401, 403, 404, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def fetch(request: Request, token: Token) -> Response:
        return _file(download_copy.take_download(means, token, caller_of(request), directory=desk.directory))

    @router.get(
        "/licences/downloads/{token}",
        name="fetch_licence_copy_openly",
        summary="Fetch a copy from an address made for whoever has it",
        response_class=Response,
        responses={200: _FILE, **problem_answers(404, 422, 503)},
        tags=_TAGS,
    )
    @public("the address is 256 random bits, good once and for ten minutes", is_step=True)
    def fetch_openly(token: Token) -> Response:
        return _file(download_copy.take_download(means, token, None))


def _list(found: list[CopyView], limit: int) -> CopyList:
    page = found[:limit]
    return CopyList(copies=[write_listed_copy(each) for each in page], next_before=page[-1].record.id if len(found) > limit else None)


def _file(made: MadeCopy, *, status: int = 200) -> Response:
    return Response(made.content, status_code=status, media_type=MEDIA_TYPES[made.record.form], headers=file_headers(made))
