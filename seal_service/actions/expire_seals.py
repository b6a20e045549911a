"""Seals whose time is over become expired. A use of one is refused from that second on anyway; this is what lists and others see of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from seal_service import store
from seal_service.actions.change_seal_state import record_step
from seal_service.actions.record_act import BY_ITSELF
from seal_service.limits import INTENTS_PER_SWEEP
from seal_service.model import transition_named

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

EXPIRE: Final = transition_named("expire")


def expire_seals(context: ServiceContext) -> int:
    """Expire what is due; how many. Seals made before their end was recorded get it recorded first."""
    with context.database.read() as conn:
        due = store.list_seals_over(conn, context.clock.now(), EXPIRE.sources, limit=INTENTS_PER_SWEEP)

    def expire(seal_id: str, conn: Connection) -> bool:
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None or seal.state not in EXPIRE.sources or seal.certificate_der is None:
            return False
        at = context.clock.now()
        until = seal.valid_until
        if until is None:
            until = Certificate.from_der(seal.certificate_der).not_after
            store.update_valid_until(conn, seal_id, until)
        if at <= until:
            return False
        record_step(context, conn, BY_ITSELF, seal, EXPIRE, reason="", at=at)
        return True

    return sum(context.database.write(partial(expire, seal.id)) for seal in due)
