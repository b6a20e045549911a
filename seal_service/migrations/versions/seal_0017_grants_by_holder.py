"""Grants found by who holds them."""

from __future__ import annotations

from alembic import op

revision = "seal_0017"
down_revision = "seal_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_seal_grants_holder", "seal_grants", ["holder"])
