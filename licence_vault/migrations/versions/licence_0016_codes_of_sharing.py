"""Sharing permissions carry a code (row_mac). Rows from before get theirs at the next start, if the audit trail says that they were given so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0016"
down_revision = "licence_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("licence_sharing", sa.Column("row_mac", sa.LargeBinary(), nullable=True))
