"""Services and tickets of the CAS protocol."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0007"
down_revision = "idp_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "idp_cas_services",
        sa.Column("service", sa.String(512), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("claims", sa.Text(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("service", name="pk_idp_cas_services"),
    )
    op.create_index("ix_idp_cas_services_client_id", "idp_cas_services", ["client_id"], unique=False)
    op.create_table(
        "idp_cas_tickets",
        sa.Column("ticket_digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("ticket_json", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("ticket_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_digest", name="pk_idp_cas_tickets"),
    )
    op.create_index("ix_idp_cas_tickets_session_id", "idp_cas_tickets", ["session_id"], unique=False)
    op.create_index("ix_idp_cas_tickets_expires_at", "idp_cas_tickets", ["expires_at"], unique=False)
