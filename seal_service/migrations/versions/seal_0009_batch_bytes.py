"""How many bytes the documents of a batch have together. Of batches that stand already it is not known, and counts from here on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0009"
down_revision = "seal_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("seal_batches", sa.Column("total_bytes", sa.BigInteger(), nullable=False, server_default="0"))
