"""Annotated copies of licences, and the one-off addresses they are fetched from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0009"
down_revision = "licence_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_copies",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary, nullable=True),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("entry_id", sa.String(36), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("blob", sa.String(64), nullable=True),
        sa.Column("refusal", sa.String(64), nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.CheckConstraint("form IN ('pdf', 'ofd')", name="ck_licence_copies_form"),
        sa.CheckConstraint("state IN ('making', 'made', 'abandoned')", name="ck_licence_copies_state"),
        sa.CheckConstraint("(state = 'made') = (file_digest IS NOT NULL AND blob IS NOT NULL)", name="ck_licence_copies_made"),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name="fk_licence_copies_licence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_licence_copies"),
    )
    op.create_index("ix_licence_copies_licence_id_id", "licence_copies", ["licence_id", "id"])
    op.create_index("ix_licence_copies_state_lease_until", "licence_copies", ["state", "lease_until"])
    op.create_table(
        "licence_downloads",
        sa.Column("token_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("copy_id", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=True),
        sa.ForeignKeyConstraint(["copy_id"], ["licence_copies.id"], name="fk_licence_downloads_copy_id"),
        sa.PrimaryKeyConstraint("token_digest", name="pk_licence_downloads"),
    )
    op.create_index("ix_licence_downloads_expires_at", "licence_downloads", ["expires_at"])
