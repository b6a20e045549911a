"""Issue an authorization code, and redeem it once. Both run within the caller's transaction, so that code and audit row are one."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from idp.model.codes import CODE_BYTES, CODE_SECONDS, IssuedCode
from idp.store.codes import find_code, insert_code, spend_code
from idp.tokens.authorization_request import proves_challenge
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.model.requests import Authentication, AuthorizationRequest


def issue_code(
    connection: Connection,
    request: AuthorizationRequest,
    who: Authentication,
    granted_scopes: tuple[str, ...],
    at: datetime,
    *,
    mac_key: bytes,
) -> str:
    """A new code, 256 random bits in base64url; only its digest is stored. It lives for CODE_SECONDS."""
    code = secrets.token_urlsafe(CODE_BYTES)
    issued = IssuedCode(
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        account_id=who.account_id,
        acting_for=who.acting_for,
        session_id=who.session_id,
        acr=who.acr,
        amr=who.amr,
        auth_at=who.auth_time,
        scopes=granted_scopes,
        nonce=request.nonce,
        resource=request.resource,
        code_challenge=request.code_challenge,
        dpop_jkt=request.dpop_jkt,
        expires_at=at + timedelta(seconds=CODE_SECONDS),
        claims=request.claims,
    )
    insert_code(connection, sm3(code.encode()), issued, mac_key)
    return code


def redeem_code(
    connection: Connection,
    code: str,
    *,
    client_id: str,
    redirect_uri: str | None,
    verifier: str | None,
    dpop_jkt: str | None,
    at: datetime,
    mac_key: bytes,
    grant_id: str | None = None,
) -> IssuedCode:
    """What the code stands for, for the client it was issued to, once. ``client_id``: authenticated already.

    TrustError CODE_INVALID for an unknown, foreign, expired or spent code and for a wrong address, verifier or key: which of these is not
    told. CODE_REUSED where the rightful client sends a spent one: what it gave must be revoked (RFC 6749 4.1.2).
    """
    digest = sm3(code.encode("utf-8", "replace"))
    found = find_code(connection, digest, mac_key)
    # 1. Whose it is comes first: nobody can spend, or have revoked, what was issued to another
    if found is None or found[0].client_id != client_id:
        raise TrustError(Kind.UNACCEPTABLE, "CODE_INVALID")
    issued, is_spent = found
    if is_spent:
        raise TrustError(Kind.UNACCEPTABLE, "CODE_REUSED")
    # 2. What it is bound to; a verifier where no challenge was sent is a downgrade (RFC 9700 4.8.2)
    is_bound = proves_challenge(issued.code_challenge, verifier or "") if issued.code_challenge is not None else verifier is None
    if not is_bound or redirect_uri != issued.redirect_uri or at >= issued.expires_at:
        raise TrustError(Kind.UNACCEPTABLE, "CODE_INVALID")
    if issued.dpop_jkt is not None and dpop_jkt != issued.dpop_jkt:
        raise TrustError(Kind.UNACCEPTABLE, "CODE_INVALID")
    # 3. Spent by exactly one
    if not spend_code(connection, digest, at, mac_key, grant_id):
        raise TrustError(Kind.UNACCEPTABLE, "CODE_REUSED")
    return issued
