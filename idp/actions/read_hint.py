"""Read an ID token of our own that is shown as a hint: expired ones count, others' do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.jose import check_token
from crypto.sm2_form import SM2_FORMS
from idp.tokens.person_tokens import ID_TYPE, session_of
from standards.errors import TrustError

if TYPE_CHECKING:
    from idp.actions.choose_signing_key import KeyRing
    from idp.actions.recall_client import ClientMemory


@dataclass(frozen=True, slots=True)
class TokenHint:
    """Of an ID token shown as a hint: the client it was made for, the session it belongs to, and whom it names to that client."""

    client_id: str
    session_id: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class HintReader:
    """Reads hints by the keys of this deployment. ``issuer``: its base URL. ``memory``, ``pairwise_key``: by which names clients know sessions."""

    ring: KeyRing
    issuer: str
    memory: ClientMemory
    pairwise_key: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "HintReader()"

    def read(self, token: str) -> TokenHint | None:
        """What it says; None unless this deployment signed it as an ID token. Blocks. Its time does not matter (RP-Initiated Logout 4)."""
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
        known = self.memory.present(client_id)
        if known is not None and known.registration is not None:
            session_id = session_of(known.registration, session_id, self.pairwise_key)
        return None if session_id is None else TokenHint(client_id, session_id, subject)
