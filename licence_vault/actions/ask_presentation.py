"""Ask a wallet to show a licence: one question, one nonce, one answer (OpenID4VP 1.0, 5)."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3
from licence_vault.credential_errors import presentation_question_unfit, presentation_unknown
from licence_vault.credentials.presentation_messages import write_question, write_request, write_request_uri
from licence_vault.store.presentations import AskedQuestion, find_question, insert_question, sweep_questions
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.presentation_desk import PresentationDesk
    from licence_vault.credentials.presentation_messages import LicenceQuestion

ANSWER_SECONDS: Final = 300
KEPT_SECONDS: Final = 3600  # how long who asked may fetch what was shown; then it is gone
PURPOSE_CHARACTERS: Final = 200
_RANDOM_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class MadeRequest:
    """``request``: the authorization request; ``request_uri``: the same for a link or a printed code."""

    request_id: str
    request: dict[str, Any]
    request_uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """``state``: ``waiting``, ``answered``, ``declined`` or ``expired``. ``result``: report by language and claims, where answered."""

    state: str
    verdict: str | None
    expires_at: datetime
    answered_at: datetime | None
    result: dict[str, Any] | None


def sealed_place(request_id: str) -> str:
    """Where a result belongs, so that it opens nowhere else."""
    return f"licence_presentations.result:{request_id}"


def ask_presentation(desk: PresentationDesk, question: LicenceQuestion, *, purpose: str, holder: str, actor: str) -> MadeRequest:
    """``purpose``: what for, for the audit trail. ``holder``: the caller as rights are kept. PRESENTATION_QUESTION_UNFIT."""
    if not 0 < len(purpose) <= PURPOSE_CHARACTERS or not is_plain_text(purpose):
        raise presentation_question_unfit("purpose")
    at = desk.clock.now()
    # 128 bits and more each: the id is in the address of the answer, the state is known to wallet and verifier, the nonce is signed
    request_id, nonce, state = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
    asked = AskedQuestion(
        request_id=request_id,
        asked_by=holder,
        actor=actor,
        purpose=purpose,
        question_json=write_question(question),
        nonce=nonce,
        state_digest=sm3(state.encode()),
        asked_at=at,
        expires_at=at + timedelta(seconds=ANSWER_SECONDS),
    )

    def store(connection: Connection) -> None:
        insert_question(connection, asked)
        facts: dict[str, str | int | bool | None] = {
            "types": " ".join(question.type_codes),
            "claims": json.dumps(question.paths, separators=(",", ":")),
            "purpose": purpose,
        }
        subject = f"presentation:{request_id}"
        desk.audit.record(connection, at=at, actor=actor, action="presentation.ask", subject=subject, outcome="done", facts=facts)

    desk.database.write(store)
    request = write_request(question, base_url=desk.base_url, request_id=request_id, nonce=nonce, state=state)
    return MadeRequest(request_id, request, write_request_uri(request), asked.expires_at)


def find_answer(desk: PresentationDesk, request_id: str, *, holder: str) -> FoundAnswer:
    """What became of a question of one's own. PRESENTATION_UNKNOWN, also for another's, and once KEPT_SECONDS are over."""
    at = desk.clock.now()
    with desk.database.read() as connection:
        asked = find_question(connection, request_id)
    if asked is None or asked.asked_by != holder or asked.expires_at < _kept_since(at):
        raise presentation_unknown()
    state = "answered"
    if asked.verdict is None:
        state = "waiting" if at < asked.expires_at else "expired"
    elif asked.verdict == "declined":
        state = "declined"
    result = None if asked.result_sealed is None else json.loads(desk.sealer.open(asked.result_sealed, sealed_place(request_id)))
    # The column is for counting; what is believed stands under the seal, which nobody writes with SQL
    verdict = None if result is None else result["report"]["en"]["verdict"]
    return FoundAnswer(state, verdict, asked.expires_at, asked.answered_at, result)


def sweep_presentations(desk: PresentationDesk) -> int:
    """Remove what was shown, once its time is over; how many it were."""
    before = _kept_since(desk.clock.now())
    return desk.database.write(lambda connection: sweep_questions(connection, before))


def _kept_since(at: datetime) -> datetime:
    """What expired before is over at ``at`` (aware UTC), whether or not the sweeper has come by."""
    return at - timedelta(seconds=KEPT_SECONDS)
