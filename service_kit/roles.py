"""Three roles of administrators that no two of which one holder has (GB/T 22239 level 3, management centre).

The system administrator keeps the deployment running, the security administrator says who may do what, the audit administrator reads what
both have done and changes nothing. A holder is a client's id or ``person:`` and a subject (``Caller.holder``). The table has one row per
holder, so it is the database that keeps the roles apart, whatever a program does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select, update

from service_kit.callers import PERSON_PREFIX
from service_kit.prepared import Prepared
from service_kit.row_codes import as_shown, check_code, coded, is_as_written
from service_kit.row_values import read_time, write_time
from service_kit.tables import role_holders as table
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from service_kit.audit import Audit
    from service_kit.callers import Caller

REASON_CHARACTERS: Final = 256
HOLDER_CHARACTERS: Final = 255
ROLES_MANAGE: Final = "roles.manage"  # the scope by which roles are given and taken


class Role(StrEnum):
    """What an administrator administers."""

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class RoleHolder:
    """Who holds which role, by whose appointment and why. ``appointed_at``: aware UTC. ``is_altered``: written past the program, so that it
    does not count.
    """

    holder: str
    role: Role
    appointed_by: str
    appointed_at: datetime
    reason: str
    is_altered: bool = False


_OF_HOLDER: Final = Prepared(select(table).where(table.c.holder == bindparam("name")))


def role_of(connection: Connection, holder: str) -> Role | None:
    """The role of a holder, None where he has none. ROW_ALTERED where the row was written past the program: it neither gives nor denies."""
    row = _OF_HOLDER.first(connection, {"name": holder})
    if row is None:
        return None
    check_code(connection, table, holder, row)
    return Role(row["role"])


def role_at_work(connection: Connection, caller: Caller) -> Role | None:
    """The role that a call exercises: of him in whose name it comes; None where somebody acts for him who has a role of his own. ROW_ALTERED.

    He may have been appointed, or entered for an organisation, since that one got its role.
    """
    if caller.human != caller.holder and role_of(connection, caller.human) is not None:
        return None
    return role_of(connection, caller.holder)


def may_manage(connection: Connection, caller: Caller, holder: str) -> bool:
    """Whether a caller may take the role of a holder: a security administrator with the scope for it, and of nobody who is one himself."""
    if ROLES_MANAGE not in caller.scopes or role_at_work(connection, caller) is not Role.SECURITY:
        return False
    return role_of(connection, holder) is not Role.SECURITY


def check_holder(holder: str) -> None:
    """Raise ROLE_FIELD_INVALID for what names nobody who could have rights: no subject stands behind a bare ``person:``."""
    named = holder.removeprefix(PERSON_PREFIX)
    if not named or len(holder) > HOLDER_CHARACTERS or not holder.isprintable() or " " in holder:
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_FIELD_INVALID", field="holder", expected="a client id, or person: and a subject")


def check_known(connection: Connection, holder: str, is_known: Callable[[Connection, str], bool] | None) -> None:
    """Raise ROLE_HOLDER_UNKNOWN for who does not exist: else who registers under a mistyped name later would have its rights.

    ``is_known``: whether there is such a holder, within the transaction that counts on it; None where that is known elsewhere, and no name is refused.
    """
    if is_known is not None and not is_known(connection, holder):
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_HOLDER_UNKNOWN", holder=holder)


def list_role_holders(connection: Connection, *, after: str = "", limit: int = 200) -> list[RoleHolder]:
    """Those who hold a role, in the order of their names, behind ``after`` only; rows written past the program too, marked so."""
    rows = connection.execute(select(table).where(table.c.holder > after).order_by(table.c.holder).limit(limit)).mappings()
    return [
        RoleHolder(
            shown["holder"],
            Role(shown["role"]),
            shown["appointed_by"],
            read_time(shown["appointed_at"]),
            shown["reason"],
            is_altered=not is_as_written(connection, table, dict(row)),
        )
        for row in rows
        for shown in (as_shown(table, dict(row)),)
    ]


def appoint(
    connection: Connection,
    audit: Audit,
    holder: str,
    role: Role,
    *,
    is_bound: Callable[[Connection, str], bool],
    is_known: Callable[[Connection, str], bool] | None = None,
    actor: str,
    reason: str,
    at: datetime,
) -> bool:
    """Give a role, within a write job; False where he has it already. TrustError ROLE_HELD, ROLE_HOLDER_BOUND, ROLE_HOLDER_UNKNOWN,
    ROLE_FIELD_INVALID.

    ``is_bound``: whether the services know the holder in an office that no administrator may have; asked in the same transaction, so that
    giving both at once fails for one of them. ``is_known``: see ``check_known``.
    """
    check_holder(holder)
    if not 1 <= len(reason.strip()) <= REASON_CHARACTERS or not is_printable(reason):
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_FIELD_INVALID", field="reason", expected=f"1 to {REASON_CHARACTERS} visible characters")
    present = role_of(connection, holder)
    if present is role:
        return False
    if present is not None:
        raise TrustError(Kind.CONFLICT, "ROLE_HELD", holder=holder, role=present.value, wanted=role.value)
    check_known(connection, holder, is_known)
    if is_bound(connection, holder):
        raise TrustError(Kind.CONFLICT, "ROLE_HOLDER_BOUND", holder=holder, wanted=role.value)
    row = {"holder": holder, "role": role.value, "appointed_by": actor, "appointed_at": write_time(at), "reason": reason}
    connection.execute(insert(table), coded(connection, table, row))
    facts = {"role": role.value, "reason": reason}
    audit.record(connection, at=at, actor=actor, action="role.appoint", subject=f"holder:{holder}", outcome="done", facts=facts)
    return True


def dismiss(connection: Connection, audit: Audit, holder: str, *, actor: str, reason: str, at: datetime) -> bool:
    """Take a role, within a write job; False where he had none. So goes a row that was written past the program, too."""
    row = _OF_HOLDER.first(connection, {"name": holder})
    if row is None:
        return False
    connection.execute(delete(table).where(table.c.holder == holder))
    facts = {"role": row["role"], "reason": reason, **({} if is_as_written(connection, table, row) else {"was_altered": True})}
    audit.record(connection, at=at, actor=actor, action="role.dismiss", subject=f"holder:{holder}", outcome="done", facts=facts)
    return True


def code_older_roles(connection: Connection, audit: Audit) -> None:
    """Within a write job: give rows from before there were codes theirs, where the last that the trail says of the holder is this appointment.

    What the trail does not say stays without a code and counts no more: it is dismissed and appointed anew at the command line.
    """
    for row in connection.execute(select(table).where(table.c.row_mac.is_(None))).mappings().all():
        last = next(audit.own_entries(connection, f"holder:{row['holder']}", ("role.appoint", "role.dismiss")), None)
        told = None if last is None else (last.action, last.facts.get("role"), last.actor, last.facts.get("reason"))
        if told == ("role.appoint", row["role"], row["appointed_by"], row["reason"]):
            codes = coded(connection, table, dict(row))
            connection.execute(update(table).where(table.c.holder == row["holder"]).values(row_mac=codes["row_mac"]))
