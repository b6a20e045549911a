"""The register of the built-in authority."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "pki_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create its tables."""
    op.create_table(
        "pki_certificates",
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("profile", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("spki_der", sa.LargeBinary, nullable=False),
        sa.Column("certificate_der", sa.LargeBinary, nullable=True),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("requested_by", sa.String(255), nullable=False),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("serial", name="pk_pki_certificates"),
        sa.CheckConstraint("state IN ('issuing', 'issued', 'revoked')", name="ck_pki_certificates_state"),
        sa.CheckConstraint("state <> 'issued' OR certificate_der IS NOT NULL", name="ck_pki_certificates_issued"),
        sa.CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="ck_pki_certificates_revoked"),
    )
    op.create_index("ix_pki_certificates_state", "pki_certificates", ["state", "requested_at"])
    op.create_table(
        "pki_revocation_lists",
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("crl_der", sa.LargeBinary, nullable=True),
        sa.Column("this_update_at", sa.BigInteger, nullable=False),
        sa.Column("next_update_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "number", name="pk_pki_revocation_lists"),
    )
