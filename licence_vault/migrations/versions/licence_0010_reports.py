"""Reports to the region, and how far the log was followed for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_kit.tables import BIG

revision = "licence_0010"
down_revision = "licence_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, the row that says how far the log was followed, and what finds the event of an entry of the log."""
    op.create_table(
        "licence_reports",
        sa.Column("number", BIG, sa.Identity(), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=True),
        sa.Column("event_position", sa.Integer(), nullable=True),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=True),
        sa.Column("type_state", sa.String(16), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.Column("map_name", sa.String(80), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.Column("is_replacing", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(100), nullable=True),
        sa.Column("receipt", sa.String(64), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('licence', 'type')", name=op.f("ck_licence_reports_kind")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f("ck_licence_reports_state")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_licence_reports")),
        sa.UniqueConstraint("key", name=op.f("uq_licence_reports_key")),
    )
    logged = sa.text("log_index IS NOT NULL")
    op.create_index(
        "ux_licence_reports_log_index", "licence_reports", ["log_index"], unique=True, sqlite_where=logged, postgresql_where=logged
    )
    op.create_index("ix_licence_reports_state_due_at", "licence_reports", ["state", "due_at"])
    op.create_index("ix_licence_reports_subject_number", "licence_reports", ["subject", "number"])
    op.create_table(
        "licence_reports_followed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_licence_reports_followed_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_reports_followed")),
    )
    followed = sa.table("licence_reports_followed", sa.column("id", sa.Integer), sa.column("size", sa.BigInteger))
    op.bulk_insert(followed, [{"id": 1, "size": 0}])
    op.create_index("ix_licence_events_entry_id", "licence_events", ["entry_id"])
