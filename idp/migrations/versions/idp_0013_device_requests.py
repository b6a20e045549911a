"""Devices that wait for somebody to sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0013"
down_revision = "idp_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "idp_device_requests",
        sa.Column("device_id", sa.String(32), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("resource", sa.String(512), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("who_json", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'refused', 'spent')", name=op.f("ck_idp_device_requests_state")),
        sa.PrimaryKeyConstraint("device_id", name="pk_idp_device_requests"),
        sa.UniqueConstraint("code_digest", name="uq_idp_device_requests_code_digest"),
        sa.UniqueConstraint("user_code_hash", name="uq_idp_device_requests_user_code_hash"),
    )
    op.create_index("ix_idp_device_requests_expires_at", "idp_device_requests", ["expires_at"], unique=False)
