"""Challenges that have been answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0015"
down_revision = "idp_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "idp_spent_challenges",
        sa.Column("challenge_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name="pk_idp_spent_challenges"),
    )
    op.create_index("ix_idp_spent_challenges_expires_at", "idp_spent_challenges", ["expires_at"], unique=False)
