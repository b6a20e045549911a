"""Registration of clients over HTTP, for callers with the scope client.manage. Nobody passes on a scope he does not hold himself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from idp.actions.change_client_status import change_client_status
from idp.actions.register_client import NewClient, Registered, register_client, register_client_once
from idp.actions.rotate_secret import rotate_secret
from idp.model.clients import (
    AUDIENCES_PER_CLIENT_MAX,
    NAME_CHARACTERS_MAX,
    PAGE_CLIENTS_MAX,
    SCOPES_PER_CLIENT_MAX,
    SECRET_OVERLAP_SECONDS_MAX,
    TOKENS_PER_MINUTE_DEFAULT,
    TOKENS_PER_MINUTE_MAX,
    Client,
    ClientStatus,
)
from idp.store.clients import list_clients, load_client
from service_kit.composition import caller_of, needs
from service_kit.idempotency import RequestKey
from service_kit.preconditions import IdempotencyKey, IfMatch, read_if_match, write_etag
from service_kit.problems import CREATED, problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.written_times import WrittenUtc, write_utc

if TYPE_CHECKING:
    from idp.actions.register_client import ClientDesk

MANAGE: Final = "client.manage"
_REGISTRATION: Final[dict[str, Any]] = {"name": "Department of Housing", "client_id": "housing", "scopes": ["seal.use"]}


class ClientRegistration(RequestShape):
    """What a client is registered with. Fields nobody knows are refused, so that nobody believes to have set something."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REGISTRATION]})

    name: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX, description="What people call it.")
    scopes: list[str] = Field(
        max_length=SCOPES_PER_CLIENT_MAX, description="What its own tokens may be used for; none where it only signs people in."
    )
    audiences: list[str] = Field(
        default=[], max_length=AUDIENCES_PER_CLIENT_MAX, description="Resource servers it may ask tokens for; empty: this deployment."
    )
    client_id: str | None = Field(default=None, description="3 to 64 letters, digits, dots, underscores, hyphens; made up where missing.")
    tokens_per_minute: int = Field(default=TOKENS_PER_MINUTE_DEFAULT, ge=1, le=TOKENS_PER_MINUTE_MAX)


