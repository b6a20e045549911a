"""Putting leaves into the log's table: in the transaction of the event itself, so that there is never one without the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from licence_vault.log.leaf import STATUS_LIST_EVENT, LicenceLeaf, StatusListLeaf, write_leaf
from licence_vault.log_tables import log
from service_kit.entry_ids import new_entry_id
from service_kit.prepared import Prepared, PreparedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


def append_leaf(connection: Connection, leaf: LicenceLeaf | StatusListLeaf) -> str:
    """Append a leaf; returns its entry id, by which ``TransparencyLog.receipt`` finds it. It is under a checkpoint within a second.

    MalformedError LICENCE_LEAF_FORM.
    """
    return append_leaves(connection, (leaf,))[0]


def append_leaves(connection: Connection, leaves: Sequence[LicenceLeaf | StatusListLeaf]) -> list[str]:
    """The same for several, in their order, by one statement."""
    rows = [_row(leaf) for leaf in leaves]
    _ROWS.insert(connection, rows)
    return [row[0] for row in rows]


_INDEX: Final = Prepared(select(log.c.log_index).where(log.c.entry_id == bindparam("wanted")))
_ROWS: Final = PreparedRows(log, ("entry_id", "entry", "event", "type_code", "issuer_code"))


def _row(leaf: LicenceLeaf | StatusListLeaf) -> tuple[str, bytes, str, str, str]:
    entry_id, entry = new_entry_id(leaf.at), write_leaf(leaf)
    if isinstance(leaf, LicenceLeaf):
        return entry_id, entry, leaf.event, leaf.type_code, leaf.issuer_code
    return entry_id, entry, STATUS_LIST_EVENT, "", ""


def index_of(connection: Connection, entry_id: str) -> int | None:
    """Where an entry stands in the log; None in the moment before the log has taken it in."""
    found: int | None = _INDEX.scalar(connection, {"wanted": entry_id})
    return found
