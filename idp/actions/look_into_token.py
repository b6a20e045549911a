"""Tell a client what a token is worth now (RFC 7662), also as a signed statement (RFC 9701).

A client learns about its own tokens; with the scope ``token.introspect`` also about access tokens for the resource servers it is registered
for. About anything else it learns that it is not active, and no more: whether there is such a token is nobody else's business.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread

from crypto.sm3 import sm3
from idp.actions.person_desk import choose_signing, demand_standing
from idp.actions.prove_client import prove_client
from idp.actions.revoke_token import TOKEN_CHARACTERS_MAX, is_withdrawn, read_own_token
from idp.errors import client_auth_failed
from idp.model.grants import REFRESH_PREFIX
from idp.store.grants import find_grant, find_refresh_token
from idp.tokens.person_tokens import GRANT_CLAIM, subject_for
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.tokens.request import TokenRequest

INTROSPECT_PATH: Final = "/oauth2/introspect"
INTROSPECT: Final = "token.introspect"
STATEMENT_TYPE: Final = "token-introspection+jwt"
DEFAULT_ALGORITHM: Final = "RS256"  # RFC 9701 6
TOKENS_REMEMBERED_MAX: Final = 4096  # about 4 MB
_TOLD: Final = ("scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti", "acr", "amr", "auth_time", "act", "cnf")
_INACTIVE: Final[dict[str, Any]] = {"active": False}


@dataclass(frozen=True, slots=True)
class LookDesk:
    """What introspection needs. ``read``: access tokens whose signature was found right, by their SHA-256, with the key that made them."""

    persons: PersonDesk
    read: OrderedDict[bytes, tuple[Mapping[str, Any], str]] = field(default_factory=OrderedDict, repr=False)


async def look_into_token(desk: LookDesk, request: TokenRequest, peer: str, *, is_signed: bool) -> bytes:
    """The answer: JSON, or with ``is_signed`` a JWT. TrustError of ``prove_client``, TOKEN_PARAMETER_MISSING."""
    # 1. Who asks; a client without credentials could be anybody (RFC 7662 2.1)
    door = desk.persons.tokens.door
    known = await prove_client(door, request, peer)
    if known.registration is not None and known.registration.is_public:
        raise client_auth_failed()
    token = request.form.get("token")
    if not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="token")
    # 2. What it is worth
    at = door.clock.now()
    if token.startswith(REFRESH_PREFIX):
        told = await anyio.to_thread.run_sync(_of_refresh_token, desk, known, token, at)
    else:
        told = await _of_access_token(desk, known, token, at)
    # 3. As it was asked for
    return await _stated(desk, known, told, at) if is_signed else json.dumps(told, separators=(",", ":")).encode()


async def _of_access_token(desk: LookDesk, known: KnownClient, token: str, at: datetime) -> dict[str, Any]:
    tokens, people = desk.persons.tokens, desk.persons.people
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    keys = await tokens.ring.verifying()
    read = desk.read.get(digest)
    if read is None:
        read = read_own_token(keys, tokens.issuer, token)
        if read is None:
            return _INACTIVE
        desk.read[digest] = read
        if len(desk.read) > TOKENS_REMEMBERED_MAX:
            desk.read.popitem(last=False)
    claims, key_id = read
    # Remembered or not: whether the key, the time, the client and what the token hangs on are right is asked each time
    if key_id not in keys or claims["exp"] <= at.timestamp() or not _may_see(known, claims, tokens.issuer):
        return _INACTIVE
    if not tokens.door.memory.is_active(claims["client_id"]):
        return _INACTIVE
    grant_id = claims.get(GRANT_CLAIM)
    if grant_id is not None and not await anyio.to_thread.run_sync(_stands, desk.persons, str(grant_id), at):
        return _INACTIVE
    if is_withdrawn(people.database, claims["jti"], str(grant_id or ""), desk.persons.mac_key):
        return _INACTIVE
    told = {name: claims[name] for name in _TOLD if name in claims}
    return {"active": True, "token_type": "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer", **told}


def _may_see(known: KnownClient, claims: Mapping[str, Any], issuer: str) -> bool:
    client = known.client
    return claims["client_id"] == client.client_id or (INTROSPECT in client.scopes and claims.get("aud") in (client.audiences or (issuer,)))


def _stands(desk: PersonDesk, grant_id: str, at: datetime) -> bool:
    with desk.people.database.read() as connection:
        return _is_standing(connection, desk, grant_id, at)


def _is_standing(connection: Connection, desk: PersonDesk, grant_id: str, at: datetime) -> bool:
    grant = find_grant(connection, grant_id, desk.mac_key)
    try:
        if grant is not None:
            demand_standing(connection, desk, grant, at)
    except TrustError:
        return False
    return grant is not None


def _of_refresh_token(desk: LookDesk, known: KnownClient, token: str, at: datetime) -> dict[str, Any]:
    persons = desk.persons
    with persons.people.database.read() as connection:
        found = find_refresh_token(connection, sm3(token.encode("utf-8", "replace")), persons.mac_key)
        if found is None or known.registration is None:
            return _INACTIVE
        grant_id, expires_at, is_spent = found
        grant = find_grant(connection, grant_id, persons.mac_key)
        if is_spent or at >= expires_at or grant is None or grant.client_id != known.client.client_id:
            return _INACTIVE
        if not _is_standing(connection, persons, grant_id, at):
            return _INACTIVE
    return {
        "active": True,
        "token_type": "refresh_token",
        "client_id": grant.client_id,
        "scope": " ".join(grant.scopes),
        "sub": subject_for(known.registration, grant.subject_id, persons.pairwise_key),
        "iss": persons.tokens.issuer,
        "exp": int(expires_at.timestamp()),
    }


async def _stated(desk: LookDesk, known: KnownClient, told: dict[str, Any], at: datetime) -> bytes:
    """RFC 9701 5: the statement is for who asked, and says when it was made. It is on record before it is signed."""
    persons, client_id = desk.persons, known.client.client_id
    algorithm = (known.registration and known.registration.introspection_signed_response_alg) or DEFAULT_ALGORITHM
    signing = await choose_signing(persons, algorithm, at)

    def record(connection: Connection) -> None:
        persons.tokens.ring.demand_unchanged(connection, signing.key)
        persons.people.audit.record(
            connection,
            at=at,
            actor=f"client:{client_id}",
            action="token.state",
            subject=f"client:{client_id}",
            outcome="done",
            facts={"active": told["active"], "token": told.get("jti"), "key": signing.key.key_id},
        )

    await persons.people.database.awrite(record)
    claims = {"iss": persons.tokens.issuer, "aud": client_id, "iat": int(at.timestamp()), "token_introspection": told}
    return signing.sign(STATEMENT_TYPE, claims).encode()
