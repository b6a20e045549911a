"""Signing whatever the provider states to a client: ID tokens, answers about tokens and people, logout notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.jose import TokenSigner
from crypto.sm2_form import SM2_FORM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crypto.signer import Signer
    from crypto.sm2_form import Sm2Form
    from idp.model.clients import SigningKey


def sign_jwt(key: SigningKey, signer: Signer, token_type: str, claims: Mapping[str, object], sm2: Sm2Form = SM2_FORM) -> str:
    """The token, compact. ``key``, ``signer``: as KeyRing.signing gives them for the client's algorithm. ``token_type``: its ``typ`` (RFC 8725 3.11).
    ``sm2``: how the client reads SM2 (``sm2_form_of``).

    Its record must be durable by then, and the record's write must have demanded the key unchanged (KeyRing.demand_unchanged).
    """
    return TokenSigner(signer, key_id=key.key_id, token_type=token_type, sm2=sm2).sign(claims)
