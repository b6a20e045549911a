"""Revoke a token at the wish of the client it was issued to (RFC 7009), and see whether one has been revoked.

A person's token ends with its grant: all tokens of it end together, the refresh token too, and what came of it by trust tickets or in exchange. One that
was exchanged for another client's token has a grant for itself. A client's own token is remembered by its id for as long as it could count.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import check_token
from crypto.sm3 import sm3
from idp.actions.prove_client import prove_client
from idp.model.clients import CLOCK_LEEWAY_SECONDS
from idp.model.grants import REFRESH_PREFIX
from idp.store.clients import WITHDRAWN_QUERY
from idp.store.grants import end_grant, find_grant, find_refresh_token, is_living
from idp.tokens.person_tokens import ACCESS_TYPE, GRANT_CLAIM
from service_kit.one_use import use_once, value_digest
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from crypto.jose import VerificationKey
    from idp.actions.person_desk import PersonDesk
    from idp.tokens.request import TokenRequest
    from service_kit.database import Database

REVOKE_PATH: Final = "/oauth2/revoke"
REVOKED_PLACE: Final = "idp-revoked-token"
TOKEN_CHARACTERS_MAX: Final = 8192


def read_own_token(keys: Mapping[str, VerificationKey], issuer: str, token: str) -> tuple[Mapping[str, Any], str] | None:
    """The claims of an access token that one of our keys signed, expired or not, and the key's id; None for anything else."""
    try:
        checked = check_token(token, keys, token_type=ACCESS_TYPE)
    except TrustError:
        return None
    claims = checked.claims
    texts = (claims.get("client_id"), claims.get("jti"), claims.get("sub"))
    is_whole = all(isinstance(each, str) for each in texts) and type(claims.get("exp")) is int
    return (claims, checked.key.key_id) if claims.get("iss") == issuer and is_whole else None


def revoked_digest(token_id: str) -> bytes:
    """Under what the id of a token stands among used values once the token has been revoked."""
    return value_digest(REVOKED_PLACE, token_id)


def is_withdrawn(database: Database, token_id: str, grant_id: str, key_id: str, mac_key: bytes) -> bool:
    """Whether a token counts no more before its time: revoked by its id, or its grant has ended or never was, or the key that signed it has been
    withdrawn or is none of ours. Two small looks, as of now: what processes remember of keys does not matter. ROW_ALTERED.
    """
    if grant_id and not is_living(database, grant_id, mac_key):
        return True
    found = database.look(WITHDRAWN_QUERY, {"digest": revoked_digest(token_id), "key": key_id})
    return found is None or bool(found[0])


async def revoke_token(desk: PersonDesk, request: TokenRequest, peer: str) -> bytes:
    """An empty object, also for what is no token or counts no more (RFC 7009 2.2). TrustError of ``prove_client``, TOKEN_OF_ANOTHER."""
    # 1. Who asks, and for what
    known = await prove_client(desk.tokens.door, request, peer)
    token = request.form.get("token")
    if not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="token")
    client_id, at = known.client.client_id, desk.people.clock.now()
    claims: Mapping[str, Any] | None = None
    if not token.startswith(REFRESH_PREFIX):
        read = read_own_token(await desk.tokens.ring.verifying(), desk.tokens.issuer, token)
        if read is None or not desk.tokens.ring.stands(read[1]):
            return b"{}"
        claims = read[0]
        if claims["client_id"] != client_id:
            raise TrustError(Kind.UNACCEPTABLE, "TOKEN_OF_ANOTHER")

    # 2. Ended, on record; a second time changes nothing
    def store(connection: Connection) -> None:
        if claims is None:
            found = find_refresh_token(connection, sm3(token.encode("utf-8", "replace")), desk.mac_key)
            grant_id = None if found is None else found[0]
        else:
            grant_id = claims.get(GRANT_CLAIM)
        grant = None if grant_id is None else find_grant(connection, str(grant_id), desk.mac_key)
        if claims is None and grant is not None and grant.client_id != client_id:
            raise TrustError(Kind.UNACCEPTABLE, "TOKEN_OF_ANOTHER")
        # An exchanged token from before these had grants for themselves hangs on another client's: it ends alone
        if grant_id is not None and (grant is None or grant.holder_id == client_id):
            ended = 0 if grant is None else end_grant(connection, grant.grant_id, at, "revoked", desk.mac_key)
        elif claims is not None:
            until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=CLOCK_LEEWAY_SECONDS)
            ended = int(until > at and use_once(connection, REVOKED_PLACE, claims["jti"], until))
        else:
            ended = 0
        if ended:
            facts = {"grant": grant_id, "token": None if claims is None else claims["jti"], "ended": ended}
            actor = f"client:{client_id}"
            desk.people.audit.record(connection, at=at, actor=actor, action="token.revoke", subject=actor, outcome="done", facts=facts)

    await desk.people.database.awrite(store)
    return b"{}"
