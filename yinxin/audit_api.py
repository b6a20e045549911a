"""Reading the audit trail over HTTP: entries, and for each the proof that it stands in the signed log."""

from __future__ import annotations

import threading
from datetime import datetime  # noqa: TC003 - the framework reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from service_kit.audit import find_entry
from service_kit.audit_search import AuditSearch, export_entries, search_entries
from service_kit.composition import caller_of, needs, public
from service_kit.problems import problem_answers
from service_kit.request_shapes import Moment  # noqa: TC001 - pydantic reads the annotations at run time
from service_kit.row_values import POSITION_MAX
from service_kit.written_times import WrittenUtc  # noqa: TC001 - pydantic reads the annotations at run time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from service_kit.audit import AuditEntry
    from service_kit.composition import ServiceContext
    from service_kit.log_check import CheckReport

AUDIT_READ: Final = "audit.read"
SCOPES: Final = {AUDIT_READ: "Read the audit trail and obtain proofs from its log."}
PAGE_ENTRIES_MAX: Final = 500
CHECK_RETRY_SECONDS: Final = 30
_TAGS: Final[list[Any]] = ["audit"]


class AuditEntryView(BaseModel):
    """An entry as it was recorded. ``log_index``: its place in the log, null for less than a second."""

    id: str
    at: WrittenUtc = Field(description="UTC, RFC 3339, microseconds")
    actor: str
    action: str
    subject: str
    outcome: str
    facts: dict[str, str | int | bool | None]
    writer: str = Field(description="The run of a process that recorded it.")
    number: int = Field(description="Its running number: no gap is without a reason.")
    log_index: int | None


class AuditPage(BaseModel):
    """Entries, newest first. ``next_before``: the value of ``before`` for the following page, null on the last."""

    entries: list[AuditEntryView]
    next_before: str | None


class CheckFinding(BaseModel):
    """One thing that is wrong. ``where``: ``trail`` (the rows), ``log`` (tiles, checkpoints, anchors), ``licences`` (the same of the licence log), ``leaves``
    (what that log says) or ``documents``; the facts name the row or file.
    """

    where: str
    code: str
    facts: dict[str, str | int | bool | None]


