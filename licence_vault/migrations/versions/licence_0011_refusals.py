"""How often our own verifier refused what was sealed of a draft."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0011"
down_revision = "licence_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count."""
    op.add_column("licence_licences", sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"))
