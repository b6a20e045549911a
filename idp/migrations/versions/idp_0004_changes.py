"""The feed of changes to accounts, and the state of each subject for reconciliation."""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import op

revision = "idp_0004"
down_revision = "idp_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; accounts that exist already are entered at the next start, because their digests need keys."""
    head = op.create_table(
        "idp_change_head",
        sa.Column("head", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("feed_id", sa.String(32), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("is_filled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("head = 1", name="ck_idp_change_head_head"),
        sa.PrimaryKeyConstraint("head", name="pk_idp_change_head"),
    )
    op.create_table(
        "idp_changes",
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'organisation', 'agent')", name="ck_idp_changes_kind"),
        sa.PrimaryKeyConstraint("position", name="pk_idp_changes"),
    )
    op.create_table(
        "idp_change_states",
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_idp_change_states"),
    )
    op.create_index("ix_idp_change_states_bucket", "idp_change_states", ["bucket", "subject_id"], unique=False)
    is_empty = op.get_bind().execute(sa.text("SELECT account_id FROM idp_accounts LIMIT 1")).first() is None
    op.bulk_insert(head, [{"head": 1, "feed_id": os.urandom(8).hex(), "last": 0, "is_filled": is_empty}])
