"""Licence types as files: strict reading, and what may stand in a licence of the type."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licence_vault import limits
from licence_vault.actions.define_type import check_face
from licence_vault.actions.find_types import starter_types
from licence_vault.actions.issue_licence import check_order
from licence_vault.actions.issuing_basis import check_longest_code
from licence_vault.api.licence_shapes import IssueBody, ReceiveBody, SucceedBody
from licence_vault.faces.read_design import face_of
from licence_vault.model import STATUS_CODES, Holder, LicenceState
from licence_vault.type_rules.content_checks import check_content
from licence_vault.type_rules.definition import Block, ItemKind
from licence_vault.type_rules.numbering import is_numbering_rule, series_of, write_printed_number
from licence_vault.type_rules.read_definition import definition_of, read_definition, write_definition
from licence_vault.uses import UseMode
from standards.errors import TrustError
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file

if TYPE_CHECKING:
    from pydantic import BaseModel

PERSON = Holder("张三（示例）", "11010519491231002X", "111")
FIRM = Holder("示例公司", AUTHORITY, "001")
DAY = date(2026, 11, 28)


def broken(whole: dict[str, Any] | None = None, **content: Any) -> set[tuple[str, str]]:
    """What is against the type in a licence that is right but for ``content``."""
    right: dict[str, Any] = {"fields": {"KZ_address": "示例路1号"}, "holders": [PERSON], "valid_from": DAY, "valid_to": date(2031, 11, 28)}
    return {(each.place, each.rule) for each in check_content(definition_of(whole or type_file()), **(right | content))}


def test_a_file_is_read_into_its_chapters() -> None:
    definition = read_definition(write_definition(type_file()))
    assert (definition.code, definition.standard, definition.numbering) == (TYPE, "C9999-2026", "示字〔{year}〕第{serial:6}号")
    assert [each.has_end for each in definition.catalogue.validity_ranges] == [True, True, False]
    assert {item.block for item in definition.items} == set(Block)
    assert {item.kind for item in definition.items} == set(ItemKind)
    assert definition.sharing.modes == {UseMode.CONSENTED, UseMode.BY_DUTY}
    assert definition.sealing.page == 1
    assert definition.codes_of(LicenceState.REVOKED).region == "03"
    assert definition.codes_of(LicenceState.ISSUED) == STATUS_CODES[LicenceState.ISSUED]
    assert read_definition(write_definition(definition.whole)) == definition


def test_a_type_that_could_not_be_read_again_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As sent it may be a third of that: the file is indented, so that people can read it."""
    whole = type_file()
    monkeypatch.setattr(limits, "TYPE_FILE_BYTES", len(write_definition(whole)))
    assert read_definition(write_definition(whole)) == definition_of(whole)
    monkeypatch.setattr(limits, "TYPE_FILE_BYTES", limits.TYPE_FILE_BYTES - 1)
    for act in (lambda: write_definition(whole), lambda: read_definition(b" " * (limits.TYPE_FILE_BYTES + 1))):
        with pytest.raises(TrustError) as raised:
            act()
        assert (raised.value.code, raised.value.facts) == ("LICENCE_TYPE_TOO_LARGE", {"limit_bytes": limits.TYPE_FILE_BYTES})


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("format", 2, "$.format"),
        ("format", True, "$.format"),
        ("extra", 1, "$"),
        ("face", ..., "$"),
        ("face", [], "$.face"),
        ("code", "11150700MB1234562X990", "$.code"),
        ("code", AUTHORITY + "99A", "$.code"),
        ("name", "", "$.name"),
        ("name", "a\u202eb", "$.name"),
        ("catalogue.authority_code", "11430000006122244L", "$.catalogue.authority_code"),
        ("catalogue.authority_code", "114300000061222440", "$.catalogue.authority_code"),
        ("catalogue.class", "9", "$.catalogue.class"),
        ("catalogue.class", [], "$.catalogue.class"),
        ("catalogue.class", {}, "$.catalogue.class"),
        ("catalogue.authority_level", 3, "$.catalogue.authority_level"),
        ("catalogue.holder_category", "people", "$.catalogue.holder_category"),
        ("catalogue.validity_ranges", "永久", "$.catalogue.validity_ranges"),
        ("catalogue.related_items.0", {"name": "x"}, "$.catalogue.related_items[0]"),
        ("items", {}, "$.items"),
        ("items.0.key", "1x", "$.items[0].key"),
        ("items.0.key", "KZ_scope", "$.items"),
        ("items.0.kind", "blob", "$.items[0].kind"),
        ("items.0.is_required", 1, "$.items[0].is_required"),
        ("items.0.choices", ["a"], "$.items[0].choices"),
        ("items.5.choices", ["a", "a"], "$.items[5].choices"),
        ("items.0.mask", "9", "$.items[0].mask"),
        ("items.9.mask", "", "$.items[9].mask"),
        ("items.0.least", 1, "$.items[0].least"),
        ("items.2.least", 6000, "$.items[2].least"),
        ("items.2.most", 1.5, "$.items[2].most"),
        ("items.0.characters_max", 0, "$.items[0].characters_max"),
        ("numbering", "没有流水号", "$.numbering"),
        ("sealing.seal", "anybody", "$.sealing.seal"),
        ("sealing.page", 0, "$.sealing.page"),
        ("sealing.x_mm", -1, "$.sealing.x_mm"),
        ("sealing.x_mm", True, "$.sealing.x_mm"),
        ("sealing.x_mm", 10**400, "$.sealing.x_mm"),
        ("sharing.modes", ["anyhow"], "$.sharing.modes"),
        ("sharing.modes", ["own"], "$.sharing.modes"),
        ("sharing.shown_masked", ["KZ_nothing"], "$.sharing.shown_masked"),
        ("status_codes", {"lost": {}}, "$.status_codes"),
        ("status_codes.revoked.share", "21", "$.status_codes.revoked.share"),
        ("face", {"x": "y" * limits.FACE_BYTES}, "$.face"),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_place(path: str, value: object, place: str) -> None:
    with pytest.raises(TrustError) as raised:
        definition_of(type_file(path, value))
    assert (raised.value.code, raised.value.facts["place"]) == ("LICENCE_TYPE_MALFORMED", place)


