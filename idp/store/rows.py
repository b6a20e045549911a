"""What all rows share: times as integers, and the MAC that shows a row written past the program."""

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


def without_unset(row: Mapping[Any, Any], names: Collection[str]) -> dict[Any, Any]:
    """The row without those of these columns that are null, as its MAC is made where they came later than the table, or are set later than the
    row: so rows from before stay what they are, and whoever sets such a column to null past the program breaks the MAC.
    """
    return {name: value for name, value in row.items() if value is not None or name not in names}
