"""Use codes and entrustments. A code is used by a conditional update, so that exactly one of all who try succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, insert, not_, select, update

from licence_vault.model import LicenceState
from licence_vault.store.licences import ABANDONED, read_licence_row
from licence_vault.tables import holders, licences
from licence_vault.use_tables import entrustments, use_codes
from licence_vault.uses import Entrustment, UseCode, UseMode
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

    from licence_vault.register import LicenceRecord


def _code(row: RowMapping) -> UseCode:
    values: dict[str, Any] = dict(row)
    values |= {name: read_time(values[name]) for name in ("granted_at", "expires_at")}
    return UseCode(**values | {"mode": UseMode(values["mode"]), "used_at": read_optional_time(values["used_at"])})


def insert_use_code(conn: Connection, code: UseCode) -> None:
    """A new code."""
    values = {name: getattr(code, name) for name in UseCode.__slots__}
    times = {name: write_time(values[name]) for name in ("granted_at", "expires_at")}
    conn.execute(insert(use_codes), values | times | {"mode": code.mode.value, "used_at": write_optional_time(code.used_at)})


def load_use_code(conn: Connection, code_digest: bytes) -> UseCode | None:
    """The code with a digest (SM3, 32 bytes)."""
    row = conn.execute(select(use_codes).where(use_codes.c.code_digest == code_digest)).mappings().one_or_none()
    return None if row is None else _code(row)


def spend_use_code(conn: Connection, code_id: str, at: datetime) -> bool:
    """Use a code; True for exactly one of all who try."""
    unused = (use_codes.c.id == code_id) & use_codes.c.used_at.is_(None)
    return conn.execute(update(use_codes).where(unused).values(used_at=write_time(at))).rowcount == 1


def list_use_codes_of_licences(conn: Connection, licence_ids: Collection[str], *, limit: int) -> list[UseCode]:
    """Codes that were granted for these licences, newest first."""
    statement = select(use_codes).where(use_codes.c.licence_id.in_(licence_ids))
    rows = conn.execute(statement.order_by(use_codes.c.granted_at.desc(), use_codes.c.id).limit(limit)).mappings()
    return [_code(row) for row in rows]


def list_licences_of_holders(
    conn: Connection,
    subjects: Collection[bytes],
    *,
    type_code: str | None,
    states: Collection[LicenceState],
    before: str | None,
    limit: int,
    number_digest: bytes | None = None,
    with_abandoned: bool = False,
) -> list[LicenceRecord]:
    """Licences that any of these holders (keyed hashes) has, of any authority, newest first, from behind the id ``before``; drafts never.

    ``number_digest``: only those of that printed number (keyed hash). ``with_abandoned``: drafts that were given up, too:
    no licence came of them, but what they say is held.
    """
    held = select(holders.c.licence_id).where(holders.c.code_digest.in_(subjects))
    wanted = [each.value for each in states if each is not LicenceState.DRAFT]
    statement = select(licences).where(licences.c.id.in_(held), licences.c.state.in_(wanted))
    if not with_abandoned:
        statement = statement.where(not_(ABANDONED))
    if before is not None:
        statement = statement.where(licences.c.id < before)
    if type_code is not None:
        statement = statement.where(licences.c.type_code == type_code)
    if number_digest is not None:
        statement = statement.where(licences.c.number_digest == number_digest)
    return [read_licence_row(row) for row in conn.execute(statement.order_by(licences.c.id.desc()).limit(limit)).mappings()]


def _entrustment(row: RowMapping) -> Entrustment:
    values: dict[str, Any] = dict(row)
    values |= {name: read_time(values[name]) for name in ("given_at", "until")}
    return Entrustment(**values | {"ended_at": read_optional_time(values["ended_at"])})


def _entrustments(conn: Connection, statement: Select[Any]) -> list[Entrustment]:
    return [_entrustment(row) for row in conn.execute(statement).mappings()]


_NEWEST: Final = (entrustments.c.given_at.desc(), entrustments.c.id)


def _rank() -> ColumnElement[int]:
    """0 where the holder has an issued licence of the type, 1 where the entrustment is for nothing yet."""
    held = (
        select(licences.c.id)
        .join(holders, holders.c.licence_id == licences.c.id)
        .where(
            holders.c.code_digest == entrustments.c.holder_digest,
            licences.c.type_code == entrustments.c.type_code,
            licences.c.state == LicenceState.ISSUED.value,
        )
    )
    return case((held.correlate(entrustments).exists(), 0), else_=1)


def _stands(at: datetime) -> ColumnElement[bool]:
    return entrustments.c.ended_at.is_(None) & (entrustments.c.until > write_time(at))


def _is_behind(one: Entrustment) -> ColumnElement[bool]:
    """In the order of ``_NEWEST``."""
    given_at = write_time(one.given_at)
    return (entrustments.c.given_at < given_at) | ((entrustments.c.given_at == given_at) & (entrustments.c.id > one.id))


def insert_entrustment(conn: Connection, entrustment: Entrustment) -> None:
    """A new entrustment."""
    values = {name: getattr(entrustment, name) for name in Entrustment.__slots__}
    times = {name: write_time(values[name]) for name in ("given_at", "until")}
    conn.execute(insert(entrustments), values | times | {"ended_at": write_optional_time(entrustment.ended_at)})


def load_entrustment(conn: Connection, entrustment_id: str) -> Entrustment | None:
    """One entrustment, ended ones too."""
    row = conn.execute(select(entrustments).where(entrustments.c.id == entrustment_id)).mappings().one_or_none()
    return None if row is None else _entrustment(row)


def end_entrustment(conn: Connection, entrustment_id: str, at: datetime) -> bool:
    """End one; False where it had ended."""
    standing = (entrustments.c.id == entrustment_id) & entrustments.c.ended_at.is_(None)
    return conn.execute(update(entrustments).where(standing).values(ended_at=write_time(at))).rowcount == 1


def count_standing_entrustments(conn: Connection, holder_digest: bytes, at: datetime) -> int:
    """How many of a holder stand at a time."""
    standing = select(func.count()).select_from(entrustments).where(entrustments.c.holder_digest == holder_digest, _stands(at))
    return int(conn.execute(standing).scalar_one())


def lengthen_entrustment(conn: Connection, entrustment: Entrustment) -> None:
    """Write the end of one anew, with its reason and who gave it so."""
    values = {"until": write_time(entrustment.until), "reason": entrustment.reason, "given_by": entrustment.given_by}
    conn.execute(update(entrustments).where(entrustments.c.id == entrustment.id).values(values))


def list_entrustments_of_holders(conn: Connection, subjects: Collection[bytes], *, limit: int) -> list[Entrustment]:
    """Entrustments that these holders gave, newest first."""
    return _entrustments(conn, select(entrustments).where(entrustments.c.holder_digest.in_(subjects)).order_by(*_NEWEST).limit(limit))


def list_standing_entrustments(conn: Connection, subjects: Collection[bytes], at: datetime) -> list[Entrustment]:
    """All that these holders gave and that stand at a time, newest first."""
    return _entrustments(conn, select(entrustments).where(entrustments.c.holder_digest.in_(subjects), _stands(at)).order_by(*_NEWEST))


def list_past_entrustments(
    conn: Connection, subjects: Collection[bytes], at: datetime, *, behind: Entrustment | None, limit: int
) -> list[Entrustment]:
    """Those that were ended, or are over at a time, newest first, from behind one of them."""
    statement = select(entrustments).where(entrustments.c.holder_digest.in_(subjects), not_(_stands(at)))
    if behind is not None:
        statement = statement.where(_is_behind(behind))
    return _entrustments(conn, statement.order_by(*_NEWEST).limit(limit))


def list_entrustments_to(conn: Connection, agents: Collection[bytes], *, limit: int) -> list[Entrustment]:
    """All entrustments there were to any of ``agents``, newest first."""
    return _entrustments(conn, select(entrustments).where(entrustments.c.agent_digest.in_(agents)).order_by(*_NEWEST).limit(limit))


def list_standing_entrustments_to(
    conn: Connection, agents: Collection[bytes], at: datetime, *, behind: Entrustment | None, limit: int
) -> list[Entrustment]:
    """Those to any of ``agents`` that stand at a time, from behind one of them: first those whose holder has an issued licence of the type, so that
    nobody's empty ones stand before them; each of both newest first.
    """
    statement = select(entrustments).where(entrustments.c.agent_digest.in_(agents), _stands(at))
    if behind is not None:
        rank = conn.execute(select(_rank()).where(entrustments.c.id == behind.id)).scalar_one()
        statement = statement.where((_rank() > rank) | ((_rank() == rank) & _is_behind(behind)))
    return _entrustments(conn, statement.order_by(_rank(), *_NEWEST).limit(limit))


def list_entrustments_between(
    conn: Connection, agents: Collection[bytes], subjects: Collection[bytes], type_code: str
) -> list[Entrustment]:
    """Entrustments of any of ``subjects`` to any of ``agents`` for a type that were not ended; their time may be over."""
    between = entrustments.c.agent_digest.in_(agents) & entrustments.c.holder_digest.in_(subjects) & (entrustments.c.type_code == type_code)
    return _entrustments(conn, select(entrustments).where(between, entrustments.c.ended_at.is_(None)))
