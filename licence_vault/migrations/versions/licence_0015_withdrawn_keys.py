"""Keys of the log and the status lists that may be in the wrong hands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0015"
down_revision = "licence_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "licence_withdrawn_keys",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_licence_withdrawn_keys")),
    )
