"""Errors as the world sees them: ``application/problem+json`` (RFC 9457) in the reader's language.

The one table that turns a kind of failure into an HTTP status is here. What is no TrustError becomes a 500 without any detail; the
detail goes into the log under the request's id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service_kit import dpop_nonces, messages, reader_messages  # noqa: F401 - importing them enters their codes
from service_kit.dpop import ALGORITHMS
from service_kit.problem_catalogue import ProblemText, text_of
from service_kit.rule_texts import violations_in
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATUS: Final = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.CHANGED: 412,  # RFC 9110 13.1.1
    Kind.UNCONDITIONAL: 428,  # RFC 6585 3
    Kind.TOO_LARGE: 413,
    Kind.UNACCEPTABLE: 422,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}
INTERNAL_STATUS: Final = 500
INTERNAL: Final = "INTERNAL"
CONTENT_TYPE: Final = "application/problem+json"
TYPE_PATH: Final = "/problems/"
RETRY_AFTER_SECONDS: Final = 1
RETRY_AFTER_FACT: Final = "retry_after_seconds"
LANGUAGES: Final = ("zh", "en")
DEFAULT_LANGUAGE: Final = "zh"
_HEADER_CHARACTERS: Final = 200  # of Accept-Language; browsers send some 60

_KIND_TEXTS: Final = {
    Kind.MALFORMED: ("The input cannot be read", "输入无法读取"),
    Kind.UNAUTHENTICATED: ("Not signed in", "未通过身份认证"),
    Kind.FORBIDDEN: ("Not allowed", "无权操作"),
    Kind.NOT_FOUND: ("Not found", "未找到"),
    Kind.CONFLICT: ("Does not fit the present state", "与当前状态冲突"),
    Kind.CHANGED: ("Changed meanwhile", "已被更改"),
    Kind.UNCONDITIONAL: ("Say which version", "须指明版本"),
    Kind.TOO_LARGE: ("Too large", "超出大小限制"),
    Kind.UNACCEPTABLE: ("Against a rule", "不符合规则"),
    Kind.TOO_MANY: ("Too many requests", "请求过多"),
    Kind.UNAVAILABLE: ("Not available now", "暂时不可用"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document, ready to be sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def language_of(accept_language: str | None) -> str:
    """``zh`` or ``en`` by an Accept-Language header (RFC 9110 12.5.4); Chinese where the header says nothing we know."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for part in (accept_language or "")[:_HEADER_CHARACTERS].split(","):
        tag, _, weight_text = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        try:
            weight = float(weight_text) if weight_text else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def problem_of(
    error: BaseException,
    *,
    language: str = "en",
    request_id: str = "",
    instance: str = "",
    further_headers: Mapping[str, str] | None = None,
    status: int | None = None,
    violations: Sequence[Mapping[str, str]] = (),
) -> Problem:
    """The document for any exception. Only a TrustError shows its facts.

    ``status``: in place of the kind's (405, 431, which no kind stands for). ``violations``: where in the request which rule was broken;
    without them those which the error names, where their words are known.
    """
    if not isinstance(error, TrustError):
        members = _members(INTERNAL, INTERNAL_STATUS, text_of(INTERNAL), ("Internal error", "内部错误"), language)
        return _written(INTERNAL_STATUS, members, language, request_id, instance, dict(further_headers or {}))
    status = status or STATUS[error.kind]
    members = _members(error.code, status, text_of(error.code), _KIND_TEXTS[error.kind], language)
    if error.facts:
        members["facts"] = dict(error.facts)
    violations = violations or violations_in(language, error)
    if violations:
        members["violations"] = [dict(each) for each in violations]
    headers = dict(further_headers or {})
    retry = error.facts.get(RETRY_AFTER_FACT)
    if retry is not None or error.kind in {Kind.TOO_MANY, Kind.UNAVAILABLE}:
        headers["Retry-After"] = str(max(1, int(retry))) if isinstance(retry, int | float) else str(RETRY_AFTER_SECONDS)
    if error.kind is Kind.UNAUTHENTICATED:
        missing = error.code == "TOKEN_MISSING"  # RFC 6750 3.1: no error code where no token was sent
        if error.code == dpop_nonces.CODE:  # RFC 9449 9
            headers[dpop_nonces.HEADER] = str(error.facts[dpop_nonces.FACT])
            headers.setdefault("WWW-Authenticate", f'DPoP error="use_dpop_nonce", algs="{" ".join(ALGORITHMS)}"')
        if error.code == "DPOP_PROOF_INVALID":
            headers.setdefault("WWW-Authenticate", f'DPoP error="invalid_dpop_proof", algs="{" ".join(ALGORITHMS)}"')  # RFC 9449 7.1
        headers.setdefault("WWW-Authenticate", "Bearer" if missing else 'Bearer error="invalid_token"')
    elif error.code == "SCOPE_MISSING":
        headers.setdefault("WWW-Authenticate", f'Bearer error="insufficient_scope", scope="{error.facts.get("scope", "")}"')
    return _written(status, members, language, request_id, instance, headers)


def _members(code: str, status: int, text: ProblemText | None, fallback: tuple[str, str], language: str) -> dict[str, Any]:
    members: dict[str, Any] = {
        "type": TYPE_PATH + code,
        "title": text.title(language) if text else fallback[1 if language == "zh" else 0],
        "status": status,
        "code": code,
    }
    if text:
        members["detail"] = text.cause(language)
        members["remedy"] = text.remedy(language)
    return members


def _written(status: int, members: dict[str, Any], language: str, request_id: str, instance: str, headers: dict[str, str]) -> Problem:
    if request_id:
        members["request_id"] = request_id
    if instance:
        members["instance"] = instance
    body = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        "Content-Length": str(len(body)),
        **headers,
    }
    return Problem(status, tuple(headers.items()), body)


STATUS_WORDS: Final = {
    400: "The input cannot be read.",
    401: "No token, or not a good one.",
    403: "The token lacks the scope, or a second person is needed.",
    404: "Not found, or not the caller's to know.",
    409: "Does not fit the present state.",
    412: "Not at the version that If-Match names.",
    413: "Over a size limit.",
    422: "Against a rule.",
    428: "Needs If-Match: the ETag of what is changed, or `*` for any version.",
    429: "Too many at once: try again after Retry-After.",
    503: "Something needed is not there now: try again after Retry-After.",
}


CREATED: Final[dict[str, Any]] = {
    "description": "Made.",
    "headers": {"Location": {"schema": {"type": "string", "format": "uri-reference"}, "description": "Where what was made is read."}},
}
"""For the API documentation: a 201 that says where what was made is to be read (RFC 9110 15.3.2)."""


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the API documentation: these statuses answer with a problem document."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": STATUS_WORDS[status], "content": content} for status in statuses}