class CheckAnswer(BaseModel):
    """What was looked at, and what was found. No finding: nothing is wrong that these checks can see."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ok": True,
                    "at": "2026-11-28T09:00:00Z",
                    "entries": 1204,
                    "logged": 1204,
                    "documents": 310,
                    "documents_lost": 0,
                    "findings": [],
                    "further": 0,
                }
            ]
        }
    )

    ok: bool
    at: datetime
    entries: Annotated[int, Field(description="Rows of the trail.")]
    logged: Annotated[int, Field(description="Entries of the signed log.")]
    documents: Annotated[int, Field(description="Documents that rows name. Each was looked for; none was read.")]
    documents_lost: Annotated[int, Field(description="Those of them that are gone, and on record as lost for good: no finding.")]
    findings: list[CheckFinding]
    further: Annotated[int, Field(description="Findings beyond the limit of each part, which are counted and not named.")]


class ReceiptView(BaseModel):
    """All a stranger needs to check an entry: its bytes (the leaf), index, inclusion proof (C2SP tlog-proof) and signed checkpoint."""

    id: str
    entry: str = Field(description="The entry's bytes, UTF-8 JSON: the leaf of the tree.")
    log_index: int
    proof: list[str] = Field(description="Hashes in hexadecimal, from the leaf upwards (RFC 6962 2.1.1).")
    checkpoint: str = Field(description="Signed note (C2SP tlog-checkpoint).")
    receipt: str = Field(description="Index, proof and checkpoint in one text (C2SP tlog-proof).")
    verifier_keys: list[str] = Field(description="The log's keys, to be compared with those obtained elsewhere.")


def _view(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.entry_id,
        "at": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "outcome": entry.outcome,
        "facts": dict(entry.facts),
        "writer": entry.writer_id,
        "number": entry.number,
        "log_index": entry.log_index,
    }


def _search(
    subject: Annotated[str | None, Query(max_length=255, description="Such as client:portal-1 or seal:...")] = None,
    actor: Annotated[str | None, Query(max_length=255, description="Who did it, such as client:portal-1")] = None,
    action: Annotated[str | None, Query(max_length=100, description="What was done; with a dot at its end all that begins so.")] = None,
    since: Annotated[Moment | None, Query(description="Included; RFC 3339.")] = None,
    until: Annotated[Moment | None, Query(description="Excluded; RFC 3339.")] = None,
) -> AuditSearch:
    return AuditSearch(subject or None, actor or None, action or None, since, until)


Search = Annotated[AuditSearch, Depends(_search)]


def make_router(context: ServiceContext, check: Callable[..., Mapping[str, CheckReport]]) -> APIRouter:
    """The routes, for the composition to mount. ``check``: all that can be checked (``record_check``), for an ``actor``."""
    router = APIRouter(tags=_TAGS)
    database, log = context.database, context.log
    checking = threading.Lock()

    @router.get(
        "/v1/audit/entries",
        summary="Read and search the audit trail, newest first",
        response_model=AuditPage,
        responses=problem_answers(404),
    )
    @needs(AUDIT_READ)
    def list_audit_entries(
        search: Search,
        before: Annotated[str | None, Query(max_length=36, description="The `next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_ENTRIES_MAX)] = 100,
    ) -> dict[str, Any]:
        with database.read() as connection:
            found = search_entries(connection, search, before=before, limit=limit)
        return {"entries": [_view(entry) for entry in found.entries], "next_before": found.next_before}

    @router.get(
        "/v1/audit/entries.csv",
        name="export_audit_entries",
        summary="What a search finds, as CSV",
        response_class=StreamingResponse,
        responses={
            200: {"description": "UTF-8, RFC 4180.", "content": {"text/csv": {"schema": {"type": "string"}, "example": "id,at,actor\r\n"}}},
            **problem_answers(401, 403, 422),
        },
    )
    @needs(AUDIT_READ)
    def export_trail(request: Request, search: Search) -> StreamingResponse:
        caller = caller_of(request)
        asked = {name: getattr(search, name) for name in ("subject", "actor", "action")}
        facts = {name: value for name, value in asked.items() if value is not None}

        def record(connection: Connection) -> None:
            at = context.clock.now()
            context.audit.record(connection, at=at, actor=caller.actor, action="audit.export", subject="audit", outcome="done", facts=facts)

        database.write(record)
        headers = {"content-disposition": 'attachment; filename="audit.csv"', "cache-control": "no-store"}
        return StreamingResponse(export_entries(database, search), media_type="text/csv; charset=utf-8", headers=headers)

    @router.post(
        "/v1/audit/checks",
        name="check_audit_trail",
        summary="Check every row of the trail, every entry of the logs, and whether every document is there, now",
        description="Reads every row, changes nothing but for the entry that says it was done, and one for each document that was on record as lost and is there again. One check at a time. As `yinxin audit check`, whose option "
        "`--documents` reads the documents too.",
        response_model=CheckAnswer,
        responses=problem_answers(401, 403, 429, 503),
    )
    @needs(AUDIT_READ)
    def check_trail(request: Request, response: Response) -> CheckAnswer:
        if not checking.acquire(blocking=False):
            raise TrustError(Kind.TOO_MANY, "TOO_BUSY", retry_after_seconds=CHECK_RETRY_SECONDS)
        try:
            at = context.clock.now()
            parts = check(actor=caller_of(request).actor)
        finally:
            checking.release()
        findings, further = _findings(parts), sum(part.further for part in parts.values())
        documents = parts["documents"]
        counts = {"entries": parts["trail"].entries, "logged": parts["log"].entries}
        counts |= {"documents": documents.entries, "documents_lost": documents.lost}
        caller = caller_of(request)

        def record(connection: Connection) -> None:
            facts = {**counts, "findings": len(findings) + further}
            outcome = "failed" if findings else "done"
            context.audit.record(connection, at=at, actor=caller.actor, action="audit.check", subject="audit", outcome=outcome, facts=facts)

        database.write(record)
        response.headers["cache-control"] = "no-store"
        return CheckAnswer(ok=not findings, at=at, **counts, findings=findings, further=further)

    @router.get("/v1/audit/entries/{entry_id}", summary="Read one entry", response_model=AuditEntryView, responses=problem_answers(404))
    @needs(AUDIT_READ)
    def read_audit_entry(entry_id: str) -> dict[str, Any]:
        with database.read() as connection:
            return _view(find_entry(connection, entry_id))

    @router.get(
        "/v1/audit/entries/{entry_id}/receipt",
        summary="Prove that an entry stands in the log",
        response_model=ReceiptView,
        responses=problem_answers(404, 409),
    )
    @needs(AUDIT_READ)
    def read_audit_receipt(entry_id: str) -> dict[str, Any]:
        receipt = log.receipt(entry_id)
        return {
            "id": entry_id,
            "entry": receipt.entry.decode(),
            "log_index": receipt.index,
            "proof": [each.hex() for each in receipt.proof],
            "checkpoint": receipt.checkpoint.decode(),
            "receipt": receipt.to_text().decode(),
            "verifier_keys": [key.to_text() for key in log.tree_named(None).identity.keys],
        }

    @router.get(
        "/v1/audit/checkpoint",
        summary="The newest signed checkpoint",
        response_class=Response,
        responses={200: {"description": "Signed note.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    @public("witnesses and auditors compare it; it says how many entries there are and nothing of them")
    def read_audit_checkpoint() -> Response:
        checkpoint = log.head().checkpoints.get(log.tree_named(None).name, b"")
        return Response(checkpoint, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"})

    @router.get("/v1/audit/consistency", summary="Prove that a later log extends an earlier one", responses=problem_answers(404))
    @public("witnesses ask; hashes say nothing of the entries")
    def read_audit_consistency(
        older: Annotated[int, Query(ge=1, le=POSITION_MAX)], newer: Annotated[int, Query(ge=1, le=POSITION_MAX)]
    ) -> dict[str, Any]:
        return {"older": older, "newer": newer, "proof": [each.hex() for each in log.consistency_proof(older, newer)]}

    return router


def _findings(parts: Mapping[str, CheckReport]) -> list[CheckFinding]:
    return [CheckFinding(where=where, code=each.code, facts=each.facts) for where, part in parts.items() for each in part.findings]
