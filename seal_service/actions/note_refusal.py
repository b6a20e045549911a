"""Keep in mind that somebody was refused the use of a seal: supervision looks for uses outside of what was granted."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from seal_service.actions.record_use import ACTION
from seal_service.errors import NOT_ACTIVE
from seal_service.store.supervision import note_refusal
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from seal_service.actions.record_use import User
    from service_kit.composition import ServiceContext

_log = logging.getLogger(__name__)
_GRANT_CODES: Final = "GRANT_"


@contextmanager
def refusals_noted(context: ServiceContext, user: User, seal_id: str) -> Iterator[None]:
    """Run a use, and note where it is refused."""
    try:
        yield
    except TrustError as error:
        note_refused_use(context, user, seal_id, error.code)
        raise


def note_refused_use(context: ServiceContext, user: User, seal_id: str, code: str) -> None:
    """Count a use that was refused for its grant or the state of the seal, and audit the first of each hour; other codes are none.

    Whoever holds no grant at all is not counted: to him the seal does not exist. That the count cannot be written takes nothing from the
    refusal.
    """
    if code != NOT_ACTIVE and not code.startswith(_GRANT_CODES):
        return

    def count(conn: Connection) -> None:
        at = context.clock.now()
        times = note_refusal(conn, seal_id=seal_id, holder=user.name, client_id=user.client_id, code=code, at=at)
        if times == 1:
            context.audit.record(
                conn, at=at, actor=user.actor, action=ACTION, subject=f"seal:{seal_id}", outcome="refused", facts={"code": code}
            )

    try:
        context.database.write(count)
    except TrustError as error:
        _log.warning("refused use not counted", extra={"facts": {"seal": seal_id, "code": code, "error": error.code}})
