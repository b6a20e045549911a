"""Issuing authorities, their seals and who acts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from licence_vault import limits
from licence_vault.actions import enter_issuer
from licence_vault.api.parameters import IssuerCode, etag_of
from licence_vault.api.type_shapes import IssuerAnswer, IssuerBody, IssuerList, with_obstacle, write_issuer
from licence_vault.model import SCOPE_ADMIN, SCOPE_READ
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IfMatch, read_if_match
from service_kit.problems import language_of, problem_answers

if TYPE_CHECKING:
    from licence_vault.register import IssuingAuthority
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["licence issuers"]
Holder = Annotated[str, Path(min_length=1, max_length=255, description="A client id, or `person:` and a subject.")]

After = Annotated[str, Query(pattern=r"^([0-9A-Z]{18})?$", description="The `next_after` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)]


def add_issuer_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    def told(request: Request, issuer: IssuingAuthority, members: list[str] | None) -> IssuerAnswer:
        language = language_of(request.headers.get("accept-language"))
        return with_obstacle(write_issuer(issuer, members), enter_issuer.find_obstacle(context, issuer), language)

    @router.put(
        "/v1/licence-issuers/{issuer_code}",
        name="enter_licence_issuer",
        summary="Enter an issuing authority, or change what is known of it",
        response_model=IssuerAnswer,
        responses=problem_answers(400, 401, 403, 412, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def put_issuer(
        request: Request, issuer_code: IssuerCode, body: IssuerBody, response: Response, if_match: IfMatch = None
    ) -> IssuerAnswer:
        order = enter_issuer.IssuerOrder(issuer_code, body.name, body.area_code, body.seal_id)
        issuer = enter_issuer.enter_issuer(context, caller_of(request), order, if_revision=read_if_match(if_match))
        response.headers["etag"] = etag_of(issuer)
        return told(request, issuer, None)

    @router.get(
        "/v1/licence-issuers/{issuer_code}",
        name="show_licence_issuer",
        summary="Show an issuing authority and who acts for it",
        response_model=IssuerAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def read_issuer(request: Request, issuer_code: IssuerCode, response: Response) -> IssuerAnswer:
        issuer, members = enter_issuer.find_issuer(context, issuer_code)
        response.headers["etag"] = etag_of(issuer)
        return told(request, issuer, members)

    @router.get(
        "/v1/licence-issuers",
        name="list_licence_issuers",
        summary="List all issuing authorities",
        response_model=IssuerList,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def read_issuers(after: After = "", limit: Limit = limits.PAGE_SIZE) -> IssuerList:
        return _page(enter_issuer.list_issuers(context, after=after, limit=limit + 1), limit)

    @router.get(
        "/v1/my-licence-issuers",
        name="list_my_licence_issuers",
        summary="List the issuing authorities one acts for",
        response_model=IssuerList,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_own_issuers(request: Request, after: After = "", limit: Limit = limits.PAGE_SIZE_MAX) -> IssuerList:
        return _page(enter_issuer.list_own_issuers(context, caller_of(request), after=after, limit=limit + 1), limit)

    @router.put(
        "/v1/licence-issuers/{issuer_code}/members/{holder}",
        status_code=204,
        name="give_licence_membership",
        summary="Let a client or person act for an issuing authority",
        responses=problem_answers(401, 403, 404, 409, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def put_member(request: Request, issuer_code: IssuerCode, holder: Holder) -> None:
        enter_issuer.give_membership(context, caller_of(request), issuer_code, holder)

    @router.delete(
        "/v1/licence-issuers/{issuer_code}/members/{holder}",
        status_code=204,
        name="take_licence_membership",
        summary="Let a client or person act for an issuing authority no more",
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def delete_member(request: Request, issuer_code: IssuerCode, holder: Holder) -> None:
        enter_issuer.take_membership(context, caller_of(request), issuer_code, holder)


def _page(found: list[IssuingAuthority], limit: int) -> IssuerList:
    """``found``: one more than the page has, where there are more."""
    page = found[:limit]
    return IssuerList(issuers=[write_issuer(each) for each in page], next_after=page[-1].code if len(found) > limit else None)
