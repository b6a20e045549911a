"""Find out whether a caller of the token endpoint is the client it says it is."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, TypeGuard

from crypto.sm3 import hmac_sm3
from idp.errors import client_auth_failed, rate_exceeded
from idp.limits import WRONG_PER_CLIENT_AND_PEER, WRONG_PER_CLIENT_AND_PEER_PER_SECOND, WRONG_PER_PEER, WRONG_PER_PEER_PER_SECOND
from idp.model.clients import CLIENT_ID_PATTERN, ClientStatus
from service_kit.rates import Rates, one_address

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.client_keys import ProofDesk
    from idp.actions.recall_client import ClientMemory, KnownClient
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database
    from standards.errors import TrustError


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """What authentication needs. ``pepper``: the key of the secrets' HMAC, from the keystore. ``proofs``: for the ways beyond a secret."""

    database: Database
    audit: Audit
    clock: Clock
    memory: ClientMemory
    pepper: bytes
    wrong_per_peer: Rates
    wrong_per_client: Rates
    proofs: ProofDesk | None = None

    def __repr__(self) -> str:
        """Without the pepper."""
        return "Doorkeeper()"


def new_doorkeeper(
    database: Database, audit: Audit, clock: Clock, memory: ClientMemory, pepper: bytes, proofs: ProofDesk | None = None
) -> Doorkeeper:
    """A doorkeeper whose limits stand at their beginning."""
    return Doorkeeper(
        database=database,
        audit=audit,
        clock=clock,
        memory=memory,
        pepper=pepper,
        wrong_per_peer=Rates(per_second=WRONG_PER_PEER_PER_SECOND, burst=WRONG_PER_PEER),
        wrong_per_client=Rates(per_second=WRONG_PER_CLIENT_AND_PEER_PER_SECOND, burst=WRONG_PER_CLIENT_AND_PEER),
        proofs=proofs,
    )


def secret_digest(pepper: bytes, secret: str) -> bytes:
    """What is stored of a secret: HMAC-SM3 under the pepper, 32 bytes. The secret is 256 random bits, so a fast function is enough."""
    return hmac_sm3(pepper, b"yinxin client secret v1\0" + secret.encode())


def is_let_in(known: KnownClient | None, digest: bytes, at: datetime) -> TypeGuard[KnownClient]:
    """Whether the secret opens this client now. Compares in constant time; an unknown client costs the same as one with one secret."""
    client = None if known is None else known.client
    is_current = hmac.compare_digest(digest, bytes(32) if client is None else client.secret_digest)
    former = (client and client.previous_digests) or (bytes(32),)
    is_previous = any([hmac.compare_digest(digest, each) for each in former])  # noqa: C419 - all of them, whichever it is
    if client is None or client.status is not ClientStatus.ACTIVE:
        return False
    return is_current or (is_previous and client.previous_until_at is not None and at < client.previous_until_at)


async def authenticate_client(door: Doorkeeper, client_id: str, client_secret: str, peer: str) -> KnownClient:
    """The client, if the secret is its own and it is active.

    TrustError CLIENT_AUTH_FAILED, one and the same for an unknown client, a wrong secret and a disabled client; RATE_EXCEEDED after
    too many of them. The row returned may have changed by the time a token is recorded: ``demand_unchanged`` sees to that.
    """
    at = door.clock.now()
    # 1. The usual case: remembered, active, right secret
    digest = secret_digest(door.pepper, client_secret)
    known = door.memory.recall(client_id)
    if is_let_in(known, digest, at):
        return known
    # 2. Perhaps new here, or changed since it was remembered: the database decides. Unknown and known clients take the same way,
    #    and no limit stands before it: a right secret is let in whatever wrong ones were sent in its client's name.
    known = await door.memory.read_for_all(client_id)
    if is_let_in(known, digest, at):
        return known
    # 3. Refused; only the record says why, because the trail is not for the caller's eyes
    if known is None:
        reason = "unknown"
    else:
        reason = "disabled" if known.client.status is not ClientStatus.ACTIVE else "secret"
    raise await refuse_client(door, client_id, reason, peer)


def note_proven(door: Doorkeeper, client_id: str, peer: str) -> None:
    """What went wrong before for this client from this address counts no more: whoever asks has shown that he is it.

    That says nothing of others behind the same address: what all of them get wrong, whatever the clients, is counted on.
    """
    door.wrong_per_client.fill(_client_and_peer(client_id, peer))


def _client_and_peer(client_id: str, peer: str) -> str:
    return f"{client_id[:64]}\0{one_address(peer)}"


async def refuse_client(door: Doorkeeper, client_id: str, reason: str, peer: str) -> TrustError:
    """Record that somebody is not let in as a client, and why; the error to raise. RATE_EXCEEDED after too many, which are not recorded."""
    # 1. Each attempt costs an audit row: count them
    now = monotonic()
    address, both = one_address(peer), _client_and_peer(client_id, peer)
    wait = max(door.wrong_per_peer.wait_seconds(address, now), door.wrong_per_client.wait_seconds(both, now))
    if wait > 0:
        return rate_exceeded(int(wait) + 1)
    door.wrong_per_peer.take(address, now)
    door.wrong_per_client.take(both, now)
    # 2. The record
    at = door.clock.now()
    claimed = client_id if CLIENT_ID_PATTERN.fullmatch(client_id) else "(not a client id)"

    def record(connection: Connection) -> None:
        door.audit.record(
            connection,
            at=at,
            actor=f"peer:{peer}",
            action="token.refuse",
            subject=f"client:{claimed}",
            outcome="refused",
            facts={"reason": reason},
        )

    await door.database.awrite(record)
    return client_auth_failed()