@pytest.mark.parametrize("mode", ["anyhow", "own"])
def test_a_refused_mode_names_those_that_there_are(mode: str) -> None:
    with pytest.raises(TrustError) as raised:
        definition_of(type_file("sharing.modes", [mode]))
    assert raised.value.facts["rule"] == "one of consented, duty, entrusted"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[" * 90_000,
        b"[]",
        json.dumps(type_file()).replace("40}", "NaN}").encode(),
        json.dumps(type_file()).replace("{", '{"format":1,', 1).encode(),
    ],
)
def test_what_is_no_file(data: bytes) -> None:
    with pytest.raises(TrustError) as raised:
        read_definition(data)
    assert raised.value.code == "LICENCE_TYPE_MALFORMED"


def test_a_file_over_the_limit_is_not_read() -> None:
    with pytest.raises(TrustError) as raised:
        read_definition(b" " * (limits.TYPE_FILE_BYTES + 1))
    assert raised.value.code == "LICENCE_TYPE_TOO_LARGE"


def test_what_fits_its_type_may_be_issued() -> None:
    fields = {
        "KZ_address": "示例路1号",
        "KZ_scope": "一\n二",
        "KZ_seats": "5000",
        "KZ_area": "1.00000001",
        "KZ_day": "2026-02-28",
        "KZ_class": "甲级",
        "KZ_operator": AUTHORITY,
        "KZ_manager": "11010519491231002X",
        "KZ_place": "150700",
        "KZ_plate": "蒙K·12AB3",
    }
    assert broken(fields=fields, holders=[PERSON, FIRM]) == set()
    assert broken(valid_to=None) == set()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("KZ_address", ""),
        ("KZ_address", "长" * 201),
        ("KZ_address", " 示例路"),
        ("KZ_address", "一\n二"),
        ("KZ_scope", "a\u202eb"),
        ("KZ_seats", "5001"),
        ("KZ_seats", "-1"),
        ("KZ_seats", "1.0"),
        ("KZ_seats", "１"),
        ("KZ_area", "0.99999999"),
        ("KZ_area", "1e3"),
        ("KZ_day", "2026-02-30"),
        ("KZ_day", "20260228"),
        ("KZ_class", "丙级"),
        ("KZ_operator", "114300000061222440"),
        ("KZ_manager", "110105194912310021"),
        ("KZ_place", "15070"),
        ("KZ_plate", "蒙a·12345"),
        ("KZ_other", "x"),
    ],
)
def test_what_does_not_fit_is_named(key: str, value: str) -> None:
    assert {place for place, _ in broken(fields={"KZ_address": "示例路1号"} | {key: value})} == {key}


