"""What the published status says about a seal at the time it was used. Unknown is never good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.report import Outcome, Step, failed, not_checked, passed, warned
from seal_service.seal_data.status_list import CLAUSE, SealStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from seal_service.seal_data.status_list import OpenedStatusList, SealHistory
    from standards.gbt38540_seal.values import SealData


def check_status(
    seal: SealData, lists: Sequence[OpenedStatusList], used_at: datetime, *, is_proven: bool, is_alone: bool, strict: bool
) -> tuple[Step, ...]:
    """The steps on the status at ``used_at``, which ``is_proven`` says a time-stamp shows. ``is_alone``: the seal was not used.

    Without any list the status was not asked for: a warning, and by the letter an unknown status.
    """
    if not lists:
        if strict:
            return (not_checked("SEAL_STATUS_UNKNOWN", CLAUSE, reason="no-status-list"),)
        return (warned("SEAL_STATUS_NOT_ASKED", CLAUSE),)
    held = [opened.content for opened in lists if opened.content is not None]
    naming = [(content, history) for content in held if (history := content.history_of(seal)) is not None]
    if not naming:
        return (not_checked("SEAL_STATUS_UNKNOWN", CLAUSE, reason=_why_unknown(lists)),)
    steps = [_step(history, used_at, is_proven=is_proven, is_alone=is_alone, strict=strict) for _, history in naming]
    newest = max(content.issued_at for content, _ in naming)
    if any(each.ended is not None and each.ended.issued_at > newest and each.ended.history_of(seal) is not None for each in lists):
        # What its publisher said last is over, and these are older
        steps.append(not_checked("SEAL_STATUS_UNKNOWN", CLAUSE, reason=_why_unknown(lists)))
    return tuple(steps)


def _why_unknown(lists: Sequence[OpenedStatusList]) -> str:
    for opened in lists:
        if opened.content is None:
            cause = next((step for step in opened.steps if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED}), None)
            return f"status-list: {cause.code if cause else 'not usable'}"
    return "not-listed"


def _step(history: SealHistory, used_at: datetime, *, is_proven: bool, is_alone: bool, strict: bool) -> Step:
    then, now = history.at(used_at), history.records[-1]
    if then is None:
        return not_checked("SEAL_STATUS_UNKNOWN", CLAUSE, reason="not-listed-at-that-time")
    facts = {"status": then.status.name.lower(), "since": then.since.isoformat(), "cause": then.reason}
    if then.status is SealStatus.EXPIRED:
        if is_alone and not strict:
            return warned("SEAL_EXPIRED_NOW", CLAUSE, **facts)
        return failed("SEAL_EXPIRED_NOW" if is_alone else "SEAL_EXPIRED_AT_SIGNING", CLAUSE, **facts)
    if then.status is not SealStatus.VALID:
        return failed("SEAL_REVOKED", CLAUSE, **facts)
    facts = {"status": now.status.name.lower(), "since": now.since.isoformat(), "cause": now.reason}
    if now.status is SealStatus.VALID:
        return passed("SEAL_STATUS_OK", CLAUSE, **facts)
    if now.status is SealStatus.EXPIRED:
        return (failed if strict else warned)("SEAL_EXPIRED_NOW", CLAUSE, **facts)
    if strict:
        return failed("SEAL_REVOKED", CLAUSE, **facts)
    # Whoever holds the key of a cancelled seal can claim any earlier time, so only a proven time carries a document past it
    return (warned if is_proven else not_checked)("SEAL_REVOKED_AFTER", CLAUSE, **facts)
