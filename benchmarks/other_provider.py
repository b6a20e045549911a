"""The identity provider against npm ``oidc-provider``, a certified one: the same loads, alternating in one run, each server with one process.

Theirs keeps everything in its memory and nothing durable; ours writes and audits what it issues. Machine tokens are JWTs signed with ES256 on
both sides, ID tokens too. A signed token theirs cannot look into: introspection asks about one that it keeps, ours about a signed one. Where
node or the package cannot be had, there is no comparison, and the run says why.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import statistics
import subprocess
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks import http_load, people_load
from benchmarks.http_load import FORM, Request
from tests.interop.node_parts import fetched_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.http_load import Deployment

    Load = Callable[[], dict[str, float]]

PACKAGE: Final = ("oidc-provider", "9.13.3")
_PROGRAM: Final = Path(__file__).parent / "node" / "provider.mjs"
_CALLBACK: Final = "http://127.0.0.1:9401/cb"
_ROUNDS: Final = 3


def compare(url: str, server_pid: int, deployment: Deployment, *, seconds: int, folder: Path, port: int) -> dict[str, Any]:
    """Server CPU milliseconds and rates of both for each load, and ``ratio``: theirs by ours, CPU time; ``rate_ratio``: ours by theirs.

    ``url``, ``server_pid``: our server, with one worker. Or only ``skipped``: why there is no comparison.
    """
    node, parts = shutil.which("node"), fetched_package(*PACKAGE)
    if node is None or parts is None:
        reason = "node is not installed" if node is None else f"npm cannot fetch {' '.join(PACKAGE)}"
        print(f"  no comparison with oidc-provider: {reason}", flush=True)
        return {"skipped": reason}
    with _served(node, parts, folder, port) as (their_url, their_pid, secret):
        by_wrk = partial(http_load.measure, seconds=seconds, folder=folder)
        as_party = partial(people_load.measure_one, seconds=seconds)
        bearer, kept = http_load.token(url, deployment), _their_token(their_url, secret)
        our_party, their_party = people_load.our_provider(deployment), _their_party(secret)
        machine, looker = _basic("machine", secret), _basic("looker", secret)
        loads: dict[str, tuple[Load, Load]] = {
            "token": (
                partial(by_wrk, url, server_pid, http_load.token_request(deployment)),
                partial(by_wrk, their_url, their_pid, _form(machine, "/token", "grant_type=client_credentials")),
            ),
            "introspection": (
                partial(by_wrk, url, server_pid, http_load.introspection_request(deployment, bearer)),
                partial(by_wrk, their_url, their_pid, _form(looker, "/token/introspection", f"token={kept}")),
            ),
            **{
                name: (partial(as_party, name, url, server_pid, our_party), partial(as_party, name, their_url, their_pid, their_party))
                for name in ("code_flow", "refresh")
            },
        }
        results: dict[str, Any] = {"package": " ".join(PACKAGE)}
        for name, (our_load, their_load) in loads.items():
            rounds = [(our_load(), their_load()) for _ in range(_ROUNDS)]
            results[name] = _figures(rounds)
            print(f"  against oidc-provider, {name}: {results[name]}", flush=True)
    return results


def _figures(rounds: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, float]:
    cpu, rate = ([[each[side][key] for each in rounds] for side in (0, 1)] for key in ("server_cpu_ms", "per_second"))
    our_cpu, their_cpu, our_rate, their_rate = (statistics.median(each) for each in (*cpu, *rate))
    return {
        "our_cpu_ms": our_cpu,
        "their_cpu_ms": their_cpu,
        "ratio": round(their_cpu / our_cpu, 2),
        "our_per_second": our_rate,
        "their_per_second": their_rate,
        "rate_ratio": round(our_rate / their_rate, 2),
    }


@contextmanager
def _served(node: str, parts: Path, folder: Path, port: int) -> Iterator[tuple[str, int, str]]:
    secret = secrets.token_urlsafe(32)
    environment = {"YINXIN_NODE_PARTS": str(parts), "PATH": os.environ["PATH"], "NODE_ENV": "production"}
    with (
        (folder / "oidc-provider.log").open("wb") as log,
        subprocess.Popen(
            [node, str(_PROGRAM), str(port), _CALLBACK, secret], stdout=subprocess.PIPE, stderr=log, env=environment
        ) as server,
    ):
        try:
            if server.stdout is None or b"listening" not in server.stdout.readline():
                raise SystemExit(f"oidc-provider did not start:\n{(folder / 'oidc-provider.log').read_text(encoding='utf-8')[-2000:]}")
            yield f"http://127.0.0.1:{port}", server.pid, secret
        finally:
            server.terminate()


def _basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def _form(authorization: str, path: str, body: str) -> Request:
    return Request(path, {"Authorization": authorization, "Content-Type": FORM}, body.encode())


def _their_token(url: str, secret: str) -> str:
    answer = httpx.post(f"{url}/token", data={"grant_type": "client_credentials"}, auth=("looker", secret), timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _their_party(secret: str) -> people_load.Provider:
    return people_load.Provider("/auth", "/token", "/me", "party", secret, _CALLBACK, _their_page)


def _their_page(page: str) -> tuple[str, dict[str, str]] | None:
    """Its pages for development: who, then yes."""
    action = re.search(r'<form[^>]* action="([^"]+)"', page)
    if action is None:
        return None
    path = "/" + action[1].split("/", 3)[3]
    return path, {"prompt": "login", "login": "u-1", "password": "any"} if 'name="login"' in page else {"prompt": "consent"}
