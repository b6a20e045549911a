"""Who was given which duty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kit_0005"
down_revision = "kit_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kit_duties",
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("duty", sa.String(64), nullable=False),
        sa.Column("given_by", sa.String(255), nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("holder", "duty", name="pk_kit_duties"),
    )
