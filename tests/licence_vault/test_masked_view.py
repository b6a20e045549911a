"""A masked licence says no more than the type lets everybody know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from licence_vault.model import Holder
from licence_vault.type_rules.masked_view import mask_code, mask_licence, mask_name
from licence_vault.type_rules.read_definition import definition_of
from tests.licence_vault.samples import sample_licence
from tests.licence_vault.type_files import type_file

HOLDERS = (Holder("张三（示例）", "11010519491231002X", "111"), Holder("示例餐饮有限公司", "91150700MA0N000018", "001"))
FIELDS = {"KZ_class": "甲级", "KZ_address": "示例路1号", "KZ_manager": "110105194912310011"}


@pytest.mark.parametrize("shown", [[], ["KZ_class"], ["KZ_class", "KZ_manager"]])
def test_nothing_but_what_the_type_shows_gets_out(shown: list[str]) -> None:
    definition = definition_of(type_file(sharing={"modes": ["consented"], "shown_masked": shown}))
    data = sample_licence(holders=HOLDERS, fields=FIELDS)
    masked: dict[str, Any] = mask_licence(data, definition)
    assert masked["holders"] == [
        {"name": "张****", "code": "1****X", "code_type": "111"},
        {"name": "示****", "code": "9****8", "code_type": "001"},
    ]
    assert masked["fields"] == ({"KZ_class": "甲级"} if shown else {})
    written = json.dumps(masked, ensure_ascii=False)
    for secret in (*(each.name for each in HOLDERS), *(each.code for each in HOLDERS), data.number, "示例路1号", "110105194912310011"):
        assert secret not in written
    assert set(masked) == set(data.as_json())


@pytest.mark.parametrize(("code", "masked"), [("", "****"), ("1234567", "****"), ("12345678", "1****8")])
def test_short_codes_are_all_stars(code: str, masked: str) -> None:
    assert mask_code(code) == masked


def test_names_of_any_length_look_alike() -> None:
    assert {mask_name(each) for each in ("王", "王五", "王小五六七")} == {"王****"}
