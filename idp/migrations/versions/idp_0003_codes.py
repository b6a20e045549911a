"""Authorization codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0003"
down_revision = "idp_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "idp_codes",
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("grant_json", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code_digest", name="pk_idp_codes"),
    )
    op.create_index("ix_idp_codes_expires_at", "idp_codes", ["expires_at"], unique=False)
