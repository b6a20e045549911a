"""Tables of reports to the region (prefix ``licence_``). Nothing in them is personal data: what a report says is made anew when it is sent.

Times are integers, microseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, String, Table, text

from licence_vault.log_tables import metadata
from service_kit.tables import BIG

_LOGGED: Final = text("log_index IS NOT NULL")
_REGISTERED: Final = text("log_index IS NULL")

reports: Final = Table(
    "licence_reports",
    metadata,
    Column("number", BIG, Identity(), primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("subject", String(64), nullable=False),  # the first version of the licence's chain, or the type: within it the order holds
    Column("licence_id", String(40)),
    Column("event_position", Integer),
    Column("type_code", String(21), nullable=False),
    Column("type_version", Integer),
    Column("type_state", String(16)),
    Column("log_index", BigInteger),
    Column("map_name", String(80), nullable=False),  # name and version of the field map it was sent by; empty before
    Column("digest", LargeBinary(32)),
    Column("is_replacing", Boolean, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("last_error", String(100)),  # a code, never a message
    Column("receipt", String(64)),
    Column("taken_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    CheckConstraint("kind IN ('licence', 'type', 'erasure')", name="kind"),
    CheckConstraint("state IN ('waiting', 'sent', 'dead')", name="state"),
    Index("ux_licence_reports_log_index", "log_index", unique=True, sqlite_where=_LOGGED, postgresql_where=_LOGGED),
    Index("ix_licence_reports_register", "number", sqlite_where=_REGISTERED, postgresql_where=_REGISTERED),
    Index("ix_licence_reports_state_due_at", "state", "due_at"),
    Index("ix_licence_reports_subject_number", "subject", "number"),
)

followed: Final = Table(
    "licence_reports_followed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("size", BigInteger, nullable=False),  # entries of the log that were looked at
    CheckConstraint("id = 1", name="one_row"),
)
