"""An index by which grants that no token can come of any more are found: they are removed now."""

from __future__ import annotations

from alembic import op

revision = "idp_0024"
down_revision = "idp_0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_idp_grants_created_at", "idp_grants", ["created_at"], unique=False)
