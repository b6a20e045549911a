from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.rates import Rates, one_address


def test_a_burst_then_the_pace() -> None:
    rates = Rates(per_second=2, burst=3)
    assert [rates.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.wait_seconds("a", 0.25) == 0.25
    assert rates.take("a", 0.5) == 0
    assert rates.take("b", 0.5) == 0, "another key has its own bucket"


def test_waiting_takes_nothing() -> None:
    rates = Rates(per_second=1, burst=1)
    assert [rates.wait_seconds("a", 0.0) for _ in range(3)] == [0, 0, 0]
    assert rates.take("a", 0.0) == 0


def test_a_key_may_have_its_own_pace() -> None:
    rates = Rates(per_second=1, burst=1)
    assert [rates.take("a", 0.0, per_second=10, burst=2) for _ in range(3)] == [0, 0, 0.1]


def test_a_key_that_is_filled_begins_anew_and_no_other_does() -> None:
    rates = Rates(per_second=1, burst=2)
    rates.fill("a")
    for key in ("a", "a", "b", "b"):
        rates.take(key, 0.0)
    rates.fill("a")
    assert [rates.take("a", 0.0) for _ in range(3)] == [0, 0, 1]
    assert rates.take("b", 0.0) == 1


def test_memory_is_bounded_and_the_least_recent_is_forgotten() -> None:
    rates = Rates(per_second=1, burst=1, keys_max=2)
    for key in ("a", "b", "c"):
        rates.take(key, 0.0)
    assert rates.take("a", 0.0) == 0, "forgotten, hence forgiven"
    assert rates.take("c", 0.0) > 0


@given(st.lists(st.floats(0, 0.3), max_size=60))
def test_never_more_than_burst_and_pace_allow(pauses: list[float]) -> None:
    rates, now, taken = Rates(per_second=5, burst=2), 0.0, 0
    for pause in pauses:
        now += pause
        taken += rates.take("a", now) == 0
    assert taken <= 2 + 5 * now + 1e-6


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("64:ff9b::1:192.0.2.7", "64:ff9b::/64"),
        ("::1", "::/64"),
        ("local", "local"),
        ("", ""),
        ("192.0.2.7.", "192.0.2.7."),
    ],
)
def test_what_counts_as_one_address(peer: str, counted: str) -> None:
    assert one_address(peer) == counted
