"""The region is told of erasures, and types and erasures are compared with it: they are found by their numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0014"
down_revision = "licence_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let reports be of a third kind, and make the index."""
    with op.batch_alter_table("licence_reports") as table:
        table.drop_constraint(op.f("ck_licence_reports_kind"), type_="check")
        table.create_check_constraint(op.f("ck_licence_reports_kind"), "kind IN ('licence', 'type', 'erasure')")
    registered = sa.text("log_index IS NULL")
    op.create_index("ix_licence_reports_register", "licence_reports", ["number"], sqlite_where=registered, postgresql_where=registered)
