"""Licences that are being shown on a screen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0011"
down_revision = "licence_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "licence_showings",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("account", sa.String(255), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("tries_left", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("client_id", sa.String(128), nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("officer_sealed", sa.LargeBinary, nullable=True),
        sa.CheckConstraint("state IN ('open', 'scanned', 'agreed', 'seen', 'ended')", name="ck_licence_showings_state"),
        sa.CheckConstraint("mode IN ('consented', 'entrusted')", name="ck_licence_showings_mode"),
        sa.CheckConstraint("tries_left >= 0", name="ck_licence_showings_tries_left"),
        sa.CheckConstraint("(client_id IS NULL) = (reason IS NULL)", name="ck_licence_showings_scanned"),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name="fk_licence_showings_licence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_licence_showings"),
    )
    op.create_index("ix_licence_showings_account_ends_at", "licence_showings", ["account", "ends_at"])
    op.create_index("ix_licence_showings_ends_at", "licence_showings", ["ends_at"])
