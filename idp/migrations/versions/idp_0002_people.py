"""Accounts, what proves them, who acts for whom, what they sign in with, sessions and sign-ins under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0002"
down_revision = "idp_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "idp_account_identifiers",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("find_hash", sa.LargeBinary(), nullable=False),
        sa.Column("exclusive_hash", sa.LargeBinary(), nullable=True),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "kind", "find_hash", name="pk_idp_account_identifiers"),
        sa.UniqueConstraint("exclusive_hash", name="uq_idp_account_identifiers_exclusive_hash"),
    )
    op.create_index("ix_idp_account_identifiers_find_hash", "idp_account_identifiers", ["find_hash", "account_id"], unique=False)
    op.create_table(
        "idp_accounts",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("name_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attributes_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("area", sa.String(12), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(80), nullable=False),
        sa.Column("needs_two_factors", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("uversion", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'organisation')", name="ck_idp_accounts_kind"),
        sa.CheckConstraint("status IN ('active', 'disabled', 'closed')", name="ck_idp_accounts_status"),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name="ck_idp_accounts_level"),
        sa.PrimaryKeyConstraint("account_id", name="pk_idp_accounts"),
    )
    op.create_index("ix_idp_accounts_area", "idp_accounts", ["area", "account_id"], unique=False)
    op.create_index("ix_idp_accounts_kind", "idp_accounts", ["kind", "account_id"], unique=False)
    op.create_index("ix_idp_accounts_name_hash", "idp_accounts", ["name_hash", "account_id"], unique=False)
    op.create_table(
        "idp_agents",
        sa.Column("agent_id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("granted_by", sa.String(255), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.String(255), nullable=True),
        sa.Column("standing", sa.String(80), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("(revoked_at IS NULL) = (standing IS NOT NULL)", name="ck_idp_agents_standing"),
        sa.PrimaryKeyConstraint("agent_id", name="pk_idp_agents"),
        sa.UniqueConstraint("standing", name="uq_idp_agents_standing"),
    )
    op.create_index("ix_idp_agents_organisation_id", "idp_agents", ["organisation_id", "agent_id"], unique=False)
    op.create_index("ix_idp_agents_person_id", "idp_agents", ["person_id", "agent_id"], unique=False)
    op.create_table(
        "idp_attempts",
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_hash", name="pk_idp_attempts"),
    )
    op.create_index("ix_idp_attempts_last_at", "idp_attempts", ["last_at"], unique=False)
    op.create_table(
        "idp_consents",
        sa.Column("consent_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("acting_for", sa.String(32), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("claims", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id", name="pk_idp_consents"),
        sa.UniqueConstraint("account_id", "acting_for", "client_id", name="uq_idp_consents_account_id"),
    )
    op.create_index("ix_idp_consents_client_id", "idp_consents", ["client_id"], unique=False)
    op.create_table(
        "idp_credentials",
        sa.Column("credential_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("find_hash", sa.LargeBinary(), nullable=True),
        sa.Column("single", sa.String(64), nullable=True),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('password', 'totp', 'passkey', 'certificate', 'recovery')", name="ck_idp_credentials_kind"),
        sa.PrimaryKeyConstraint("credential_id", name="pk_idp_credentials"),
        sa.UniqueConstraint("find_hash", name="uq_idp_credentials_find_hash"),
        sa.UniqueConstraint("single", name="uq_idp_credentials_single"),
    )
    op.create_index("ix_idp_credentials_account_id", "idp_credentials", ["account_id", "kind"], unique=False)
    op.create_table(
        "idp_evidence",
        sa.Column("evidence_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_idp_evidence"),
    )
    op.create_index("ix_idp_evidence_account_id", "idp_evidence", ["account_id", "evidence_id"], unique=False)
    op.create_table(
        "idp_session_clients",
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "client_id", name="pk_idp_session_clients"),
    )
    op.create_table(
        "idp_sessions",
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("cookie_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("acting_for", sa.String(32), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("amr", sa.String(80), nullable=False),
        sa.Column("browser", sa.String(80), nullable=False),
        sa.Column("auth_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(255), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_idp_sessions"),
        sa.UniqueConstraint("cookie_hash", name="uq_idp_sessions_cookie_hash"),
    )
    op.create_index("ix_idp_sessions_account_id", "idp_sessions", ["account_id", "session_id"], unique=False)
    op.create_index("ix_idp_sessions_expires_at", "idp_sessions", ["expires_at"], unique=False)
    op.create_table(
        "idp_sign_ins",
        sa.Column("sign_in_id", sa.String(32), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("row_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'finished', 'refused')", name="ck_idp_sign_ins_state"),
        sa.PrimaryKeyConstraint("sign_in_id", name="pk_idp_sign_ins"),
    )
    op.create_index("ix_idp_sign_ins_expires_at", "idp_sign_ins", ["expires_at"], unique=False)
