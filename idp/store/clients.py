"""Rows of clients and signing keys.

Every row carries a MAC over all its columns. A row whose MAC does not hold is refused with ROW_ALTERED: someone wrote to the database
past the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from idp.errors import client_not_found
from idp.model.clients import ACCESS_TOKEN_ALGORITHM, Client, ClientStatus, SigningKey
from idp.store.rows import check_mac, row_mac
from idp.tables import clients, signing_keys
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time
from service_kit.tables import used_values
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, RowMapping

_CLIENT: Final = select(clients).where(clients.c.client_id == bindparam("wanted"))
_CLIENTS: Final = select(clients).where(clients.c.client_id > bindparam("after")).order_by(clients.c.client_id).limit(bindparam("count"))
CLIENT_MAC_QUERY: Final = f"SELECT row_mac FROM {clients.name} WHERE client_id = :wanted"  # noqa: S608 - our own table's name
_IS_USED: Final = f"EXISTS (SELECT 1 FROM {used_values.name} WHERE value_digest = :digest)"  # noqa: S608 - names of our own tables, here and below
_IS_GOOD_KEY: Final = f"EXISTS (SELECT 1 FROM {signing_keys.name} WHERE key_id = :key AND withdrawn_at IS NULL)"  # noqa: S608
KEY_QUERY: Final = f"SELECT {_IS_GOOD_KEY}"  # whether a signing key was never withdrawn, as of now: no key is none that counts
WITHDRAWN_QUERY: Final = f"SELECT {_IS_USED} OR NOT {_IS_GOOD_KEY}"  # whether a token was revoked by its id, or its key was withdrawn
STANDING_QUERY: Final = (  # all that a token of a client hangs on besides its time, for whoever asks about it: one look in place of four
    f"SELECT (SELECT row_mac FROM {clients.name} WHERE client_id = :asker), (SELECT row_mac FROM {clients.name} WHERE client_id = :holder), "  # noqa: S608
    f"{_IS_USED} OR NOT {_IS_GOOD_KEY}"
)
_CLIENT_MAC: Final = Prepared(select(clients.c.row_mac).where(clients.c.client_id == bindparam("wanted")))
_HOLDING: Final = Prepared(  # a joker in a scope only finds more, and each is looked at
    select(clients)
    .where(clients.c.status == ClientStatus.ACTIVE.value, clients.c.scopes.contains(bindparam("scope")))
    .order_by(clients.c.client_id)
)
_KEY_MAC: Final = Prepared(select(signing_keys.c.row_mac).where(signing_keys.c.key_id == bindparam("wanted")))
_KEYS: Final = select(signing_keys).order_by(signing_keys.c.signs_from_at, signing_keys.c.key_id)


# Clients


def _client_row(client: Client, mac_key: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {
        "client_id": client.client_id,
        "name": client.name,
        "status": client.status.value,
        "scopes": " ".join(client.scopes),
        "audiences": " ".join(client.audiences),
        "tokens_per_minute": client.tokens_per_minute,
        "secret_digest": client.secret_digest,
        "previous_digest": client.previous_digest,
        "previous_until_at": None if client.previous_until_at is None else write_time(client.previous_until_at),
        "created_at": write_time(client.created_at),
        "created_by": client.created_by,
        "changed_at": write_time(client.changed_at),
        "version": client.version,
    }
    row["row_mac"] = row_mac(mac_key, clients.name, row)
    return row


def _client(row: Mapping[Any, Any], mac_key: bytes) -> Client:
    check_mac(mac_key, clients.name, row["client_id"], row)
    return Client(
        client_id=row["client_id"],
        name=row["name"],
        status=ClientStatus(row["status"]),
        scopes=tuple(row["scopes"].split()),
        audiences=tuple(row["audiences"].split()),
        tokens_per_minute=row["tokens_per_minute"],
        secret_digest=row["secret_digest"],
        previous_digest=row["previous_digest"],
        previous_until_at=None if row["previous_until_at"] is None else read_time(row["previous_until_at"]),
        created_at=read_time(row["created_at"]),
        created_by=row["created_by"],
        changed_at=read_time(row["changed_at"]),
        version=row["version"],
    )


def insert_client(connection: Connection, client: Client, mac_key: bytes) -> None:
    """Add a client. CLIENT_EXISTS where the id is taken, also by a disabled one: an id never changes hands."""
    if _CLIENT_MAC.scalar(connection, {"wanted": client.client_id}) is not None:
        raise TrustError(Kind.CONFLICT, "CLIENT_EXISTS", client_id=client.client_id)
    connection.execute(insert(clients), _client_row(client, mac_key))


def find_client(connection: Connection, client_id: str, mac_key: bytes) -> tuple[Client, bytes] | None:
    """A client and the MAC of its row (which changes whenever anything in the row does), None where there is none."""
    row = connection.execute(_CLIENT, {"wanted": client_id}).mappings().first()
    return None if row is None else (_client(row, mac_key), row["row_mac"])


def load_client(connection: Connection, client_id: str, mac_key: bytes) -> Client:
    """A client; CLIENT_NOT_FOUND where there is none."""
    found = find_client(connection, client_id, mac_key)
    if found is None:
        raise client_not_found(client_id)
    return found[0]


def list_clients(connection: Connection, mac_key: bytes, *, after: str, count: int) -> list[Client]:
    """Clients in the order of their ids, those behind ``after``, at most ``count``."""
    return [_client(row, mac_key) for row in connection.execute(_CLIENTS, {"after": after, "count": count}).mappings()]


def update_client(connection: Connection, client: Client, mac_key: bytes) -> None:
    """Write a changed client over its version before; CLIENT_STATUS_CONFLICT where someone else changed it meanwhile."""
    row = _client_row(client, mac_key)
    changed = connection.execute(
        update(clients).where(clients.c.client_id == client.client_id, clients.c.version == client.version - 1).values(row)
    )
    if changed.rowcount != 1:
        raise TrustError(Kind.CONFLICT, "CLIENT_STATUS_CONFLICT", client_id=client.client_id)


def client_mac(connection: Connection, client_id: str) -> bytes | None:
    """The MAC of a client's row as it stands now: equal to a remembered one means nothing has changed since."""
    mac: bytes | None = _CLIENT_MAC.scalar(connection, {"wanted": client_id})
    return mac


