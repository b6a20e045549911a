"""Keys that a later version brought. A deployment from before has never had them, and gets them; one that has lost them must be told: another key in the
place of a lost one would hide that it is lost, and what only the lost one opens stays closed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from service_kit.audit import read_entry
from service_kit.migrations import are_there
from service_kit.tables import audit
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from crypto.keystore import Keystore
    from crypto.signatures import SignatureAlgorithm
    from service_kit.audit import Audit
    from service_kit.database import Database

SECRET_BYTES: Final = 32
ACTION: Final = "keys.made"
_SUBJECT: Final = "keys"


@dataclass(frozen=True, slots=True)
class LaterKey:
    """``algorithm``: of a key that signs; None for a secret of random bytes. ``shown_by``: whatever row one of these finds has been made with it. Tables
    and columns that are not there yet show nothing: they came with the key or after it. Keys that were put on record when they were made need none.
    """

    name: str
    algorithm: SignatureAlgorithm | None
    shown_by: tuple[Select[Any], ...] = ()


def ensure_later_keys(keystore: Keystore, database: Database, keys: Iterable[LaterKey]) -> None:
    """Make those that are missing. Before the tables are migrated as well as after it; ``record_later_keys`` follows once they are.

    KEY_UNKNOWN names the first that is lost; nothing is made then.
    """
    missing = [key for key in keys if not _is_present(keystore, key)]
    if missing:  # else no row is looked for
        with database.read() as connection:
            made = _made_before(connection)
            for key in missing:
                if key.name in made or any(_finds(connection, rows) for rows in key.shown_by):
                    raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=key.name)
    for key in missing:
        if key.algorithm is None:
            keystore.seal_secret(key.name, secrets.token_bytes(SECRET_BYTES))
        else:
            keystore.create(key.name, key.algorithm)


def record_later_keys(connection: Connection, trail: Audit, keys: Iterable[LaterKey], *, at: datetime, actor: str) -> None:
    """Put those on record that are not yet, by a start that was cut off after it had made them as well: what stands there is lost where it is missing, used
    or not. After ``ensure_later_keys``, within a write job; no entry for none.
    """
    made = _made_before(connection)
    names = [key.name for key in keys if key.name not in made]
    if names:
        trail.record(connection, at=at, actor=actor, action=ACTION, subject=_SUBJECT, outcome="done", facts={"keys": " ".join(names)})


def _made_before(connection: Connection) -> frozenset[str]:
    recorded = select(audit.c.entry).where(audit.c.subject == _SUBJECT, audit.c.action == ACTION)
    if not are_there(connection, recorded):
        return frozenset()
    entries = [read_entry(entry) for entry in connection.scalars(recorded)]
    return frozenset(name for entry in entries for name in str(entry.facts.get("keys")).split())


def _finds(connection: Connection, rows: Select[Any]) -> bool:
    return are_there(connection, rows) and connection.execute(rows.limit(1)).first() is not None


def _is_present(keystore: Keystore, key: LaterKey) -> bool:
    if key.algorithm is not None:
        return any(info.key_id == key.name for info in keystore.list())
    try:
        keystore.open_secret(key.name)
    except TrustError as error:
        if error.code != "KEY_UNKNOWN":
            raise
        return False
    return True
