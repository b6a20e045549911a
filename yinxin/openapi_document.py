"""The OpenAPI 3.1 document: made from the routes themselves, so that it cannot say anything else than they do."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from service_kit.composition import access_of
from service_kit.problems import STATUS_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.routing import BaseRoute

    from service_kit.composition import ServiceParts

VERSION: Final = "3.1.0"
OAUTH: Final = "oauth2"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Address of the code's page in the error catalogue."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: programs decide by this one."},
        "detail": {"type": "string", "description": "Why it happens."},
        "remedy": {"type": "string", "description": "What to do."},
        "facts": {"type": "object", "description": "What was found and expected."},
        "violations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "at": {"type": "string", "description": "Where in the request."},
                    "rule": {"type": "string", "description": "Which rule was broken."},
                    "expected": {"type": "string", "description": "What the rule allows, where it can be said: values, form, bounds."},
                    "told": {"type": "string", "description": "The rule in the language of the caller, where its words are known."},
                },
            },
        },
        "request_id": {"type": "string", "description": "Under this id the request stands in the log."},
        "instance": {"type": "string"},
    },
    "examples": [
        {
            "type": "/problems/SCOPE_MISSING",
            "title": "Scope missing",
            "status": 403,
            "code": "SCOPE_MISSING",
            "detail": "The access token does not carry the scope this operation asks for.",
            "remedy": "Obtain a token with that scope.",
            "facts": {"scope": "seal.use"},
            "request_id": "5f0c3a9be1d200000001",
        }
    ],
}
_PROBLEM_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def make_document(
    parts: Sequence[ServiceParts],
    routes: Iterable[BaseRoute],
    *,
    version: str,
    server: str,
    token_url: str,
    further_tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """The document for these routes (gated or not) and the hand-written paths of the parts' hot routes."""
    described = [_without_head(route) for route in routes if isinstance(route, APIRoute) and route.include_in_schema]
    tags = [dict(tag) for tag in (*(tag for part in parts for tag in part.openapi_tags), *further_tags)]
    document = get_openapi(
        title="Yinxin 印信",
        version=version,
        openapi_version=VERSION,
        summary="A trust layer for government services: sign-in, SM2/SM3 electronic seals, verifiable licences.",
        description="Errors are application/problem+json (RFC 9457) with a stable `code`; the `type` of a problem leads to the page of its code in /help.",
        routes=described,
        tags=tags,
        servers=[{"url": server}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    paths: dict[str, Any] = document.setdefault("paths", {})
    for part in parts:
        for path, item in part.openapi_paths.items():
            paths.setdefault(path, {}).update(item)
    taken: set[str] = set()
    for route in described:
        access = access_of(route.endpoint)
        for method in route.methods or ():
            operation = paths[route.path_format][method.lower()]
            operation["operationId"] = _unique(route.name, taken)
            operation["security"] = [{OAUTH: [access.scope]}] if access is not None and access.scope else []
            _tell_problems(operation, needs_caller=access is not None and access.scope is not None, is_own=route.path.startswith("/v1/"))
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):  # the framework's own form of error, which is never sent
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    _tell_apart(schemas)
    scopes = {scope: text for part in parts for scope, text in part.scopes.items()}
    components["securitySchemes"] = {
        OAUTH: {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": scopes}}},
        "clientSecret": {"type": "http", "scheme": "basic", "description": "Client id and client secret, for the token endpoint alone."},
    }
    return document


def _without_head(route: APIRoute) -> APIRoute:
    """A route as it is described: that what is read can be asked for by HEAD goes without saying."""
    shown = copy(route)
    shown.methods = (route.methods or set()) - {"HEAD"}
    return shown


def _tell_apart(schemas: dict[str, Any]) -> None:
    """Give schemas of one name titles of their own: generators of clients name classes by the title, and leave out what comes second."""
    for name, schema in schemas.items():
        if "__" in name:
            schema["title"] = "".join(word[:1].upper() + word[1:] for word in name.replace("__", "_").split("_"))


def _unique(name: str, taken: set[str]) -> str:
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}_{number}", number + 1
    taken.add(chosen)
    return chosen


def _tell_problems(operation: dict[str, Any], *, needs_caller: bool, is_own: bool) -> None:
    """What follows from the operation itself: who may call it, what it is sent, and that parameters nobody knows are refused under ``/v1``."""
    responses: dict[str, Any] = operation.setdefault("responses", {})
    if "422" in responses and "HTTPValidationError" in str(responses["422"]):
        responses["422"] = {"description": "A field is missing or breaks its rule.", "content": _PROBLEM_CONTENT}
    if needs_caller:
        responses.setdefault("401", {"description": "No valid access token.", "content": _PROBLEM_CONTENT})
        responses.setdefault("403", {"description": "The token lacks the scope, or this is not the caller's.", "content": _PROBLEM_CONTENT})
    body = operation.get("requestBody", {}).get("content", {})
    derived = {
        400: "application/json" in body,
        412: any(each["name"] == "If-Match" for each in operation.get("parameters", ())),
        413: bool(body),
        422: is_own,
    }
    for status, is_so in derived.items():
        if is_so:
            responses.setdefault(str(status), {"description": STATUS_WORDS[status], "content": _PROBLEM_CONTENT})
    responses.setdefault("default", {"description": "Any other problem.", "content": _PROBLEM_CONTENT})
