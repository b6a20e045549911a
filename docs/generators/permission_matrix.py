"""Who may call what: made from the declarations that are enforced, and from the table of the life of a seal."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from seal_service.life import APPLICATION_LIFE, SEAL_LIFE
from yinxin.access_gate import access_of_route
from yinxin.assembly import open_application
from yinxin.initialise import initialise
from yinxin.links import known_scopes

if TYPE_CHECKING:
    from seal_service.life import Transition

_HEAD: Final = """# Permission matrix 权限矩阵

Generated from what the program enforces: an operation whose declaration is missing keeps it from starting. `tests/yinxin/test_permission_matrix.py`
calls every operation with every scope and compares the answers with this.
"""


def render() -> str:
    """Markdown."""
    lines = [_HEAD, "## Scopes 权限范围", "", "| scope | allows |", "|---|---|"]
    lines += [f"| `{scope}` | {sentence} |" for scope, sentence in sorted(known_scopes().items())]
    lines += ["", "## Operations 接口", "", "| operation | scope | where none is asked for: why |", "|---|---|---|"]
    lines += [f"| `{method} {path}` | {f'`{scope}`' if scope else 'public'} | {reason} |" for path, method, scope, reason in _operations()]
    lines += ["", "## Steps of the life of a seal 印章生命周期", "", *_steps(SEAL_LIFE), "", "## Steps of an application 申请", ""]
    lines += _steps(APPLICATION_LIFE)
    return "\n".join(lines) + "\n"


def _operations() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory(prefix="yinxin-matrix-") as folder:
        deployment = Path(folder) / "deployment"
        initialise(deployment, organisation="Yinxin")
        house, application = open_application(deployment)
        try:
            found = []
            for route in [*application.routes, *application.hot_routes]:
                if isinstance(route, Route):
                    access = access_of_route(route)
                    methods = (route.methods or {"POST"}) - {"HEAD"}
                    found += [(route.path, method, access.scope or "", "" if access.scope else access.reason) for method in methods]
        finally:
            house.close()
    return sorted(found)


def _steps(life: tuple[Transition, ...]) -> list[str]:
    lines = ["| step | from | to | scope | power | security administrator | reason | second person |", "|---|---|---|---|---|---|---|---|"]
    for step in life:
        if step.verb is None:
            continue
        sources = ", ".join(sorted(step.sources))
        power = "" if step.power is None else step.power.value
        needs_another = step.needs_second_person or step.is_closed_to_applicant
        marks = ["yes" if flag else "" for flag in (step.is_open_to_security, step.is_reason_required, needs_another)]
        lines.append(f"| {step.verb} | {sources} | {step.target} | `{step.scope}` | {power} | {' | '.join(marks)} |")
    return lines
