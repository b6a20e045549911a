"""GB 11643: synthetic numbers only (unassigned divisions, sequence 000)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gb11643_resident_id import CHECK_CHARACTERS, compute_check_character, normalise_resident_id, read_resident_id
from tests.vectors import vectors

SYNTHETIC = "15070019000101000X"


@pytest.mark.clause("GB 11643-1999 4")
def test_synthetic_numbers_are_classified() -> None:
    expectations = {
        "check-digit-valid": None,
        "check-digit-invalid": "RESIDENT_ID_CHECK",
        "check-digit-valid-after-upper-casing": "RESIDENT_ID_CHARACTER",
        "check-digit-valid-but-date-invalid": "RESIDENT_ID_DATE",
    }
    for entry in vectors("gb11643_resident_id")["entries"]:
        code = expectations[entry["expected"]]
        if code is None:
            assert read_resident_id(entry["id"]).text == entry["id"]
        else:
            with pytest.raises(MalformedError) as raised:
                read_resident_id(entry["id"])
            assert raised.value.code == code


@pytest.mark.clause("GB 11643-1999 4.2")
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_computed_check_character_is_accepted_and_no_other(born_on: date) -> None:
    first = f"999999{born_on:%Y%m%d}000"
    accepted = []
    for check in CHECK_CHARACTERS:
        try:
            accepted.append(read_resident_id(first + check))
        except MalformedError as error:
            assert error.code == "RESIDENT_ID_CHECK"
    assert [number.text[-1] for number in accepted] == [compute_check_character(first)]
    assert (accepted[0].born_on, accepted[0].division, accepted[0].sequence) == (born_on, "999999", "000")


@pytest.mark.parametrize("day", ["19000230", "19010229", "19001301", "19000100", "00000101"])
def test_a_day_that_no_calendar_has_is_refused_whatever_the_check_character_says(day: str) -> None:
    first = f"999999{day}000"
    with pytest.raises(MalformedError) as raised:
        read_resident_id(first + compute_check_character(first))
    assert raised.value.code == "RESIDENT_ID_DATE"


def test_what_people_type_is_normalised() -> None:
    assert normalise_resident_id(" 15070019000101000x ") == SYNTHETIC
    assert read_resident_id(normalise_resident_id(" 15070019000101000x ")).born_on == date(1900, 1, 1)


@pytest.mark.parametrize("text", ["", SYNTHETIC[:-1], "١" + SYNTHETIC[1:], "A" + SYNTHETIC[1:], SYNTHETIC[:-1] + "Y"])
def test_what_is_not_a_number_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_resident_id(text)
    assert raised.value.code in {"RESIDENT_ID_LENGTH", "RESIDENT_ID_CHARACTER"}
    assert text == "" or text not in str(raised.value)


def test_a_number_does_not_print_itself() -> None:
    assert SYNTHETIC not in repr(read_resident_id(SYNTHETIC))
