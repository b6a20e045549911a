"""The API as pages call it: what does not answer, or answers nonsense, is a problem told to the person and no fault."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

import yinxin.console.service
from service_kit.problem_catalogue import text_of
from yinxin.console.api_calls import ApiCalls, ApiProblem, problem_in


def test_an_api_that_does_not_answer_is_a_problem_not_a_fault() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async def token() -> str:
        return "t"

    calls = ApiCalls(httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://api"), token, "zh", "req-12345678")
    with pytest.raises(ApiProblem) as told:
        asyncio.run(calls.get("/v1/me"))
    assert (told.value.status, told.value.code) == (503, "API_UNREACHABLE")

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer t"
        return httpx.Response(200, content=b"{", headers={"content-type": "application/json"})

    calls = ApiCalls(httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://api"), token, "en")
    read = asyncio.run(calls.put("/v1/x", json={}, if_match='"1"', idempotency_key="k"))
    assert (read.body, read.etag) == (None, "*")
    assert asyncio.run(calls.patch("/v1/x", json={})).status == 200
    assert asyncio.run(calls.delete("/v1/x", params={"a": [1]})).status == 200
    problem = problem_in(httpx.Response(502, content=b"bad gateway", headers={"content-type": "text/html"}))
    assert (problem.code, problem.title) == ("HTTP_502", "Bad Gateway")


def test_every_problem_of_the_pages_has_a_page_of_its_own() -> None:
    """An alert names its code with a link there."""
    sources = Path(str(yinxin.console.service.__file__)).parent.glob("*.py")
    codes = {code for source in sources for code in re.findall(r'ApiProblem\(\w+, "([A-Z_]+)"', source.read_text(encoding="utf-8"))}
    assert {"HOLDER_UNKNOWN", "LICENCE_ISSUER_KNOWN", "LICENCE_SHARING_KNOWN"} <= codes
    assert [code for code in sorted(codes) if text_of(code) is None] == []
