"""The electronic seal of GB/T 38540 that is made for the certificate of a seal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0002"
down_revision = "seal_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; seals made before have none until they are made again."""
    op.add_column("seal_seals", sa.Column("seal_data_der", sa.LargeBinary(), nullable=True))
