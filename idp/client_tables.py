"""Further tables of the identity provider, by the rules of ``tables``: what clients prove themselves with, register themselves by and send people on with."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from idp.tables import metadata

client_secrets: Final = Table(
    "idp_client_secrets",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("secret_digest", LargeBinary, primary_key=True),  # as in idp_clients, which says whether the secret counts
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("kept_at", BigInteger, nullable=False),
)

initial_tokens: Final = Table(
    "idp_initial_tokens",
    metadata,
    Column("token_digest", LargeBinary, primary_key=True),  # SM3; the token itself is kept nowhere
    Column("token_id", String(40), nullable=False, unique=True),
    Column("token_json", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("row_mac", LargeBinary, nullable=False),
    Column("uses", Integer, nullable=False),  # outside the row's MAC, like the next: set by single conditional updates
    Column("withdrawn_at", BigInteger),
    Index("ix_idp_initial_tokens_expires_at", "expires_at"),
)

trust_tickets: Final = Table(
    "idp_trust_tickets",
    metadata,
    Column("ticket_digest", LargeBinary, primary_key=True),  # SM3; the ticket itself is kept nowhere
    Column("issued_by", String(64), nullable=False),
    Column("target_id", String(64), nullable=False),
    Column("target_mac", LargeBinary, nullable=False),
    Column("grant_id", String(40), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),  # with what it became under the row's MAC once set, by a single conditional update
    Column("became", String(40)),
    Column("row_mac", LargeBinary, nullable=False),
    Index("ix_idp_trust_tickets_expires_at", "expires_at"),
)
