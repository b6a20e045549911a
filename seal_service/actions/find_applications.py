"""Read applications and papers: the applicant his own, makers and reviewers all. Hand in a paper."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.errors import application_not_found, field_unacceptable, paper_not_found, papers_too_many, text_unacceptable
from seal_service.limits import FILE_NAME_CHARACTERS, PAPERS_PER_DAY
from seal_service.model import SCOPE_MAKE, SCOPE_REVIEW, Paper, new_paper_id
from service_kit.idempotency import ClaimState, digest_of_request
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import Act, Application, ApplicationState
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

PAPER_ROUTE: Final = "POST /v1/seal-papers"


def sees_all_applications(caller: Caller) -> bool:
    """Whether the caller works on the applications of others."""
    return bool(caller.scopes & {SCOPE_MAKE, SCOPE_REVIEW})


def list_applications(
    context: ServiceContext, caller: Caller, *, after: str, limit: int, state: ApplicationState | None = None, search: str = ""
) -> list[Application]:
    """At most ``limit`` applications behind the id ``after``, in the order of their ids."""
    applied_by = None if sees_all_applications(caller) else caller.holder
    with context.database.read() as conn:
        return store.list_applications(conn, applied_by=applied_by, after=after, limit=limit, state=state, search=search)


def find_application(context: ServiceContext, caller: Caller, application_id: str) -> tuple[Application, list[Paper]]:
    """One application with its papers. Raises APPLICATION_NOT_FOUND."""
    with context.database.read() as conn:
        application = _known(conn, caller, application_id)
        return application, store.list_papers(conn, application.papers)


def list_application_timeline(context: ServiceContext, caller: Caller, application_id: str, *, after: int, limit: int) -> list[Act]:
    """What happened to an application, the oldest first, behind the position ``after``."""
    with context.database.read() as conn:
        _known(conn, caller, application_id)
        return store.list_acts_of_application(conn, application_id, after=after, limit=limit)


def hand_in_paper(context: ServiceContext, caller: Caller, name: str, content: bytes, *, idempotency_key: str | None = None) -> Paper:
    """Keep a paper: its content first, then the record of it. Raises FIELD_UNACCEPTABLE, PAPERS_TOO_MANY, BLOB_*, IDEMPOTENCY_*."""
    name = name.strip()
    if not 1 <= len(name) <= FILE_NAME_CHARACTERS:
        raise field_unacceptable("name", f"1 to {FILE_NAME_CHARACTERS} characters")
    if not is_plain_text(name):
        raise text_unacceptable("name")
    if idempotency_key is None:  # else it may have been handed in already, which the claim knows
        with context.database.read() as conn:
            _check_papers(conn, caller, context.clock.now())
    digest = context.blobs.put(content)

    def record(conn: Connection) -> Paper:
        at = context.clock.now()
        paper = Paper(new_paper_id(), name, digest, len(content), caller.holder, at)
        claim = None
        if idempotency_key is not None:
            claim = context.idempotency.claim(
                conn,
                caller=caller.claimant,
                route=PAPER_ROUTE,
                key=idempotency_key,
                request_digest=digest_of_request(name.encode(), bytes.fromhex(digest)),
                reference=paper.id,
                at=at,
            )
            if claim.state is ClaimState.DONE:
                return store.list_papers(conn, [str(claim.reference)])[0]
        _check_papers(conn, caller, at)
        store.insert_paper(conn, paper)
        context.audit.record(
            conn,
            at=at,
            actor=caller.actor,
            action="paper.hand-in",
            subject=f"paper:{paper.id}",
            outcome="done",
            facts={"digest": digest, "bytes": len(content)},
        )
        if claim is not None:
            context.idempotency.finish(conn, claim, status=201)
        return paper

    return context.database.write(record)


def _check_papers(conn: Connection, caller: Caller, at: datetime) -> None:
    if store.count_papers(conn, caller.holder, since=at - timedelta(days=1)) >= PAPERS_PER_DAY:
        raise papers_too_many(PAPERS_PER_DAY)


def load_paper(context: ServiceContext, caller: Caller, paper_id: str) -> tuple[Paper, bytes]:
    """A paper and its content: for who handed it in, for makers and reviewers. Raises PAPER_NOT_FOUND."""
    with context.database.read() as conn:
        found = store.list_papers(conn, [paper_id])
    if not found or (found[0].handed_in_by != caller.holder and not sees_all_applications(caller)):
        raise paper_not_found(paper_id)
    return found[0], context.blobs.get(found[0].digest)


def _known(conn: Connection, caller: Caller, application_id: str) -> Application:
    application = store.load_application(conn, application_id)
    if application is None or (application.applied_by != caller.holder and not sees_all_applications(caller)):
        raise application_not_found(application_id)
    return application
