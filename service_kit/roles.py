"""Three roles of administrators that no two of which one holder has (GB/T 22239 level 3, management centre).

The system administrator keeps the deployment running, the security administrator says who may do what, the audit administrator reads what
both have done and changes nothing. A holder is a client's id or ``person:`` and a subject (``Caller.holder``). The table has one row per
holder, so it is the database that keeps the roles apart, whatever a program does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select

from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time
from service_kit.tables import role_holders as table
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from service_kit.audit import Audit

REASON_CHARACTERS: Final = 256
HOLDER_CHARACTERS: Final = 255


class Role(StrEnum):
    """What an administrator administers."""

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class RoleHolder:
    """Who holds which role, by whose appointment and why. ``appointed_at``: aware UTC."""

    holder: str
    role: Role
    appointed_by: str
    appointed_at: datetime
    reason: str


_OF_HOLDER: Final = Prepared(select(table.c.role).where(table.c.holder == bindparam("name")))


def role_of(connection: Connection, holder: str) -> Role | None:
    """The role of a holder, None where he has none."""
    found = _OF_HOLDER.scalar(connection, {"name": holder})
    return None if found is None else Role(found)


def list_role_holders(connection: Connection, *, after: str = "", limit: int = 200) -> list[RoleHolder]:
    """Those who hold a role, in the order of their names, behind ``after`` only."""
    rows = connection.execute(select(table).where(table.c.holder > after).order_by(table.c.holder).limit(limit)).all()
    return [RoleHolder(row.holder, Role(row.role), row.appointed_by, read_time(row.appointed_at), row.reason) for row in rows]


def appoint(
    connection: Connection,
    audit: Audit,
    holder: str,
    role: Role,
    *,
    is_bound: Callable[[Connection, str], bool],
    actor: str,
    reason: str,
    at: datetime,
) -> bool:
    """Give a role, within a write job; False where he has it already. TrustError ROLE_HELD, ROLE_HOLDER_BOUND, ROLE_FIELD_INVALID.

    ``is_bound``: whether the services know the holder in an office that no administrator may have; asked in the same transaction, so that
    giving both at once fails for one of them.
    """
    if not 1 <= len(holder) <= HOLDER_CHARACTERS or not holder.isprintable() or " " in holder:
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_FIELD_INVALID", field="holder", expected="a client id, or person: and a subject")
    if not 1 <= len(reason.strip()) <= REASON_CHARACTERS or not reason.isprintable():
        raise TrustError(Kind.UNACCEPTABLE, "ROLE_FIELD_INVALID", field="reason", expected=f"1 to {REASON_CHARACTERS} visible characters")
    present = role_of(connection, holder)
    if present is role:
        return False
    if present is not None:
        raise TrustError(Kind.CONFLICT, "ROLE_HELD", holder=holder, role=present.value, wanted=role.value)
    if is_bound(connection, holder):
        raise TrustError(Kind.CONFLICT, "ROLE_HOLDER_BOUND", holder=holder, wanted=role.value)
    connection.execute(
        insert(table),
        {
            "holder": holder,
            "role": role.value,
            "appointed_by": actor,
            "appointed_at": write_time(at),
            "reason": reason,
        },
    )
    facts = {"role": role.value, "reason": reason}
    audit.record(connection, at=at, actor=actor, action="role.appoint", subject=f"holder:{holder}", outcome="done", facts=facts)
    return True


def dismiss(connection: Connection, audit: Audit, holder: str, *, actor: str, reason: str, at: datetime) -> bool:
    """Take a role, within a write job; False where he had none."""
    present = role_of(connection, holder)
    if present is None:
        return False
    connection.execute(delete(table).where(table.c.holder == holder))
    facts = {"role": present.value, "reason": reason}
    audit.record(connection, at=at, actor=actor, action="role.dismiss", subject=f"holder:{holder}", outcome="done", facts=facts)
    return True
