"""How many acts there were about any seal: what the published status list is numbered by, in the order of commits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0011"
down_revision = "seal_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its one row. It goes on from the position of the newest act, by which lists were numbered before."""
    op.create_table(
        "seal_status_number",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_status_number")),
    )
    op.execute("INSERT INTO seal_status_number (id, number) SELECT 1, COALESCE(MAX(position), 0) FROM seal_history")
