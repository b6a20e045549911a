"""Tables of credentials for wallets (prefix ``licence_``): offers, what was issued on them, and what verifiers asked to see.

Codes and tokens are kept as SM3 digests of random values. A licence is named by its row's id; what a wallet showed is
sealed, and goes when its time is over.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from licence_vault.log_tables import metadata

credential_offers: Final = Table(
    "licence_credential_offers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("licence_id", String(40), nullable=False),
    Column("configurations", String(500), nullable=False),  # separated by single spaces
    Column("code_digest", LargeBinary(32), nullable=False, unique=True),
    Column("tx_code_digest", LargeBinary(32)),  # NULL: the offer has none
    Column("attempts_left", Integer, nullable=False),  # at the tx code
    Column("made_by", String(255), nullable=False),
    Column("token_grant_id", String(255), nullable=False, server_default=""),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("redeemed_at", BigInteger),
    Column("token_digest", LargeBinary(32), unique=True),
    Column("token_expires_at", BigInteger),
    Column("row_mac", LargeBinary(32), nullable=False),
    CheckConstraint("attempts_left >= 0", name="attempts_left"),
    CheckConstraint("(redeemed_at IS NULL) = (token_digest IS NULL)", name="redeemed"),
    Index("ix_licence_credential_offers_expires_at", "expires_at"),
)

_STANDING: Final = text("state <> 'void'")

credentials: Final = Table(
    "licence_credentials",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("offer_id", String(32), ForeignKey("licence_credential_offers.id"), nullable=False),
    Column("licence_id", String(40), nullable=False),
    Column("configuration", String(80), nullable=False),
    Column("holder_thumbprint", String(43), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("intended_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("digest", LargeBinary(32)),  # SM3 of the signed token, without its disclosures
    CheckConstraint("state IN ('intended', 'issued', 'void')", name="state"),
    CheckConstraint("(state = 'issued') = (digest IS NOT NULL)", name="digest"),
    Index("ux_licence_credentials_offer", "offer_id", "configuration", unique=True, sqlite_where=_STANDING, postgresql_where=_STANDING),
    Index("ix_licence_credentials_licence_id", "licence_id"),
    Index("ix_licence_credentials_state_intended_at", "state", "intended_at"),
)

presentations: Final = Table(
    "licence_presentations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("asked_by", String(255), nullable=False),  # as rights are kept: nobody else learns the answer
    Column("actor", String(255), nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("question_json", Text, nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("state_digest", LargeBinary(32), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("verdict", String(16)),
    Column("result_sealed", LargeBinary),  # report and what was shown, for who asked; removed with the row
    CheckConstraint("(answered_at IS NULL) = (verdict IS NULL)", name="answered"),
    CheckConstraint("verdict IN ('valid', 'invalid', 'indeterminate', 'declined')", name="verdict"),
    Index("ix_licence_presentations_expires_at", "expires_at"),
)
