"""Whether what was handed in was given up before it became an application: its key goes only after that is on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0012"
down_revision = "seal_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("seal_imports", sa.Column("is_given_up", sa.Boolean(), nullable=False, server_default=sa.false()))
