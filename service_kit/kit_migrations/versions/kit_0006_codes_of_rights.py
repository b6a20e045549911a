"""Roles and duties carry a code (row_mac). Rows from before get theirs at the next start, if the audit trail says that they were given so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kit_0006"
down_revision = "kit_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for table in ("kit_role_holders", "kit_duties"):
        op.add_column(table, sa.Column("row_mac", sa.LargeBinary(), nullable=True))
