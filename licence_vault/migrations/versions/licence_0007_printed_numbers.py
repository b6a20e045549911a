"""Licences are found by their printed number alone, whichever type and authority."""

from __future__ import annotations

from alembic import op

revision = "licence_0007"
down_revision = "licence_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_licence_licences_number_digest", "licence_licences", ["number_digest"])
