"""Bulk imports of accounts and the outcome of each of their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0009"
down_revision = "idp_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "idp_imports",
        sa.Column("import_id", sa.String(32), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("state IN ('receiving', 'running', 'finished')", name="ck_idp_imports_state"),
        sa.PrimaryKeyConstraint("import_id", name="pk_idp_imports"),
    )
    op.create_index("ix_idp_imports_state", "idp_imports", ["state", "import_id"], unique=False)
    op.create_table(
        "idp_import_rows",
        sa.Column("import_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("row_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=True),
        sa.CheckConstraint("outcome IN ('waiting', 'created', 'changed', 'unchanged', 'refused')", name="ck_idp_import_rows_outcome"),
        sa.PrimaryKeyConstraint("import_id", "number", name="pk_idp_import_rows"),
    )
    op.create_index("ix_idp_import_rows_outcome", "idp_import_rows", ["import_id", "outcome", "number"], unique=False)
