"""Grants with limits: which forms, which types, how many, from when until when, at which hours; counted exactly, whoever else counts."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from seal_service import store
from seal_service.actions.choose_grant import Wish, is_within_hours, refusal_of
from seal_service.actions.find_seals import find_grant, find_powers, find_use, list_grants, list_uses
from seal_service.actions.give_power import give_power, take_power
from seal_service.actions.grant_seal import GrantOrder, grant_seal, grant_seal_within, revoke_grant, withdraw_grant
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import sign_digest
from seal_service.api.life_shapes import GrantRequest
from seal_service.api.life_values import read_grant
from seal_service.model import DocumentForm, Grant, Power, Seal, SealState
from service_kit.callers import Caller
from service_kit.roles import Role, appoint, dismiss, list_role_holders
from standards.errors import Kind, TrustError
from tests.postgres import postgres_url
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller, open_house
from tests.seal_service.test_applications import MAKER, MANAGER, approved, code_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 5, 4, 1, 30, tzinfo=UTC)  # 09:30 in Beijing
REQUEST = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE)
SECURITY = Caller("cl_console", "security", frozenset({"seal.secure", "seal.read"}))


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), REQUEST)


def use(house: House, seal: Seal, client_id: str = "cl_b", *, via: str | None = None, document_type: str = "", number: int = 0) -> str:
    """The code of the refusal, or done."""
    user = User(via or client_id, f"client:{client_id}", holder=client_id)
    try:
        asyncio.run(sign_digest(house.context, user, seal.id, sm3(b"%d" % number), document_type=document_type))
    except TrustError as error:
        return error.code
    return "done"


def grant(house: House, seal: Seal, **limits: Any) -> Grant:
    return grant_seal_within(house.context, caller(), seal.id, GrantOrder("cl_b", **limits), if_version=None)


@pytest.mark.parametrize(
    ("limits", "wish", "code"),
    [
        ({}, {}, None),
        ({"via_client": "cl_x"}, {}, "GRANT_SYSTEM_NOT_COVERED"),
        ({"via_client": "cl_a"}, {}, None),
        ({"forms": frozenset({"ofd", "digest"})}, {}, "GRANT_FORM_NOT_COVERED"),
        ({"forms": frozenset({"ofd", "digest"})}, {"form": DocumentForm.OFD}, None),
        ({"document_types": frozenset({"批文"})}, {}, "GRANT_TYPE_NOT_COVERED"),
        ({"document_types": frozenset({"批文"})}, {"document_type": "批文"}, None),
        ({"valid_from": AT + timedelta(microseconds=1)}, {}, "GRANT_NOT_YET_VALID"),
        ({"valid_from": AT}, {}, None),
        ({"valid_until": AT}, {}, "GRANT_OVER"),
        ({"valid_until": AT + timedelta(microseconds=1)}, {}, None),
        ({"from_minute": 8 * 60, "until_minute": 9 * 60 + 30}, {}, "GRANT_OUTSIDE_HOURS"),
        ({"from_minute": 9 * 60 + 30, "until_minute": 18 * 60}, {}, None),
        ({"from_minute": 1 * 60, "until_minute": 2 * 60, "offset_minutes": 0}, {}, None),
    ],
)
def test_each_limit_holds_by_itself(limits: dict[str, Any], wish: dict[str, Any], code: str | None) -> None:
    given = Grant("sg_1", "sl_1", "cl_b", "cl_m", AT, **limits)
    refused = refusal_of(given, replace(Wish("sl_1", "cl_a", DocumentForm.PDF, "", AT), **wish))
    assert (refused and refused[1].code) == code
    assert refused is None or refused[1].kind is Kind.FORBIDDEN


def test_hours_over_midnight() -> None:
    night = Grant("sg_1", "sl_1", "cl_b", "cl_m", AT, from_minute=22 * 60, until_minute=6 * 60, offset_minutes=0)
    inside = [hour for hour in range(24) if is_within_hours(night, datetime(2026, 1, 1, hour, tzinfo=UTC))]
    assert inside == [0, 1, 2, 3, 4, 5, 22, 23]


def test_a_grant_of_five_gives_exactly_five_of_sixteen_at_once(house: House, seal: Seal) -> None:
    given = grant(house, seal, uses_max=5)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: use(house, seal, number=number), range(16)))
    assert (answers.count("done"), answers.count("GRANT_USED_UP")) == (5, 11)
    assert find_grant(house.context, caller("cl_b"), given.id).used == 5
    assert house.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(5,)]


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[list[House]]:
    """Two processes' worth of parts on one PostgreSQL."""
    url = postgres_url()
    with ExitStack() as opened:
        yield [opened.enter_context(open_house(tmp_path, database_url=url)) for _ in range(2)]


