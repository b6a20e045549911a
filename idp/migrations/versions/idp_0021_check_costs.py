"""What it costs to compare with a password's hash. Null in rows from before, whose codes (row_mac) are over the columns of then, until a job has looked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0021"
down_revision = "idp_0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and indexes of the few rows that are dear or have not been looked at."""
    op.add_column("idp_credentials", sa.Column("check_milliseconds", sa.Integer(), nullable=True))
    dear, unweighed = sa.text("check_milliseconds > 0"), sa.text("kind = 'password' AND check_milliseconds IS NULL")
    op.create_index("ix_idp_credentials_dear", "idp_credentials", ["check_milliseconds"], sqlite_where=dear, postgresql_where=dear)
    op.create_index(
        "ix_idp_credentials_unweighed", "idp_credentials", ["credential_id"], sqlite_where=unweighed, postgresql_where=unweighed
    )
