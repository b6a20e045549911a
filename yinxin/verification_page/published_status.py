"""``GET /v/status``: whether anything that is published of seals, licences or certificates has changed. Open pages ask it every second.

The answer is one short line, the same for everyone, with an ETag. However many pages are open, the database is asked at most four times a
second in each process, by a reader, so that writing is not held up; between that the answer is given from memory.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from starlette.responses import Response

from licence_vault.status.editions import newest_signed_number
from licence_vault.status.register import list_numbers
from seal_service.actions.publish_status import published_number
from service_kit.composition import public
from service_kit.web import UNLOGGED
from yinxin.pki.authorities import ISSUING, ROOT
from yinxin.pki.store import newest_list_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from service_kit.composition import ServiceContext

PATH: Final = "/v/status"
FRESH_SECONDS: Final = 0.25  # how long an answer is given again; with a page's second it leaves time enough to fetch and verify within two


class PublishedStatus:
    """The version of what is published, as this process last read it. ``now``: monotonic seconds."""

    def __init__(self, context: ServiceContext, *, has_seals: bool, has_licences: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._has_seals = has_seals
        self._has_licences = has_licences
        self._now = now
        self._version = ""
        self._read_at = -FRESH_SECONDS
        self._reading: asyncio.Task[None] | None = None

    def read(self) -> str:
        """The version in the database: who reads the same one reads the same lists."""
        parts: list[object] = []
        with self._context.database.read() as connection:
            if self._has_seals:
                parts.append(published_number(connection))
            if self._has_licences:
                parts += [newest_signed_number(connection, number) for number in list_numbers(connection)]
            parts += [newest_list_number(connection, issuer) or 0 for issuer in (ROOT, ISSUING)]
        return ".".join(map(str, parts))

    async def current(self) -> str:
        """The version, at most FRESH_SECONDS old; all who ask meanwhile wait for the same look into the database."""
        if self._now() - self._read_at >= FRESH_SECONDS:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._look())
            await asyncio.shield(self._reading)
        return self._version

    async def _look(self) -> None:
        began = self._now()
        try:
            self._version = await anyio.to_thread.run_sync(self.read)
            self._read_at = began
        finally:
            self._reading = None


def status_endpoint(published: PublishedStatus) -> Any:
    """The endpoint of the hot route."""

    @public("a number that changes when a published list changes; it says nothing of any seal or licence")
    async def read_version(request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:  # hot routes are found by their path alone
            return Response(status_code=405, headers={"allow": "GET"})
        version = await published.current()
        tag = f'"{version}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        setattr(request.state, UNLOGGED, True)
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(f'{{"version":"{version}"}}', media_type="application/json", headers=headers)

    return read_version


def openapi_paths() -> dict[str, object]:
    """The description of the route."""
    return {
        PATH: {
            "get": {
                "operationId": "read_published_version",
                "summary": "Has anything published changed?",
                "description": "Changes within a second whenever a seal's status, a licence's status list or a revocation list changes. "
                "Send the ETag back in If-None-Match: 304 while nothing has.",
                "tags": ["verification"],
                "security": [],
                "responses": {
                    "200": {
                        "description": "The version.",
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}},
                                "example": {"version": "12.3.1.1"},
                            }
                        },
                    },
                    "304": {"description": "Unchanged since the ETag in If-None-Match."},
                },
            }
        }
    }
