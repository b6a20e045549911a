"""Which process is at a request with an idempotency key, so that whoever repeats it need not wait for one that died. Of earlier claims nobody knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kit_0008"
down_revision = "kit_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("kit_idempotency", sa.Column("owner", sa.String(64), nullable=True))
