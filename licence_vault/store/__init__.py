"""Rows of the licence vault: read and written inside the caller's transaction. Nothing here commits, nothing here decides.

One module per noun; whoever uses them says ``store.load_licence``.
"""

from __future__ import annotations

from licence_vault.store.history import insert_event, list_events, next_position
from licence_vault.store.issuers import (
    count_members,
    delete_member,
    insert_issuer,
    insert_member,
    is_member,
    list_issuers,
    list_members,
    load_issuer,
    update_issuer,
)
from licence_vault.store.licences import (
    erase_content,
    insert_file,
    insert_licence,
    is_printed_number_taken,
    list_drafts,
    list_files,
    list_licences,
    list_over,
    load_key,
    load_licence,
    load_licence_of_identifier,
    move_licence,
    next_licence_version,
    set_successor,
    take_lease,
    take_next_serial,
)
from licence_vault.store.types import (
    insert_type,
    list_types,
    load_open_type,
    load_published_type,
    load_type,
    next_type_version,
    update_type,
)

__all__ = [
    "count_members",
    "delete_member",
    "erase_content",
    "insert_event",
    "insert_file",
    "insert_issuer",
    "insert_licence",
    "insert_member",
    "insert_type",
    "is_member",
    "is_printed_number_taken",
    "list_drafts",
    "list_events",
    "list_files",
    "list_issuers",
    "list_licences",
    "list_members",
    "list_over",
    "list_types",
    "load_issuer",
    "load_key",
    "load_licence",
    "load_licence_of_identifier",
    "load_open_type",
    "load_published_type",
    "load_type",
    "move_licence",
    "next_licence_version",
    "next_position",
    "next_type_version",
    "set_successor",
    "take_lease",
    "take_next_serial",
    "update_issuer",
    "update_type",
]
