"""Licence types, issuing authorities, licences and their history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "licence_0002"
down_revision = "licence_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "licence_issuers",
        sa.Column("code", sa.String(18), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("area_code", sa.String(6), nullable=False),
        sa.Column("seal_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_by", sa.String(255), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_licence_issuers")),
    )
    op.create_table(
        "licence_members",
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("given_by", sa.String(255), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["issuer_code"], ["licence_issuers.code"], name=op.f("fk_licence_members_issuer_code")),
        sa.PrimaryKeyConstraint("issuer_code", "holder", name=op.f("pk_licence_members")),
    )
    op.create_index("ix_licence_members_holder", "licence_members", ["holder"])
    op.create_table(
        "licence_types",
        sa.Column("code", sa.String(21), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.String(255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'in_review', 'published', 'retired')", name=op.f("ck_licence_types_state")),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_licence_types")),
    )
    op.create_index(
        "ux_licence_types_open",
        "licence_types",
        ["code"],
        unique=True,
        sqlite_where=sa.text("state IN ('draft', 'in_review')"),
        postgresql_where=sa.text("state IN ('draft', 'in_review')"),
    )
    op.create_index(
        "ux_licence_types_published",
        "licence_types",
        ["code"],
        unique=True,
        sqlite_where=sa.text("state = 'published'"),
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "licence_series",
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("series", sa.String(200), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_code", "type_code", "series", name=op.f("pk_licence_series")),
    )
    op.create_table(
        "licence_licences",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=False),
        sa.Column("root_id", sa.String(40), nullable=False),
        sa.Column("predecessor_id", sa.String(40), nullable=True),
        sa.Column("successor_id", sa.String(40), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type_code", sa.String(21), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=False),
        sa.Column("issuer_code", sa.String(18), nullable=False),
        sa.Column("area_code", sa.String(6), nullable=False),
        sa.Column("number_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("issued_on", sa.String(10), nullable=False),
        sa.Column("valid_from", sa.String(10), nullable=False),
        sa.Column("valid_to", sa.String(10), nullable=True),
        sa.Column("status_list", sa.Integer(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(32), nullable=False),
        sa.Column("data_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("last_entry_id", sa.String(36), nullable=False),
        sa.Column("order_json", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.CheckConstraint("version BETWEEN 1 AND 999", name=op.f("ck_licence_licences_version")),
        sa.ForeignKeyConstraint(["issuer_code"], ["licence_issuers.code"], name=op.f("fk_licence_licences_issuer_code")),
        sa.ForeignKeyConstraint(
            ["type_code", "type_version"],
            ["licence_types.code", "licence_types.version"],
            name=op.f("fk_licence_licences_type_code_type_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_licences")),
        sa.UniqueConstraint("identifier", name=op.f("uq_licence_licences_identifier")),
    )
    op.create_index("ix_licence_licences_issuer_code_id", "licence_licences", ["issuer_code", "id"])
    op.create_index("ix_licence_licences_issuer_code_type_code_state_id", "licence_licences", ["issuer_code", "type_code", "state", "id"])
    op.create_index("ix_licence_licences_root_id_version", "licence_licences", ["root_id", "version"])
    op.create_index("ix_licence_licences_state_lease_until", "licence_licences", ["state", "lease_until"])
    op.create_index("ix_licence_licences_state_valid_to", "licence_licences", ["state", "valid_to"])
    op.create_index(
        "ux_licence_licences_printed", "licence_licences", ["issuer_code", "type_code", "number_digest", "version"], unique=True
    )
    op.create_table(
        "licence_keys",
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name=op.f("fk_licence_keys_licence_id")),
        sa.PrimaryKeyConstraint("licence_id", name=op.f("pk_licence_keys")),
    )
    op.create_table(
        "licence_holders",
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name=op.f("fk_licence_holders_licence_id")),
        sa.PrimaryKeyConstraint("licence_id", "position", name=op.f("pk_licence_holders")),
    )
    op.create_index("ix_licence_holders_code_digest_licence_id", "licence_holders", ["code_digest", "licence_id"])
    op.create_table(
        "licence_files",
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.CheckConstraint("form IN ('pdf', 'ofd')", name=op.f("ck_licence_files_form")),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name=op.f("fk_licence_files_licence_id")),
        sa.PrimaryKeyConstraint("licence_id", "form", name=op.f("pk_licence_files")),
    )
    op.create_index("ix_licence_files_digest", "licence_files", ["digest"])
    op.create_table(
        "licence_events",
        sa.Column("licence_id", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("operation", sa.String(2), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("entry_id", sa.String(36), nullable=False),
        sa.Column("audit_id", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(["licence_id"], ["licence_licences.id"], name=op.f("fk_licence_events_licence_id")),
        sa.PrimaryKeyConstraint("licence_id", "position", name=op.f("pk_licence_events")),
    )
