"""GB/T 36904: the published identifiers, a second implementation of the check character, and every rule that can be broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gb32100_credit_code import ALPHABET as CREDIT_ALPHABET
from standards.gb32100_credit_code import compute_check_character as credit_check
from standards.gbt36904_licence_number import (
    ALPHABET,
    NumberVerdict,
    compute_check_character,
    compute_legacy_check_character,
    examine_licence_number,
    is_type_code,
    read_licence_number,
    write_licence_number,
)
from tests.vectors import vectors

TYPE = "11100000000013338W011"
ISSUER = "11430000006122244L"
NUMBER = f"1.2.156.3005.2.{TYPE}.{ISSUER}.20230000403.001.U"
SERIAL = "K7Q2M9X4T1B8Z5W3R6P0"


def sums_to_one(body_with_check: str) -> bool:
    """ISO/IEC 7064 7.3 as the standard states it: the whole string, weighed by powers of 2 modulo 37 in its pure recursive form, gives 1.

    Written from the definition P(1) = 36, S(j) = P(j) mod 37 + a(j), P(j+1) = (S(j) mod 36 or 36) * 2, and S(n) mod 36 = 1 for a valid string.
    """
    p = 36
    s = 0
    for character in body_with_check:
        s = (p % 37) + int(character, 36)
        p = ((s % 36) or 36) * 2
    return s % 36 == 1


credit_codes = st.tuples(
    st.sampled_from(["11", "12", "91", "52"]),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(CREDIT_ALPHABET, min_size=9, max_size=9),
).map(lambda parts: "".join(parts) + credit_check("".join(parts)))


@pytest.mark.clause("GB/T 36904-2018 check character")
def test_published_identifiers_are_classified() -> None:
    for entry in vectors("gbt36904_identifier")["entries"]:
        findings = examine_licence_number(entry["id"])
        assert findings.verdict == entry["expected"], entry
        if "check_legacy_variant" in entry:
            number = findings.number
            assert number is not None
            body = number.type_code + number.issuer + number.serial + number.version
            assert compute_check_character(body) == entry["check_iso7064_mod37_36"]
            assert compute_legacy_check_character(body) == entry["check_legacy_variant"]
            assert number.check == entry["check_given"]


@pytest.mark.clause("ISO 7064 MOD 37,36")
def test_the_published_check_of_another_scheme() -> None:
    for entry in vectors("iso7064_mod37_36"):
        assert compute_check_character(entry["payload"]) == entry["check"]
        assert sums_to_one(entry["payload"] + entry["check"])


@pytest.mark.clause("ISO 7064 MOD 37,36")
@given(st.text(ALPHABET, min_size=1, max_size=80))
def test_the_second_implementation_accepts_one_character_and_it_is_ours(body: str) -> None:
    assert [c for c in ALPHABET if sums_to_one(body + c)] == [compute_check_character(body)]


@pytest.mark.clause("GB/T 36904-2018 identifier")
@given(credit_codes, st.integers(0, 999), credit_codes, st.text(ALPHABET, min_size=20, max_size=32), st.integers(1, 999))
def test_what_is_written_is_read_as_valid(authority: str, sequence: int, issuer: str, serial: str, version: int) -> None:
    written = write_licence_number(f"{authority}{sequence:03d}", issuer, serial, version)
    number = read_licence_number(written)
    assert number.verdict is NumberVerdict.VALID
    assert (number.type_code, number.issuer, number.serial) == (f"{authority}{sequence:03d}", issuer, serial)
    assert int(number.version) == version
    assert number.is_type_authority_sound
    assert number.is_issuer_sound
    assert sums_to_one("".join(written.removeprefix("1.2.156.3005.2.").split(".")))


@pytest.mark.clause("GB/T 36904-2018 check character")
@given(st.integers(0, 72), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_never_valid(position: int, other: str) -> None:
    number = write_licence_number(TYPE, ISSUER, SERIAL, 1)
    prefix, body = number[:15], list(number[15:])
    place = position % len(body)
    if body[place] not in {".", other}:
        body[place] = other
        assert examine_licence_number(prefix + "".join(body)).verdict is not NumberVerdict.VALID


def test_codes_inside_are_judged_apart_from_the_check_character() -> None:
    sound = read_licence_number(NUMBER)
    assert (sound.is_type_authority_sound, sound.is_issuer_sound) == (True, True)
    by_area = read_licence_number("1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9")
    assert by_area.verdict is NumberVerdict.VALID
    assert by_area.is_issuer_sound is None
    body = "11100000000013338X011" + "11430000006122244X" + SERIAL + "001"
    unsound = read_licence_number(f"1.2.156.3005.2.11100000000013338X011.11430000006122244X.{SERIAL}.001.{compute_check_character(body)}")
    assert unsound.verdict is NumberVerdict.VALID
    assert (unsound.is_type_authority_sound, unsound.is_issuer_sound) == (False, False)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1" * 129, "LICENCE_NUMBER_LENGTH"),
        ("", "LICENCE_NUMBER_ROOT"),
        (NUMBER.replace("3005.2", "3005.1"), "LICENCE_NUMBER_ROOT"),
        (NUMBER.removeprefix("1.2.156.3005.2."), "LICENCE_NUMBER_ROOT"),
        (NUMBER + ".1", "LICENCE_NUMBER_PARTS"),
        (NUMBER.replace("W011", "W11"), "LICENCE_NUMBER_TYPE"),
        (NUMBER.replace(ISSUER, ISSUER[:-1]), "LICENCE_NUMBER_ISSUER"),
        (NUMBER.replace(ISSUER, "34010A"), "LICENCE_NUMBER_ISSUER"),
        (NUMBER.replace("20230000403", ""), "LICENCE_NUMBER_SERIAL"),
        (NUMBER.replace("20230000403", "2023000040３"), "LICENCE_NUMBER_SERIAL"),
        (NUMBER.replace(".001.", ".01."), "LICENCE_NUMBER_VERSION"),
        (NUMBER.replace(".001.", ".000."), "LICENCE_NUMBER_VERSION"),
        (NUMBER.replace(".001.", ".00١."), "LICENCE_NUMBER_VERSION"),
        (NUMBER[:-1], "LICENCE_NUMBER_CHECK"),
        (NUMBER[:-1] + "UU", "LICENCE_NUMBER_CHECK"),
        (NUMBER[:-1] + "u", "LICENCE_NUMBER_CHECK"),
        (NUMBER + "\n", "LICENCE_NUMBER_CHECK"),
    ],
)
def test_what_is_no_number_says_why(text: str, code: str) -> None:
    findings = examine_licence_number(text)
    assert (findings.verdict, findings.number, findings.malformed) == (NumberVerdict.INVALID, None, code)


@given(st.text(max_size=140))
def test_any_text_has_a_verdict(text: str) -> None:
    assert examine_licence_number(text).verdict is NumberVerdict.INVALID


@pytest.mark.parametrize(
    ("type_code", "issuer", "serial", "version", "code"),
    [
        (TYPE[:-1], ISSUER, SERIAL, 1, "LICENCE_NUMBER_TYPE"),
        (TYPE[:-1] + "A", ISSUER, SERIAL, 1, "LICENCE_NUMBER_TYPE"),
        ("11100000000013338X011", ISSUER, SERIAL, 1, "LICENCE_NUMBER_TYPE"),
        (TYPE, "340100", SERIAL, 1, "LICENCE_NUMBER_ISSUER"),
        (TYPE, ISSUER, SERIAL[:-1], 1, "LICENCE_NUMBER_SERIAL"),
        (TYPE, ISSUER, SERIAL * 2, 1, "LICENCE_NUMBER_SERIAL"),
        (TYPE, ISSUER, SERIAL.lower(), 1, "LICENCE_NUMBER_SERIAL"),
        (TYPE, ISSUER, SERIAL, 0, "LICENCE_NUMBER_VERSION"),
        (TYPE, ISSUER, SERIAL, 1000, "LICENCE_NUMBER_VERSION"),
    ],
)
def test_only_sound_parts_are_written(type_code: str, issuer: str, serial: str, version: int, code: str) -> None:
    with pytest.raises(MalformedError) as raised:
        write_licence_number(type_code, issuer, serial, version)
    assert raised.value.code == code


def test_type_codes() -> None:
    assert is_type_code(TYPE)
    assert not is_type_code(TYPE + "0")
