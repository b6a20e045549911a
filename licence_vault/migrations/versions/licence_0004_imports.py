"""Licences of older repositories."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0004"
down_revision = "licence_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_imports",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=True),
        sa.Column("number_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("holder_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("data_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("file_form", sa.String(8), nullable=True),
        sa.Column("file_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("file_blob", sa.String(64), nullable=True),
        sa.Column("imported_by", sa.String(255), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["issuer_code"], ["licence_issuers.code"], name=op.f("fk_licence_imports_issuer_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_imports")),
    )
    op.create_index("ix_licence_imports_holder_digest", "licence_imports", ["holder_digest"])
    op.create_index("ix_licence_imports_issuer_code_id", "licence_imports", ["issuer_code", "id"])
    op.create_index("ux_licence_imports_printed", "licence_imports", ["issuer_code", "type_code", "number_digest"], unique=True)
