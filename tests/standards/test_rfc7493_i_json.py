"""JSON that readers read differently: members twice, texts that no UTF-8 can carry, numbers that are none, nesting without an end."""

from __future__ import annotations

import json

import pytest

from standards.errors import TrustError
from standards.rfc7493_i_json import DEPTH, StrictJsonError, read_json, read_strict, read_strict_at, read_strict_object


@pytest.mark.clause("RFC 7493 2.3")
@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '[{"b":{"a":1,"c":2,"a":3}}]', r'{"a":1,"\u0061":2}', '{"":{},"a":[],"a":null}'])
def test_a_member_that_stands_twice_is_refused_by_its_name(text: str) -> None:
    for given in (text, text.encode()):
        with pytest.raises(TrustError, match="MEMBER_REPEATED") as refused:
            read_json(given)
        assert refused.value.facts == {"member": "a"}


DEEP = "[" * DEPTH + "]" * DEPTH


@pytest.mark.clause("RFC 7493 2.1", "RFC 7493 2.2", "RFC 7493 2.3")
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        *((each, "JSON") for each in ("{", "", " ", "{'a':1}", '{"a":1,}', "1 2", "[1]x", "\ufeff{}", "[01]", '"\t"', "\x0b1")),
        *((each, "JSON") for each in (r'"\ud800"', r'{"\uDFFF":1}', r'["\ude00\ud83d"]', '"\ud800"')),
        *((each, "JSON") for each in (f"[{DEEP}]", f'{{"a":{DEEP}}}', f'[1,{{"b":[{DEEP}]}}]', "[" * 200_000, '{"a":' * 200_000)),
        *((each, "not a number") for each in ("NaN", '{"a":-Infinity}', "[Infinity]")),
        *((each, "number too large") for each in ("1e999", "[-1e999]", "1" * 21, "-" + "1" * 20, '{"a":' + "9" * 5000 + "}")),
        *((each, "duplicate member") for each in ('{"a":1,"a":1}', r'[{"a":1,"\u0061":2}]')),
    ],
)
def test_what_readers_read_differently_is_refused_by_its_rule(text: str, rule: str) -> None:
    for read in (read_strict, read_strict_object):
        for given in (text, text.encode("utf-8", "surrogatepass")):
            with pytest.raises(StrictJsonError) as refused:
                read(given)
            assert refused.value.rule == rule


@pytest.mark.clause("RFC 8259 8.1")
@pytest.mark.parametrize("data", ['{"a":1}'.encode(name) for name in ("utf-16", "utf-16-le", "utf-32-be", "utf-8-sig")] + [b'{"a":"\xff"}'])
def test_bytes_are_utf8_without_a_mark(data: bytes) -> None:
    with pytest.raises(StrictJsonError, match="JSON"):
        read_strict(data)


def test_what_is_no_object_is_refused_where_one_is_wanted() -> None:
    for text in ("[]", "1", "null", '"{}"'):
        assert read_strict(text) == json.loads(text)
        with pytest.raises(StrictJsonError, match="JSON object"):
            read_strict_object(text)


def test_what_is_no_json_at_all_has_no_code_of_ours() -> None:
    for text in ("{", "NaN", "1e999", "[" * 200_000):
        with pytest.raises(StrictJsonError):
            read_json(text)


def test_what_is_just_within_the_limits_is_read() -> None:
    assert read_strict(DEEP) == json.loads(DEEP)
    assert read_strict("[" + "[]," * 200 + "[]]") == [[]] * 201
    assert read_strict(' \t\r\n[18446744073709551615, 1e308, "\\ud83d\\ude00"]\n') == [2**64 - 1, 1e308, "\U0001f600"]
    assert read_strict('"' + "[" * 100 + '"') == "[" * 100


def test_a_list_is_read_one_element_after_the_other() -> None:
    text = '[{"a":1}, {"a":1,"a":2}]'
    assert read_strict_at(text, 1) == ({"a": 1}, 8)
    with pytest.raises(StrictJsonError, match="duplicate member"):
        read_strict_at(text, 10)


def test_all_else_is_read_as_it_stands() -> None:
    assert read_json('{"a":{"a":1.5},"b":[{"a":true},{"a":null}],"A":"\u6d4b"}') == {
        "a": {"a": 1.5},
        "b": [{"a": True}, {"a": None}],
        "A": "测",
    }
