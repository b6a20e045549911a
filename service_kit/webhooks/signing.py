"""Signatures of webhook messages (Standard Webhooks 1.0): HMAC-SHA256 over ``id.timestamp.body``, and SM2 in a header of our own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from service_kit.webhooks.model import secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

TOLERANCE_SECONDS: Final = 300  # what receivers are told to allow between the timestamp and their clock
_SCHEME: Final = "v1"


def to_be_signed(message_id: str, timestamp: int, body: bytes) -> bytes:
    """The bytes under every signature of a message. ``timestamp``: seconds since 1970 UTC."""
    return message_id.encode() + b"." + str(timestamp).encode() + b"." + body


def sign_message(
    message_id: str, at: datetime, body: bytes, secrets: Sequence[str], *, sign_sm2: Callable[[bytes], bytes] | None = None
) -> dict[str, str]:
    """The headers of one attempt. ``secrets``: the present one first, then one that is being replaced.

    ``sign_sm2``: bytes in, DER {r, s} out; it goes into ``webhook-signature-sm2``, base64.
    """
    timestamp = int(at.timestamp())
    content = to_be_signed(message_id, timestamp, body)
    signatures = [_hmac(secret, content) for secret in secrets]
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"{_SCHEME},{signature}" for signature in signatures),
    }
    if sign_sm2 is not None:
        headers["webhook-signature-sm2"] = base64.b64encode(sign_sm2(content)).decode()
    return headers


def is_signed(secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, at: datetime) -> bool:
    """What a receiver does: time within the tolerance, one of the signatures ours. Constant-time comparison; never raises."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(at.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    wanted = f"{_SCHEME},{_hmac(secret, to_be_signed(message_id, int(timestamp), body))}".encode()
    return any(hmac.compare_digest(wanted, each.encode()) for each in signatures.split(" "))


def _hmac(secret: str, content: bytes) -> str:
    return base64.b64encode(hmac.new(secret_key(secret), content, hashlib.sha256).digest()).decode()
