"""How often our own verifier refused what was sealed of a draft; whence a licence was transferred in; which keys have
followed those of the log and the status lists; and batches keep nothing of their rows once these have their licences.

Batches that were cancelled while licences were begun have not ended before those have.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0012"
down_revision = "licence_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, wipe what rows with a licence said, open again what has not ended, and wipe the keys of what has."""
    op.add_column("licence_licences", sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("licence_licences", sa.Column("transferred_from", sa.String(128), nullable=True))
    op.create_index("ux_licence_licences_transferred_from", "licence_licences", ["transferred_from"], unique=True)
    op.create_table(
        "licence_signing_keys",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("from_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("generation >= 2", name=op.f("ck_licence_signing_keys_generation")),
        sa.PrimaryKeyConstraint("name", "generation", name="pk_licence_signing_keys"),
        sa.UniqueConstraint("key_id", name="uq_licence_signing_keys_key_id"),
    )
    op.execute("UPDATE licence_batch_rows SET cells_sealed = NULL WHERE licence_id IS NOT NULL")
    op.execute(
        "UPDATE licence_batches SET ended_at = NULL WHERE state = 'cancelled' AND EXISTS "
        "(SELECT 1 FROM licence_batch_rows r WHERE r.batch_id = licence_batches.id AND r.state = 'waiting')"
    )
    batches = sa.table("licence_batches", sa.column("ended_at", sa.BigInteger), sa.column("key_sealed", sa.LargeBinary))
    op.execute(sa.update(batches).where(batches.c.ended_at.is_not(None)).values(key_sealed=b""))
