"""Issue an access token by client credentials (RFC 6749 4.4, RFC 9068).

The order is the promise: the token's audit row is durable before the token is signed, and it is signed before it leaves. A crash in
between leaves a row of a token that nobody ever held. The token's ``jti`` is the id of its audit row.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

from idp.actions.choose_signing_key import SigningKeyChangedError
from idp.actions.prove_client import prove_client
from idp.actions.prove_key import prove_key, take_proof
from idp.actions.recall_client import ClientChangedError
from idp.errors import rate_exceeded
from idp.limits import CLIENT_BURST_SECONDS
from idp.model.clients import granted_scopes
from idp.tokens.access_token import Grant, sign_access_token, token_answer
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.authenticate_client import Doorkeeper
    from idp.actions.choose_signing_key import KeyRing
    from idp.model.clients import Client
    from idp.tokens.request import TokenRequest
    from service_kit.dpop_nonces import Nonces
    from service_kit.rates import Rates

GRANT_TYPE: Final = "client_credentials"
TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - an address
DECISIONS_MAX: Final = 5  # how often a decision may be overtaken by changes before the caller hears "try later"
_SECONDS_PER_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """What issuing needs. ``issuer``: the deployment's base URL, also the audience of a token that names no other."""

    door: Doorkeeper
    ring: KeyRing
    issuer: str
    tokens: Rates
    nonces: Nonces

    @property
    def token_url(self) -> str:
        """The address of the token endpoint, as proofs of possession name it."""
        return self.issuer + TOKEN_PATH


async def issue_token(desk: TokenDesk, request: TokenRequest, peer: str) -> bytes:
    """The body of the answer with a new token (RFC 6749 5.1, JSON).

    TrustError with a code of ``idp.errors.OAUTH_ERRORS``, or AUDIT_UNAVAILABLE and other codes of kind unavailable.
    """
    for _ in range(DECISIONS_MAX):
        remembered = desk.door.memory.recall(request.client_id)
        try:
            return await _decide_and_issue(desk, request, peer)
        except ClientChangedError:
            desk.door.memory.forget(request.client_id)
        except SigningKeyChangedError:
            desk.ring.forget()
        except TrustError as error:
            if not desk.door.memory.is_overtaken(remembered, error):
                raise
    raise TrustError(Kind.UNAVAILABLE, "TOKEN_DECISION_OVERTAKEN", attempts=DECISIONS_MAX)


def take_turn(desk: TokenDesk, client: Client) -> None:
    """Count a token against the client's own rate; RATE_EXCEEDED beyond it."""
    per_second = client.tokens_per_minute / _SECONDS_PER_MINUTE
    wait = desk.tokens.take(client.client_id, monotonic(), per_second=per_second, burst=max(1.0, per_second * CLIENT_BURST_SECONDS))
    if wait > 0:
        raise rate_exceeded(int(wait) + 1)


async def _decide_and_issue(desk: TokenDesk, request: TokenRequest, peer: str) -> bytes:
    door = desk.door
    # 1. Who is it
    known = await prove_client(door, request, peer, desk.nonces, is_recorded=True)
    client = known.client
    # 2. What does it want, and may it have that
    if request.grant_type != GRANT_TYPE:
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_UNSUPPORTED")
    if known.registration is not None and GRANT_TYPE not in known.registration.grant_types:
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_NOT_ALLOWED")
    take_turn(desk, client)
    scopes = granted_scopes(client, request.scope)
    if scopes is None:
        raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
    audience = request.resource or (client.audiences[0] if client.audiences else desk.issuer)
    if audience not in (client.audiences or (desk.issuer,)):
        raise TrustError(Kind.UNACCEPTABLE, "RESOURCE_NOT_GRANTED")
    scope = " ".join(scopes)
    at = door.clock.now()
    binding = prove_key(request.proof, known.registration, url=desk.token_url, at=at, nonces=desk.nonces, shown=request.certificate)
    key, signer = await desk.ring.signing(at)

    # 3. Record it, durably, if client and key are still what this was decided on
    def record(connection: Connection) -> str:
        take_proof(connection, binding)
        door.memory.demand_unchanged(connection, known)
        desk.ring.demand_unchanged(connection, key)
        return door.audit.record(
            connection,
            at=at,
            actor=f"client:{client.client_id}",
            action="token.issue",
            subject=f"client:{client.client_id}",
            outcome="done",
            facts={"scope": scope, "audience": audience, "key": key.key_id},
        )

    token_id = await door.database.awrite(record)
    # 4. Sign and hand out
    grant = Grant(
        desk.issuer, client.client_id, audience, scope, int(at.timestamp()), token_id, binding.dpop_jkt, binding.certificate_digest
    )
    return token_answer(sign_access_token(grant, key.key_id, signer.sign), scope, is_bound=binding.dpop_jkt is not None)
