"""Multipart bodies: exactly what was asked for, within limits, whatever the chunks."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from service_kit.multipart import FilePart, Form, read_form
from standards.errors import Kind, TrustError

BOUNDARY = "xxBOUNDARYxx"


def encoded(*, data: dict[str, str] | None = None, files: dict[str, tuple[str, bytes]] | None = None) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://localhost/", data=data or {}, files=files or {"document": ("a.pdf", b"%PDF-")})
    return request.read(), request.headers["content-type"]


def read(body: bytes, content_type: str, *, chunk: int = 65536, **limits: int) -> Form:
    chunks = [body[start : start + chunk] for start in range(0, len(body), chunk)]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": chunks.pop(0) if chunks else b"", "more_body": bool(chunks)}

    request = Request({"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}, receive)
    options: dict[str, Any] = {"file_bytes_max": 1000, "field_bytes_max": 50, **limits}
    return asyncio.run(read_form(request, files={"document"}, fields={"reason", "placement"}, **options))


def refused(body: bytes, content_type: str, **limits: int) -> TrustError:
    with pytest.raises(TrustError) as error:
        read(body, content_type, **limits)
    return error.value


def part(disposition: str, value: bytes, *, more: str = "") -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode() + value + b"\r\n"


TYPE = f"multipart/form-data; boundary={BOUNDARY}"
END = f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("chunk", [1, 7, 65536])
def test_fields_and_file_arrive_whatever_the_chunks(chunk: int) -> None:
    content = bytes(range(256)) * 3
    body, kind = encoded(data={"reason": "办结", "placement": "{}"}, files={"document": ("通知书.pdf", content)})
    form = read(body, kind, chunk=chunk)
    assert form.fields == {"reason": "办结", "placement": "{}"}
    assert form.files == {"document": FilePart("通知书.pdf", content)}


def test_parts_are_counted_where_names_do_not_limit_them() -> None:
    body = part('form-data; name="reason"', b"x") + part('form-data; name="placement"', b"{}") + END
    assert read(body, TYPE, parts_max=2).fields == {"reason": "x", "placement": "{}"}
    assert refused(body, TYPE, parts_max=1).code == "MULTIPART_MALFORMED"


def test_no_multipart_is_named() -> None:
    for kind in ("application/json", "", "multipart/form-data", "multipart/mixed; boundary=x"):
        assert refused(b"{}", kind).code == "MULTIPART_EXPECTED"
    assert refused(b"", "multipart/form-data; boundary=" + "x" * 71).code == "MULTIPART_MALFORMED"


def test_the_file_is_counted_while_it_arrives() -> None:
    body, kind = encoded(files={"document": ("a", b"x" * 1001)})
    error = refused(body, kind)
    assert (error.kind, error.code, error.facts["limit_bytes"]) == (Kind.TOO_LARGE, "FILE_TOO_LARGE", 1000)
    assert read(body, kind, file_bytes_max=1001).files["document"].content == b"x" * 1001


def test_a_field_is_counted_too() -> None:
    body, kind = encoded(data={"reason": "x" * 51})
    assert refused(body, kind).code == "FIELD_TOO_LONG"


def test_unknown_and_repeated_parts_are_refused() -> None:
    body, kind = encoded(data={"state": "active"})
    assert refused(body, kind).code == "FIELD_UNKNOWN"
    twice = part('form-data; name="reason"', b"a") + part('form-data; name="reason"', b"b") + END
    assert refused(twice, TYPE).code == "FIELD_REPEATED"
    as_field = part('form-data; name="document"', b"a") + END
    assert refused(as_field, TYPE).code == "FIELD_UNKNOWN"
    as_file = part('form-data; name="reason"; filename="x"', b"a") + END
    assert refused(as_file, TYPE).code == "FIELD_UNKNOWN"


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        part('form-data; name="reason"', b"never ends"),
        part("form-data", b"no name") + END,
        part('attachment; name="reason"', b"a") + END,
        part('form-data; name="reason"', b"a", more="X: " + "y" * 5000 + "\r\n") + END,
        b"",
    ],
)
def test_malformed_bodies(body: bytes) -> None:
    assert refused(body, TYPE).code == "MULTIPART_MALFORMED"


def test_text_is_unicode() -> None:
    assert refused(part('form-data; name="reason"', b"\xff\xfe") + END, TYPE).code == "TEXT_NOT_UNICODE"
