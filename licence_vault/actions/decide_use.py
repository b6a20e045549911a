"""Decide on a use of licences in one transaction, and record it there, refusals too: there is no answer without its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from licence_vault.actions.define_type import check_reason
from licence_vault.actions.record_use import record_use
from licence_vault.errors import field_unacceptable
from licence_vault.limits import USE_REASON_CHARACTERS
from licence_vault.uses import DONE, UseAction
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import Officer, UseMode
    from service_kit.callers import Caller

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Attempt:
    """What is known of a use while it is being decided; it becomes the line, or one line for each of ``licences``.

    ``client``: the system that gets what is given. ``rights``: by the id of a licence, where it is not by ``mode`` that each of them is used.
    ``outcome``: of a refusal, where the log is to say more than the caller is told.
    """

    action: UseAction
    caller: Caller
    client: str
    reason: str
    at: datetime
    mode: UseMode | None = None
    officer: Officer | None = None
    type_code: str | None = None
    subjects: Collection[bytes] = ()
    licences: list[LicenceRecord] = field(default_factory=list)
    rights: Mapping[str, UseMode | None] = field(default_factory=dict)
    outcome: str = ""


def decide_use(desk: UseDesk, begin: Callable[[], Attempt], decide: Callable[[Connection, Attempt], Answer]) -> Answer:
    """Run ``decide`` in one transaction with the line of what it decided, and raise its refusal once that is durable.

    ``decide`` fills in the attempt as it learns more, and changes rows only as its very last step: what it raises afterwards would not undo
    them. A refusal that says nothing about the use (UNAVAILABLE) is raised as it is, and nothing is recorded.
    """

    def job(conn: Connection) -> Answer | TrustError:
        attempt = begin()
        try:
            answer = decide(conn, attempt)
        except TrustError as refusal:
            if refusal.kind is Kind.UNAVAILABLE:
                raise
            _record(desk, conn, attempt, UseAction.REFUSED, attempt.outcome or refusal.code)
            return refusal
        _record(desk, conn, attempt, attempt.action, DONE)
        return answer

    decided = desk.context.database.write(job)
    if isinstance(decided, TrustError):
        raise decided
    return decided


def check_purpose(purpose: str) -> str:
    """A purpose or reason of a use, without blanks around it. FIELD_UNACCEPTABLE."""
    purpose = check_reason(purpose, is_required=True)
    if len(purpose) > USE_REASON_CHARACTERS:
        raise field_unacceptable("purpose", f"at most {USE_REASON_CHARACTERS} characters")
    return purpose


def _record(desk: UseDesk, conn: Connection, attempt: Attempt, action: UseAction, outcome: str) -> None:
    lines: list[LicenceRecord | None] = [*attempt.licences] or [None]
    for licence in lines:
        record_use(
            desk.context,
            desk.contents,
            conn,
            licence=licence,
            action=action,
            mode=attempt.mode if licence is None else attempt.rights.get(licence.id, attempt.mode),
            client=attempt.client,
            actor=attempt.caller.actor,
            officer=attempt.officer,
            reason=attempt.reason,
            outcome=outcome,
            at=attempt.at,
            type_code=attempt.type_code,
            subjects=attempt.subjects,
        )
