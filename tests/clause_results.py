"""What became of the tests that show clauses of standards: written by the run itself, for the clause matrix in the help of this very build.

On where ``YINXIN_CLAUSE_RESULTS`` names the file; `make test` names the one that the help reads and the wheel carries.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs.generators.clause_matrix import find_marks
from yinxin.help.library import IN_PROJECT
from yinxin.help.test_results import FILE
from yinxin.version import program_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

VARIABLE: Final = "YINXIN_CLAUSE_RESULTS"
TARGET: Final = IN_PROJECT / FILE


def names_of(nodeid: str) -> tuple[str, ...]:
    """The names under which the matrix knows a test: its function, and the class that it is in."""
    path, _, rest = nodeid.partition("::")
    parts = rest.partition("[")[0].split("::")
    return tuple(f"{path}::{part}" for part in parts)


def summed_up(outcomes: Iterable[str]) -> str:
    """One word for all examples of a test: one that failed counts, one that ran counts more than those that were skipped."""
    found = set(outcomes)
    return "failed" if "failed" in found else "passed" if "passed" in found else "skipped"


class ClauseResults:
    """A plugin of the process that hears of every test."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marked = {test for tests in find_marks().values() for test in tests}
        self._found: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A part of a test has ended: its call, or what failed or skipped it before or after."""
        if report.when != "call" and report.outcome == "passed":
            return
        for name in names_of(report.nodeid):
            if name in self._marked:
                self._found[name].add(report.outcome)

    def pytest_sessionfinish(self) -> None:
        """Write the file, whole or not at all."""
        said = {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": program_version(),
            "tests": {name: summed_up(outcomes) for name, outcomes in sorted(self._found.items())},
        }
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._path)


def register(config: pytest.Config) -> None:
    """Listen, where that is wanted and this is no worker: what workers do is reported to the one that started them."""
    path = os.environ.pop(VARIABLE, "")  # what tests start is no part of this run
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ClauseResults(Path(path)), "clause-results")
