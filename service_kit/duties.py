"""Which duties somebody was given: what a person may do at the pages of this deployment, beside the rights that services keep themselves.

A duty is a name that the composition gives a meaning to. A holder is ``person:`` and a subject. Whoever has a role of administrator has no duties,
and who has duties gets no role: running things, guarding them and working with them are three hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select, update

from service_kit.prepared import Prepared
from service_kit.roles import REASON_CHARACTERS, check_holder, check_known, role_of
from service_kit.row_codes import as_shown, check_code, coded, is_as_written
from service_kit.row_values import read_time, write_time
from service_kit.tables import duties as table
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from service_kit.audit import Audit

_OF_HOLDER: Final = Prepared(select(table).where(table.c.holder == bindparam("name")).order_by(table.c.duty))


@dataclass(frozen=True, slots=True)
class DutyHolder:
    """Who was given which duty, by whom and why. ``given_at``: aware UTC. ``is_altered``: written past the program, so that it does not count."""

    holder: str
    duty: str
    given_by: str
    given_at: datetime
    reason: str
    is_altered: bool = False


def duties_of(connection: Connection, holder: str) -> tuple[str, ...]:
    """The duties of a holder, in the order of their names. ROW_ALTERED where one was written past the program."""
    rows = _OF_HOLDER.all(connection, {"name": holder})
    for row in rows:
        check_code(connection, table, f"{holder} {row['duty']}", row)
    return tuple(row["duty"] for row in rows)


def list_duty_holders(connection: Connection, *, after: tuple[str, str] = ("", ""), limit: int = 200) -> list[DutyHolder]:
    """Who has which duty, in the order of holders and duties, behind ``after`` only; rows written past the program too, marked so."""
    holder, duty = after
    behind = (table.c.holder > holder) | ((table.c.holder == holder) & (table.c.duty > duty))
    rows = connection.execute(select(table).where(behind).order_by(table.c.holder, table.c.duty).limit(limit)).mappings()
    return [
        DutyHolder(
            shown["holder"],
            shown["duty"],
            shown["given_by"],
            read_time(shown["given_at"]),
            shown["reason"],
            is_altered=not is_as_written(connection, table, dict(row)),
        )
        for row in rows
        for shown in (as_shown(table, dict(row)),)
    ]


def give_duty(
    connection: Connection,
    audit: Audit,
    holder: str,
    duty: str,
    *,
    known: Collection[str],
    is_known: Callable[[Connection, str], bool] | None = None,
    actor: str,
    reason: str,
    at: datetime,
) -> bool:
    """Give a duty, within a write job; False where he has it already. TrustError ROLE_HELD, ROLE_HOLDER_UNKNOWN, ROLE_FIELD_INVALID.

    ``known``: the duties there are; ``is_known``: see ``roles.check_known``.
    """
    check_holder(holder)
    if duty not in known:
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_FIELD_INVALID", field="duty", expected=", ".join(sorted(known)))
    if not 1 <= len(reason.strip()) <= REASON_CHARACTERS or not is_printable(reason):
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_FIELD_INVALID", field="reason", expected=f"1 to {REASON_CHARACTERS} visible characters")
    role = role_of(connection, holder)
    if role is not None:
        raise TrustError(Kind.CONFLICT, "ROLE_HELD", holder=holder, role=role.value, wanted=duty)
    if duty in duties_of(connection, holder):
        return False
    check_known(connection, holder, is_known)
    row = {"holder": holder, "duty": duty, "given_by": actor, "given_at": write_time(at), "reason": reason}
    connection.execute(insert(table), coded(connection, table, row))
    facts = {"duty": duty, "reason": reason}
    audit.record(connection, at=at, actor=actor, action="duty.give", subject=f"holder:{holder}", outcome="done", facts=facts)
    return True


def take_duty(connection: Connection, audit: Audit, holder: str, duty: str, *, actor: str, reason: str, at: datetime) -> bool:
    """Take a duty, within a write job; False where he has it not. His tokens lose it when they are renewed, within minutes."""
    gone = connection.execute(delete(table).where(table.c.holder == holder, table.c.duty == duty)).rowcount
    if not gone:
        return False
    facts = {"duty": duty, "reason": reason}
    audit.record(connection, at=at, actor=actor, action="duty.take", subject=f"holder:{holder}", outcome="done", facts=facts)
    return True


def code_older_duties(connection: Connection, audit: Audit) -> None:
    """Within a write job: give rows from before there were codes theirs, where the last that the trail says of the duty is this giving."""
    for row in connection.execute(select(table).where(table.c.row_mac.is_(None))).mappings().all():
        told = audit.own_entries(connection, f"holder:{row['holder']}", ("duty.give", "duty.take"))
        last = next((entry for entry in told if entry.facts.get("duty") == row["duty"]), None)
        if last is not None and (last.action, last.actor, last.facts.get("reason")) == ("duty.give", row["given_by"], row["reason"]):
            mine = (table.c.holder == row["holder"]) & (table.c.duty == row["duty"])
            connection.execute(update(table).where(mine).values(row_mac=coded(connection, table, dict(row))["row_mac"]))
