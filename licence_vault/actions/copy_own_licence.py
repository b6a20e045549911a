"""A signed-in person has an annotated copy made of a licence that he holds, or of an organisation in his power: to hand it in somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.finish_copy import CopyUse, MadeCopy, record_copy_use
from licence_vault.actions.make_copy import make_copy
from licence_vault.actions.use_desk import right_to_see, who_is_behind
from licence_vault.errors import licence_not_found
from licence_vault.uses import UseAction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.make_copy import CopyOrder
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller


def copy_own_licence(
    means: IssuingMeans, desk: UseDesk, caller: Caller, order: CopyOrder, *, idempotency_key: str | None = None
) -> MadeCopy:
    """The copy with its file. LICENCE_HOLDER_UNKNOWN, LICENCE_NOT_FOUND (also for one that is not his), and as ``make_copy``."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def use_by_right(conn: Connection, licence: LicenceRecord) -> CopyUse | None:
        mode = right_to_see(conn, standing, licence, at)
        return None if mode is None else CopyUse(caller.client_id, caller.actor, mode)

    # 1. Is it his? That a stranger tried is seen by its holders; he learns not even that it exists.
    def ask(conn: Connection) -> CopyUse | None:
        licence = store.load_licence(conn, order.licence_id)
        use = None if licence is None else use_by_right(conn, licence)
        if licence is not None and use is None:
            stranger = CopyUse(caller.client_id, caller.actor)
            record_copy_use(means, conn, licence, stranger, UseAction.REFUSED, order.reason, "LICENCE_NOT_FOUND", at)
        return use

    use = means.context.database.write(ask)
    if use is None:
        raise licence_not_found(order.licence_id)

    # 2. The copy; whether it is still his is decided once more where the copy is.
    def decide(conn: Connection, licence: LicenceRecord) -> CopyUse:
        still = use_by_right(conn, licence)
        if still is None:
            raise licence_not_found(order.licence_id)
        return still

    return make_copy(means, order, use, idempotency_key=idempotency_key, decide=decide)
