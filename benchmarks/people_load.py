"""Signing people in under load: the whole code flow of a browser that has a session, and refreshing, over real HTTP, durable and audited.

Each connection is a browser and a client of its own: what one answer says (a code, the next refresh token) is what the next request sends,
which ``wrk`` cannot do. Server CPU time is counted as in ``http_load``; the rate is bounded by this load generator, which is Python too.
"""

from __future__ import annotations

import base64
import hashlib
import html
import http.client
import json
import re
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.http_load import FORM
from benchmarks.machine import tree_cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.http_load import Deployment

CONNECTIONS: Final = 8
_WARM_UP: Final = 20  # rounds of each connection that do not count


@dataclass(frozen=True)
class Provider:
    """Where an identity provider is asked what, for whom, and what a person puts into its pages. ``answer_page``: the page -> where its form
    goes, and the form; None for a page that asks nothing.
    """

    authorize: str
    token: str
    userinfo: str
    client_id: str
    client_secret: str
    redirect_uri: str
    answer_page: Callable[[str], tuple[str, dict[str, str]] | None]


def our_provider(deployment: Deployment) -> Provider:
    """Ours, for the person and the client of the demonstration."""
    facts = {name: str(value) for name, value in deployment.facts.items()}
    answers = {
        "password": {"login": facts["demo_user"], "password": facts["demo_password"]},
        "acting": {"acting_for": ""},
        "consent": dict[str, str](),
    }

    def answer_page(page: str) -> tuple[str, dict[str, str]] | None:
        action = next((each for each in re.findall(r'action="([^"]+)"', page) if each.rpartition("/")[2] in answers), "")
        form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
        hidden = {name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]+)"', form)}
        return None if not action or "csrf" not in hidden else (action, {**hidden, **answers[action.rpartition("/")[2]]})

    client = facts["rp_client_id"], facts["rp_client_secret"], facts["rp_redirect_uri"]
    return Provider("/authorize", "/oauth2/token", "/oauth2/userinfo", *client, answer_page)


class RelyingParty:
    """One kept connection, one browser with a session, one client."""

    def __init__(self, url: str, provider: Provider) -> None:
        self._provider = provider
        self._origin = url
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self._cookies: dict[str, str] = {}
        self._basic = "Basic " + base64.b64encode(f"{provider.client_id}:{provider.client_secret}".encode()).decode()
        self._refresh_token = ""
        self._sign_in()
        self.flow()

    def _send(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, bytes]:
        sent = headers or {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            sent["content-type"] = FORM
        self._connection.request(method, path, None if form is None else urlencode(form), sent)
        answer = self._connection.getresponse()
        body = answer.read()
        for line in answer.headers.get_all("set-cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get("location", "").removeprefix(self._origin), body

    def _authorize(self) -> tuple[str, str]:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": self._provider.client_id,
            "redirect_uri": self._provider.redirect_uri,
            "response_type": "code",
            "scope": "openid profile",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._provider.authorize}?{urlencode(query)}", verifier

    def _sign_in(self) -> None:
        """Through the pages, whichever come: name and password, for whom, yes."""
        path, _ = self._authorize()
        method, form = "GET", None
        for _ in range(20):
            status, location, body = self._send(method, path, form)
            if location.startswith(self._provider.redirect_uri):
                return
            method, form = "GET", None
            if status in {302, 303}:
                path = location
                continue
            answer = self._provider.answer_page(body.decode())
            if answer is None:
                break
            method, (path, form) = "POST", answer
        raise SystemExit(f"the person cannot sign in: {status} {body[:2000]!r}")

    def _token(self, **form: str) -> dict[str, Any]:
        status, _, body = self._send("POST", self._provider.token, form, authorization=self._basic)
        if status != 200:
            raise SystemExit(f"no tokens: {status} {body!r}")
        answer: dict[str, Any] = json.loads(body)
        self._refresh_token = answer["refresh_token"]
        return answer

    def flow(self) -> None:
        """Authorize with the session, redeem the code, ask who it is."""
        path, verifier = self._authorize()
        status, location, body = self._send("GET", path)
        code = parse_qs(urlsplit(location).query).get("code")
        if code is None:
            raise SystemExit(f"no code: {status} {location} {body[:2000]!r}")
        answer = self._token(
            grant_type="authorization_code", code=code[0], redirect_uri=self._provider.redirect_uri, code_verifier=verifier
        )
        status, _, body = self._send("GET", self._provider.userinfo, authorization=f"Bearer {answer['access_token']}")
        if status != 200 or "sub" not in json.loads(body):
            raise SystemExit(f"no claims: {status} {body!r}")

    def refresh(self) -> None:
        """The next tokens for the newest refresh token."""
        self._token(grant_type="refresh_token", refresh_token=self._refresh_token)


def measure_people(url: str, server_pid: int, deployment: Deployment, *, seconds: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds of the server per code flow and per refresh, and how many per second under CONNECTIONS connections."""
    provider = our_provider(deployment)
    return {name: measure_one(name, url, server_pid, provider, seconds=seconds) for name in _WORKS}


def measure_one(name: str, url: str, server_pid: int, provider: Provider, *, seconds: int) -> dict[str, float]:
    """One of them, at any provider."""
    parties = [RelyingParty(url, provider) for _ in range(CONNECTIONS)]
    return _measure(parties, _WORKS[name], server_pid, seconds)


_WORKS: Final[dict[str, Callable[[RelyingParty], None]]] = {"code_flow": RelyingParty.flow, "refresh": RelyingParty.refresh}


def _measure(parties: list[RelyingParty], work: Callable[[RelyingParty], None], server_pid: int, seconds: int) -> dict[str, float]:
    is_over = threading.Event()

    def repeat(party: RelyingParty) -> list[float]:
        times = []
        while not is_over.is_set():
            begin = time.perf_counter()
            work(party)
            times.append(time.perf_counter() - begin)
        return times

    def warm_up(party: RelyingParty) -> None:
        for _ in range(_WARM_UP):
            work(party)

    with ThreadPoolExecutor(len(parties)) as pool:
        list(pool.map(warm_up, parties))
        cpu = tree_cpu_seconds(server_pid)
        begin = time.perf_counter()
        running = [pool.submit(repeat, party) for party in parties]
        time.sleep(seconds)
        is_over.set()
        times = sorted(each for future in running for each in future.result())
        took = time.perf_counter() - begin
        cpu = tree_cpu_seconds(server_pid) - cpu
    return {
        "requests": len(times),
        "server_cpu_ms": round(cpu * 1000 / len(times), 3),
        "per_second": round(len(times) / took, 2),
        "p50_ms": round(times[len(times) // 2] * 1000, 3),
        "p99_ms": round(times[len(times) * 99 // 100] * 1000, 3),
    }
