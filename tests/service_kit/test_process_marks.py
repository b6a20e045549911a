"""A process that holds its mark is alive; one that was killed is dead at once."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from service_kit.process_marks import hold_mark, is_dead, release_mark

if TYPE_CHECKING:
    from pathlib import Path

HOST = socket.gethostname()[:32]


def test_own_mark(tmp_path: Path) -> None:
    name = f"{HOST}-1-abc"
    hold_mark(tmp_path / "run", name)
    hold_mark(tmp_path / "run", name)
    assert not is_dead(tmp_path / "run", name)
    release_mark(tmp_path / "run", name)
    release_mark(tmp_path / "run", name)
    assert is_dead(tmp_path / "run", name)


def test_many_threads_hold_one_mark(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: hold_mark(tmp_path, f"{HOST}-4-threads"), range(64)))
    assert not is_dead(tmp_path, f"{HOST}-4-threads")
    release_mark(tmp_path, f"{HOST}-4-threads")


def test_a_killed_process_is_dead_at_once_and_a_living_one_is_not(tmp_path: Path) -> None:
    name = f"{HOST}-2-def"
    code = f"import pathlib, time, service_kit.process_marks as m; m.hold_mark(pathlib.Path({str(tmp_path)!r}), {name!r}); print('on', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        assert not is_dead(tmp_path, name)
        process.kill()
        process.wait()
    assert is_dead(tmp_path, name)
    assert not (tmp_path / name).exists()


def test_of_other_machines_nothing_is_known(tmp_path: Path) -> None:
    assert not is_dead(tmp_path, "another-host-1-abc")
    assert not is_dead(tmp_path, f"{HOST}-1/../../etc")
