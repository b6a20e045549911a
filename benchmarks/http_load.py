"""Server CPU time per request and rate, over real HTTP against a served deployment on loopback, everything durable and audited.

The load comes from ``wrk`` in a process of its own. CPU time is that of the whole server process tree (user + system), read before and
after and divided by the number of answered requests, so it holds where the machine is noisy. Any answer that is not 2xx fails the run.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.machine import tree_cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

YINXIN = str(Path(sys.executable).parent / "yinxin")
CONNECTIONS = 32
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """One kind of request to repeat."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Deployment:
    """What ``yinxin demo --json`` printed."""

    facts: dict[str, Any]

    @property
    def folder(self) -> str:
        return str(self.facts["dir"])


def make_deployment(folder: Path) -> Deployment:
    """A fresh demonstration deployment in ``folder``."""
    printed = subprocess.run(
        [YINXIN, "demo", "--dir", str(folder), "--no-serve", "--json", "--small"], capture_output=True, text=True, check=True
    )
    return Deployment(json.loads(printed.stdout))


@contextmanager
def served(deployment: Deployment, *, port: int, workers: int) -> Iterator[tuple[str, int]]:
    """``(base URL, process id)`` of a server on the deployment; it is ended afterwards."""
    log = Path(deployment.folder).parent / f"serve-{port}.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [YINXIN, "serve", "--dir", deployment.folder, "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline or server.poll() is not None:
                raise SystemExit(f"the server did not become ready:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
            time.sleep(0.1)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def token(url: str, deployment: Deployment) -> str:
    """A client-credentials token of the demonstration client."""
    answer = httpx.post(
        f"{url}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(deployment.facts["client_id"], deployment.facts["client_secret"]),
        timeout=10,
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def token_request(deployment: Deployment) -> Request:
    """A client-credentials grant."""
    basic = base64.b64encode(f"{deployment.facts['client_id']}:{deployment.facts['client_secret']}".encode()).decode()
    return Request(
        "/oauth2/token",
        {"Authorization": f"Basic {basic}", "Content-Type": FORM},
        b"grant_type=client_credentials",
    )


def introspection_request(deployment: Deployment, bearer: str) -> Request:
    """The demonstration client asks about a token of its own."""
    return Request("/oauth2/introspect", token_request(deployment).headers, b"token=" + bearer.encode())


def digest_request(deployment: Deployment, bearer: str) -> Request:
    """A digest signature."""
    body = json.dumps({"digest": base64.b64encode(bytes(range(32))).decode()}).encode()
    return Request(
        f"/v1/seals/{deployment.facts['seal_id']}/digest-signatures",
        {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"},
        body,
    )


def seal_request(deployment: Deployment, bearer: str, document: bytes) -> Request:
    """A one-page PDF to be sealed visibly."""
    boundary = "benchmark-boundary-5f1c"
    placement = json.dumps({"page": 1, "x_mm": 150, "y_mm": 60}).encode()
    body = b"".join(
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="placement"\r\nContent-Type: application/json\r\n\r\n'.encode(),
            placement,
            f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="document"; filename="one-page.pdf"\r\n'.encode(),
            b"Content-Type: application/pdf\r\n\r\n",
            document,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return Request(
        f"/v1/seals/{deployment.facts['seal_id']}/signatures",
        {"Authorization": f"Bearer {bearer}", "Content-Type": f"multipart/form-data; boundary={boundary}"},
        body,
    )


def _lua_string(data: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in data) + '"'


def measure(url: str, server_pid: int, request: Request, *, seconds: int, folder: Path) -> dict[str, float]:
    """CPU milliseconds per request, requests per second and latency percentiles in milliseconds under CONNECTIONS connections."""
    script = folder / "load.lua"
    headers = "\n".join(f'wrk.headers["{name}"] = {_lua_string(value.encode())}' for name, value in request.headers.items())
    script.write_text(f'wrk.method = "POST"\n{headers}\nwrk.body = {_lua_string(request.body)}\n', encoding="ascii")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "--timeout", "20s", "--latency", "-s", str(script), url + request.path]
    subprocess.run([*command, "-d1s"], capture_output=True, check=True)  # warm up
    cpu = tree_cpu_seconds(server_pid)
    out = subprocess.run([*command, f"-d{seconds}s"], capture_output=True, text=True, check=True).stdout
    cpu = tree_cpu_seconds(server_pid) - cpu
    requests = int(re.search(r"(\d+) requests in", out)[1])  # type: ignore[index]
    if "Non-2xx" in out or "Socket errors" in out or not requests:
        raise SystemExit(f"{request.path} did not answer every request well:\n{out}")
    return {
        "requests": requests,
        "server_cpu_ms": round(cpu * 1000 / requests, 3),
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),  # type: ignore[index]
        "p50_ms": _latency(out, "50%"),
        "p99_ms": _latency(out, "99%"),
    }


def _latency(out: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", out)
    if found is None:
        raise SystemExit(f"wrk printed no {percentile} latency:\n{out}")
    return round(float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]], 3)
