"""Verdicts by what is known until some moment: a trust bundle ends, and what it says then is nothing of now.

The same as ``whileKnown`` of the offline verifier.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict, not_checked

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Question, Report, Step
    from crypto.trust_list import TrustList

_STANDS_BY_ITSELF: Final = "number"  # the question whose answer is in the file alone


def while_known(report: Report, trust: TrustList, at: datetime) -> Report:
    """The report as of ``at`` (aware UTC): by a trust list that has ended nothing is valid and nobody is trusted, as by stale revocation data.

    What is wrong stays wrong, and whether the document was changed is seen in it alone.
    """
    if trust.ends_at is None or at <= trust.ends_at or not (report.signatures or report.questions):
        return report
    step = not_checked("TRUST_BUNDLE_EXPIRED", "own rule", expired_at=trust.ends_at.isoformat(timespec="seconds"))
    signatures = (
        replace(each, verdict=_lowered(each.verdict), trusted=None if each.trusted else each.trusted) for each in report.signatures
    )
    questions = (_asked_too_late(each, step) for each in report.questions)
    return replace(
        report,
        verdict=_lowered(report.verdict),
        signatures=tuple(signatures),
        questions=tuple(questions),
        says=None,
        steps=(*report.steps, step),
    )


def _lowered(verdict: Verdict) -> Verdict:
    return Verdict.INDETERMINATE if verdict is Verdict.VALID else verdict


def _asked_too_late(question: Question, step: Step) -> Question:
    if question.name == _STANDS_BY_ITSELF or question.verdict is not Verdict.VALID:
        return question
    return replace(question, verdict=Verdict.INDETERMINATE, steps=(*question.steps, step))
