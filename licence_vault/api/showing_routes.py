"""Showing licences (亮证): what a holder's app calls, and what the system calls that scans the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from licence_vault.actions.scan_showing import scan_showing, view_showing
from licence_vault.actions.show_licence import agree_to_showing, end_showing, find_showing, list_showings, open_showing
from licence_vault.api.parameters import etag_of
from licence_vault.api.showing_shapes import OwnShowingAnswer, OwnShowingList, ScanBody, SeenAnswer, ShowBody, write_own_showing, write_seen
from licence_vault.uses import SCOPE_OWN, SCOPE_USE
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IfMatch, need_version
from service_kit.problems import CREATED, problem_answers

if TYPE_CHECKING:
    from licence_vault.actions.show_licence import OwnShowing
    from licence_vault.actions.use_desk import UseDesk

_TAGS: Final[list[Any]] = ["licence showing"]
TAG: Final = {"name": "licence showing", "description": "Showing a licence on a screen: scanned masked, seen whole once the holder agrees."}
ShowingId = Annotated[str, Path(pattern=r"^sh_[0-9a-f]{24}$", description="Identifier of the showing.")]


def add_showing_routes(router: APIRouter, desk: UseDesk) -> None:
    """Add them to the service's router."""

    def own(response: Response, view: OwnShowing) -> OwnShowingAnswer:
        response.headers["etag"] = etag_of(view.showing)
        response.headers["cache-control"] = "no-store"
        return write_own_showing(view)

    @router.post(
        "/v1/my/showings",
        status_code=201,
        name="show_my_licence",
        summary="Begin to show a licence",
        description="For ten minutes. The code for the screen changes every minute: read the showing again when it does.",
        response_model=OwnShowingAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def begin(request: Request, body: ShowBody, response: Response) -> OwnShowingAnswer:
        view = open_showing(desk, caller_of(request), body.licence)
        response.headers["location"] = f"/v1/my/showings/{view.showing.id}"
        return own(response, view)

    @router.get(
        "/v1/my/showings",
        name="list_my_showings",
        summary="One's own showings that are not over, and who scanned them",
        response_model=OwnShowingList,
        responses=problem_answers(401, 403),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_showings(request: Request, response: Response) -> OwnShowingList:
        response.headers["cache-control"] = "no-store"
        return OwnShowingList(showings=[write_own_showing(each) for each in list_showings(desk, caller_of(request))])

    @router.get(
        "/v1/my/showings/{showing_id}",
        name="look_at_my_showing",
        summary="The code for the screen, and who scanned it",
        response_model=OwnShowingAnswer,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def look(request: Request, showing_id: ShowingId, response: Response) -> OwnShowingAnswer:
        return own(response, find_showing(desk, caller_of(request), showing_id))

    @router.post(
        "/v1/my/showings/{showing_id}/agree",
        name="agree_to_my_showing",
        summary="Let who scanned the code see the licence, once",
        description="`If-Match`: the ETag of the showing as the holder saw it, with the system that scanned it and why.",
        response_model=OwnShowingAnswer,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def agree(request: Request, showing_id: ShowingId, response: Response, if_match: IfMatch = None) -> OwnShowingAnswer:
        revision = need_version(if_match) or 0  # one cannot agree to whoever it may be
        return own(response, agree_to_showing(desk, caller_of(request), showing_id, if_revision=revision))

    @router.post(
        "/v1/my/showings/{showing_id}/end",
        name="end_my_showing",
        summary="End a showing at once",
        response_model=OwnShowingAnswer,
        responses=problem_answers(401, 403, 404, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def end(request: Request, showing_id: ShowingId, response: Response) -> OwnShowingAnswer:
        return own(response, end_showing(desk, caller_of(request), showing_id))

    @router.post(
        "/v1/showings/scan",
        name="scan_showing",
        summary="Scan the code on a holder's screen",
        description="Gives a masked view; nobody else can scan it then. Needs permission for the type, and a reason that the holder sees.",
        response_model=SeenAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def scan(request: Request, body: ScanBody, response: Response) -> SeenAnswer:
        officer = None if body.officer is None else body.officer.to_officer()
        response.headers["cache-control"] = "no-store"
        return write_seen(scan_showing(desk, caller_of(request), body.code, reason=body.reason, officer=officer))

    @router.post(
        "/v1/showings/{showing_id}/view",
        name="view_showing",
        summary="See a scanned licence whole, once, after the holder agreed",
        response_model=SeenAnswer,
        responses=problem_answers(401, 403, 404, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def view(request: Request, showing_id: ShowingId, response: Response) -> SeenAnswer:
        response.headers["cache-control"] = "no-store"
        return write_seen(view_showing(desk, caller_of(request), showing_id))
