"""The two transactions around each use of a seal's key, the same for documents and digests: the intent before, the result after.

Both run inside the caller's write job. Between them the key is used with no transaction open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.errors import seal_not_found, seal_not_usable, use_was_voided
from seal_service.model import USABLE, Seal, UseKind

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext
    from standards.errors import TrustError

ACTION: Final = "seal.use"
VOIDED_BY_STATE: Final = "seal-not-active"
VOIDED_BY_FAILURE: Final = "failed"
VOIDED_AS_ORPHAN: Final = "orphan"


@dataclass(frozen=True, slots=True)
class User:
    """Who uses a seal. ``is_operator``: at this machine's command line, with the deployment's folder at hand; grants do not bind him,
    states and the audit trail do. No HTTP request ever makes an operator.
    """

    client_id: str
    subject: str
    is_operator: bool = False

    @property
    def actor(self) -> str:
        """As the audit trail names him."""
        return f"{'operator' if self.is_operator else 'client'}:{self.client_id}"


def record_intent(
    context: ServiceContext,
    conn: Connection,
    user: User,
    *,
    seal_id: str,
    use_id: str,
    kind: UseKind,
    digest: bytes,
    input_digest: bytes | None,
    is_timestamped: bool,
    at: datetime,
) -> tuple[Seal, str]:
    """Check that the user may use the seal now and record that he is about to; the seal and the audit entry's id.

    Raises TrustError SEAL_NOT_FOUND (unknown, or no grant: the same answer), SEAL_NOT_ACTIVE, AUDIT_UNAVAILABLE.
    """
    found = store.load_seal_for_use(conn, seal_id, user.client_id)
    if found is None or not (found[1] or user.is_operator):
        raise seal_not_found(seal_id)
    seal = found[0]
    if seal.state is not USABLE:
        raise seal_not_usable(seal_id, seal.state)
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=user.actor,
        action=ACTION,
        subject=f"seal:{seal_id}",
        outcome="intended",
        facts={"seal_use": use_id, "kind": kind.value, "digest": digest.hex(), "timestamped": is_timestamped, "subject": user.subject},
    )
    store.insert_intent(
        conn,
        use_id=use_id,
        seal_id=seal_id,
        client_id=user.client_id,
        kind=kind,
        digest=digest,
        input_digest=input_digest,
        at=at,
        is_timestamped=is_timestamped,
        audit_id=audit_id,
    )
    return seal, audit_id


def record_result(
    context: ServiceContext, conn: Connection, user: User, *, seal_id: str, use_id: str, result_digest: str, result_bytes: int
) -> tuple[str, TrustError | None]:
    """Record the result, or void the use where the seal is not active any more; the audit entry's id and what is to be raised once
    this transaction is committed (raising within it would undo the record).
    """
    at = context.clock.now()
    state = store.load_state(conn, seal_id)
    if state is not USABLE:
        audit_id = record_void(context, conn, user.actor, seal_id=seal_id, use_id=use_id, reason=VOIDED_BY_STATE)
        return audit_id, seal_not_usable(seal_id, str(state))
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=user.actor,
        action=ACTION,
        subject=f"seal:{seal_id}",
        outcome="done",
        facts={"seal_use": use_id, "result": result_digest, "bytes": result_bytes},
    )
    if not store.finish_use(conn, use_id, at=at, result_digest=result_digest, result_bytes=result_bytes, audit_id=audit_id):
        raise use_was_voided(use_id)  # the void is on record already: this transaction leaves nothing
    return audit_id, None


def record_void(context: ServiceContext, conn: Connection, actor: str, *, seal_id: str, use_id: str, reason: str) -> str:
    """Void an intent: its result is never released. Returns the audit entry's id; an intent already ended stays as it is."""
    at = context.clock.now()
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=actor,
        action=ACTION,
        subject=f"seal:{seal_id}",
        outcome="voided",
        facts={"seal_use": use_id, "reason": reason},
    )
    if not store.void_use(conn, use_id, at=at, reason=reason, audit_id=audit_id):
        raise use_was_voided(use_id)
    return audit_id
