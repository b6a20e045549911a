"""Chromium without a window, driven over the pipe of its DevTools protocol: messages are JSON, a zero byte after each. Nothing but the
standard library is needed, and no port is opened.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from typing import TYPE_CHECKING, Any

from tests.optional import need_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-default-browser-check",
    "--remote-debugging-pipe",
)
WAIT_SECONDS = 30.0
READ_BYTES = 65_536
DOMAINS = ("Page", "Runtime", "Log", "Network", "Audits")
COMPLAINTS = frozenset({"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"})


class Chromium:
    """One browser with one page. ``complaints``: what its console said, script errors and violated policies; ``asked``: every address it
    asked for.
    """

    def __init__(self, folder: Path, *, language: str = "en") -> None:
        self.complaints: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self._events: list[str] = []
        self._count = 0
        self._rest = b""
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        program = [need_program("chromium"), *ARGUMENTS, f"--lang={language}", f"--user-data-dir={folder}", "about:blank"]
        put_pipes = f'exec "$@" 3</dev/fd/{to_read} 4>/dev/fd/{to_write}'  # where Chromium reads and writes
        self._process = subprocess.Popen(
            ["sh", "-c", put_pipes, "sh", *program],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._session: str | None = None

    def __enter__(self) -> Chromium:
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in DOMAINS:
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._write)  # it ends when nobody speaks to it any more
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer; what happens meanwhile is noted."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            came = self._next()
            if came.get("id") == self._count:
                assert "error" not in came, (method, came["error"])
                return dict(came["result"])

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "Chromium says nothing"
            part = os.read(self._read, READ_BYTES)
            assert part, "Chromium has ended"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        came: dict[str, Any] = json.loads(text)
        method, given = came.get("method", ""), came.get("params", {})
        if method in COMPLAINTS:
            self.complaints.append(given)
        elif method == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])
        if method:
            self._events.append(method)
        return came

    def _until_loaded(self, act: Callable[[], object]) -> None:
        """Do something that leads to another page, and wait until that has loaded."""
        self._events.clear()
        act()
        while "Page.loadEventFired" not in self._events:
            self._next()

    def go(self, address: str) -> None:
        self._until_loaded(lambda: self.call("Page.navigate", url=address))

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def submit(self, form: str, **fields: str) -> None:
        """Fill in the form that a selector names and press its button; ends with the page it leads to."""
        steps = [f"form.elements[{json.dumps(name)}].value = {json.dumps(value)};" for name, value in fields.items()]
        press = "form.querySelector('button:not([type=button])').click()"
        self._until_loaded(lambda: self.run(f"{{const form = document.querySelector({json.dumps(form)}); {' '.join(steps)} {press}}}"))

    @property
    def text(self) -> str:
        return str(self.run("document.body.innerText"))

    @property
    def at(self) -> str:
        return str(self.run("location.href"))
