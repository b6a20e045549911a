"""By which key the places of status lists are given out: a check value, so that another key is noticed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0006"
down_revision = "licence_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its one row, empty until the first place is given out."""
    op.create_table(
        "licence_status_order",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("key_check", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_licence_status_order_one_row")),
        sa.PrimaryKeyConstraint("id", name="pk_licence_status_order"),
    )
    table = sa.table("licence_status_order", sa.column("id", sa.Integer), sa.column("key_check", sa.LargeBinary))
    op.bulk_insert(table, [{"id": 1, "key_check": b""}])
