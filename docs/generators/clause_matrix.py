"""The clause matrix: which test shows which clause of which standard, read from the ``clause`` marks of the tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
_STANDARD: Final = re.compile(
    r"(?P<standard>(?:RFC|OIDC|CAS|EN|ISO|ITU-T|GB|GB/T|GM/T|C2SP|IETF|W3C|ETSI EN) [\w.-]+(?: \d{3}-\d)?|国[办]?发〔\d+〕\d+号|内政办发〔\d+〕\d+号) ?(?P<clause>.*)$"
)

HEADER: Final = """# Clause matrix

Which test shows which clause. Written by `make docs` from the `clause` marks of the tests; `make check` fails when it is out of date.
"""


def find_marks() -> dict[tuple[str, str], set[str]]:
    """``(standard, clause) -> {path::test}`` over every test of the project."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        where = path.relative_to(PROJECT).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "clause":
                    for argument in mark.args:
                        text = constants[argument.id] if isinstance(argument, ast.Name) else ast.literal_eval(argument)
                        found[_split(text, where)].add(f"{where}::{node.name}")
    return found


def _split(text: str, where: str) -> tuple[str, str]:
    match = _STANDARD.match(text)
    if match is None:
        raise SystemExit(f"{where}: a clause mark reads 'STANDARD clause', not {text!r}")
    return match["standard"], match["clause"] or "as a whole"


def _order(clause: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"[.]", clause)]


def render() -> str:
    """The matrix as CommonMark, one table per standard."""
    by_standard: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for (standard, clause), tests in find_marks().items():
        by_standard[standard][clause] = tests
    parts = [HEADER]
    for standard in sorted(by_standard):
        parts.append(f"\n## {standard}\n\n| clause | shown by |\n|---|---|\n")
        for clause in sorted(by_standard[standard], key=_order):
            shown_by = "<br>".join(f"`{test}`" for test in sorted(by_standard[standard][clause]))
            parts.append(f"| {clause} | {shown_by} |\n")
    return "".join(parts)
