"""One target in one process, bounded in memory and time: what kills it or takes too long is the finding. Started by ``__main__``."""

from __future__ import annotations

import contextlib
import faulthandler
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

MEMORY_BYTES = 2 * 1024**3
INPUT_SECONDS = 10
ATHERIS_MEMORY_MB = 1024


class TooSlowError(Exception):
    """One input took longer than an input may."""


def _too_slow(_signal: int, _frame: object) -> None:
    raise TooSlowError


def run_blind(name: str, seconds: float, findings: Path, *, seed: int) -> int:
    """Mutate and run until the time is over; returns how many inputs were run. Findings are files, with the traceback beside each."""
    from standards.errors import TrustError
    from tests.fuzzing.mutation import mutate
    from tests.fuzzing.targets import TARGETS, seeds_of

    target, seeds = TARGETS[name], seeds_of(name)
    rng = random.Random(seed)
    signal.signal(signal.SIGALRM, _too_slow)
    ends, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        data = seeds[count] if count < len(seeds) else mutate(rng, seeds)
        count += 1
        signal.setitimer(signal.ITIMER_REAL, INPUT_SECONDS)
        try:
            target.run(data)
        except TrustError:
            pass
        except Exception:  # noqa: BLE001 # any other exception is what is looked for
            path = findings / f"{name}-{seed}-{count}"
            path.write_bytes(data)
            path.with_suffix(".txt").write_text(traceback.format_exc(), encoding="utf-8")
            print(f"finding: {path}", flush=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return count


def run_guided(name: str, seconds: float, findings: Path, *, seed: int) -> None:
    """The same guided by coverage (atheris); ends the process with the fuzzer's status."""
    import atheris

    with atheris.instrument_imports(include=["standards", "crypto", "seal_service", "service_kit", "idp", "licence_vault"]):
        from standards.errors import TrustError
        from tests.fuzzing.targets import TARGETS, seeds_of

        target, seeds = TARGETS[name], seeds_of(name)
        for each in seeds[:1]:  # imports of the target itself happen now, so that they are instrumented too
            with contextlib.suppress(TrustError):
                target.run(each)

    def once(data: bytes) -> None:
        try:
            target.run(data)
        except TrustError:
            return

    folder = findings / f"{name}-corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(each)
    limits = [
        f"-max_total_time={int(seconds)}",
        f"-timeout={INPUT_SECONDS}",
        f"-rss_limit_mb={ATHERIS_MEMORY_MB}",
        "-max_len=300000",
        f"-seed={seed}",
        f"-artifact_prefix={findings / name}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *limits, str(folder)], once)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """``worker NAME SECONDS FOLDER SEED guided|blind``."""
    name, seconds, folder, seed, way = arguments
    faulthandler.enable()
    findings = Path(folder)
    findings.mkdir(parents=True, exist_ok=True)
    if way == "guided":
        run_guided(name, float(seconds), findings, seed=int(seed))
        return 0
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    count = run_blind(name, float(seconds), findings, seed=int(seed))
    print(f"ran: {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
