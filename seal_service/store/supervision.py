"""What supervision counts: seals by state, uses by seal and day, refusals, crowds of uses. Read only, but for the refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import Integer, and_, cast, exists, func, select, text, true

from seal_service.model import ENDED, Power, Seal, UseState
from seal_service.store.seals import load_seal
from seal_service.tables import powers, refusals, seals, uses
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_INSERT_REFUSAL: Final = text(
    "INSERT INTO seal_refusals (seal_id, holder, client_id, code, hour, times, last_at) "
    "VALUES (:seal_id, :holder, :client_id, :code, :hour, 1, :at) "
    "ON CONFLICT (seal_id, holder, client_id, code, hour) DO UPDATE SET times = seal_refusals.times + 1, last_at = :at RETURNING times"
)


@dataclass(frozen=True, slots=True)
class UseCount:
    """How often a seal was used by a holder in one form within a day (UTC, ``day`` counted from 1970)."""

    seal_id: str
    holder: str
    form: str
    day: int
    done: int
    voided: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often somebody was refused a use for the same reason within an hour."""

    seal_id: str
    holder: str
    client_id: str
    code: str
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Crowd:
    """More uses of a seal by one holder within one window than are usual. ``began_at``: beginning of the window."""

    seal_id: str
    holder: str
    began_at: datetime
    uses: int


@dataclass(frozen=True, slots=True)
class UseLine:
    """One use as it is exported."""

    use_id: str
    seal_id: str
    code: str
    client_id: str
    holder: str
    form: str
    document_type: str
    state: str
    intent_at: datetime
    digest_hex: str
    audit_id: str


def _visible(seal_id: ColumnElement[str], holder: str | None) -> list[ColumnElement[bool]]:
    """Seals that the holder audits or manages; every seal for None."""
    if holder is None:
        return []
    held = (Power.AUDIT.value, Power.MANAGE.value)
    return [exists().where(and_(powers.c.seal_id == seal_id, powers.c.holder == holder, powers.c.power.in_(held)))]


def count_states(conn: Connection, holder: str | None) -> dict[str, int]:
    """How many seals are in each state."""
    statement = select(seals.c.state, func.count()).where(and_(true(), *_visible(seals.c.id, holder))).group_by(seals.c.state)
    return {row[0]: int(row[1]) for row in conn.execute(statement)}


def count_uses(conn: Connection, holder: str | None, *, since: datetime, until: datetime, limit: int) -> list[UseCount]:
    """Uses by seal, holder, form and day, the newest days first. ``since`` inclusive, ``until`` exclusive."""
    day = cast(uses.c.intent_at / (24 * MICROSECONDS_PER_HOUR), Integer)
    done = func.sum(cast(uses.c.state == UseState.DONE.value, Integer))
    voided = func.sum(cast(uses.c.state == UseState.VOIDED.value, Integer))
    columns = (uses.c.seal_id, uses.c.holder, uses.c.form)
    statement = (
        select(*columns, day.label("day"), done, voided)
        .where(and_(*_within(since, until), *_visible(uses.c.seal_id, holder)))
        .group_by(*columns, "day")
        .order_by(text("day DESC"), uses.c.seal_id, uses.c.holder, uses.c.form)
        .limit(limit)
    )
    return [
        UseCount(row[0], row[1] or "", row[2] or "", int(row[3]), int(row[4] or 0), int(row[5] or 0)) for row in conn.execute(statement)
    ]


def list_expiring(conn: Connection, holder: str | None, *, until: datetime, limit: int) -> list[Seal]:
    """Living seals whose time ends before ``until``, the nearest end first."""
    ended = [state.value for state in ENDED]
    conditions = (seals.c.valid_until.is_not(None), seals.c.valid_until < write_time(until), seals.c.state.not_in(ended))
    statement = (
        select(seals.c.id).where(and_(*conditions, *_visible(seals.c.id, holder))).order_by(seals.c.valid_until, seals.c.id).limit(limit)
    )
    found = [load_seal(conn, seal_id) for seal_id in conn.execute(statement).scalars().all()]
    return [seal for seal in found if seal is not None]


def note_refusal(conn: Connection, *, seal_id: str, holder: str, client_id: str, code: str, at: datetime) -> int:
    """Count a refused use; how often it has happened within this hour."""
    moment = write_time(at)
    values = {
        "seal_id": seal_id,
        "holder": holder,
        "client_id": client_id,
        "code": code,
        "hour": moment // MICROSECONDS_PER_HOUR,
        "at": moment,
    }
    return int(conn.execute(_INSERT_REFUSAL, values).scalar_one())


def list_refusals(conn: Connection, holder: str | None, *, since: datetime, until: datetime, limit: int) -> list[Refusal]:
    """Refused uses, the newest first."""
    conditions = (refusals.c.last_at >= write_time(since), refusals.c.last_at < write_time(until))
    statement = (
        select(refusals)
        .where(and_(*conditions, *_visible(refusals.c.seal_id, holder)))
        .order_by(refusals.c.last_at.desc(), refusals.c.seal_id)
        .limit(limit)
    )
    return [
        Refusal(row["seal_id"], row["holder"], row["client_id"], row["code"], row["times"], read_time(row["last_at"]))
        for row in conn.execute(statement).mappings()
    ]


def list_crowds(
    conn: Connection, holder: str | None, *, since: datetime, until: datetime, window_seconds: int, least: int, limit: int
) -> list[Crowd]:
    """Windows in which one holder used one seal at least ``least`` times, the fullest first."""
    window = cast(uses.c.intent_at / (window_seconds * 1_000_000), Integer)
    count = func.count()
    statement = (
        select(uses.c.seal_id, uses.c.holder, window.label("window"), count.label("uses"))
        .where(and_(*_within(since, until), *_visible(uses.c.seal_id, holder)))
        .group_by(uses.c.seal_id, uses.c.holder, "window")
        .having(count >= least)
        .order_by(count.desc(), text("window"))
        .limit(limit)
    )
    return [
        Crowd(row[0], row[1] or "", read_time(int(row[2]) * window_seconds * 1_000_000), int(row[3])) for row in conn.execute(statement)
    ]


def list_use_lines(conn: Connection, holder: str | None, *, since: datetime, until: datetime, after: str, limit: int) -> Sequence[UseLine]:
    """Uses behind the id ``after``, in the order of their ids, which is that of time."""
    statement = (
        select(uses, seals.c.code)
        .join(seals, seals.c.id == uses.c.seal_id)
        .where(and_(uses.c.id > after, *_within(since, until), *_visible(uses.c.seal_id, holder)))
        .order_by(uses.c.id)
        .limit(limit)
    )
    return [
        UseLine(
            row["id"],
            row["seal_id"],
            row["code"],
            row["client_id"],
            row["holder"] or "",
            row["form"] or row["kind"],
            row["document_type"] or "",
            row["state"],
            read_time(row["intent_at"]),
            row["digest"].hex(),
            row["result_audit_id"] or row["intent_audit_id"],
        )
        for row in conn.execute(statement).mappings()
    ]


def _within(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    states = [state.value for state in UseState]  # names every state, so that the index over state and time serves
    return (uses.c.state.in_(states), uses.c.intent_at >= write_time(since), uses.c.intent_at < write_time(until))
