"""Making, reading and changing seals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from seal_service import limits
from seal_service.actions import find_seals, grant_seal
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.api.parameters import ClientId, SealId, etag_of, read_key_request
from seal_service.api.shapes import Acceptance, MakeSeal, SealAnswer, SealList, StateChange, write_seal
from seal_service.model import SCOPE_MANAGE, SCOPE_READ, SEAL_LIFE, SealState
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IdempotencyKey, IfMatch, need_version, read_if_match
from service_kit.problems import CREATED, problem_answers

if TYPE_CHECKING:
    from seal_service.model import Transition
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["seals"]


def add_seal_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    @router.post(
        "/v1/seals",
        status_code=201,
        name="make_seal",
        summary="Make a seal",
        response_model=SealAnswer,
        responses={201: CREATED, **problem_answers(401, 403, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_MANAGE)
    def create_seal(request: Request, body: MakeSeal, response: Response, key: IdempotencyKey = None) -> SealAnswer:
        caller = caller_of(request)
        wanted = SealRequest(
            organisation=body.organisation,
            credit_code=body.credit_code,
            name=body.name or "",
            purpose=body.purpose,
            type_code=body.type_code,
            division=body.division or "",
            picture_width_mm=body.picture_width_mm,
            grants=None if body.grants is None else tuple(body.grants),
            key_request_der=read_key_request(body.certificate_request),
            data_version=body.data_version,
        )
        seal = make_seal(context, caller, wanted, idempotency_key=key)
        response.headers["location"] = f"/v1/seals/{seal.id}"
        response.headers["etag"] = etag_of(seal)
        _, granted = find_seals.find_seal(context, caller, seal.id)
        return write_seal(seal, granted)

    @router.get(
        "/v1/seals",
        name="list_seals",
        summary="List the seals one manages or may use",
        response_model=SealList,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_seals(
        request: Request,
        after: Annotated[str, Query(max_length=40, description="The `next_after` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
        state: SealState | None = None,
        search: Annotated[str, Query(max_length=limits.SEARCH_CHARACTERS, description="Part of the name, or beginning of the code.")] = "",
        of: Annotated[Literal["mine", "all"], Query(description="all: for makers, reviewers and security administrators.")] = "mine",
    ) -> SealList:
        found = find_seals.list_seals(
            context, caller_of(request), after=after, limit=limit + 1, state=state, search=search, is_all=of == "all"
        )
        page = found[:limit]
        return SealList(seals=[write_seal(seal) for seal in page], next_after=page[-1].id if len(found) > limit else None)

    @router.get(
        "/v1/seals/{seal_id}",
        name="show_seal",
        summary="Show a seal",
        response_model=SealAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_seal(request: Request, seal_id: SealId, response: Response) -> SealAnswer:
        seal, granted = find_seals.find_seal(context, caller_of(request), seal_id)
        response.headers["etag"] = etag_of(seal)
        return write_seal(seal, granted)

    @router.get(
        "/v1/seals/{seal_id}/picture.svg",
        name="show_seal_picture",
        summary="The picture of a seal, in true size",
        response_class=Response,
        responses={200: {"description": "SVG.", "content": {"image/svg+xml": {}}}, **problem_answers(401, 403, 404, 409)},
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_picture(request: Request, seal_id: SealId) -> Response:
        picture = find_seals.find_picture(context, caller_of(request), seal_id)
        return Response(picture.to_svg(), media_type="image/svg+xml", headers={"cache-control": "private, max-age=3600"})

    @router.get(
        "/v1/seals/{seal_id}/seal.esl",
        name="fetch_seal_data",
        summary="The seal itself: SESeal of GB/T 38540 or GM/T 0031",
        response_class=Response,
        responses={
            200: {"description": "DER.", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            **problem_answers(401, 403, 404, 409),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_seal_data(request: Request, seal_id: SealId) -> Response:
        seal, seal_data_der = find_seals.find_seal_data(context, caller_of(request), seal_id)
        headers = {"content-disposition": f'attachment; filename="{seal.code}.esl"', "cache-control": "no-store"}
        return Response(seal_data_der, media_type="application/octet-stream", headers=headers)

    @router.put(
        "/v1/seals/{seal_id}/grants/{client_id}",
        status_code=204,
        name="grant_seal",
        summary="Let a client use a seal",
        description="`If-Match`: the ETag of the seal.",
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428),
        tags=_TAGS,
    )
    @needs(SCOPE_MANAGE)
    def put_grant(request: Request, seal_id: SealId, client_id: ClientId, response: Response, if_match: IfMatch = None) -> None:
        seal = grant_seal.grant_seal(context, caller_of(request), seal_id, client_id, if_version=need_version(if_match))
        response.headers["etag"] = etag_of(seal)

    @router.delete(
        "/v1/seals/{seal_id}/grants/{client_id}",
        status_code=204,
        name="withdraw_grant",
        summary="Take a grant back",
        description="`If-Match`: the ETag of the seal.",
        responses=problem_answers(401, 403, 404, 412, 422, 428),
        tags=_TAGS,
    )
    @needs(SCOPE_MANAGE)
    def delete_grant(request: Request, seal_id: SealId, client_id: ClientId, response: Response, if_match: IfMatch = None) -> None:
        seal = grant_seal.withdraw_grant(context, caller_of(request), seal_id, client_id, if_version=need_version(if_match))
        response.headers["etag"] = etag_of(seal)

    for step in SEAL_LIFE:
        if step.verb is not None and step.scope is not None:
            _add_step(router, context, step, step.verb, step.scope)


def _add_step(router: APIRouter, context: ServiceContext, step: Transition, verb: str, scope: str) -> None:
    """One route per step that a caller may take: what the table says is what the API offers."""

    def take(request: Request, seal_id: str, body: StateChange | Acceptance, response: Response, if_match: str | None) -> SealAnswer:
        seal = change_seal_state(
            context,
            caller_of(request),
            seal_id,
            step,
            reason=body.reason,
            papers=tuple(body.papers),
            if_version=read_if_match(if_match),
        )
        response.headers["etag"] = etag_of(seal)
        return write_seal(seal)

    def with_reason(request: Request, seal_id: SealId, body: StateChange, response: Response, if_match: IfMatch = None) -> SealAnswer:
        return take(request, seal_id, body, response, if_match)

    def without_reason(request: Request, seal_id: SealId, body: Acceptance, response: Response, if_match: IfMatch = None) -> SealAnswer:
        return take(request, seal_id, body, response, if_match)

    router.post(
        f"/v1/seals/{{seal_id}}/{verb}",
        name=f"{verb}_seal",
        summary=step.summary[0].upper() + step.summary[1:],
        description=f"From {' or '.join(sorted(step.sources))} to {step.target}.",
        response_model=SealAnswer,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 503),
        tags=_TAGS,
    )(needs(scope)(with_reason if step.is_reason_required else without_reason))
