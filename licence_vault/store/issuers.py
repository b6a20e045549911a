"""Issuing authorities and who acts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from licence_vault.register import IssuingAuthority
from licence_vault.tables import issuers, members
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_BY_CODE: Final = select(issuers).where(issuers.c.code == bindparam("issuer"))
_LOAD: Final = Prepared(_BY_CODE)
_LOAD_LOCKED: Final = Prepared(_BY_CODE.with_for_update())
_MEMBER: Final = Prepared(
    select(members.c.holder).where(members.c.issuer_code == bindparam("issuer"), members.c.holder == bindparam("member"))
)
_MEMBERS: Final = Prepared(select(members.c.holder).where(members.c.issuer_code == bindparam("issuer")).order_by(members.c.holder))


def _issuer(row: RowMapping | Mapping[str, Any]) -> IssuingAuthority:
    return IssuingAuthority(
        row["code"], row["name"], row["area_code"], row["seal_id"], row["revision"], row["entered_by"], read_time(row["changed_at"])
    )


def _values(issuer: IssuingAuthority) -> dict[str, object]:
    return {
        "code": issuer.code,
        "name": issuer.name,
        "area_code": issuer.area_code,
        "seal_id": issuer.seal_id,
        "revision": issuer.revision,
        "entered_by": issuer.entered_by,
        "changed_at": write_time(issuer.changed_at),
    }


def insert_issuer(conn: Connection, issuer: IssuingAuthority) -> None:
    """A new issuing authority."""
    conn.execute(insert(issuers), _values(issuer))


def update_issuer(conn: Connection, issuer: IssuingAuthority) -> None:
    """Everything of an authority but its code."""
    conn.execute(update(issuers).where(issuers.c.code == issuer.code).values(_values(issuer)))


def load_issuer(conn: Connection, code: str, *, is_locked: bool = False) -> IssuingAuthority | None:
    """One authority; ``is_locked`` keeps others from changing it until this transaction ends."""
    row = (_LOAD_LOCKED if is_locked else _LOAD).first(conn, {"issuer": code})
    return None if row is None else _issuer(row)


def list_issuers(conn: Connection, *, holder: str | None, after: str, limit: int) -> list[IssuingAuthority]:
    """Authorities by code, behind ``after``; only those ``holder`` acts for, where one is named."""
    statement = select(issuers).where(issuers.c.code > after).order_by(issuers.c.code).limit(limit)
    if holder is not None:
        statement = statement.join(members, members.c.issuer_code == issuers.c.code).where(members.c.holder == holder)
    return [_issuer(row) for row in conn.execute(statement).mappings()]


def list_issuer_codes(conn: Connection, holder: str, *, limit: int) -> list[str]:
    """The authorities ``holder`` acts for, by code."""
    statement = select(members.c.issuer_code).where(members.c.holder == holder).order_by(members.c.issuer_code).limit(limit)
    return list(conn.execute(statement).scalars())


def is_member(conn: Connection, issuer_code: str, holder: str) -> bool:
    """Whether ``holder`` acts for the authority."""
    return _MEMBER.first(conn, {"issuer": issuer_code, "member": holder}) is not None


def list_members(conn: Connection, issuer_code: str) -> list[str]:
    """Everybody who acts for the authority."""
    return [str(row["holder"]) for row in _MEMBERS.all(conn, {"issuer": issuer_code})]


def insert_member(conn: Connection, issuer_code: str, holder: str, *, given_by: str, at: datetime) -> None:
    """``holder`` acts for the authority from now on."""
    conn.execute(insert(members), {"issuer_code": issuer_code, "holder": holder, "given_by": given_by, "given_at": write_time(at)})


def delete_member(conn: Connection, issuer_code: str, holder: str) -> bool:
    """``holder`` acts for it no more; False where he did not."""
    return conn.execute(delete(members).where(members.c.issuer_code == issuer_code, members.c.holder == holder)).rowcount == 1


def count_members(conn: Connection, issuer_code: str) -> int:
    """How many act for the authority."""
    return int(conn.execute(select(func.count()).select_from(members).where(members.c.issuer_code == issuer_code)).scalar_one())
