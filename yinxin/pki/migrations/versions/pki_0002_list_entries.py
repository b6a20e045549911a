"""How many certificates a revocation list names. Of lists that stand already it is not known, so new ones are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "pki_0002"
down_revision = "pki_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("pki_revocation_lists", sa.Column("entries", sa.BigInteger(), nullable=True))
