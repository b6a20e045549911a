"""The life of a seal is data: these tests read the table as an outsider would."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from seal_service.model import (
    APPLICATION_LIFE,
    ENDED,
    SCOPES,
    SEAL_LIFE,
    SEAL_TYPES,
    USABLE,
    USE_LIFE,
    ApplicationState,
    SealState,
    Transition,
    UseState,
    new_seal_id,
    new_use_id,
    seal_type,
    transition_named,
)
from standards.uax9_plain_text import is_plain_text


def test_every_state_can_be_reached_from_the_first() -> None:
    reached = {SealState.MAKING.value}
    for _ in SealState:
        reached |= {step.target for step in SEAL_LIFE if step.sources & reached}
    assert reached == {state.value for state in SealState}


def test_destroyed_and_abandoned_are_final_and_what_is_cancelled_is_never_used_again() -> None:
    for state in (SealState.DESTROYED, SealState.ABANDONED):
        assert not [step for step in SEAL_LIFE if state in step.sources]
    reached = {SealState.CANCELLED.value}
    for _ in SealState:
        reached |= {step.target for step in SEAL_LIFE if step.sources & reached}
    assert reached == {SealState.CANCELLED, SealState.INVALIDATED, SealState.DESTROYED}


def test_only_active_is_usable_and_a_frozen_seal_can_come_back() -> None:
    assert USABLE is SealState.ACTIVE
    assert transition_named("unfreeze").target == SealState.ACTIVE


def test_results_and_voids_of_a_use_are_final() -> None:
    assert {step.target for step in USE_LIFE} == {UseState.DONE, UseState.VOIDED}
    assert {source for step in USE_LIFE for source in step.sources} == {UseState.INTENT}


@pytest.mark.parametrize("life", [SEAL_LIFE, APPLICATION_LIFE])
def test_names_and_verbs_are_unique_and_every_verb_has_a_scope(life: tuple[Transition, ...]) -> None:
    for names in ([step.name for step in life], [step.verb for step in life if step.verb]):
        assert len(names) == len(set(names))
    for step in life:
        if step.verb is not None:
            assert step.scope in SCOPES
            assert step.summary
            assert step.is_reason_required or step.name in {"issue", "activate"}


def test_what_ends_a_seal_takes_its_certificate_along() -> None:
    for step in SEAL_LIFE:
        if step.target in ENDED:
            assert step.does_revoke_certificate
    assert [step.name for step in SEAL_LIFE if step.does_destroy_key] == ["destroy"]


def test_every_state_of_an_application_can_be_reached() -> None:
    reached = {ApplicationState.APPLIED.value}
    for _ in ApplicationState:
        reached |= {step.target for step in APPLICATION_LIFE if step.sources & reached}
    assert reached == {state.value for state in ApplicationState}


def test_types_of_seals_are_data() -> None:
    assert len({each.code for each in SEAL_TYPES}) == len(SEAL_TYPES) == 8
    assert seal_type("2").name_zh == "财务专用章"
    assert "15" in seal_type("15").name_en


def test_an_unknown_transition_is_a_mistake_in_the_code() -> None:
    with pytest.raises(KeyError):
        transition_named("burn")
    assert transition_named("void", USE_LIFE) == Transition("void", frozenset({"intent"}), "voided", summary="nothing was released")


def test_identifiers_are_random_and_marked() -> None:
    assert len({new_seal_id() for _ in range(1000)}) == 1000
    assert new_seal_id().startswith("sl_")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ids = {new_use_id(at) for _ in range(100)} | {new_use_id(at + timedelta(milliseconds=1))}
    assert len(ids) == 101
    assert all(re.fullmatch("su_[0-9a-f]{24}", each) for each in ids)
    assert max(ids).startswith(new_use_id(at + timedelta(milliseconds=1))[:15])


@pytest.mark.parametrize("text", ["", "呼伦贝尔市　专用章", "ᠮᠣᠩᠭᠣᠯ\u180e\u200dᠠ", "𠮷 a-b"])
def test_texts_of_any_script_are_plain(text: str) -> None:
    assert is_plain_text(text)


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\u0000", "\u0085", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\ud800"])
def test_what_a_reader_would_not_see_as_written_is_no_plain_text(text: str) -> None:
    assert not is_plain_text(text)
