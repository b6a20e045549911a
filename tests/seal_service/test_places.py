"""Rules of pages, and how pages share the slices of a riding seam."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal_service.places import SLICES_MAX, read_pages, share_out
from standards.errors import TrustError


@pytest.mark.parametrize(
    ("rule", "pages"),
    [
        ("all", (1, 2, 3, 4, 5)),
        (" Odd ", (1, 3, 5)),
        ("even", (2, 4)),
        ("first", (1,)),
        ("last", (5,)),
        ("1,3-5", (1, 3, 4, 5)),
        ("4, 2 ,4,-1", (2, 4, 5)),
        ((5, 1, -1), (1, 5)),
    ],
)
def test_a_rule_gives_pages_in_order_each_once(rule: str | tuple[int, ...], pages: tuple[int, ...]) -> None:
    assert read_pages(rule, 5) == pages


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("", "PAGES_UNCLEAR"),
        ("some", "PAGES_UNCLEAR"),
        ("3-1", "PAGES_UNCLEAR"),
        ("1;2", "PAGES_UNCLEAR"),
        ("1-2-3", "PAGES_UNCLEAR"),
        ("1," * 501 + "1", "PAGES_UNCLEAR"),
        ((), "PAGES_UNCLEAR"),
        ("0", "PAGE_NOT_FOUND"),
        ("1-6", "PAGE_NOT_FOUND"),
        ((-2,), "PAGE_NOT_FOUND"),
    ],
)
def test_an_unclear_rule_is_refused(rule: str | tuple[int, ...], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        read_pages(rule, 5)
    assert refused.value.code == code


@pytest.mark.parametrize("rule", ["all", "odd", "even", "first", "last"])
def test_a_document_without_pages_fits_no_rule(rule: str) -> None:
    with pytest.raises(TrustError, match="PAGES_UNCLEAR"):
        read_pages(rule, 0)


def test_the_last_page_of_none_is_not_found() -> None:
    with pytest.raises(TrustError, match="PAGE_NOT_FOUND"):
        read_pages("-1", 0)


@given(st.integers(2, 500), st.none() | st.integers(2, 50))
def test_every_page_has_one_slice_and_no_page_is_alone(count: int, per_seal: int | None) -> None:
    pages = tuple(range(1, count + 1))
    groups = share_out(pages, per_seal)
    assert sum(groups, ()) == pages
    assert min(map(len, groups)) >= 2
    assert max(map(len, groups)) <= max((per_seal or SLICES_MAX), 3)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


@pytest.mark.parametrize("pages", [(), (1,)])
def test_one_page_has_no_seam(pages: tuple[int, ...]) -> None:
    with pytest.raises(TrustError, match="SEAM_TOO_SHORT"):
        share_out(pages, None)
