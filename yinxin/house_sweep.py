"""What every deployment forgets by itself, whichever services it runs: answers, values used once, messages delivered, documents not received whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from service_kit.idempotency import sweep as sweep_idempotency
from service_kit.one_use import sweep_used_values
from service_kit.sweeping import sweep_all

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext


def sweep_house(context: ServiceContext) -> None:
    """Remove all of it whose time is over. Safe in every worker."""
    at = context.clock.now()
    for sweep in (sweep_idempotency, sweep_used_values, context.outbox.sweep):
        sweep_all(context.database, partial(sweep, at=at))
    context.blobs.sweep_incoming()
