"""What a report becomes on the page: one sentence, four answers or five, who sealed and when. The script ``answers.js`` does the same in the browser.

``report`` is the JSON shape of ``crypto.report_json.write_report``, so that what comes from the browser's verifier, from the API and from this
process is told alike. Rules stand in ``verdict_rules.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yinxin.verification_page import verdict_rules as rules
from yinxin.verification_page.strangers_text import plain
from yinxin.verification_page.verdict_rules import BAD, GOOD, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Facts = dict[str, Any]
_ATTRIBUTE: Final = re.compile(r"(?:^|[,+])([A-Za-z0-9.]+)=((?:\\.|[^,+\\])*)")  # one after the other: a name may hold what looks like one
_CREDIT_CODE: Final = re.compile(r"[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}")
_ESCAPED: Final = re.compile(r"\\(.)")
_VERDICT_TONES: Final = {"valid": GOOD, "invalid": BAD}
_BADNESS: Final = (GOOD, UNKNOWN, BAD)


@dataclass(frozen=True, slots=True)
class Answer:
    """One of them: ``question`` and ``key`` are texts, ``tone`` one of ok, warn, bad, unknown; ``details``: sentences of the steps behind it."""

    question: str
    key: str
    tone: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sealer:
    """Who sealed, as the certificate says: ``code`` is the credit code, empty where it names none. ``at``: RFC 3339, empty where unknown."""

    name: str
    code: str
    at: str
    time_source: str
    tone: str


@dataclass(frozen=True, slots=True)
class View:
    """``headline``: key of the sentence; ``reason``: the first step that speaks against the file, empty where none does."""

    tone: str
    headline: str
    reason: str
    answers: tuple[Answer, ...]
    sealers: tuple[Sealer, ...]


def view_of(report: Mapping[str, Any]) -> View:
    """Derive the view. Says good only where the report proves it."""
    steps = _steps(report)
    condition, headline, tone = next(
        (condition, key, tone)
        for verdict, condition, key, tone in rules.HEADLINES
        if verdict == report["verdict"] and _fits(condition, report, steps)
    )
    named, _, outcome = condition.partition("/")
    against = outcome or ("fail" if report["verdict"] == "invalid" else "not-checked")
    telling = [step["detail"] for step in steps if step["outcome"] == against and (not outcome or step["code"] == named)]
    reason = telling[0] if telling and tone != GOOD and condition not in rules.TOLD_BELOW else ""
    seals = _seals(report)
    sealers = tuple(_sealer(each) for each in seals)
    answers = (_changed(report, seals), _who(report, seals), _then(report, seals), _now(report, steps, seals), *_held(report))
    return View(tone, headline, reason, answers, sealers)


def _steps(report: Mapping[str, Any]) -> list[Facts]:
    holders = [*report["signatures"], *report.get("questions", [])]
    return [*report.get("steps", []), *(step for holder in holders for step in holder["steps"])]


def _seals(report: Mapping[str, Any]) -> list[Facts]:
    return [each for each in report["signatures"] if each["kind"] not in rules.NO_SEAL_KINDS]


def _fits(condition: str, report: Mapping[str, Any], steps: Iterable[Facts]) -> bool:
    if condition == "tampered":
        return report["tampered"] is True
    if condition == "unsealed":
        return not report["signatures"] and not report.get("questions")
    if condition == "forged":
        return any(each["cryptographically_valid"] is False for each in report["signatures"])
    if condition == "seal-invalid":
        return any(each["verdict"] == "invalid" and not each["kind"].startswith("dc+sd") for each in report["signatures"])
    if condition == "held-by-other":  # and nothing else speaks against it
        return {step["code"] for step in steps if step["outcome"] == "fail"} == {"LICENCE_HOLDER_OTHER"}
    return not condition or _found(condition, steps)


def _found(condition: str, steps: Iterable[Facts]) -> bool:
    code, _, outcome = condition.partition("/")
    return any(step["code"] == code and step["outcome"] == outcome for step in steps)


def _question(report: Mapping[str, Any], name: str) -> Facts | None:
    return next((each for each in report.get("questions", []) if each["name"] == name), None)


def _against(steps: Iterable[Facts], *, worst: str) -> tuple[str, ...]:
    wanted = {BAD: ("fail",), UNKNOWN: ("not-checked", "warn")}.get(worst, ("warn",))
    return tuple(dict.fromkeys(step["detail"] for step in steps if step["outcome"] in wanted))


def _tone(question: Mapping[str, Any]) -> str:
    return _VERDICT_TONES.get(question["verdict"], UNKNOWN)


def _worst(tones: Iterable[str]) -> str:
    return max(tones, key=_BADNESS.index, default=UNKNOWN)


def _changed(report: Mapping[str, Any], seals: list[Facts]) -> Answer:
    code = _question(report, "code")
    if code is not None:
        tone = _tone(code)
        return Answer("q_changed", f"code_{tone}", tone, _against(code["steps"], worst=tone))
    intact = [each["document_intact"] for each in seals]
    is_credential = bool(seals) and all(each["kind"].startswith("dc+sd") for each in seals)
    tone = UNKNOWN
    if report["tampered"] is True or False in intact:
        tone = BAD
    elif intact and all(each is True for each in intact) and (report["tampered"] is False or is_credential):
        tone = GOOD
    codes = ("PDF_", "OFD_", "REF_", "DATA_", "CMS_DIGEST", "UNPROTECTED", "CREDENTIAL_DIGEST", "CREDENTIAL_DISCLOSURES")
    steps = [step for each in seals for step in each["steps"] if step["code"].startswith(codes)]
    return Answer("q_changed", f"changed_{tone}", tone, () if tone == GOOD else _against(steps, worst=tone))


def _who(report: Mapping[str, Any], seals: list[Facts]) -> Answer:
    code = _question(report, "code")
    if code is not None:
        return Answer("q_issuer", f"who_code_{_tone(code)}", _tone(code))
    tone = _worst(_sealer_tone(each) for each in seals)
    issuer = _question(report, "seal")
    if issuer is not None:
        tone = _worst((tone, _tone(issuer)))
    steps = [] if issuer is None else issuer["steps"]
    return Answer("q_who", f"who_{tone}" if seals else "who_none", tone, () if tone == GOOD else _against(steps, worst=tone))


def _sealer_tone(seal: Mapping[str, Any]) -> str:
    if seal["cryptographically_valid"] is False or seal["trusted"] is False:
        return BAD
    return GOOD if seal["cryptographically_valid"] is True and seal["trusted"] is True else UNKNOWN


def _then(report: Mapping[str, Any], seals: list[Facts]) -> Answer:
    number = _question(report, "number")
    if _question(report, "code") is not None:
        tone = UNKNOWN if number is None else _tone(number)
        return Answer("q_number", f"number_{tone}", tone, () if number is None else _against(number["steps"], worst=tone))
    tone = _worst(_then_of(each) for each in seals)
    steps = [step for each in seals for step in each["steps"] if step["code"].startswith((*rules.THEN_PREFIXES, "SIG_TIME"))]
    return Answer("q_then", f"then_{tone}" if seals else "then_none", tone, () if tone == GOOD else _against(steps, worst=tone))


def _then_of(seal: Mapping[str, Any]) -> str:
    steps = seal["steps"]
    about = [step for step in steps if step["code"].startswith(rules.THEN_PREFIXES)]
    if any(step["outcome"] == "fail" for step in about):
        return BAD
    if any(step["outcome"] == "not-checked" for step in about) or any(step["code"] in rules.THEN_UNPROVEN for step in steps):
        return UNKNOWN
    proven = all(any(_found(each, steps) for each in options) for kind, options in rules.THEN_PROOF if kind in seal["kind"])
    return GOOD if proven and _sealer_tone(seal) == GOOD else UNKNOWN


def _now(report: Mapping[str, Any], steps: list[Facts], seals: list[Facts]) -> Answer:
    status = _question(report, "status")
    if status is not None:
        tone = _tone(status)
        if tone == GOOD and any(each["verdict"] != "valid" for each in report["questions"] if each["name"] in rules.GENUINE):
            return Answer("q_now", "now_claimed", UNKNOWN)
        if tone == GOOD and _found(rules.NOT_ASKED, status["steps"]):
            tone = UNKNOWN
        key = "now_ok" if tone == GOOD else "now_unknown"
        if tone == BAD:
            key = next((key for condition, key in rules.LICENCE_NOW if _found(condition, status["steps"])), "now_bad")
        return Answer("q_now", key, tone, () if tone == GOOD else _against(status["steps"], worst=tone))
    for condition, key, tone in rules.SEAL_NOW:
        if _found(condition, steps):
            if tone in rules.SEAL_NOW_PROVEN and any(_found(condition, each["steps"]) and _sealer_tone(each) != GOOD for each in seals):
                return Answer("q_seal_now", "seal_now_claimed", UNKNOWN)
            wanted = condition.partition("/")[0]
            details = tuple(dict.fromkeys(step["detail"] for step in steps if step["code"] == wanted)) if tone != GOOD else ()
            return Answer("q_seal_now", key, tone, details)
    return Answer("q_seal_now", "seal_now_unknown", UNKNOWN)


def _held(report: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Only where somebody was asked about. What a file says of its holder is worth what the file is worth."""
    holder = _question(report, "holder")
    if holder is None:
        return ()
    tone = _tone(holder)
    if tone == GOOD and report["verdict"] != "valid":
        return (Answer("q_holder", "holder_claimed", UNKNOWN),)
    return (Answer("q_holder", f"holder_{tone}", tone, () if tone == GOOD else _against(holder["steps"], worst=tone)),)


def _sealer(seal: Mapping[str, Any]) -> Sealer:
    name, code = name_of(seal["signer"] or "")
    source = next((key for condition, key in rules.TIME_SOURCES if _found(condition, seal["steps"])), "time_unknown")
    return Sealer(name, code, seal["signed_at"] or "", source if seal["signed_at"] else "time_unknown", _sealer_tone(seal))


def name_of(signer: str) -> tuple[str, str]:
    """Name and credit code out of a certificate's subject (RFC 4514), as the deployments write it: the code stands before the name."""
    organisation, common = (next((text for key, text in _ATTRIBUTE.findall(signer) if key == wanted), "") for wanted in ("O", "CN"))
    found = _CREDIT_CODE.match(organisation)
    code = found[0] if found else ""
    name = organisation[len(code) :] or common or signer
    return plain(_ESCAPED.sub(r"\1", name)), code
