"""Nonces for proofs of wallets (OpenID4VCI 1.0, 7): fresh, short-lived, and recognised without a row for each that is asked for.

A nonce says until when it counts, has 128 random bits, and a MAC under a key of this deployment. That it is used once is for the caller
to see to (service_kit/one_use.py): only a nonce that comes back in a right proof costs a row.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from crypto.jose import read_base64url, write_base64url
from crypto.sm3 import hmac_sm3
from standards.errors import TrustError

NONCE_SECONDS: Final = 300
RANDOM_BYTES: Final = 16
MAC_BYTES: Final = 16
_TIME_BYTES: Final = 8
_CONTEXT: Final = b"yinxin credential nonce v1\0"


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac_sm3(key, _CONTEXT + content)[:MAC_BYTES]


def new_nonce(key: bytes, at: datetime) -> str:
    """A nonce that counts for NONCE_SECONDS from ``at`` (aware UTC)."""
    content = (int(at.timestamp()) + NONCE_SECONDS).to_bytes(_TIME_BYTES, "big") + secrets.token_bytes(RANDOM_BYTES)
    return write_base64url(content + _mac(key, content))


def read_nonce(key: bytes, nonce: str, at: datetime) -> datetime | None:
    """Until when a nonce of ours counts, aware UTC; None for every other text and for one whose time is over."""
    try:
        data = read_base64url(nonce)
    except TrustError:
        return None
    content, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
    if len(content) != _TIME_BYTES + RANDOM_BYTES or not hmac.compare_digest(mac, _mac(key, content)):
        return None
    until = datetime.fromtimestamp(0, UTC) + timedelta(seconds=int.from_bytes(content[:_TIME_BYTES], "big"))
    return until if at < until else None
