"""Values that count once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kit_0004"
down_revision = "kit_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kit_used_values",
        sa.Column("value_digest", sa.LargeBinary, nullable=False),
        sa.Column("used_until_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("value_digest", name="pk_kit_used_values"),
    )
    op.create_index("ix_kit_used_values_used_until_at", "kit_used_values", ["used_until_at"])
