"""What the token hung on with which a batch was opened. Of batches that stand already it is not known: their person is looked up by his name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0015"
down_revision = "seal_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("seal_batches", sa.Column("token_grant_id", sa.String(255), nullable=False, server_default=""))
