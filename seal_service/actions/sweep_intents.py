"""Find what was begun and never ended because a process died, and end it on the safe side: nothing is released, everything is recorded.

Runs in every worker; each step is conditional on the state it found, so two sweepers do no harm.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.change_seal_state import revoke_certificate
from seal_service.actions.record_use import VOIDED_AS_ORPHAN, record_void
from seal_service.limits import INTENT_LEASE_SECONDS, INTENTS_PER_SWEEP
from seal_service.model import SealState
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seal_service.model import Seal, SealUse
    from service_kit.composition import ServiceContext

ACTOR: Final = "service:seal-sweeper"


def sweep_intents(context: ServiceContext, *, lease_seconds: float = INTENT_LEASE_SECONDS) -> dict[str, int]:
    """Void orphaned uses, abandon cut-off makings, revoke certificates that are due; how many of each."""
    before = context.clock.now() - timedelta(seconds=lease_seconds)

    # 1. Uses with an intent and no end: their result, if it was ever made, is never released.
    with context.database.read() as conn:
        intents = store.list_intents(conn, before=before, limit=INTENTS_PER_SWEEP)
        in_making = store.list_seals_in_making(conn, before=before, limit=INTENTS_PER_SWEEP)
        to_revoke = store.list_seals_with_certificate_to_revoke(conn, limit=INTENTS_PER_SWEEP)
    voided = sum(_void(context, use) for use in intents)

    # 2. Seals whose making was cut off: the key was never usable and stays so.
    abandoned = sum(_abandon(context, seal) for seal in in_making)

    # 3. Certificates of revoked seals.
    for seal in to_revoke:
        revoke_certificate(context, seal, actor=ACTOR)
    return {"voided": voided, "abandoned": abandoned, "certificates_revoked": len(to_revoke)}


def _void(context: ServiceContext, use: SealUse) -> bool:
    try:
        context.database.write(
            lambda conn: record_void(context, conn, ACTOR, seal_id=use.seal_id, use_id=use.id, reason=VOIDED_AS_ORPHAN)
        )
    except TrustError as error:
        if error.kind is Kind.CONFLICT:  # it ended in the meantime
            return False
        raise
    return True


def _abandon(context: ServiceContext, seal: Seal) -> bool:
    def abandon(conn: Connection) -> bool:
        found = store.load_seal(conn, seal.id, is_locked=True)
        if found is None or found.state is not SealState.MAKING:
            return False
        at = context.clock.now()
        store.update_state(conn, found, state=SealState.ABANDONED, reason=VOIDED_AS_ORPHAN, at=at)
        context.audit.record(
            conn, at=at, actor=ACTOR, action="seal.make", subject=f"seal:{seal.id}", outcome="voided", facts={"reason": VOIDED_AS_ORPHAN}
        )
        return True

    return context.database.write(abandon)
