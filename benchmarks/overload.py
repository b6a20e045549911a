"""More than the server can do: what does not fit is refused at once and told when to come back, what was let in is finished, nothing is lost.

Three loads from one event loop on loopback: passwords by more browsers than there are places for them, tokens beyond a client's rate, and PDFs to
be sealed beyond the places for heavy work. Times are those of the whole answer as the caller sees it, and callers share the machine with the
server. Every answer is one that was meant (2xx, 303, 429, 503 with Retry-After), everything acknowledged is in the audit trail, and nothing
that was refused is.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from sqlalchemy import func, select

import idp.service
from benchmarks import http_load, people_scale
from benchmarks.http_load import FORM, Request
from idp.actions.register_client import NewClient, register_client
from service_kit.tables import audit
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from benchmarks.http_load import Deployment
    from service_kit.database import Database

BROWSERS: Final = 120  # of which 34 find a place
CALLERS: Final = 128
SECONDS: Final = 4.0
PAUSE_SECONDS: Final = 0.25  # of a caller that was refused; Retry-After asks for more
PATIENCE_SECONDS: Final = 120.0
TOKENS_PER_MINUTE: Final = 600
_DONE: Final = b'"outcome":"done"'
REFUSALS: Final = frozenset({429, 503})


@dataclass
class _Answer:
    status: int
    seconds: float
    headers: dict[str, str]
    body: bytes


@dataclass
class _Count:
    done: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def take(self, answer: _Answer) -> bool:
        """Whether it was let in. Anything but what was meant ends the run."""
        if answer.status in REFUSALS and "retry-after" in answer.headers:
            self.refused.append(answer.seconds)
            return False
        if answer.status not in {200, 201, 303}:
            raise SystemExit(f"under overload: {answer.status} {answer.body[:500]!r}")
        self.done.append(answer.seconds)
        return True

    def figures(self, recorded: int) -> dict[str, float]:
        """``lost``: acknowledged and not on record, or on record and refused."""
        done, refused = sorted(self.done), sorted(self.refused)
        if not done or not refused:
            raise SystemExit(f"no overload: {len(done)} let in, {len(refused)} refused")
        return {
            "let_in": len(done),
            "refused": len(refused),
            "refusal_p50_ms": round(refused[len(refused) // 2] * 1000, 2),
            "refusal_p99_ms": round(refused[len(refused) * 99 // 100] * 1000, 2),
            "let_in_p99_ms": round(done[len(done) * 99 // 100] * 1000, 1),
            "lost": abs(recorded - len(done)),
        }


class _Caller:
    """One kept connection with its cookies."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._place = parts.hostname, parts.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._cookies: dict[str, str] = {}

    async def send(self, request: Request, method: str = "POST") -> _Answer:
        """One request, on a connection kept open for as long as the server does: it closes where it has refused a body unread."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._place)
        reader, writer = self._streams
        head = {**request.headers, "Host": "bench", "Content-Length": str(len(request.body))}
        if self._cookies:
            head["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        began = time.perf_counter()
        writer.write(f"{method} {request.path} HTTP/1.1\r\n{lines}\r\n".encode() + request.body)
        status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in filter(None, fields):
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                cookie, _, kept = value.partition(";")[0].partition("=")
                self._cookies[cookie] = kept
            headers[name.lower()] = value
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return _Answer(int(status.split(" ", 2)[1]), time.perf_counter() - began, headers, body)

    async def go(self, path: str) -> _Answer:
        """By GET, through every redirection."""
        answer = await self.send(Request(path, {}, b""), "GET")
        return await self.go(answer.headers["location"]) if answer.status == 303 else answer

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def measure(url: str, deployment: Deployment, document: bytes) -> dict[str, dict[str, float]]:
    """Of each load: how many were let in and refused, in what times (milliseconds), and how many were lost."""
    house = open_house(open_deployment(Path(deployment.folder)))
    desk, clients = idp.service.people_desk(house.context), idp.service.client_desk(house.context)
    logins = people_scale.fill(desk, 0, 0)[:BROWSERS]
    desk.pool.close()
    _, secret = register_client(
        clients, NewClient("Many", ("account.read",), client_id="many", tokens_per_minute=TOKENS_PER_MINUTE), actor="benchmark"
    )
    tokens = Request(
        "/oauth2/token",
        {"Content-Type": FORM},
        urlencode({"grant_type": "client_credentials", "client_id": "many", "client_secret": secret}).encode(),
    )
    sealing = http_load.seal_request(deployment, http_load.token(url, deployment), document)
    results = {}
    for name, load, action in (
        ("sign_ins", lambda: _sign_ins(url, logins), "sign-in.show"),
        ("tokens", lambda: _offer(url, tokens), "token.issue"),
        ("sealing", lambda: _offer(url, sealing), "seal.use"),
    ):
        before = _recorded(house.context.database, action)
        count = asyncio.run(load())
        results[name] = count.figures(_recorded(house.context.database, action) - before)
        print(f"  overload, {name}: {results[name]}", flush=True)
    house.close()
    return results


def _recorded(database: Database, action: str) -> int:
    with database.read() as connection:
        return int(
            connection.execute(
                select(func.count()).select_from(audit).where(audit.c.action == action, func.instr(audit.c.entry, _DONE) > 0)
            ).scalar_one()
        )


async def _offer(url: str, request: Request) -> _Count:
    """Every caller asks again and again, with a short pause where it was refused."""
    count, end = _Count(), time.perf_counter() + SECONDS

    async def call() -> None:
        caller = _Caller(url)
        while time.perf_counter() < end:
            if not count.take(await caller.send(request)):
                await asyncio.sleep(PAUSE_SECONDS)
        caller.close()

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return count


async def _sign_ins(url: str, logins: list[str]) -> _Count:
    """All browsers stand at their forms and send them at once; who is refused sends it again, until everyone is in."""
    count = _Count()
    browsers = [_Caller(url) for _ in logins]
    forms = []
    for browser, login in zip(browsers, logins, strict=True):
        page = (await browser.go("/sessions")).body.decode()
        action, token = re.search(r'action="([^"]+/password)"', page), re.search(r'name="csrf" value="([^"]+)"', page)
        if action is None or token is None:
            raise SystemExit(f"no form: {page[:500]}")
        form = {"csrf": token[1], "login": login, "password": people_scale.PASSWORD}
        forms.append(Request(action[1], {"Content-Type": FORM}, urlencode(form).encode()))
    end = time.perf_counter() + PATIENCE_SECONDS

    async def enter(browser: _Caller, form: Request) -> None:
        while not count.take(answer := await browser.send(form)):
            if time.perf_counter() > end:
                raise SystemExit("a browser is not let in")
            await asyncio.sleep(PAUSE_SECONDS)
        inside = await browser.go(answer.headers["location"])
        if inside.status != 200:
            raise SystemExit(f"not inside: {inside.status} {inside.body[:500]!r}")
        browser.close()

    await asyncio.gather(*(enter(browser, form) for browser, form in zip(browsers, forms, strict=True)))
    return count
