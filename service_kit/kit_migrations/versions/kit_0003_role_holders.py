"""Who administers what: three roles, one per holder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kit_0003"
down_revision = "kit_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kit_role_holders",
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("appointed_by", sa.String(255), nullable=False),
        sa.Column("appointed_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.CheckConstraint("role IN ('system', 'security', 'audit')", name=op.f("ck_kit_role_holders_role_known")),
        sa.PrimaryKeyConstraint("holder", name="pk_kit_role_holders"),
    )
