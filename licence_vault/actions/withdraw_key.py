"""Withdraw a key of the public log or of the status lists that may be in the wrong hands: it signs nothing any more from now on, another does at
once, and whoever takes the trust list believes nothing that it signed unless something else shows that to be older than the theft.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault.actions.define_type import check_reason
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.actions.rotate_key import KEYS
from licence_vault.errors import field_unacceptable, key_not_rotated_here, keys_too_many
from licence_vault.key_rings import GENERATIONS, RingKey, begin_ring_key, insert_ring_key, insert_withdrawal, read_ring, signing_key_id
from licence_vault.status.tokens import KEYS as STATUS_KEYS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class WithdrawnKey:
    """What came of it. ``signing_key_id``: which key signs in its place; ``editions``: status lists that were published under that one at once."""

    key_id: str
    withdrawn_at: datetime
    signing_key_id: str
    editions: int


def withdraw_key(context: ServiceContext, key_id: str, *, since_at: datetime, reason: str, actor: str) -> WithdrawnKey:
    """Withdraw a key by its name in the keystore. ``since_at`` (aware UTC): since when it may be in the wrong hands, now at the latest. For good.

    A process that runs takes a new key of the status lists up by itself, one of the log when it is started next: stop the servers first.

    Raises LICENCE_KEY_NOT_ROTATED_HERE, LICENCE_KEYS_TOO_MANY, FIELD_UNACCEPTABLE.
    """
    # 1. Is it one of ours, not withdrawn yet; since when; and why.
    reason = check_reason(reason, is_required=True)
    now = context.clock.now().replace(microsecond=0)
    withdrawn_at = since_at.replace(microsecond=0)
    if withdrawn_at > now:
        raise field_unacceptable("since", "a time that is over")
    with context.database.read() as conn:
        rings = {name: read_ring(conn, name) for name in KEYS}
    withdrawn = next((each for ring in rings.values() for each in ring if each.key_id == key_id), None)
    present = {each.key_id for each in context.keystore.list()}
    if withdrawn is None or key_id not in present:
        raise key_not_rotated_here(key_id, ", ".join(each.key_id for ring in rings.values() for each in ring if each.key_id in present))
    if withdrawn.withdrawn_at is not None:
        raise field_unacceptable("key", "one that is not withdrawn yet")
    name, ring = withdrawn.name, rings[withdrawn.name]

    # 2. tx 1: the intent. Then, where none is left that signs, the key that does so from now on: announced already, or made here.
    following = _following(ring, key_id, now)
    if following is not None and following.generation > GENERATIONS:
        raise keys_too_many(name, GENERATIONS)
    facts = {"key": key_id, "withdrawn_at": withdrawn_at.isoformat(), "reason": reason}
    context.database.write(lambda conn: _record(context, conn, actor, name, "intended", facts))
    if following is not None and following.key_id not in present:
        context.keystore.create(following.key_id, KEYS[name])

    # 3. tx 2: from here on it counts no more, and the other one does.
    def withdraw(conn: Connection) -> None:
        insert_withdrawal(conn, withdrawn, withdrawn_at, context.clock.now())
        if following is not None:
            (begin_ring_key if following in ring else insert_ring_key)(conn, following, now)
        _record(context, conn, actor, name, "done", facts)

    context.database.write(withdraw)

    # 4. Every status list anew: what the key has signed tells nothing any more.
    editions = publish_status_lists(context) if name in STATUS_KEYS else 0
    return WithdrawnKey(key_id, withdrawn_at, signing_key_id(context.database, name, now), editions)


def _following(ring: tuple[RingKey, ...], key_id: str, now: datetime) -> RingKey | None:
    """The key that is to sign in its place; None where the one that signs now goes on."""
    left = [each for each in ring if each.key_id != key_id and each.withdrawn_at is None]
    newest = [each for each in ring if each.from_at is None or each.from_at <= now][-1]
    if newest in left:
        return None
    announced = [each for each in left if each.from_at is not None and each.from_at > now]
    if announced:
        return announced[0]
    last = ring[-1]
    return RingKey(last.name, last.generation + 1, f"{last.name}-{last.generation + 1}")


def _record(context: ServiceContext, conn: Connection, actor: str, name: str, outcome: str, facts: dict[str, str]) -> None:
    context.audit.record(
        conn,
        at=context.clock.now(),
        actor=actor,
        action="licence-key.withdraw",
        subject=f"licence-key:{name}",
        outcome=outcome,
        facts={**facts},
    )
