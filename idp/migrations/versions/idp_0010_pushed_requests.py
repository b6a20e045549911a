"""Pushed authorization requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0010"
down_revision = "idp_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "idp_pushed_requests",
        sa.Column("uri_digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("row_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("uri_digest", name="pk_idp_pushed_requests"),
    )
    op.create_index("ix_idp_pushed_requests_expires_at", "idp_pushed_requests", ["expires_at"], unique=False)