# Signing keys


_NEWER_COLUMNS: Final = ("algorithm", "public_der")
_P256_HEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")  # a SubjectPublicKeyInfo (RFC 5480) up to x


def _key_row(key: SigningKey, mac_key: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key_id": key.key_id,
        "public_x": b"",
        "public_y": b"",
        "created_at": write_time(key.created_at),
        "signs_from_at": write_time(key.signs_from_at),
        "withdrawn_at": None if key.withdrawn_at is None else write_time(key.withdrawn_at),
        "algorithm": key.algorithm,
        "public_der": key.public_der,
    }
    row["row_mac"] = row_mac(mac_key, signing_keys.name, row)
    return row


def _key(row: RowMapping, mac_key: bytes) -> SigningKey:
    if row["algorithm"] is None:  # written before there was more than ES256: its MAC is over the columns of then
        check_mac(mac_key, signing_keys.name, row["key_id"], {name: value for name, value in row.items() if name not in _NEWER_COLUMNS})
        algorithm, public_der = ACCESS_TOKEN_ALGORITHM, _P256_HEAD + row["public_x"] + row["public_y"]
    else:
        check_mac(mac_key, signing_keys.name, row["key_id"], row)
        algorithm, public_der = row["algorithm"], row["public_der"]
    return SigningKey(
        key_id=row["key_id"],
        algorithm=algorithm,
        public_der=public_der,
        created_at=read_time(row["created_at"]),
        signs_from_at=read_time(row["signs_from_at"]),
        withdrawn_at=None if row["withdrawn_at"] is None else read_time(row["withdrawn_at"]),
    )


def insert_signing_key(connection: Connection, key: SigningKey, mac_key: bytes) -> None:
    """Add a signing key."""
    connection.execute(insert(signing_keys), _key_row(key, mac_key))


def update_signing_key(connection: Connection, key: SigningKey, mac_key: bytes) -> None:
    """Write a changed signing key."""
    connection.execute(update(signing_keys).where(signing_keys.c.key_id == key.key_id).values(_key_row(key, mac_key)))


def signing_key_mac(connection: Connection, key_id: str) -> bytes | None:
    """The MAC of a key's row as it stands now."""
    mac: bytes | None = _KEY_MAC.scalar(connection, {"wanted": key_id})
    return mac


def clients_holding(connection: Connection, scope: str, mac_key: bytes) -> tuple[str, ...]:
    """The active clients that have been granted a scope."""
    found = [_client(row, mac_key) for row in _HOLDING.all(connection, {"scope": scope})]
    return tuple(each.client_id for each in found if scope in each.scopes)


def load_signing_keys(connection: Connection, mac_key: bytes) -> tuple[tuple[SigningKey, ...], dict[str, bytes]]:
    """All signing keys ever, in the order in which they sign, and the MACs of their rows by key id."""
    found, macs = [], {}
    for row in connection.execute(_KEYS).mappings():
        found.append(_key(row, mac_key))
        macs[row["key_id"]] = row["row_mac"]
    return tuple(found), macs
