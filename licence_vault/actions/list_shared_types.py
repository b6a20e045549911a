"""The licence types that a system may use, for the share interface: the catalogue, and the face items of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import check_purpose
from licence_vault.actions.use_desk import demand_system
from licence_vault.limits import SHARE_TYPES
from standards.errors import TrustError

if TYPE_CHECKING:
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import SharingPermission, UseMode
    from service_kit.callers import Caller


def list_shared_types(desk: UseDesk, caller: Caller, *, reason: str) -> list[tuple[TypeDefinition, SharingPermission, frozenset[UseMode]]]:
    """Each type with the permission and the modes that count now, by code. Nothing of any licence is told, so no use is recorded."""
    check_purpose(reason)
    found = []
    with desk.context.database.read() as conn:
        for permission in store.list_sharing(conn, client_id=caller.client_id, after=("", ""), limit=SHARE_TYPES):
            try:
                demand_system(caller, permission.type_code)
                modes, definition = modes_permitted(conn, caller.client_id, permission.type_code, frozenset())
            except TrustError:
                continue  # retired, or its own rule shares it no more
            found.append((definition, permission, modes))
    return found


def find_shared_type(desk: UseDesk, caller: Caller, type_code: str, *, reason: str) -> TypeDefinition:
    """One type as published. LICENCE_SHARING_DENIED."""
    check_purpose(reason)
    demand_system(caller, type_code)
    with desk.context.database.read() as conn:
        return modes_permitted(conn, caller.client_id, type_code, frozenset())[1]
