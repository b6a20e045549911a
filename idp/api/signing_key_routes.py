"""The keys that sign tokens, over HTTP, for callers with the scope key.manage: seen, changed in peace, replaced in need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations
from pydantic import BaseModel, ConfigDict, Field

from idp.actions.rotate_signing_key import replace_signing_key, rotate_signing_key
from idp.model.clients import SIGNING_ALGORITHMS, published_keys_at, signing_key_at
from idp.store.clients import load_signing_keys
from service_kit.composition import caller_of, needs
from service_kit.idempotency import asked_once
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - FastAPI reads the annotations at run time
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.written_times import WrittenUtc, write_utc

if TYPE_CHECKING:
    from datetime import datetime

    from idp.actions.choose_signing_key import KeyRing
    from idp.actions.rotate_signing_key import KeyDesk
    from idp.model.clients import SigningKey

MANAGE: Final = "key.manage"
_KEY: Final[dict[str, Any]] = {
    "key_id": "token-20260501-0a1b2c3d",
    "algorithm": "ES256",
    "state": "signing",
    "created_at": "2026-05-01T00:00:00Z",
    "signs_from": "2026-05-01T00:15:00Z",
    "withdrawn_at": None,
}


class SigningKeyView(BaseModel):
    """A key, without its private part. It lives in the key store under its ``key_id``."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    key_id: str
    algorithm: str
    state: Literal["announced", "signing", "published", "retired", "withdrawn"] = Field(
        description="announced: published, and signs later; published: its last tokens may still be good; retired: in no key set any more."
    )
    created_at: WrittenUtc = Field(description="UTC, RFC 3339")
    signs_from: WrittenUtc = Field(description="UTC, RFC 3339")
    withdrawn_at: WrittenUtc | None


class SigningKeyList(BaseModel):
    """All of them, in the order in which they were made."""

    keys: list[SigningKeyView]


class SigningKeyChange(RequestShape):
    """``at_once``: after a compromise. Every key of the algorithm, and every token that it signed, is worth nothing from now on,
    in every process of this deployment. Services that run apart find out when they fetch the key set next, within a minute.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"algorithm": "ES256", "reason": "Half-yearly change."}]})

    algorithm: str = Field(json_schema_extra={"enum": list(SIGNING_ALGORITHMS)}, pattern="^(" + "|".join(SIGNING_ALGORITHMS) + ")$")
    at_once: bool = False
    reason: str = Field(min_length=1, max_length=500, description="Stands in the audit trail.")


def state_of(keys: tuple[SigningKey, ...], key: SigningKey, at: datetime) -> str:
    """What a key does at a time, as ``SigningKeyView.state`` says it."""
    if key.withdrawn_at is not None:
        return "withdrawn"
    if at < key.signs_from_at:
        return "announced"
    if key == signing_key_at(keys, at, key.algorithm):
        return "signing"
    return "published" if key in published_keys_at(keys, at, (key.algorithm,)) else "retired"


def _view(keys: tuple[SigningKey, ...], key: SigningKey, at: datetime) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "algorithm": key.algorithm,
        "state": state_of(keys, key, at),
        "created_at": write_utc(key.created_at),
        "signs_from": write_utc(key.signs_from_at),
        "withdrawn_at": write_utc(key.withdrawn_at),
    }


def add_signing_key_routes(router: APIRouter, desk: KeyDesk, ring: KeyRing) -> None:
    """Add them to the service's router."""
    tags: list[Any] = ["signing keys"]

    def read() -> tuple[SigningKey, ...]:
        with desk.database.read() as connection:
            return load_signing_keys(connection, desk.mac_key)[0]

    @router.get("/v1/signing-keys", summary="The keys that sign tokens", response_model=SigningKeyList, tags=tags)
    @needs(MANAGE)
    def list_signing_keys(response: Response) -> dict[str, Any]:
        response.headers["cache-control"] = "no-store"
        keys, at = read(), desk.clock.now()
        return {"keys": [_view(keys, key, at) for key in sorted(keys, key=lambda each: (each.created_at, each.key_id))]}

    @router.post(
        "/v1/signing-keys",
        status_code=201,
        summary="Change a key that signs tokens",
        response_model=SigningKeyView,
        tags=tags,
        responses=problem_answers(409),
    )
    @needs(MANAGE)
    def change_signing_key(body: SigningKeyChange, request: Request, key: IdempotencyKey = None) -> dict[str, Any]:
        caller = caller_of(request)
        once = asked_once(caller, "POST /v1/signing-keys", key, body.model_dump_json().encode())
        change = replace_signing_key if body.at_once else rotate_signing_key
        made = change(desk, actor=caller.actor, algorithm=body.algorithm, reason=body.reason, once=once)
        ring.forget()  # this process knows at once; others read their keys again within KEY_RING_MAX_AGE_SECONDS
        return _view(read(), made, desk.clock.now())
