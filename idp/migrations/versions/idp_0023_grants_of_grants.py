"""Of which grant another came by a trust ticket: with that it ends. Null in rows from before, which end with their session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0023"
down_revision = "idp_0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("idp_grants", sa.Column("source_id", sa.String(40), nullable=True))
    op.create_index("ix_idp_grants_source_id", "idp_grants", ["source_id"], unique=False)
