"""Initial access tokens (RFC 7591 3): by one of these a system may register itself, within what the token allows. No input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from datetime import datetime

TOKEN_BYTES: Final = 32  # 256 random bits
INITIAL_PREFIX: Final = "yxi_"  # these let scanners of source code find one that was committed by mistake
MANAGEMENT_PREFIX: Final = "yxm_"
DAYS_MAX: Final = 366
USES_MAX: Final = 1000
NOTE_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class InitialToken:
    """``scopes``: what the clients may have beside signing people in. ``needs_approval``: they are disabled until an administrator lets them in.
    ``is_pkce_required`` False: clients with credentials may do without. Times are aware UTC.
    """

    token_id: str
    note: str
    scopes: tuple[str, ...]
    needs_approval: bool
    is_pkce_required: bool
    uses_max: int
    created_at: datetime
    created_by: str
    expires_at: datetime


def check_initial_token(token: InitialToken) -> None:
    """Raise CLIENT_FIELD_INVALID naming the field that breaks its rule."""
    if len(token.note) > NOTE_CHARACTERS_MAX or (token.note and not is_printable(token.note)):
        raise _invalid("note", f"at most {NOTE_CHARACTERS_MAX} visible characters")
    if not 1 <= token.uses_max <= USES_MAX:
        raise _invalid("uses", f"1 to {USES_MAX}")
    if not 0 < (token.expires_at - token.created_at).days <= DAYS_MAX:
        raise _invalid("days", f"1 to {DAYS_MAX}")


def new_token(prefix: str) -> str:
    """256 random bits behind a prefix; only its digest is stored."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def _invalid(field: str, expected: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field=field, expected=expected)
