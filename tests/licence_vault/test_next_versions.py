"""What the next version of a licence may say, and what it is called: rules of changing, extending and replacing, each with its place."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from licence_vault.actions.find_licences import find_licence
from licence_vault.actions.succeed_licence import NewContent
from licence_vault.model import Holder, LicenceState
from standards.errors import TrustError
from standards.gbt7408_times import CHINA
from tests.licence_vault.issuing_here import FACE, IssuingHere
from tests.licence_vault.test_licence_life import code, read, succeed
from tests.licence_vault.type_files import AUTHORITY, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

END = date(2031, 11, 27)  # that the licences of these tests have
OTHER_HOLDER = Holder("李四（示例）", "52150700MJ0000001A", "099")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("next") / "d") as made:
        yield made


@pytest.mark.parametrize(
    ("name", "content", "reason", "said"),
    [
        ("change", NewContent(), "x", ("body", "something that is to be different")),
        ("change", NewContent(fields={"KZ_address": "x"}), "", ("reason", "must not be empty")),
        ("replace", NewContent(valid_to=date(2031, 1, 1)), "x", ("body", "the same content once more: change or extend otherwise")),
        ("replace", NewContent(fields={}), "x", ("body", "the same content once more: change or extend otherwise")),
        ("replace", NewContent(holders=(OTHER_HOLDER,)), "x", ("body", "the same content once more: change or extend otherwise")),
        ("extend", NewContent(), "", ("valid_to", "a new end, and nothing else but a new beginning")),
        ("extend", NewContent(valid_from=END), "", ("valid_to", "a new end, and nothing else but a new beginning")),
        (
            "extend",
            NewContent(fields={"KZ_address": "x"}, valid_to=END + timedelta(days=1)),
            "",
            ("valid_to", "a new end, and nothing else but a new beginning"),
        ),
        ("change", NewContent(fields={}), "x", ("KZ_address", "required")),
        ("extend", NewContent(valid_to=date(2099, 1, 1)), "", ("valid_to", "within the longest validity range of the type")),
        (
            "extend",
            NewContent(valid_to=END - timedelta(days=1)),
            "",
            ("valid_to", "not before the end it has: an extension cuts nothing short"),
        ),
        ("extend", NewContent(valid_to=END), "", ("valid_to", "later than the end it has, where it begins as before")),
        ("extend", NewContent(valid_from=date(1800, 1, 1), valid_to=END + timedelta(days=1)), "", ("valid_from", "not before 1949-10-01")),
        ("change", NewContent(holders=(Holder("x", "110105194912310021", "111"),)), "x", ("holders[0].code", "a resident identity number")),
    ],
)
def test_a_step_changes_what_it_is_for(here: IssuingHere, name: str, content: NewContent, reason: str, said: tuple[str, str]) -> None:
    record = here.issue()
    with pytest.raises(TrustError) as raised:
        succeed(here, record, name, content, reason=reason)
    facts = raised.value.facts
    assert (facts.get("field", facts.get("place")), facts["rule"]) == said
    assert read(here, record).successor_id is None


def test_the_next_version_is_called_as_the_one_before_and_its_first_file_is_of_the_same_form(here: IssuingHere) -> None:
    record = here.issue(area_code="150702", forms=("pdf", "ofd"))
    again = succeed(here, record, "replace", NewContent())
    view = find_licence(here.vault.context, here.means.contents, here.clerk, again.id)
    assert view.data is not None
    assert (view.data.area_code, view.data.name) == ("150702", view.data.type.name)
    digests = {file.form: file.digest for file in view.files}
    assert [each.file_digest for each in here.history(again.id)] == [None, digests["pdf"]]


def test_a_type_that_is_called_otherwise_by_now_names_the_next_version(here: IssuingHere) -> None:
    mine = f"{AUTHORITY}997"
    here.publish(type_file(face=FACE, code=mine))
    record = here.issue(type_code=mine)
    here.publish(type_file(face=FACE, code=mine, name="示例许可证（新称）"))
    again = find_licence(here.vault.context, here.means.contents, here.clerk, succeed(here, record, "replace", NewContent()).id)
    assert again.data is not None
    assert (again.data.name, again.data.type.name, again.record.type_version) == ("示例许可证（新称）", "示例许可证（新称）", 2)


def test_a_licence_with_a_name_of_its_own_keeps_it(here: IssuingHere) -> None:
    mine = f"{AUTHORITY}998"
    shown = {"kind": "text", "x_mm": 5, "y_mm": 30, "size_mm": 4, "text": "{name}"}
    here.publish(type_file(face=FACE | {"parts": [*FACE["parts"], shown]}, code=mine))
    again = succeed(here, here.issue(type_code=mine, name="示例许可证（副本）"), "replace", NewContent())
    view = find_licence(here.vault.context, here.means.contents, here.clerk, again.id)
    assert view.data is not None
    assert view.data.name == "示例许可证（副本）"


def test_no_next_version_was_over_before_it_is_issued(here: IssuingHere) -> None:
    """The version before ends in that moment: its holder would be left without a licence."""
    said = ("valid_to", "not before the day of issue: nobody could ever use the licence")
    yesterday = here.vault.clock.at.astimezone(CHINA).date() - timedelta(days=1)
    record = here.issue(valid_from=date(2024, 11, 28), valid_to=yesterday + timedelta(days=1))
    steps = [("change", NewContent(valid_to=yesterday))]
    now = here.vault.clock.at
    try:
        for name, content in [*steps, ("replace", NewContent()), ("extend", NewContent(valid_to=yesterday + timedelta(days=2)))]:
            with pytest.raises(TrustError) as raised:
                succeed(here, record, name, content)
            assert (raised.value.facts["place"], raised.value.facts["rule"]) == said
            here.vault.clock.at = now + timedelta(days=3)  # it is over, and the job that notes it has not come by
        assert read(here, record).successor_id is None
    finally:
        here.vault.clock.at = now


def test_what_ends_and_what_has_no_end_becomes_the_other(here: IssuingHere) -> None:
    open_ended = succeed(here, here.issue(), "change", NewContent(is_open_ended=True))
    assert open_ended.valid_to is None
    with pytest.raises(TrustError) as raised:
        succeed(here, open_ended, "change", NewContent(valid_to=END + timedelta(days=2)))
    assert raised.value.facts["place"] == "valid_to", "what the type allows counts from its first day"
    assert succeed(here, open_ended, "change", NewContent(valid_to=END)).valid_to == END


def test_a_licence_of_its_full_term_is_extended_by_another_and_goes_on(here: IssuingHere) -> None:
    # the type allows five years; the licence begins on 2026-11-28 and has all of them
    full = succeed(here, here.issue(), "extend", NewContent(valid_to=date(2031, 11, 28)), reason="")
    assert (full.valid_from, full.valid_to) == (date(2026, 11, 28), date(2031, 11, 28))
    with pytest.raises(TrustError) as raised:
        succeed(here, full, "extend", NewContent(valid_to=date(2036, 11, 30)), reason="")
    assert (code(raised), raised.value.facts["place"]) == ("LICENCE_CONTENT_UNACCEPTABLE", "valid_to")
    longer = succeed(here, full, "extend", NewContent(valid_to=date(2036, 11, 29)), reason="")
    assert (longer.valid_from, longer.valid_to) == (date(2026, 11, 28), date(2036, 11, 29))

    # what was allowed then is not asked anew where it is kept or cut short; more than that is
    again = succeed(here, longer, "replace", NewContent())
    moved = succeed(here, again, "change", NewContent(fields={"KZ_address": "新址"}, valid_from=again.valid_from, valid_to=again.valid_to))
    shorter = succeed(here, moved, "change", NewContent(valid_to=date(2035, 1, 1)))
    assert [each.valid_to for each in (again, moved, shorter)] == [date(2036, 11, 29), date(2036, 11, 29), date(2035, 1, 1)]
    with pytest.raises(TrustError) as raised:
        succeed(here, shorter, "change", NewContent(valid_to=date(2036, 1, 1)))
    assert code(raised) == "LICENCE_CONTENT_UNACCEPTABLE"
    with pytest.raises(TrustError) as raised:
        succeed(here, shorter, "change", NewContent(valid_from=date(2026, 11, 27)))
    assert code(raised) == "LICENCE_CONTENT_UNACCEPTABLE"


@pytest.mark.parametrize("name", ["extend", "change"])
def test_no_holder_is_left_without_a_licence_until_the_next_version_begins(here: IssuingHere, name: str) -> None:
    record = here.issue()
    today = here.vault.clock.at.astimezone(CHINA).date()
    later = NewContent(valid_from=today + timedelta(days=1), valid_to=date(2031, 11, 27))
    with pytest.raises(TrustError) as raised:
        succeed(here, record, name, later)
    assert (code(raised), raised.value.facts["field"]) == ("FIELD_UNACCEPTABLE", "valid_from")
    assert read(here, record).state is LicenceState.ISSUED

    # nor on its last day, nor where it has no end
    for days, step in (({"valid_from": date(2024, 12, 1), "valid_to": today}, name), ({"valid_to": None}, "change")):
        counting = here.issue(**days)
        with pytest.raises(TrustError) as raised:
            succeed(here, counting, step, later)
        assert (code(raised), raised.value.facts["field"]) == ("FIELD_UNACCEPTABLE", "valid_from")

    # of one that does not count yet nothing is taken away
    coming = here.issue(valid_from=today + timedelta(days=5))
    assert (
        succeed(here, coming, name, NewContent(valid_from=today + timedelta(days=9), valid_to=date(2031, 11, 27))).state
        is LicenceState.ISSUED
    )


def test_an_extension_with_another_first_day_has_no_more_than_the_term_from_then(here: IssuingHere) -> None:
    today = here.vault.clock.at.astimezone(CHINA).date()
    coming = here.issue(valid_from=today + timedelta(days=5))
    begins = today + timedelta(days=9)
    longest = begins.replace(year=begins.year + 5)
    with pytest.raises(TrustError) as raised:
        succeed(here, coming, "extend", NewContent(valid_from=begins, valid_to=longest + timedelta(days=1)), reason="")
    assert raised.value.facts["place"] == "valid_to"
    assert succeed(here, coming, "extend", NewContent(valid_from=begins, valid_to=longest), reason="").valid_to == longest


def test_a_licence_without_an_end(here: IssuingHere) -> None:
    record = succeed(here, here.issue(), "extend", NewContent(is_open_ended=True), reason="")
    assert record.valid_to is None
    same = NewContent(valid_from=record.valid_from, is_open_ended=True)  # the beginning that it has is no new one
    for content in (NewContent(is_open_ended=True), same, NewContent(valid_to=date(2099, 1, 1))):
        with pytest.raises(TrustError) as raised:
            succeed(here, record, "extend", content, reason="")
        assert code(raised) == "FIELD_UNACCEPTABLE"
    assert read(here, record).successor_id is None
