"""Take a wallet's answer to a question, once, and judge it (OpenID4VP 1.0, 8)."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

from crypto.report_json import write_report
from crypto.sm3 import sm3
from licence_vault.actions.ask_presentation import sealed_place
from licence_vault.credential_errors import presentation_over, presentation_state_wrong, presentation_unknown
from licence_vault.credentials.issuance_messages import read_form
from licence_vault.credentials.presentation_messages import check_answer, read_answer, read_kept_question
from licence_vault.store.presentations import answer_question, find_question

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.presentation_desk import PresentationDesk

DECLINED = "declined"


def take_presentation(desk: PresentationDesk, request_id: str, content_type: str, body: bytes) -> None:
    """Whatever the verdict, it is for who asked; the wallet hears only that its answer arrived.

    CREDENTIAL_REQUEST_MALFORMED, PRESENTATION_UNKNOWN, PRESENTATION_STATE_WRONG: the question goes on waiting. PRESENTATION_OVER.
    """
    # 1. An answer to a question that waits
    answer = read_answer(read_form(content_type, body))
    at = desk.clock.now()
    with desk.database.read() as connection:
        asked = find_question(connection, request_id)
    if asked is None:
        raise presentation_unknown()
    if not hmac.compare_digest(sm3(answer.state.encode("utf-8", "surrogatepass")), asked.state_digest):
        raise presentation_state_wrong()
    if asked.answered_at is not None or asked.expires_at <= at:
        raise presentation_over()
    # 2. What it is worth
    verdict, sealed = DECLINED, None
    facts: dict[str, str | int | bool | None] = {"error": answer.error}
    if answer.presentation is not None:
        checked = check_answer(
            answer.presentation,
            read_kept_question(asked.question_json),
            base_url=desk.base_url,
            request_id=request_id,
            nonce=asked.nonce,
            issuers=desk.issuers(),
            at=at,
            status_of=desk.status_of,
        )
        verdict = checked.report.verdict.value
        result = {
            "report": {language: write_report("", checked.report, language) for language in ("en", "zh")},
            "claims": checked.claims,
            "holder": checked.holder,
        }
        sealed = desk.sealer.seal(json.dumps(result).encode(), sealed_place(request_id))
        facts = {"type": checked.vct, "holder": checked.holder}
    facts = {**facts, "verdict": verdict, "purpose": asked.purpose}

    # 3. On record, for exactly one answer
    def store(connection: Connection) -> bool:
        if not answer_question(connection, request_id, at, verdict, sealed):
            return False
        subject = f"presentation:{request_id}"
        desk.audit.record(connection, at=at, actor="wallet", action="presentation.answer", subject=subject, outcome="done", facts=facts)
        return True

    if not desk.database.write(store):
        raise presentation_over()
