"""The feed of changes gives its numbers after the fact, so that writers do not wait for each other. The feed begins anew."""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import op

from service_kit.tables import BIG

revision = "idp_0012"
down_revision = "idp_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables anew; accounts that exist are entered at the next start."""
    op.drop_index("ix_idp_change_states_bucket", table_name="idp_change_states")
    op.drop_table("idp_change_states")
    op.drop_table("idp_changes")
    op.create_table(
        "idp_changes",
        sa.Column("row_id", BIG, sa.Identity(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_before", sa.String(16), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'organisation', 'agent')", name="ck_idp_changes_kind"),
        sa.PrimaryKeyConstraint("row_id", name="pk_idp_changes"),
        sa.UniqueConstraint("number", name="uq_idp_changes_number"),
    )
    waiting = sa.text("number IS NULL")
    op.create_index("ix_idp_changes_waiting", "idp_changes", ["row_id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "idp_change_states",
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_idp_change_states"),
    )
    op.create_index("ix_idp_change_states_bucket", "idp_change_states", ["bucket", "subject_id"], unique=False)
    op.create_table(
        "idp_change_counts",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("subjects", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "status", name="pk_idp_change_counts"),
    )
    connection = op.get_bind()
    is_empty = connection.execute(sa.text("SELECT account_id FROM idp_accounts LIMIT 1")).first() is None
    head = sa.table("idp_change_head", sa.column("feed_id"), sa.column("last"), sa.column("is_filled"))
    op.execute(sa.update(head).values(feed_id=os.urandom(8).hex(), last=0, is_filled=is_empty))
