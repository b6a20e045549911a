"""Imported licences are found by each of their holders. Of those that were taken over before, the first one alone is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0020"
down_revision = "licence_0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "licence_import_holders",
        sa.Column("import_id", sa.String(40), nullable=False),
        sa.Column("holder_digest", sa.LargeBinary(32), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["licence_imports.id"], name=op.f("fk_licence_import_holders_import_id")),
        sa.PrimaryKeyConstraint("import_id", "holder_digest", name=op.f("pk_licence_import_holders")),
    )
    op.create_index("ix_licence_import_holders_holder_digest", "licence_import_holders", ["holder_digest"])
