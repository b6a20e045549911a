"""Batches of licences and their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0003"
down_revision = "licence_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_batches",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.Column("forms", sa.Text(), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("state IN ('loading', 'ready', 'running', 'done', 'cancelled')", name=op.f("ck_licence_batches_state")),
        sa.ForeignKeyConstraint(["issuer_code"], ["licence_issuers.code"], name=op.f("fk_licence_batches_issuer_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_batches")),
    )
    op.create_index("ix_licence_batches_issuer_code_state", "licence_batches", ["issuer_code", "state"])
    op.create_index("ix_licence_batches_state_lease_until", "licence_batches", ["state", "lease_until"])
    op.create_table(
        "licence_batch_rows",
        sa.Column("batch_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cells_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("licence_id", sa.String(40), nullable=True),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("place", sa.String(200), nullable=True),
        sa.Column("rule", sa.String(200), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'issued', 'failed', 'cancelled')", name=op.f("ck_licence_batch_rows_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["licence_batches.id"], name=op.f("fk_licence_batch_rows_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_licence_batch_rows")),
        sa.UniqueConstraint("licence_id", name=op.f("uq_licence_batch_rows_licence_id")),
    )
    op.create_index("ix_licence_batch_rows_batch_id_state_number", "licence_batch_rows", ["batch_id", "state", "number"])