def test_two_processes_on_postgresql_count_and_make_exactly(houses: list[House]) -> None:
    seal = make_seal(houses[0].context, caller(), REQUEST)
    grant(houses[0], seal, uses_max=5)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: use(houses[number % 2], seal, number=number), range(16)))
    assert (answers.count("done"), answers.count("GRANT_USED_UP")) == (5, 11)

    application = approved(houses[0])

    def make(number: int) -> str:
        try:
            return make_approved_seal(houses[number % 2].context, MAKER, application.id).id
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(make, range(8)))
    assert len(made - {"SEAL_MAKING_UNDER_WAY"}) == 1
    assert houses[0].rows("SELECT count(*) FROM seal_seals WHERE are_powers_separated") == [(1,)]


def test_what_was_voided_does_not_count(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(house, seal, uses_max=1)
    with monkeypatch.context() as broken:
        broken.setattr(
            "seal_service.actions.sign_digest.begin_value", lambda *_, **__: (_ for _ in ()).throw(TrustError(Kind.UNAVAILABLE, "X"))
        )
        assert use(house, seal) == "X"
    assert house.rows("SELECT state FROM seal_uses") == [("voided",)]
    assert [use(house, seal), use(house, seal)] == ["done", "GRANT_USED_UP"]


def test_the_closest_refusal_is_told_and_any_grant_that_covers_is_taken(house: House, seal: Seal) -> None:
    grant(house, seal, forms=frozenset({"pdf"}))
    assert use(house, seal) == "GRANT_FORM_NOT_COVERED"
    grant(house, seal, document_types=frozenset({"批文"}))
    assert use(house, seal) == "GRANT_TYPE_NOT_COVERED"
    assert use(house, seal, document_type="批文") == "done"
    grant(house, seal, via_client="cl_office")
    assert use(house, seal, via="cl_office") == "done"
    assert [each.document_type for each in list_uses(house.context, caller("cl_b"), seal.id, after="", limit=9)] == ["批文", ""]
    assert list_uses(house.context, caller("cl_b"), seal.id, after="su_z", limit=9) == []


def test_a_grant_taken_back_ends_with_the_next_request(house: House, seal: Seal) -> None:
    first, second = grant(house, seal, uses_max=9), grant(house, seal, forms=frozenset({"digest"}))
    assert use(house, seal) == "done"
    assert code_of(revoke_grant, house.context, caller("cl_b"), first.id, reason="x") == "SEAL_GRANT_NOT_FOUND"
    assert code_of(revoke_grant, house.context, caller(), "sg_none", reason="x") == "SEAL_GRANT_NOT_FOUND"
    assert code_of(revoke_grant, house.context, caller(), first.id, reason="x", if_version=7) == "SEAL_CHANGED"
    assert revoke_grant(house.context, caller(), first.id, reason="left", if_version=1).revoked_reason == "left"
    assert revoke_grant(house.context, caller(), first.id, reason="again").revoked_reason == "left"
    assert use(house, seal) == "done"
    revoke_grant(house.context, caller(), second.id, reason="left")
    assert use(house, seal) == "SEAL_NOT_FOUND"
    assert len(list_grants(house.context, caller(), seal.id, after="", limit=9)) == 3  # what was taken back stays on record
    assert code_of(find_grant, house.context, caller("cl_c"), first.id) == "SEAL_GRANT_NOT_FOUND"
    assert code_of(find_grant, house.context, caller("cl_c"), "sg_none") == "SEAL_GRANT_NOT_FOUND"


def test_persons_of_one_client_have_keys_of_their_own(house: House, seal: Seal) -> None:
    """A portal that numbers its orders by person: the one is not answered with the other's result, nor is his key in the other's way."""
    context = house.context

    def sign(name: str, content: bytes, client_id: str = "portal") -> tuple[str, bool]:
        user = User(client_id, f"client:{client_id} for {name}", holder=f"person:{name}")
        signed = asyncio.run(sign_digest(context, user, seal.id, sm3(content), idempotency_key="order-1"))
        return signed.use_id, signed.is_repeated

    for name, forms in (("anna", ""), ("bert", ""), ("cora", "ofd")):
        grant_seal_within(context, caller(), seal.id, GrantOrder(f"person:{name}", forms=frozenset(forms.split())), if_version=None)
    hers, _ = sign("anna", b"x")
    assert sign("anna", b"x") == (hers, True)
    assert sign("bert", b"x")[0] != hers
    assert sign("anna", b"x", "desk")[0] != hers, "another client acts for her"
    assert code_of(sign, "bert", b"y") == "IDEMPOTENCY_KEY_REUSED"
    assert code_of(sign, "cora", b"x") == "GRANT_FORM_NOT_COVERED", "no grant of hers covers it, so no answer of another's either"


def test_a_seal_has_a_limit_on_its_grants_whoever_holds_them(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seal_service.actions.grant_seal.GRANTS_PER_SEAL", 3)  # one is the maker's
    first, _ = grant(house, seal), grant(house, seal, uses_max=1)
    assert code_of(grant, house, seal) == "SEAL_GRANTS_EXHAUSTED"
    revoke_grant(house.context, caller(), first.id, reason="x")
    grant(house, seal)
    assert code_of(grant, house, seal) == "SEAL_GRANTS_EXHAUSTED"


def test_the_same_key_grants_once(house: House, seal: Seal) -> None:
    order = GrantOrder("cl_b", uses_max=3, document_types=frozenset({"b", "a"}))
    one, two = (grant_seal_within(house.context, caller(), seal.id, order, if_version=seal.version, idempotency_key="k") for _ in range(2))
    assert one.id == two.id
    other = replace(order, uses_max=4)
    assert (
        code_of(grant_seal_within, house.context, caller(), seal.id, other, if_version=None, idempotency_key="k")
        == "IDEMPOTENCY_KEY_REUSED"
    )
    assert code_of(grant_seal_within, house.context, caller(), seal.id, other, if_version=1) == "SEAL_CHANGED"


@pytest.mark.parametrize(
    "limits",
    [
        {"holder": "a b"},
        {"via_client": "a b"},
        {"forms": frozenset({"docx"})},
        {"document_types": frozenset({""})},
        {"document_types": frozenset({"a\nb"})},
        {"document_types": frozenset(str(number) for number in range(51))},
        {"uses_max": 0},
        {"valid_from": AT, "valid_until": AT},
        {"from_minute": 1},
        {"from_minute": 1, "until_minute": 1},
        {"from_minute": -1, "until_minute": 1},
        {"offset_minutes": 900},
    ],
)
def test_a_grant_that_says_nothing_sensible_is_refused(house: House, seal: Seal, limits: dict[str, Any]) -> None:
    order = GrantOrder(**({"holder": "cl_b"} | limits))
    assert code_of(grant_seal_within, house.context, caller(), seal.id, order, if_version=None) == "FIELD_UNACCEPTABLE"


def test_who_manages_a_seal_takes_no_power_that_stands_without_a_grant(house: House) -> None:
    """It was given by the security administrator, and taken away it stood nowhere: no act, no entry, no event."""
    context, seal = house.context, make_approved_seal(house.context, MAKER, approved(house).id)
    told: dict[str, Any] = {"is_bound": store.holds_any_power, "actor": "operator:x", "reason": "x", "at": AT}
    context.database.write(lambda conn: appoint(conn, context.audit, "person:security", Role.SECURITY, **told))
    give_power(context, SECURITY, seal.id, "person:late", Power.USE, reason="x")
    before = len(house.entries(f"seal:{seal.id}"))
    withdraw_grant(context, MANAGER, seal.id, "person:late")
    with context.database.read() as conn:
        assert store.powers_of(conn, seal.id, "person:late") == {Power.USE}
    assert len(house.entries(f"seal:{seal.id}")) == before
    grant_seal_within(context, MANAGER, seal.id, GrantOrder("person:late"), if_version=None)
    withdraw_grant(context, MANAGER, seal.id, "person:late")
    with context.database.read() as conn:
        assert not store.powers_of(conn, seal.id, "person:late")
    assert [action for action, _, _ in house.entries(f"seal:{seal.id}")][before:] == ["seal.grant", "seal.withdraw"]
    take_power(context, SECURITY, seal.id, "person:late", Power.USE, reason="x")  # nothing is left to take


def test_nobody_holds_two_powers(house: House) -> None:
    seal = make_approved_seal(house.context, MAKER, approved(house).id)
    for holder in ("person:manager", "person:auditor"):
        assert code_of(grant_seal, house.context, MANAGER, seal.id, holder) == "SEAL_POWER_HELD"
    grant_seal(house.context, MANAGER, seal.id, "cl_portal")
    withdraw_grant(house.context, MANAGER, seal.id, "cl_portal", if_version=seal.version)
    assert code_of(withdraw_grant, house.context, MANAGER, seal.id, "cl_portal", if_version=99) == "SEAL_CHANGED"
    _, powers = find_powers(house.context, MANAGER, seal.id)
    assert [(each.holder, each.power) for each in powers] == [
        ("person:auditor", Power.AUDIT),
        ("person:manager", Power.MANAGE),
        ("person:second-manager", Power.MANAGE),
        ("person:user", Power.USE),
    ]
    user = Caller("cl_console", "user", frozenset({"seal.read"}))
    assert [each.holder for each in find_powers(house.context, user, seal.id)[1]] == ["person:user"]


def test_powers_are_given_by_a_security_administrator_and_never_to_himself(house: House) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house).id)
    assert code_of(give_power, context, SECURITY, seal.id, "cl_n", Power.MANAGE, reason="x") == "ROLE_MISSING"

    def change(work: Any, *arguments: Any) -> Any:
        further = {"is_bound": store.holds_any_power} if work is appoint else {}
        return context.database.write(lambda conn: work(conn, context.audit, *arguments, actor="operator:x", reason="x", at=AT, **further))

    assert change(appoint, "person:security", Role.SECURITY)
    assert not change(appoint, "person:security", Role.SECURITY)
    for role in (Role.SYSTEM, Role.AUDIT):
        assert code_of(change, appoint, "person:security", role) == "ROLE_HELD"
    assert code_of(change, appoint, "a b", Role.AUDIT) == "ROLE_FIELD_INVALID"
    assert code_of(change, appoint, "person:manager", Role.AUDIT) == "ROLE_HOLDER_BOUND"
    with context.database.read() as conn:
        assert [(each.holder, each.role) for each in list_role_holders(conn)] == [("person:security", Role.SECURITY)]

    give_power(context, SECURITY, seal.id, "cl_n", Power.MANAGE, reason="x")
    give_power(context, SECURITY, seal.id, "cl_n", Power.MANAGE, reason="x")
    assert code_of(give_power, context, SECURITY, seal.id, "cl_n", Power.AUDIT, reason="x") == "SEAL_POWER_HELD"
    assert code_of(give_power, context, SECURITY, seal.id, "person:security", Power.USE, reason="x") == "SECOND_PERSON_NEEDED"
    assert code_of(give_power, context, SECURITY, "sl_none", "cl_n", Power.USE, reason="x") == "SEAL_NOT_FOUND"
    change(appoint, "person:watcher", Role.AUDIT)
    assert code_of(give_power, context, SECURITY, seal.id, "person:watcher", Power.USE, reason="x") == "ROLE_FORBIDS"
    for holder in ("cl_n", "person:manager"):
        take_power(context, SECURITY, seal.id, holder, Power.MANAGE, reason="x")
    assert code_of(take_power, context, SECURITY, seal.id, "person:second-manager", Power.MANAGE, reason="x") == "SEAL_LAST_MANAGER"
    assert code_of(take_power, context, SECURITY, "sl_none", "cl_n", Power.USE, reason="x") == "SEAL_NOT_FOUND"
    take_power(context, SECURITY, seal.id, "person:user", Power.USE, reason="x")
    with context.database.read() as conn:
        assert store.list_grants(conn, seal.id) == []
    assert change(dismiss, "person:security")
    assert not change(dismiss, "person:security")
    assert code_of(take_power, context, SECURITY, seal.id, "cl_n", Power.USE, reason="x") == "ROLE_MISSING"


