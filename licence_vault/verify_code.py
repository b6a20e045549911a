"""Verify the code on a licence: code, number, status, each a question of its own. With paper in hand and no network, this is all there is.

Pure, as every verifier of the house: text, trust list and time in, report out; nothing is raised on hostile input. What the code says is only
given where it is signed by a key that may sign for it; whoever reads it compares it with the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.report import Question, Report, Said, Step, failed, not_checked, passed, verdict_of, warned
from licence_vault.faces.limits import QR_HOLDERS
from licence_vault.faces.qr import read_qr
from licence_vault.status.at_hand import ask_lists_at_hand
from licence_vault.validity import check_days, check_issue_date
from standards.errors import TrustError
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.trust_list import TrustList
    from licence_vault.faces.qr import QrClaims

CODE_CLAUSE: Final = "RFC 9052 4.2"
NUMBER_CLAUSE: Final = "GB/T 36904-2018"


@dataclass(frozen=True, slots=True)
class VerifiedCode:
    """The report, and what the code says; ``claims`` is None where nobody who is known has signed it."""

    report: Report
    claims: QrClaims | None


def verify_code(text: str, trust: TrustList, at: datetime) -> VerifiedCode:
    """The verdict on the text of a scanned code at ``at`` (aware UTC).

    ``trust`` names who signs status lists, and so codes, and carries the lists that are at hand: without one of the last day nothing is known
    of revocation, and the code is not valid.
    """
    try:
        claims = read_qr(text, trust.status_issuers)
    except TrustError as error:
        if error.code == "COSE_KEY_UNKNOWN":
            is_withdrawn = _is_under_withdrawn_key(text, trust)
            step = not_checked("LICENCE_QR_KEY_WITHDRAWN" if is_withdrawn else "LICENCE_QR_KEY_UNKNOWN", CODE_CLAUSE)
        else:
            step = failed("LICENCE_QR_NOT_GENUINE", CODE_CLAUSE, reason=str(error.facts.get("reason")))
        return VerifiedCode(_report([("code", (step,))]), None)
    status = (check_days(claims.valid_from, claims.valid_to, at), *ask_lists_at_hand(claims.status_list, claims.status_index, trust, at))
    # Names that stand on the face behind these are not in the code: it is no word for them
    first = (warned("LICENCE_QR_HOLDERS_FIRST", CODE_CLAUSE, limit=QR_HOLDERS),) if len(claims.holders) >= QR_HOLDERS else ()
    questions = [
        ("code", (passed("LICENCE_QR_GENUINE", CODE_CLAUSE), *first, *check_issue_date(claims.issued_on, at))),
        ("number", (_check_number(claims.identifier),)),
        ("status", status),
    ]
    return VerifiedCode(_report(questions), claims)


def said_in(claims: QrClaims) -> Said:
    """Which licence a code names, as of a licence file."""
    return Said(
        identifier=claims.identifier,
        name=claims.name,
        number=claims.number,
        holders=claims.holders,
        issuer=claims.issuer,
        issued_on=claims.issued_on,
        valid_from=claims.valid_from,
        valid_to=claims.valid_to,
    )


def _is_under_withdrawn_key(text: str, trust: TrustList) -> bool:
    """Whether a key signed the code that would count, had it not been withdrawn. When it did so nobody can tell: the code itself says no such time."""
    try:
        read_qr(text, [issuer.withdrawn() for issuer in trust.status_issuers])
    except TrustError:
        return False
    return True


def _report(found: list[tuple[str, tuple[Step, ...]]]) -> Report:
    questions = tuple(Question(name, verdict_of(steps), steps) for name, steps in found)
    return Report(verdict_of(step for _, steps in found for step in steps), None, (), (), questions)


def _check_number(identifier: str) -> Step:
    found = examine_licence_number(identifier)
    if found.verdict is NumberVerdict.VALID:
        return passed("LICENCE_NUMBER_VALID", NUMBER_CLAUSE)
    return failed("LICENCE_NUMBER_INVALID", NUMBER_CLAUSE, rule=found.malformed or found.verdict.value)
