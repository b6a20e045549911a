"""Consents carry a code (row_mac) as all rows that give rights do. Those from before have none and count no more: people are asked once again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0018"
down_revision = "idp_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("idp_consents", sa.Column("row_mac", sa.LargeBinary(), nullable=True))
