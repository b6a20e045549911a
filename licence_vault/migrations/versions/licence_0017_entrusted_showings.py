"""A showing remembers by which entrustment it was begun. Those that are open while a deployment is upgraded are over within ten minutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0017"
down_revision = "licence_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("licence_showings", sa.Column("entrustment_id", sa.String(40), nullable=True))
