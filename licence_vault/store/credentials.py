"""Rows of credential offers and credentials. One-use by conditional update; nothing here commits, nothing here decides.

An offer gives a right, so its row carries a MAC: whoever writes one with SQL, or a token into one, gets no credential by it.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, text, update

from crypto.sm3 import hmac_sm3
from licence_vault.credential_errors import offer_altered
from licence_vault.credential_tables import credential_offers as offers
from licence_vault.credential_tables import credentials
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_COLUMNS: Final = ("id", "offer_id", "licence_id", "configuration", "holder_thumbprint", "key_id", "state", "intended_at", "expires_at")
_INTEND: Final = text(
    f"INSERT INTO {credentials.name} ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
)


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as it stands. ``tx_code_digest`` None: it goes without digits. ``redeemed_at`` None: its code waits. ``token_grant_id``: what the token
    of who made it hung on.
    """

    offer_id: str
    licence_id: str
    configurations: tuple[str, ...]
    tx_code_digest: bytes | None
    attempts_left: int
    made_by: str
    expires_at: datetime
    redeemed_at: datetime | None
    token_expires_at: datetime | None
    token_grant_id: str = ""


@dataclass(frozen=True, slots=True)
class Intended:
    """A credential that is about to be signed."""

    credential_id: str
    offer_id: str
    licence_id: str
    configuration: str
    holder_thumbprint: str
    key_id: str
    intended_at: datetime
    expires_at: datetime


def insert_offer(connection: Connection, offer: Offer, code_digest: bytes, made_at: datetime, mac_key: bytes) -> None:
    """Store a new offer under the digest of its code."""
    row: dict[str, Any] = {
        "id": offer.offer_id,
        "licence_id": offer.licence_id,
        "configurations": " ".join(offer.configurations),
        "code_digest": code_digest,
        "tx_code_digest": offer.tx_code_digest,
        "attempts_left": offer.attempts_left,
        "made_by": offer.made_by,
        "token_grant_id": offer.token_grant_id,
        "made_at": write_time(made_at),
        "expires_at": write_time(offer.expires_at),
        "redeemed_at": None,
        "token_digest": None,
        "token_expires_at": None,
    }
    connection.execute(insert(offers), {**row, "row_mac": _mac(row, mac_key)})


def find_offer_by_code(connection: Connection, code_digest: bytes, mac_key: bytes) -> Offer | None:
    """The offer with a code, in whatever state. CREDENTIAL_OFFER_ALTERED."""
    row = connection.execute(select(offers).where(offers.c.code_digest == code_digest)).mappings().first()
    return None if row is None else _offer(row, mac_key)


def find_offer_by_token(connection: Connection, token_digest: bytes, mac_key: bytes) -> Offer | None:
    """The offer that a token was given for, however old. CREDENTIAL_OFFER_ALTERED."""
    row = connection.execute(select(offers).where(offers.c.token_digest == token_digest)).mappings().first()
    return None if row is None else _offer(row, mac_key)


def count_wrong_attempt(connection: Connection, offer_id: str) -> None:
    """One attempt at the digits fewer; never below none."""
    connection.execute(
        update(offers).where(offers.c.id == offer_id, offers.c.attempts_left > 0).values(attempts_left=offers.c.attempts_left - 1)
    )


def redeem_offer(
    connection: Connection, offer_id: str, token_digest: bytes, at: datetime, token_expires_at: datetime, mac_key: bytes
) -> bool:
    """Spend the code for a token; True for exactly one of all who try, and for none once the attempts at the digits are used up."""
    row = connection.execute(select(offers).where(offers.c.id == offer_id)).mappings().one()
    values = {"redeemed_at": write_time(at), "token_digest": token_digest, "token_expires_at": write_time(token_expires_at)}
    mac = _mac({**row, **values}, mac_key)
    columns = offers.c
    waiting = update(offers).where(
        columns.id == offer_id, columns.redeemed_at.is_(None), columns.expires_at > write_time(at), columns.attempts_left > 0
    )
    return connection.execute(waiting.values({**values, "row_mac": mac})).rowcount == 1