def test_the_audit_power_reads_everything_and_changes_nothing(house: House, seal: Seal) -> None:
    house.sql(
        "INSERT INTO seal_powers (seal_id, holder, power, is_separated, given_by, given_at) "
        f"VALUES ('{seal.id}', 'cl_audit', 'audit', 0, 'x', 1)"
    )
    grant(house, seal)
    assert use(house, seal) == "done"
    (found,) = list_uses(house.context, caller("cl_audit"), seal.id, after="", limit=9)
    assert find_use(house.context, caller("cl_audit"), found.id).holder == "cl_b"
    assert use(house, seal, "cl_audit") == "SEAL_NOT_FOUND"
    for act in (grant_seal, withdraw_grant):
        assert code_of(act, house.context, caller("cl_audit"), seal.id, "cl_b") == "SEAL_NOT_FOUND"
    assert seal.state is SealState.ACTIVE


@pytest.mark.parametrize("field", ["valid_from", "valid_until"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "2030-01-01T00:00:00"])
def test_a_time_that_cannot_be_kept_is_refused(field: str, text: str) -> None:
    body = GrantRequest.model_validate({"holder": "portal", "reason": "test", field: text})
    with pytest.raises(TrustError) as refusal:
        read_grant(body)
    assert (refusal.value.code, refusal.value.facts["field"]) == ("FIELD_UNACCEPTABLE", field)
