"""A use code by the power over an organisation's licences remembers how whoever granted it came, so that it ends with the power. One that is not used
yet while a deployment is upgraded counts no more: its power cannot be asked for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0021"
down_revision = "licence_0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("licence_use_codes", sa.Column("power_client", sa.String(128), nullable=False, server_default=""))
    op.add_column("licence_use_codes", sa.Column("power_grant", sa.String(255), nullable=False, server_default=""))
