"""Change a key of the public log or of the status lists. What the former one has signed stays verifiable; nothing of it is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from licence_vault.errors import field_unacceptable, key_not_rotated_here, keys_too_many
from licence_vault.key_rings import GENERATIONS, RingKey, insert_ring_key, read_ring
from licence_vault.log.instance import KEYS as LOG_KEYS
from licence_vault.status.tokens import KEYS as STATUS_KEYS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

KEYS: Final = LOG_KEYS | STATUS_KEYS
"""What can be changed, with its algorithm."""


def rotate_key(context: ServiceContext, name: str, *, actor: str, in_days: int = 0) -> RingKey:
    """Make the next key of ``name``, which signs from now on, or in some days: until then verifiers can learn of it. Returns it.

    Raises LICENCE_KEY_NOT_ROTATED_HERE, LICENCE_KEYS_TOO_MANY, FIELD_UNACCEPTABLE. A process that runs takes a new key of the status lists up by itself, one of the log
    when it is started next.
    """
    # 1. Is it one of those, kept here and in no device, and is there room for one more in trust lists?
    with context.database.read() as conn:
        last = read_ring(conn, name)[-1]
    present = {each.key_id for each in context.keystore.list()}
    if name not in KEYS or last.key_id not in present:
        raise key_not_rotated_here(name, ", ".join(key for key in KEYS if key in present))
    if last.generation >= GENERATIONS:
        raise keys_too_many(name, GENERATIONS)
    from_at = (context.clock.now() + timedelta(days=in_days)).replace(microsecond=0)
    if last.from_at is not None and from_at <= last.from_at:
        raise field_unacceptable("in_days", "later than the last key of that name begins")
    following = RingKey(name, last.generation + 1, f"{name}-{last.generation + 1}")

    # 2. tx 1: the intent. Then the key, durable in the keystore: a crash leaves one that nobody uses, and the next attempt takes it.
    context.database.write(lambda conn: _record(context, conn, following, actor, "intended", from_at))
    if following.key_id not in present:
        context.keystore.create(following.key_id, KEYS[name])

    # 3. tx 2: from here on it counts. Of two who did this at once, the row lets one through.
    def follow(conn: Connection) -> None:
        insert_ring_key(conn, following, from_at)
        _record(context, conn, following, actor, "done", from_at)

    context.database.write(follow)
    return replace(following, from_at=from_at)


def _record(context: ServiceContext, conn: Connection, key: RingKey, actor: str, outcome: str, from_at: datetime) -> None:
    context.audit.record(
        conn,
        at=context.clock.now(),
        actor=actor,
        action="licence-key.rotate",
        subject=f"licence-key:{key.name}",
        outcome=outcome,
        facts={"key": key.key_id, "from": from_at.isoformat()},
    )
