"""Tables of annotated copies, their one-off addresses, and of licences that are shown (prefix ``licence_``).

Who had a copy made and why is sealed under the licence's key; of addresses and screen codes nothing is kept that could be used.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from licence_vault.log_tables import metadata

copies: Final = Table(
    "licence_copies",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), nullable=False),
    Column("form", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("note_sealed", LargeBinary),  # who, why, salt, for which use; NULL once the licence was erased
    Column("made_by", String(255), nullable=False),  # as rights are kept
    Column("actor", String(255), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("entry_id", String(36), nullable=False),  # of its leaf in licence_log
    Column("file_digest", LargeBinary(32)),  # SM3 of the sealed copy
    Column("bytes", BigInteger, nullable=False),
    Column("blob", String(64)),
    Column("refusal", String(64), nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("claim_digest", LargeBinary(32)),
    CheckConstraint("form IN ('pdf', 'ofd')", name="form"),
    CheckConstraint("state IN ('making', 'made', 'abandoned')", name="state"),
    CheckConstraint("(state = 'made') = (file_digest IS NOT NULL AND blob IS NOT NULL)", name="made"),
    Index("ix_licence_copies_licence_id_id", "licence_id", "id"),
    Index("ix_licence_copies_state_lease_until", "state", "lease_until"),
)

downloads: Final = Table(
    "licence_downloads",
    metadata,
    Column("token_digest", LargeBinary(32), primary_key=True),  # SM3 of a random value
    Column("copy_id", String(40), ForeignKey("licence_copies.id"), nullable=False),
    Column("client_id", String(128)),  # nobody else can use it; NULL: whoever has the address
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Index("ix_licence_downloads_expires_at", "expires_at"),
)

showings: Final = Table(
    "licence_showings",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("licence_id", String(40), ForeignKey("licence_licences.id"), nullable=False),
    Column("account", String(255), nullable=False),  # of whoever shows it
    Column("mode", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("tries_left", Integer, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("client_id", String(128)),  # that scanned it; nobody else can see it then
    Column("reason", Text),
    Column("officer_sealed", LargeBinary),
    Column("entrustment_id", String(40)),  # by which it was begun; NULL: by the right of a holder, or a power
    Column("power_client", String(128), nullable=False, server_default=""),  # of whoever shows it by a power: how he came
    Column("power_grant", String(255), nullable=False, server_default=""),
    CheckConstraint("state IN ('open', 'scanned', 'agreed', 'seen', 'ended')", name="state"),
    CheckConstraint("mode IN ('consented', 'entrusted')", name="mode"),
    CheckConstraint("tries_left >= 0", name="tries_left"),
    CheckConstraint("(client_id IS NULL) = (reason IS NULL)", name="scanned"),
    Index("ix_licence_showings_account_ends_at", "account", "ends_at"),
    Index("ix_licence_showings_ends_at", "ends_at"),
)
