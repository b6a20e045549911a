"""Take one step of ``life.SEAL_LIFE`` (freeze, cancel, destroy, ...), effective for the very next request of every process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.check_power import check_not_applicant, check_step
from seal_service.actions.close_making import close_making
from seal_service.actions.owners_key import OUTSIDE
from seal_service.actions.record_act import check_reason, load_papers, record_act
from seal_service.errors import seal_not_found, seal_state_conflict, seal_version_conflict
from seal_service.model import KeyCustody, Seal, SealState, Transition
from service_kit import fail_points
from service_kit.callers import person_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import Application, Edition
    from service_kit.callers import Caller, Person
    from service_kit.composition import ServiceContext

_log = logging.getLogger(__name__)

REVOCATION_REASON: Final = "cessationOfOperation"  # RFC 5280 5.3.1; why in words stands in the seal and in the audit trail
SUPERSEDED: Final = "superseded"  # the same, for the certificate of an edition that a later one replaces
DEVICE: Final = KeyCustody.DEVICE.value
OWNER: Final = KeyCustody.OWNER.value
KEY_ACTOR: Final = "service:seal-keys"
KEY_UNKNOWN: Final = "KEY_UNKNOWN"  # of the keystore
STATE_TOPIC: Final = "seal.state-changed"  # for whoever is to be told of states outside, the region for one


def change_seal_state(
    context: ServiceContext,
    caller: Caller,
    seal_id: str,
    step: Transition,
    *,
    reason: str,
    papers: Sequence[str] = (),
    if_version: int | None = None,
) -> Seal:
    """Take ``step`` and return the seal as it is then. ``if_version``: refuse where the seal is at another version (If-Match).

    Raises TrustError SEAL_NOT_FOUND, SEAL_CHANGED, SEAL_STATE_CONFLICT, SECOND_PERSON_NEEDED, PAPER_UNKNOWN, FIELD_UNACCEPTABLE.
    """
    # 1. A reason that a later reader can use.
    reason = check_reason(reason, is_required=step.is_reason_required)

    def take_step(conn: Connection) -> Seal:
        # 2. The seal is locked: what was signed before is recorded before, what comes after sees the new state.
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None:
            raise seal_not_found(seal_id)
        check_step(context, conn, caller, seal, step)
        if if_version is not None and seal.version != if_version:
            raise seal_version_conflict(seal_id, str(if_version), seal.version)
        if seal.state not in step.sources:
            raise seal_state_conflict(seal_id, step.name, seal.state)

        # 3. Where it takes two: not who applied for it, or not who took the step before.
        if step.is_closed_to_applicant:
            check_not_applicant(conn, caller, _application_for(conn, seal), step.name)
        before = store.last_step(conn, seal_id) if step.needs_second_person and seal.are_powers_separated else None

        # 4. The time is taken with the lock held, so that nothing signed before this record carries a later time.
        return record_step(
            context,
            conn,
            person_of(caller),
            seal,
            step,
            reason=reason,
            at=context.clock.now(),
            second_to=None if before is None else before.holder,
            second_human="" if before is None else before.human,
            papers=load_papers(conn, papers, caller.holder),
        )

    changed = context.database.write(take_step)

    # 5. Certificate and key follow; where this process ends in between, the sweeper does it.
    if step.does_revoke_certificate:
        revoke_certificate(context, changed, actor=caller.actor)
    if step.does_destroy_key:
        destroy_key(context, changed)
    return changed


def _application_for(conn: Connection, seal: Seal) -> Application | None:
    """What the present edition of a seal was made for: of a renewed seal the renewal."""
    edition = store.load_edition(conn, seal.id, seal.edition)
    return None if edition is None or edition.application_id is None else store.load_application(conn, edition.application_id)


def record_step(
    context: ServiceContext,
    conn: Connection,
    person: Person,
    seal: Seal,
    step: Transition,
    *,
    reason: str,
    at: datetime,
    second_to: str | None = None,
    second_human: str = "",
    papers: Sequence[tuple[str, str]] = (),
    application_id: str | None = None,
    facts: dict[str, str | int | bool | None] | None = None,
) -> Seal:
    """Put a step on record: state, history, audit entry and the message to whoever publishes states. The seal is locked by the caller."""
    store.update_state(conn, seal, state=SealState(step.target), reason=reason or None, at=at)
    record_act(
        context,
        conn,
        person,
        act=step.name,
        from_state=seal.state.value,
        to_state=step.target,
        at=at,
        seal_id=seal.id,
        application_id=application_id,
        reason=reason,
        second_to=second_to,
        second_human=second_human,
        papers=papers,
        facts=facts,
    )
    changed = store.load_seal(conn, seal.id)
    if changed is None:
        raise seal_not_found(seal.id)
    announce_state(context, conn, changed, at)
    close_making(context, conn, person, changed, at)
    return changed


def announce_state(context: ServiceContext, conn: Connection, seal: Seal, at: datetime) -> None:
    """Leave a message on the state of a seal, in the transaction that changed it. Nobody has to take it: it is done once it is kept."""
    told = {"seal_id": seal.id, "code": seal.code, "state": seal.state.value, "version": seal.version, "at": store.write_time(at)}
    context.outbox.put(conn, topic=STATE_TOPIC, payload=told, at=at)


def revoke_certificate(context: ServiceContext, seal: Seal, *, actor: str) -> None:
    """Have the issuer revoke a seal's certificate and record that it did. One of an outside authority is revoked there.

    Done again where a process ended between the two: the issuer takes a second time as done.
    """
    from crypto.certificates import Certificate

    if seal.certificate_der is None or seal.is_certificate_revoked or seal.is_certificate_outside:
        return
    context.issuer.revoke(Certificate.from_der(seal.certificate_der).serial, reason=REVOCATION_REASON, actor=actor)
    fail_points.reach("revoke-certificate.revoked")
    context.database.write(lambda conn: store.update_certificate_revoked(conn, seal.id))


def destroy_key(context: ServiceContext, seal: Seal) -> None:
    """Destroy the key of a destroyed seal in the keystore and record that it is gone; of one in a device, that it is left there."""
    if seal.is_key_destroyed or not seal.is_key_here or seal.key_left_with is not None:
        return
    end_key(context, seal.id, seal.edition, seal.key_id, seal.application_id, is_of_seal=True)


def end_key(
    context: ServiceContext, seal_id: str, edition: int, key_id: str, application_id: str | None, *, is_of_seal: bool = False
) -> None:
    """Destroy a key that is over and record that it is gone. One that is not in the keystore is not ours to destroy: that it is left with its
    keeper is recorded, audited and logged for the operator. ``is_of_seal``: it is the present key of the seal.
    """
    keeper = _keeper_of(context, key_id, application_id)
    if keeper is None:
        remove_key(context, key_id)

    def record(conn: Connection) -> None:
        if keeper is None:
            store.update_edition_key_destroyed(conn, seal_id, edition)
            if is_of_seal:
                store.update_key_destroyed(conn, seal_id)
            return
        store.update_edition_key_left(conn, seal_id, edition, keeper)
        if is_of_seal:
            store.update_key_left(conn, seal_id, keeper)
        context.audit.record(
            conn,
            at=context.clock.now(),
            actor=KEY_ACTOR,
            action="seal.key-left",
            subject=f"seal:{seal_id}",
            outcome="done",
            facts={"edition": edition, "key_id": key_id, "with": keeper},
        )

    context.database.write(record)
    if keeper == DEVICE:
        _log.warning("key to be destroyed in its device", extra={"facts": {"seal": seal_id, "key": key_id}})


def _keeper_of(context: ServiceContext, key_id: str, application_id: str | None) -> str | None:
    """Who keeps a key: None for the keystore. Of a key that came in a device the application tells, whatever devices there are now."""
    if key_id.startswith(OUTSIDE):
        return OWNER
    if context.keystore.is_in_device(key_id):
        return DEVICE
    with context.database.read() as conn:
        imported = None if application_id is None else store.load_import(conn, application_id)
    return DEVICE if imported is not None and imported.custody is KeyCustody.DEVICE and imported.key_id == key_id else None


def retire_edition(context: ServiceContext, edition: Edition, *, actor: str) -> None:
    """Destroy the key of a retired edition (``end_key``). Its certificate is revoked as superseded (``revoke_edition``) where it is under another name than
    the seal's, and where its key is left with its keeper, who could sign on with it. One that only was renewed stays, once its key is
    destroyed: what was sealed with it stays good, and nothing new can be.
    """
    with context.database.read() as conn:
        seal = store.load_seal(conn, edition.seal_id)
    is_renamed = seal is not None and (seal.name, seal.organisation) != (edition.name, edition.organisation)
    if is_renamed or _keeper_of(context, edition.key_id, edition.application_id) is not None:
        revoke_edition(context, edition, actor=actor)
    end_key(context, edition.seal_id, edition.edition, edition.key_id, edition.application_id)


def revoke_edition(context: ServiceContext, edition: Edition, *, actor: str) -> None:
    """Have the issuer revoke the certificate of a retired edition as superseded, and record that nothing is left to be revoked here. One of another
    authority is revoked there.
    """
    from crypto.certificates import Certificate

    if edition.certificate_der is None or edition.is_certificate_revoked:
        return
    certificate = Certificate.from_der(edition.certificate_der)
    above = context.issuer.chain()
    # Issued elsewhere, as of a seal that was taken over: its own authority revokes it, and its serial may be one of ours by chance
    is_ours = bool(above) and certificate.issuer_der == above[0].subject_der
    try:
        if is_ours:
            context.issuer.revoke(certificate.serial, reason=SUPERSEDED, actor=actor)
    except TrustError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
    context.database.write(lambda conn: store.update_edition_revoked(conn, edition.seal_id, edition.edition))


def remove_key(context: ServiceContext, key_id: str) -> None:
    """Destroy a key; one that is gone already is no failure."""
    try:
        context.keystore.destroy(key_id)
    except TrustError as error:
        if error.code != KEY_UNKNOWN:
            raise
