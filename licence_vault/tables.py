"""Tables of licence types, licences and their history (prefix ``licence_``). No foreign key leaves the service.

Times are integers, microseconds since 1970 UTC; days are texts, ``YYYY-MM-DD``, so that they sort. Nothing personal stands in the clear: what
a licence says is sealed under a key of its own, and holders are found by keyed hash.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from licence_vault.log_tables import metadata

issuers: Final = Table(
    "licence_issuers",
    metadata,
    Column("code", String(18), primary_key=True),  # credit code
    Column("name", String(200), nullable=False),
    Column("area_code", String(6), nullable=False),
    Column("seal_id", String(64), nullable=False),  # in the seal service; empty: nothing can be issued yet
    Column("revision", Integer, nullable=False),
    Column("entered_by", String(255), nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

members: Final = Table(
    "licence_members",
    metadata,
    Column("issuer_code", String(18), ForeignKey("licence_issuers.code"), primary_key=True),
    Column("holder", String(255), primary_key=True),  # a client or a person (Caller.holder)
    Column("given_by", String(255), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Index("ix_licence_members_holder", "holder"),
)

_OPEN: Final = text("state IN ('draft', 'in_review')")
_PUBLISHED: Final = text("state = 'published'")

types: Final = Table(
    "licence_types",
    metadata,
    Column("code", String(21), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("definition", Text, nullable=False),  # the file
    Column("authors", Text, nullable=False),  # JSON list of everybody who wrote it or handed it in
    Column("reviewed_by", String(255)),
    Column("reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('draft', 'in_review', 'published', 'retired')", name="state"),
    Index("ux_licence_types_open", "code", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ux_licence_types_published", "code", unique=True, sqlite_where=_PUBLISHED, postgresql_where=_PUBLISHED),
)

series: Final = Table(
    "licence_series",
    metadata,
    Column("issuer_code", String(18), primary_key=True),
    Column("type_code", String(21), primary_key=True),
    Column("series", String(200), primary_key=True),  # the numbering rule with year and area filled in
    Column("last_serial", BigInteger, nullable=False),
)

licences: Final = Table(
    "licence_licences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("identifier", String(128), nullable=False, unique=True),
    Column("root_id", String(40), nullable=False),  # the first version of the chain
    Column("predecessor_id", String(40)),
    Column("successor_id", String(40)),
    Column("version", Integer, nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("type_version", Integer, nullable=False),
    Column("issuer_code", String(18), ForeignKey("licence_issuers.code"), nullable=False),
    Column("area_code", String(6), nullable=False),
    Column("number_digest", LargeBinary(32), nullable=False),  # keyed hash of the printed number
    Column("issued_on", String(10), nullable=False),
    Column("valid_from", String(10), nullable=False),
    Column("valid_to", String(10)),
    Column("status_list", Integer, nullable=False),
    Column("status_index", Integer, nullable=False),
    Column("commitment", LargeBinary(32), nullable=False),
    Column("data_sealed", LargeBinary),  # canonical data and salt, under the key of licence_keys; NULL once erased
    Column("state", String(16), nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("made_by", String(255), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("last_entry_id", String(36), nullable=False),  # of the leaf of its newest event
    Column("order_json", Text, nullable=False),  # how its issuing is to be finished
    Column("lease_until", BigInteger),  # of a draft: until then its issuing is somebody's work
    Column("claim_digest", LargeBinary(32)),  # the idempotency claim it answers
    Column("refusals", Integer, nullable=False),  # of a draft: how often our own verifier refused what was sealed of it
    Column("transferred_from", String(128)),  # identifier of the licence, transferred out, in whose place it was issued
    CheckConstraint("version BETWEEN 1 AND 999", name="version"),
    ForeignKeyConstraint(["type_code", "type_version"], ["licence_types.code", "licence_types.version"]),
    Index("ux_licence_licences_printed", "issuer_code", "type_code", "number_digest", "version", unique=True),
    Index("ix_licence_licences_number_digest", "number_digest"),
    Index("ux_licence_licences_transferred_from", "transferred_from", unique=True),
    Index("ix_licence_licences_root_id_version", "root_id", "version"),
    Index("ix_licence_licences_issuer_code_id", "issuer_code", "id"),
    Index("ix_licence_licences_issuer_code_type_code_state_id", "issuer_code", "type_code", "state", "id"),
    Index("ix_licence_licences_state_lease_until", "state", "lease_until"),
    Index("ix_licence_licences_state_valid_to", "state", "valid_to"),
)

licence_keys: Final = Table(
    "licence_keys",
    metadata,
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), primary_key=True),
    Column("key_sealed", LargeBinary, nullable=False),  # without this row what was sealed under it is gone for good
)

holders: Final = Table(
    "licence_holders",
    metadata,
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("code_digest", LargeBinary(32), nullable=False),  # keyed hash of code type and code
    Index("ix_licence_holders_code_digest_licence_id", "code_digest", "licence_id"),
)

files: Final = Table(
    "licence_files",
    metadata,
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), primary_key=True),
    Column("form", String(8), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),  # SM3 of the file
    Column("bytes", BigInteger, nullable=False),
    Column("blob", String(64), nullable=False),  # of the file sealed under the key of licence_keys
    CheckConstraint("form IN ('pdf', 'ofd')", name="form"),
    Index("ix_licence_files_digest", "digest"),
)

events: Final = Table(
    "licence_events",
    metadata,
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("event", String(32), nullable=False),
    Column("step", String(32), nullable=False),
    Column("from_state", String(16), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("operation", String(2), nullable=False),  # operateType of the collection interface
    Column("holder", String(255), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("file_digest", LargeBinary(32)),
    Column("entry_id", String(36), nullable=False),  # of licence_log
    Column("audit_id", String(36), nullable=False),
    Index("ix_licence_events_entry_id", "entry_id"),
)

batches: Final = Table(
    "licence_batches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("type_code", String(21), nullable=False),
    Column("issuer_code", String(18), ForeignKey("licence_issuers.code"), nullable=False),
    Column("forms", Text, nullable=False),  # JSON list
    Column("client_id", String(128), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("lease_until", BigInteger),  # of one that loads or runs: until then it is the work of some process
    Column("key_sealed", LargeBinary, nullable=False),  # of its rows; empty once it has ended
    Column("token_grant_id", String(255), nullable=False, server_default=""),  # what the token hung on with which it was opened
    CheckConstraint("state IN ('loading', 'ready', 'running', 'done', 'cancelled')", name="state"),
    Index("ix_licence_batches_issuer_code_state", "issuer_code", "state"),
    Index("ix_licence_batches_state_lease_until", "state", "lease_until"),
)

batch_rows: Final = Table(
    "licence_batch_rows",
    metadata,
    Column("batch_id", String(40), ForeignKey("licence_batches.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("cells_sealed", LargeBinary),  # what it says, until it has its licence or has ended
    Column("licence_id", String(40), unique=True),
    Column("code", String(64)),
    Column("place", String(200)),
    Column("rule", String(200)),
    CheckConstraint("state IN ('waiting', 'issued', 'failed', 'cancelled')", name="state"),
    Index("ix_licence_batch_rows_batch_id_state_number", "batch_id", "state", "number"),
)

imports: Final = Table(
    "licence_imports",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("issuer_code", String(18), ForeignKey("licence_issuers.code"), nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("identifier", String(128)),  # as the older repository had it
    Column("number_digest", LargeBinary(32), nullable=False),  # keyed hash of the printed number
    Column("holder_digest", LargeBinary(32), nullable=False),  # keyed hash of the first holder's code type and code
    Column("data_sealed", LargeBinary, nullable=False),
    Column("key_sealed", LargeBinary, nullable=False),
    Column("marks", Text, nullable=False),  # JSON: what could be verified of it, and what not
    Column("file_form", String(8)),
    Column("file_digest", LargeBinary(32)),
    Column("file_blob", String(64)),
    Column("imported_by", String(255), nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    Index("ux_licence_imports_printed", "issuer_code", "type_code", "number_digest", unique=True),
    Index("ix_licence_imports_holder_digest", "holder_digest"),
    Index("ix_licence_imports_issuer_code_id", "issuer_code", "id"),
)

import_holders: Final = Table(
    "licence_import_holders",
    metadata,
    Column("import_id", String(40), ForeignKey("licence_imports.id"), primary_key=True),
    Column("holder_digest", LargeBinary(32), primary_key=True),  # keyed hash of a further holder, behind the first
    Index("ix_licence_import_holders_holder_digest", "holder_digest"),
)
