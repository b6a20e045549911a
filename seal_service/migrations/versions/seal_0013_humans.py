"""Who the natural person behind an act was, whatever name or organisation he came by. Of older acts it is not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0013"
down_revision = "seal_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("seal_history", sa.Column("human", sa.String(255), nullable=False, server_default=""))
