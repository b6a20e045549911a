"""Tables of the built-in authority (prefix ``pki_``): every certificate it was ever asked to sign, and every list it published.

Rows are never deleted: a list that says "expired certificates stay listed" is a promise. Times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, MetaData, String, Table, Text

from service_kit.tables import NAMES

PREFIX: Final = "pki"

metadata: Final = MetaData(naming_convention=NAMES)

certificates: Final = Table(
    "pki_certificates",
    metadata,
    Column("serial", String(40), primary_key=True),  # lower-case hexadecimal
    Column("issuer", String(16), nullable=False),
    Column("profile", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("spki_der", LargeBinary, nullable=False),
    Column("certificate_der", LargeBinary),
    Column("requested_at", BigInteger, nullable=False),
    Column("requested_by", String(255), nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("reason", String(32)),
    CheckConstraint("state IN ('issuing', 'issued', 'revoked')", name="state"),
    CheckConstraint("state <> 'issued' OR certificate_der IS NOT NULL", name="issued"),
    CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked"),
    Index("ix_pki_certificates_state", "state", "requested_at"),
)

revocation_lists: Final = Table(
    "pki_revocation_lists",
    metadata,
    Column("issuer", String(16), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("crl_der", LargeBinary),  # None until it is signed
    Column("this_update_at", BigInteger, nullable=False),
    Column("next_update_at", BigInteger, nullable=False),
    Column("entries", BigInteger),  # how many certificates it names; None of lists from before this was recorded
)
