"""Status lists: bits, compression, claims."""

from __future__ import annotations

import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import ietf_status_list as lists
from standards.errors import MalformedError
from tests.vectors import vectors

URI = "https://vault.example/licences/status/1"
CLAIMS = lists.StatusListClaims(URI, 1_764_000_000, 1_764_086_400, 600, 2, lists.deflate(b"\xc9\x44\xf9"))


@pytest.mark.clause("IETF status-list-21 4.1", "IETF status-list-21 4.2")
def test_the_published_lists_are_packed_and_read() -> None:
    for vector in vectors("token_status_list"):
        statuses, bits = vector["statuses"], vector["bits"]
        packed = lists.pack(len(statuses), bits, enumerate(statuses))
        assert packed.hex() == vector["bytes"]
        assert lists.inflate(bytes.fromhex(vector["zlib_hex"])) == packed == lists.inflate(lists.deflate(packed))
        assert [lists.status_at(packed, bits, index) for index in range(len(statuses))] == statuses


@pytest.mark.clause("IETF status-list-21 4.1")
@given(st.sampled_from(lists.BITS), st.lists(st.integers(0, 255), min_size=1, max_size=80))
def test_what_is_packed_is_read_again(bits: int, values: list[int]) -> None:
    statuses = [value % (1 << bits) for value in values]
    packed = lists.pack(len(statuses), bits, enumerate(statuses))
    assert [lists.status_at(packed, bits, index) for index in range(len(statuses))] == statuses


def test_a_million_entries_with_one_in_a_hundred_revoked_are_small() -> None:
    chosen = random.Random(2026).sample(range(1_000_000), 10_000)
    assert len(lists.deflate(lists.pack(1_000_000, 2, ((index, 1) for index in chosen)))) <= 20_000


@pytest.mark.parametrize(("size", "bits", "entry"), [(4, 3, (0, 0)), (0, 2, (0, 0)), (4, 2, (4, 0)), (4, 2, (-1, 0)), (4, 2, (0, 4))])
def test_what_does_not_fit_is_not_packed(size: int, bits: int, entry: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        lists.pack(size, bits, [entry])


@pytest.mark.clause("IETF status-list-21 8.3")
@pytest.mark.parametrize("index", [-1, 12, 10**9])
def test_an_index_outside_has_no_status(index: int) -> None:
    with pytest.raises(MalformedError, match="STATUS_INDEX_OUTSIDE"):
        lists.status_at(b"\xc9\x44\xf9", 2, index)


@pytest.mark.parametrize(
    ("compressed", "code"),
    [
        (b"", "STATUS_LIST_COMPRESSION"),
        (b"no zlib", "STATUS_LIST_COMPRESSION"),
        (zlib.compress(b""), "STATUS_LIST_COMPRESSION"),
        (zlib.compress(b"abc")[:-2], "STATUS_LIST_COMPRESSION"),
        (zlib.compress(b"abc") + b"more", "STATUS_LIST_COMPRESSION"),
        (zlib.compress(bytes(lists.LIST_BYTES + 1)), "STATUS_LIST_TOO_LARGE"),
        (bytes(lists.COMPRESSED_BYTES + 1), "STATUS_LIST_TOO_LARGE"),
    ],
)
def test_a_bad_or_swollen_list_is_refused(compressed: bytes, code: str) -> None:
    with pytest.raises(MalformedError, match=code):
        lists.inflate(compressed)


@pytest.mark.clause("IETF status-list-21 5.1", "IETF status-list-21 5.2")
@pytest.mark.parametrize("claims", [CLAIMS, lists.StatusListClaims(URI, 0, None, None, 8, b"x")])
def test_claims_are_read_as_written(claims: lists.StatusListClaims) -> None:
    assert lists.read_jwt_claims(lists.write_jwt_claims(claims)) == claims
    assert lists.read_cwt_claims(lists.write_cwt_claims(claims)) == claims


@pytest.mark.parametrize(
    "change",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 2049},
        {"iat": None},
        {"iat": True},
        {"iat": -1},
        {"exp": "soon"},
        {"exp": 2**53},
        {"ttl": 0},
        {"ttl": 1.5},
        {"status_list": None},
        {"status_list": {"bits": 2}},
        {"status_list": {"bits": 2, "lst": "a+b"}},
        {"status_list": {"bits": 2, "lst": "abcde"}},
        {"status_list": {"bits": 3, "lst": "eNo76fITAAPfAgc"}},
        {"status_list": {"bits": "2", "lst": "eNo76fITAAPfAgc"}},
    ],
)
def test_claims_of_another_form_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="STATUS_LIST_CLAIMS"):
        lists.read_jwt_claims({**lists.write_jwt_claims(CLAIMS), **change})


@pytest.mark.parametrize("listed", [None, {"bits": 2, "lst": "text"}, {"bits": 2, "lst": b""}])
def test_cwt_claims_of_another_form_are_refused(listed: object) -> None:
    with pytest.raises(MalformedError, match="STATUS_LIST_CLAIMS"):
        lists.read_cwt_claims({**lists.write_cwt_claims(CLAIMS), lists.CWT_STATUS_LIST: listed})
