"""What the test run of this very build said of each clause: a file beside the pages, written by the run itself.

The matrix of clauses says which test shows a clause. Whether that test passed, on the machine where this build was made, is said only where
the run left its results; without them the page says that it has none.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "reference/clause-results.json"
MATRIX: Final = "reference/clause-matrix"
_NAMED: Final = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
_WORDS: Final = {
    "passed": ("✔ 通过", "✔ passed"),
    "failed": ("✘ 未通过", "✘ failed"),
    "skipped": ("○ 未执行", "○ skipped"),
    "unknown": ("○ 未执行", "○ not run"),
}


def read_results(folder: Path) -> dict[str, str]:
    """``path::test -> passed | failed | skipped``; empty where there is no file, or none that can be read."""
    try:
        read = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    tests = read.get("tests") if isinstance(read, dict) else None
    return {name: str(outcome) for name, outcome in tests.items()} if isinstance(tests, dict) else {}


def with_results(text: str, results: dict[str, str], language: str) -> str:
    """The matrix with what became of each test, and a line that sums it up."""
    if not results:
        said = "此构建未附带测试结果。" if language == "zh" else "This build carries no results of its tests."
        return text.replace("\n\n", f"\n\n{said}\n\n", 1)
    outcomes: list[str] = []

    def told(match: re.Match[str]) -> str:
        outcome = results.get(match[1], "unknown")
        outcomes.append(outcome if outcome in _WORDS else "unknown")
        return f"{match[0]} {_WORDS[outcomes[-1]][0 if language == 'zh' else 1]}"

    shown = _NAMED.sub(told, text)
    counts = {word: outcomes.count(word) for word in _WORDS}
    said = (
        f"此构建的测试结果：通过 {counts['passed']} 项，未通过 {counts['failed']} 项，未执行 {counts['skipped'] + counts['unknown']} 项。"
        if language == "zh"
        else f"The tests of this build: {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped'] + counts['unknown']} not run."
    )
    return shown.replace("\n\n", f"\n\n**{said}**\n\n", 1)
