"""Signing keys of more kinds than P-256. Rows that are there stay as they are: their codes (row_mac) can only be made by the program."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0006"
down_revision = "idp_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("idp_signing_keys", sa.Column("algorithm", sa.String(16), nullable=True))
    op.add_column("idp_signing_keys", sa.Column("public_der", sa.LargeBinary(), nullable=True))
