"""Find what was begun and never ended because a process died, and end it on the safe side: nothing is released, everything is recorded.

A process of this machine is known to be dead at once (``service_kit.process_marks``); for one of another machine its lease must have
run out. Runs in every worker; each step is conditional on the state it finds, so two sweepers do no harm. What cannot be ended now is
logged and waits for the next turn: it keeps nothing else from being ended.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from seal_service import store
from seal_service.actions.apply_for_import import end_import
from seal_service.actions.change_seal_state import destroy_key, remove_key, retire_edition, revoke_certificate, revoke_edition
from seal_service.actions.record_act import record_act
from seal_service.actions.record_making import give_up_making
from seal_service.actions.record_use import VOIDED_AS_ORPHAN, VOIDED_AS_OVER, record_void
from seal_service.limits import INTENT_LEASE_SECONDS, INTENTS_PER_SWEEP
from seal_service.model import SealState
from service_kit.callers import Person
from service_kit.idempotency import Claim, ClaimState
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import Edition, Seal, SealUse
    from service_kit.composition import ServiceContext

_log = logging.getLogger(__name__)

ACTOR: Final = "service:seal-sweeper"


def sweep_intents(context: ServiceContext) -> dict[str, int]:
    """Void orphaned uses, abandon cut-off makings, revoke certificates and destroy keys that are due; how many of each.

    TrustError only where it cannot be found what is due: each item that fails is logged and passed over.
    """
    with context.database.read() as conn:
        intents = store.list_intents(conn, limit=INTENTS_PER_SWEEP)
        in_making = store.list_seals_in_making(conn, limit=INTENTS_PER_SWEEP)
        editions = store.list_editions_in_making(conn, limit=INTENTS_PER_SWEEP)
        to_revoke = store.list_seals_with_certificate_to_revoke(conn, limit=INTENTS_PER_SWEEP)
        left = store.list_editions_with_certificate_to_revoke(conn, limit=INTENTS_PER_SWEEP)
        unfinished = store.list_imports_without_application(conn, limit=INTENTS_PER_SWEEP)
        over = store.list_remote_orders_over(conn, context.clock.now(), limit=INTENTS_PER_SWEEP)
    now = context.clock.now()
    dead: dict[str, bool] = {}

    def is_orphan(owner: str, begun_at: datetime) -> bool:
        if owner not in dead:
            dead[owner] = context.mark.is_orphaned(owner)
        return dead[owner] or now - begun_at > timedelta(seconds=INTENT_LEASE_SECONDS)

    # 1. Uses with an intent and no end: their result, if it was ever made, is never released.
    voided = _count((use.id, partial(_void, context, use)) for use in intents if is_orphan(use.owner, use.intent_at))
    voided += _count((use_id, partial(_void_order, context, use_id, seal_id)) for use_id, seal_id in over)

    # 2. Seals whose making was cut off: the key was never usable and stays so.
    abandoned = _count((each.seal_id, partial(_give_up, context, each)) for each in editions if is_orphan(each.owner, each.begun_at))
    abandoned += _count((seal.id, partial(_abandon, context, seal)) for seal in in_making if is_orphan(seal.made_by, seal.made_at))

    # 3. Certificates of seals that have ended, and of replaced editions whose keys are left with their keepers.
    revoked = _count((seal.id, partial(revoke_certificate, context, seal, actor=ACTOR)) for seal in to_revoke)
    revoked += _count((each.seal_id, partial(revoke_edition, context, each, actor=ACTOR)) for each in left)

    # 4. What was handed in and never became an application; then keys that nobody may use any more.
    _count((begun.application_id, partial(end_import, context, begun)) for begun in unfinished if is_orphan(begun.owner, begun.begun_at))
    sweep_keys(context)
    context.keystore.forget_destroyed()  # what another process destroyed stays in the memory of this one otherwise
    return {"voided": voided, "abandoned": abandoned, "certificates_revoked": revoked}


def sweep_keys(context: ServiceContext) -> int:
    """Destroy the keys of destroyed and abandoned seals, of retired editions and of what was rejected or withdrawn; how many.

    The certificate of an edition that was changed, or whose key is not here, is revoked too. What fails is logged and waits for the next turn.
    """
    with context.database.read() as conn:
        seals = store.list_seals_with_key_to_destroy(conn, limit=INTENTS_PER_SWEEP)
        editions = store.list_editions_with_key_to_destroy(conn, limit=INTENTS_PER_SWEEP)
        imports = store.list_imports_with_key_to_destroy(conn, limit=INTENTS_PER_SWEEP)
    done = _count((taken_in.key_id, partial(_forget_key, context, taken_in.key_id, taken_in.application_id)) for taken_in in imports)
    done += _count((seal.id, partial(destroy_key, context, seal)) for seal in seals)
    return done + _count((edition.seal_id, partial(retire_edition, context, edition, actor=ACTOR)) for edition in editions)


def _count(items: Iterable[tuple[str, Callable[[], bool | None]]]) -> int:
    """End each item by itself, and how many were ended. One that fails is logged and keeps none of the others from its end."""
    done = 0
    for name, end in items:
        try:
            done += end() is not False  # False: somebody else ended it in the meantime
        except (TrustError, OSError, SQLAlchemyError) as error:
            code = error.code if isinstance(error, TrustError) else type(error).__name__
            _log.warning("not ended, comes again", extra={"facts": {"item": name, "error": code}})
    return done


def _forget_key(context: ServiceContext, key_id: str, application_id: str) -> None:
    remove_key(context, key_id)
    context.database.write(lambda conn: store.update_import_key_destroyed(conn, application_id))


def _give_up(context: ServiceContext, edition: Edition) -> bool:
    return context.database.write(
        lambda conn: give_up_making(context, conn, Person(ACTOR, ACTOR), edition.seal_id, edition.edition, reason=VOIDED_AS_ORPHAN)
    )


def _void(context: ServiceContext, use: SealUse) -> bool:
    def void(conn: Connection) -> None:
        record_void(context, conn, ACTOR, seal_id=use.seal_id, use_id=use.id, reason=VOIDED_AS_ORPHAN)
        _release(context, conn, use.claim_digest)

    try:
        context.database.write(void)
    except TrustError as error:
        if error.kind is Kind.CONFLICT:  # it ended in the meantime
            return False
        raise
    return True


def _void_order(context: ServiceContext, use_id: str, seal_id: str) -> bool:
    try:
        context.database.write(lambda conn: record_void(context, conn, ACTOR, seal_id=seal_id, use_id=use_id, reason=VOIDED_AS_OVER))
    except TrustError as error:
        if error.kind is Kind.CONFLICT:  # signed in the meantime
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
        record_act(
            context,
            conn,
            Person(ACTOR, ACTOR),
            act="make",
            from_state=found.state.value,
            to_state=SealState.ABANDONED.value,
            at=at,
            seal_id=seal.id,
            reason=VOIDED_AS_ORPHAN,
            outcome="voided",
        )
        _release(context, conn, seal.claim_digest)
        return True

    return context.database.write(abandon)


def _release(context: ServiceContext, conn: Connection, claim_digest: bytes | None) -> None:
    """Let the idempotency key of an orphan be used again; an answered one keeps its answer."""
    if claim_digest is not None:
        context.idempotency.release(conn, Claim(claim_digest, ClaimState.RESUMED, None))
