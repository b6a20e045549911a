"""The fuzzer itself: every target takes its seeds and a moment of mutation, and a planted defect is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fuzzing import __main__ as program
from tests.fuzzing import targets
from tests.fuzzing.targets import TARGETS, Target
from tests.fuzzing.worker import run_blind

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", TARGETS)
def test_a_moment_of_every_target_finds_nothing(name: str, tmp_path: Path) -> None:
    assert run_blind(name, 0.5, tmp_path, seed=1) >= 1
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_planted_defect_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(data: bytes) -> None:
        if len(data) != 4:
            raise IndexError(len(data))

    monkeypatch.setitem(targets.TARGETS, "planted", Target(fragile, lambda: [b"seed"]))
    run_blind("planted", 0.3, tmp_path, seed=1)
    found = sorted(path.suffix for path in tmp_path.iterdir())
    assert {"", ".txt"} <= set(found)


def test_the_program_runs_a_target_in_a_process_of_its_own(tmp_path: Path) -> None:
    count, is_good = program.run_target("der", 0.5, 1, is_guided=False, folder=tmp_path)
    assert (count > 10, is_good) == (True, True)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(SystemExit):
        program.main(["no-such-target"])
