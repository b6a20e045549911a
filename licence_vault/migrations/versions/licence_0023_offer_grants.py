"""An offer of credentials remembers what the token hung on with which it was made, so that it ends with the right of whoever made it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0023"
down_revision = "licence_0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("licence_credential_offers", sa.Column("token_grant_id", sa.String(255), nullable=False, server_default=""))