@pytest.mark.parametrize(
    ("holders", "place"),
    [
        ([Holder("x", "11010519491231002X", "112")], "holders[0].code_type"),
        ([Holder("x", "110105194912310021", "111")], "holders[0].code"),
        ([Holder("x", "114300000061222440", "001")], "holders[0].code"),
        ([Holder(" ", "A1", "999")], "holders[0].name"),
        ([PERSON, PERSON], "holders"),
    ],
)
def test_holders_are_checked(holders: list[Holder], place: str) -> None:
    assert {each for each, _ in broken(holders=holders)} == {place}


@pytest.mark.parametrize(("category", "holder"), [("person", FIRM), ("organisation", PERSON)])
def test_a_type_says_who_may_hold_it(category: str, holder: Holder) -> None:
    whole = type_file("catalogue.holder_category", category)
    assert {each for each, _ in broken(whole, holders=[holder])} == {"holders[0].code_type"}


@pytest.mark.parametrize(
    ("ranges", "valid_to", "is_kept"),
    [
        ("5年", date(2031, 11, 28), True),
        ("5年", date(2031, 11, 29), False),
        ("5年", date(2026, 11, 27), False),
        ("5年", None, False),
        ("长期", None, True),
        ("长期", date(2031, 11, 28), False),
        ("1月^1年", date(2027, 6, 1), True),
    ],
)
def test_validity_lies_within_what_the_type_offers(ranges: str, valid_to: date | None, *, is_kept: bool) -> None:
    found = broken(type_file("catalogue.validity_ranges", ranges), valid_to=valid_to)
    assert ({place for place, _ in found} == set()) is is_kept
    assert {place for place, _ in found} <= {"valid_to"}


@pytest.mark.parametrize(
    ("rule", "is_sound"),
    [
        ("第{serial:6}号", True),
        ("{area}-{year}-{serial:12}", True),
        ("{serial:0}", False),
        ("{serial:13}", False),
        ("{serial:2}{serial:2}", False),
        ("{serial}", False),
        ("{month}{serial:2}", False),
        ("{{serial:2}}", False),
    ],
)
def test_numbering_rules(rule: str, *, is_sound: bool) -> None:
    assert is_numbering_rule(rule) is is_sound


@pytest.mark.parametrize(
    ("ranges", "first", "last", "is_kept"),
    [
        ("30年^50年", date(2026, 11, 28), date(2026, 11, 30), False),
        ("30年^50年", date(2026, 11, 28), date(2056, 11, 26), False),
        ("30年^50年", date(2026, 11, 28), date(2056, 11, 27), True),
        ("30年^50年", date(2026, 11, 28), date(2066, 1, 1), True),
        ("30年^50年", date(2026, 11, 28), date(2076, 11, 28), True),
        ("30年^50年", date(2026, 11, 28), date(2076, 11, 29), False),
        ("1天^1年", date(2026, 11, 28), date(2026, 11, 28), True),
        ("1月^长期", date(2026, 1, 31), date(2026, 2, 26), False),
        ("1月^长期", date(2026, 1, 31), date(2026, 2, 27), True),
        ("长期", date(2026, 11, 28), date(2026, 11, 28), False),
    ],
)
def test_a_validity_lies_between_the_shortest_and_the_longest_range(ranges: str, first: date, last: date, *, is_kept: bool) -> None:
    definition = definition_of(type_file("catalogue.validity_ranges", ranges))
    found = check_content(definition, fields={"KZ_address": "示例路"}, holders=(PERSON,), valid_from=first, valid_to=last)
    assert [each.place for each in found] == ([] if is_kept else ["valid_to"])


def test_a_validity_that_is_only_cut_short_may_be_shorter_than_any_range() -> None:
    definition, last = definition_of(type_file("catalogue.validity_ranges", "30年")), date(2026, 12, 1)
    wanted = {"fields": {"KZ_address": "示例路"}, "holders": (PERSON,), "valid_from": date(2026, 11, 28), "valid_to": last}
    assert check_content(definition, **wanted, term_from=last) == ()  # type: ignore[arg-type]
    assert check_content(definition, **wanted) != ()  # type: ignore[arg-type]


