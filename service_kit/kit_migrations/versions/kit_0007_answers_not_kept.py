"""An idempotency key keeps no answer: nothing writes or reads the columns that were meant for one."""

from __future__ import annotations

from alembic import op

revision = "kit_0007"
down_revision = "kit_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the columns away."""
    for column in ("headers", "body", "body_blob"):
        op.drop_column("kit_idempotency", column)
