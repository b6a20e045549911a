"""The frame: limits before reading, an answer to everything, nothing told that should not be."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import Body, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from service_kit.metrics import Metrics
from service_kit.settings import Limits
from service_kit.structured_logs import request_id_now
from service_kit.web import SECURITY_HEADERS, UNLOGGED, WebFrame
from service_kit.web_errors import install_problem_answers
from standards.errors import Kind, TrustError

LIMITS = Limits(body_bytes=1000, header_count=12, header_bytes=2000, request_seconds=0.2)


class Client:
    """Sends requests to an ASGI application in this process."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


class Served:
    """A frame around a small application, with what it logged and counted."""

    def __init__(self, application: Any, **options: Any) -> None:
        self.metrics = Metrics()
        self.access = io.BytesIO()
        self.client = Client(WebFrame(application, LIMITS, self.metrics, write_access=self.access.write, **options))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.access.getvalue().splitlines()]


def make_application() -> FastAPI:
    application = FastAPI()
    install_problem_answers(application)

    @application.get("/fine")
    async def fine() -> dict[str, str]:
        return {"request_id": request_id_now.get()}

    @application.get("/often")
    async def often(request: Request, status: int) -> Response:
        setattr(request.state, UNLOGGED, True)
        return Response(status_code=status)

    @application.post("/choose")
    async def choose(
        form: Annotated[Literal["pdf", "ofd"], Body()],
        name: Annotated[str, Body(min_length=1, max_length=5)],
        often: Annotated[int, Body(ge=1, le=9)],
    ) -> str:
        return form + name * often

    @application.post("/echo")
    async def echo(data: Annotated[dict[str, int], Body()]) -> dict[str, int]:
        return data

    @application.post("/read")
    async def read(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @application.get("/refused")
    async def refused() -> None:
        raise TrustError(Kind.CONFLICT, "SOMETHING", found=1)

    @application.get("/broken")
    async def broken() -> None:
        raise ValueError("canary-secret")

    @application.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(5)

    @application.get("/page")
    async def page() -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Content-Security-Policy": "script-src 'self'"})

    return application


@pytest.fixture
def served() -> Served:
    return Served(make_application())


def test_an_answer_carries_id_and_security_headers(served: Served) -> None:
    answer = served.client.get("/fine")
    assert answer.status_code == 200
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    for name, value in SECURITY_HEADERS:
        assert answer.headers[name.decode()] == value.decode()
    assert "strict-transport-security" not in answer.headers
    other = served.client.get("/fine")
    assert other.headers["x-request-id"] != answer.headers["x-request-id"]


def test_https_is_insisted_on_where_it_is_used() -> None:
    assert "max-age" in Served(make_application(), secure=True).client.get("/fine").headers["strict-transport-security"]


def test_a_page_may_state_its_own_policy(served: Served) -> None:
    answer = served.client.get("/page")
    assert answer.headers.get_list("content-security-policy") == ["script-src 'self'"]
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-DEF_123456", True), ("short", False), ("x" * 65, False), ("a b c d e f", False), ("<script>1234", False)]
)
def test_a_request_id_of_the_caller_is_kept_if_it_is_one(served: Served, given: str, kept: bool) -> None:
    answer = served.client.get("/fine", headers={"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) is kept


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/refused", 409, "SOMETHING"),
        ("GET", "/nowhere", 404, "ROUTE_UNKNOWN"),
        ("PUT", "/fine", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/slow", 503, "REQUEST_TIMEOUT"),
    ],
)
def test_every_error_is_a_problem_document(served: Served, method: str, path: str, status: int, code: str) -> None:
    answer = served.client.request(method, path, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert (body["code"], body["status"], body["request_id"]) == (code, status, answer.headers["x-request-id"])
    assert answer.headers["content-language"] == "en"


def test_the_method_that_would_be_right_is_named(served: Served) -> None:
    assert served.client.request("PUT", "/fine").headers["allow"] == "GET"


def test_what_is_wrong_in_a_body_is_named_without_the_body(served: Served) -> None:
    answer = served.client.post("/echo", json={"a": "canary-secret"})
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    assert answer.json()["violations"] == [{"at": "body.a", "rule": "int_parsing"}]
    assert "canary" not in answer.text
    answer = served.client.post("/echo", content=b"{canary", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "REQUEST_MALFORMED")
    assert "canary" not in answer.text


def test_what_a_rule_allows_is_said(served: Served) -> None:
    answer = served.client.post("/choose", json={"form": "canary", "name": "canary-canary", "often": 4711})
    assert answer.json()["violations"] == [
        {"at": "body.form", "rule": "literal_error", "expected": "'pdf' or 'ofd'"},
        {"at": "body.name", "rule": "string_too_long", "expected": "max_length 5"},
        {"at": "body.often", "rule": "less_than_equal", "expected": "le 9"},
    ]
    assert "canary" not in answer.text
    assert "4711" not in answer.text


def test_an_unknown_error_is_told_to_the_log_only(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "yinxin.errors"):
        answer = served.client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "canary" not in answer.text
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "canary-secret" in str(record.exc_info[1])


def test_a_caller_who_hangs_up_is_no_failure_of_ours(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Anybody can hang up in the middle of a body: that is neither an error with a trace in the log nor a 500 in the counts."""

    async def hang_up() -> None:
        messages: list[dict[str, Any]] = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            return

        scope = {"type": "http", "method": "POST", "path": "/read", "raw_path": b"/read", "query_string": b"", "headers": []}
        await served.client.application({**scope, "client": ("198.51.100.7", 1), "server": ("x", 80), "scheme": "http"}, receive, send)

    with caplog.at_level(logging.WARNING):
        asyncio.run(hang_up())
    assert caplog.records == []
    assert served.lines()[0]["status"] == 499
    assert 'status="499"' in served.metrics.text()
    assert 'status="500"' not in served.metrics.text()


def test_a_body_that_says_it_is_too_large_is_not_read(served: Served) -> None:
    answer = served.client.post("/echo", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (413, "BODY_TOO_LARGE", "close")
    assert served.lines()[-1]["received"] == 0


def test_a_body_that_hides_its_size_is_cut_off(served: Served) -> None:
    async def trickle() -> Any:
        for _ in range(20):
            yield b'"' + b"x" * 98 + b'"'

    answer = served.client.post("/echo", content=trickle(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


def test_a_time_limit_of_others_is_not_ours() -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise TimeoutError("canary")

    assert Served(application).client.get("/x").json()["code"] == "INTERNAL"


@pytest.mark.parametrize("length", ["-1", "1e3", "", "x", "9" * 16, "1,1"])
def test_lengths_that_are_none(served: Served, length: str) -> None:
    status, body = asyncio.run(raw(served, [(b"content-length", length.encode())]))
    assert (status, body["code"]) == (400, "HEADERS_MALFORMED")


@pytest.mark.parametrize("headers", [[(b"x", b"y")] * 13, [(b"x", b"y" * 2001)]])
def test_too_many_or_too_long_headers(served: Served, headers: list[tuple[bytes, bytes]]) -> None:
    status, body = asyncio.run(raw(served, headers))
    assert (status, body["code"]) == (431, "HEADERS_TOO_LARGE")


async def raw(served: Served, headers: list[tuple[bytes, bytes]], application: Any = None) -> tuple[int, dict[str, Any]]:
    """One request as a server would hand it over."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    frame = application or served.client.application
    await frame({"type": "http", "method": "GET", "path": "/fine", "headers": headers, "client": None}, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]) or b"null")


def test_an_error_outside_every_route_is_answered() -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AWAY")

    answer = Served(application).client.get("/x")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "AWAY", "1")


