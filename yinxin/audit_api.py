"""Reading the audit trail over HTTP: entries, and for each the proof that it stands in the signed log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from service_kit.audit import find_entries, find_entry
from service_kit.composition import needs, public
from service_kit.row_values import POSITION_MAX

if TYPE_CHECKING:
    from service_kit.audit import AuditEntry
    from service_kit.database import Database
    from service_kit.transparency_log import TransparencyLog

AUDIT_READ: Final = "audit.read"
SCOPES: Final = {AUDIT_READ: "Read the audit trail and obtain proofs from its log."}
PAGE_ENTRIES_MAX: Final = 500
_TAGS: Final[list[Any]] = ["audit"]


class AuditEntryView(BaseModel):
    """An entry as it was recorded. ``log_index``: its place in the log, null for less than a second."""

    id: str
    at: str = Field(description="UTC, RFC 3339, microseconds")
    actor: str
    action: str
    subject: str
    outcome: str
    facts: dict[str, str | int | bool | None]
    writer: str = Field(description="The run of a process that recorded it.")
    number: int = Field(description="Its running number: no gap is without a reason.")
    log_index: int | None


class AuditPage(BaseModel):
    """Entries, newest first. ``next``: the value of ``before`` for the following page, null on the last."""

    entries: list[AuditEntryView]
    next: str | None


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


def make_router(database: Database, log: TransparencyLog) -> APIRouter:
    """The routes, for the composition to mount."""
    router = APIRouter(tags=_TAGS)

    @router.get("/v1/audit/entries", summary="Read the audit trail, newest first", response_model=AuditPage)
    @needs(AUDIT_READ)
    def list_audit_entries(
        subject: Annotated[str | None, Query(max_length=255, description="Such as client:portal-1 or seal:...")] = None,
        before: Annotated[str | None, Query(max_length=36)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_ENTRIES_MAX)] = 100,
    ) -> dict[str, Any]:
        with database.read() as connection:
            found = find_entries(connection, subject=subject, before=before, limit=limit + 1)
        page = found[:limit]
        return {"entries": [_view(entry) for entry in page], "next": page[-1].entry_id if len(found) > limit else None}

    @router.get("/v1/audit/entries/{entry_id}", summary="Read one entry", response_model=AuditEntryView)
    @needs(AUDIT_READ)
    def read_audit_entry(entry_id: str) -> dict[str, Any]:
        with database.read() as connection:
            return _view(find_entry(connection, entry_id))

    @router.get("/v1/audit/entries/{entry_id}/receipt", summary="Prove that an entry stands in the log", response_model=ReceiptView)
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

    @router.get("/v1/audit/consistency", summary="Prove that a later log extends an earlier one")
    @public("witnesses ask; hashes say nothing of the entries")
    def read_audit_consistency(
        older: Annotated[int, Query(ge=1, le=POSITION_MAX)], newer: Annotated[int, Query(ge=1, le=POSITION_MAX)]
    ) -> dict[str, Any]:
        return {"older": older, "newer": newer, "proof": [each.hex() for each in log.consistency_proof(older, newer)]}

    return router
