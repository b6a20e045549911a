"""Trust tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0014"
down_revision = "idp_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "idp_trust_tickets",
        sa.Column("ticket_digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_by", sa.String(64), nullable=False),
        sa.Column("target_id", sa.String(64), nullable=False),
        sa.Column("target_mac", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.String(40), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("became", sa.String(40), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_digest", name="pk_idp_trust_tickets"),
    )
    op.create_index("ix_idp_trust_tickets_expires_at", "idp_trust_tickets", ["expires_at"], unique=False)
