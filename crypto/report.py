"""What a verifier says: steps with a stable code each, one verdict per signature, one for the whole file.

Every verifier of the house runs all its steps, never stops at the first failure, never raises on hostile input and never calls
"unknown" valid. The overall rule is the digest's: any failed step makes it invalid; otherwise any mandatory step that could not be
checked makes it indeterminate; otherwise it is valid, with its warnings listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime


class Outcome(StrEnum):
    """Outcome of one step."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    WARN = "warn"
    NOT_CHECKED = "not-checked"


class Verdict(StrEnum):
    """Verdict on one signature or on a whole file."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


Facts = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One check that was run. ``code`` has a sentence in ``crypto/report_text.py`` into which ``facts`` are filled."""

    code: str
    outcome: Outcome
    clause: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What was found out about one signature; ``None`` where it cannot be known.

    ``signer_certificate_der``: whose key verified it. Whether that certificate is trusted is another question. ``is_shown``: it shows something on
    a page; what that is, its signer alone answers for.
    """

    name: str
    kind: str
    verdict: Verdict
    cryptographically_valid: bool | None
    document_intact: bool | None
    trusted: bool | None
    signer: str | None
    signed_at: datetime | None
    steps: tuple[Step, ...]
    signer_certificate_der: bytes | None = field(default=None, repr=False)
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One plain question about what a file says of the world, with its own verdict: ``number``, ``content``, ``seal``, ``log``, ..."""

    name: str
    verdict: Verdict
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """Which document it is, as its issuer has sealed it; ``valid_to``: the last day, None for no end. No code of a person is among it.

    ``holders``: their names, None where somebody was asked about: who guesses wrong does not learn who it is. ``untold``: names of the members that
    whoever shows it has kept back. They are None, and stand for nothing: an end that is not told is not "no end".
    """

    identifier: str | None
    name: str | None
    number: str | None
    holders: tuple[str, ...] | None
    issuer: str | None
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    untold: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one file. ``tampered`` is True only where a change after signing is shown, None where unknown.

    ``questions``: where the file is more than a sealed document, what was asked besides; their verdicts count in ``verdict``. ``says``: None where
    it is not shown who says so; whether it still holds is for the verdict.
    """

    verdict: Verdict
    tampered: bool | None
    signatures: tuple[SignatureReport, ...]
    steps: tuple[Step, ...] = ()
    questions: tuple[Question, ...] = ()
    says: Said | None = None


def passed(code: str, clause: str, **facts: str | int | float | bool | None) -> Step:
    """A step that passed."""
    return Step(code, Outcome.PASS, clause, facts)


def failed(code: str, clause: str, **facts: str | int | float | bool | None) -> Step:
    """A step that failed."""
    return Step(code, Outcome.FAIL, clause, facts)


def warned(code: str, clause: str, **facts: str | int | float | bool | None) -> Step:
    """A tolerated deviation, named."""
    return Step(code, Outcome.WARN, clause, facts)


def not_checked(code: str, clause: str, **facts: str | int | float | bool | None) -> Step:
    """A mandatory step that could not be decided."""
    return Step(code, Outcome.NOT_CHECKED, clause, facts)


def verdict_of(steps: Iterable[Step]) -> Verdict:
    """The overall rule over steps; no steps at all is indeterminate."""
    outcomes = {step.outcome for step in steps}
    if Outcome.FAIL in outcomes:
        return Verdict.INVALID
    if Outcome.NOT_CHECKED in outcomes or not outcomes:
        return Verdict.INDETERMINATE
    return Verdict.VALID


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several parts together: invalid before indeterminate before valid; no parts is indeterminate."""
    found = set(verdicts)
    for verdict in (Verdict.INVALID, Verdict.INDETERMINATE):
        if verdict in found:
            return verdict
    return Verdict.VALID if found else Verdict.INDETERMINATE
