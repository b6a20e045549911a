"""One act in the life of a seal or an application, on record: audit entry, line of the history and event, in the transaction of the act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.publish_news import tell_of_act
from seal_service.errors import field_unacceptable, paper_unknown, second_person_needed, text_unacceptable
from seal_service.limits import PAPERS_PER_ACT, REASON_CHARACTERS
from seal_service.store.statuses import CHANGES
from service_kit.callers import Person, may_be_one
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

SERVICE: Final = "service:seals"  # as whom the service itself takes a step


BY_ITSELF: Final = Person(SERVICE, SERVICE)


def check_reason(reason: str, *, is_required: bool, field: str = "reason") -> str:
    """The reason without blanks around it; FIELD_UNACCEPTABLE where a later reader could not use it."""
    reason = reason.strip()
    if is_required and not reason:
        raise field_unacceptable(field, "must not be empty")
    if len(reason) > REASON_CHARACTERS:
        raise field_unacceptable(field, f"at most {REASON_CHARACTERS} characters")
    if not is_plain_text(reason):
        raise text_unacceptable(field)
    return reason


def load_papers(conn: Connection, paper_ids: Sequence[str], handed_in_by: str) -> list[tuple[str, str]]:
    """Name and digest of papers that ``handed_in_by`` has handed in. PAPER_UNKNOWN for any other."""
    if len(paper_ids) > PAPERS_PER_ACT:
        raise field_unacceptable("papers", f"at most {PAPERS_PER_ACT} papers")
    found = {paper.id: paper for paper in store.list_papers(conn, paper_ids) if paper.handed_in_by == handed_in_by}
    for paper_id in paper_ids:
        if paper_id not in found:
            raise paper_unknown(paper_id)
    return [(found[paper_id].name, found[paper_id].digest) for paper_id in paper_ids]


def record_act(
    context: ServiceContext,
    conn: Connection,
    person: Person,
    *,
    act: str,
    from_state: str,
    to_state: str,
    at: datetime,
    seal_id: str | None = None,
    application_id: str | None = None,
    reason: str = "",
    outcome: str = "done",
    second_to: str | None = None,
    second_human: str = "",
    papers: Sequence[tuple[str, str]] = (),
    facts: Mapping[str, str | int | bool | None] | None = None,
) -> str:
    """Record it and return the audit entry's id. ``second_to`` and ``second_human``: whom the person must differ from, as holder and as a human;
    SECOND_PERSON_NEEDED where he does not, or nobody can tell.
    """
    if second_to is not None and may_be_one(person, second_to, second_human):
        raise second_person_needed(act)
    noun = "seal" if seal_id is not None else "application"
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=person.actor,
        action=f"{noun}.{act}",
        subject=f"{noun}:{seal_id or application_id}",
        outcome=outcome,
        facts={
            "from": from_state,
            "to": to_state,
            "reason": reason,
            **({"application": application_id} if seal_id is not None and application_id is not None else {}),
            **({"papers": " ".join(digest for _, digest in papers)} if papers else {}),
            **(facts or {}),
        },
    )
    store.insert_act(
        conn,
        seal_id=seal_id,
        application_id=application_id,
        act=act,
        from_state=from_state,
        to_state=to_state,
        holder=person.holder,
        actor=person.actor,
        human=person.human or person.holder,
        second_to=second_to,
        at=at,
        reason=reason,
        papers=papers,
        audit_id=audit_id,
    )
    if seal_id is not None:
        context.database.defer(conn, CHANGES, seal_id)
    if outcome == "done":
        tell_of_act(
            context,
            conn,
            act=act,
            from_state=from_state,
            to_state=to_state,
            at=at,
            seal_id=seal_id,
            application_id=application_id,
            audit_id=audit_id,
            facts=facts or {},
        )
    return audit_id
