"""Applications, their review, the making of what was approved, and the papers handed in."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from crypto.certificates import Certificate
from seal_service import limits
from seal_service.actions import find_applications
from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.draw_application import draw_application
from seal_service.actions.install_certificate import find_request, install_certificate
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.review_application import review_application
from seal_service.api.life_shapes import ApplicationAnswer, ApplicationPage, Apply, CertificateChain, MakeOrder, PaperAnswer, Step, Timeline
from seal_service.api.life_values import read_certificates, write_application, write_paper, write_timeline
from seal_service.api.parameters import SealId, etag_of, read_key_request
from seal_service.api.shapes import SealAnswer, write_seal
from seal_service.errors import document_missing
from seal_service.model import APPLICATION_LIFE, SCOPE_APPLY, SCOPE_MAKE, SCOPE_READ, ApplicationKind, ApplicationState
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.preconditions import IdempotencyKey, IfMatch, need_version
from service_kit.problems import CREATED, problem_answers
from service_kit.row_values import POSITION_MAX
from standards.rfc7468_pem import write_pem

if TYPE_CHECKING:
    from seal_service.model import Transition
    from service_kit.composition import ServiceContext

ApplicationId = Annotated[str, Path(pattern=r"^sa_[0-9a-f]{24}$", description="Identifier of the application.")]
PaperId = Annotated[str, Path(pattern=r"^sp_[0-9a-f]{24}$", description="Identifier of the paper.")]
_TAGS: Final[list[Any]] = ["applications"]
_PAPER_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["paper"],
                    "additionalProperties": False,
                    "properties": {
                        "paper": {
                            "type": "string",
                            "format": "binary",
                            "description": "The paper: a scan, a decision, a proof of identity.",
                        },
                        "name": {
                            "type": "string",
                            "maxLength": limits.FILE_NAME_CHARACTERS,
                            "description": "What it is called; without it the file's name.",
                        },
                    },
                }
            }
        },
    }
}


def add_application_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    @router.post(
        "/v1/seal-applications",
        status_code=201,
        name="apply_for_seal",
        summary="Apply for a seal, its change, renewal or end",
        response_model=ApplicationAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 422, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_APPLY)
    def create_application(request: Request, body: Apply, response: Response, key: IdempotencyKey = None) -> ApplicationAnswer:
        order = ApplicationOrder(
            kind=ApplicationKind(body.kind),
            reason=body.reason,
            seal_id=body.seal_id,
            organisation=body.organisation,
            credit_code=body.credit_code,
            name=body.name,
            name_mongolian=body.name_mongolian,
            name_romanised=body.name_romanised,
            purpose=body.purpose,
            type_code=body.type_code,
            division=body.division,
            design_json="" if body.design is None else json.dumps(body.design, ensure_ascii=False),
            picture=body.picture or "",
            picture_width_mm=body.picture_width_mm,
            managers=tuple(body.managers),
            users=tuple(body.users),
            auditors=tuple(body.auditors),
            is_certificate_outside=body.certificate == "external",
            papers=tuple(body.papers),
        )
        application = apply_for_seal(context, caller_of(request), order, idempotency_key=key)
        response.headers["location"] = f"/v1/seal-applications/{application.id}"
        response.headers["etag"] = etag_of(application)
        return write_application(application)

    @router.get(
        "/v1/seal-applications",
        name="list_seal_applications",
        summary="List and search applications: one's own, or (makers and reviewers) all",
        response_model=ApplicationPage,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_applications(
        request: Request,
        after: Annotated[str, Query(max_length=40, description="The `next_after` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
        state: ApplicationState | None = None,
        search: Annotated[str, Query(max_length=limits.SEARCH_CHARACTERS)] = "",
    ) -> ApplicationPage:
        found = find_applications.list_applications(context, caller_of(request), after=after, limit=limit + 1, state=state, search=search)
        page = found[:limit]
        return ApplicationPage(
            applications=[write_application(each) for each in page], next_after=page[-1].id if len(found) > limit else None
        )

    @router.get(
        "/v1/seal-applications/{application_id}",
        name="show_seal_application",
        summary="Show an application with its papers",
        response_model=ApplicationAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_application(request: Request, application_id: ApplicationId, response: Response) -> ApplicationAnswer:
        application, papers = find_applications.find_application(context, caller_of(request), application_id)
        response.headers["etag"] = etag_of(application)
        return write_application(application, papers)

    @router.get(
        "/v1/seal-applications/{application_id}/picture.svg",
        name="show_seal_application_picture",
        summary="The picture that is applied for, as it will be made",
        response_class=Response,
        responses={200: {"description": "SVG.", "content": {"image/svg+xml": {}}}, **problem_answers(401, 403, 404, 409)},
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_picture(request: Request, application_id: ApplicationId) -> Response:
        picture = draw_application(context, caller_of(request), application_id)
        return Response(picture.to_svg(), media_type="image/svg+xml", headers={"cache-control": "no-store"})

    @router.get(
        "/v1/seal-applications/{application_id}/timeline",
        name="show_seal_application_timeline",
        summary="What happened to an application",
        response_model=Timeline,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_timeline(
        request: Request,
        application_id: ApplicationId,
        after: Annotated[int, Query(ge=0, le=POSITION_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> Timeline:
        found = find_applications.list_application_timeline(context, caller_of(request), application_id, after=after, limit=limit + 1)
        return write_timeline(found, limit)

    @router.post(
        "/v1/seal-applications/{application_id}/make",
        status_code=201,
        name="make_approved_seal",
        summary="Make what was approved; made before, the same seal comes back",
        response_model=SealAnswer,
        description="`If-Match`: the ETag of the application; where it was made before, it need not fit any more.",
        responses={201: CREATED, **problem_answers(401, 403, 404, 409, 412, 422, 428, 503)},
        tags=_TAGS,
    )
    @needs(SCOPE_MAKE)
    def create_approved_seal(
        request: Request, application_id: ApplicationId, response: Response, body: MakeOrder | None = None, if_match: IfMatch = None
    ) -> SealAnswer:
        version = need_version(if_match)
        key_request_der = read_key_request(body.certificate_request if body is not None else "")
        seal = make_approved_seal(
            context,
            caller_of(request),
            application_id,
            key_request_der=key_request_der,
            data_version=body.data_version if body is not None else None,
            if_version=version,
        )
        response.headers["location"] = f"/v1/seals/{seal.id}"
        response.headers["etag"] = etag_of(seal)
        return write_seal(seal)

    @router.get(
        "/v1/seals/{seal_id}/certificate-request",
        name="fetch_certificate_request",
        summary="The request (PKCS #10) of a seal that waits for an outside authority's certificate",
        response_class=Response,
        responses={
            200: {"description": "PEM.", "content": {"application/x-pem-file": {"schema": {"type": "string"}}}},
            **problem_answers(401, 403, 404, 409),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_MAKE)
    def read_request(request: Request, seal_id: SealId) -> Response:
        request_der = find_request(context, caller_of(request), seal_id)
        return Response(write_pem("CERTIFICATE REQUEST", request_der), media_type="application/x-pem-file")

    @router.post(
        "/v1/seals/{seal_id}/certificate",
        name="install_certificate",
        summary="Hand in the certificate that the outside authority issued",
        response_model=SealAnswer,
        description="`If-Match`: the ETag of the seal.",
        responses=problem_answers(400, 401, 403, 404, 409, 412, 422, 428, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_MAKE)
    def create_certificate(
        request: Request, seal_id: SealId, body: CertificateChain, response: Response, if_match: IfMatch = None
    ) -> SealAnswer:
        version = need_version(if_match)
        certificates = [Certificate.from_der(each) for each in read_certificates(body.certificates)]
        seal = install_certificate(
            context, caller_of(request), seal_id, certificates[0], certificates[1:], data_version=body.data_version, if_version=version
        )
        response.headers["etag"] = etag_of(seal)
        return write_seal(seal)

    for step in APPLICATION_LIFE:
        if step.verb is not None and step.scope is not None:
            _add_step(router, context, step, step.verb, step.scope)
    _add_paper_routes(router, context)


def _add_step(router: APIRouter, context: ServiceContext, step: Transition, verb: str, scope: str) -> None:
    @router.post(
        f"/v1/seal-applications/{{application_id}}/{verb}",
        name=f"{verb}_seal_application",
        summary=step.summary[0].upper() + step.summary[1:],
        description=f"From {' or '.join(sorted(step.sources))} to {step.target}.",
        response_model=ApplicationAnswer,
        responses=problem_answers(401, 403, 404, 409, 412, 422, 428, 503),
        tags=_TAGS,
    )
    @needs(scope)
    def take_step(
        request: Request, application_id: ApplicationId, body: Step, response: Response, if_match: IfMatch = None
    ) -> ApplicationAnswer:
        application = review_application(
            context,
            caller_of(request),
            application_id,
            step,
            reason=body.reason,
            papers=tuple(body.papers),
            if_version=need_version(if_match),
        )
        response.headers["etag"] = etag_of(application)
        return write_application(application)


def _add_paper_routes(router: APIRouter, context: ServiceContext) -> None:
    uploads = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.UPLOAD_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)

    @router.post(
        "/v1/seal-papers",
        status_code=201,
        name="hand_in_seal_paper",
        summary="Hand in a paper, to be named in an application or a step",
        response_model=PaperAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 409, 413, 422, 429, 503)},
        openapi_extra=_PAPER_BODY,
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    async def create_paper(request: Request, response: Response, key: IdempotencyKey = None) -> PaperAnswer:
        with uploads.take(caller_of(request).holder) as held:
            form = await read_form(
                request,
                files={"paper"},
                fields={"name"},
                file_bytes_max=limits.PAPER_BYTES,
                field_bytes_max=limits.FORM_FIELD_BYTES,
                held=held,
            )
            part = form.files.get("paper")
            if part is None or not part.content:
                raise document_missing()
            name = form.fields.get("name") or part.file_name[: limits.FILE_NAME_CHARACTERS]
            hand_in = partial(find_applications.hand_in_paper, context, caller_of(request), name, part.content, idempotency_key=key)
            paper = await anyio.to_thread.run_sync(hand_in)
        response.headers["location"] = f"/v1/seal-papers/{paper.id}"
        return write_paper(paper)

    @router.get(
        "/v1/seal-papers/{paper_id}",
        name="fetch_seal_paper",
        summary="A paper again",
        response_class=Response,
        responses={
            200: {"description": "The paper.", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            **problem_answers(401, 403, 404),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_READ)
    def read_paper(request: Request, paper_id: PaperId) -> Response:
        paper, content = find_applications.load_paper(context, caller_of(request), paper_id)
        # never shown in the browser as what it claims to be: others sent it
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(paper.name)}", "cache-control": "no-store"}
        return Response(content, media_type="application/octet-stream", headers=headers)
