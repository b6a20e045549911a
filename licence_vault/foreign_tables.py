"""Tables of licences of other regions that are kept for a while (prefix ``licence_``). What they say is sealed, each under a key of its own;
those whom they are about are found by keyed hash.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, LargeBinary, String, Table

from licence_vault.log_tables import metadata

foreign: Final = Table(
    "licence_foreign",
    metadata,
    Column("region", String(6), primary_key=True),
    Column("identifier", String(128), primary_key=True),
    Column(
        "asked_by", String(255), primary_key=True
    ),  # a client or a person (Caller.holder): nobody profits of the consent that another has
    Column("id", String(40), nullable=False, unique=True),
    Column("key_sealed", LargeBinary, nullable=False),
    Column("content_sealed", LargeBinary, nullable=False),
    Column("fetched_at", BigInteger, nullable=False),  # microseconds since 1970 UTC
    Index("ix_licence_foreign_fetched_at", "fetched_at"),
)

foreign_holders: Final = Table(
    "licence_foreign_holders",
    metadata,
    Column("region", String(6), primary_key=True),
    Column("identifier", String(128), primary_key=True),
    Column("asked_by", String(255), primary_key=True),
    Column("holder_digest", LargeBinary(32), primary_key=True),  # as in licence_holders
    ForeignKeyConstraint(
        ["region", "identifier", "asked_by"],
        ["licence_foreign.region", "licence_foreign.identifier", "licence_foreign.asked_by"],
        name="fk_licence_foreign_holders_kept",
        ondelete="CASCADE",
    ),
    Index("ix_licence_foreign_holders_holder_digest", "holder_digest"),
)
