"""The tables of the kit itself (prefix ``kit_``). Their history is in ``service_kit/migrations``."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
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

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""The naming convention every component uses, so that constraints have the same names on both databases."""

BIG: Final = BigInteger().with_variant(Integer, "sqlite")
"""64-bit integer; on SQLite the plain one, because only that can be the row's own number."""

metadata = MetaData(naming_convention=NAMES)


def log_table(name: str, owner: MetaData, *further: Column[Any], constraints: tuple[Any, ...] = ()) -> Table:
    """A table whose rows become leaves of a transparency log.

    ``position`` grows with insertion; ``entry_id`` names the entry to the outside (UUIDv7); ``entry`` is the leaf's data, at most
    65,535 bytes; ``log_index`` is set once, by the sequencer. Rows are never changed otherwise and never deleted: triggers refuse it.
    """
    table = Table(
        name,
        owner,
        Column("position", BIG, Identity(), primary_key=True),
        Column("entry_id", String(36), nullable=False, unique=True),
        Column("entry", LargeBinary, nullable=False),
        Column("log_index", BigInteger, nullable=True),
        *further,
        *constraints,
    )
    indexed, waiting = text("log_index IS NOT NULL"), text("log_index IS NULL")
    Index(f"ix_{name}_log_index", table.c.log_index, unique=True, sqlite_where=indexed, postgresql_where=indexed)
    Index(f"ix_{name}_waiting", table.c.position, sqlite_where=waiting, postgresql_where=waiting)
    return table


audit = log_table(
    "kit_audit",
    metadata,
    Column("writer_id", String(64), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(100), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("mac", LargeBinary, nullable=False),
    constraints=(UniqueConstraint("writer_id", "number"),),
)
Index("ix_kit_audit_subject", audit.c.subject, audit.c.position)
Index(
    "ix_kit_audit_opened", audit.c.position, sqlite_where=text("number = 0"), postgresql_where=text("number = 0")
)  # finds the writers without reading every row

log_head = Table(
    "kit_log_head",
    metadata,
    Column("log", String(100), primary_key=True),
    Column("assigned", BigInteger, nullable=False),  # entries that have an index
    Column("size", BigInteger, nullable=False),  # entries under the newest checkpoint
    Column("checkpoints", LargeBinary, nullable=False),  # JSON: origin -> checkpoint text
    Column("lease_holder", String(100), nullable=False),
    Column("lease_until", BigInteger, nullable=False),  # microseconds since 1970, UTC
)

idempotency = Table(
    "kit_idempotency",
    metadata,
    Column("key_digest", LargeBinary, primary_key=True),  # SM3 over caller, route and key
    Column("request_digest", LargeBinary, nullable=False),
    Column("reference", String(100), nullable=True),  # the row that holds the intent, from which an answer is given once more
    Column("status", Integer, nullable=True),  # None while in flight
    Column("in_flight_until", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),  # microseconds since 1970, UTC
    Column("owner", String(64), nullable=True),  # the process that is at it (Audit.writer_id); None where nobody noted it
)

outbox = Table(
    "kit_outbox",
    metadata,
    Column("position", BIG, Identity(), primary_key=True),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("topic", String(100), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("leased_by", String(100), nullable=True),
    Column("done_at", BigInteger, nullable=True),
    Column("alarmed_at", BigInteger, nullable=True),
    Column("last_error", String(100), nullable=True),  # a code, never a message: that may hold a secret
)
Index("ix_kit_outbox_due", outbox.c.due_at, sqlite_where=text("done_at IS NULL"), postgresql_where=text("done_at IS NULL"))

webhook_endpoints = Table(
    "kit_webhook_endpoints",
    metadata,
    Column("endpoint_id", String(40), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),  # separated by single spaces; * for all
    Column("description", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_reason", String(100), nullable=True),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("previous_sealed", LargeBinary, nullable=True),  # goes on signing beside the new one until previous_until_at
    Column("previous_until_at", BigInteger, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)
Index("ix_kit_webhook_endpoints_owner_endpoint_id", webhook_endpoints.c.owner, webhook_endpoints.c.endpoint_id)

webhook_deliveries = Table(
    "kit_webhook_deliveries",
    metadata,
    Column("delivery_id", String(40), primary_key=True),
    Column("endpoint_id", String(40), ForeignKey("kit_webhook_endpoints.endpoint_id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("event_type", String(128), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_status", Integer, nullable=True),
    Column("last_error", String(100), nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_from_at", BigInteger, nullable=False),  # when this round of attempts began: a re-send begins another
    Column("finished_at", BigInteger, nullable=True),
    UniqueConstraint("endpoint_id", "event_id"),
)
Index("ix_kit_webhook_deliveries_endpoint_id_delivery_id", webhook_deliveries.c.endpoint_id, webhook_deliveries.c.delivery_id)
Index("ix_kit_webhook_deliveries_finished_at", webhook_deliveries.c.finished_at)

webhook_attempts = Table(
    "kit_webhook_attempts",
    metadata,
    Column("delivery_id", String(40), ForeignKey("kit_webhook_deliveries.delivery_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer, nullable=True),
    Column("error", String(100), nullable=True),  # a code, never a message
    Column("milliseconds", Integer, nullable=False),
)

role_holders = Table(
    "kit_role_holders",
    metadata,
    Column("holder", String(255), primary_key=True),  # one row each: nobody holds two roles
    Column("role", String(16), nullable=False),
    Column("appointed_by", String(255), nullable=False),
    Column("appointed_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("row_mac", LargeBinary),  # null in rows from before there were codes: such a row does not count until the trail proves it
    CheckConstraint("role IN ('system', 'security', 'audit')", name="role_known"),
)

duties = Table(
    "kit_duties",
    metadata,
    Column("holder", String(255), primary_key=True),
    Column("duty", String(64), primary_key=True),
    Column("given_by", String(255), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("row_mac", LargeBinary),  # as of roles
)

used_values = Table(
    "kit_used_values",
    metadata,
    Column("value_digest", LargeBinary, primary_key=True),  # SM3 over the place and the value
    Column("used_until_at", BigInteger, nullable=False),  # microseconds since 1970 UTC; after it the value counts nowhere anyway
)
Index("ix_kit_used_values_used_until_at", used_values.c.used_until_at)
