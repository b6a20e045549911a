"""A real Keycloak: fetched once by Maven into ``.tooling/`` of the project, built once, started on a loopback port with an empty database.

Where it is not there and Maven cannot fetch it, the tests that want it are skipped.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.interop.java_runner import QUICK_START
from tests.optional import PROJECT, need, need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "26.4.0"
ADMINISTRATOR = "admin"
PASSWORD = "a password of a test"
FETCH_SECONDS = 600
START_SECONDS = 240
_OPTIONS = ("--db=dev-mem", "--health-enabled=false", "--metrics-enabled=false")
_BUILT = "built-for-tests"
_JAVA = {"JAVA_OPTS_APPEND": QUICK_START}  # to compile for long life costs more of the processor than all that is asked of it here


@functools.cache
def _folder() -> Path | None:
    kept = PROJECT / ".tooling" / f"keycloak-{VERSION}"
    if (kept / _BUILT).exists():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        return None
    kept.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
        wanted = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        command = [maven, "-q", "-B", goal, wanted, f"-DoutputDirectory={folder}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=FETCH_SECONDS, check=False, cwd=folder)
        except subprocess.TimeoutExpired:
            return None
        archive = Path(folder) / f"keycloak-quarkus-dist-{VERSION}.zip"
        if done.returncode or not archive.exists():
            return None
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        made = Path(folder) / f"keycloak-{VERSION}"
        (made / "bin" / "kc.sh").chmod(0o755)
        build = [str(made / "bin" / "kc.sh"), "build", *_OPTIONS]
        built = subprocess.run(build, capture_output=True, timeout=FETCH_SECONDS, check=False, env={**os.environ, **_JAVA})
        if built.returncode:
            return None
        (made / _BUILT).touch()
        try:
            made.rename(kept)
        except OSError:  # another process was first
            return kept if (kept / _BUILT).exists() else None
    return kept


@contextmanager
def keycloak(folder: Path, port: int) -> Iterator[str]:
    """Its address. It keeps everything in memory; ``folder`` gets its log."""
    need_program("java")
    program = _folder()
    need(f"Keycloak {VERSION}", program, "Maven cannot fetch it, or it cannot be built")
    assert program is not None
    options = ["--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}", "--hostname-strict=false", "--cache=local"]
    environment = {
        **os.environ,
        **_JAVA,
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx768m",
    }
    url, log_path = f"http://127.0.0.1:{port}", folder / "keycloak.log"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            [program / "bin" / "kc.sh", "start", "--optimized", *options],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                with suppress(httpx.TransportError):
                    if httpx.get(f"{url}/realms/master", timeout=10).status_code == 200:
                        break
                assert process.poll() is None, log_path.read_text(errors="replace")[-3000:]
                assert time.monotonic() < deadline, log_path.read_text(errors="replace")[-3000:]
                time.sleep(0.25)
            yield url
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
