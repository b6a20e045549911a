"""Trust tickets: one application sends a signed-in person on to another, which redeems the ticket server to server. No input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

TICKET_SECONDS: Final = 60
TICKET_BYTES: Final = 32
TICKET_PREFIX: Final = "yxt_"  # lets scanners of source code and logs find one
TICKET_TYPE: Final = "urn:yinxin:params:oauth:token-type:trust-ticket"


@dataclass(frozen=True, slots=True)
class TrustTicket:
    """A ticket says nothing itself; this is what it stands for. ``target_mac``: the MAC of the target's row when it was issued, so that it
    counts only while the target still has the keys and rules it had. ``became``: the grant it was redeemed for. Times are aware UTC.
    """

    issued_by: str
    target_id: str
    target_mac: bytes
    grant_id: str
    scopes: tuple[str, ...]
    expires_at: datetime
    is_spent: bool = False
    became: str | None = None


def new_ticket() -> str:
    """256 random bits behind a prefix; only its digest is stored."""
    return TICKET_PREFIX + secrets.token_urlsafe(TICKET_BYTES)
