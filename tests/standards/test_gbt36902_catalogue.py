"""GB/T 36902: names of levels and categories, validity ranges and the last day they give."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gbt36902_catalogue import (
    HOLDER_CATEGORY_NAMES,
    LEVEL_NAMES,
    AuthorityLevel,
    HolderCategory,
    ValidityRange,
    read_validity_ranges,
    write_validity_ranges,
)


@pytest.mark.clause("GB/T 36902-2018 items")
def test_everything_has_a_name() -> None:
    assert set(LEVEL_NAMES) == set(AuthorityLevel)
    assert set(HOLDER_CATEGORY_NAMES) == set(HolderCategory)


@pytest.mark.clause("GB/T 36902-2018 ValidityRange")
@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from("天月年")), min_size=1, max_size=16, unique=True), st.dates())
def test_ranges_come_back_and_never_leave_the_calendar(spans: list[tuple[int, str]], first: date) -> None:
    ranges = tuple(ValidityRange(*span) for span in spans)
    assert read_validity_ranges(write_validity_ranges(ranges)) == ranges
    for each in ranges:
        last = each.last_day(first)
        assert last is not None
        assert last > first or last == date.max


@pytest.mark.parametrize(
    ("entry", "first", "last"),
    [
        ("1天", date(2026, 1, 1), date(2026, 1, 2)),
        ("1月", date(2026, 1, 31), date(2026, 2, 28)),
        ("13月", date(2026, 1, 31), date(2027, 2, 28)),
        ("4年", date(2024, 2, 29), date(2028, 2, 29)),
        ("1年", date(2024, 2, 29), date(2025, 2, 28)),
        ("12月", date(2025, 12, 15), date(2026, 12, 15)),
        ("长期", date(2026, 1, 1), None),
        ("999年", date(9998, 1, 1), date.max),
    ],
)
def test_last_days(entry: str, first: date, last: date | None) -> None:
    (each,) = read_validity_ranges(entry)
    assert each.last_day(first) == last
    assert each.has_end is (last is not None)


@pytest.mark.parametrize("text", ["", "0年", "1周", "1年^", "1年^1年", "1000年", "永久", "^".join(f"{n}天" for n in range(1, 18))])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_validity_ranges(text)
    assert raised.value.code == "VALIDITY_RANGE"
