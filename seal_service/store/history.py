"""The history of seals and applications: one line for every act, in the transaction of the act. Lines are added, never changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, or_, select

from seal_service.model import Act
from seal_service.tables import applications, history
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


def _act(row: RowMapping) -> Act:
    return Act(
        position=row["position"],
        seal_id=row["seal_id"],
        application_id=row["application_id"],
        act=row["act"],
        from_state=row["from_state"],
        to_state=row["to_state"],
        holder=row["holder"],
        actor=row["actor"],
        human=row["human"],
        second_to=row["second_to"],
        at=read_time(row["at"]),
        reason=row["reason"],
        papers=tuple((name, digest) for name, digest in json.loads(row["papers"])),
        audit_id=row["audit_id"],
    )


def insert_act(
    conn: Connection,
    *,
    seal_id: str | None,
    application_id: str | None,
    act: str,
    from_state: str,
    to_state: str,
    holder: str,
    actor: str,
    human: str,
    at: datetime,
    reason: str,
    audit_id: str,
    second_to: str | None = None,
    papers: Sequence[tuple[str, str]] = (),
) -> None:
    """Record an act. ``second_to``: whom the holder must be different from; the table refuses it where he is not."""
    conn.execute(
        insert(history),
        {
            "seal_id": seal_id,
            "application_id": application_id,
            "act": act,
            "from_state": from_state,
            "to_state": to_state,
            "holder": holder,
            "actor": actor,
            "human": human,
            "second_to": second_to,
            "at": write_time(at),
            "reason": reason,
            "papers": json.dumps([list(each) for each in papers], ensure_ascii=False, separators=(",", ":")),
            "audit_id": audit_id,
        },
    )


def who_applied(conn: Connection, application_id: str) -> str:
    """The natural person who made an application; empty where that is not known."""
    first = select(history.c.human).where(history.c.application_id == application_id).order_by(history.c.position).limit(1)
    return conn.execute(first).scalar() or ""


def last_step(conn: Connection, seal_id: str) -> Act | None:
    """The last act that changed the state of a seal."""
    condition = and_(history.c.seal_id == seal_id, history.c.from_state != history.c.to_state)
    row = conn.execute(select(history).where(condition).order_by(history.c.position.desc()).limit(1)).mappings().first()
    return None if row is None else _act(row)


def list_acts_of_seal(conn: Connection, seal_id: str, *, after: int, limit: int) -> list[Act]:
    """What happened to a seal and to the applications about it, the oldest first, behind the position ``after`` only."""
    about_it = select(applications.c.id).where(applications.c.seal_id == seal_id)
    condition = and_(history.c.position > after, or_(history.c.seal_id == seal_id, history.c.application_id.in_(about_it)))
    return [_act(row) for row in conn.execute(select(history).where(condition).order_by(history.c.position).limit(limit)).mappings()]


def list_acts_of_application(conn: Connection, application_id: str, *, after: int, limit: int) -> list[Act]:
    """What happened to an application, the oldest first, behind the position ``after`` only."""
    condition = and_(history.c.position > after, history.c.application_id == application_id)
    return [_act(row) for row in conn.execute(select(history).where(condition).order_by(history.c.position).limit(limit)).mappings()]
