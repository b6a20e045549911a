"""Read an ID token of our own that is shown as a hint: expired ones count, others' do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.jose import check_token
from crypto.sm2_form import SM2_FORMS
from idp.tokens.person_tokens import ID_TYPE
from standards.errors import TrustError

if TYPE_CHECKING:
    from idp.actions.choose_signing_key import KeyRing


@dataclass(frozen=True, slots=True)
class TokenHint:
    """Of an ID token shown as a hint: the client it was made for, the session it belongs to, and whom it names to that client."""

    client_id: str
    session_id: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class HintReader:
    """Reads hints by the keys of this deployment. ``issuer``: its base URL."""

    ring: KeyRing
    issuer: str

    def read(self, token: str) -> TokenHint | None:
        """What it says; None unless this deployment signed it as an ID token. Its time does not matter (RP-Initiated Logout 4)."""
        try:
            checked = check_token(token, self.ring.verification_keys(), token_type=ID_TYPE.lower(), sm2_forms=SM2_FORMS)
        except TrustError:
            return None
        if not self.ring.stands(checked.key.key_id):
            return None
        claims = checked.claims
        client_id, session_id, subject = (claims.get(name) for name in ("aud", "sid", "sub"))
        if claims.get("iss") != self.issuer or not (
            isinstance(client_id, str) and isinstance(session_id, str) and isinstance(subject, str)
        ):
            return None
        return TokenHint(client_id, session_id, subject)
