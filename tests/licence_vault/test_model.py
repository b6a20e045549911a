"""Licence data: one spelling, strict reading, commitments; and the life of a licence as a table."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licence_vault import limits
from licence_vault.life import STATUS_CODES, TOKEN_STATUS
from licence_vault.model import (
    ENDED,
    EVENT_NAMES,
    LICENCE_LIFE,
    TYPE_LIFE,
    AskedHolder,
    Holder,
    LicenceData,
    LicenceEvent,
    LicenceState,
    SaltedLicence,
    TypeState,
    new_salt,
    read_salted_licence,
    step_named,
    type_step_named,
    write_canonical,
)
from standards.errors import TrustError
from tests.licence_vault.samples import sample_licence


def read_licence_data(data: bytes) -> LicenceData:
    """As they stand in the file, beside a salt."""
    return read_salted_licence(b'{"data":' + data + b',"salt":"' + b"0" * 64 + b'"}').data


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=40)


@pytest.mark.clause("RFC 8785 3.2")
@given(names, st.dates(min_value=date(1000, 1, 1)), st.none() | st.dates(min_value=date(1000, 1, 1)), st.integers(0, 2**31 - 1))
def test_data_come_back_from_their_canonical_bytes(name: str, first: date, last: date | None, index: int) -> None:
    licence = sample_licence(holders=(Holder(name, "X1", "999"),), valid_from=first, valid_to=last)
    licence = sample_licence(holders=licence.holders, status=type(licence.status)(licence.status.list, index))
    assert read_licence_data(licence.canonical()) == licence
    salted = SaltedLicence(licence, new_salt())
    assert read_salted_licence(salted.canonical()) == salted


def test_the_commitment_is_over_salt_and_canonical_bytes() -> None:
    licence, salt = sample_licence(), new_salt()
    expected = hashlib.new("sm3", salt + licence.canonical()).digest() if "sm3" in hashlib.algorithms_available else None
    assert licence.commitment(salt) == SaltedLicence(licence, salt).commitment()
    assert expected in {None, licence.commitment(salt)}
    assert licence.commitment(salt) != licence.commitment(new_salt())


def changed(path: str, value: object) -> dict[str, Any]:
    """The sample's JSON with one member replaced (``a.b`` or ``a.0``); a value of ``...`` removes it."""
    whole: dict[str, Any] = sample_licence().as_json()
    place: Any = whole
    *way, last = path.split(".")
    for each in way:
        place = place[int(each)] if isinstance(place, list) else place[each]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("v", 2, "$.v"),
        ("v", True, "$.v"),
        ("v", 0, "$.v"),
        ("extra", 1, "$"),
        ("number", ..., "$"),
        ("identifier", "", "$.identifier"),
        ("identifier", 5, "$.identifier"),
        ("number", "x" * 129, "$.number"),
        ("name", "a\u202eb", "$.name"),
        ("name", "a\nb", "$.name"),
        ("type", [], "$.type"),
        ("type.version", 1.5, "$.type.version"),
        ("version", "1", "$.version"),
        ("version", "00１", "$.version"),
        ("issued_on", "2026-02-30", "$.issued_on"),
        ("issued_on", "20260201", "$.issued_on"),
        ("valid_to", "长期", "$.valid_to"),
        ("area_code", "15010", "$.area_code"),
        ("holders", [], "$.holders"),
        ("holders", {}, "$.holders"),
        ("holders.0.code_type", "112", "$.holders[0].code_type"),
        ("holders.0", "x", "$.holders[0]"),
        ("fields", [], "$.fields"),
        ("fields.KZ_address", None, "$.fields.KZ_address"),
        ("fields.KZ_address", "a\tb", "$.fields.KZ_address"),
        ("fields.1x", "", "$.fields"),
        ("status.index", -1, "$.status.index"),
        ("status.list", "", "$.status.list"),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_place(path: str, value: object, place: str) -> None:
    data = write_canonical(changed(path, value))
    with pytest.raises(TrustError) as raised:
        read_licence_data(data)
    assert (raised.value.code, raised.value.facts["place"]) == ("LICENCE_DATA_MALFORMED", place)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"null",
        b"1" * 5000,
        b'{"v":1,"v":1}',
        json.dumps(sample_licence().as_json()).encode(),  # escapes and blanks: the same value, another spelling
        sample_licence().canonical() + b"\n",
        sample_licence().canonical().replace(b'"v":1', b'"v":1,"v":1'),
    ],
)
def test_only_canonical_bytes_are_licence_data(data: bytes) -> None:
    with pytest.raises(TrustError) as raised:
        read_licence_data(data)
    assert raised.value.code == "LICENCE_DATA_MALFORMED"


