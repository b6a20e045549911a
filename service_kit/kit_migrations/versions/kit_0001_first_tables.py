"""The kit's first tables: audit trail, log head, idempotency, outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service_kit.append_only import protect_log_table

revision = "kit_0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "kit_audit",
        sa.Column("position", BIG, sa.Identity(), nullable=False),
        sa.Column("entry_id", sa.String(36), nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("log_index", sa.BigInteger, nullable=True),
        sa.Column("writer_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("action", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_kit_audit"),
        sa.UniqueConstraint("entry_id", name="uq_kit_audit_entry_id"),
        sa.UniqueConstraint("writer_id", "number", name="uq_kit_audit_writer_id_number"),
    )
    indexed, waiting, opened = sa.text("log_index IS NOT NULL"), sa.text("log_index IS NULL"), sa.text("number = 0")
    op.create_index("ix_kit_audit_log_index", "kit_audit", ["log_index"], unique=True, sqlite_where=indexed, postgresql_where=indexed)
    op.create_index("ix_kit_audit_waiting", "kit_audit", ["position"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_kit_audit_subject", "kit_audit", ["subject", "position"])
    op.create_index("ix_kit_audit_opened", "kit_audit", ["position"], sqlite_where=opened, postgresql_where=opened)
    protect_log_table(op.get_bind(), "kit_audit", ("writer_id", "number", "actor", "action", "subject", "mac"))

    op.create_table(
        "kit_log_head",
        sa.Column("log", sa.String(100), nullable=False),
        sa.Column("assigned", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("checkpoints", sa.LargeBinary, nullable=False),
        sa.Column("lease_holder", sa.String(100), nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("log", name="pk_kit_log_head"),
    )

    op.create_table(
        "kit_idempotency",
        sa.Column("key_digest", sa.LargeBinary, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("reference", sa.String(100), nullable=True),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("headers", sa.LargeBinary, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sa.Column("body_blob", sa.String(64), nullable=True),
        sa.Column("in_flight_until", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_digest", name="pk_kit_idempotency"),
    )
    op.create_index("ix_kit_idempotency_expires_at", "kit_idempotency", ["expires_at"])

    op.create_table(
        "kit_outbox",
        sa.Column("position", BIG, sa.Identity(), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("leased_by", sa.String(100), nullable=True),
        sa.Column("done_at", sa.BigInteger, nullable=True),
        sa.Column("alarmed_at", sa.BigInteger, nullable=True),
        sa.Column("last_error", sa.String(100), nullable=True),
        sa.PrimaryKeyConstraint("position", name="pk_kit_outbox"),
        sa.UniqueConstraint("message_id", name="uq_kit_outbox_message_id"),
    )
    not_done = sa.text("done_at IS NULL")
    op.create_index("ix_kit_outbox_due", "kit_outbox", ["due_at"], sqlite_where=not_done, postgresql_where=not_done)
