"""Directories that are followed, and how far each of their subjects is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0022"
down_revision = "idp_0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "idp_followed_sources",
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("settings_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("reconcile_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("current_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.String(64), nullable=False),
        sa.Column("report_json", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", name="pk_idp_followed_sources"),
    )
    op.create_table(
        "idp_followed_subjects",
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("subject_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("local_id", sa.String(32), nullable=True),
        sa.CheckConstraint("outcome IN ('applied', 'passed', 'refused')", name="ck_idp_followed_subjects_outcome"),
        sa.PrimaryKeyConstraint("code", "subject_hash", name="pk_idp_followed_subjects"),
    )
    op.create_index("ix_idp_followed_subjects_bucket", "idp_followed_subjects", ["code", "bucket"], unique=False)
