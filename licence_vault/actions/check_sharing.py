"""Whether a client may do something with licences of a type, now: its permission, within the rule of the published type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.errors import sharing_altered, sharing_denied

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from sqlalchemy import Connection

    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import ShareRight, UseMode

PUBLISHED_TYPE: Final = "a published version of the type"
"""What a use lacks whose type was retired."""


def modes_permitted(
    conn: Connection, client_id: str, type_code: str, rights: AbstractSet[ShareRight]
) -> tuple[frozenset[UseMode], TypeDefinition]:
    """In which modes a client has all of ``rights``, and the type as published. LICENCE_SHARING_DENIED where in none,
    ROW_ALTERED where the permission was written past the program.

    Permission and rule are read anew each time: what was withdrawn, or retired with its type, counts no more from then on.
    """
    permission, published = store.load_sharing(conn, client_id, type_code), store.load_published_type(conn, type_code)
    if permission is not None and permission.is_altered:
        raise sharing_altered(client_id, type_code)
    if permission is None or not rights <= permission.rights:
        raise sharing_denied(type_code)
    if published is None:  # told to nobody who may not use it
        raise sharing_denied(type_code, needs=PUBLISHED_TYPE)
    definition = definition_of_version(published)
    modes = permission.modes & definition.sharing.modes
    if not modes:
        raise sharing_denied(type_code)
    return modes, definition
