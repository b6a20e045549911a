"""Remote signing in two phases, for seals whose key lives in their owner's device (UKey, HSM): what has to be signed, and the signature back."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from seal_service import limits
from seal_service.actions.finish_remote_signature import finish_remote_signature, give_up_remote_signature
from seal_service.actions.note_refusal import refusals_noted
from seal_service.actions.prepare_remote_signature import Awaited, find_awaited, prepare_remote_signature
from seal_service.api.document_routes import SEALED_HEADERS, SEALING_BODY, read_sealing, sealed_answer
from seal_service.api.parameters import SealId, UseId, user_of
from seal_service.errors import remote_signature_bad
from seal_service.model import SCOPE_USE
from seal_service.verify import OFD, PDF
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - fastapi reads the annotations at run time
from service_kit.problems import CREATED, problem_answers
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from seal_service.actions.seal_document import SealedDocument
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["sealing"]
_BINARY: Final[dict[str, Any]] = {"type": "string", "format": "binary"}


class AwaitedAnswer(BaseModel):
    """What the device has to sign now: SM2 with SM3 and the default user id, over `to_be_signed`; `digest` is e for devices that take it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "su_0123456789abcdef01234567",
                    "round": 1,
                    "algorithm": "SM2-SM3",
                    "to_be_signed": "MIIB",
                    "digest": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
                    "expires_at": "2026-11-20T08:45:00Z",
                    "warnings": [],
                }
            ]
        }
    )

    id: Annotated[str, Field(description="Of the use, and of this order.")]
    round: Annotated[int, Field(description="1 or 2: in the profile pades+ses the first signature is part of what the second is over.")]
    algorithm: str = "SM2-SM3"
    to_be_signed: Annotated[str, Field(description="base64")]
    digest: Annotated[str, Field(description="SM3(Z_A || to_be_signed) in hex, 32 bytes.")]
    expires_at: datetime
    warnings: list[str]


class RemoteSignature(RequestShape):
    """The signature of the device for the round that is open."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"round": 1, "signature": "MEUCIQ"}]})

    round: Annotated[int, Field(ge=1, le=2)]
    signature: Annotated[str, Field(max_length=256, description="base64 of 64 bytes r, s, or of the DER.")]


def write_awaited(awaited: Awaited) -> AwaitedAnswer:
    """As it goes over the wire."""
    return AwaitedAnswer(
        id=awaited.use_id,
        round=awaited.round,
        to_be_signed=base64.b64encode(awaited.to_be_signed).decode("ascii"),
        digest=awaited.digest.hex(),
        expires_at=awaited.expires_at,
        warnings=list(awaited.warnings),
    )


def add_remote_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    admission = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    document_bytes = min(limits.DOCUMENT_BYTES, context.settings.limits.body_bytes)
    threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))
    path = "/v1/seals/{seal_id}/remote-signatures"

    @router.post(
        path,
        status_code=201,
        name="prepare_remote_signature",
        summary="Make a document ready for the signature of the owner's device",
        description="For seals whose key their owner keeps. The form is that of POST /v1/seals/{seal_id}/signatures. The document is kept "
        "until the order ends.",
        response_model=AwaitedAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 404, 409, 413, 422, 429, 503)},
        openapi_extra=SEALING_BODY,
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    async def create_order(request: Request, seal_id: SealId, response: Response, key: IdempotencyKey = None) -> AwaitedAnswer:
        user = user_of(caller_of(request))
        with admission.take(user.name) as held:
            order = await read_sealing(request, key, document_bytes, held)

            def prepare() -> Awaited:
                with refusals_noted(context, user, seal_id):
                    return prepare_remote_signature(context, user, seal_id, order)

            awaited = await anyio.to_thread.run_sync(prepare, limiter=threads)
        response.headers["location"] = f"/v1/seals/{seal_id}/remote-signatures/{awaited.use_id}"
        response.headers["cache-control"] = "no-store"
        if awaited.is_repeated:
            response.headers["idempotent-replay"] = "true"
        return write_awaited(awaited)

    @router.get(
        path + "/{use_id}",
        name="show_remote_signature",
        summary="What has to be signed now",
        response_model=AwaitedAnswer,
        responses=problem_answers(401, 403, 404, 409),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def read_order_again(request: Request, seal_id: SealId, use_id: UseId) -> AwaitedAnswer:
        return write_awaited(find_awaited(context, user_of(caller_of(request)), seal_id, use_id))

    @router.post(
        path + "/{use_id}",
        name="finish_remote_signature",
        summary="Hand in the device's signature",
        description="Answers the sealed document, or (202) what has to be signed in the second round. The same signature again gives the same.",
        response_class=Response,
        responses={
            200: {
                "description": "The sealed document.",
                "content": {PDF: {"schema": _BINARY}, OFD: {"schema": _BINARY}},
                "headers": SEALED_HEADERS,
            },
            202: {"description": "The second round.", "model": AwaitedAnswer},
            **problem_answers(400, 401, 403, 404, 409, 422, 429, 503),
        },
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    async def put_signature(request: Request, seal_id: SealId, use_id: UseId, body: RemoteSignature) -> Response:
        user = user_of(caller_of(request))
        try:
            value = base64.b64decode(body.signature, validate=True)
        except (binascii.Error, ValueError):
            raise remote_signature_bad("not base64") from None

        def finish() -> SealedDocument | Awaited:
            with refusals_noted(context, user, seal_id):
                return finish_remote_signature(context, user, seal_id, use_id, number=body.round, signature=value)

        with admission.take(user.name) as held:
            held.arrived(document_bytes)  # of the document that is kept for this order
            held.whole()
            found = await anyio.to_thread.run_sync(finish, limiter=threads)
        if isinstance(found, Awaited):
            answer = write_awaited(found).model_dump_json()
            return Response(answer, 202, media_type="application/json", headers={"cache-control": "no-store"})
        return sealed_answer(found)

    @router.delete(
        path + "/{use_id}",
        status_code=204,
        name="give_up_remote_signature",
        summary="Give an order up",
        responses=problem_answers(401, 403, 404, 409, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def delete_order(request: Request, seal_id: SealId, use_id: UseId) -> None:
        give_up_remote_signature(context, user_of(caller_of(request)), seal_id, use_id)
