"""Grants: what a person has let a client have, from the redeemed code on until it ends. Refresh tokens hang on one. No input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service_kit.dpop import Proof

GRANT_SECONDS: Final = 90 * 86_400  # an unused refresh token ends before, with its session or after this
SIGNED_OUT: Final = frozenset({"session", "revoked"})  # why a grant ended: by the person's own leave, or the client's
REFRESH_BYTES: Final = 32
TWO_FACTORS: Final = "mfa"  # in ``amr`` (RFC 8176)
REFRESH_PREFIX: Final = "yxr_"  # lets scanners of source code find one that was committed by mistake


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sender proved to hold: a DPoP key's thumbprint, a TLS certificate's SHA-256, both base64url; None: nothing of the kind.

    ``proof``: counts once, in the write job that makes durable what it was shown for.
    """

    dpop_jkt: str | None = None
    certificate_digest: str | None = None
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class PersonGrant:
    """``account_id``: who signed in; ``acting_for``: the organisation he acts for. ``source_id``: the grant of which it came by a trust ticket or in
    exchange, and with which it ends; None: it came of a sign-in. ``exchanged_by``: the client that holds its one token, exchanged for one of
    ``client_id``'s, whom the person let have it; None: ``client_id`` holds its tokens. ``dpop_jkt``, ``certificate_digest``: the key or the
    certificate (base64url SHA-256) every token of it is bound to. ``is_offline``: it outlives its session. ``ends_at``: no access token counts longer,
    known only of one that is just handed out (``cut_scopes``), None: no such end. Times are aware UTC.
    """

    grant_id: str
    client_id: str
    account_id: str
    acting_for: str | None
    session_id: str
    scopes: tuple[str, ...]
    audience: str
    acr: str
    amr: tuple[str, ...]
    auth_at: datetime
    nonce: str | None
    created_at: datetime
    is_offline: bool = False
    dpop_jkt: str | None = None
    certificate_digest: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    ended_at: datetime | None = None
    ended_why: str = ""
    ends_at: datetime | None = None
    source_id: str | None = None
    exchanged_by: str | None = None

    @property
    def subject_id(self) -> str:
        """Whom tokens are about: the organisation where the person acts for one."""
        return self.acting_for or self.account_id

    @property
    def has_two(self) -> bool:
        """Whether the person showed two factors when he signed in."""
        return TWO_FACTORS in self.amr

    @property
    def holder_id(self) -> str:
        """The client that its tokens were issued to."""
        return self.exchanged_by or self.client_id


def new_grant_id() -> str:
    """Such as ``gr_`` and 24 hexadecimal digits."""
    return "gr_" + secrets.token_hex(12)


def new_refresh_token() -> str:
    """256 random bits behind a prefix; only its digest is stored."""
    return REFRESH_PREFIX + secrets.token_urlsafe(REFRESH_BYTES)
