"""Tables of the seal service (prefix ``seal_``). No foreign key leaves the service, so that it can become its own process.

Times are stored as integers, microseconds since 1970 UTC: the same value on every database, ordered, without a zone to lose.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from service_kit.tables import BIG, NAMES

PREFIX: Final = "seal"

metadata: Final = MetaData(naming_convention=NAMES)

seals: Final = Table(
    "seal_seals",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("code", String(14), nullable=False, unique=True),
    Column("name", String(128), nullable=False),
    Column("organisation", String(128), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("credit_code", String(18), nullable=False),
    Column("type_code", String(4), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_reason", Text),
    Column("version", Integer, nullable=False),
    Column("made_by", String(128), nullable=False),  # the process that made it (service_kit.process_marks)
    Column("claim_digest", LargeBinary(32)),  # the idempotency claim it answers
    Column("key_id", String(64), nullable=False, unique=True),
    Column("certificate_der", LargeBinary),
    Column("chain_der", LargeBinary),  # the issuers' certificates one after the other, nearest first
    Column("seal_data_der", LargeBinary),  # SESeal of GB/T 38540, made for the certificate
    Column("is_certificate_revoked", Boolean, nullable=False),
    Column("picture_width_mm", Float, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("name_mongolian", String(256), nullable=False),
    Column("name_romanised", String(256), nullable=False),
    Column("design_json", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("application_id", String(40)),  # the application it was made for
    Column("are_powers_separated", Boolean, nullable=False),
    Column("is_key_here", Boolean, nullable=False),
    Column("is_key_destroyed", Boolean, nullable=False),
    Column("is_certificate_outside", Boolean, nullable=False),  # of an outside authority: we cannot revoke it
    Column("filing", String(64)),  # the region's receipt, or not-configured
    Column("valid_until", BigInteger),  # of certificate and SESeal, whichever ends first
    Column("key_left_with", String(16)),  # device: the key is over, and to be destroyed there
    CheckConstraint("length(code) = 14", name="code_length"),
    CheckConstraint("state IN ('making', 'made-requested', 'abandoned') OR certificate_der IS NOT NULL", name="certificate_present"),
    UniqueConstraint("id", "are_powers_separated"),
    Index("ix_seal_seals_state_made_at", "state", "made_at"),
    Index("ix_seal_seals_state_valid_until", "state", "valid_until"),
    Index("ix_seal_seals_filing", "filing"),
)

_SEPARATED: Final = text("is_separated")

powers: Final = Table(
    "seal_powers",
    metadata,
    Column("seal_id", String(40), primary_key=True),
    Column("holder", String(255), primary_key=True),
    Column("power", String(16), primary_key=True),
    Column("is_separated", Boolean, nullable=False),  # as the seal says: the foreign key sees to it
    Column("given_by", String(255), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["seal_id", "is_separated"], ["seal_seals.id", "seal_seals.are_powers_separated"]),
    CheckConstraint("power IN ('manage', 'use', 'audit')", name="power_known"),
    # Nobody holds two powers over one seal
    Index("ux_seal_powers_one_power", "seal_id", "holder", unique=True, sqlite_where=_SEPARATED, postgresql_where=_SEPARATED),
    Index("ix_seal_powers_holder_seal_id", "holder", "seal_id"),
)

_MAKING: Final = text("state = 'making'")

editions: Final = Table(
    "seal_editions",
    metadata,
    Column("seal_id", String(40), ForeignKey("seal_seals.id"), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("key_id", String(64), nullable=False, unique=True),
    Column("owner", String(128), nullable=False),  # the process that makes it (service_kit.process_marks)
    Column("begun_at", BigInteger, nullable=False),
    Column("name", String(128), nullable=False),
    Column("organisation", String(128), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("application_id", String(40)),
    Column("request_der", LargeBinary),  # PKCS #10: waits for the certificate of an outside authority
    Column("certificate_der", LargeBinary),
    Column("seal_data_der", LargeBinary),
    Column("made_at", BigInteger),
    Column("retired_at", BigInteger),
    Column("is_key_destroyed", Boolean, nullable=False),
    Column("is_certificate_revoked", Boolean, nullable=False),
    Column("key_left_with", String(16)),  # device or owner: the key is over, and to be destroyed there
    CheckConstraint("state <> 'made' OR certificate_der IS NOT NULL", name="made_has_certificate"),
    # A seal is made by one maker at a time
    Index("ux_seal_editions_one_making", "seal_id", unique=True, sqlite_where=_MAKING, postgresql_where=_MAKING),
    Index("ix_seal_editions_state_begun_at", "state", "begun_at"),
    Index("ix_seal_editions_key_left_with_key_id", "key_left_with", "key_id"),
)

papers: Final = Table(
    "seal_papers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("digest", String(64), nullable=False),  # of the blob
    Column("size_bytes", BigInteger, nullable=False),
    Column("handed_in_by", String(255), nullable=False),
    Column("handed_in_at", BigInteger, nullable=False),
    Index("ix_seal_papers_handed_in_by_id", "handed_in_by", "id"),
    Index("ix_seal_papers_handed_in_by_handed_in_at", "handed_in_by", "handed_in_at"),
)

_OPEN: Final = text("seal_id IS NOT NULL AND state IN ('applied', 'reviewed', 'being-carried-out')")

applications: Final = Table(
    "seal_applications",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(24), nullable=False),
    Column("seal_id", String(40), ForeignKey("seal_seals.id")),
    Column("applied_by", String(255), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("organisation", String(128), nullable=False),
    Column("credit_code", String(18), nullable=False),
    Column("name", String(128), nullable=False),
    Column("name_mongolian", String(256), nullable=False),
    Column("name_romanised", String(256), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("type_code", String(4), nullable=False),
    Column("division", String(6), nullable=False),
    Column("design_json", Text, nullable=False),
    Column("picture_width_mm", Float, nullable=False),
    Column("managers", Text, nullable=False),  # JSON lists of holders
    Column("users", Text, nullable=False),
    Column("auditors", Text, nullable=False),
    Column("is_certificate_outside", Boolean, nullable=False),
    Column("papers", Text, nullable=False),  # JSON list of paper ids
    Column("reviewed_by", String(255)),
    Column("reviewed_at", BigInteger),
    Column("review_reason", Text),
    Column("version", Integer, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    CheckConstraint("reviewed_by IS NULL OR reviewed_by <> applied_by", name="reviewed_by_somebody_else"),
    CheckConstraint(
        "state NOT IN ('reviewed', 'rejected', 'being-carried-out', 'carried-out') OR reviewed_by IS NOT NULL", name="reviewer_present"
    ),
    CheckConstraint("kind IN ('new', 'import') OR seal_id IS NOT NULL", name="seal_present"),
    # One thing at a time is applied for about one seal
    Index("ux_seal_applications_one_open", "seal_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_seal_applications_state_id", "state", "id"),
    Index("ix_seal_applications_applied_by_id", "applied_by", "id"),
)

imports: Final = Table(
    "seal_imports",
    metadata,
    Column("application_id", String(40), primary_key=True),  # on record before the application, so that its key has a name
    Column("code", String(14), nullable=False),  # empty where its own is none of 14 digits
    Column("seal_digest", String(64), nullable=False, server_default=""),
    Column("custody", String(16), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("seal_data_der", LargeBinary, nullable=False),
    Column("certificates_der", LargeBinary, nullable=False),  # one after the other, the seal's own first
    Column("verdict", String(16), nullable=False),
    Column("steps_json", Text, nullable=False),
    Column("checked_at", BigInteger, nullable=False),
    Column("owner", String(128), nullable=False),  # the process that took it in (service_kit.process_marks)
    Column("begun_at", BigInteger, nullable=False),
    Column("claim_digest", LargeBinary(32)),  # the idempotency claim it answers
    Column("is_key_destroyed", Boolean, nullable=False),
    Column("is_given_up", Boolean, nullable=False, server_default=false()),  # it becomes no application any more
    CheckConstraint("custody IN ('keystore', 'device', 'owner', 'absent')", name="custody_known"),
    Index("ix_seal_imports_code", "code"),
    Index("ix_seal_imports_seal_digest", "seal_digest"),
    Index("ix_seal_imports_custody_is_key_destroyed", "custody", "is_key_destroyed"),
)

history: Final = Table(
    "seal_history",
    metadata,
    Column("position", BIG, Identity(), primary_key=True),
    Column("seal_id", String(40)),
    Column("application_id", String(40)),
    Column("act", String(32), nullable=False),
    Column("from_state", String(24), nullable=False),
    Column("to_state", String(24), nullable=False),
    Column("holder", String(255), nullable=False),
    Column("actor", String(255), nullable=False),  # as the audit trail names him
    Column("human", String(255), nullable=False, server_default=""),  # the natural person, whatever he came by; empty: not known
    Column("second_to", String(255)),  # whom the holder had to be different from
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("papers", Text, nullable=False),  # JSON list of [name, digest]
    Column("audit_id", String(64), nullable=False),
    CheckConstraint("second_to IS NULL OR second_to <> holder", name="second_person"),
    CheckConstraint("seal_id IS NOT NULL OR application_id IS NOT NULL", name="subject_present"),
    Index("ix_seal_history_seal_id_position", "seal_id", "position"),
    Index("ix_seal_history_application_id_position", "application_id", "position"),
)

refusals: Final = Table(
    "seal_refusals",
    metadata,
    Column("seal_id", String(40), ForeignKey("seal_seals.id"), primary_key=True),
    Column("holder", String(255), primary_key=True),
    Column("client_id", String(128), primary_key=True),
    Column("code", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True),  # hours since 1970 UTC: one row for each, however often somebody tries
    Column("times", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Index("ix_seal_refusals_last_at", "last_at"),
)

code_counters: Final = Table(
    "seal_code_counters",
    metadata,
    Column("division", String(6), primary_key=True),
    Column("last_serial", BigInteger, nullable=False),
)

status_number: Final = Table(  # one row: how many acts there were about any seal
    "seal_status_number",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

_STANDING: Final = text("revoked_at IS NULL")

grants: Final = Table(
    "seal_grants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("seal_id", String(40), ForeignKey("seal_seals.id"), nullable=False),
    Column("holder", String(255), nullable=False),
    Column("granted_by", String(255), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("via_client", String(128), nullable=False),
    Column("forms", String(32), nullable=False),  # with blanks between them; empty: every form
    Column("document_types", Text, nullable=False),  # JSON list; empty: every type
    Column("uses_max", BigInteger),
    Column("used", BigInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_until", BigInteger),
    Column("from_minute", Integer),
    Column("until_minute", Integer),
    Column("offset_minutes", Integer, nullable=False),
    Column("revoked_by", String(255)),
    Column("revoked_at", BigInteger),
    Column("revoked_reason", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("uses_max IS NULL OR used <= uses_max", name="within_count"),
    CheckConstraint("used >= 0", name="count_not_negative"),
    Index("ix_seal_grants_standing", "seal_id", "holder", sqlite_where=_STANDING, postgresql_where=_STANDING),
    Index("ix_seal_grants_seal_id_id", "seal_id", "id"),
    Index("ix_seal_grants_holder", "holder"),
)

remote_orders: Final = Table(
    "seal_remote_orders",
    metadata,
    Column("use_id", String(40), ForeignKey("seal_uses.id"), primary_key=True),
    Column("seal_id", String(40), nullable=False),
    Column("certificate_digest", String(64), nullable=False),  # of the seal as it was prepared
    Column("holder", String(255), nullable=False),
    Column("document_digest", String(64), nullable=False),  # of the blob
    Column("order_json", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # the time of sealing that is signed
    Column("expires_at", BigInteger, nullable=False),
    Column("first_signature", LargeBinary),  # DER, of the first of two rounds
    Index("ix_seal_remote_orders_expires_at", "expires_at"),
)

batches: Final = Table(
    "seal_batches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("seal_id", String(40), ForeignKey("seal_seals.id"), nullable=False),
    Column("client_id", String(128), nullable=False),
    Column("holder", String(255), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("order_json", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("total", Integer, nullable=False),
    Column("total_bytes", BigInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("token_grant_id", String(255), nullable=False, server_default=""),  # what the token hung on with which it was opened
    CheckConstraint("state IN ('open', 'running', 'done', 'cancelled')", name="state"),
    Index("ix_seal_batches_holder_state", "holder", "state"),
)

batch_items: Final = Table(
    "seal_batch_items",
    metadata,
    Column("batch_id", String(40), ForeignKey("seal_batches.id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, in the order they came
    Column("name", String(255), nullable=False),
    Column("document_digest", String(64), nullable=False),  # of the blob
    Column("state", String(16), nullable=False),
    Column("use_id", String(40)),
    Column("code", String(64)),  # why it failed
    Column("finished_at", BigInteger),
    CheckConstraint("state IN ('waiting', 'sealed', 'failed', 'cancelled')", name="state"),
    Index("ix_seal_batch_items_batch_id_state", "batch_id", "state"),
)

uses: Final = Table(
    "seal_uses",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("seal_id", String(40), ForeignKey("seal_seals.id"), nullable=False),
    Column("client_id", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("input_digest", LargeBinary(32)),
    Column("owner", String(128), nullable=False),  # the process that does it (service_kit.process_marks)
    Column("claim_digest", LargeBinary(32)),  # the idempotency claim it answers
    Column("intent_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("result_digest", String(64)),
    Column("result_bytes", BigInteger),
    Column("result_inline", LargeBinary),  # small results (CMS); documents are blobs under result_digest
    Column("is_result_kept", Boolean),  # NULL: not finished, or of before this was on record and by nothing else known
    Column("is_timestamped", Boolean, nullable=False),
    Column("void_reason", String(64)),
    Column("intent_audit_id", String(64), nullable=False),
    Column("result_audit_id", String(64)),
    Column("holder", String(255)),
    Column("form", String(16)),
    Column("document_type", String(64)),
    Column("grant_id", String(40)),
    CheckConstraint("state <> 'done' OR result_digest IS NOT NULL", name="done_has_result"),
    Index("ix_seal_uses_state_intent_at", "state", "intent_at"),
    Index("ix_seal_uses_client_id_id", "client_id", "id"),
    Index("ix_seal_uses_seal_id_id", "seal_id", "id"),
)
