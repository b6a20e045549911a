"""What is counted often is found by an index: papers of a day, and keys that are left with a device or an owner."""

from __future__ import annotations

from alembic import op

revision = "seal_0016"
down_revision = "seal_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("ix_seal_papers_handed_in_by_handed_in_at", "seal_papers", ["handed_in_by", "handed_in_at"])
    op.create_index("ix_seal_editions_key_left_with_key_id", "seal_editions", ["key_left_with", "key_id"])
