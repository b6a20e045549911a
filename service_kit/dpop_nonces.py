"""Nonces that senders must put into their proofs of possession (RFC 9449 8, 9), so that no proof can have been made long before its use.

Nothing is stored: a nonce is a MAC over its five minutes, the same for everybody, and counts in these and the following ones. All
processes of a deployment give and take the same.
"""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Final

from crypto.sm3 import hmac_sm3
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from service_kit.dpop import Proof

WINDOW_SECONDS: Final = 300
HEADER: Final = "DPoP-Nonce"
CODE: Final = "DPOP_NONCE_NEEDED"
FACT: Final = "nonce"
NEVER, STRICT, ALWAYS = "never", "fapi2", "always"
WHEN: Final = (NEVER, STRICT, ALWAYS)
"""Of whom nonces are demanded: nobody, clients of the FAPI 2.0 profile, everybody who sends a proof."""
_BYTES: Final = 18


class Nonces:
    """The nonces of a deployment. ``key``: 32 secret bytes, the same in all of its processes. ``when``: one of WHEN."""

    def __init__(self, key: bytes, when: str = NEVER) -> None:
        self._key = key
        self.when = when

    def __repr__(self) -> str:
        """Without the key."""
        return f"Nonces({self.when!r})"

    def of(self, at: datetime) -> str:
        """The nonce to be given out at a time."""
        return self._nonce(int(at.timestamp()) // WINDOW_SECONDS)

    def demand(self, proof: Proof, at: datetime, *, is_strict: bool, kind: Kind = Kind.UNAUTHENTICATED) -> None:
        """Raise DPOP_NONCE_NEEDED, with the nonce to use, unless the proof has a nonce that counts or none is demanded of its sender.

        ``is_strict``: whether the sender is held to the strict profile. ``kind``: of the refusal; endpoints of tokens answer otherwise
        than resources (RFC 9449 8, 9).
        """
        self.demand_stated(proof.nonce, at, is_strict=is_strict, kind=kind)

    def demand_stated(self, nonce: str | None, at: datetime, *, is_strict: bool, kind: Kind = Kind.UNAUTHENTICATED) -> None:
        """As ``demand``, for a nonce that a proof states before anything else of it is checked."""
        if self.when == NEVER or (self.when == STRICT and not is_strict):
            return
        window = int(at.timestamp()) // WINDOW_SECONDS
        given = (nonce or "").encode("utf-8", "replace")
        if not any(hmac.compare_digest(given, self._nonce(each).encode()) for each in (window, window - 1)):
            raise TrustError(kind, CODE, nonce=self._nonce(window))

    def _nonce(self, window: int) -> str:
        return base64.urlsafe_b64encode(hmac_sm3(self._key, b"yinxin dpop nonce v1 %d" % window)[:_BYTES]).decode("ascii")
