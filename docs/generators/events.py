"""Everything the program tells of: webhook events, and the actions of the audit trail, found where they are recorded."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from docs.generators.clause_matrix import PROJECT
from idp.actions.people_desk import EVENT_TYPES as PEOPLE
from licence_vault.actions.record_event import EVENT_TYPES as LICENCES
from licence_vault.wallets import EVENT_TYPES as WALLETS
from seal_service.actions.publish_news import EVENT_TYPES as SEALS
from seal_service.life import APPLICATION_LIFE, SEAL_LIFE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOORS: Final = ("service_kit", "idp", "seal_service", "licence_vault", "yinxin")
_ACTION: Final = re.compile(r"[a-z][a-z-]*(\.[a-z][a-z_-]*)+")
CONSTANT: Final = "ACTION"
_HEAD: Final = """# Events 事件

Written by `make docs` from the program.

## Webhook events 事件推送

What can be listened to; [Webhooks](webhooks.md) says how messages are signed, delivered and checked. The body is `id`, `type`, `timestamp`, `data`.

| type | when |
|---|---|
"""
_AUDIT: Final = """
## Actions of the audit trail 审计动作

What stands in `action` of an [audit entry](transparency-log.md#an-audit-entry), and where in the program it is recorded. The outcome says how it went: `intended` (before a
key is used), `done`, `failed`, `refused`, `voided` (cut off, and closed by the sweeper). `…` stands for the step of a life.

| action | recorded in |
|---|---|
"""


def render() -> str:
    """CommonMark."""
    events = {**PEOPLE, **SEALS, **LICENCES, **WALLETS}
    told = "".join(f"| `{name}` | {sentence} |\n" for name, sentence in sorted(events.items()))
    found = _actions()
    rows = "".join(f"| `{name}` | {', '.join(f'`{each}`' for each in sorted(found[name]))} |\n" for name in sorted(found))
    return _HEAD + told + _AUDIT + rows + _steps()


def _steps() -> str:
    seal, application = (sorted({step.name for step in life}) for life in (SEAL_LIFE, APPLICATION_LIFE))
    return (
        "\nSteps of the life of a seal: " + ", ".join(f"`{each}`" for each in seal) + ".\n"
        "\nSteps of an application: " + ", ".join(f"`{each}`" for each in application) + ".\n"
    )


def _actions() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for floor in FLOORS:
        for path in sorted((PROJECT / floor).rglob("*.py")):
            for action in _recorded_in(path):
                found[action].add(path.relative_to(PROJECT).as_posix())
    return found


def _recorded_in(path: Path) -> Iterator[str]:
    """What is given as ``action`` of a record: spelled there, by a constant, or by whoever calls the function that records."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    recorders: set[str] = set()
    has_constant = False
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record"):
                continue
            for value in (keyword.value for keyword in node.keywords if keyword.arg == "action"):
                yield from _spelled(value)
                if isinstance(value, ast.Name) and value.id == CONSTANT:
                    has_constant = True
                elif isinstance(value, ast.Name):
                    recorders.add(function.name)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == CONSTANT
            and has_constant
            and node.value
        ):
            yield from _spelled(node.value)
        elif isinstance(node, ast.Call) and _called(node) in recorders:
            for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from _spelled(value)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _spelled(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and _ACTION.fullmatch(value.value):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from (*_spelled(value.body), *_spelled(value.orelse))
    elif isinstance(value, ast.JoinedStr):
        parts = [
            "…" if isinstance(part, ast.FormattedValue) else str(part.value)
            for part in value.values
            if isinstance(part, ast.FormattedValue | ast.Constant)
        ]
        if parts[0] != "…":
            spelled = "".join(parts)
            if ":" not in spelled:  # a subject or an actor, and no action
                yield spelled
        else:
            yield from ("seal.…", "application.…")