def test_an_error_after_the_answer_began_is_not_a_second_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half"})
        raise ValueError("late")

    frame = Served(application)
    status, _ = asyncio.run(late(frame))
    assert status == 200
    assert "request failed" in caplog.text


async def late(frame: Served) -> tuple[int, Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await frame.client.application({"type": "http", "method": "GET", "path": "/", "headers": []}, lambda: None, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return sent[0]["status"], None


def test_the_access_log_says_little_and_the_metrics_count(served: Served) -> None:
    served.client.get("/fine?access_token=canary-secret", headers={"Authorization": "Bearer canary-secret", "Cookie": "canary-secret"})
    served.client.post("/echo", json={"a": 1})
    served.client.request("BREW", "/nowhere%0A%22")
    first, second, third = served.lines()
    assert "canary" not in served.access.getvalue().decode()
    assert (first["method"], first["path"], first["status"], first["received"]) == ("GET", "/fine", 200, 0)
    assert second["received"] == len(b'{"a":1}')
    assert (third["method"], third["path"]) == ("BREW", '/nowhere\n"')
    text = served.metrics.text()
    assert 'http_requests_total{method="GET",status="200"} 1' in text
    assert 'http_requests_total{method="other",status="404"} 1' in text
    assert 'http_request_seconds_count{method="POST"} 1' in text


def test_what_every_open_page_asks_writes_no_line_while_nothing_has_changed(served: Served) -> None:
    for status in (304, 200, 304):
        served.client.get(f"/often?status={status}")
    assert [line["status"] for line in served.lines()] == [200]
    assert 'http_requests_total{method="GET",status="304"} 2' in served.metrics.text()


def test_it_works_without_log_and_metrics() -> None:
    assert Client(WebFrame(make_application(), LIMITS)).get("/fine").status_code == 200


def test_what_is_no_request_is_handed_on() -> None:
    seen: list[str] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    nothing: Any = None
    asyncio.run(WebFrame(application, LIMITS)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]
