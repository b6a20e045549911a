"""The identity provider's first tables: clients and signing keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "idp_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "idp_clients",
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("audiences", sa.Text, nullable=False),
        sa.Column("tokens_per_minute", sa.Integer, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary, nullable=False),
        sa.Column("previous_digest", sa.LargeBinary, nullable=True),
        sa.Column("previous_until_at", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("row_mac", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_idp_clients"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_idp_clients_status"),
        sa.CheckConstraint("(previous_digest IS NULL) = (previous_until_at IS NULL)", name="ck_idp_clients_previous"),
    )
    op.create_table(
        "idp_signing_keys",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("public_x", sa.LargeBinary, nullable=False),
        sa.Column("public_y", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("signs_from_at", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger, nullable=True),
        sa.Column("row_mac", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_idp_signing_keys"),
    )
