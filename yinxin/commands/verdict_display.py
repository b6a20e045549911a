"""A verdict for a person at a terminal: colour, icon and words together, never colour alone."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from crypto.report import Outcome, Report, Said, SignatureReport, Step, Verdict
from crypto.report_text import sentence
from standards.gbt7408_times import CHINA
from standards.uax9_plain_text import mongolian_joints

_STYLE: Final = {Verdict.VALID: "green", Verdict.INVALID: "red", Verdict.INDETERMINATE: "yellow"}
_ICON: Final = {Verdict.VALID: "✔", Verdict.INVALID: "✘", Verdict.INDETERMINATE: "?"}
_STEP_ICON: Final = {Outcome.PASS: "✔", Outcome.FAIL: "✘", Outcome.WARN: "!", Outcome.NOT_CHECKED: "?"}
_STEP_STYLE: Final = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.WARN: "yellow", Outcome.NOT_CHECKED: "yellow"}
_UTC_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+]00:00)")
_TOLD_THOUGH_PASSED: Final = frozenset({"STATUS_LIST_FRESH"})  # how old the status is that the verdict rests on

_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "valid": "VALID",
        "invalid": "INVALID",
        "indeterminate": "CANNOT TELL",
        "tampered": "The document was changed after it was sealed.",
        "untouched": "The document was not changed after it was sealed.",
        "unsealed": "No seal was found in this file.",
        "signer": "Sealed by",
        "signed_at": "Sealed at",
        "signed_at_unknown": "not stated",
        "signer_unknown": "not known",
        "field": "Signature",
        "said-name": "Licence",
        "said-number": "Number",
        "said-holders": "Holder",
        "said-issuer": "Issued by",
        "said-issued": "Issued on",
        "said-valid": "Valid",
        "said-valid-value": "{first} to {last}",
        "said-no-end": "no end",
        "said-untold": "(not shown)",
        "said-identifier": "Identifier",
        "between-names": ", ",
        "question-code": "Licence: code",
        "question-number": "Licence: identifier",
        "question-content": "Licence: content",
        "question-seal": "Licence: sealed by its issuer",
        "question-log": "Licence: in the public log",
        "question-status": "Licence: in force",
        "question-holder": "Licence: holder",
        "question-copy": "Licence: annotated copy",
    },
    "zh": {
        "valid": "有效",
        "invalid": "无效",
        "indeterminate": "无法判断",
        "tampered": "文件在盖章后被改动。",
        "untouched": "文件在盖章后没有被改动。",
        "unsealed": "文件中没有找到签章。",
        "signer": "盖章者",
        "signed_at": "盖章时间",
        "signed_at_unknown": "未注明",
        "signer_unknown": "未知",
        "field": "签章",
        "said-name": "证照名称",
        "said-number": "证照编号",
        "said-holders": "持证主体",
        "said-issuer": "颁发机构",
        "said-issued": "颁发日期",
        "said-valid": "有效期",
        "said-valid-value": "{first} 至 {last}",
        "said-no-end": "长期",
        "said-untold": "（未出示）",
        "said-identifier": "证照标识",
        "between-names": "、",
        "question-code": "证照：二维码",
        "question-number": "证照：标识",
        "question-content": "证照：内容",
        "question-seal": "证照：由颁发机构盖章",
        "question-log": "证照：已记入公开日志",
        "question-status": "证照：有效状态",
        "question-holder": "证照：持证主体",
        "question-copy": "证照：加注件",
    },
}


def printable(text: str) -> str:
    """``text`` without what would command a terminal or turn the reading direction: names in files and certificates are strangers' text."""
    joints = mongolian_joints(text)
    return "".join(each if each.isprintable() or at in joints else "\N{REPLACEMENT CHARACTER}" for at, each in enumerate(text))


def _china_time(at: datetime) -> str:
    """By the clock of China, as a licence says its days, wherever the machine stands. The last hours of the year 9999 have no such time."""
    with suppress(OverflowError):
        at = at.astimezone(CHINA)
    return at.isoformat(sep=" ", timespec="seconds")


