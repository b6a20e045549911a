"""Tables of the console (prefix ``console_``): who is signed in. Tokens are sealed; times are microseconds since 1970 UTC."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table

from service_kit.tables import NAMES

PREFIX: Final = "console"

metadata: Final = MetaData(naming_convention=NAMES)

sessions: Final = Table(
    "console_sessions",
    metadata,
    Column("cookie_hash", LargeBinary, primary_key=True),  # SM3 of the cookie, which is kept nowhere
    Column("sealed", LargeBinary, nullable=False),  # the tokens and who they are of, bound to this row
    Column("version", Integer, nullable=False),  # counts the renewals of the tokens
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("renewing_until", BigInteger),  # somebody is renewing the tokens, until then at most
    Index("ix_console_sessions_expires_at", "expires_at"),
)
