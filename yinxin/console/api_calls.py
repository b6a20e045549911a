"""Calls of the platform's own API in the name of who is signed in: in this process, or over HTTP where the settings say so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from service_kit.problem_catalogue import text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

UNREACHABLE: Final = 503
UNACCEPTABLE: Final = 422
_UNAUTHENTICATED: Final = 401
_REFUSED_FROM: Final = 400
_VIOLATIONS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer that is no refusal. ``body``: what JSON says, None for other content."""

    status: int
    body: Any
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def etag(self) -> str:
        """The version of what was read, for ``if_match``; any version where none was told."""
        return self.headers.get("etag", "*")


class ApiProblem(Exception):  # noqa: N818 - the word of RFC 9457
    """A refusal of the API, in the person's language. ``fix``: what to do; ``broken``: place and rule, in words, of each rule that has words;
    ``named``: what the API says of each rule, as it says it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        fix: str = "",
        facts: Mapping[str, Any] | None = None,
        violations: tuple[str, ...] = (),
        broken: tuple[tuple[str, str], ...] = (),
        named: tuple[Mapping[str, str], ...] = (),
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.fix = fix
        self.facts: Mapping[str, Any] = facts or {}
        self.violations = violations
        self.broken = broken
        self.named = named

    @property
    def is_signed_out(self) -> bool:
        """Whether the sign-in behind the call counts no more."""
        return self.status == _UNAUTHENTICATED


@dataclass(slots=True)
class ApiCalls:
    """The API as one person may call it. ``token``: gives an access token that still lives; ``language``: of the problems."""

    client: httpx.AsyncClient
    token: Callable[[], Awaitable[str]]
    language: str
    request_id: str = ""
    made: list[tuple[str, str, int]] = field(default_factory=list)

    async def get(self, path: str, **params: Any) -> ApiAnswer:
        """Read. Parameters that are None or empty are left out. Raises ApiProblem."""
        given = {name: value for name, value in params.items() if value not in {None, ""}} if _are_plain(params) else params
        return await self.call("GET", path, params=given)

    async def post(self, path: str, **what: Any) -> ApiAnswer:
        """``json``, or ``files`` with ``data``; ``idempotency_key``, ``if_match``. Raises ApiProblem."""
        return await self.call("POST", path, **what)

    async def put(self, path: str, **what: Any) -> ApiAnswer:
        """As ``post``."""
        return await self.call("PUT", path, **what)

    async def patch(self, path: str, **what: Any) -> ApiAnswer:
        """As ``post``."""
        return await self.call("PATCH", path, **what)

    async def delete(self, path: str, **what: Any) -> ApiAnswer:
        """As ``post``."""
        return await self.call("DELETE", path, **what)

    async def call(
        self, method: str, path: str, *, idempotency_key: str | None = None, if_match: str | None = None, **what: Any
    ) -> ApiAnswer:
        """One call. Raises ApiProblem for every answer from 400 on, for what no call can carry, and where the API cannot be reached."""
        headers = {"authorization": f"Bearer {await self.token()}", "accept-language": "zh-CN" if self.language == "zh" else "en"}
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        if if_match:
            headers["if-match"] = if_match
        if self.request_id:
            headers["x-request-id"] = self.request_id
        try:
            request = self.client.build_request(method, path, headers=headers, **what)
        except (ValueError, RecursionError, httpx.InvalidURL):  # a number that is none, half a character, a name as long as a book
            raise ApiProblem(UNACCEPTABLE, "FORM_UNREADABLE", "") from None
        try:
            answer = await self.client.send(request)
        except httpx.HTTPError as error:
            raise ApiProblem(UNREACHABLE, "API_UNREACHABLE", "", facts={"reason": type(error).__name__}) from None
        self.made.append((method, path, answer.status_code))
        if answer.status_code >= _REFUSED_FROM:
            raise problem_in(answer)
        return ApiAnswer(answer.status_code, _json_in(answer), answer.headers, answer.content)


def problem_in(answer: httpx.Response) -> ApiProblem:
    """The problem that an answer of the API tells."""
    body = _json_in(answer)
    told = body if isinstance(body, dict) else {}
    named = told.get("violations", ())[:_VIOLATIONS_SHOWN]
    violations = tuple(f"{each.get('at', '')}: {each.get('told') or each.get('rule', '')}" for each in named)
    broken = tuple((each["at"], each["told"]) for each in named if each.get("told"))
    return ApiProblem(
        answer.status_code,
        str(told.get("code", f"HTTP_{answer.status_code}")),
        str(told.get("title", answer.reason_phrase)),
        str(told.get("detail", "")),
        str(told.get("remedy", "")),
        told.get("facts"),
        violations,
        broken,
        tuple(named),
    )


def told_in(problem: ApiProblem, language: str) -> ApiProblem:
    """The problem with its words, where it came about on this side and has none yet."""
    text = None if problem.title else text_of(problem.code)
    if text is None:
        return problem
    return ApiProblem(problem.status, problem.code, text.title(language), text.cause(language), text.remedy(language), problem.facts)


def _are_plain(params: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, list | tuple | dict) for value in params.values())


def _json_in(answer: httpx.Response) -> Any:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        return None
