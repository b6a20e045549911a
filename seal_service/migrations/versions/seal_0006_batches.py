"""Batches of documents to be sealed alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0006"
down_revision = "seal_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "seal_batches",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("order_json", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'running', 'done', 'cancelled')", name=op.f("ck_seal_batches_state")),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_batches_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_batches")),
    )
    op.create_index("ix_seal_batches_holder_state", "seal_batches", ["holder", "state"])
    op.create_table(
        "seal_batch_items",
        sa.Column("batch_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("document_digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("use_id", sa.String(40), nullable=True),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sealed', 'failed', 'cancelled')", name=op.f("ck_seal_batch_items_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["seal_batches.id"], name=op.f("fk_seal_batch_items_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_seal_batch_items")),
    )
    op.create_index("ix_seal_batch_items_batch_id_state", "seal_batch_items", ["batch_id", "state"])
