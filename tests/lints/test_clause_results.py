"""The results of a build say what became of each test that shows a clause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from docs.generators.clause_matrix import find_marks
from tests.clause_results import VARIABLE, names_of, summed_up
from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def test_names_and_sums() -> None:
    assert names_of("tests/a/test_b.py::TestC::test_d[x::y]") == ("tests/a/test_b.py::TestC", "tests/a/test_b.py::test_d")
    assert [summed_up(each) for each in (["passed", "skipped"], ["skipped"], ["passed", "failed"])] == ["passed", "skipped", "failed"]


def test_a_run_writes_what_it_found(tmp_path: Path) -> None:
    marked = {test for tests in find_marks().values() for test in tests}
    name = "tests/standards/test_gbt36902_catalogue.py"  # needs nothing that a machine may lack
    wanted = {each for each in marked if each.startswith(f"{name}::")}
    assert wanted
    path = tmp_path / "results.json"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name],
        cwd=PROJECT,
        env={key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")} | {VARIABLE: str(path)},
        capture_output=True,
        check=True,
    )
    said = json.loads(path.read_text(encoding="utf-8"))
    assert said["tests"] == dict.fromkeys(sorted(wanted), "passed")
    assert said["version"]
