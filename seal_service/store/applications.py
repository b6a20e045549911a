"""Applications and the papers handed in with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, or_, select, update

from seal_service.model import OPEN_APPLICATIONS, Application, ApplicationKind, ApplicationState, Paper
from seal_service.tables import applications, papers
from service_kit.row_values import read_list, read_optional_time, read_time, write_list, write_time

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping


def _application(row: RowMapping) -> Application:
    return Application(
        id=row["id"],
        kind=ApplicationKind(row["kind"]),
        state=ApplicationState(row["state"]),
        seal_id=row["seal_id"],
        applied_by=row["applied_by"],
        applied_at=read_time(row["applied_at"]),
        reason=row["reason"],
        organisation=row["organisation"],
        credit_code=row["credit_code"],
        name=row["name"],
        name_mongolian=row["name_mongolian"],
        name_romanised=row["name_romanised"],
        purpose=row["purpose"],
        type_code=row["type_code"],
        division=row["division"],
        design_json=row["design_json"],
        picture_width_mm=row["picture_width_mm"],
        managers=read_list(row["managers"]),
        users=read_list(row["users"]),
        auditors=read_list(row["auditors"]),
        is_certificate_outside=bool(row["is_certificate_outside"]),
        papers=read_list(row["papers"]),
        reviewed_by=row["reviewed_by"],
        reviewed_at=read_optional_time(row["reviewed_at"]),
        review_reason=row["review_reason"],
        version=row["version"],
        state_at=read_time(row["state_at"]),
    )


def insert_application(conn: Connection, application: Application) -> None:
    """A new application, in state applied."""
    conn.execute(
        insert(applications),
        {
            "id": application.id,
            "kind": application.kind.value,
            "state": application.state.value,
            "seal_id": application.seal_id,
            "applied_by": application.applied_by,
            "applied_at": write_time(application.applied_at),
            "reason": application.reason,
            "organisation": application.organisation,
            "credit_code": application.credit_code,
            "name": application.name,
            "name_mongolian": application.name_mongolian,
            "name_romanised": application.name_romanised,
            "purpose": application.purpose,
            "type_code": application.type_code,
            "division": application.division,
            "design_json": application.design_json,
            "picture_width_mm": application.picture_width_mm,
            "managers": write_list(application.managers),
            "users": write_list(application.users),
            "auditors": write_list(application.auditors),
            "is_certificate_outside": application.is_certificate_outside,
            "papers": write_list(application.papers),
            "version": application.version,
            "state_at": write_time(application.applied_at),
        },
    )


def load_application(conn: Connection, application_id: str, *, is_locked: bool = False) -> Application | None:
    """One application; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(applications).where(applications.c.id == application_id)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _application(row)


def has_open_application(conn: Connection, seal_id: str) -> bool:
    """Whether something is being applied for about a seal."""
    return conn.execute(select(applications.c.id).where(_is_open_about(seal_id)).limit(1)).first() is not None


def load_open_application(conn: Connection, seal_id: str) -> Application | None:
    """What is being applied for about a seal, locked; there is at most one."""
    row = conn.execute(select(applications).where(_is_open_about(seal_id)).with_for_update()).mappings().one_or_none()
    return None if row is None else _application(row)


def _is_open_about(seal_id: str) -> ColumnElement[bool]:
    return and_(applications.c.seal_id == seal_id, applications.c.state.in_(sorted(state.value for state in OPEN_APPLICATIONS)))


def update_application(conn: Connection, application_id: str, *, state: ApplicationState, at: datetime, **changes: Any) -> None:
    """Move an application to another state; its version goes up by one. ``changes``: columns by name, times already written."""
    conn.execute(
        update(applications)
        .where(applications.c.id == application_id)
        .values(state=state.value, state_at=write_time(at), version=applications.c.version + 1, **changes)
    )


def list_applications(
    conn: Connection, *, applied_by: str | None, after: str, limit: int, state: ApplicationState | None = None, search: str = ""
) -> list[Application]:
    """Applications (of one applicant, or of all), in the order of their ids, those behind ``after`` only.

    ``search``: a part of the organisation's name, or the beginning of its credit code.
    """
    conditions = [applications.c.id > after]
    if applied_by is not None:
        conditions.append(applications.c.applied_by == applied_by)
    if state is not None:
        conditions.append(applications.c.state == state.value)
    if search:
        conditions.append(
            or_(
                applications.c.organisation.contains(search, autoescape=True),
                applications.c.credit_code.startswith(search, autoescape=True),
            )
        )
    statement = select(applications).where(and_(*conditions)).order_by(applications.c.id).limit(limit)
    return [_application(row) for row in conn.execute(statement).mappings()]


def _paper(row: RowMapping) -> Paper:
    return Paper(row["id"], row["name"], row["digest"], row["size_bytes"], row["handed_in_by"], read_time(row["handed_in_at"]))


def insert_paper(conn: Connection, paper: Paper) -> None:
    """A paper whose content is in the blobs."""
    conn.execute(
        insert(papers),
        {
            "id": paper.id,
            "name": paper.name,
            "digest": paper.digest,
            "size_bytes": paper.size_bytes,
            "handed_in_by": paper.handed_in_by,
            "handed_in_at": write_time(paper.handed_in_at),
        },
    )


def count_papers(conn: Connection, holder: str, *, since: datetime) -> int:
    """How many papers somebody handed in since then."""
    statement = select(func.count()).where(papers.c.handed_in_by == holder, papers.c.handed_in_at >= write_time(since))
    return int(conn.execute(statement).scalar_one())


def list_papers(conn: Connection, paper_ids: Collection[str]) -> list[Paper]:
    """The papers of these ids, those that there are, in the order of their ids."""
    statement = select(papers).where(papers.c.id.in_(list(paper_ids))).order_by(papers.c.id)
    return [_paper(row) for row in conn.execute(statement).mappings()]
