"""Run every test on all cores with branch coverage, then hold each floor to its gate. This is what ``make test`` calls.

``YINXIN_REQUIRE_ALL=1`` turns every skip for a missing optional part into a failure. Arguments are passed on to pytest; with any, the
gates are not applied, because a part of the tests cannot reach them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests import clause_results
from tests.optional import PROJECT

GATES = {
    "standards": 100,
    "crypto": 95,
    "service_kit": 90,
    "idp": 90,
    "seal_service": 90,
    "licence_vault": 90,
    "yinxin": 90,
}


def run(*arguments: str) -> int:
    """Exit status of a Python module run in this environment."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=PROJECT, check=False).returncode


def report(floor: str) -> subprocess.CompletedProcess[str]:
    """What is covered of a floor; its exit status is 0 where the gate holds."""
    asked = ["coverage", "report", f"--include={floor}/*", f"--fail-under={GATES[floor]}", "--skip-covered"]
    return subprocess.run(
        [sys.executable, "-m", *asked], cwd=PROJECT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def main(arguments: list[str]) -> int:
    """Exit status: 0 only when every test passed and every gate held."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the tests start hundreds of processes, and each would compile every module anew
    run("coverage", "erase")
    if not arguments:
        os.environ[clause_results.VARIABLE] = str(clause_results.TARGET)  # for the help of this build
    workers = str((os.cpu_count() or 2) + 3)  # some wait for servers and other programs now and then
    status = run("coverage", "run", "-m", "pytest", "-n", workers, "--dist", "loadfile", "--no-loadscope-reorder", *arguments)
    if arguments:
        return status
    run("coverage", "combine", "-q")
    with ThreadPoolExecutor(os.cpu_count()) as each_core:
        reports = dict(zip(GATES, each_core.map(report, GATES), strict=True))
    for told in reports.values():
        print(told.stdout, end="")
    missed = [floor for floor, told in reports.items() if told.returncode != 0]
    for floor in missed:
        print(f"coverage gate missed: {floor} wants {GATES[floor]} % (statements and branches)", file=sys.stderr)
    return status or (2 if missed else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
