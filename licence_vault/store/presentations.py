"""Rows of what verifiers asked wallets to show. Answered once, by a conditional update; nothing here commits, nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from licence_vault.credential_tables import presentations
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as it stands. ``verdict`` None: it waits. ``result_sealed``: report and claims of an answer."""

    request_id: str
    asked_by: str
    actor: str
    purpose: str
    question_json: str
    nonce: str
    state_digest: bytes
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None
    verdict: str | None = None
    result_sealed: bytes | None = None


def insert_question(connection: Connection, asked: AskedQuestion) -> None:
    """Store a new question."""
    connection.execute(
        insert(presentations),
        {
            "id": asked.request_id,
            "asked_by": asked.asked_by,
            "actor": asked.actor,
            "purpose": asked.purpose,
            "question_json": asked.question_json,
            "nonce": asked.nonce,
            "state_digest": asked.state_digest,
            "asked_at": write_time(asked.asked_at),
            "expires_at": write_time(asked.expires_at),
        },
    )


def find_question(connection: Connection, request_id: str) -> AskedQuestion | None:
    """A question by its id, in whatever state."""
    row = connection.execute(select(presentations).where(presentations.c.id == request_id)).mappings().first()
    if row is None:
        return None
    answered, sealed = row["answered_at"], row["result_sealed"]
    return AskedQuestion(
        request_id=row["id"],
        asked_by=row["asked_by"],
        actor=row["actor"],
        purpose=row["purpose"],
        question_json=row["question_json"],
        nonce=row["nonce"],
        state_digest=bytes(row["state_digest"]),
        asked_at=read_time(row["asked_at"]),
        expires_at=read_time(row["expires_at"]),
        answered_at=None if answered is None else read_time(answered),
        verdict=row["verdict"],
        result_sealed=None if sealed is None else bytes(sealed),
    )


def answer_question(connection: Connection, request_id: str, at: datetime, verdict: str, result_sealed: bytes | None) -> bool:
    """Record the answer; True for exactly one of all that come, while the question's time is not over."""
    waiting = update(presentations).where(
        presentations.c.id == request_id, presentations.c.answered_at.is_(None), presentations.c.expires_at > write_time(at)
    )
    values = {"answered_at": write_time(at), "verdict": verdict, "result_sealed": result_sealed}
    return connection.execute(waiting.values(values)).rowcount == 1


def sweep_questions(connection: Connection, before: datetime) -> int:
    """Remove questions, with what was answered, that expired before a time; how many they were."""
    return connection.execute(delete(presentations).where(presentations.c.expires_at < write_time(before))).rowcount
