"""Bodies in JSON, read in one place: what readers of JSON read differently is refused.

RFC 8259 4 leaves open what a member that is there twice means. Whoever looks at a request on its way and takes the first would let pass what was done
here with the second.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request

from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response


TYPE_CHARACTERS: Final = 100  # of a foreign media type, in what is told of it


class _JsonRequest(Request):
    """A request whose JSON is read by ``read_json``."""

    async def json(self) -> Any:
        """The body."""
        if not hasattr(self, "_json"):
            try:
                self._json = read_json(await self.body())
            except StrictJsonError as error:  # what the framework answers as a body that is none
                raise json.JSONDecodeError(error.rule, "", error.place) from None
        return self._json


class JsonRoute(APIRoute):
    """A route whose body is read by ``read_json``: of every router with such bodies (``APIRouter(route_class=JsonRoute)``)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What the framework serves it by."""
        handle, reads_body = super().get_route_handler(), self.body_field is not None

        async def handle_json(request: Request) -> Response:
            read = _JsonRequest(request.scope, request.receive)
            if reads_body and not _says_json(request.headers.get("content-type", "")) and await read.body():
                found = request.headers.get("content-type", "")[:TYPE_CHARACTERS]
                raise TrustError(Kind.UNACCEPTABLE, "MEDIA_TYPE_UNSUPPORTED", found=found, expected="application/json")
            try:
                return await handle(read)
            except HTTPException as error:
                if isinstance(error.__cause__, TrustError):  # the framework takes whatever happens while it reads a body for a syntax error
                    raise error.__cause__ from None
                raise

        return handle_json


def _says_json(content_type: str) -> bool:
    """Whether a Content-Type is what the framework reads as JSON (RFC 8259 11, RFC 6839 3.1)."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))
