"""Tables of the public log and of the status lists (prefix ``licence_``). Nothing in them is personal data.

Times are integers, seconds since 1970 UTC where their name says ``_seconds``, else microseconds.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, MetaData, String, Table, Text

from service_kit.tables import BIG, NAMES, log_table

PREFIX: Final = "licence"

metadata: Final = MetaData(naming_convention=NAMES)
"""Of all tables of the vault: those of ``licence_vault.tables`` as well."""

log: Final = log_table(
    "licence_log",
    metadata,
    Column("event", String(32), nullable=False),
    Column("type_code", String(21), nullable=False),  # empty, as the next, for status lists
    Column("issuer_code", String(18), nullable=False),
)

signing_keys: Final = Table(
    "licence_signing_keys",
    metadata,
    Column("name", String(64), primary_key=True),  # of the log's or the status lists' key
    Column("generation", Integer, primary_key=True, autoincrement=False),  # from 2: the first has no row, it is of the name itself
    Column("key_id", String(64), nullable=False, unique=True),  # in the keystore
    Column("from_at", BigInteger, nullable=False),  # since when it signs
    CheckConstraint("generation >= 2", name="generation"),
)

withdrawn_keys: Final = Table(
    "licence_withdrawn_keys",
    metadata,
    Column("key_id", String(64), primary_key=True),  # in the keystore
    Column("name", String(64), nullable=False),  # of the log's or the status lists' key
    Column("withdrawn_at", BigInteger, nullable=False),  # since when it may be in the wrong hands
    Column("recorded_at", BigInteger, nullable=False),
)

log_counts: Final = Table(
    "licence_log_counts",
    metadata,
    Column("issuer_code", String(18), primary_key=True),
    Column("type_code", String(21), primary_key=True),
    Column("event", String(32), primary_key=True),
    Column("entries", BigInteger, nullable=False),
)

log_counted: Final = Table(
    "licence_log_counted",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("size", BigInteger, nullable=False),  # entries of the log that the counts cover
    CheckConstraint("id = 1", name="one_row"),
)

status_allotments: Final = Table(
    "licence_status_allotments",
    metadata,
    Column("position", BIG, Identity(), primary_key=True),  # gives list and index, see status/order.py
    Column("allotted_at", BigInteger, nullable=False),
)

status_order: Final = Table(
    "licence_status_order",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("key_check", LargeBinary, nullable=False),  # of the key by which places are given out; empty before the first
    CheckConstraint("id = 1", name="one_row"),
)

status_values: Final = Table(
    "licence_status_values",
    metadata,
    Column("list_number", Integer, primary_key=True),
    Column("list_index", Integer, primary_key=True),
    Column("status", Integer, nullable=False),  # what has no row is valid
    Column("changed_at", BigInteger, nullable=False),
    CheckConstraint("status BETWEEN 0 AND 3", name="status_known"),
)
Index("ix_licence_status_values_list_number_changed_at", status_values.c.list_number, status_values.c.changed_at)

status_editions: Final = Table(
    "licence_status_editions",
    metadata,
    Column("list_number", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("published_seconds", BigInteger, nullable=False),
    Column("expires_seconds", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("bits", Integer, nullable=False),
    Column("compressed", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SM3 of the packed bytes: what the log has
    Column("entry_id", String(36), nullable=False),  # of licence_log
    Column("jwt_es256", Text, nullable=True),  # what stands around the list in each token (status/frames.py): all four, or none yet
    Column("jwt_sm2", Text, nullable=True),
    Column("cwt_es256", LargeBinary, nullable=True),
    Column("cwt_sm2", LargeBinary, nullable=True),
)
Index("ix_licence_status_editions_list_number_published_seconds", status_editions.c.list_number, status_editions.c.published_seconds)
