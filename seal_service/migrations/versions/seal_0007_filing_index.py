"""A receipt of the region is looked up: no two seals have the same."""

from __future__ import annotations

from alembic import op

revision = "seal_0007"
down_revision = "seal_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_seal_seals_filing", "seal_seals", ["filing"])
