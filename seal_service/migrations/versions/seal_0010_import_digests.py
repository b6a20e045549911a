"""A seal that was made elsewhere is known again by its digest, whatever it calls itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0010"
down_revision = "seal_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was handed in before, the code tells."""
    op.add_column("seal_imports", sa.Column("seal_digest", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_seal_imports_seal_digest", "seal_imports", ["seal_digest"])
