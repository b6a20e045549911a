"""Tables of the identity provider (prefix ``idp_``). No foreign key leaves the service, so that it can become its own process.

Times are integers, microseconds since 1970 UTC. Rows that give rights carry an HMAC-SM3 over all their columns: whoever edits rights
with SQL cannot make the program use them. Columns named ``..._sealed`` hold personal data or secrets, sealed for their row (SM4-GCM,
crypto/sealed_values.py); columns named ``..._hash`` are keyed hashes to find such values by.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from service_kit.tables import NAMES

PREFIX: Final = "idp"

metadata: Final = MetaData(naming_convention=NAMES)

clients: Final = Table(
    "idp_clients",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("status", String(16), nullable=False),
    Column("scopes", Text, nullable=False),  # separated by single spaces, in the order they were granted
    Column("audiences", Text, nullable=False),  # likewise; empty: this deployment alone
    Column("tokens_per_minute", Integer, nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("previous_digest", LargeBinary),
    Column("previous_until_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    CheckConstraint("status IN ('active', 'disabled')", name="status"),
    CheckConstraint("(previous_digest IS NULL) = (previous_until_at IS NULL)", name="previous"),
)

signing_keys: Final = Table(
    "idp_signing_keys",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("public_x", LargeBinary, nullable=False),  # x and y: of P-256 keys from before there were others; empty in newer rows
    Column("public_y", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("signs_from_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    Column("row_mac", LargeBinary, nullable=False),
    Column("algorithm", String(16)),  # null in rows from before there was more than ES256
    Column("public_der", LargeBinary),  # SubjectPublicKeyInfo
)

accounts: Final = Table(
    "idp_accounts",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("name_hash", LargeBinary, nullable=False),  # of the whole name: pieces would betray it to who holds the database
    Column("attributes_sealed", LargeBinary, nullable=False),  # JSON
    Column("area", String(12), nullable=False),  # GB/T 2260; empty: unknown
    Column("level", Integer, nullable=False),
    Column("origin", String(80), nullable=False),
    Column("needs_two_factors", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("uversion", BigInteger, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Column("credential_epoch", BigInteger),  # null: none of its credentials has ever changed
    CheckConstraint("kind IN ('person', 'organisation')", name="kind"),
    CheckConstraint("status IN ('active', 'disabled', 'closed')", name="status"),
    CheckConstraint("level BETWEEN 0 AND 4", name="level"),
    Index("ix_idp_accounts_name_hash", "name_hash", "account_id"),
    Index("ix_idp_accounts_kind", "kind", "account_id"),
    Index("ix_idp_accounts_area", "area", "account_id"),
)

account_identifiers: Final = Table(
    "idp_account_identifiers",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("find_hash", LargeBinary, primary_key=True),
    Column("exclusive_hash", LargeBinary, unique=True),  # as find_hash where one value belongs to one account; otherwise null
    Column("value_sealed", LargeBinary, nullable=False),
    Column("verified_at", BigInteger),
    Index("ix_idp_account_identifiers_find_hash", "find_hash", "account_id"),
)

evidence: Final = Table(
    "idp_evidence",
    metadata,
    Column("evidence_id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("method", String(40), nullable=False),
    Column("source", String(200), nullable=False),
    Column("level", Integer, nullable=False),
    Column("verified_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_evidence_account_id", "account_id", "evidence_id"),
)

agents: Final = Table(
    "idp_agents",
    metadata,
    Column("agent_id", String(32), primary_key=True),
    Column("organisation_id", String(32), nullable=False),
    Column("person_id", String(32), nullable=False),
    Column("role", String(16), nullable=False),
    Column("scopes", Text, nullable=False),  # separated by single spaces; empty: everything
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
    Column("granted_by", String(255), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_by", String(255)),
    Column("standing", String(80), unique=True),  # organisation/person until revoked: of two grants at once one fails
    Column("version", Integer, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    CheckConstraint("(revoked_at IS NULL) = (standing IS NOT NULL)", name="standing"),
    Index("ix_idp_agents_organisation_id", "organisation_id", "agent_id"),
    Index("ix_idp_agents_person_id", "person_id", "agent_id"),
)

credentials: Final = Table(
    "idp_credentials",
    metadata,
    Column("credential_id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value_sealed", LargeBinary, nullable=False),
    Column("find_hash", LargeBinary, unique=True),
    Column("single", String(64), unique=True),  # account/kind for kinds of which an account has one
    Column("label", String(100), nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Column("check_milliseconds", Integer),  # of a password's hash that is dear to compare with, else 0; null: not looked at yet
    CheckConstraint("kind IN ('password', 'totp', 'passkey', 'certificate', 'recovery')", name="kind"),
    Index("ix_idp_credentials_account_id", "account_id", "kind"),
)

_DEAR: Final = text("check_milliseconds > 0")
_UNWEIGHED: Final = text("kind = 'password' AND check_milliseconds IS NULL")
Index("ix_idp_credentials_dear", credentials.c.check_milliseconds, sqlite_where=_DEAR, postgresql_where=_DEAR)
Index("ix_idp_credentials_unweighed", credentials.c.credential_id, sqlite_where=_UNWEIGHED, postgresql_where=_UNWEIGHED)

attempts: Final = Table(
    "idp_attempts",
    metadata,
    Column("subject_hash", LargeBinary, primary_key=True),  # keyed hash of a login name as it was typed, or of an address
    Column("failures", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Index("ix_idp_attempts_last_at", "last_at"),
)

sessions: Final = Table(
    "idp_sessions",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("cookie_hash", LargeBinary, nullable=False, unique=True),
    Column("account_id", String(32), nullable=False),
    Column("acting_for", String(32)),
    Column("level", Integer, nullable=False),
    Column("amr", String(80), nullable=False),
    Column("browser", String(80), nullable=False),  # what the list of sessions says, such as "Firefox"
    Column("auth_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", String(255)),
    Column("version", Integer, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Column("credential_epoch", BigInteger),  # of the account, when the factors behind this row were shown; null: none
    Index("ix_idp_sessions_account_id", "account_id", "session_id"),
    Index("ix_idp_sessions_expires_at", "expires_at"),
)

session_clients: Final = Table(
    "idp_session_clients",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("client_id", String(64), primary_key=True),
    Column("last_at", BigInteger, nullable=False),
)

sign_ins: Final = Table(
    "idp_sign_ins",
    metadata,
    Column("sign_in_id", String(32), primary_key=True),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("row_sealed", LargeBinary, nullable=False),  # JSON: the request and how far the sign-in is
    Column("expires_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('open', 'finished', 'refused')", name="state"),
    Index("ix_idp_sign_ins_expires_at", "expires_at"),
)

consents: Final = Table(
    "idp_consents",
    metadata,
    Column("consent_id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("acting_for", String(32), nullable=False),  # empty: oneself
    Column("client_id", String(64), nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("row_mac", LargeBinary),  # null in rows from before: such a consent does not count
    UniqueConstraint("account_id", "acting_for", "client_id", name="uq_idp_consents_account_id"),
    Index("ix_idp_consents_client_id", "client_id"),
)

codes: Final = Table(
    "idp_codes",
    metadata,
    Column("code_digest", LargeBinary, primary_key=True),  # SM3; the code itself is kept nowhere
    Column("client_id", String(64), nullable=False),
    Column("session_id", String(32), nullable=False),
    Column("grant_json", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),  # with the grant under the row's MAC once set, by a single conditional update
    Column("row_mac", LargeBinary, nullable=False),
    Column("grant_id", String(40)),  # what it became
    Index("ix_idp_codes_expires_at", "expires_at"),
)

registrations: Final = Table(
    "idp_registrations",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("metadata_json", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
)

grants: Final = Table(
    "idp_grants",
    metadata,
    Column("grant_id", String(40), primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("session_id", String(32), nullable=False),
    Column("grant_json", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),  # with its reason under the row's MAC once set, by a single conditional update
    Column("ended_why", String(40), nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Column("is_offline", Boolean),  # with acting_for what grant_json says, to find rows by; both null in rows from before the columns
    Column("acting_for", String(32)),
    # The grant that it came of by a trust ticket or in exchange; null: of none, also in rows from before the column
    Column("source_id", String(40)),
    Index("ix_idp_grants_acting_for", "acting_for"),
    Index("ix_idp_grants_source_id", "source_id"),
    Index("ix_idp_grants_session_id", "session_id"),
    Index("ix_idp_grants_account_id", "account_id", "grant_id"),
    Index("ix_idp_grants_created_at", "created_at"),  # for the sweep
)

refresh_tokens: Final = Table(
    "idp_refresh_tokens",
    metadata,
    Column("token_digest", LargeBinary, primary_key=True),  # SM3; the token itself is kept nowhere
    Column("grant_id", String(40), nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),  # under the row's MAC once set
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_refresh_tokens_grant_id", "grant_id"),
)

upstream_trips: Final = Table(
    "idp_upstream_trips",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),  # of the state that the answer must carry
    Column("trip_sealed", LargeBinary, nullable=False),  # JSON: verifier, nonce and whose it is; deleted by the one answer it is for
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_idp_upstream_trips_expires_at", "expires_at"),
)

upstream_sessions: Final = Table(
    "idp_upstream_sessions",
    metadata,
    Column("session_id", String(32), primary_key=True),  # or the id of a sign-in under way
    Column("upstream", String(40), nullable=False),
    Column("subject_hash", LargeBinary, nullable=False),
    Column("upstream_session_hash", LargeBinary),
    Index("ix_idp_upstream_sessions_subject_hash", "subject_hash"),
    Index("ix_idp_upstream_sessions_upstream_session_hash", "upstream_session_hash"),
)

upstream_notices: Final = Table(
    "idp_upstream_notices",
    metadata,
    Column("notice_hash", LargeBinary, primary_key=True),  # of an upstream's logout token: it counts once
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_idp_upstream_notices_expires_at", "expires_at"),
)

identity_conflicts: Final = Table(
    "idp_identity_conflicts",
    metadata,
    Column("conflict_id", String(32), primary_key=True),
    Column("upstream", String(40), nullable=False),
    Column("standing", LargeBinary, unique=True),  # keyed hash of upstream and subject while it keeps that identity out
    Column("doubt", String(24), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("identity_sealed", LargeBinary, nullable=False),  # JSON
    Column("state", String(16), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_by", String(255)),
    Column("reason", String(500), nullable=False),
    Column("version", Integer, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    CheckConstraint("state IN ('open', 'linked', 'separated', 'rejected')", name="state"),
    CheckConstraint("(standing IS NOT NULL) = (state IN ('open', 'rejected'))", name="standing"),
    Index("ix_idp_identity_conflicts_state", "state", "conflict_id"),
)

spent_challenges: Final = Table(
    "idp_spent_challenges",
    metadata,
    Column("challenge_hash", LargeBinary, primary_key=True),  # of a challenge that has been answered: it counts once
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_idp_spent_challenges_expires_at", "expires_at"),
)

pushed_requests: Final = Table(
    "idp_pushed_requests",
    metadata,
    Column("uri_digest", LargeBinary, primary_key=True),  # SM3 of the request_uri, which is kept nowhere
    Column("client_id", String(64), nullable=False),
    Column("row_sealed", LargeBinary, nullable=False),  # JSON: the parameters
    Column("expires_at", BigInteger, nullable=False),
    Column("taken_at", BigInteger),
    Index("ix_idp_pushed_requests_expires_at", "expires_at"),
)

device_requests: Final = Table(
    "idp_device_requests",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("code_digest", LargeBinary, nullable=False, unique=True),  # SM3 of the device's code
    Column("user_code_hash", LargeBinary, nullable=False, unique=True),
    Column("client_id", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("resource", String(512)),
    Column("state", String(16), nullable=False),
    Column("who_json", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("interval_seconds", Integer, nullable=False),  # outside the row's MAC, with polled_at
    Column("polled_at", BigInteger),
    Column("row_mac", LargeBinary, nullable=False),
    CheckConstraint("state IN ('waiting', 'approved', 'refused', 'spent')", name="state"),
    Index("ix_idp_device_requests_expires_at", "expires_at"),
)
