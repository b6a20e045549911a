"""How far the word of other directories on each subject is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0019"
down_revision = "idp_0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "idp_source_versions",
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_hash", name="pk_idp_source_versions"),
    )
