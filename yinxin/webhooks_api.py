"""Webhooks over HTTP: where to be told, of what, what was sent, and sending it again."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service_kit.composition import caller_of, needs, public
from service_kit.idempotency import asked_once
from service_kit.json_bodies import JsonRoute
from service_kit.preconditions import IdempotencyKey, IfMatch, need_version, write_etag
from service_kit.problems import CREATED, problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.webhooks.model import ANY, DESCRIPTION_CHARACTERS, TYPES_PER_ENDPOINT, DeliveryStatus, EndpointStatus
from service_kit.webhooks.subscriptions import SubscriptionDesk, Wanted
from standards.rfc7468_pem import write_pem

if TYPE_CHECKING:
    from service_kit.webhooks.model import Attempt, Delivery, Endpoint

WEBHOOK_MANAGE: Final = "webhook.manage"
SCOPES: Final = {
    WEBHOOK_MANAGE: "Register webhook endpoints of one's own (with client.manage: of any client), read what was sent to them and send it again."
}
PAGE_MAX: Final = 200
ALL: Final = "*"
_TAGS: Final[list[Any]] = ["webhooks"]
_EXAMPLE: Final[dict[str, Any]] = {
    "url": "https://portal.example.org/hooks/yinxin",
    "types": ["seal.state-changed"],
    "description": "portal",
}

EndpointId = Annotated[str, Path(pattern=r"^wh_[0-9a-f]{24}$", max_length=27)]
DeliveryId = Annotated[str, Path(max_length=36)]


class EndpointChange(RequestShape):
    """Where to be told, and of what."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    url: Annotated[str, Field(min_length=8, max_length=2048, description="Must be within the operator's allow-list (`outbound.networks`).")]
    types: Annotated[list[str], Field(min_length=1, max_length=TYPES_PER_ENDPOINT, description="Event types, or `*` alone for all.")] = (
        Field(default=[ANY])
    )
    description: Annotated[str, Field(max_length=DESCRIPTION_CHARACTERS)] = ""
    active: bool = True


class EndpointOrder(EndpointChange):
    """Where to be told, of what, and which client."""

    client: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            description="Whose endpoint it is, if not the caller's own: needs `client.manage`, and must be named where a person calls.",
        ),
    ] = None


class EndpointAnswer(BaseModel):
    """An endpoint. ``secret`` stands only in the answer to its making, and of those under one `Idempotency-Key` in the first alone."""

    id: str
    client: Annotated[str, Field(description="Whose endpoint it is: only what this client may know of is told.")]
    url: str
    types: list[str]
    description: str
    active: bool
    status_reason: str | None
    created_at: datetime
    changed_at: datetime
    version: int
    secret: Annotated[
        str | None, Field(description="`whsec_...`; shown this once. Where that answer was lost, have it replaced (`POST .../secret`).")
    ] = None


class EndpointList(BaseModel):
    """All endpoints of one client, or a page of those of all."""

    endpoints: list[EndpointAnswer]
    next_after: Annotated[str | None, Field(description="The value of `after` for the following page; null on the last.")] = None


class SecretAnswer(BaseModel):
    """A new secret; the old one goes on signing beside it for a day."""

    secret: str


class DeliveryAnswer(BaseModel):
    """One message to one endpoint."""

    id: str
    event_id: Annotated[str, Field(description="The `webhook-id`: the same for every repetition.")]
    event_type: str
    status: DeliveryStatus
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class DeliveryPage(BaseModel):
    """Newest first. ``next_before``: the value of ``before`` for the following page."""

    deliveries: list[DeliveryAnswer]
    next_before: str | None


class AttemptAnswer(BaseModel):
    """One try."""

    number: int
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int


class DeliveryDetail(DeliveryAnswer):
    """With body and attempts."""

    body: str
    tries: list[AttemptAnswer]


class EventTypes(BaseModel):
    """What can be listened to."""

    types: dict[str, str]


