"""Tables of the identity provider (prefix ``idp_``). No foreign key leaves the service, so that it can become its own process.

Times are integers, microseconds since 1970 UTC. Each client row carries an HMAC-SM3 over all its columns: whoever edits rights with
SQL cannot make the program use them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, MetaData, String, Table, Text

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
    Column("public_x", LargeBinary, nullable=False),
    Column("public_y", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("signs_from_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    Column("row_mac", LargeBinary, nullable=False),
)
