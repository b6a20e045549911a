"""What the seal service does without being asked: sweeping, and saying whether it is ready."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from seal_service import store
from seal_service.actions.change_seal_state import DEVICE
from seal_service.actions.expire_seals import expire_seals
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.limits import EXPIRY_INTERVAL_SECONDS, KEYS_COUNTED, SWEEP_INTERVAL_SECONDS
from seal_service.tables import PREFIX
from service_kit.composition import Job, ReadinessCheck
from service_kit.migrations import is_current
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service_kit.composition import Facts, ServiceContext

_log = logging.getLogger(__name__)


def jobs_of(context: ServiceContext) -> Sequence[Job]:
    """The periodic work."""
    return (
        Job("seal-sweeper", SWEEP_INTERVAL_SECONDS, partial(sweep_intents, context)),
        Job("seal-expiry", EXPIRY_INTERVAL_SECONDS, partial(expire_seals, context)),
    )


def starts_of(context: ServiceContext) -> Sequence[Callable[[], None]]:
    """Before the first request: this process shows that it lives, and ends what a dead one left behind, as far as that can be done now.

    Verifying needs neither database nor audit trail to be well, so a server starts where they are not; the sweeper comes again.
    """

    def start() -> None:
        context.mark.hold()
        try:
            sweep_intents(context)
        except (TrustError, OSError, SQLAlchemyError) as error:
            _log.error("sweep at the start failed", exc_info=error)

    return (start,)


def readiness_of(context: ServiceContext) -> Sequence[ReadinessCheck]:
    """Whether documents can be sealed here."""

    def check_tables() -> Facts:
        if not is_current(context.database, PREFIX, "seal_service.migrations"):
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_BEHIND", component=PREFIX)
        return {"component": PREFIX}

    def count_keys_left() -> Facts:
        with context.database.read() as conn:
            left = store.list_keys_left(conn, DEVICE, limit=KEYS_COUNTED)
        # Once it is destroyed there, whoever did it takes it out of the description of the devices
        return {"to_destroy_in_devices": sum(context.keystore.is_in_device(key_id) for key_id in left)}

    return (ReadinessCheck("seal_tables", check_tables), ReadinessCheck("seal_keys", count_keys_left))
