"""GB/T 36903: keys are told apart, the code types of Annex A, dates as they are written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gbt36903_metadata import CREDIT_CODE, EXTENSION_PREFIX, HOLDER_CODE_TYPES, ITEMS, KEYS, RESIDENT_ID, read_date, write_date


@pytest.mark.clause("GB/T 36903-2018 items")
def test_every_key_and_column_stands_for_one_item() -> None:
    keys = [item.key for item in ITEMS if item.key]
    columns = [item.column for item in ITEMS if item.column]
    assert len(set(keys)) == len(keys) == len(KEYS)
    assert len(set(columns)) == len(columns)
    assert all(item.key or item.column for item in ITEMS)
    assert not any(key.startswith(EXTENSION_PREFIX) for key in keys)
    assert {"ZZBS", "ZZMC", "ZZLXDM", "ZZBFJG", "CZZT", "CZZTDM", "CZZTDMLXDM"} <= KEYS


@pytest.mark.clause("GB/T 36903-2018 Annex A")
def test_holder_code_types() -> None:
    assert len(HOLDER_CODE_TYPES) == 16
    assert {code for code, line in HOLDER_CODE_TYPES.items() if not line.is_person} == {CREDIT_CODE, "099"}
    assert HOLDER_CODE_TYPES[RESIDENT_ID].name_zh == "公民身份号码"


@pytest.mark.clause("GB/T 36903-2018 dates")
@given(st.dates(min_value=date(1000, 1, 1)))
def test_dates_come_back(day: date) -> None:
    assert read_date(write_date(day)) == day


def test_an_end_that_is_none() -> None:
    assert write_date(None) == "长期"
    assert read_date("长期") is None
    assert read_date("") is None


@pytest.mark.parametrize("text", ["2026-01-01", "20260230", "２０２６０１０１", "202601011", "永久"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_date(text)
    assert raised.value.code == "LICENCE_DATE"
