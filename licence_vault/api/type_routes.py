"""Licence types: writing, reviewing, exporting and importing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Request, Response

from licence_vault import limits
from licence_vault.actions import define_type, find_types
from licence_vault.api.parameters import TypeCode, TypeNumber, etag_of
from licence_vault.api.type_shapes import Reason, StarterTypes, TypeAnswer, TypeList, TypeSummary, TypeWhole, summarise_type, write_type
from licence_vault.model import SCOPE_DEFINE, SCOPE_READ, SCOPE_REVIEW, TYPE_LIFE, TypeState
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IfMatch, need_version
from service_kit.problems import CREATED, problem_answers

if TYPE_CHECKING:
    from licence_vault.model import TypeStep
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["licence types"]
_SUBMIT: Final = "submit"  # the author's own step; every other is the reviewer's


def add_type_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    @router.get(
        "/v1/licence-types",
        name="list_licence_types",
        summary="List licence types",
        response_model=TypeList,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_types(
        request: Request,
        state: TypeState | None = None,
        after: Annotated[str, Query(pattern=r"^([0-9A-Z]{21}-[0-9]{1,6})?$", description="The `next_after` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=limits.TYPES_PER_PAGE)] = limits.PAGE_SIZE,
    ) -> TypeList:
        code, _, number = after.partition("-")
        found = find_types.list_types(context, caller_of(request), state=state, after=(code, int(number or 0)), limit=limit + 1)
        page = found[:limit]
        is_more = len(found) > limit
        return TypeList(
            types=[summarise_type(each) for each in page], next_after=f"{page[-1].code}-{page[-1].version}" if is_more else None
        )

    @router.get(
        "/v1/licence-type-starters",
        name="list_licence_type_starters",
        summary="The starter set of licence types, as files",
        response_model=StarterTypes,
        responses=problem_answers(401, 403),
        tags=_TAGS,
    )
    @needs(SCOPE_DEFINE)
    def read_starters() -> StarterTypes:
        return StarterTypes(types=find_types.starter_types())

    @router.post(
        "/v1/licence-types",
        status_code=201,
        name="draft_licence_type",
        summary="Draft a version of a licence type, or import one",
        description="The body is the file of a type, as GET .../file exports it.",
        response_model=TypeSummary,
        responses={201: CREATED, **problem_answers(400, 401, 403, 409, 413, 422)},
        tags=_TAGS,
    )
    @needs(SCOPE_DEFINE)
    def create_type(request: Request, body: TypeWhole, response: Response) -> TypeSummary:
        version = define_type.draft_type(context, caller_of(request), body.root)
        response.headers["location"] = f"/v1/licence-types/{version.code}/versions/{version.version}"
        response.headers["etag"] = etag_of(version)
        return summarise_type(version)

    @router.get(
        "/v1/licence-types/{code}/versions/{number}",
        name="show_licence_type",
        summary="Show a version of a licence type",
        response_model=TypeAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_type(request: Request, code: TypeCode, number: TypeNumber, response: Response) -> TypeAnswer:
        version = find_types.find_type(context, caller_of(request), code, number)
        response.headers["etag"] = etag_of(version)
        return write_type(version)

    @router.get(
        "/v1/licence-types/{code}/versions/{number}/file",
        name="export_licence_type",
        summary="Export a version of a licence type as one file",
        response_class=Response,
        responses={200: {"description": "The file.", "content": {"application/json": {}}}, **problem_answers(401, 403, 404)},
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def export_type(request: Request, code: TypeCode, number: TypeNumber) -> Response:
        version = find_types.find_type(context, caller_of(request), code, number)
        name = f"licence-type-{version.code}-{version.version}.json"
        return Response(version.file, media_type="application/json", headers={"content-disposition": f'attachment; filename="{name}"'})

    @router.put(
        "/v1/licence-types/{code}/versions/{number}",
        name="change_licence_type",
        summary="Change a draft of a licence type",
        description="`If-Match`: the ETag of the version.",
        response_model=TypeSummary,
        responses=problem_answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
        tags=_TAGS,
    )
    @needs(SCOPE_DEFINE)
    def put_type(
        request: Request, code: TypeCode, number: TypeNumber, body: TypeWhole, response: Response, if_match: IfMatch = None
    ) -> TypeSummary:
        revision = need_version(if_match)
        version = define_type.rewrite_type(context, caller_of(request), code, number, body.root, if_revision=revision)
        response.headers["etag"] = etag_of(version)
        return summarise_type(version)

    for step in TYPE_LIFE:
        _add_step(router, context, step)


def _add_step(router: APIRouter, context: ServiceContext, step: TypeStep) -> None:
    """One route per step: what the table says is what the API offers."""

    def take(
        request: Request,
        code: TypeCode,
        number: TypeNumber,
        response: Response,
        body: Annotated[Reason, Body()] = Reason(),  # noqa: B008 - frozen
        if_match: IfMatch = None,
    ) -> TypeSummary:
        revision = need_version(if_match)
        version = define_type.take_type_step(context, caller_of(request), code, number, step, reason=body.reason, if_revision=revision)
        response.headers["etag"] = etag_of(version)
        return summarise_type(version)

    router.post(
        f"/v1/licence-types/{{code}}/versions/{{number}}/{step.verb}",
        name=f"{step.verb}_licence_type",
        summary=step.summary[0].upper() + step.summary[1:],
        description=f"From {' or '.join(sorted(step.sources))} to {step.target}. `If-Match`: the ETag of the version.",
        response_model=TypeSummary,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428),
        tags=_TAGS,
    )(needs(SCOPE_DEFINE if step.verb == _SUBMIT else SCOPE_REVIEW)(take))
