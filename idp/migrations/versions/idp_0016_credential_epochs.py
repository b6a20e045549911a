"""How often an account's credentials changed, on accounts and sessions. Null in rows from before, whose codes (row_mac) are over the columns of then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0016"
down_revision = "idp_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("idp_accounts", sa.Column("credential_epoch", sa.BigInteger(), nullable=True))
    op.add_column("idp_sessions", sa.Column("credential_epoch", sa.BigInteger(), nullable=True))
