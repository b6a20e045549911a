"""Base45: the examples of the RFC, every text that must be refused, and the way back for any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.rfc9285_base45 import ALPHABET, decode, encode


@pytest.mark.clause("RFC 9285 4.3", "RFC 9285 4.4")
@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", ""), (b"\xff\xff", "FGW")],
)
def test_the_examples(data: bytes, text: str) -> None:
    assert encode(data) == text
    assert decode(text) == data


@pytest.mark.clause("RFC 9285 6")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A", "length"),
        ("BB8A", "length"),
        ("bb8", "character"),
        ("BB\u0308", "character"),
        ("GGW", "range"),
        (":::", "range"),
        ("::", "range"),
    ],
)
def test_texts_that_no_bytes_have(text: str, reason: str) -> None:
    with pytest.raises(MalformedError, match="BASE45_MALFORMED") as caught:
        decode(text)
    assert caught.value.facts["reason"] == reason


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_there_and_back(data: bytes) -> None:
    text = encode(data)
    assert set(text) <= set(ALPHABET)
    assert decode(text) == data
