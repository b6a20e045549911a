"""Who acts for an authority looks at what a licence of its register says: its holders see it, as they see what others are given.

Work on one licence opens it again and again: within an hour the same look by the same one is one line.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.record_use import record_use
from licence_vault.limits import ISSUER_LOOK_SECONDS
from licence_vault.uses import DONE, ISSUER_LOOK

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import UseAction
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def record_issuer_look(
    context: ServiceContext,
    contents: ContentVault,
    caller: Caller,
    action: UseAction,
    *,
    licence: LicenceRecord | None = None,
    type_code: str | None = None,
    subjects: Collection[bytes] = (),
) -> None:
    """Before what is looked at leaves. ``licence``: which; else ``type_code`` and ``subjects`` say what and about whom, as for ``record_use``.

    AUDIT_UNAVAILABLE: nothing may leave then.
    """
    at = context.clock.now()
    with context.database.read() as conn:
        is_on_record = store.has_use_since(
            conn,
            at - timedelta(seconds=ISSUER_LOOK_SECONDS),
            licence_id=None if licence is None else licence.id,
            subjects=subjects,
            actor=caller.actor,
            action=action,
            reason=ISSUER_LOOK,
        )
    if is_on_record:
        return

    def record(conn: Connection) -> None:
        record_use(
            context,
            contents,
            conn,
            licence=licence,
            action=action,
            mode=None,
            client=caller.client_id,
            actor=caller.actor,
            officer=None,
            reason=ISSUER_LOOK,
            outcome=DONE,
            at=at,
            type_code=type_code,
            subjects=subjects,
        )

    context.database.write(record)
