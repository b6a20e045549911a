"""Endpoints, deliveries, and the rules over them. No input or output here."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - Standard Webhooks: how secrets are recognised
SECRET_BYTES: Final = 32  # Standard Webhooks: 24 to 64
SECRET_OVERLAP_SECONDS: Final = 24 * 3600  # a replaced secret goes on signing beside the new one
GIVE_UP_SECONDS: Final = 3 * 24 * 3600  # an endpoint that answers nothing for so long gets the message only by a re-send
ENDPOINTS_PER_OWNER: Final = 32
TYPES_PER_ENDPOINT: Final = 64
DESCRIPTION_CHARACTERS: Final = 200
AUDIENCE_MAX: Final = 100
EVENT_BYTES: Final = 64 * 1024
ANY: Final = "*"


class EndpointStatus(StrEnum):
    """Whether messages go to an endpoint."""

    ACTIVE = "active"
    DISABLED = "disabled"  # by its owner, or because it answered 410 Gone


class DeliveryStatus(StrEnum):
    """Where one message to one endpoint is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one owner wants to be told, and of what. ``types``: event types, or ``*``. Times are aware UTC."""

    endpoint_id: str
    owner: str
    url: str
    types: tuple[str, ...]
    description: str
    status: EndpointStatus
    status_reason: str | None
    created_at: datetime
    changed_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    body: bytes
    status: DeliveryStatus
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. ``status``: of the answer, where there was one; ``error``: a code otherwise."""

    number: int
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int


def new_secret() -> str:
    """A fresh endpoint secret: ``whsec_`` and base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def secret_key(secret: str) -> bytes:
    """The key inside a secret."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX))


def check_types(types: tuple[str, ...], known: Mapping[str, str]) -> None:
    """Raise ``WEBHOOK_TYPES_UNACCEPTABLE`` unless each type exists and none comes twice; ``*`` stands alone."""
    if types == (ANY,):
        return
    unknown = [each for each in types if each not in known]
    if not 1 <= len(types) <= TYPES_PER_ENDPOINT or len(set(types)) != len(types) or unknown:
        raise TrustError(
            Kind.UNACCEPTABLE,
            "WEBHOOK_TYPES_UNACCEPTABLE",
            unknown=", ".join(unknown[:5])[:200],
            expected=f"1 to {TYPES_PER_ENDPOINT}, or *",
        )


def write_event(event_id: str, event_type: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body of a message: id, type, timestamp (RFC 3339 UTC), data."""
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {"id": event_id, "type": event_type, "timestamp": stamp, "data": dict(data)}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if len(body) > EVENT_BYTES:
        raise ValueError("an event carries references, not documents")
    return body
