"""Seals, their codes, grants and uses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "seal_seals",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("code", sa.String(14), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("organisation", sa.String(128), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("credit_code", sa.String(18), nullable=False),
        sa.Column("type_code", sa.String(4), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("managed_by", sa.String(128), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("certificate_der", sa.LargeBinary(), nullable=True),
        sa.Column("chain_der", sa.LargeBinary(), nullable=True),
        sa.Column("is_certificate_revoked", sa.Boolean(), nullable=False),
        sa.Column("picture_width_mm", sa.Float(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(code) = 14", name=op.f("ck_seal_seals_code_length")),
        sa.CheckConstraint(
            "state IN ('making', 'abandoned') OR certificate_der IS NOT NULL", name=op.f("ck_seal_seals_certificate_present")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_seals")),
        sa.UniqueConstraint("code", name=op.f("uq_seal_seals_code")),
        sa.UniqueConstraint("key_id", name=op.f("uq_seal_seals_key_id")),
    )
    op.create_index("ix_seal_seals_managed_by_id", "seal_seals", ["managed_by", "id"])
    op.create_index("ix_seal_seals_state_made_at", "seal_seals", ["state", "made_at"])
    op.create_table(
        "seal_code_counters",
        sa.Column("division", sa.String(6), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("division", name=op.f("pk_seal_code_counters")),
    )
    op.create_table(
        "seal_grants",
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("granted_by", sa.String(128), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_grants_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", "client_id", name=op.f("pk_seal_grants")),
    )
    op.create_index("ix_seal_grants_client_id_seal_id", "seal_grants", ["client_id", "seal_id"])
    op.create_table(
        "seal_uses",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("input_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("intent_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("result_digest", sa.String(64), nullable=True),
        sa.Column("result_bytes", sa.BigInteger(), nullable=True),
        sa.Column("result_inline", sa.LargeBinary(), nullable=True),
        sa.Column("is_timestamped", sa.Boolean(), nullable=False),
        sa.Column("void_reason", sa.String(64), nullable=True),
        sa.Column("intent_audit_id", sa.String(64), nullable=False),
        sa.Column("result_audit_id", sa.String(64), nullable=True),
        sa.CheckConstraint("state <> 'done' OR result_digest IS NOT NULL", name=op.f("ck_seal_uses_done_has_result")),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_uses_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_uses")),
    )
    op.create_index("ix_seal_uses_state_intent_at", "seal_uses", ["state", "intent_at"])
    op.create_index("ix_seal_uses_client_id_id", "seal_uses", ["client_id", "id"])