def insert_intended(connection: Connection, intended: Intended) -> bool:
    """Store the intent; False where the offer has a standing credential of that configuration already."""
    row: dict[str, Any] = {
        "id": intended.credential_id,
        "offer_id": intended.offer_id,
        "licence_id": intended.licence_id,
        "configuration": intended.configuration,
        "holder_thumbprint": intended.holder_thumbprint,
        "key_id": intended.key_id,
        "state": "intended",
        "intended_at": write_time(intended.intended_at),
        "expires_at": write_time(intended.expires_at),
    }
    return connection.execute(_INTEND, row).rowcount == 1


def finish_credential(connection: Connection, credential_id: str, digest: bytes) -> bool:
    """Record what was signed; False where the intent was voided meanwhile."""
    waiting = update(credentials).where(credentials.c.id == credential_id, credentials.c.state == "intended")
    return connection.execute(waiting.values(state="issued", digest=digest)).rowcount == 1


def void_credential(connection: Connection, credential_id: str) -> None:
    """What was intended did not leave."""
    connection.execute(update(credentials).where(credentials.c.id == credential_id, credentials.c.state == "intended").values(state="void"))


def list_stale(connection: Connection, before: datetime, limit: int) -> list[tuple[str, str]]:
    """Ids of intents left behind by whoever died over them, with their offers, oldest first."""
    rows = connection.execute(
        select(credentials.c.id, credentials.c.offer_id)
        .where(credentials.c.state == "intended", credentials.c.intended_at < write_time(before))
        .order_by(credentials.c.intended_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def list_credentials(connection: Connection, offer_id: str) -> list[tuple[str, str, str]]:
    """Id, configuration and state of what was issued on an offer."""
    rows = connection.execute(
        select(credentials.c.id, credentials.c.configuration, credentials.c.state)
        .where(credentials.c.offer_id == offer_id)
        .order_by(credentials.c.intended_at, credentials.c.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def sweep_offers(connection: Connection, before: datetime) -> int:
    """Remove offers nobody came for, that ended before a time; how many they were."""
    ended = delete(offers).where(offers.c.expires_at < write_time(before), offers.c.redeemed_at.is_(None))
    return connection.execute(ended).rowcount


def _mac(row: Mapping[Any, Any], mac_key: bytes) -> bytes:
    """HMAC-SM3, 32 bytes, over all columns but itself and the attempts, which are counted down in place."""
    kept = {name: value for name, value in row.items() if name not in {"row_mac", "attempts_left"}}
    if not kept["token_grant_id"]:  # as it was before there was that column
        del kept["token_grant_id"]
    plain = {name: bytes(value).hex() if isinstance(value, bytes | memoryview) else value for name, value in kept.items()}
    return hmac_sm3(mac_key, json.dumps([offers.name, plain], sort_keys=True, separators=(",", ":")).encode())


def _offer(row: RowMapping, mac_key: bytes) -> Offer:
    if not hmac.compare_digest(_mac(row, mac_key), bytes(row["row_mac"])):
        raise offer_altered(row["id"])
    redeemed, token_expires = row["redeemed_at"], row["token_expires_at"]
    return Offer(
        offer_id=row["id"],
        licence_id=row["licence_id"],
        configurations=tuple(row["configurations"].split(" ")),
        tx_code_digest=None if row["tx_code_digest"] is None else bytes(row["tx_code_digest"]),
        attempts_left=row["attempts_left"],
        made_by=row["made_by"],
        token_grant_id=row["token_grant_id"],
        expires_at=read_time(row["expires_at"]),
        redeemed_at=None if redeemed is None else read_time(redeemed),
        token_expires_at=None if token_expires is None else read_time(token_expires),
    )


@dataclass(frozen=True, slots=True)
class CredentialLine:
    """A credential as it stands on record. ``state``: ``intended``, ``issued`` or ``void``; ``digest``: SM3 of the signed token."""

    credential_id: str
    configuration: str
    state: str
    intended_at: datetime
    expires_at: datetime
    digest: bytes | None


def list_credentials_of_licence(connection: Connection, licence_id: str) -> list[CredentialLine]:
    """Credentials of a licence, oldest first."""
    rows = connection.execute(
        select(credentials).where(credentials.c.licence_id == licence_id).order_by(credentials.c.intended_at)
    ).mappings()
    return [
        CredentialLine(
            row["id"], row["configuration"], row["state"], read_time(row["intended_at"]), read_time(row["expires_at"]), row["digest"]
        )
        for row in rows
    ]
