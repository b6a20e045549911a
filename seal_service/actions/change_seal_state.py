"""Freeze, unfreeze or revoke a seal: one step of ``model.SEAL_LIFE``, effective for the very next request of every process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.errors import field_unacceptable, seal_not_found, seal_state_conflict, seal_version_conflict, text_unacceptable
from seal_service.limits import REASON_CHARACTERS
from seal_service.model import Seal, SealState, Transition, is_plain_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

REVOCATION_REASON: Final = "cessationOfOperation"  # RFC 5280 5.3.1; why in words stands in the seal and in the audit trail


def change_seal_state(
    context: ServiceContext, caller: Caller, seal_id: str, step: Transition, *, reason: str, if_version: int | None = None
) -> Seal:
    """Take ``step`` and return the seal as it is then. ``if_version``: refuse where the seal is at another version (If-Match).

    Raises TrustError SEAL_NOT_FOUND, SEAL_CHANGED, SEAL_STATE_CONFLICT, FIELD_UNACCEPTABLE.
    """
    # 1. A reason that a later reader can use.
    reason = reason.strip()
    if step.is_reason_required and not reason:
        raise field_unacceptable("reason", "must not be empty")
    if len(reason) > REASON_CHARACTERS:
        raise field_unacceptable("reason", f"at most {REASON_CHARACTERS} characters")
    if not is_plain_text(reason):
        raise text_unacceptable("reason")

    def take_step(conn: Connection) -> Seal:
        # 2. The seal is locked: what was signed before is recorded before, what comes after sees the new state.
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None or seal.managed_by != caller.client_id:
            raise seal_not_found(seal_id)
        if if_version is not None and seal.version != if_version:
            raise seal_version_conflict(seal_id, str(if_version), seal.version)
        if seal.state not in step.sources:
            raise seal_state_conflict(seal_id, step.name, seal.state)

        # 3. The time is taken with the lock held, so that nothing signed before this record carries a later time.
        at = context.clock.now()
        store.update_state(conn, seal, state=SealState(step.target), reason=reason, at=at)
        context.audit.record(
            conn,
            at=at,
            actor=caller.actor,
            action=f"seal.{step.name}",
            subject=f"seal:{seal_id}",
            outcome="done",
            facts={"from": seal.state.value, "to": step.target, "reason": reason},
        )
        changed = store.load_seal(conn, seal_id)
        if changed is None:
            raise seal_not_found(seal_id)
        return changed

    changed = context.database.write(take_step)

    # 4. The certificate follows; where this process ends in between, the sweeper does it.
    if step.does_revoke_certificate:
        revoke_certificate(context, changed, actor=caller.actor)
    return changed


def revoke_certificate(context: ServiceContext, seal: Seal, *, actor: str) -> None:
    """Have the issuer revoke a seal's certificate and record that it did."""
    from crypto.certificates import Certificate

    if seal.certificate_der is None or seal.is_certificate_revoked:
        return
    context.issuer.revoke(Certificate.from_der(seal.certificate_der).serial, reason=REVOCATION_REASON, actor=actor)
    context.database.write(lambda conn: store.update_certificate_revoked(conn, seal.id))
