"""The envelope of the share interface is read strictly, and refusals are answered by the code that others know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from licence_vault import share_codes
from licence_vault.api.share_envelope import read_parts, read_request, read_text, status_of, write_refusal
from licence_vault.errors import licence_not_in_force, share_member_missing
from licence_vault.model import STATUS_CODES
from service_kit.problem_catalogue import text_of
from standards.errors import Kind, TrustError

NEEDED, ALLOWED = frozenset({"certIdentifier", "useCause"}), frozenset({"operator"})
HEAD = {"accessId": "cl_1", "accessToken": "a.b.c"}
DATA: dict[str, Any] = {"certIdentifier": "1.2", "useCause": "why"}


def read(whole: object) -> Any:
    return read_request(json.dumps(whole).encode(), NEEDED, ALLOWED)


def test_a_request_is_read() -> None:
    found = read({"head": HEAD, "data": DATA | {"operator": {"name": "x"}}})
    assert (found.access_id, found.access_token, found.data["certIdentifier"]) == ("cl_1", "a.b.c", "1.2")
    assert "a.b.c" not in repr(found)
    assert read_parts(found.data, "operator", frozenset({"name"})) == {"name": "x"}
    assert read_text(found.data, "useCause") == "why"


@pytest.mark.parametrize(
    ("whole", "code", "status"),
    [
        ([], "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA, "more": 1}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": [], "data": DATA}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD | {"role": "admin"}, "data": DATA}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": []}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"masked": "0"}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"certIdentifier": 12}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"certIdentifier": ["1.2"]}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"operator": {"name": {"deeper": "x"}}}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"useCause": "x" * 2001}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"certIdentifier": "\ud800"}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": DATA | {"operator": {"name": "\udc00x"}}}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD | {"accessId": "\ud800"}, "data": DATA}, "SHARE_REQUEST_MALFORMED", 102),
        ({"head": HEAD, "data": {"certIdentifier": "1.2"}}, "SHARE_MEMBER_MISSING", 12),
        ({"head": HEAD, "data": DATA | {"useCause": ""}}, "SHARE_MEMBER_MISSING", 12),
        ({"head": HEAD, "data": DATA | {"useCause": None}}, "SHARE_MEMBER_MISSING", 12),
        ({"head": {}, "data": DATA}, "TOKEN_MISSING", 11),
        ({"head": HEAD | {"accessToken": ""}, "data": DATA}, "TOKEN_MISSING", 11),
        ({"head": HEAD | {"accessToken": ["a"]}, "data": DATA}, "TOKEN_MISSING", 11),
        ({"head": HEAD | {"accessToken": "a" * 8193}, "data": DATA}, "TOKEN_MISSING", 11),
        ({"head": HEAD | {"accessId": 7}, "data": DATA}, "TOKEN_MISSING", 11),
        ({"head": HEAD | {"accessId": ""}, "data": DATA}, "TOKEN_MISSING", 11),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_by_its_code(whole: object, code: str, status: int) -> None:
    with pytest.raises(TrustError, match=f"^{code}") as caught:
        read(whole)
    answer = json.loads(bytes(write_refusal(caught.value).body))
    assert answer["head"]["status"] == str(status)
    assert code in answer["head"]["message"]
    assert answer["data"] is None


def test_a_refusal_says_where_and_why_and_repeats_nothing_that_was_sent() -> None:
    for changes, told in (
        ({"useCause": ""}, " (SHARE_MEMBER_MISSING) useCause"),
        ({"secret-张三": "x"}, " (SHARE_REQUEST_MALFORMED) data: no members besides certIdentifier, operator, useCause"),
        ({"certIdentifier": ["张三"]}, " (SHARE_REQUEST_MALFORMED) certIdentifier: texts of at most 2000 characters"),
    ):
        with pytest.raises(TrustError) as caught:
            read({"head": HEAD, "data": DATA | changes})
        message = json.loads(bytes(write_refusal(caught.value).body))["head"]["message"]
        assert message.endswith(told), message
        assert "张三" not in message


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000, b'{"head":1,"data":' + b"9" * 5000 + b"}"])
def test_hostile_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(TrustError, match="SHARE_REQUEST_MALFORMED"):
        read_request(body, NEEDED, ALLOWED)


@pytest.mark.parametrize(
    "twice",
    [
        '{"head":%(head)s,"head":%(head)s,"data":%(data)s}',
        '{"head":%(head)s,"data":%(data)s,"data":{}}',
        '{"head":{"accessId":"cl_2","accessId":"cl_1","accessToken":"a.b.c"},"data":%(data)s}',
    ],
)
def test_attack_a_member_that_stands_twice(twice: str) -> None:
    with pytest.raises(TrustError, match="SHARE_REQUEST_MALFORMED") as refused:
        read_request((twice % {"head": json.dumps(HEAD), "data": json.dumps(DATA)}).encode(), NEEDED, ALLOWED)
    assert refused.value.facts["rule"] == "no member twice"


@pytest.mark.parametrize("value", ["text", {"name": "x", "rank": "y"}, {"name": ""}, {}])
def test_parts_are_read_strictly(value: object) -> None:
    with pytest.raises(TrustError, match=r"SHARE_(REQUEST_MALFORMED|MEMBER_MISSING)"):
        read_parts({"operator": value}, "operator", frozenset({"name"}))
    with pytest.raises(TrustError, match="SHARE_REQUEST_MALFORMED"):
        read_text({"useCause": {}}, "useCause")


def test_every_refusal_has_a_return_code_that_is_in_the_table_and_a_text() -> None:
    assert set(share_codes.REFUSALS.values()) <= set(share_codes.RETURN_CODES)
    assert {each for each in share_codes.REFUSALS if text_of(each) is None} == set()
    assert {codes.share for codes in STATUS_CODES.values()} <= set(share_codes.RETURN_CODES)
    assert status_of(licence_not_in_force("revoked", 21)) == 21
    assert [status_of(share_member_missing(each)) for each in ("certNo", "holderCode", "holder", "useCause")] == [109, 110, 111, 12]
    assert status_of(TrustError(Kind.CONFLICT, "ANYTHING_ELSE")) == share_codes.OTHER


def test_what_says_nothing_about_the_request_is_no_answer() -> None:
    for kind in (Kind.UNAVAILABLE, Kind.TOO_MANY, Kind.TOO_LARGE):
        with pytest.raises(TrustError, match="X"):
            write_refusal(TrustError(kind, "X"))
