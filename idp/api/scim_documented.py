"""SCIM operations as the API documentation shows them: messages and refusals in SCIM's own form."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import Response

from service_kit.problems import CREATED, STATUS_WORDS
from standards.rfc7644_scim import MEDIA_TYPE

_WORDS: Final = {200: "A SCIM message (RFC 7644).", 201: "Made.", 204: "Closed.", 304: "As the version in If-None-Match."}
_WITHOUT_BODY: Final = frozenset({204, 304})


def documented(
    summary: str, name: str, example: dict[str, Any] | None = None, *, refusals: tuple[int, ...] = (), status: int = 200
) -> dict[str, Any]:
    """What the router is told of an operation. ``status``: of its success; ``example``: of its body, None: it has none."""
    made: dict[str, Any] = {
        "status_code": status,
        "summary": summary,
        "name": name,
        "tags": ["scim"],
        "response_class": Response,
        "responses": {each: _told_as(each) for each in (status, *refusals)},
    }
    if example is not None:
        content = {MEDIA_TYPE: {"schema": {"type": "object"}, "example": example}}
        made["openapi_extra"] = {"requestBody": {"required": True, "content": content}}
    return made


def _told_as(status: int) -> dict[str, Any]:
    """A message of SCIM or, of a refusal, its error (RFC 7644 3.12)."""
    content = {} if status in _WITHOUT_BODY else {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
    return {**(CREATED if status == HTTPStatus.CREATED else {}), "description": _WORDS.get(status, STATUS_WORDS.get(status, "")), **content}