def _told_fact(fact: str | float | None) -> str | float | None:
    if not isinstance(fact, str) or _UTC_TIME.fullmatch(fact) is None:
        return fact
    try:
        return _china_time(datetime.fromisoformat(fact))
    except ValueError:  # digits that are no time
        return fact


def _step_line(step: Step, language: str) -> Text:
    step = replace(step, facts={name: _told_fact(fact) for name, fact in step.facts.items()})
    line = Text.assemble((f"  {_STEP_ICON[step.outcome]} ", _STEP_STYLE[step.outcome]), printable(sentence(step, language)))
    return line.append(f"  [{step.code}]", style="dim")


def _signature_lines(signature: SignatureReport, language: str) -> list[Text]:
    words = _WORDS[language]
    signed_at = words["signed_at_unknown"] if signature.signed_at is None else _china_time(signature.signed_at)
    lines = [
        Text.assemble(
            (f"{_ICON[signature.verdict]} {words[signature.verdict.value]}", f"bold {_STYLE[signature.verdict]}"),
            printable(f"  {words['field']} {signature.name} ({signature.kind})"),
        ),
        Text(f"  {words['signer']}: {printable(signature.signer or words['signer_unknown'])}"),
        Text(f"  {words['signed_at']}: {signed_at}"),
    ]
    # Passed steps are what a reader expects; shown are those that say something against it.
    lines += [_step_line(step, language) for step in signature.steps if step.outcome is not Outcome.PASS]
    return lines


def _said_lines(said: Said, words: dict[str, str]) -> list[Text]:
    """Which licence it is, in the order in which it is compared with the face."""
    first = words["said-untold"] if said.valid_from is None else said.valid_from.isoformat()
    end = words["said-untold" if "valid_to" in said.untold else "said-no-end"]
    last = end if said.valid_to is None else said.valid_to.isoformat()
    told = {
        "name": said.name,
        "number": said.number,
        "holders": None if said.holders is None else words["between-names"].join(said.holders),
        "issuer": said.issuer,
        "issued": None if said.issued_on is None else said.issued_on.isoformat(),
        "valid": None if {"valid_from", "valid_to"} <= said.untold else words["said-valid-value"].format(first=first, last=last),
        "identifier": said.identifier,
    }
    return [Text(f"{words[f'said-{name}']}: {printable(value)}") for name, value in told.items() if value is not None]


def show_verdict(file: str, report: Report, language: str, console: Console | None = None) -> None:
    """Print a box with the verdict on one file to the terminal (or ``console``)."""
    words = _WORDS[language]
    lines: list[Text] = [
        Text(printable(file), style="bold"),
        Text(f"{_ICON[report.verdict]} {words[report.verdict.value]}", style=f"bold {_STYLE[report.verdict]}"),
    ]
    if report.tampered is not None:
        lines.append(Text(words["tampered" if report.tampered else "untouched"]))
    if not report.signatures and all(question.name != "code" for question in report.questions):  # a scanned code is no file
        lines.append(Text(words["unsealed"]))
    lines += [_step_line(step, language) for step in report.steps if step.outcome is not Outcome.PASS]
    if report.says is not None:
        lines += [Text(""), *_said_lines(report.says, words)]
    for signature in report.signatures:
        lines.append(Text(""))
        lines += _signature_lines(signature, language)
    for question in report.questions:
        named = words.get(f"question-{question.name}", question.name)
        lines.append(Text(""))
        lines.append(Text(f"{_ICON[question.verdict]} {named}", style=f"bold {_STYLE[question.verdict]}"))
        told = [step for step in question.steps if step.outcome is not Outcome.PASS or step.code in _TOLD_THOUGH_PASSED]
        lines += [_step_line(step, language) for step in told]
    panel = Panel(Group(*lines), border_style=_STYLE[report.verdict])
    (console or Console()).print(panel)
