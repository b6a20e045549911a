"""With whom a key is left that is over and not ours to destroy: in a device, or with the owner of the seal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0014"
down_revision = "seal_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for table in ("seal_seals", "seal_editions"):
        op.add_column(table, sa.Column("key_left_with", sa.String(16), nullable=True))
