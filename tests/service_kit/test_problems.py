"""Problem documents: one shape, two languages, nothing that was not meant to be shown."""

from __future__ import annotations

import json

import pytest

from service_kit.problem_catalogue import ProblemText, all_texts, register, text_of
from service_kit.problems import CONTENT_TYPE, STATUS, language_of, problem_of
from standards.errors import Kind, TrustError


def read(error: BaseException, **options: object) -> tuple[int, dict[str, str], dict[str, object]]:
    problem = problem_of(error, **options)  # type: ignore[arg-type]
    return problem.status, dict(problem.headers), json.loads(problem.body)


@pytest.mark.clause("RFC 9457 3")
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_status(kind: Kind) -> None:
    status, headers, body = read(TrustError(kind, "SOME_CODE", found=1), request_id="r1", instance="/v1/x")
    assert status == STATUS[kind] == body["status"]
    assert headers["Content-Type"] == CONTENT_TYPE
    assert headers["Content-Length"] == str(len(problem_of(TrustError(kind, "SOME_CODE", found=1), request_id="r1", instance="/v1/x").body))
    assert (body["type"], body["code"], body["facts"]) == ("/problems/SOME_CODE", "SOME_CODE", {"found": 1})
    assert (body["request_id"], body["instance"]) == ("r1", "/v1/x")
    assert body["title"]


def test_what_is_no_trust_error_shows_nothing() -> None:
    status, _, body = read(ValueError("canary-password"), request_id="r1")
    assert (status, body["code"], body["request_id"]) == (500, "INTERNAL", "r1")
    assert "canary" not in json.dumps(body)


def test_both_languages() -> None:
    error = TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    english, chinese = read(error, language="en"), read(error, language="zh")
    assert english[1]["Content-Language"] == "en"
    assert chinese[1]["Content-Language"] == "zh"
    for member in ("title", "detail", "remedy"):
        assert str(english[2][member]).isascii()
        assert not str(chinese[2][member]).isascii()


@pytest.mark.clause("RFC 9110 12.5.4")
@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"), ("", "zh"), ("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB;q=0.9, zh;q=0.8", "en"), ("fr, en;q=0.1", "en"),
        ("fr", "zh"), ("*", "zh"), ("en;q=x", "zh"), ("en;q=0", "zh"), ("EN", "en"), ("x" * 10_000, "zh"),
    ],
)  # fmt: skip
def test_the_reader_s_language(header: str | None, language: str) -> None:
    assert language_of(header) == language


@pytest.mark.clause("RFC 6750 3", "RFC 9110 10.2.3")
def test_headers_that_belong_to_a_refusal() -> None:
    def headers(error: TrustError) -> dict[str, str]:
        return read(error)[1]

    assert headers(TrustError(Kind.UNAUTHENTICATED, "TOKEN_MISSING"))["WWW-Authenticate"] == "Bearer"
    assert headers(TrustError(Kind.UNAUTHENTICATED, "TOKEN_EXPIRED"))["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    scope = headers(TrustError(Kind.FORBIDDEN, "SCOPE_MISSING", scope="thing.read"))["WWW-Authenticate"]
    assert scope == 'Bearer error="insufficient_scope", scope="thing.read"'
    assert headers(TrustError(Kind.UNAVAILABLE, "X"))["Retry-After"] == "1"
    assert headers(TrustError(Kind.TOO_MANY, "X", retry_after_seconds=7.9))["Retry-After"] == "7"
    assert headers(TrustError(Kind.CONFLICT, "X", retry_after_seconds=0))["Retry-After"] == "1"
    assert "Retry-After" not in headers(TrustError(Kind.CONFLICT, "X"))
    assert read(TrustError(Kind.NOT_FOUND, "X"), status=405, further_headers={"Allow": "GET"})[1]["Allow"] == "GET"
    assert read(TrustError(Kind.NOT_FOUND, "X"), status=405)[0] == 405


def test_violations_are_listed() -> None:
    body = read(TrustError(Kind.UNACCEPTABLE, "X"), violations=[{"at": "body.page", "rule": "missing"}])[2]
    assert body["violations"] == [{"at": "body.page", "rule": "missing"}]


def test_text_that_is_no_unicode_does_not_break_the_answer() -> None:
    assert problem_of(TrustError(Kind.MALFORMED, "X", found="\ud800")).body


def test_a_code_has_one_text() -> None:
    text = text_of("INTERNAL")
    assert text is not None
    register(text)
    with pytest.raises(ValueError, match="INTERNAL"):
        register(ProblemText("INTERNAL", "a", "b", "c", "d", "e", "f"))
    codes = [each.code for each in all_texts()]
    assert codes == sorted(codes)
    assert text.title("en") != text.title("zh")
