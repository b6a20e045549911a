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
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from service_kit.tables import NAMES

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
    Column("managed_by", String(128), nullable=False),
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
    CheckConstraint("length(code) = 14", name="code_length"),
    CheckConstraint("state IN ('making', 'abandoned') OR certificate_der IS NOT NULL", name="certificate_present"),
    Index("ix_seal_seals_managed_by_id", "managed_by", "id"),
    Index("ix_seal_seals_state_made_at", "state", "made_at"),
)

code_counters: Final = Table(
    "seal_code_counters",
    metadata,
    Column("division", String(6), primary_key=True),
    Column("last_serial", BigInteger, nullable=False),
)

grants: Final = Table(
    "seal_grants",
    metadata,
    Column("seal_id", String(40), ForeignKey("seal_seals.id"), primary_key=True),
    Column("client_id", String(128), primary_key=True),
    Column("granted_by", String(128), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Index("ix_seal_grants_client_id_seal_id", "client_id", "seal_id"),
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
    Column("is_timestamped", Boolean, nullable=False),
    Column("void_reason", String(64)),
    Column("intent_audit_id", String(64), nullable=False),
    Column("result_audit_id", String(64)),
    CheckConstraint("state <> 'done' OR result_digest IS NOT NULL", name="done_has_result"),
    Index("ix_seal_uses_state_intent_at", "state", "intent_at"),
    Index("ix_seal_uses_client_id_id", "client_id", "id"),
)
