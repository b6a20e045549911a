"""Powers over seals, grants with limits, and what is recorded of a seal: history, makings, uses, types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from seal_service import limits
from seal_service.actions import find_seals, grant_seal
from seal_service.actions.give_power import give_power, take_power
from seal_service.api.life_shapes import (
    EditionList,
    GrantAnswer,
    GrantPage,
    GrantRequest,
    PowerList,
    PowerRequest,
    SealTypeAnswer,
    SealTypeList,
    Timeline,
)
from seal_service.api.life_values import read_grant, write_edition, write_grant, write_power, write_timeline
from seal_service.api.parameters import SealId, etag_of
from seal_service.api.shapes import StateChange, UseList, write_use
from seal_service.model import SCOPE_MANAGE, SCOPE_READ, SCOPE_SECURE, SEAL_TYPES, Power
from service_kit.composition import caller_of, needs, public
from service_kit.preconditions import IdempotencyKey, IfMatch, need_version, read_if_match
from service_kit.problems import CREATED, problem_answers
from service_kit.row_values import POSITION_MAX

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

Holder = Annotated[str, Path(min_length=1, max_length=255, description="A client id, or `person:` and a subject.")]
GrantId = Annotated[str, Path(pattern=r"^sg_[0-9a-f]{24}$", description="Identifier of the grant.")]
After = Annotated[str, Query(max_length=40, description="The `next_after` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)]
_TAGS: Final[list[Any]] = ["powers"]


def add_power_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    @router.get(
        "/v1/seals/{seal_id}/powers",
        name="list_seal_powers",
        summary="Who manages, uses and audits a seal",
        response_model=PowerList,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_powers(request: Request, seal_id: SealId) -> PowerList:
        seal, found = find_seals.find_powers(context, caller_of(request), seal_id)
        return PowerList(separated=seal.are_powers_separated, powers=[write_power(each) for each in found])

    @router.put(
        "/v1/seals/{seal_id}/powers/{power}/{holder}",
        status_code=204,
        name="give_seal_power",
        summary="Give a power over a seal (security administrators)",
        responses=problem_answers(401, 403, 404, 409, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_SECURE)
    def put_power(request: Request, seal_id: SealId, power: Power, holder: Holder, body: PowerRequest) -> None:
        give_power(context, caller_of(request), seal_id, holder, power, reason=body.reason)

    @router.post(
        "/v1/seals/{seal_id}/powers/{power}/{holder}/take-back",
        status_code=204,
        name="take_seal_power",
        summary="Take a power over a seal back (security administrators)",
        responses=problem_answers(401, 403, 404, 409, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_SECURE)
    def delete_power(request: Request, seal_id: SealId, power: Power, holder: Holder, body: PowerRequest) -> None:
        take_power(context, caller_of(request), seal_id, holder, power, reason=body.reason)

    @router.post(
        "/v1/seals/{seal_id}/grants",
        status_code=201,
        name="grant_seal_within",
        summary="Let somebody use a seal within limits",
        response_model=GrantAnswer,
        description="`If-Match`, where it is sent: the ETag of the seal. The answer has the ETag of the grant.",
        responses={201: CREATED, **problem_answers(401, 403, 404, 409, 412, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_MANAGE)
    def create_grant(
        request: Request, seal_id: SealId, body: GrantRequest, response: Response, key: IdempotencyKey = None, if_match: IfMatch = None
    ) -> GrantAnswer:
        grant = grant_seal.grant_seal_within(
            context, caller_of(request), seal_id, read_grant(body), if_version=read_if_match(if_match), idempotency_key=key
        )
        response.headers["location"] = f"/v1/seal-grants/{grant.id}"
        response.headers["etag"] = etag_of(grant)
        return write_grant(grant)

    @router.get(
        "/v1/seals/{seal_id}/grants",
        name="list_seal_grants",
        summary="The grants of a seal, those taken back too",
        response_model=GrantPage,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_grants(request: Request, seal_id: SealId, after: After = "", limit: Limit = limits.PAGE_SIZE) -> GrantPage:
        found = find_seals.list_grants(context, caller_of(request), seal_id, after=after, limit=limit + 1)
        page = found[:limit]
        return GrantPage(grants=[write_grant(each) for each in page], next_after=page[-1].id if len(found) > limit else None)

    @router.get(
        "/v1/seal-grants/{grant_id}",
        name="show_seal_grant",
        summary="Show a grant and how much of it is used",
        response_model=GrantAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_one_grant(request: Request, grant_id: GrantId, response: Response) -> GrantAnswer:
        grant = find_seals.find_grant(context, caller_of(request), grant_id)
        response.headers["etag"] = etag_of(grant)
        return write_grant(grant)

    @router.post(
        "/v1/seal-grants/{grant_id}/revoke",
        name="revoke_seal_grant",
        summary="Take a grant back, from the very next request on",
        response_model=GrantAnswer,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428),
        tags=_TAGS,
    )
    @needs(SCOPE_MANAGE)
    def end_grant(request: Request, grant_id: GrantId, body: StateChange, response: Response, if_match: IfMatch = None) -> GrantAnswer:
        grant = grant_seal.revoke_grant(context, caller_of(request), grant_id, reason=body.reason, if_version=need_version(if_match))
        response.headers["etag"] = etag_of(grant)
        return write_grant(grant)

    @router.get(
        "/v1/seals/{seal_id}/timeline",
        name="show_seal_timeline",
        summary="What happened to a seal, from the application on",
        response_model=Timeline,
        responses=problem_answers(401, 403, 404),
        tags=["seals"],
    )
    @needs(SCOPE_READ)
    def read_timeline(
        request: Request, seal_id: SealId, after: Annotated[int, Query(ge=0, le=POSITION_MAX)] = 0, limit: Limit = limits.PAGE_SIZE
    ) -> Timeline:
        return write_timeline(find_seals.list_timeline(context, caller_of(request), seal_id, after=after, limit=limit + 1), limit)

    @router.get(
        "/v1/seals/{seal_id}/editions",
        name="list_seal_editions",
        summary="Every making of a seal",
        response_model=EditionList,
        responses=problem_answers(401, 403, 404),
        tags=["seals"],
    )
    @needs(SCOPE_READ)
    def read_editions(request: Request, seal_id: SealId) -> EditionList:
        return EditionList(editions=[write_edition(each) for each in find_seals.list_editions(context, caller_of(request), seal_id)])

    @router.get(
        "/v1/seals/{seal_id}/uses",
        name="list_seal_uses",
        summary="The uses of a seal, the oldest first",
        response_model=UseList,
        responses=problem_answers(401, 403, 404),
        tags=["sealing"],
    )
    @needs(SCOPE_READ)
    def read_uses(request: Request, seal_id: SealId, after: After = "", limit: Limit = limits.PAGE_SIZE) -> UseList:
        found = find_seals.list_uses(context, caller_of(request), seal_id, after=after, limit=limit + 1)
        page = found[:limit]
        return UseList(uses=[write_use(each) for each in page], next_after=page[-1].id if len(found) > limit else None)

    @router.get("/v1/seal-types", name="list_seal_types", summary="The type codes of seals", response_model=SealTypeList, tags=["seals"])
    @public("a published table; forms show it before anybody has signed in")
    def read_types() -> SealTypeList:
        return SealTypeList(types=[SealTypeAnswer(code=each.code, name_zh=each.name_zh, name_en=each.name_en) for each in SEAL_TYPES])