def test_fields_may_be_empty_and_of_several_lines() -> None:
    licence = sample_licence(fields={"a": "", "b": "one\ntwo"})
    assert read_licence_data(licence.canonical()).fields == {"a": "", "b": "one\ntwo"}


def test_what_is_too_large_is_not_read() -> None:
    with pytest.raises(TrustError) as raised:
        read_licence_data(b" " * (limits.LICENCE_JSON_BYTES + 1))
    assert raised.value.code == "LICENCE_DATA_TOO_LARGE"


@pytest.mark.parametrize("salt", ["", "0" * 63, "0" * 65, "A" * 64, "٠" * 64])
def test_a_salt_has_one_spelling(salt: str) -> None:
    with pytest.raises(TrustError):
        read_salted_licence(write_canonical({"data": sample_licence().as_json(), "salt": salt}))


def test_salted_bytes_are_canonical_too() -> None:
    good = SaltedLicence(sample_licence(), bytes(32)).canonical()
    with pytest.raises(TrustError):
        read_salted_licence(good.replace(b'"salt":', b'"salt": '))


def test_the_life_of_a_licence_is_whole() -> None:
    assert set(TOKEN_STATUS) == set(STATUS_CODES) == set(LicenceState)
    assert set(EVENT_NAMES) == set(LicenceEvent)
    assert len({step.name for step in LICENCE_LIFE}) == len(LICENCE_LIFE)
    reached = {step.target for step in LICENCE_LIFE} | {LicenceState.DRAFT}
    assert reached == set(LicenceState)
    for step in LICENCE_LIFE:
        assert step_named(step.name) is step
        assert not step.sources & ENDED, "what has ended stays ended"
        assert step.summary


def test_nothing_ended_counts_as_valid_in_the_status_list() -> None:
    assert all(TOKEN_STATUS[state] == 1 for state in ENDED | {LicenceState.TRANSFERRED})
    assert TOKEN_STATUS[LicenceState.SUSPENDED] == 2
    assert max(TOKEN_STATUS.values()) <= 3


def test_a_type_is_published_by_a_second_person_only() -> None:
    assert {step.target for step in TYPE_LIFE} == set(TypeState)
    assert type_step_named("publish").needs_second_person
    assert [step.verb for step in TYPE_LIFE if step.target is TypeState.PUBLISHED] == ["publish"]


def test_reading_gives_a_licence_of_its_own_kind() -> None:
    assert isinstance(read_licence_data(sample_licence().canonical()), LicenceData)


@pytest.mark.parametrize(
    ("name", "code", "is_one"),
    [
        ("甲", "1", True),
        ("乙", "2", True),
        ("甲", "2", False),  # the name of one and the code of another
        ("乙", "1", False),
        ("甲 ", "1", False),
        ("甲", "1\0", False),
        ("", "", False),
        ("\ud840\udc00", "3", False),  # the halves of a character are not the character
        ("\U00020000", "3", True),
        ("\ud800", "4", True),
        ("\udc00", "4", False),
        ("\u00c5", "5", True),  # the same letter, composed
        ("A\u030a", "5", True),
        ("A", "5", False),
        ("\uff21\u030a", "5", False),  # another width
        ("乙", "\u00c5", False),  # of codes every character counts
        ("乙", "A\u030a", True),
    ],
)
def test_who_is_asked_about_is_one_holder_by_name_and_code(name: str, code: str, is_one: bool) -> None:
    holders = [("甲", "1"), ("乙", "2"), ("\U00020000", "3"), ("\ud800", "4"), ("A\u030a", "5"), ("乙", "A\u030a")]
    assert AskedHolder(name, code).is_one_of(holders) is is_one
    assert AskedHolder(name, code).is_one_of(reversed(holders)) is is_one
    assert not AskedHolder(name, code).is_one_of([])


@given(st.text(), st.text(), st.text(), st.text())
def test_who_is_asked_about_is_compared_as_texts_are(name: str, code: str, other_name: str, other_code: str) -> None:
    asked = AskedHolder(name, code)
    is_named_so = normalize("NFC", name) == normalize("NFC", other_name)
    assert asked.is_one_of([(other_name, other_code)]) is (is_named_so and code == other_code)
    assert asked.is_one_of([(other_name, other_code), (name, code)])


def test_who_is_asked_about_is_not_in_what_is_printed_of_him() -> None:
    assert repr(AskedHolder("张三", "11010519491231002X")) == "AskedHolder()"
