"""The API as pages call it: what does not answer, or answers nonsense, is a problem told to the person and no fault."""

from __future__ import annotations

import asyncio

import httpx
import pytest

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
