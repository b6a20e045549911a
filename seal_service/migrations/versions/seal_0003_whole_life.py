"""The whole life of a seal: powers, grants with limits, editions, applications with their papers, and the history of every act.

The three tables with foreign keys between them are made anew and filled again, because SQLite changes no constraint of a table that
stands. Who managed a seal holds the power to manage it, who was granted it the power to use it; as one client may have held both until
now, the powers over these seals are not separated.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0003"
down_revision = "seal_0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEPT = ("seal_seals", "seal_grants", "seal_uses")
SEAL = (
    "id, code, name, organisation, purpose, credit_code, type_code, state_reason, version, made_by, claim_digest, key_id, certificate_der, "
    "chain_der, seal_data_der, is_certificate_revoked, picture_width_mm, made_at, state_at"
)
USE = (
    "id, seal_id, client_id, kind, state, digest, input_digest, owner, claim_digest, intent_at, finished_at, result_digest, result_bytes, "
    "result_inline, is_timestamped, void_reason, intent_audit_id, result_audit_id"
)


def upgrade() -> None:
    """Make the tables, and move what stands in the old ones."""
    for name in KEPT:
        op.execute(f"CREATE TABLE old_{name} AS SELECT * FROM {name}")  # noqa: S608 - our own names
    for name in reversed(KEPT):
        op.drop_table(name)
    _make_changed_tables()
    _make_new_tables()
    _fill()
    for name in KEPT:
        op.drop_table(f"old_{name}")


def _fill() -> None:
    op.execute(
        f"INSERT INTO seal_seals ({SEAL}, state, name_mongolian, name_romanised, design_json, edition, are_powers_separated, is_key_here, "  # noqa: S608 - our own names
        "is_key_destroyed, is_certificate_outside) "
        f"SELECT {SEAL}, CASE state WHEN 'revoked' THEN 'cancelled' ELSE state END, '', '', '', 1, FALSE, TRUE, FALSE, FALSE FROM old_seal_seals"
    )
    op.execute(
        "INSERT INTO seal_powers (seal_id, holder, power, is_separated, given_by, given_at) "
        "SELECT id, managed_by, 'manage', FALSE, managed_by, made_at FROM old_seal_seals"
    )
    op.execute(
        "INSERT INTO seal_powers (seal_id, holder, power, is_separated, given_by, given_at) "
        "SELECT seal_id, client_id, 'use', FALSE, granted_by, granted_at FROM old_seal_grants"
    )
    rows = op.get_bind().execute(
        sa.text("SELECT seal_id, client_id, granted_by, granted_at FROM old_seal_grants ORDER BY seal_id, client_id")
    )
    for number, (seal_id, client_id, granted_by, granted_at) in enumerate(rows.fetchall()):
        op.get_bind().execute(
            sa.text(
                "INSERT INTO seal_grants (id, seal_id, holder, granted_by, granted_at, via_client, forms, document_types, used, "
                "offset_minutes, version) VALUES (:id, :seal_id, :holder, :granted_by, :granted_at, '', '', '[]', 0, 480, 1)"
            ),
            {
                "id": f"sg_{number:024x}",
                "seal_id": seal_id,
                "holder": client_id,
                "granted_by": granted_by,
                "granted_at": granted_at,
            },
        )
    op.execute(f"INSERT INTO seal_uses ({USE}, holder) SELECT {USE}, client_id FROM old_seal_uses")  # noqa: S608 - our own names


def _make_changed_tables() -> None:
    op.create_table(
        "seal_seals",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("code", sa.String(14), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("organisation", sa.String(128), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("credit_code", sa.String(18), nullable=False),
        sa.Column("type_code", sa.String(4), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("certificate_der", sa.LargeBinary(), nullable=True),
        sa.Column("chain_der", sa.LargeBinary(), nullable=True),
        sa.Column("seal_data_der", sa.LargeBinary(), nullable=True),
        sa.Column("is_certificate_revoked", sa.Boolean(), nullable=False),
        sa.Column("picture_width_mm", sa.Float(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("name_mongolian", sa.String(256), nullable=False),
        sa.Column("name_romanised", sa.String(256), nullable=False),
        sa.Column("design_json", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.String(40), nullable=True),
        sa.Column("are_powers_separated", sa.Boolean(), nullable=False),
        sa.Column("is_key_here", sa.Boolean(), nullable=False),
        sa.Column("is_key_destroyed", sa.Boolean(), nullable=False),
        sa.Column("is_certificate_outside", sa.Boolean(), nullable=False),
        sa.Column("filing", sa.String(64), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('making', 'made-requested', 'abandoned') OR certificate_der IS NOT NULL",
            name=op.f("ck_seal_seals_ck_seal_seals_certificate_present"),
        ),
        sa.CheckConstraint("length(code) = 14", name=op.f("ck_seal_seals_ck_seal_seals_code_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_seals")),
        sa.UniqueConstraint("code", name=op.f("uq_seal_seals_code")),
        sa.UniqueConstraint("id", "are_powers_separated", name=op.f("uq_seal_seals_id_are_powers_separated")),
        sa.UniqueConstraint("key_id", name=op.f("uq_seal_seals_key_id")),
    )
    op.create_index("ix_seal_seals_state_made_at", "seal_seals", ["state", "made_at"])
    op.create_index("ix_seal_seals_state_valid_until", "seal_seals", ["state", "valid_until"])
    op.create_table(
        "seal_grants",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("granted_by", sa.String(255), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("via_client", sa.String(128), nullable=False),
        sa.Column("forms", sa.String(32), nullable=False),
        sa.Column("document_types", sa.Text(), nullable=False),
        sa.Column("uses_max", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("from_minute", sa.Integer(), nullable=True),
        sa.Column("until_minute", sa.Integer(), nullable=True),
        sa.Column("offset_minutes", sa.Integer(), nullable=False),
        sa.Column("revoked_by", sa.String(255), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_seal_grants_ck_seal_grants_count_not_negative")),
        sa.CheckConstraint("uses_max IS NULL OR used <= uses_max", name=op.f("ck_seal_grants_ck_seal_grants_within_count")),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_grants_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_grants")),
    )
    op.create_index("ix_seal_grants_seal_id_id", "seal_grants", ["seal_id", "id"])
    op.create_index(
        "ix_seal_grants_standing",
        "seal_grants",
        ["seal_id", "holder"],
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "seal_uses",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("input_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("claim_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("intent_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("result_digest", sa.String(64), nullable=True),
        sa.Column("result_bytes", sa.BigInteger(), nullable=True),
        sa.Column("result_inline", sa.LargeBinary(), nullable=True),
        sa.Column("is_timestamped", sa.Boolean(), nullable=False),
        sa.Column("void_reason", sa.String(64), nullable=True),
        sa.Column("intent_audit_id", sa.String(64), nullable=False),
        sa.Column("result_audit_id", sa.String(64), nullable=True),
        sa.Column("holder", sa.String(255), nullable=True),
        sa.Column("form", sa.String(16), nullable=True),
        sa.Column("document_type", sa.String(64), nullable=True),
        sa.Column("grant_id", sa.String(40), nullable=True),
        sa.CheckConstraint("state <> 'done' OR result_digest IS NOT NULL", name=op.f("ck_seal_uses_ck_seal_uses_done_has_result")),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_uses_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_uses")),
    )
    op.create_index("ix_seal_uses_client_id_id", "seal_uses", ["client_id", "id"])
    op.create_index("ix_seal_uses_seal_id_id", "seal_uses", ["seal_id", "id"])
    op.create_index("ix_seal_uses_state_intent_at", "seal_uses", ["state", "intent_at"])


def _make_new_tables() -> None:
    op.create_table(
        "seal_powers",
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("power", sa.String(16), nullable=False),
        sa.Column("is_separated", sa.Boolean(), nullable=False),
        sa.Column("given_by", sa.String(255), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("power IN ('manage', 'use', 'audit')", name=op.f("ck_seal_powers_ck_seal_powers_power_known")),
        sa.ForeignKeyConstraint(
            ["seal_id", "is_separated"],
            ["seal_seals.id", "seal_seals.are_powers_separated"],
            name=op.f("fk_seal_powers_seal_id_is_separated"),
        ),
        sa.PrimaryKeyConstraint("seal_id", "holder", "power", name=op.f("pk_seal_powers")),
    )
    op.create_index("ix_seal_powers_holder_seal_id", "seal_powers", ["holder", "seal_id"])
    op.create_index(
        "ux_seal_powers_one_power",
        "seal_powers",
        ["seal_id", "holder"],
        unique=True,
        sqlite_where=sa.text("is_separated"),
        postgresql_where=sa.text("is_separated"),
    )
    op.create_table(
        "seal_editions",
        sa.Column("seal_id", sa.String(40), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("organisation", sa.String(128), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("application_id", sa.String(40), nullable=True),
        sa.Column("request_der", sa.LargeBinary(), nullable=True),
        sa.Column("certificate_der", sa.LargeBinary(), nullable=True),
        sa.Column("seal_data_der", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("is_key_destroyed", sa.Boolean(), nullable=False),
        sa.Column("is_certificate_revoked", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state <> 'made' OR certificate_der IS NOT NULL", name=op.f("ck_seal_editions_ck_seal_editions_made_has_certificate")
        ),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_editions_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", "edition", name=op.f("pk_seal_editions")),
        sa.UniqueConstraint("key_id", name=op.f("uq_seal_editions_key_id")),
    )
    op.create_index("ix_seal_editions_state_begun_at", "seal_editions", ["state", "begun_at"])
    op.create_index(
        "ux_seal_editions_one_making",
        "seal_editions",
        ["seal_id"],
        unique=True,
        sqlite_where=sa.text("state = 'making'"),
        postgresql_where=sa.text("state = 'making'"),
    )
    op.create_table(
        "seal_papers",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("handed_in_by", sa.String(255), nullable=False),
        sa.Column("handed_in_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_papers")),
    )
    op.create_index("ix_seal_papers_handed_in_by_id", "seal_papers", ["handed_in_by", "id"])
    op.create_table(
        "seal_applications",
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
        sa.CheckConstraint("kind = 'new' OR seal_id IS NOT NULL", name=op.f("ck_seal_applications_ck_seal_applications_seal_present")),
        sa.ForeignKeyConstraint(["seal_id"], ["seal_seals.id"], name=op.f("fk_seal_applications_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_applications")),
    )
    op.create_index("ix_seal_applications_applied_by_id", "seal_applications", ["applied_by", "id"])
    op.create_index("ix_seal_applications_state_id", "seal_applications", ["state", "id"])
    op.create_index(
        "ux_seal_applications_one_open",
        "seal_applications",
        ["seal_id"],
        unique=True,
        sqlite_where=sa.text("seal_id IS NOT NULL AND state IN ('applied', 'reviewed', 'being-carried-out')"),
        postgresql_where=sa.text("seal_id IS NOT NULL AND state IN ('applied', 'reviewed', 'being-carried-out')"),
    )
    op.create_table(
        "seal_history",
        sa.Column("position", BIG, sa.Identity(), nullable=False),
        sa.Column("seal_id", sa.String(40), nullable=True),
        sa.Column("application_id", sa.String(40), nullable=True),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("from_state", sa.String(24), nullable=False),
        sa.Column("to_state", sa.String(24), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("second_to", sa.String(255), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("audit_id", sa.String(64), nullable=False),
        sa.CheckConstraint("second_to IS NULL OR second_to <> holder", name=op.f("ck_seal_history_ck_seal_history_second_person")),
        sa.CheckConstraint(
            "seal_id IS NOT NULL OR application_id IS NOT NULL", name=op.f("ck_seal_history_ck_seal_history_subject_present")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_seal_history")),
    )
    op.create_index("ix_seal_history_application_id_position", "seal_history", ["application_id", "position"])
    op.create_index("ix_seal_history_seal_id_position", "seal_history", ["seal_id", "position"])
