"""Sign-in at other identity providers: who is away there, which sessions come of it, what an administrator has to decide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0008"
down_revision = "idp_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "idp_upstream_trips",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("trip_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_idp_upstream_trips"),
    )
    op.create_index("ix_idp_upstream_trips_expires_at", "idp_upstream_trips", ["expires_at"], unique=False)
    op.create_table(
        "idp_upstream_sessions",
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("upstream", sa.String(40), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("upstream_session_hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name="pk_idp_upstream_sessions"),
    )
    op.create_index("ix_idp_upstream_sessions_subject_hash", "idp_upstream_sessions", ["subject_hash"], unique=False)
    op.create_index("ix_idp_upstream_sessions_upstream_session_hash", "idp_upstream_sessions", ["upstream_session_hash"], unique=False)
    op.create_table(
        "idp_upstream_notices",
        sa.Column("notice_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notice_hash", name="pk_idp_upstream_notices"),
    )
    op.create_index("ix_idp_upstream_notices_expires_at", "idp_upstream_notices", ["expires_at"], unique=False)
    op.create_table(
        "idp_identity_conflicts",
        sa.Column("conflict_id", sa.String(32), nullable=False),
        sa.Column("upstream", sa.String(40), nullable=False),
        sa.Column("standing", sa.LargeBinary(), nullable=True),
        sa.Column("doubt", sa.String(24), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("identity_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'linked', 'separated', 'rejected')", name="ck_idp_identity_conflicts_state"),
        sa.CheckConstraint("(standing IS NOT NULL) = (state IN ('open', 'rejected'))", name="ck_idp_identity_conflicts_standing"),
        sa.PrimaryKeyConstraint("conflict_id", name="pk_idp_identity_conflicts"),
        sa.UniqueConstraint("standing", name="uq_idp_identity_conflicts_standing"),
    )
    op.create_index("ix_idp_identity_conflicts_state", "idp_identity_conflicts", ["state", "conflict_id"], unique=False)
