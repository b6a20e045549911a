"""The same request twice has one effect and one answer (draft-ietf-httpapi-idempotency-key-header).

The key is claimed in the transaction that stores the intent, whose name it keeps (``reference``), and counts as answered with the transaction that
stores the result. So whoever repeats a request after a crash finds one of three things: nothing happened, it is being done, or it is done. The
answer itself is not kept here: the service gives it once more from the row that is named.

With the key stands which process is at it: one of this machine is known to be dead at once, and who repeats its request goes on without waiting.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from crypto.sm3 import sm3
from service_kit.prepared import Prepared
from service_kit.row_values import write_time
from service_kit.sweeping import SWEEP_ROWS
from service_kit.tables import idempotency as table
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from service_kit.callers import Caller
    from service_kit.process_marks import ProcessMark

KEY_CHARACTERS: Final = 255
KEEP_SECONDS: Final = 24 * 3600
IN_FLIGHT_SECONDS: Final = 120  # twice the time limit of a request: who has not answered by then has died, on whatever machine
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class ClaimState(StrEnum):
    """What a repeated key means."""

    NEW = "new"  # do it
    RESUMED = "resumed"  # someone began and died: look at ``reference`` and finish or begin again
    DONE = "done"  # give the answer once more, from the row that ``reference`` names


@dataclass(frozen=True, slots=True)
class Claim:
    """The outcome of claiming a key. ``reference``: what the first claimer stored as the name of its intent."""

    key_digest: bytes
    state: ClaimState
    reference: str | None


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key that a request came with. ``caller``: who claims it (``Caller.claimant``); ``route``: of the request, such as ``POST /v1/things``."""

    caller: str
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a job be done once: the key that its request came with, and the digest of what was asked for."""

    key: RequestKey
    request_digest: bytes


_FIND: Final = Prepared(select(table).where(table.c.key_digest == bindparam("digest")))
_CLAIM: Final = Prepared(insert(table), columns=("key_digest", "request_digest", "reference", "in_flight_until", "expires_at", "owner"))
_FINISH: Final = Prepared(
    update(table).where(table.c.key_digest == bindparam("digest"), table.c.status.is_(None)).values(status=bindparam("new_status"))
)


class Idempotency:
    """Claims. Every method that takes a connection runs within the caller's write job. ``mark``: of this process; without one nothing is known of the
    death of others.
    """

    def __init__(
        self, mark: ProcessMark | None = None, *, keep_seconds: int = KEEP_SECONDS, in_flight_seconds: int = IN_FLIGHT_SECONDS
    ) -> None:
        self._mark = mark
        self._keep = timedelta(seconds=keep_seconds)
        self._in_flight = timedelta(seconds=in_flight_seconds)

    def claim(
        self, connection: Connection, *, caller: str, route: str, key: str, request_digest: bytes, reference: str | None, at: datetime
    ) -> Claim:
        """Claim ``key`` for one caller and route, in the transaction that stores the intent named ``reference``.

        ``request_digest``: SM3 over everything that makes the request what it is. Raises TrustError IDEMPOTENCY_KEY_INVALID,
        IDEMPOTENCY_KEY_REUSED (same key, other request: 422), IDEMPOTENCY_IN_FLIGHT (409 with Retry-After).
        """
        digest = key_digest(caller, route, key)
        now = write_time(at)
        found = _FIND.first(connection, {"digest": digest})
        until, expires = write_time(at + self._in_flight), write_time(at + self._keep)
        if found is not None and found["expires_at"] <= now:
            connection.execute(delete(table).where(table.c.key_digest == digest))
            found = None
        if found is None:
            values = {
                "key_digest": digest,
                "request_digest": request_digest,
                "reference": reference,
                "in_flight_until": until,
                "expires_at": expires,
                "owner": self._hold_mark(),
            }
            _CLAIM.change(connection, values)
            return Claim(digest, ClaimState.NEW, reference)
        earlier = self._earlier(digest, found, request_digest, now)
        if earlier.state is ClaimState.RESUMED:
            taken = {"in_flight_until": until, "expires_at": expires, "owner": self._hold_mark()}
            connection.execute(update(table).where(table.c.key_digest == digest).values(taken))
        return earlier

    def once(self, connection: Connection, once: Once | None, *, reference: str, at: datetime) -> str | None:
        """For what is made whole in this write job: what the same request made before; None where it is the first, and makes ``reference``, and for
        a request without a key. Raises as ``claim``.
        """
        if once is None:
            return None
        key, digest = once.key, once.request_digest
        claim = self.claim(connection, caller=key.caller, route=key.route, key=key.key, request_digest=digest, reference=reference, at=at)
        if claim.state is ClaimState.DONE:
            return claim.reference
        self.finish(connection, claim, status=201)
        return None

    def find(self, connection: Connection, *, caller: str, route: str, key: str, request_digest: bytes, at: datetime) -> Claim | None:
        """What ``claim`` would find, without claiming anything; None where the request is the first. Raises as ``claim``."""
        digest, now = key_digest(caller, route, key), write_time(at)
        found = _FIND.first(connection, {"digest": digest})
        return None if found is None or found["expires_at"] <= now else self._earlier(digest, found, request_digest, now)

    def set_reference(self, connection: Connection, claim: Claim, reference: str) -> None:
        """Name another intent: the one that was found had been voided."""
        connection.execute(update(table).where(table.c.key_digest == claim.key_digest).values(reference=reference))

    def finish(self, connection: Connection, claim: Claim, *, status: int) -> None:
        """The request is answered with ``status`` (HTTP), in the transaction that stores the result. TrustError IDEMPOTENCY_CLAIM_LOST where
        somebody else answered it.
        """
        if _FINISH.change(connection, {"digest": claim.key_digest, "new_status": status}) != 1:
            raise TrustError(Kind.CONFLICT, "IDEMPOTENCY_CLAIM_LOST")

    def release(self, connection: Connection, claim: Claim) -> None:
        """Forget an unanswered claim: the attempt failed in a way that must not be remembered."""
        connection.execute(delete(table).where(table.c.key_digest == claim.key_digest, table.c.status.is_(None)))

    def _hold_mark(self) -> str | None:
        return None if self._mark is None else self._mark.hold()

    def _earlier(self, digest: bytes, found: Mapping[str, Any], request_digest: bytes, now: int) -> Claim:
        """What a key that was claimed before means for this request."""
        if not hmac.compare_digest(found["request_digest"], request_digest):
            raise TrustError(Kind.UNACCEPTABLE, "IDEMPOTENCY_KEY_REUSED")
        if found["status"] is not None:
            return Claim(digest, ClaimState.DONE, found["reference"])
        if found["in_flight_until"] > now and not self._is_orphaned(found["owner"]):
            wait = max(1, (found["in_flight_until"] - now) // 1_000_000)
            raise TrustError(Kind.CONFLICT, "IDEMPOTENCY_IN_FLIGHT", retry_after_seconds=min(2, wait))
        return Claim(digest, ClaimState.RESUMED, found["reference"])

    def _is_orphaned(self, owner: str | None) -> bool:
        return owner is not None and self._mark is not None and self._mark.is_orphaned(owner)


def key_digest(caller: str, route: str, key: str) -> bytes:
    """The name under which a key is kept: scoped to caller and route, and telling neither."""
    if not _KEY.fullmatch(key):
        raise TrustError(Kind.MALFORMED, "IDEMPOTENCY_KEY_INVALID", limit=KEY_CHARACTERS)
    return sm3(b"".join(len(part).to_bytes(4, "big") + part for part in (caller.encode(), route.encode(), key.encode())))


def digest_of_request(*parts: bytes) -> bytes:
    """SM3 over parts, each with its length, so that moving a byte from one to the next changes it."""
    return sm3(b"".join(len(part).to_bytes(8, "big") + part for part in parts))


def asked_once(caller: Caller, route: str, key: str | None, *content: bytes) -> Once | None:
    """The ``Once`` of a request with what it says as ``content``; None where it came without a key. IDEMPOTENCY_KEY_INVALID comes with its use.

    The digest has no key: for what may stand in the database anyhow.
    """
    return None if key is None else Once(RequestKey(caller.claimant, route, key), digest_of_request(*content))


def sweep(connection: Connection, at: datetime) -> int:
    """Remove what has expired, at most SWEEP_ROWS; returns how many."""
    old = select(table.c.key_digest).where(table.c.expires_at <= write_time(at)).limit(SWEEP_ROWS)
    return connection.execute(delete(table).where(table.c.key_digest.in_(old))).rowcount
