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
from idp.actions.revoke_token import TOKEN_CHARACTERS_MAX, is_withdrawn, read_own_token, revoked_digest
from idp.errors import client_auth_failed
from idp.model.grants import REFRESH_PREFIX
from idp.model.registrations import sm2_form_of
from idp.store.clients import STANDING_QUERY
from idp.store.grants import find_grant, find_refresh_token
from idp.tokens.person_tokens import GRANT_CLAIM, subject_for
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.jose import VerificationKey
    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.tokens.request import TokenRequest

INTROSPECT_PATH: Final = "/oauth2/introspect"
INTROSPECT: Final = "token.introspect"
STATEMENT_TYPE: Final = "token-introspection+jwt"
DEFAULT_ALGORITHM: Final = "RS256"  # RFC 9701 6
TOKENS_REMEMBERED_MAX: Final = 4096  # about 8 MB
_TOLD: Final = ("scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti", "acr", "amr", "auth_time", "act", "cnf")
_INACTIVE: Final[dict[str, Any]] = {"active": False}


@dataclass(frozen=True, slots=True)
class ReadToken:
    """An access token of ours: what it says, by which key, under what digest its id would stand among the revoked, and what is told of it."""

    claims: Mapping[str, Any]
    key_id: str
    used_digest: bytes
    told: dict[str, Any]
    answer: bytes


@dataclass(frozen=True, slots=True)
class LookDesk:
    """What introspection needs. ``read``: access tokens whose signature was found right, by their SHA-256, with the key that made them."""

    persons: PersonDesk
    read: OrderedDict[bytes, ReadToken] = field(default_factory=OrderedDict, repr=False)


async def look_into_token(desk: LookDesk, request: TokenRequest, peer: str, *, is_signed: bool) -> bytes:
    """The answer: JSON, or with ``is_signed`` a JWT. TrustError of ``prove_client``, TOKEN_PARAMETER_MISSING."""
    # 1. Who asks, and about what
    tokens = desk.persons.tokens
    door = tokens.door
    proven = await prove_client(door, request, peer, is_recorded=True)
    token = request.form.get("token", "")
    is_access = 0 < len(token) <= TOKEN_CHARACTERS_MAX and not token.startswith(REFRESH_PREFIX)
    keys = await tokens.ring.verifying()
    read = _read(desk, keys, token) if is_access else None
    # 2. What the database says of both now. A client without credentials could be anybody (RFC 7662 2.1)
    at = door.clock.now()
    asker, holder = proven.client.client_id, "" if read is None else read.claims["client_id"]
    asked = {"asker": asker, "holder": holder, "digest": b"" if read is None else read.used_digest}
    asked["key"] = "" if read is None else read.key_id
    asker_mac, holder_mac, is_withdrawn_now = desk.persons.people.database.look(STANDING_QUERY, asked) or (None, None, True)
    known = door.memory.present_by(asker, asker_mac)
    if known is not None and known.row_mac != proven.row_mac:
        # Proven by a row that was remembered and is another by now: once more, by that
        known = await prove_client(door, request, peer)
    if known is None or (known.registration is not None and known.registration.is_public):
        raise client_auth_failed()
    if not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="token")
    # 3. What it is worth. Remembered or not: whether the key, the time, the client and what the token hangs on are right is asked each time
    if not is_access:
        told = await anyio.to_thread.run_sync(_of_refresh_token, desk, known, token, at)
    elif (
        read is None
        or is_withdrawn_now
        or read.key_id not in keys
        or read.claims["exp"] <= at.timestamp()
        or not _may_see(known, read.claims, tokens.issuer)
        or door.memory.present_by(holder, holder_mac) is None
        or not await _is_grant_standing(desk.persons, read, at)
    ):
        told = _INACTIVE
    elif not is_signed:
        return read.answer
    else:
        told = read.told
    # 4. As it was asked for
    return await _stated(desk, known, told, at) if is_signed else _written(told)


def _read(desk: LookDesk, keys: Mapping[str, VerificationKey], token: str) -> ReadToken | None:
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    known = desk.read.get(digest)
    if known is not None:
        return known
    found = read_own_token(keys, desk.persons.tokens.issuer, token)
    if found is None:
        return None
    claims, key_id = found
    kind = "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer"
    told = {"active": True, "token_type": kind, **{name: claims[name] for name in _TOLD if name in claims}}
    read = desk.read[digest] = ReadToken(claims, key_id, revoked_digest(claims["jti"]), told, _written(told))
    if len(desk.read) > TOKENS_REMEMBERED_MAX:
        desk.read.popitem(last=False)
    return read


def _written(told: dict[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()


async def _is_grant_standing(persons: PersonDesk, read: ReadToken, at: datetime) -> bool:
    """Whether the grant of a person's token stands; a client's own token has none."""
    grant_id = read.claims.get(GRANT_CLAIM)
    if grant_id is None:
        return True
    if not await anyio.to_thread.run_sync(_stands, persons, str(grant_id), at):
        return False
    return not is_withdrawn(persons.people.database, read.claims["jti"], str(grant_id), read.key_id, persons.mac_key)


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
    signing = await choose_signing(persons, algorithm, at, sm2_form_of(known.registration))

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
