"""Texts from JSON that no UTF-8 can carry, and members that stand twice."""

from __future__ import annotations

import json

import pytest

from standards.errors import TrustError
from standards.rfc7493_i_json import demand_text, read_json


@pytest.mark.clause("RFC 7493 2.1")
@pytest.mark.parametrize("text", [r'"\ud800"', r'{"a":["x","\udfff\ud83d"]}', r'{"\ud800":1}', r'"\ude00\ud83d"'])
def test_halves_of_surrogate_pairs_are_no_text(text: str) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        demand_text(json.loads(text))


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', '{"测":[1,null,true,1.5]}', "5", r'"\u0000"'])
def test_all_else_is(text: str) -> None:
    demand_text(json.loads(text))


@pytest.mark.clause("RFC 7493 2.3")
@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '[{"b":{"a":1,"c":2,"a":3}}]', r'{"a":1,"\u0061":2}', '{"":{},"a":[],"a":null}'])
def test_a_member_that_stands_twice_is_refused_by_its_name(text: str) -> None:
    for given in (text, text.encode()):
        with pytest.raises(TrustError, match="MEMBER_REPEATED") as refused:
            read_json(given)
        assert refused.value.facts == {"member": "a"}


@pytest.mark.parametrize("text", ["NaN", '{"a":-Infinity}', "[Infinity]", "{", "", "{'a':1}", '{"a":1,}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(text)


def test_a_value_nested_too_deeply_ends_in_its_own_error() -> None:
    with pytest.raises(RecursionError):
        read_json("[" * 200_000)


def test_all_else_is_read_as_it_stands() -> None:
    assert read_json('{"a":{"a":1.5},"b":[{"a":true},{"a":null}],"A":"\u6d4b"}') == {
        "a": {"a": 1.5},
        "b": [{"a": True}, {"a": None}],
        "A": "测",
    }
