"""The verifying page: three files, sent to everyone, that let nothing in from elsewhere; Node runs its script in ``tests/interop``."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from licence_vault.pages.verify_page import PAGE_PATH, add_verify_page


def test_the_page_is_whole_and_closed() -> None:
    app = FastAPI()
    add_verify_page(app.router)

    async def fetch() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
            return [await http.get(PAGE_PATH + ending) for ending in ("", "/verify.js", "/verify.css")]

    page, script, style = asyncio.run(fetch())
    kinds = [answer.headers["content-type"].partition(";")[0] for answer in (page, script, style)]
    assert kinds == ["text/html", "text/javascript", "text/css"]
    for answer in (page, script, style):
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert f'src="{PAGE_PATH}/verify.js"' in page.text
    assert f'href="{PAGE_PATH}/verify.css"' in page.text
    assert "http" not in page.text  # nothing from elsewhere
    assert "innerHTML" not in script.text
