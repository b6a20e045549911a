"""Further tables of the identity provider, by the rules of ``tables``: what other directories follow, import and sign in with (CAS)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, String, Table, Text, text

from idp.tables import metadata
from service_kit.tables import BIG

change_head: Final = Table(
    "idp_change_head",
    metadata,
    Column("head", Integer, primary_key=True, autoincrement=False),
    Column("feed_id", String(32), nullable=False),  # random: of one data set, so that a cursor of another is known as such
    Column("last", BigInteger, nullable=False),  # the newest number given; whoever gives numbers holds this row
    Column("is_filled", Boolean, nullable=False),  # whether the accounts that were there before this table have been entered
    CheckConstraint("head = 1", name="head"),
)

changes: Final = Table(
    "idp_changes",
    metadata,
    Column("row_id", BIG, Identity(), primary_key=True),
    Column("number", BigInteger, unique=True),  # given once the change is durable: numbers are without gap and follow commits
    Column("subject_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_before", String(16)),
    Column("version", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    CheckConstraint("kind IN ('person', 'organisation', 'agent')", name="kind"),
)
Index("ix_idp_changes_waiting", changes.c.row_id, sqlite_where=text("number IS NULL"), postgresql_where=text("number IS NULL"))

change_states: Final = Table(
    "idp_change_states",
    metadata,
    Column("subject_id", String(32), primary_key=True),
    Column("bucket", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Index("ix_idp_change_states_bucket", "bucket", "subject_id"),
)

change_counts: Final = Table(
    "idp_change_counts",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("status", String(16), primary_key=True),
    Column("subjects", BigInteger, nullable=False),  # as of the newest number: counting a million takes seconds
)

cas_services: Final = Table(
    "idp_cas_services",
    metadata,
    Column("service", String(512), primary_key=True),  # an address belongs to one client
    Column("client_id", String(64), nullable=False),
    Column("claims", Text, nullable=False),  # separated by single spaces
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_cas_services_client_id", "client_id"),
)

cas_tickets: Final = Table(
    "idp_cas_tickets",
    metadata,
    Column("ticket_digest", LargeBinary, primary_key=True),  # SM3; the ticket itself is kept nowhere until it has been spent
    Column("client_id", String(64), nullable=False),
    Column("session_id", String(32), nullable=False),
    Column("ticket_json", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),  # under the row's MAC once set, as that of a code
    Column("ticket_sealed", LargeBinary),  # once it was good: the service knows its session by it, and is told when that ends
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_cas_tickets_session_id", "session_id"),
    Index("ix_idp_cas_tickets_expires_at", "expires_at"),
)

cas_callbacks: Final = Table(
    "idp_cas_callbacks",
    metadata,
    Column("callback", String(512), primary_key=True),  # an address, or a folder, belongs to one client: others know it by that
    Column("client_id", String(64), nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_cas_callbacks_client_id", "client_id"),
)

cas_accepted_proxies: Final = Table(
    "idp_cas_accepted_proxies",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("proxy", String(512), primary_key=True),
    Column("row_mac", LargeBinary, nullable=False),
)

cas_granting_tickets: Final = Table(
    "idp_cas_granting_tickets",
    metadata,
    Column("ticket_digest", LargeBinary, primary_key=True),  # SM3; the ticket itself is with the proxy alone
    Column("client_id", String(64), nullable=False),
    Column("session_id", String(32), nullable=False),
    Column("ticket_json", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_cas_granting_tickets_expires_at", "expires_at"),
)

imports: Final = Table(
    "idp_imports",
    metadata,
    Column("import_id", String(32), primary_key=True),
    Column("source", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("file_digest", LargeBinary, nullable=False),  # SM3
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("finished_at", BigInteger),
    Column("lease_until", BigInteger, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),  # of what was asked for, by whom; not of how far it is
    CheckConstraint("state IN ('receiving', 'running', 'finished')", name="state"),
    Index("ix_idp_imports_state", "state", "import_id"),
)

import_rows: Final = Table(
    "idp_import_rows",
    metadata,
    Column("import_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("row_sealed", LargeBinary),  # null once it has been dealt with
    Column("outcome", String(16), nullable=False),
    Column("code", String(64), nullable=False),
    Column("field", String(64), nullable=False),
    Column("account_id", String(32)),
    CheckConstraint("outcome IN ('waiting', 'created', 'changed', 'unchanged', 'refused')", name="outcome"),
    Index("ix_idp_import_rows_outcome", "import_id", "outcome", "number"),
)

source_versions: Final = Table(
    "idp_source_versions",
    metadata,
    Column("subject_hash", LargeBinary, primary_key=True),  # keyed, of source and the subject's name there
    Column("version", BigInteger, nullable=False),  # the source's own count of the subject's changes, the highest that was taken
)

followed_sources: Final = Table(
    "idp_followed_sources",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("settings_sealed", LargeBinary, nullable=False),  # JSON, with the secret
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("row_mac", LargeBinary, nullable=False),  # of the columns above; not of how far it is
    Column("cursor", Text, nullable=False),  # moves in the transaction of what it has been moved over
    Column("lease", String(32), nullable=False),  # of the process that follows it just now
    Column("lease_until", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("reconcile_at", BigInteger),
    Column("failures", Integer, nullable=False),  # in a row
    Column("current_at", BigInteger),  # up to then everything that it told is here
    Column("last_error", String(64), nullable=False),
    Column("report_json", Text),  # of the last reconciliation: counts alone
)

followed_subjects: Final = Table(
    "idp_followed_subjects",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("subject_hash", LargeBinary, primary_key=True),  # keyed, of the subject's name there
    Column("subject_sealed", LargeBinary, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("local_id", String(32)),
    CheckConstraint("outcome IN ('applied', 'passed', 'refused')", name="outcome"),
    Index("ix_idp_followed_subjects_bucket", "code", "bucket"),
)
