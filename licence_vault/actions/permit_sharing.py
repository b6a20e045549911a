"""Which client may use licences of which type, how, and for what: nobody may anything until a licence administrator says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.check_receiver import check_receiver
from licence_vault.actions.define_type import check_reason
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.errors import field_unacceptable, sharing_changed, sharing_not_found, type_not_published
from licence_vault.ports import CLIENTS
from licence_vault.uses import SharingPermission

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.uses import ShareRight, UseMode
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class SharingOrder:
    """What is to be permitted. Neither ``modes`` nor ``rights`` is empty: who may nothing has no permission."""

    client_id: str
    type_code: str
    modes: frozenset[UseMode]
    rights: frozenset[ShareRight]
    reason: str


def permit_sharing(context: ServiceContext, caller: Caller, order: SharingOrder, *, if_revision: int | None) -> SharingPermission:
    """Enter a permission, or change one (``if_revision``: the revision that is changed, None for any).

    Raises LICENCE_RIGHT_OF_ONE_SELF, FIELD_UNACCEPTABLE (also for modes that the type's own sharing rule does not have, and for a system that is not
    registered, where that is known here), LICENCE_TYPE_NOT_PUBLISHED, LICENCE_SHARING_CHANGED.
    """
    is_registered = CLIENTS.of(context)
    reason = check_reason(order.reason, is_required=True)

    def permit(conn: Connection) -> SharingPermission:
        # 1. Nobody permits himself; and a system that there is, by a name nobody mistyped: who registers under it later would have what was never meant for him.
        check_receiver(context, conn, caller, order.client_id)
        if is_registered is not None and not is_registered(conn, order.client_id):
            raise field_unacceptable("client_id", "a system that is registered")

        # 2. The type's own rule bounds what can be permitted.
        published = store.load_published_type(conn, order.type_code)
        if published is None:
            raise type_not_published(order.type_code)
        if not order.modes <= definition_of_version(published).sharing.modes:
            raise field_unacceptable("modes", "modes of the type's own sharing rule")

        # 3. The row and the audit entry stand together.
        at = context.clock.now()
        found = store.load_sharing(conn, order.client_id, order.type_code, is_locked=True)
        if if_revision is not None and (found is None or found.revision != if_revision):
            raise sharing_changed(order.client_id, order.type_code, if_revision, 0 if found is None else found.revision)
        permission = SharingPermission(order.client_id, order.type_code, order.modes, order.rights, reason, 1, caller.holder, at)
        if found is None:
            store.insert_sharing(conn, permission)
        else:
            permission = replace(permission, revision=found.revision + 1)
            store.update_sharing(conn, permission)
        _record(context, conn, caller, permission, "permit" if found is None else "change")
        return permission

    return context.database.write(permit)


def withdraw_sharing(context: ServiceContext, caller: Caller, client_id: str, type_code: str) -> None:
    """Take a permission back, from the very next request on: use codes given before do not outlive it. LICENCE_SHARING_NOT_FOUND."""

    def withdraw(conn: Connection) -> None:
        found = store.load_sharing(conn, client_id, type_code, is_locked=True)
        if found is None or not store.delete_sharing(conn, client_id, type_code):
            raise sharing_not_found(client_id, type_code)
        _record(context, conn, caller, found, "withdraw")

    context.database.write(withdraw)


def find_sharing(context: ServiceContext, client_id: str, type_code: str) -> SharingPermission:
    """One permission. LICENCE_SHARING_NOT_FOUND."""
    with context.database.read() as conn:
        found = store.load_sharing(conn, client_id, type_code)
    if found is None:
        raise sharing_not_found(client_id, type_code)
    return found


def list_sharing(context: ServiceContext, *, client_id: str | None, after: tuple[str, str], limit: int) -> list[SharingPermission]:
    """Permissions by client and type, behind ``after``."""
    with context.database.read() as conn:
        return store.list_sharing(conn, client_id=client_id, after=after, limit=limit)


def _record(context: ServiceContext, conn: Connection, caller: Caller, permission: SharingPermission, what: str) -> None:
    context.audit.record(
        conn,
        at=context.clock.now(),
        actor=caller.actor,
        action=f"licence-sharing.{what}",
        subject=f"client:{permission.client_id}",
        outcome="done",
        facts={
            "type": permission.type_code,
            "modes": " ".join(sorted(permission.modes)),
            "rights": " ".join(sorted(permission.rights)),
            "reason": permission.reason,
        },
    )
