"""Verdicts by what is known from some moment until another: of now neither a trust bundle that has ended says anything, nor one of a later day.

``whileKnown`` of the offline verifier, which always judges by the clock of its computer, says the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict, not_checked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crypto.report import Question, Report, Step
    from crypto.trust_list import TrustList

CLOCK_BEHIND: Final = timedelta(seconds=300)  # what is known may be dated this much after the clock
_STANDS_BY_ITSELF: Final = "number"  # the question whose answer is in the file alone


def while_known(report: Report, trust: TrustList, at: datetime, *, is_by_clock: bool = False) -> Report:
    """The report as of ``at`` (aware UTC): by a trust list that has ended nothing is valid and nobody is trusted, as by stale revocation data.

    ``is_by_clock``: ``at`` is what the clock of this computer says now, and not a moment that somebody asked about. Then the same goes for a list that
    is dated after it: the clock is behind, and what has ended or was revoked since would pass. What is wrong stays wrong, and whether the document
    was changed is seen in it alone.
    """
    steps = tuple(_doubts(trust, at, is_by_clock=is_by_clock))
    if not steps or not (report.signatures or report.questions):
        return report
    signatures = (
        replace(each, verdict=_lowered(each.verdict), trusted=None if each.trusted else each.trusted) for each in report.signatures
    )
    questions = (_asked_in_vain(each, steps) for each in report.questions)
    return replace(
        report,
        verdict=_lowered(report.verdict),
        signatures=tuple(signatures),
        questions=tuple(questions),
        says=None,
        steps=(*report.steps, *steps),
    )


def _doubts(trust: TrustList, at: datetime, *, is_by_clock: bool) -> Iterator[Step]:
    if trust.ends_at is not None and trust.ends_at < at:
        yield not_checked("TRUST_BUNDLE_EXPIRED", "own rule", expired_at=_written(trust.ends_at))
    if is_by_clock and trust.issued_at is not None and trust.issued_at - at > CLOCK_BEHIND:
        yield not_checked("TRUST_BUNDLE_FROM_FUTURE", "own rule", issued_at=_written(trust.issued_at), at=_written(at))


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _lowered(verdict: Verdict) -> Verdict:
    return Verdict.INDETERMINATE if verdict is Verdict.VALID else verdict


def _asked_in_vain(question: Question, steps: tuple[Step, ...]) -> Question:
    if question.name == _STANDS_BY_ITSELF or question.verdict is not Verdict.VALID:
        return question
    return replace(question, verdict=Verdict.INDETERMINATE, steps=(*question.steps, *steps))