class SigningKey(BaseModel):
    """The SM2 key of the header ``webhook-signature-sm2``."""

    algorithm: str
    public_key: Annotated[str, Field(description="SubjectPublicKeyInfo, PEM.")]


def _endpoint(endpoint: Endpoint, secret: str | None = None) -> EndpointAnswer:
    return EndpointAnswer(
        id=endpoint.endpoint_id,
        client=endpoint.owner,
        url=endpoint.url,
        types=list(endpoint.types),
        description=endpoint.description,
        active=endpoint.status is EndpointStatus.ACTIVE,
        status_reason=endpoint.status_reason,
        created_at=endpoint.created_at,
        changed_at=endpoint.changed_at,
        version=endpoint.version,
        secret=secret,
    )


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.delivery_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
    }


def _attempt(attempt: Attempt) -> AttemptAnswer:
    return AttemptAnswer(
        number=attempt.number, at=attempt.at, status=attempt.status, error=attempt.error, milliseconds=attempt.milliseconds
    )


def _wanted(body: EndpointChange) -> Wanted:
    return Wanted(body.url, tuple(body.types), body.description, body.active)


def make_router(desk: SubscriptionDesk, sm2_spki_der: bytes) -> APIRouter:
    """The routes, for the composition to mount."""
    router = APIRouter(tags=_TAGS, route_class=JsonRoute)

    @router.get("/v1/webhook-event-types", summary="What can be listened to", response_model=EventTypes)
    @needs(WEBHOOK_MANAGE)
    def list_webhook_event_types() -> EventTypes:
        return EventTypes(types=dict(sorted(desk.event_types.items())))

    @router.get("/v1/webhook-signing-key", summary="The SM2 key that signs messages", response_model=SigningKey)
    @public("receivers check signatures with it; a public key is no secret")
    def read_webhook_signing_key() -> SigningKey:
        return SigningKey(algorithm="SM2 with SM3", public_key=write_pem("PUBLIC KEY", sm2_spki_der).decode("ascii"))

    @router.post(
        "/v1/webhooks",
        status_code=201,
        summary="Register an endpoint",
        response_model=EndpointAnswer,
        responses={201: CREATED, **problem_answers(409)},
    )
    @needs(WEBHOOK_MANAGE)
    def create_webhook(request: Request, body: EndpointOrder, response: Response, key: IdempotencyKey = None) -> EndpointAnswer:
        caller = caller_of(request)
        once = asked_once(caller, "POST /v1/webhooks", key, body.model_dump_json().encode())
        wanted, owner = _wanted(body), body.client or ""
        endpoint, secret = desk.create(caller, wanted, owner=owner) if once is None else desk.create_once(caller, wanted, once, owner=owner)
        response.headers["location"] = f"/v1/webhooks/{endpoint.endpoint_id}"
        response.headers["etag"] = write_etag(endpoint.version)
        response.headers["cache-control"] = "no-store"
        return _endpoint(endpoint, secret)

    @router.get("/v1/webhooks", summary="List one's endpoints, or those of another client", response_model=EndpointList)
    @needs(WEBHOOK_MANAGE)
    def list_webhooks(
        request: Request,
        client: Annotated[str, Query(max_length=64, description="Of which client, `*` for all: needs `client.manage`.")] = "",
        after: Annotated[str, Query(max_length=128, description="The `next_after` of the page before, with `client=*`.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> EndpointList:
        if client != ALL:
            return EndpointList(endpoints=[_endpoint(each) for each in desk.list_endpoints(caller_of(request), owner=client)])
        owner, _, endpoint_id = after.partition(" ")
        found = desk.list_all(caller_of(request), after=(owner, endpoint_id), limit=limit + 1)
        page = found[:limit]
        following = f"{page[-1].owner} {page[-1].endpoint_id}" if len(found) > limit else None
        return EndpointList(endpoints=[_endpoint(each) for each in page], next_after=following)

    @router.get("/v1/webhooks/{endpoint_id}", summary="Read one endpoint", response_model=EndpointAnswer, responses=problem_answers(404))
    @needs(WEBHOOK_MANAGE)
    def read_webhook(request: Request, endpoint_id: EndpointId, response: Response) -> EndpointAnswer:
        endpoint = desk.find(caller_of(request), endpoint_id)
        response.headers["etag"] = write_etag(endpoint.version)
        return _endpoint(endpoint)

    @router.put(
        "/v1/webhooks/{endpoint_id}", summary="Change an endpoint", response_model=EndpointAnswer, responses=problem_answers(404, 428)
    )
    @needs(WEBHOOK_MANAGE)
    def change_webhook(
        request: Request,
        endpoint_id: EndpointId,
        body: EndpointChange,
        response: Response,
        if_match: IfMatch = None,
    ) -> EndpointAnswer:
        endpoint = desk.change(caller_of(request), endpoint_id, _wanted(body), expected_version=need_version(if_match))
        response.headers["etag"] = write_etag(endpoint.version)
        return _endpoint(endpoint)

    @router.post(
        "/v1/webhooks/{endpoint_id}/secret", summary="Replace the secret", response_model=SecretAnswer, responses=problem_answers(404, 428)
    )
    @needs(WEBHOOK_MANAGE)
    def rotate_webhook_secret(request: Request, endpoint_id: EndpointId, response: Response, if_match: IfMatch = None) -> SecretAnswer:
        endpoint, secret = desk.rotate_secret(caller_of(request), endpoint_id, expected_version=need_version(if_match))
        response.headers["cache-control"] = "no-store"
        response.headers["etag"] = write_etag(endpoint.version)
        return SecretAnswer(secret=secret)

    @router.delete(
        "/v1/webhooks/{endpoint_id}",
        status_code=204,
        summary="Remove an endpoint",
        response_class=Response,
        responses=problem_answers(404, 428),
    )
    @needs(WEBHOOK_MANAGE)
    def remove_webhook(request: Request, endpoint_id: EndpointId, if_match: IfMatch = None) -> None:
        desk.remove(caller_of(request), endpoint_id, expected_version=need_version(if_match))

    @router.get(
        "/v1/webhooks/{endpoint_id}/deliveries",
        summary="What was sent to an endpoint",
        response_model=DeliveryPage,
        responses=problem_answers(404),
    )
    @needs(WEBHOOK_MANAGE)
    def list_webhook_deliveries(
        request: Request,
        endpoint_id: EndpointId,
        before: Annotated[str | None, Query(max_length=36, description="The `next_before` of the page before.")] = None,
        status: DeliveryStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> DeliveryPage:
        found = desk.deliveries(caller_of(request), endpoint_id, before=before, status=status, limit=limit + 1)
        page = found[:limit]
        following = page[-1].delivery_id if len(found) > limit else None
        return DeliveryPage(deliveries=[DeliveryAnswer(**_delivery(each)) for each in page], next_before=following)

    @router.get(
        "/v1/webhook-deliveries/{delivery_id}",
        summary="One message with every attempt",
        response_model=DeliveryDetail,
        responses=problem_answers(404),
    )
    @needs(WEBHOOK_MANAGE)
    def read_webhook_delivery(request: Request, delivery_id: DeliveryId) -> DeliveryDetail:
        delivery, attempts = desk.delivery(caller_of(request), delivery_id)
        return DeliveryDetail(**_delivery(delivery), body=delivery.body.decode(), tries=[_attempt(each) for each in attempts])

    @router.post(
        "/v1/webhook-deliveries/{delivery_id}/resend",
        status_code=202,
        summary="Send a message again",
        response_class=Response,
        responses=problem_answers(404, 409),
    )
    @needs(WEBHOOK_MANAGE)
    def resend_webhook_delivery(request: Request, delivery_id: DeliveryId) -> None:
        desk.resend(caller_of(request), delivery_id)

    return router