class SecretRotation(RequestShape):
    """How a secret is replaced."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 3600}]})

    overlap_seconds: int = Field(
        default=0, ge=0, le=SECRET_OVERLAP_SECONDS_MAX, description="How long the secrets that work now go on working."
    )


class ClientView(BaseModel):
    """A client as it is shown: never with its secret."""

    client_id: str
    name: str
    status: ClientStatus
    scopes: list[str]
    audiences: list[str]
    tokens_per_minute: int
    created_at: WrittenUtc = Field(description="UTC, RFC 3339")
    created_by: str
    changed_at: WrittenUtc = Field(description="UTC, RFC 3339")


class NewClientView(ClientView):
    """A client with its new secret: this answer is the only time it is shown."""

    client_secret: str


class RegisteredClientView(ClientView):
    """A client with its secret, which is kept nowhere: who repeats the request under its `Idempotency-Key` is told which client it made, as it now stands."""

    client_secret: str | None = Field(
        description="Null in every answer but the first under an `Idempotency-Key`; where that was lost, have it replaced (`POST .../secret`)."
    )
    secret_shown_before: bool = Field(description="Whether this repeats a request that was answered with the secret.")


class ClientPage(BaseModel):
    """Some clients in the order of their ids. ``next_after``: the value of ``after`` for the following page, null on the last."""

    clients: list[ClientView]
    next_after: str | None


def client_view(client: Client) -> dict[str, Any]:
    """A client as JSON-compatible values, without anything secret."""
    return {
        "client_id": client.client_id,
        "name": client.name,
        "status": client.status.value,
        "scopes": list(client.scopes),
        "audiences": list(client.audiences),
        "tokens_per_minute": client.tokens_per_minute,
        "created_at": write_utc(client.created_at),
        "created_by": client.created_by,
        "changed_at": write_utc(client.changed_at),
    }


def add_client_routes(router: APIRouter, desk: ClientDesk) -> None:
    """Add them to the service's router."""
    tags: list[Any] = ["clients"]

    @router.post(
        "/v1/clients",
        status_code=201,
        summary="Register a client",
        response_model=RegisteredClientView,
        tags=tags,
        responses={201: CREATED, **problem_answers(409)},
    )
    @needs(MANAGE)
    def create_client(request: Request, body: ClientRegistration, response: Response, key: IdempotencyKey = None) -> dict[str, Any]:
        caller = caller_of(request)
        wanted = NewClient(body.name, tuple(body.scopes), tuple(body.audiences), body.client_id, body.tokens_per_minute)
        if key is None:
            made = Registered(*register_client(desk, wanted, actor=caller.actor, grantable=caller.scopes))
        else:
            claimed = RequestKey(caller.claimant, "POST /v1/clients", key)
            made = register_client_once(desk, wanted, claimed, actor=caller.actor, grantable=caller.scopes)
        response.headers["location"] = f"/v1/clients/{made.client.client_id}"
        response.headers["cache-control"] = "no-store"
        return {**client_view(made.client), "client_secret": made.secret, "secret_shown_before": made.secret is None}

    @router.get("/v1/clients", summary="List clients", response_model=ClientPage, tags=tags)
    @needs(MANAGE)
    def read_clients(
        after: Annotated[str, Query(max_length=64)] = "", limit: Annotated[int, Query(ge=1, le=PAGE_CLIENTS_MAX)] = PAGE_CLIENTS_MAX
    ) -> dict[str, Any]:
        with desk.database.read() as connection:
            found = list_clients(connection, desk.mac_key, after=after, count=limit + 1)
        page = found[:limit]
        return {"clients": [client_view(client) for client in page], "next_after": page[-1].client_id if len(found) > limit else None}

    @router.get("/v1/clients/{client_id}", summary="Show a client", response_model=ClientView, tags=tags, responses=problem_answers(404))
    @needs(MANAGE)
    def read_client(client_id: str, response: Response) -> dict[str, Any]:
        with desk.database.read() as connection:
            client = load_client(connection, client_id, desk.mac_key)
        response.headers["etag"] = write_etag(client.version)
        return client_view(client)

    def moved(request: Request, client_id: str, status: ClientStatus, response: Response, if_match: str | None) -> dict[str, Any]:
        caller, seen = caller_of(request), read_if_match(if_match)
        grantable = caller.scopes if status is ClientStatus.ACTIVE else None
        client = change_client_status(desk, client_id, status, actor=caller.actor, if_version=seen, grantable=grantable)
        response.headers["etag"] = write_etag(client.version)
        return client_view(client)

    @router.post(
        "/v1/clients/{client_id}/secret",
        summary="Replace a client's secret",
        response_model=NewClientView,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def replace_secret(request: Request, client_id: str, body: SecretRotation, response: Response) -> dict[str, Any]:
        caller = caller_of(request)
        client, secret = rotate_secret(desk, client_id, overlap_seconds=body.overlap_seconds, actor=caller.actor, grantable=caller.scopes)
        response.headers["cache-control"] = "no-store"
        return {**client_view(client), "client_secret": secret}

    @router.post(
        "/v1/clients/{client_id}/disable",
        summary="Disable a client: it gets no further token",
        response_model=ClientView,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def disable_client(request: Request, client_id: str, response: Response, if_match: IfMatch = None) -> dict[str, Any]:
        return moved(request, client_id, ClientStatus.DISABLED, response, if_match)

    @router.post(
        "/v1/clients/{client_id}/enable",
        summary="Let a disabled client in again",
        response_model=ClientView,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def enable_client(request: Request, client_id: str, response: Response, if_match: IfMatch = None) -> dict[str, Any]:
        return moved(request, client_id, ClientStatus.ACTIVE, response, if_match)
