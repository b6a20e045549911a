"""Who may go on to another service in a person's name (CAS): callbacks, whom a client accepts, and proxy-granting tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0020"
down_revision = "idp_0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "idp_cas_callbacks",
        sa.Column("callback", sa.String(512), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("callback", name="pk_idp_cas_callbacks"),
    )
    op.create_index("ix_idp_cas_callbacks_client_id", "idp_cas_callbacks", ["client_id"], unique=False)
    op.create_table(
        "idp_cas_accepted_proxies",
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("proxy", sa.String(512), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "proxy", name="pk_idp_cas_accepted_proxies"),
    )
    op.create_table(
        "idp_cas_granting_tickets",
        sa.Column("ticket_digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("ticket_json", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_digest", name="pk_idp_cas_granting_tickets"),
    )
    op.create_index("ix_idp_cas_granting_tickets_expires_at", "idp_cas_granting_tickets", ["expires_at"], unique=False)
