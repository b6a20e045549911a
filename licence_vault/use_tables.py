"""Tables of using licences (prefix ``licence_``): who may, the codes by which it is done, whom holders entrusted, and every use.

Codes are kept as SM3 digests of random values. Holders and those they entrust are found by keyed hash; officers are sealed. Lines of the
access log are never changed or removed: triggers refuse it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, Integer, LargeBinary, String, Table, Text

from licence_vault.log_tables import metadata
from service_kit.tables import BIG

sharing: Final = Table(
    "licence_sharing",
    metadata,
    Column("client_id", String(128), primary_key=True),
    Column("type_code", String(21), primary_key=True),
    Column("modes", String(100), nullable=False),  # separated by single spaces, as the next
    Column("rights", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("given_by", String(255), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("row_mac", LargeBinary),  # null in rows from before there were codes: such a row permits nothing until the trail proves it
)

entrustments: Final = Table(
    "licence_entrustments",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("holder_digest", LargeBinary(32), nullable=False),  # keyed hashes of code type and code
    Column("agent_digest", LargeBinary(32), nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_by", String(255), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("ix_licence_entrustments_agent_digest", "agent_digest", "holder_digest"),
    Index("ix_licence_entrustments_holder_digest", "holder_digest", "id"),
)

use_codes: Final = Table(
    "licence_use_codes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("code_digest", LargeBinary(32), nullable=False, unique=True),
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("client_id", String(128), nullable=False),  # nobody else can use it
    Column("purpose", Text, nullable=False),
    Column("service_item", String(64), nullable=False),  # empty: none was named
    Column("granted_by", String(255), nullable=False),
    Column("officer_sealed", LargeBinary),
    Column("entrustment_id", String(40), ForeignKey("licence_entrustments.id")),
    Column("granted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("power_client", String(128), nullable=False, server_default=""),  # of whoever granted it by a power: how he came
    Column("power_grant", String(255), nullable=False, server_default=""),
    CheckConstraint("mode IN ('consented', 'duty', 'entrusted')", name="mode"),
    CheckConstraint("(mode = 'duty') = (officer_sealed IS NOT NULL)", name="officer"),
    Index("ix_licence_use_codes_licence_id_granted_at", "licence_id", "granted_at"),
)

uses: Final = Table(
    "licence_uses",
    metadata,
    Column("id", BIG, Identity(), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("licence_id", String(40), ForeignKey("licence_licences.id")),
    Column("type_code", String(21)),
    Column("client_id", String(255), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("officer_sealed", LargeBinary),
    Column("mode", String(16)),
    Column("action", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("audit_id", String(36), nullable=False),
    Index("ix_licence_uses_licence_id", "licence_id", "id"),
)

use_subjects: Final = Table(
    "licence_use_subjects",
    metadata,
    Column("code_digest", LargeBinary(32), primary_key=True),  # whom the use was about, as in licence_holders
    Column("use_id", BIG, ForeignKey("licence_uses.id"), primary_key=True),
)
