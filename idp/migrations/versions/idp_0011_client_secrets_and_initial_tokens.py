"""Secrets of clients that sign with them, and tokens that let systems register themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0011"
down_revision = "idp_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "idp_client_secrets",
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "secret_digest", name="pk_idp_client_secrets"),
    )
    op.create_table(
        "idp_initial_tokens",
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("token_json", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name="pk_idp_initial_tokens"),
        sa.UniqueConstraint("token_id", name="uq_idp_initial_tokens_token_id"),
    )
    op.create_index("ix_idp_initial_tokens_expires_at", "idp_initial_tokens", ["expires_at"], unique=False)
