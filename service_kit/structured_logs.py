"""Logs as JSON lines on standard error, without secrets.

One line is one object: time (UTC), level, logger, message, request id, facts. A message is constant text; what varies goes into
``extra={"facts": {...}}``. Bodies of requests and documents are never logged. As a second line of defence, values are hidden by the
name of their field and by their look.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN: Final = "[hidden]"
VALUE_CHARACTERS: Final = 500
FACTS: Final = 40
request_id_now: ContextVar[str] = ContextVar("request_id_now", default="")

_SECRET_NAME: Final = re.compile(
    r"authorization|cookie|password|passphrase|passwd|secret|token(?!_id|_type)|private|mac_key|api_?key|master_?key|pepper|credential|assertion"
    r"|database_url|seed|\bpin\b|\bd\b",
    re.IGNORECASE,
)
_SECRET_LOOK: Final = re.compile(
    r"(?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*)"
    r"|(?P<bearer>(?:bearer|basic)\s+[A-Za-z0-9+/_.~=-]{8,})"
    r"|(?P<pem>-----BEGIN[A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END[A-Z ]*PRIVATE KEY-----|$))"
    r"|(?P<url>(?<=://)[^/\s:@]+:[^/\s@]+(?=@))"
    r"|(?P<parameter>(?<=[?&;\s])(?:client_secret|password|access_token|refresh_token|code|client_assertion)=[^&\s]+)",
    re.IGNORECASE,
)
_OWN_ATTRIBUTES: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "facts"}


def without_secrets(text: str) -> str:
    """The text with everything hidden that looks like a token, a password or a private key."""
    return _SECRET_LOOK.sub(HIDDEN, text)


def redacted(value: Any, name: str = "", depth: int = 0) -> Any:
    """A value fit for a log: hidden by its field's name or look, shortened, bytes as their length only."""
    if name and _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and depth < 3:
        return {str(k): redacted(v, str(k), depth + 1) for k, v in list(value.items())[:FACTS]}
    if isinstance(value, list | tuple) and depth < 3:
        return [redacted(v, "", depth + 1) for v in value[:FACTS]]
    return without_secrets(str(value))[:VALUE_CHARACTERS]


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One object without line breaks."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:23] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage())[: 4 * VALUE_CHARACTERS],
        }
        if request_id := request_id_now.get():
            line["request_id"] = request_id
        facts = record.__dict__.get("facts")
        if isinstance(facts, dict):
            line["facts"] = redacted(facts)
        for name, value in record.__dict__.items():
            if name not in _OWN_ATTRIBUTES and name != "color_message":
                line[name] = redacted(value, name)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def start_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging of this process to ``stream`` (standard error) as JSON lines. Calling it again replaces the former set-up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for former in list(root.handlers):
        if isinstance(former.formatter, JsonLines):
            root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"  # we write our own access log, without query strings


def write_line(line: bytes) -> None:
    """Write finished lines to standard error: the access log's way, a tenth of the cost of a log record."""
    os.write(2, line)


class LinesOfTurn:
    """What one turn of the event loop adds is written at its end, together: each call of the system lets go of the interpreter, and under load
    whoever lets go of it waits to have it back. No call writes more than a pipe takes whole, so that the lines of several processes stay apart.

    Only for the thread of one event loop.
    """

    def __init__(self, write: Callable[[bytes], object] = write_line) -> None:
        self._write = write
        self._lines: list[bytes] = []

    def add(self, line: bytes) -> None:
        """One finished line with its newline."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write_all)
        self._lines.append(line)

    def _write_all(self) -> None:
        lines, self._lines = self._lines, []
        together = b""
        for line in lines:
            if together and len(together) + len(line) > PIPE_BUF:
                self._write(together)
                together = b""
            together += line
        self._write(together)
