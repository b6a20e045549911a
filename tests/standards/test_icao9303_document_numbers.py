"""A number of a document in one spelling, and no letter made one that it is not."""

from __future__ import annotations

import pytest

from standards.icao9303_document_numbers import number_as_printed


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("e12345678", "E12345678"),
        ("ｈ１２３４５６７８", "H12345678"),
        ("11010519491231002x", "11010519491231002X"),
        ("ı1", "ı1"),
        ("军字第1号", "军字第1号"),
    ],
)
def test_a_number_of_a_document_has_one_spelling(typed: str, printed: str) -> None:
    assert number_as_printed(typed) == number_as_printed(printed) == printed
