"""What a figure is worth depends on: the machine, its load, its disk and its libraries."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any


def describe(folder: Path) -> dict[str, Any]:
    """Facts to print beside every figure. ``folder`` is where the durable files of the run lie."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "kernel": platform.release(),
        "openssl": subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.strip(),
        "fdatasync_p50_ms": round(fdatasync_p50_seconds(folder) * 1000, 3),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def fdatasync_p50_seconds(folder: Path, rounds: int = 60) -> float:
    """Median time of one small append made durable in ``folder``."""
    path, times = folder / "fdatasync.probe", []
    with path.open("wb") as file:
        for _ in range(rounds):
            file.write(b"x" * 400)
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    path.unlink()
    return statistics.median(times)


def tree_cpu_seconds(root: int) -> float:
    """User and system time so far of a process and all its living descendants."""
    ticks, parents = 0, {root}
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            stats[int(entry.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    grown = True
    while grown:
        grown = False
        for pid, (parent, _) in stats.items():
            if parent in parents and pid not in parents:
                parents.add(pid)
                grown = True
    for pid in parents:
        if pid in stats:
            ticks += stats[pid][1]
    return ticks / os.sysconf("SC_CLK_TCK")
