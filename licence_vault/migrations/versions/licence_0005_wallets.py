"""Offers of credentials for wallets, what was issued on them, and what verifiers asked to see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0005"
down_revision = "licence_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_credential_offers",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("configurations", sa.String(500), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("tx_code_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("attempts_left", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("redeemed_at", sa.BigInteger, nullable=True),
        sa.Column("token_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("token_expires_at", sa.BigInteger, nullable=True),
        sa.Column("row_mac", sa.LargeBinary(32), nullable=False),
        sa.CheckConstraint("attempts_left >= 0", name="ck_licence_credential_offers_attempts_left"),
        sa.CheckConstraint("(redeemed_at IS NULL) = (token_digest IS NULL)", name="ck_licence_credential_offers_redeemed"),
        sa.PrimaryKeyConstraint("id", name="pk_licence_credential_offers"),
        sa.UniqueConstraint("code_digest", name="uq_licence_credential_offers_code_digest"),
        sa.UniqueConstraint("token_digest", name="uq_licence_credential_offers_token_digest"),
    )
    op.create_index("ix_licence_credential_offers_expires_at", "licence_credential_offers", ["expires_at"])
    op.create_table(
        "licence_credentials",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("offer_id", sa.String(32), nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("configuration", sa.String(80), nullable=False),
        sa.Column("holder_thumbprint", sa.String(43), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("intended_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.CheckConstraint("state IN ('intended', 'issued', 'void')", name="ck_licence_credentials_state"),
        sa.CheckConstraint("(state = 'issued') = (digest IS NOT NULL)", name="ck_licence_credentials_digest"),
        sa.ForeignKeyConstraint(["offer_id"], ["licence_credential_offers.id"], name="fk_licence_credentials_offer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_licence_credentials"),
    )
    standing = sa.text("state <> 'void'")
    op.create_index(
        "ux_licence_credentials_offer",
        "licence_credentials",
        ["offer_id", "configuration"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_index("ix_licence_credentials_licence_id", "licence_credentials", ["licence_id"])
    op.create_index("ix_licence_credentials_state_intended_at", "licence_credentials", ["state", "intended_at"])
    op.create_table(
        "licence_presentations",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("asked_by", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("question_json", sa.Text, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("state_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger, nullable=True),
        sa.Column("verdict", sa.String(16), nullable=True),
        sa.Column("result_sealed", sa.LargeBinary, nullable=True),
        sa.CheckConstraint("(answered_at IS NULL) = (verdict IS NULL)", name="ck_licence_presentations_answered"),
        sa.CheckConstraint("verdict IN ('valid', 'invalid', 'indeterminate', 'declined')", name="ck_licence_presentations_verdict"),
        sa.PrimaryKeyConstraint("id", name="pk_licence_presentations"),
    )
    op.create_index("ix_licence_presentations_expires_at", "licence_presentations", ["expires_at"])
