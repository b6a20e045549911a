"""Licences of other regions are found by each of their holders. Of those that are kept nobody knows whose they are: they are asked for again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0022"
down_revision = "licence_0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and keep none of which it knows nothing."""
    op.create_table(
        "licence_foreign_holders",
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=False),
        sa.Column("asked_by", sa.String(255), nullable=False),
        sa.Column("holder_digest", sa.LargeBinary(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["region", "identifier", "asked_by"],
            ["licence_foreign.region", "licence_foreign.identifier", "licence_foreign.asked_by"],
            name=op.f("fk_licence_foreign_holders_kept"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("region", "identifier", "asked_by", "holder_digest", name=op.f("pk_licence_foreign_holders")),
    )
    op.create_index("ix_licence_foreign_holders_holder_digest", "licence_foreign_holders", ["holder_digest"])
    op.execute("DELETE FROM licence_foreign")
