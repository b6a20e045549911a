"""Licences of other regions that are kept for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0013"
down_revision = "licence_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "licence_foreign",
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=False),
        sa.Column("asked_by", sa.String(255), nullable=False),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "identifier", "asked_by", name=op.f("pk_licence_foreign")),
        sa.UniqueConstraint("id", name=op.f("uq_licence_foreign_id")),
    )
    op.create_index("ix_licence_foreign_fetched_at", "licence_foreign", ["fetched_at"])
