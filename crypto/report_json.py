"""The JSON shape of a verification report: the same for the command line and for ``POST /v1/verifications``.

The shape is a promise to scripts. A new fact goes into ``steps``; no member is renamed or taken away.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from crypto.report_text import sentence

if TYPE_CHECKING:
    from datetime import date, datetime

    from crypto.report import Report, Said, SignatureReport, Step


def write_time(at: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with seconds, ``None`` as it is."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_step(step: Step, language: str) -> dict[str, Any]:
    """One step; ``detail`` is its sentence in ``language`` (``en`` or ``zh``)."""
    return {"code": step.code, "outcome": step.outcome.value, "clause": step.clause, "detail": sentence(step, language)}


def write_signature(signature: SignatureReport, language: str) -> dict[str, Any]:
    """One signature with its steps."""
    return {
        "name": signature.name,
        "kind": signature.kind,
        "verdict": signature.verdict.value,
        "cryptographically_valid": signature.cryptographically_valid,
        "document_intact": signature.document_intact,
        "trusted": signature.trusted,
        "signer": signature.signer,
        "signed_at": write_time(signature.signed_at),
        "steps": [write_step(step, language) for step in signature.steps],
    }


def write_said(said: Said) -> dict[str, Any]:
    """What a document, a credential or a code says; days as YYYY-MM-DD, an end that does not come and holders that nobody is to learn are ``None``.

    What was kept back is left out.
    """
    told = {
        "identifier": said.identifier,
        "name": said.name,
        "number": said.number,
        "holders": None if said.holders is None else list(said.holders),
        "issuer": said.issuer,
        "issued_on": _day(said.issued_on),
        "valid_from": _day(said.valid_from),
        "valid_to": _day(said.valid_to),
    }
    return {name: value for name, value in told.items() if name not in said.untold}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def write_report(file: str, report: Report, language: str) -> dict[str, Any]:
    """The report on one file. ``file`` is the name under which the caller handed it in; ``steps``, of the file as a whole, and ``says``, only
    where there are some.
    """
    written: dict[str, Any] = {
        "file": file,
        "verdict": report.verdict.value,
        "tampered": report.tampered,
        "signatures": [write_signature(signature, language) for signature in report.signatures],
    }
    if report.steps:
        written["steps"] = [write_step(step, language) for step in report.steps]
    if report.questions:
        written["questions"] = [
            {
                "name": question.name,
                "verdict": question.verdict.value,
                "steps": [write_step(step, language) for step in question.steps],
            }
            for question in report.questions
        ]
    if report.says is not None:
        written["says"] = write_said(report.says)
    return written
