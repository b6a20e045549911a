"""Who is signed in: one row per browser, with the tokens that the pages call the API with. They never leave the server.

Tokens are renewed by one process at a time (``begin_renewal``): a refresh token is good once, and one that comes twice ends the sign-in.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, or_, select, update

from crypto.sm3 import sm3
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time
from service_kit.sweeping import SWEEP_ROWS, sweep_all
from standards.errors import TrustError
from yinxin.console.tables import sessions as table

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.sealed_values import ValueSealer
    from service_kit.clock import Clock
    from service_kit.database import Database

COOKIE_BYTES: Final = 32
SESSION_SECONDS: Final = 12 * 3600  # a working day; the sign-in behind it may end earlier
RENEWING_SECONDS: Final = 15  # who has not renewed by then has died
_ONE: Final = Prepared(select(table).where(table.c.cookie_hash == bindparam("cookie_hash")))


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave. ``access_until``: seconds since 1970 UTC, when the access token is over. ``name``: what the person is called."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    identity: str = field(repr=False)
    access_until: int
    scopes: tuple[str, ...]
    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in."""

    cookie_hash: bytes
    tokens: Tokens
    version: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionDesk:
    """What sessions need. ``sealer``: of the tokens at rest."""

    database: Database
    clock: Clock
    sealer: ValueSealer


def hash_of(cookie: str) -> bytes:
    """Under which name a session is kept."""
    return sm3(cookie.encode("utf-8", "replace"))


def begin_session(desk: SessionDesk, tokens: Tokens) -> str:
    """A new session; returns its cookie, which is kept nowhere."""
    cookie, at = secrets.token_urlsafe(COOKIE_BYTES), desk.clock.now()
    name = hash_of(cookie)
    row = {
        "cookie_hash": name,
        "sealed": _seal(desk, name, tokens),
        "version": 1,
        "created_at": write_time(at),
        "expires_at": write_time(at + timedelta(seconds=SESSION_SECONDS)),
    }
    desk.database.write(lambda connection: connection.execute(insert(table), row))
    return cookie


def find_session(desk: SessionDesk, cookie_hash: bytes) -> Session | None:
    """The session of a cookie, None where there is none that counts now: a row that does not open counts for nothing."""
    with desk.database.read() as connection:
        row = _ONE.first(connection, {"cookie_hash": cookie_hash})
    if row is None or row["expires_at"] <= write_time(desk.clock.now()):
        return None
    try:
        opened = json.loads(desk.sealer.open(row["sealed"], _place(cookie_hash)))
    except TrustError:
        return None
    tokens = Tokens(**{**opened, "scopes": tuple(opened["scopes"])})
    return Session(cookie_hash, tokens, row["version"], read_time(row["expires_at"]))


def begin_renewal(desk: SessionDesk, session: Session) -> bool:
    """Whether the caller is the one who renews the tokens of this version now; everybody else waits for the next version."""
    now = desk.clock.now()
    claim = (
        update(table)
        .where(
            table.c.cookie_hash == session.cookie_hash,
            table.c.version == session.version,
            or_(table.c.renewing_until.is_(None), table.c.renewing_until <= write_time(now)),
        )
        .values(renewing_until=write_time(now + timedelta(seconds=RENEWING_SECONDS)))
    )
    return desk.database.write(lambda connection: connection.execute(claim).rowcount) == 1


def finish_renewal(desk: SessionDesk, session: Session, tokens: Tokens) -> None:
    """Keep the new tokens in place of those of this version."""
    change = (
        update(table)
        .where(table.c.cookie_hash == session.cookie_hash, table.c.version == session.version)
        .values(sealed=_seal(desk, session.cookie_hash, tokens), version=session.version + 1, renewing_until=None)
    )
    desk.database.write(lambda connection: connection.execute(change))


def give_up_renewal(desk: SessionDesk, session: Session) -> None:
    """Let somebody else try: nothing has become of it, and the tokens are as they were."""
    change = update(table).where(table.c.cookie_hash == session.cookie_hash, table.c.version == session.version).values(renewing_until=None)
    desk.database.write(lambda connection: connection.execute(change))


def end_session(desk: SessionDesk, cookie_hash: bytes) -> None:
    """Forget a session; one that is gone stays so."""
    desk.database.write(lambda connection: connection.execute(delete(table).where(table.c.cookie_hash == cookie_hash)))


def sweep_sessions(desk: SessionDesk) -> None:
    """Remove what is over."""
    old = select(table.c.cookie_hash).where(table.c.expires_at <= write_time(desk.clock.now())).limit(SWEEP_ROWS)
    sweep_all(desk.database, lambda connection: connection.execute(delete(table).where(table.c.cookie_hash.in_(old))).rowcount)


def _place(cookie_hash: bytes) -> str:
    return f"console_sessions.sealed:{cookie_hash.hex()}"


def _seal(desk: SessionDesk, cookie_hash: bytes, tokens: Tokens) -> bytes:
    return desk.sealer.seal(json.dumps(asdict(tokens), ensure_ascii=False, separators=(",", ":")).encode(), _place(cookie_hash))
