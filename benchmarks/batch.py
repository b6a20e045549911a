"""A thousand one-page PDFs sealed as one batch at the command line: everything durable and audited, with progress and a report."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from typing import TYPE_CHECKING, Any

from benchmarks.http_load import YINXIN
from benchmarks.library import one_page_document

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.http_load import Deployment


def measure(deployment: Deployment, folder: Path, count: int) -> dict[str, Any]:
    """Wall and CPU time of the whole command, and documents per second; every document must be sealed."""
    inputs, outputs, report = folder / "in", folder / "out", folder / "report.json"
    inputs.mkdir()
    outputs.mkdir()
    document = one_page_document()
    for number in range(count):
        (inputs / f"{number:04d}.pdf").write_bytes(document)
    files = sorted(str(path) for path in inputs.iterdir())
    command = [YINXIN, "seal", *files, "--dir", deployment.folder, "--seal", str(deployment.facts["seal_id"]), "--out", str(outputs)]
    command += ["--page", "1", "--x-mm", "150", "--y-mm", "60", "--batch", "benchmark", "--report", str(report)]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    sealed = len(list(outputs.iterdir()))
    if sealed != count or not json.loads(report.read_text(encoding="utf-8")):
        raise SystemExit(f"{sealed} of {count} documents were sealed")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "documents": count,
        "seconds": round(seconds, 1),
        "per_second": round(count / seconds, 1),
        "cpu_ms_each": round(cpu * 1000 / count, 2),
    }
