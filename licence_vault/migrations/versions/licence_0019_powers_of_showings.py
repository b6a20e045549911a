"""A showing by the power over an organisation's licences remembers how whoever shows it came, so that it ends with the power. One that is open
while a deployment is upgraded is over with it: its power cannot be asked for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0019"
down_revision = "licence_0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("licence_showings", sa.Column("power_client", sa.String(128), nullable=False, server_default=""))
    op.add_column("licence_showings", sa.Column("power_grant", sa.String(255), nullable=False, server_default=""))