@given(st.integers(1, 10**14), st.integers(2000, 2999))
def test_printed_numbers_of_a_series_never_meet(serial: int, year: int) -> None:
    series = series_of("示字〔{year}〕{area}第{serial:4}号", year=year, area_code="150700")
    assert write_printed_number(series, serial) == f"示字〔{year}〕150700第{serial:04d}号"
    assert write_printed_number(series, serial) != write_printed_number(series, serial + 1)


def test_the_starter_set() -> None:
    definitions = [definition_of(each) for each in starter_types()]
    assert len(definitions) >= 8
    assert len({each.code for each in definitions}) == len(definitions)
    assert any(each.name_mongolian and any(item.name_mongolian for item in each.items) for each in definitions)
    assert {item.block for each in definitions for item in each.items} == set(Block)

    for each in definitions:
        check_face(each)
        drawn = json.dumps(each.face)
        if "mn-Mong" in each.face["languages"]:  # what the one half says of days the other says too
            assert all(f"{{{day}|mn}}" in drawn for day in ("valid_from", "valid_to", "issued_on") if f"{{{day}|zh}}" in drawn)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("sealing.page", 2, "$.sealing.page"),
        ("sealing.x_mm", 211, "$.sealing.x_mm"),
        ("sealing.y_mm", 0, "$.sealing.y_mm"),
        ("face.parts", [{"kind": "text", "x_mm": 9, "y_mm": 9, "size_mm": 4, "text": "{fields.KZ_scope}"}], "$.face.parts[0].text"),
        ("face.parts", [{"kind": "text", "x_mm": 9, "y_mm": 9, "size_mm": 4, "text": "{fields.KZ_other?}"}], "$.face.parts[0].text"),
    ],
)
def test_by_what_no_licence_could_be_drawn_or_sealed_is_no_type(path: str, value: object, place: str) -> None:
    with pytest.raises(TrustError) as raised:
        check_face(definition_of(type_file(path, value)))
    assert (raised.value.code, raised.value.facts["place"]) == ("LICENCE_TYPE_MALFORMED", place)
    drawn = [{"kind": "text", "x_mm": 9, "y_mm": 9, "size_mm": 4, "text": "{fields.KZ_address}{fields.KZ_scope?}"}]
    check_face(definition_of(type_file("face.parts", drawn)))


@pytest.mark.parametrize(
    ("level", "text", "numbering", "base_url", "is_kept"),
    [
        *((level, "{number}", "第{serial:6}号", "https://licences.example", True) for level in "LMQH"),
        *((level, "{name}", "", "https://licences.example", level != "H") for level in "LMQH"),
        *((level, "{number}", "第{serial:6}号", f"https://{'a' * 102}.example", level != "H") for level in "LMQH"),
    ],
)
def test_a_type_whose_longest_licences_the_code_would_not_hold_is_found(
    level: str, text: str, numbering: str, base_url: str, is_kept: bool
) -> None:
    """By how many names its licences may choose, and how long the address is that every code says twice."""
    parts = [
        {"kind": "text", "x_mm": 9, "y_mm": 9, "size_mm": 4, "text": text},
        {"kind": "qr", "x_mm": 9, "y_mm": 20, "size_mm": 60, "level": level},
    ]
    definition = definition_of(type_file("face.parts", parts, numbering=numbering))
    if is_kept:
        check_longest_code(definition, face_of(definition.face), base_url)
        return
    with pytest.raises(TrustError) as raised:
        check_longest_code(definition, face_of(definition.face), base_url)
    assert (raised.value.code, raised.value.facts["place"]) == ("LICENCE_QR_TOO_LARGE", "qr")


@pytest.mark.parametrize("shape", [IssueBody, ReceiveBody])
def test_what_the_reference_of_the_api_gives_as_example_may_be_issued_and_extended(shape: type[IssueBody]) -> None:
    order = shape.model_validate(_example(shape)).to_order()
    (definition,) = (each for each in map(definition_of, starter_types()) if each.code == order.type_code)
    check_order(order, definition)
    longer = SucceedBody.model_validate(_example(SucceedBody)).to_content()
    assert order.valid_to is not None
    assert longer.valid_from is None
    check_order(replace(order, valid_to=longer.valid_to), definition, order.valid_to + timedelta(days=1))


def _example(shape: type[BaseModel]) -> Any:
    extra: Any = shape.model_config["json_schema_extra"]
    return extra["examples"][0]
