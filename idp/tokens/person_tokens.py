"""What tokens about people say: the access token (RFC 9068) and the ID token (OpenID Connect Core 2). Pure: values in, claims out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import urlsplit

from crypto.jose import read_base64url, write_base64url
from crypto.sm3 import hmac_sm3, sm3
from crypto.sm4 import KEY_BYTES, NONCE_BYTES, sm4_gcm_open, sm4_gcm_seal
from idp.model.clients import GM_ALGORITHM, TOKEN_SECONDS
from idp.model.redirects import is_on_device
from service_kit.callers import PAIRWISE
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.model.grants import PersonGrant
    from idp.model.registrations import Registration

ACCESS_TYPE: Final = "at+jwt"
ID_TYPE: Final = "JWT"
GRANT_CLAIM: Final = "gid"  # ours: which grant a token hangs on, so that it ends with it
SECTOR_SESSION: Final = "ss_"  # what begins a session's name that one sector alone knows
_HALF: Final = 16


def subject_for(registration: Registration, subject_id: str, pairwise_key: bytes) -> str:
    """Under which name a client knows somebody: the account's own id, or one that only this client's sector sees (OIDC Core 8.1)."""
    if registration.subject_type == "public":
        return subject_id
    sector = _sector(registration)
    return PAIRWISE + hmac_sm3(pairwise_key, f"yinxin pairwise v1\0{sector}\0{subject_id}".encode()).hex()


def pairwise_key_of(mac_key: bytes) -> bytes:
    """The key behind the names of people, and of their sessions, that each sector has for itself. Derived, so that a deployment made before there were
    such names needs no new secret.
    """
    return hmac_sm3(mac_key, b"yinxin pairwise subjects v1")


def session_for(registration: Registration, session_id: str, pairwise_key: bytes) -> str:
    """Under which name (``sid``) a client knows a session: one sector's own where its people are, or two of them would know by it that their two
    names are one person. Always the same, and readable by us alone (``session_of``): its nonce comes of what is sealed.
    """
    if registration.subject_type == "public":
        return session_id
    sector = (_sector(registration) or "").encode()
    nonce = hmac_sm3(pairwise_key, b"\0".join((b"yinxin pairwise session nonce v1", sector, session_id.encode())))[:NONCE_BYTES]
    return SECTOR_SESSION + write_base64url(nonce + sm4_gcm_seal(_session_key(pairwise_key), nonce, session_id.encode(), sector))


def session_of(registration: Registration, sid: str, pairwise_key: bytes) -> str | None:
    """Which session a client means by a ``sid``; None for what was never its name for one. One from before it had names of its own is the session's."""
    if not sid.startswith(SECTOR_SESSION):
        return sid
    try:
        sealed = read_base64url(sid.removeprefix(SECTOR_SESSION))
        sector = (_sector(registration) or "").encode()
        return sm4_gcm_open(_session_key(pairwise_key), sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], sector).decode()
    except (TrustError, ValueError):
        return None


def _session_key(pairwise_key: bytes) -> bytes:
    return hmac_sm3(pairwise_key, b"yinxin pairwise sessions v1")[:KEY_BYTES]


def _sector(registration: Registration) -> str | None:
    """The host that stands for the sector; a client without one that says whose it is, is a sector of its own.

    Programs of strangers have their addresses on the person's own device alike: by the host they would know the person under one name.
    """
    if registration.sector_identifier_uri:  # whose list was looked at
        return urlsplit(registration.sector_identifier_uri).hostname
    address = next(iter(registration.redirect_uris), "")
    if address and not is_on_device(address):
        return urlsplit(address).hostname
    return f"urn://{registration.client_id}"  # no host is written so


class Issuance(TypedDict):
    """What tokens of one answer have in common. ``issuer``: the deployment's base URL; ``issued_at_seconds``: since 1970 UTC."""

    issuer: str
    issued_at_seconds: int
    pairwise_key: bytes


def access_claims(
    grant: PersonGrant, registration: Registration, *, issuer: str, issued_at_seconds: int, token_id: str, pairwise_key: bytes
) -> dict[str, Any]:
    """The claims of an access token. Where the person acts for an organisation, ``act`` names him (RFC 8693 4.1)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject_for(registration, grant.subject_id, pairwise_key),
        "client_id": grant.client_id,
        "aud": grant.audience,
        "scope": " ".join(grant.scopes),
        "iat": issued_at_seconds,
        "exp": issued_at_seconds + token_seconds(grant, issued_at_seconds),
        "jti": token_id,
        "auth_time": int(grant.auth_at.timestamp()),
        "acr": grant.acr,
        "amr": list(grant.amr),
        GRANT_CLAIM: grant.grant_id,
    }
    if grant.acting_for is not None:
        claims["act"] = {"sub": subject_for(registration, grant.account_id, pairwise_key)}
    bound = {"jkt": grant.dpop_jkt, "x5t#S256": grant.certificate_digest}
    if any(bound.values()):
        claims["cnf"] = {name: value for name, value in bound.items() if value}
    return claims


def token_seconds(grant: PersonGrant, issued_at_seconds: int) -> int:
    """How long an access token counts from then on: TOKEN_SECONDS, and never beyond the end of the grant of an agent."""
    return TOKEN_SECONDS if grant.ends_at is None else min(TOKEN_SECONDS, max(0, int(grant.ends_at.timestamp()) - issued_at_seconds))


def id_claims(
    grant: PersonGrant,
    registration: Registration,
    *,
    issuer: str,
    issued_at_seconds: int,
    access_token: str | None,
    pairwise_key: bytes,
    wanted: Mapping[str, Any],
    with_nonce: bool = True,
) -> dict[str, Any]:
    """The claims of an ID token. ``wanted``: what the claims parameter asked to have in it. A refreshed one has no nonce (OIDC Core 12.2).

    ``access_token``: that goes with it, to which it is bound; None: none does.
    """
    claims: dict[str, Any] = {
        **wanted,
        "iss": issuer,
        "sub": subject_for(registration, grant.subject_id, pairwise_key),
        "aud": grant.client_id,
        "azp": grant.client_id,
        "iat": issued_at_seconds,
        "exp": issued_at_seconds + TOKEN_SECONDS,
        "auth_time": int(grant.auth_at.timestamp()),
        "acr": grant.acr,
        "amr": list(grant.amr),
        "sid": session_for(registration, grant.session_id, pairwise_key),
    }
    if access_token is not None:
        claims["at_hash"] = half_hash(access_token, registration.id_token_signed_response_alg)
    if grant.nonce is not None and with_nonce:
        claims["nonce"] = grant.nonce
    if grant.acting_for is not None:
        claims["act"] = {"sub": subject_for(registration, grant.account_id, pairwise_key)}
    return claims


def half_hash(text: str, algorithm: str) -> str:
    """The left half of the hash that belongs to a signature algorithm, base64url (OIDC Core 3.1.3.6): SHA-512 with Ed25519, SM3 with SM2."""
    if algorithm in {"ES256", "RS256", "PS256"}:
        digest = hashlib.sha256(text.encode("ascii")).digest()[:_HALF]
    elif algorithm == "EdDSA":
        digest = hashlib.sha512(text.encode("ascii")).digest()[: 2 * _HALF]
    elif algorithm == GM_ALGORITHM:
        digest = sm3(text.encode("ascii"))[:_HALF]
    else:
        raise TrustError(Kind.UNACCEPTABLE, "JWS_ALGORITHM_UNSUPPORTED", algorithm=algorithm)
    return write_base64url(digest)
