"""What the web framework raises, as problems of ours. Installed once on the application by the composition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from service_kit.problems import language_of, problem_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI

VIOLATIONS: Final = 20
_OF_THE_RULE: Final = ("expected", "pattern", "min_length", "max_length", "gt", "ge", "lt", "le")
"""What of pydantic's entries is of the rule and not of the input: values, form and bounds that are allowed."""
METHOD_NOT_ALLOWED: Final = 405
CALLER_GONE: Final = 499  # the caller went away; nginx's number, used in log and metrics only
_BY_STATUS: Final = {
    400: (Kind.MALFORMED, "REQUEST_MALFORMED"),
    401: (Kind.UNAUTHENTICATED, "TOKEN_MISSING"),
    403: (Kind.FORBIDDEN, "NOT_ALLOWED"),
    404: (Kind.NOT_FOUND, "ROUTE_UNKNOWN"),
    405: (Kind.NOT_FOUND, "METHOD_NOT_ALLOWED"),
    413: (Kind.TOO_LARGE, "BODY_TOO_LARGE"),
    415: (Kind.UNACCEPTABLE, "MEDIA_TYPE_UNSUPPORTED"),
}


def install_problem_answers(application: FastAPI) -> None:
    """Answer every error with a problem document."""
    application.add_exception_handler(TrustError, _answer_trust_error)
    application.add_exception_handler(ClientDisconnect, _note_departure)
    application.add_exception_handler(HTTPException, answer_http_exception)
    application.add_exception_handler(RequestValidationError, _answer_validation)
    application.add_exception_handler(Exception, _answer_trust_error)  # shown as INTERNAL; the frame around logs it


def problem_response(
    request: Request,
    error: BaseException,
    *,
    status: int | None = None,
    violations: Sequence[Mapping[str, str]] = (),
    further_headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to ``request`` that tells ``error``."""
    problem = problem_of(
        error,
        language=language_of(request.headers.get("accept-language")),
        request_id=getattr(request.state, "request_id", ""),
        instance=request.url.path,
        status=status,
        violations=violations,
        further_headers=further_headers,
    )
    return Response(problem.body, problem.status, headers=dict(problem.headers))


async def _answer_trust_error(request: Request, error: Exception) -> Response:
    return problem_response(request, error)


async def _note_departure(_request: Request, _error: Exception) -> Response:
    # Nobody reads it; the number keeps a caller who hung up from being logged and counted as a failure of ours
    return Response(status_code=CALLER_GONE)


async def answer_http_exception(request: Request, error: Any) -> Response:
    """The answer to what the framework itself refuses; one to a wrong method names those that the path takes."""
    kind, code = _BY_STATUS.get(error.status_code, (Kind.UNACCEPTABLE, "REQUEST_REFUSED"))
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of(request))
    return problem_response(request, TrustError(kind, code), status=error.status_code, further_headers=headers)


def _methods_of(request: Request) -> list[str]:
    """What the path takes (RFC 9110 15.5.6): of every route that stands for it, where the framework names those of the first alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in route.methods or ()})


def _violation(each: Mapping[str, Any]) -> dict[str, str]:
    told = {"at": ".".join(str(part) for part in each["loc"]), "rule": str(each["type"])}
    context = each.get("ctx", {})
    expected = ", ".join(
        f"{name} {context[name]}" if name != "expected" else str(context[name]) for name in _OF_THE_RULE if name in context
    )
    return told | ({"expected": expected} if expected else {})


async def _answer_validation(request: Request, error: Any) -> Response:
    # pydantic's entries also hold the input itself; that may be a secret and is never sent back
    found = [_violation(each) for each in error.errors()[:VIOLATIONS]]
    malformed = any(each["rule"] == "json_invalid" for each in found)
    refusal = TrustError(Kind.MALFORMED if malformed else Kind.UNACCEPTABLE, "REQUEST_MALFORMED" if malformed else "REQUEST_INVALID")
    return problem_response(request, refusal, violations=found)
