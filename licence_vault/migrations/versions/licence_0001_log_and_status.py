"""The public log, its counts, and the status lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_kit.append_only import protect_log_table

revision = "licence_0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_log",
        sa.Column("position", BIG, sa.Identity(), nullable=False),
        sa.Column("entry_id", sa.String(36), nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("log_index", sa.BigInteger, nullable=True),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_licence_log"),
        sa.UniqueConstraint("entry_id", name="uq_licence_log_entry_id"),
    )
    indexed, waiting = sa.text("log_index IS NOT NULL"), sa.text("log_index IS NULL")
    op.create_index("ix_licence_log_log_index", "licence_log", ["log_index"], unique=True, sqlite_where=indexed, postgresql_where=indexed)
    op.create_index("ix_licence_log_waiting", "licence_log", ["position"], sqlite_where=waiting, postgresql_where=waiting)
    protect_log_table(op.get_bind(), "licence_log", ("event", "type_code", "issuer_code"))
    op.create_table(
        "licence_log_counts",
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("issuer_code", "type_code", "event", name="pk_licence_log_counts"),
    )
    op.create_table(
        "licence_log_counted",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_licence_log_counted_one_row")),
        sa.PrimaryKeyConstraint("id", name="pk_licence_log_counted"),
    )
    op.execute("INSERT INTO licence_log_counted (id, size) VALUES (1, 0)")
    op.create_table(
        "licence_status_allotments",
        sa.Column("position", BIG, sa.Identity(), nullable=False),
        sa.Column("allotted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_licence_status_allotments"),
    )
    op.create_table(
        "licence_status_values",
        sa.Column("list_number", sa.Integer, nullable=False),
        sa.Column("list_index", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("status BETWEEN 0 AND 3", name=op.f("ck_licence_status_values_status_known")),
        sa.PrimaryKeyConstraint("list_number", "list_index", name="pk_licence_status_values"),
    )
    op.create_index("ix_licence_status_values_list_number_changed_at", "licence_status_values", ["list_number", "changed_at"])
    op.create_table(
        "licence_status_editions",
        sa.Column("list_number", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("published_seconds", sa.BigInteger, nullable=False),
        sa.Column("expires_seconds", sa.BigInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("bits", sa.Integer, nullable=False),
        sa.Column("compressed", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("entry_id", sa.String(36), nullable=False),
        sa.Column("jwt_es256", sa.Text, nullable=True),
        sa.Column("jwt_sm2", sa.Text, nullable=True),
        sa.Column("cwt_es256", sa.LargeBinary, nullable=True),
        sa.Column("cwt_sm2", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("list_number", "number", name="pk_licence_status_editions"),
    )
    op.create_index(
        "ix_licence_status_editions_list_number_published_seconds", "licence_status_editions", ["list_number", "published_seconds"]
    )
