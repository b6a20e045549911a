"""The state machine of a sign-in: whatever happens in whatever order, the dispatcher leads nowhere the table does not allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.model.people import AccountStanding, AccountStatus
from idp.model.requests import AuthorizationRequest, acr_of, level_of, wanted_level
from idp.model.sign_in import (
    RECENT_SECONDS,
    UPSTREAM_METHODS,
    Session,
    SignIn,
    Step,
    as_anyone,
    begin_sign_in,
    decide_next_step,
    is_session_enough,
    refusal_of,
    with_method,
)

AT = datetime(2026, 11, 28, tzinfo=UTC)
ANY_LATER = frozenset({Step.NEW_PASSWORD, Step.SECOND_FACTOR, Step.ACTING, Step.CONSENT, Step.FINISH, Step.REFUSED})
SIGN_IN_LIFE: dict[Step, frozenset[Step]] = {
    Step.ACCOUNT: frozenset({Step.FIRST_FACTOR, *ANY_LATER}),
    Step.FIRST_FACTOR: frozenset({Step.FIRST_FACTOR, *ANY_LATER}),
    Step.NEW_PASSWORD: frozenset({Step.NEW_PASSWORD, Step.SECOND_FACTOR, Step.ACTING, Step.CONSENT, Step.FINISH, Step.REFUSED}),
    Step.SECOND_FACTOR: frozenset({Step.SECOND_FACTOR, Step.FIRST_FACTOR, Step.ACTING, Step.CONSENT, Step.FINISH, Step.REFUSED}),
    Step.ACTING: frozenset({Step.ACTING, Step.CONSENT, Step.FINISH, Step.REFUSED}),
    Step.CONSENT: frozenset({Step.CONSENT, Step.FINISH, Step.REFUSED}),
    Step.FINISH: frozenset[Step](),
    Step.REFUSED: frozenset[Step](),
}
"""From each step, the steps that may follow. From second factor back to the first: the person begins again as somebody else."""

METHODS = ("password", "totp", "passkey", "certificate", "recovery")


@st.composite
def rows(draw: st.DrawFn) -> SignIn:
    """A fresh row of any client and any account behind it."""
    row = begin_sign_in("si_1", b"b", AuthorizationRequest("c", "https://rp.example/cb"), AT)
    return replace(
        row,
        wanted=draw(st.none() | st.integers(0, 5)),
        is_essential=draw(st.booleans()),
        acting_rule=draw(st.sampled_from(["any", "person", "organisation"])),
        needs_consent=draw(st.booleans()),
    )


def happen(row: SignIn, event: str, account: dict[str, object]) -> SignIn:
    """What an action does to the row where the dispatcher waits for it; nothing where it does not."""
    step = decide_next_step(row)
    kind, _, detail = event.partition(":")
    if step in {Step.FINISH, Step.REFUSED}:
        return row
    if kind == "show" and step is Step.FIRST_FACTOR and detail != "totp":
        return with_method(replace(row, account_id="pe_1", **account), detail, AT)  # type: ignore[arg-type]
    if kind == "show" and step is Step.SECOND_FACTOR and detail not in {"password", "recovery"}:
        return with_method(row, detail, AT)  # type: ignore[arg-type]
    if kind == "new-password" and step is Step.NEW_PASSWORD:
        return replace(row, needs_password_change=False)
    if kind == "acting" and step is Step.ACTING:
        return replace(row, acting_chosen=True, acting_for=detail or None)
    if kind == "consent" and step is Step.CONSENT:
        return replace(row, consent_given=True)
    if kind == "another":
        return as_anyone(row)
    if kind == "cancel":
        return replace(row, error="access_denied")
    return row


EVENTS = st.lists(
    st.sampled_from([*(f"show:{each}" for each in METHODS), "new-password", "acting:", "acting:or_1", "consent", "another", "cancel"]),
    max_size=14,
)


@settings(max_examples=400, deadline=None)
@given(
    row=rows(),
    events=EVENTS,
    level=st.integers(0, 4),
    needs_two=st.booleans(),
    has_second=st.booleans(),
    organisations=st.sampled_from([(), ("or_1",), ("or_1", "or_2")]),
)
def test_nothing_leads_past_a_step(
    row: SignIn, events: list[str], level: int, needs_two: bool, has_second: bool, organisations: tuple[str, ...]
) -> None:
    account: dict[str, object] = {
        "account_level": level,
        "needs_two": needs_two,
        "has_second": has_second,
        "can_reach": min(level, 4 if has_second else 2),
        "organisations": organisations,
    }
    before = decide_next_step(row)
    for event in events:
        row = happen(row, event, account)
        after = decide_next_step(row)
        begun_anew = event == "another" and after is Step.FIRST_FACTOR
        assert after is before or after in SIGN_IN_LIFE[before] or begun_anew, (before, event, after)
        before = after
    if before is Step.FINISH:
        assert row.account_id == "pe_1"
        assert row.methods
        assert not row.needs_two or row.has_two
        assert row.consent_given or not row.needs_consent
        assert not row.needs_password_change
        assert row.acting_rule != "organisation" or row.organisations
        assert not (row.is_essential and row.wanted is not None) or row.level >= row.wanted
        assert row.level <= level
    if before is Step.REFUSED:
        assert refusal_of(row) in {"access_denied", "unmet_authentication_requirements"}


def test_why_a_sign_in_is_refused_is_told_by_what_is_lacking() -> None:
    row = begin_sign_in("si_1", b"b", AuthorizationRequest("c", "https://rp.example/cb"), AT, wanted=(4, True))
    weak = with_method(replace(row, account_id="pe_1", account_level=2, can_reach=2), "password", AT)
    assert decide_next_step(weak) is Step.REFUSED
    assert refusal_of(weak) == "unmet_authentication_requirements"
    assert refusal_of(replace(weak, needs_two=True)) == "access_denied", "what the account itself wants is nothing the client hears of"
    assert refusal_of(replace(weak, error="login_required")) == "login_required"
    assert decide_next_step(replace(row, error="login_required")) is Step.REFUSED
    assert decide_next_step(row) is Step.FIRST_FACTOR


@pytest.mark.parametrize(("vouched", "worth"), [(0, 0), (1, 1), (2, 3), (3, 3), (4, 4)])
@pytest.mark.parametrize("is_essential", [False, True])
def test_a_code_beside_a_providers_word_counts_where_the_word_is_worth_a_password(vouched: int, worth: int, is_essential: bool) -> None:
    row = begin_sign_in("si_1", b"b", AuthorizationRequest("c", "https://rp.example/cb"), AT, wanted=(3, is_essential))
    row = replace(row, account_id="pe_1", account_level=4, can_reach=3, has_second=True)
    both = with_method(with_method(row, UPSTREAM_METHODS[vouched], AT), "totp", AT)
    assert (both.level, both.has_two) == (worth, True)
    assert not both.wants_step_up, "the code is not asked for again"
    refused = is_essential and worth < 3
    assert (decide_next_step(both) is Step.REFUSED) == refused
    assert not refused or refusal_of(both) == "unmet_authentication_requirements"
    keyed = with_method(both, "passkey", AT)
    assert keyed.level == max(worth, 3), "a passkey is two by itself"


def test_how_fresh_a_session_must_be_to_change_keys() -> None:
    row = begin_sign_in("si_1", b"b", None, AT, asks_two=True)
    later = AT + timedelta(hours=1)
    session = Session("se_1", b"c", "pe_1", None, 2, ("password",), "b", AT, AT, AT, later)
    standing = AccountStanding("pe_1", AccountStatus.ACTIVE, 2, False)
    assert is_session_enough(row, session, standing, AT + timedelta(seconds=RECENT_SECONDS))
    assert not is_session_enough(row, session, standing, AT + timedelta(seconds=RECENT_SECONDS + 1))
    assert not is_session_enough(row, session, standing, AT, hinted=False)
    assert not is_session_enough(row, session, replace(standing, account_id="pe_2"), AT)


def test_every_step_but_the_ends_leads_to_both_ends() -> None:
    for step, following in SIGN_IN_LIFE.items():
        if step not in {Step.FINISH, Step.REFUSED}:
            assert {Step.FINISH, Step.REFUSED} <= following
    assert set(SIGN_IN_LIFE) == set(Step)


@pytest.mark.parametrize(
    ("methods", "level", "amr"),
    [
        (("password",), 2, ("pwd",)),
        (("password", "totp"), 3, ("pwd", "otp", "mfa")),
        (("passkey",), 3, ("hwk", "mfa")),
        (("certificate",), 4, ("sc", "mfa")),
        (("recovery",), 1, ("rcv",)),
        (("recovery", "totp"), 1, ("rcv", "otp")),
        ((), 0, ()),
    ],
)
def test_what_was_shown_bounds_the_level(methods: tuple[str, ...], level: int, amr: tuple[str, ...]) -> None:
    row = replace(begin_sign_in("si", b"", None, AT), account_level=4, methods=methods)
    assert (row.level, row.amr, row.acr) == (level, amr, acr_of(level))
    assert replace(row, account_level=1).level == min(level, 1)
    assert row.expires_at > AT + timedelta(minutes=1)


def test_levels_by_name() -> None:
    assert [level_of(acr_of(level)) for level in range(5)] == [0, 1, 2, 3, 4]
    assert [level_of(text) for text in ("urn:yinxin:loa:5", "urn:yinxin:loa:", "2", "urn:other:loa:2")] == [None] * 4


@pytest.mark.parametrize(
    ("values", "claims", "wanted"),
    [
        ((), {}, (None, False)),
        (("urn:yinxin:loa:3", "urn:yinxin:loa:2"), {}, (2, False)),
        (("phr",), {}, (None, False)),
        ((), {"id_token": {"acr": {"values": ["urn:yinxin:loa:4"]}}}, (4, False)),
        ((), {"id_token": {"acr": {"essential": True, "value": "urn:yinxin:loa:3"}}}, (3, True)),
        ((), {"id_token": {"acr": {"essential": True, "values": ["phr"]}}}, (5, True)),
        (("urn:yinxin:loa:1",), {"id_token": {"acr": None}}, (1, False)),
    ],
)
def test_the_level_a_request_wants(values: tuple[str, ...], claims: dict[str, object], wanted: tuple[int | None, bool]) -> None:
    assert wanted_level(AuthorizationRequest("c", "https://rp.example/cb", acr_values=values, claims=claims)) == wanted
