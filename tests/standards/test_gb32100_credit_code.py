"""GB 32100: published codes of public bodies, every single-character error, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gb32100_credit_code import (
    ALPHABET,
    compute_check_character,
    compute_organisation_check,
    is_credit_code,
    read_credit_code,
)
from tests.vectors import vectors

MINISTRY = "11100000000013338W"  # printed in published licence identifiers
body = st.tuples(
    st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
).map("".join)


@pytest.mark.clause("GB 32100-2015 4", "GB 11714-1997 4")
def test_published_codes_are_classified() -> None:
    for entry in vectors("gb32100_uscc")["entries"]:
        assert is_credit_code(entry["uscc"]) is (entry["expected"] == "valid"), entry
        if entry["expected"] == "valid":
            code = read_credit_code(entry["uscc"])
            assert code.organisation_code == entry["org_code_gb11714"]
            assert code.is_organisation_code_sound is entry["org_part_ok"]


@pytest.mark.clause("GB 32100-2015 4.1")
def test_the_parts_of_a_code() -> None:
    code = read_credit_code(MINISTRY)
    assert (code.registration_department, code.category, code.division, code.organisation_code) == ("1", "1", "100000", "000013338")
    assert code.is_organisation_code_sound


@pytest.mark.clause("GB 32100-2015 5")
@given(body)
def test_a_computed_check_character_is_accepted_and_no_other(first: str) -> None:
    check = compute_check_character(first)
    assert [c for c in ALPHABET if is_credit_code(first + c)] == [check]


@pytest.mark.clause("GB 11714-1997 5")
def test_organisation_check_writes_ten_as_x_and_eleven_as_zero() -> None:
    written = {compute_organisation_check(f"{n:08d}") for n in range(200)}
    assert written == set("0123456789X")
    assert compute_organisation_check("00001333") == "8"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MINISTRY[:-1], "CREDIT_CODE_LENGTH"),
        (MINISTRY + "0", "CREDIT_CODE_LENGTH"),
        (MINISTRY.lower(), "CREDIT_CODE_CHARACTER"),
        ("1110000000001333IW", "CREDIT_CODE_CHARACTER"),
        ("11A00000000013338W", "CREDIT_CODE_DIVISION"),
        (MINISTRY[:-1] + "0", "CREDIT_CODE_CHECK"),
        ("１" + MINISTRY[1:], "CREDIT_CODE_CHARACTER"),
    ],
)
def test_what_is_not_a_code_says_why(text: str, code: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_credit_code(text)
    assert raised.value.code == code
    assert not is_credit_code(text)


def test_an_unsound_inner_organisation_code_is_told_apart() -> None:
    first = MINISTRY[:16] + "9"
    assert not read_credit_code(first + compute_check_character(first)).is_organisation_code_sound
