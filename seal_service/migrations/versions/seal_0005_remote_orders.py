"""Documents that wait for the signature of a key which its owner keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0005"
down_revision = "seal_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "seal_remote_orders",
        sa.Column("use_id", sa.String(40), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("certificate_digest", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("document_digest", sa.String(64), nullable=False),
        sa.Column("order_json", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("first_signature", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["use_id"], ["seal_uses.id"], name=op.f("fk_seal_remote_orders_use_id")),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_seal_remote_orders")),
    )
    op.create_index("ix_seal_remote_orders_expires_at", "seal_remote_orders", ["expires_at"])
