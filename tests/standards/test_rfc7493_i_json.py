"""Texts from JSON that no UTF-8 can carry."""

from __future__ import annotations

import json

import pytest

from standards.rfc7493_i_json import demand_text


@pytest.mark.clause("RFC 7493 2.1")
@pytest.mark.parametrize("text", [r'"\ud800"', r'{"a":["x","\udfff\ud83d"]}', r'{"\ud800":1}', r'"\ude00\ud83d"'])
def test_halves_of_surrogate_pairs_are_no_text(text: str) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        demand_text(json.loads(text))


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', '{"测":[1,null,true,1.5]}', "5", r'"\u0000"'])
def test_all_else_is(text: str) -> None:
    demand_text(json.loads(text))
