"""Where values stand that are sealed under the people's secret."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from idp import client_tables, directory_tables  # noqa: F401 - importing them enters their tables into the metadata
from idp.tables import metadata

SEALED_VALUES: Final = tuple(
    select(column).where(column.is_not(None))
    for table in metadata.sorted_tables
    for column in table.columns
    if column.name.endswith("_sealed")
)
"""One row of any of them shows that the secret has been used: lost, it cannot be made again."""
