"""Refused uses of seals, counted by the hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0004"
down_revision = "seal_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "seal_refusals",
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_refusals_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", "holder", "client_id", "code", "hour", name=op.f("pk_seal_refusals")),
    )
    op.create_index("ix_seal_refusals_last_at", "seal_refusals", ["last_at"])
