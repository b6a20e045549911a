"""Whom a grant is for and whether it outlives its session, as columns. Null in rows from before, of which the grant itself is asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0017"
down_revision = "idp_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("idp_grants", sa.Column("is_offline", sa.Boolean(), nullable=True))
    op.add_column("idp_grants", sa.Column("acting_for", sa.String(32), nullable=True))
    op.create_index("ix_idp_grants_acting_for", "idp_grants", ["acting_for"], unique=False)
