"""Who may use licences of others, the codes by which it is done, whom holders entrusted, and every use by subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_kit.append_only import protect_rows

revision = "licence_0008"
down_revision = "licence_0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_sharing",
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("modes", sa.String(100), nullable=False),
        sa.Column("rights", sa.String(100), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("given_by", sa.String(255), nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "type_code", name="pk_licence_sharing"),
    )
    op.create_table(
        "licence_entrustments",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("holder_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("agent_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("given_by", sa.String(255), nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_licence_entrustments"),
    )
    op.create_index("ix_licence_entrustments_agent_digest", "licence_entrustments", ["agent_digest", "holder_digest"])
    op.create_index("ix_licence_entrustments_holder_digest", "licence_entrustments", ["holder_digest", "id"])
    op.create_table(
        "licence_use_codes",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("service_item", sa.String(64), nullable=False),
        sa.Column("granted_by", sa.String(255), nullable=False),
        sa.Column("officer_sealed", sa.LargeBinary, nullable=True),
        sa.Column("entrustment_id", sa.String(40), nullable=True),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=True),
        sa.CheckConstraint("mode IN ('consented', 'duty', 'entrusted')", name="ck_licence_use_codes_mode"),
        sa.CheckConstraint("(mode = 'duty') = (officer_sealed IS NOT NULL)", name="ck_licence_use_codes_officer"),
        sa.PrimaryKeyConstraint("id", name="pk_licence_use_codes"),
        sa.UniqueConstraint("code_digest", name="uq_licence_use_codes_code_digest"),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name="fk_licence_use_codes_licence_id"),
        sa.ForeignKeyConstraint(["entrustment_id"], ["licence_entrustments.id"], name="fk_licence_use_codes_entrustment_id"),
    )
    op.create_index("ix_licence_use_codes_licence_id_granted_at", "licence_use_codes", ["licence_id", "granted_at"])
    op.create_table(
        "licence_uses",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=True),
        sa.Column("type_code", sa.String(21), nullable=True),
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("officer_sealed", sa.LargeBinary, nullable=True),
        sa.Column("mode", sa.String(16), nullable=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("audit_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_licence_uses"),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name="fk_licence_uses_licence_id"),
    )
    op.create_index("ix_licence_uses_licence_id", "licence_uses", ["licence_id", "id"])
    op.create_table(
        "licence_use_subjects",
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("use_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code_digest", "use_id", name="pk_licence_use_subjects"),
        sa.ForeignKeyConstraint(["use_id"], ["licence_uses.id"], name="fk_licence_use_subjects_use_id"),
    )
    for table in ("licence_uses", "licence_use_subjects"):
        protect_rows(op.get_bind(), table)
