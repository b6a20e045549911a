"""What all rows share: the MAC that shows a row written past the program."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import hmac_sm3
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def row_mac(mac_key: bytes, table: str, row: Mapping[Any, Any]) -> bytes:
    """HMAC-SM3, 32 bytes, over the table's name and every column but the MAC itself."""
    columns = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items() if name != "row_mac"}
    return hmac_sm3(mac_key, _encode([table, columns]).encode())


def check_mac(mac_key: bytes, table: str, key: str, row: Mapping[Any, Any]) -> None:
    """Raise ROW_ALTERED unless the row is as the program wrote it."""
    if not hmac.compare_digest(row_mac(mac_key, table, row), row["row_mac"]):
        raise TrustError(Kind.UNAVAILABLE, "ROW_ALTERED", table=table, row=key)


def check_ending(mac_key: bytes, table: str, key: str, row: Mapping[Any, Any], ends: Collection[str]) -> None:
    """As ``check_mac``, of a row whose columns ``ends`` are null until it ends, and then under its MAC: an end cannot be taken back.

    A row that ended before ends were part of the MAC has one over the rest. It is believed for what has ended, and for nothing else: whoever
    writes an end past the program takes a right away, as he could by deleting the row, and gives none.
    """
    if hmac.compare_digest(row_mac(mac_key, table, without_unset(row, ends)), row["row_mac"]):
        return
    has_ended = any(row[name] is not None for name in ends)
    check_mac(mac_key, table, key, {name: value for name, value in row.items() if not has_ended or name not in ends})


def ended_row(mac_key: bytes, table: str, row: Mapping[Any, Any], ends: Mapping[str, Any], newer: Collection[str] = ()) -> dict[str, Any]:
    """What to write where a row ends: these columns, and the MAC over the whole row with them."""
    whole = without_unset({**row, **ends}, (*ends, *newer))
    return {**ends, "row_mac": row_mac(mac_key, table, whole)}


def without_unset(row: Mapping[Any, Any], names: Collection[str]) -> dict[Any, Any]:
    """The row without those of these columns that are null, as its MAC is made where they came later than the table, or are set later than the
    row: so rows from before stay what they are, and whoever sets such a column to null past the program breaks the MAC.
    """
    return {name: value for name, value in row.items() if value is not None or name not in names}
