"""Sealed values open only where they belong; lookup hashes find the same value in one domain only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.sealed_values import ValueSealer
from standards.errors import TrustError

SEALER = ValueSealer(bytes(range(32)))


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_was_sealed_opens_in_its_place(value: bytes, place: str) -> None:
    sealed = SEALER.seal(value, place)
    assert SEALER.open(sealed, place) == value
    assert SEALER.seal(value, place) != sealed
    assert value not in sealed or len(value) < 4


def test_moved_altered_cut_or_foreign_values_do_not_open() -> None:
    sealed = SEALER.seal(b"value", "a:1")
    attempts = [(SEALER, sealed, "a:2"), (ValueSealer(bytes(32)), sealed, "a:1"), (SEALER, sealed[:-1], "a:1"), (SEALER, b"", "a:1")]
    attempts += [(SEALER, sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :], "a:1") for i in range(len(sealed))]
    for sealer, data, place in attempts:
        with pytest.raises(TrustError, match="SEALED_VALUE_DAMAGED"):
            sealer.open(data, place)


def test_lookup_hashes_are_keyed_and_kept_apart() -> None:
    assert SEALER.find(b"x", "mobile") == ValueSealer(bytes(range(32))).find(b"x", "mobile")
    different = {
        SEALER.find(b"x", "mobile"),
        SEALER.find(b"x", "mail"),
        SEALER.find(b"y", "mobile"),
        ValueSealer(bytes(32)).find(b"x", "mobile"),
        SEALER.find(b"ex", "mobil"),
    }
    assert len(different) == 5
    assert "010203" not in repr(SEALER)


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ValueSealer(b"short")
