"""What no licence could fulfil, and codes that would tell an ended licence as one in force, are refused where a type is written or handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions import define_type
from licence_vault.actions.define_type import draft_type, rewrite_type, take_type_step
from licence_vault.actions.find_types import starter_types
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.life import type_step_named
from licence_vault.type_rules.content_checks import check_content
from licence_vault.type_rules.fulfilment import check_fulfilment
from licence_vault.type_rules.read_definition import definition_of
from service_kit.callers import Caller
from service_kit.rule_texts import rule_in
from standards.errors import TrustError
from tests.licence_vault.issuing_here import FACE
from tests.licence_vault.test_type_rules import DAY, PERSON
from tests.licence_vault.type_files import TYPE, type_file
from tests.licence_vault.vault_here import VaultHere

if TYPE_CHECKING:
    from pathlib import Path

ROOM = "at least {}, so that a value has room"
BLANK = "without blanks around it"
AUTHOR = Caller("cl_author", "cl_author", frozenset())


def item(kind: str, **rules: object) -> dict[str, Any]:
    return {"key": "KZ_address", "block": "basic", "name": "地址", "kind": kind, "is_required": True, **rules}


@pytest.mark.parametrize(
    ("path", "value", "place", "rule"),
    [
        ("items.0", item("date", characters_max=9), "items[0].characters_max", ROOM.format(10)),
        ("items.0", item("credit_code", characters_max=17), "items[0].characters_max", ROOM.format(18)),
        ("items.0", item("resident_id", characters_max=17), "items[0].characters_max", ROOM.format(18)),
        ("items.0", item("area_code", characters_max=5), "items[0].characters_max", ROOM.format(6)),
        ("items.0", item("mask", mask="9999", characters_max=3), "items[0].characters_max", ROOM.format(4)),
        ("items.0", item("choice", choices=["甲", "乙丙"], characters_max=1), "items[0].characters_max", ROOM.format(2)),
        ("items.0", item("integer", least=100, characters_max=2), "items[0].characters_max", ROOM.format(3)),
        ("items.0", item("decimal", most=-10, characters_max=2), "items[0].characters_max", ROOM.format(3)),
        ("items.0", item("integer", least=10**15), "items[0].least", "numbers of at most 15 digits"),
        ("items.0", item("integer", most=-(10**15)), "items[0].most", "numbers of at most 15 digits"),
        ("items.0", item("choice", choices=["甲 "]), "items[0].choices", BLANK),
        ("items.0", item("mask", mask=" 99"), "items[0].mask", BLANK),
        ("numbering", "示{serial:4} ", "numbering", BLANK),
        ("name", " 示例许可证", "name", BLANK),
        ("status_codes.revoked.share", 0, "status_codes.revoked.share", "not 0, which says that the licence is in force"),
    ],
)
def test_a_rule_that_nothing_fulfils_is_refused_and_told(path: str, value: object, place: str, rule: str) -> None:
    with pytest.raises(TrustError) as raised:
        check_fulfilment(definition_of(type_file(path, value)))
    assert (raised.value.code, raised.value.facts["place"], raised.value.facts["rule"]) == ("LICENCE_TYPE_MALFORMED", f"$.{place}", rule)
    assert rule_in("zh", rule) != rule


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        (item("date", characters_max=10), "2026-11-28"),
        (item("mask", mask="99 A", characters_max=4), "12 B"),
        (item("choice", choices=["甲", "乙丙"], characters_max=2), "乙丙"),
        (item("integer", least=10**15 - 1, characters_max=15), "9" * 15),
        (item("integer", least=-500, most=5, characters_max=1), "0"),
        (item("decimal", most=-7, characters_max=2), "-7"),
    ],
)
def test_what_just_fits_is_taken_and_fulfilled(rules: dict[str, Any], value: str) -> None:
    definition = definition_of(type_file("items.0", rules))
    check_fulfilment(definition)
    content: dict[str, Any] = {"fields": {"KZ_address": value}, "holders": [PERSON], "valid_from": DAY, "valid_to": None}
    assert check_content(definition, **content) == ()


def test_the_starters_are_fulfilled() -> None:
    for whole in starter_types():
        check_fulfilment(definition_of(whole))


def test_it_is_asked_at_each_step_and_what_was_published_before_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = type_file("items.0", item("date", characters_max=9), face=FACE)
    with VaultHere.made(tmp_path / "d") as vault:
        with monkeypatch.context() as before:
            before.setattr(define_type, "check_fulfilment", lambda _: None)
            draft = draft_type(vault.context, AUTHOR, whole)
        for act in (
            lambda: draft_type(vault.context, AUTHOR, whole),
            lambda: rewrite_type(vault.context, AUTHOR, TYPE, 1, whole, if_revision=1),
            lambda: take_type_step(vault.context, AUTHOR, TYPE, 1, type_step_named("submit"), reason="", if_revision=1),
        ):
            with pytest.raises(TrustError) as raised:
                act()
            assert raised.value.facts["place"] == "$.items[0].characters_max"
        assert definition_of_version(draft).items[0].characters_max == 9
