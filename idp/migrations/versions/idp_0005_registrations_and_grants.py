"""What clients register for signing people in, and the grants that people give them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0005"
down_revision = "idp_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; codes learn which grant they became."""
    op.create_table(
        "idp_registrations",
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_idp_registrations"),
    )
    op.create_table(
        "idp_grants",
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("grant_json", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_why", sa.String(40), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name="pk_idp_grants"),
    )
    op.create_index("ix_idp_grants_session_id", "idp_grants", ["session_id"], unique=False)
    op.create_index("ix_idp_grants_account_id", "idp_grants", ["account_id", "grant_id"], unique=False)
    op.create_table(
        "idp_refresh_tokens",
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest", name="pk_idp_refresh_tokens"),
    )
    op.create_index("ix_idp_refresh_tokens_grant_id", "idp_refresh_tokens", ["grant_id"], unique=False)
    op.add_column("idp_codes", sa.Column("grant_id", sa.String(40), nullable=True))
