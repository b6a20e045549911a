"""Authorization codes: what one stands for. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

CODE_SECONDS: Final = 60  # RFC 6749 4.1.2 allows ten minutes, FAPI 2.0 5.3.2.1 one; a browser needs a second
CODE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code's grant: for whom, by whom, bound to what. Times are aware UTC."""

    client_id: str
    redirect_uri: str
    account_id: str
    acting_for: str | None
    session_id: str
    acr: str
    amr: tuple[str, ...]
    auth_at: datetime
    scopes: tuple[str, ...]
    nonce: str | None
    resource: str | None
    code_challenge: str | None
    dpop_jkt: str | None
    expires_at: datetime
    claims: Mapping[str, Any] = field(default_factory=dict)
