"""Logs are lines of JSON and hold no secret, whatever somebody tries to log."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
from select import PIPE_BUF
from typing import TYPE_CHECKING, Any

import pytest

from service_kit.structured_logs import HIDDEN, JsonLines, LinesOfTurn, redacted, request_id_now, start_logging, without_secrets, write_line

if TYPE_CHECKING:
    from collections.abc import Iterator

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
PEM = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LWNhbmFyeS1jYW5hcnk=\n-----END PRIVATE KEY-----"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    found = io.StringIO()
    start_logging("debug", found)
    yield found
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_where_and_what(stream: io.StringIO) -> None:
    token = request_id_now.set("r1")
    logging.getLogger("x").warning("disk almost full", extra={"facts": {"free": 5, "path": "数据"}, "further": 1})
    request_id_now.reset(token)
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "warning", "logger": "x", "message": "disk almost full", "request_id": "r1",
        "facts": {"free": 5, "path": "数据"}, "further": 1,
    }  # fmt: skip


def test_line_breaks_cannot_forge_a_line(stream: io.StringIO) -> None:
    logging.getLogger("x").info('a\n{"level":"info"}')
    assert len(lines(stream)) == 1


@pytest.mark.parametrize(
    "name",
    ["Authorization", "cookie", "set_cookie", "password", "client_secret", "access_token", "private_key", "mac_key", "api_key", "apikey",
     "master_key", "pepper", "client_assertion", "database_url", "d", "pin"],
)  # fmt: skip
def test_fields_are_hidden_by_their_names(name: str) -> None:
    assert redacted({name: "canary"}) == {name: HIDDEN}
    assert redacted({"nested": [{name: "canary"}]}) == {"nested": [{name: HIDDEN}]}


@pytest.mark.parametrize("name", ["token_id", "token_type", "subject", "id", "code", "status"])
def test_fields_that_are_no_secrets_stay(name: str) -> None:
    assert redacted({name: "plain"}) == {name: "plain"}


@pytest.mark.parametrize(
    "text",
    [
        f"token {JWT} refused",
        f"Bearer {JWT}",
        "authorization: Bearer canary-canary-canary",
        "Basic Y2FuYXJ5OmNhbmFyeQ==",
        PEM,
        PEM.replace("PRIVATE", "EC PRIVATE"),
        PEM[:60],
        "postgresql://user:canary@host/db",
        "https://x.example/?client_secret=canary&y=1",
        "grant_type=x; password=canary",
    ],
)
def test_text_is_hidden_by_its_look(text: str, stream: io.StringIO) -> None:
    shown = without_secrets(text)
    assert HIDDEN in shown
    for part in ("canary", "Y2FuYXJ5", "eyJ"):
        assert part not in shown
    logging.getLogger("x").info(text)
    logging.getLogger("x").info("said %s", text)
    assert "canary" not in stream.getvalue()


def test_an_error_s_text_is_searched_too(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot read {PEM}")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines(stream)
    assert line["error"] == "ValueError"
    assert "test_structured_logs" in line["trace"]
    assert "Y2FuYXJ5" not in line["trace"]


def test_values_are_kept_small() -> None:
    assert redacted(b"x" * 10) == "[10 bytes]"
    assert len(redacted("x" * 9999)) == 500
    assert len(redacted(list(range(1000)))) == 40
    assert len(redacted({str(i): i for i in range(1000)})) == 40
    deep: Any = "canary"
    for _ in range(9):
        deep = {"a": deep}
    assert len(str(redacted(deep))) < 600
    assert redacted(None) is None
    assert redacted(1.5) == 1.5


def test_starting_twice_writes_once(stream: io.StringIO) -> None:
    start_logging("info", stream)
    logging.getLogger("x").info("one")
    logging.getLogger("x").debug("none")
    logging.getLogger("uvicorn.access").info("not ours")
    assert [line["message"] for line in lines(stream)] == ["one"]


def test_odd_values_do_not_break_a_line() -> None:
    record = logging.makeLogRecord({"msg": "m", "facts": {"x": {1, 2}}, "levelname": "INFO"})
    assert json.loads(JsonLines().format(record))["facts"]["x"]
    record = logging.makeLogRecord({"msg": "m", "facts": "not a table"})
    assert "facts" not in json.loads(JsonLines().format(record))


def test_the_access_log_goes_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, bytes]] = []
    monkeypatch.setattr(os, "write", lambda descriptor, data: written.append((descriptor, data)))
    write_line(b"{}\n")
    assert written == [(2, b"{}\n")]


def test_lines_of_one_turn_are_written_together_and_in_pieces_that_stay_whole() -> None:
    written: list[bytes] = []
    lines_of_turn = LinesOfTurn(written.append)
    long = [b"%d" % number + b"x" * (PIPE_BUF // 2) + b"\n" for number in range(3)]

    async def serve() -> None:
        lines_of_turn.add(b"a\n")
        lines_of_turn.add(b"b\n")
        assert written == []
        await asyncio.sleep(0)
        assert written == [b"a\nb\n"]
        for line in (*long, b"c\n", b"y" * (2 * PIPE_BUF) + b"\n", b"d\n"):
            lines_of_turn.add(line)
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert written[1:] == [long[0], long[1], long[2] + b"c\n", b"y" * (2 * PIPE_BUF) + b"\n", b"d\n"]


def test_a_line_that_cannot_be_written_stands_in_no_later_ones_way() -> None:
    written: list[bytes] = []

    def write(data: bytes) -> None:
        written.append(data)
        if len(written) == 1:
            raise BrokenPipeError

    lines_of_turn = LinesOfTurn(write)

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        lines_of_turn.add(b"a\n")
        await asyncio.sleep(0)
        lines_of_turn.add(b"b\n")
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert written == [b"a\n", b"b\n"]
