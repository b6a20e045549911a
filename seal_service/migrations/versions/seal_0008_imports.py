"""Seals that were made elsewhere are handed in with applications of their own, which concern no seal of ours yet.

The table of applications is made anew and filled again, because SQLite changes no constraint of a table that stands.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0008"
down_revision = "seal_0007"
branch_labels = None
depends_on = None

TABLE = "seal_applications"
SEAL_PRESENT = "ck_seal_applications_ck_seal_applications_seal_present"
RULE = "kind IN ('new', 'import') OR seal_id IS NOT NULL"
OPEN = "seal_id IS NOT NULL AND state IN ('applied', 'reviewed', 'being-carried-out')"


def upgrade() -> None:
    """Change the rule, and make the table of what was handed in."""
    if op.get_bind().dialect.name == "sqlite":
        _make_applications_anew()
    else:
        op.drop_constraint(op.f(SEAL_PRESENT), TABLE, type_="check")
        op.create_check_constraint(op.f(SEAL_PRESENT), TABLE, RULE)
    op.create_table(
        "seal_imports",
        sa.Column("application_id", sa.String(40), nullable=False),
        sa.Column("code", sa.String(14), nullable=False),
        sa.Column("custody", sa.String(16), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("seal_data_der", sa.LargeBinary(), nullable=False),
        sa.Column("certificates_der", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("steps_json", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("is_key_destroyed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "custody IN ('keystore', 'device', 'owner', 'absent')", name=op.f("ck_seal_imports_ck_seal_imports_custody_known")
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_seal_imports")),
    )
    op.create_index("ix_seal_imports_code", "seal_imports", ["code"])
    op.create_index("ix_seal_imports_custody_is_key_destroyed", "seal_imports", ["custody", "is_key_destroyed"])


def _make_applications_anew() -> None:
    op.execute(f"CREATE TABLE old_{TABLE} AS SELECT * FROM {TABLE}")  # noqa: S608 - our own names
    op.drop_table(TABLE)
    op.create_table(
        TABLE,
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=True),
        sa.Column("applied_by", sa.String(255), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("organisation", sa.String(128), nullable=False),
        sa.Column("credit_code", sa.String(18), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_mongolian", sa.String(256), nullable=False),
        sa.Column("name_romanised", sa.String(256), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("type_code", sa.String(4), nullable=False),
        sa.Column("division", sa.String(6), nullable=False),
        sa.Column("design_json", sa.Text(), nullable=False),
        sa.Column("picture_width_mm", sa.Float(), nullable=False),
        sa.Column("managers", sa.Text(), nullable=False),
        sa.Column("users", sa.Text(), nullable=False),
        sa.Column("auditors", sa.Text(), nullable=False),
        sa.Column("is_certificate_outside", sa.Boolean(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.String(255), nullable=True),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "reviewed_by IS NULL OR reviewed_by <> applied_by",
            name=op.f("ck_seal_applications_ck_seal_applications_reviewed_by_somebody_else"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('reviewed', 'rejected', 'being-carried-out', 'carried-out') OR reviewed_by IS NOT NULL",
            name=op.f("ck_seal_applications_ck_seal_applications_reviewer_present"),
        ),
        sa.CheckConstraint(RULE, name=op.f(SEAL_PRESENT)),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_applications_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_applications")),
    )
    op.execute(f"INSERT INTO {TABLE} SELECT * FROM old_{TABLE}")  # noqa: S608 - our own names
    op.drop_table(f"old_{TABLE}")
    op.create_index("ix_seal_applications_applied_by_id", TABLE, ["applied_by", "id"])
    op.create_index("ix_seal_applications_state_id", TABLE, ["state", "id"])
    op.create_index("ux_seal_applications_one_open", TABLE, ["seal_id"], unique=True, sqlite_where=sa.text(OPEN))
