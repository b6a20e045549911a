"""Issuing, reading and changing licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Query, Request, Response

from licence_vault import limits
from licence_vault.actions import find_licences
from licence_vault.actions.arrival import Arrival
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_licences import LicenceWish
from licence_vault.actions.finish_issue import MEDIA_TYPES
from licence_vault.actions.issue_licence import issue_licence
from licence_vault.actions.receive_licence import receive_licence
from licence_vault.actions.succeed_licence import succeed_licence
from licence_vault.api.licence_shapes import (
    History,
    IssueBody,
    LicenceAnswer,
    LicenceList,
    LicenceSummary,
    ReceiveBody,
    SucceedBody,
    summarise_licence,
    write_event,
    write_licence,
)
from licence_vault.api.parameters import LicenceId, etag_of
from licence_vault.api.type_shapes import Reason
from licence_vault.errors import field_unacceptable
from licence_vault.model import LICENCE_LIFE, SCOPE_ISSUE, SCOPE_READ, LicenceState
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IdempotencyKey, IfMatch, need_version
from service_kit.problems import CREATED, problem_answers

if TYPE_CHECKING:
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.model import LicenceStep
    from licence_vault.register import LicenceRecord

_TAGS: Final[list[Any]] = ["licences"]


def add_licence_routes(router: APIRouter, means: IssuingMeans) -> None:
    """Add them to the service's router."""
    context, contents = means.context, means.contents

    @router.post(
        "/v1/licences",
        status_code=201,
        name="issue_licence",
        summary="Issue a licence",
        description="Numbered, logged, drawn, sealed, checked, and only then released. Takes about a second: the log signs a checkpoint first.",
        response_model=LicenceAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def create_licence(request: Request, body: IssueBody, response: Response, key: IdempotencyKey = None) -> LicenceAnswer:
        record = issue_licence(means, caller_of(request), body.to_order(), idempotency_key=key)
        return _answer(request, response, record)

    @router.post(
        "/v1/licences/transferred-in",
        status_code=201,
        name="receive_licence",
        summary="Take in a licence that was transferred out (转入)",
        description="Issued anew, under a number of the receiving authority. One of an authority entered here must be transferred out, of the same type and of the same holders; its history and this one's point to each other.",
        response_model=LicenceAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def take_in(request: Request, body: ReceiveBody, response: Response, key: IdempotencyKey = None) -> LicenceAnswer:
        arrival = Arrival(body.transferred_from, body.reason)
        record = receive_licence(means, caller_of(request), body.to_order(), arrival, idempotency_key=key)
        return _answer(request, response, record)

    @router.get(
        "/v1/licences",
        name="list_licences",
        summary="List the licences of the authorities one acts for",
        response_model=LicenceList,
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_licences(
        request: Request,
        issuer: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{18}$")] = None,
        type_code: Annotated[str | None, Query(alias="type", pattern=r"^[0-9A-Z]{21}$")] = None,
        state: LicenceState | None = None,
        number: Annotated[str | None, Query(max_length=limits.PRINTED_NUMBER_CHARACTERS, description="As printed, whole.")] = None,
        holder_code: Annotated[str | None, Query(max_length=limits.HOLDER_CODE_CHARACTERS, description="With `holder_code_type`.")] = None,
        holder_code_type: Annotated[str | None, Query(pattern=r"^[0-9]{3}$")] = None,
        after: Annotated[str, Query(max_length=40, description="The `next_after` of the page before, in the same order.")] = "",
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
        *,
        newest_first: Annotated[bool, Query(description="The newest first; otherwise the oldest.")] = False,
    ) -> LicenceList:
        if (holder_code is None) != (holder_code_type is None):
            raise field_unacceptable("holder_code", "together with holder_code_type")
        holder = None if holder_code is None or holder_code_type is None else (holder_code_type, holder_code)
        wish = LicenceWish(issuer, type_code, state, holder, number)
        found = find_licences.list_licences(
            context, contents, caller_of(request), wish, after=after, limit=limit + 1, is_newest_first=newest_first
        )
        page = found[:limit]
        return LicenceList(licences=[summarise_licence(each) for each in page], next_after=page[-1].id if len(found) > limit else None)

    @router.get(
        "/v1/licences/{licence_id}",
        name="show_licence",
        summary="Show a licence",
        response_model=LicenceAnswer,
        responses=problem_answers(401, 403, 404, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_licence(request: Request, licence_id: LicenceId, response: Response) -> LicenceAnswer:
        view = find_licences.read_licence(context, contents, caller_of(request), licence_id)
        response.headers["etag"] = etag_of(view.record)
        return write_licence(view)

    @router.get(
        "/v1/licences/{licence_id}/events",
        name="list_licence_events",
        summary="What happened to a licence",
        response_model=History,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_events(request: Request, licence_id: LicenceId) -> History:
        return History(events=[write_event(*each) for each in find_licences.list_history(context, caller_of(request), licence_id)])

    @router.get(
        "/v1/licences/{licence_id}/files/{form}",
        name="download_licence",
        summary="Download the sealed file of a licence",
        response_class=Response,
        responses={
            200: {"description": "The file.", "content": {media_type: {} for media_type in MEDIA_TYPES.values()}},
            **problem_answers(401, 403, 404, 503),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_file(request: Request, licence_id: LicenceId, form: Literal["pdf", "ofd"]) -> Response:
        content = find_licences.read_licence_file(context, contents, caller_of(request), licence_id, form)
        headers = {"content-disposition": f'attachment; filename="{licence_id}.{form}"', "cache-control": "no-store"}
        return Response(content, media_type=MEDIA_TYPES[form], headers=headers)

    @router.post(
        "/v1/licences/{licence_id}/erase",
        name="erase_licence",
        summary="Erase what an ended licence said, for good",
        description="Its key is deleted; events, number and commitments remain. `If-Match`: the ETag of the licence. A reason is needed.",
        response_model=LicenceSummary,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    def erase(request: Request, licence_id: LicenceId, body: Reason, response: Response, if_match: IfMatch = None) -> LicenceSummary:
        record = erase_licence(context, caller_of(request), licence_id, reason=body.reason, if_revision=need_version(if_match))
        response.headers["etag"] = etag_of(record)
        return summarise_licence(record)

    def _answer(request: Request, response: Response, record: LicenceRecord) -> LicenceAnswer:
        view = find_licences.find_licence(context, contents, caller_of(request), record.id)
        response.headers["location"] = f"/v1/licences/{record.id}"
        response.headers["etag"] = etag_of(view.record)
        return write_licence(view)

    for step in LICENCE_LIFE:
        if step.verb is not None and step.needs_successor:
            _add_succession(router, means, step, _answer)
        elif step.verb is not None:
            _add_step(router, means, step)


def _add_step(router: APIRouter, means: IssuingMeans, step: LicenceStep) -> None:
    """One route per step that a caller may take: what the table says is what the API offers."""

    def take(
        request: Request,
        licence_id: LicenceId,
        response: Response,
        body: Annotated[Reason, Body()] = Reason(),  # noqa: B008 - frozen
        if_match: IfMatch = None,
    ) -> LicenceSummary:
        revision = need_version(if_match)
        record = change_licence_state(means.context, caller_of(request), licence_id, step, reason=body.reason, if_revision=revision)
        response.headers["etag"] = etag_of(record)
        return summarise_licence(record)

    router.post(
        f"/v1/licences/{{licence_id}}/{step.verb}",
        name=f"{step.verb}_licence",
        response_model=LicenceSummary,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428, 503),
        **_words(step),
    )(needs(SCOPE_ISSUE)(take))


def _add_succession(router: APIRouter, means: IssuingMeans, step: LicenceStep, answer: Any) -> None:
    def take(
        request: Request,
        licence_id: LicenceId,
        body: SucceedBody,
        response: Response,
        if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> LicenceAnswer:
        record = succeed_licence(
            means,
            caller_of(request),
            licence_id,
            step,
            body.to_content(),
            reason=body.reason,
            if_revision=need_version(if_match),
            idempotency_key=key,
        )
        made: LicenceAnswer = answer(request, response, record)
        return made

    router.post(
        f"/v1/licences/{{licence_id}}/{step.verb}",
        status_code=201,
        name=f"{step.verb}_licence",
        response_model=LicenceAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 412, 422, 428, 503)},
        **_words(step),
    )(needs(SCOPE_ISSUE)(take))


def _words(step: LicenceStep) -> dict[str, Any]:
    reason = " A reason is needed." if step.is_reason_required else ""
    return {
        "summary": step.summary[0].upper() + step.summary[1:],
        "description": f"From {' or '.join(sorted(step.sources))} to {step.target}. `If-Match`: the ETag of the licence.{reason}",
        "tags": _TAGS,
    }
