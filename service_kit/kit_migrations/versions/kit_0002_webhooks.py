"""Webhook endpoints, deliveries and their attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "kit_0002"
down_revision = "kit_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "kit_webhook_endpoints",
        sa.Column("endpoint_id", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("types", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_reason", sa.String(100), nullable=True),
        sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
        sa.Column("previous_sealed", sa.LargeBinary, nullable=True),
        sa.Column("previous_until_at", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name="pk_kit_webhook_endpoints"),
    )
    op.create_index("ix_kit_webhook_endpoints_owner_endpoint_id", "kit_webhook_endpoints", ["owner", "endpoint_id"])
    op.create_table(
        "kit_webhook_deliveries",
        sa.Column("delivery_id", sa.String(40), nullable=False),
        sa.Column("endpoint_id", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("event_type", sa.String(128), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_status", sa.Integer, nullable=True),
        sa.Column("last_error", sa.String(100), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("sent_from_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_kit_webhook_deliveries"),
        sa.UniqueConstraint("endpoint_id", "event_id", name="uq_kit_webhook_deliveries_endpoint_id_event_id"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["kit_webhook_endpoints.endpoint_id"], name="fk_kit_webhook_deliveries_endpoint_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_kit_webhook_deliveries_endpoint_id_delivery_id", "kit_webhook_deliveries", ["endpoint_id", "delivery_id"])
    op.create_index("ix_kit_webhook_deliveries_finished_at", "kit_webhook_deliveries", ["finished_at"])
    op.create_table(
        "kit_webhook_attempts",
        sa.Column("delivery_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("error", sa.String(100), nullable=True),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_kit_webhook_attempts"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["kit_webhook_deliveries.delivery_id"], name="fk_kit_webhook_attempts_delivery_id", ondelete="CASCADE"
        ),
    )
