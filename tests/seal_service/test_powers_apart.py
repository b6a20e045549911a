"""Two of the powers over one seal never come together in one person, by whatever name or organisation he comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from seal_service import store
from seal_service.actions.apply_for_import import apply_for_import
from seal_service.actions.apply_for_seal import apply_for_seal
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.give_power import give_power, take_power
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within, revoke_grant
from seal_service.actions.keep_powers_apart import check_use
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.sign_digest import sign_digest
from seal_service.api.parameters import user_of
from seal_service.model import ApplicationKind, Power, Seal, transition_named
from seal_service.ports import ACTING_PEOPLE
from service_kit.callers import Caller, human_in
from service_kit.roles import Role, appoint, may_manage
from standards.errors import TrustError
from tests.seal_service.house import House, caller
from tests.seal_service.test_applications import APPLICANT, MAKER, MANAGER, ORDER, approved, code_of
from tests.seal_service.test_grants import AT, SECURITY
from tests.seal_service.test_imports import BY_HIM, order_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

BOTH = "person:pe_both"
FREEZE = transition_named("freeze")


class Town:
    """Who acts for whom, as the test says (``seal_service.ports.ActingPeople``)."""

    def __init__(self) -> None:
        self.agents: dict[str, set[str]] = {}

    def may_act(self, conn: Connection, person: str, holder: str, at: datetime) -> bool:
        return person in self.people_of(conn, holder, at)

    def people_of(self, conn: Connection, holder: str, at: datetime) -> frozenset[str]:
        assert at.tzinfo is not None
        return frozenset(self.agents.get(holder, ()))


def by(organisation: str, *scopes: str) -> Caller:
    """Somebody who acts for an organisation; None: for himself."""
    acting = "" if organisation == BOTH else BOTH.removeprefix("person:")
    return Caller("cl_console", organisation.removeprefix("person:"), frozenset(scopes), acting=acting)


@pytest.fixture
def town(house: House) -> Town:
    made = Town()
    house.context = replace(house.context, links={**house.context.links, ACTING_PEOPLE: made})
    house.context.database.write(
        lambda conn: appoint(
            conn,
            house.context.audit,
            "person:security",
            Role.SECURITY,
            is_bound=store.holds_any_power,
            actor="operator:x",
            reason="x",
            at=AT,
        )
    )
    return made


def powers_given(house: House, seal: Seal, **powers: str) -> None:
    for power, holder in powers.items():
        give_power(house.context, SECURITY, seal.id, holder, Power(power), reason="x")


def held(refused: Any) -> Any:
    return refused.value.facts["held"], refused.value.facts["wanted"]


@pytest.mark.parametrize(
    ("has", "wants"),
    [("person:or_a", BOTH), (BOTH, "person:or_a"), ("person:or_a", "person:or_b")],
    ids=["his organisation has one", "he has one", "two of his organisations"],
)
@pytest.mark.parametrize(("one", "other"), [(Power.MANAGE, Power.USE), (Power.USE, Power.AUDIT), (Power.AUDIT, Power.MANAGE)])
def test_the_second_power_is_not_given(house: House, town: Town, has: str, wants: str, one: Power, other: Power) -> None:
    seal = make_approved_seal(house.context, MAKER, approved(house).id)
    town.agents = {"person:or_a": {BOTH, "person:pe_x"}, "person:or_b": {BOTH}}
    give_power(house.context, SECURITY, seal.id, has, one, reason="x")
    assert code_of(give_power, house.context, SECURITY, seal.id, wants, other, reason="x") == "SEAL_POWER_HELD"
    give_power(house.context, SECURITY, seal.id, wants, one, reason="x")  # the same power twice is no matter
    town.agents = {}  # he has left
    take_power(house.context, SECURITY, seal.id, wants, one, reason="x")
    give_power(house.context, SECURITY, seal.id, wants, other, reason="x")


def test_who_came_to_act_for_an_organisation_later_uses_neither_power(house: House, town: Town) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house).id)
    powers_given(house, seal, manage="person:or_a", use=BOTH)
    manager = by("person:or_a", "seal.manage", "seal.read")
    other = replace(manager, acting="pe_x")
    given = grant_seal_within(context, other, seal.id, GrantOrder("cl_b"), if_version=None)
    town.agents = {"person:or_a": {BOTH, "person:pe_x"}}

    user = user_of(by(BOTH, "seal.use"))
    house.sql(f"UPDATE seal_seals SET state = 'active' WHERE id = '{seal.id}'")
    house.sql(
        "INSERT INTO seal_grants (id, seal_id, holder, granted_by, granted_at, via_client, forms, document_types, used, offset_minutes, version)"
        f" SELECT 'sg_{'0' * 24}', seal_id, '{BOTH}', granted_by, granted_at, via_client, forms, document_types, 0, offset_minutes, 1"
        f" FROM seal_grants WHERE id = '{given.id}'"
    )
    assert code_of(lambda: asyncio.run(sign_digest(context, user, seal.id, sm3(b"x")))) == "SEAL_POWER_HELD"
    assert code_of(change_seal_state, context, manager, seal.id, FREEZE, reason="x") == "SEAL_POWER_HELD"
    assert code_of(revoke_grant, context, manager, given.id, reason="x") == "SEAL_POWER_HELD"
    assert code_of(grant_seal_within, context, manager, seal.id, GrantOrder("cl_c"), if_version=None) == "SEAL_POWER_HELD"
    # Another agent of the same organisation has nothing to do with it; and who left it has his own power back
    assert change_seal_state(context, other, seal.id, FREEZE, reason="x").state.value == "frozen"
    house.sql(f"UPDATE seal_seals SET state = 'active' WHERE id = '{seal.id}'")
    town.agents = {"person:or_a": {"person:pe_x"}}
    asyncio.run(sign_digest(context, user, seal.id, sm3(b"x")))


def test_even_where_nobody_tells_who_acts_for_whom_the_human_behind_the_call_counts(house: House, town: Town) -> None:
    seal = make_approved_seal(house.context, MAKER, approved(house).id)
    powers_given(house, seal, manage="person:or_a", audit=BOTH)
    links = {name: link for name, link in house.context.links.items() if name != ACTING_PEOPLE}
    context = replace(house.context, links=links)
    manager = by("person:or_a", "seal.manage", "seal.read")
    assert code_of(grant_seal_within, context, manager, seal.id, GrantOrder("cl_b"), if_version=None) == "SEAL_POWER_HELD"
    assert town.agents == {}


def test_powers_that_would_come_together_are_not_even_applied_for(house: House, town: Town) -> None:
    town.agents = {"person:or_a": {BOTH}, "person:or_b": {BOTH}}
    wanted = replace(ORDER, managers=("person:or_a",), users=("person:or_b",))
    brought = order_of(house, managers=("person:or_a",), users=("person:or_b",))
    assert code_of(apply_for_seal, house.context, APPLICANT, wanted) == "SEAL_POWER_HELD"
    assert code_of(apply_for_import, house.context, BY_HIM, brought) == "SEAL_POWER_HELD"
    town.agents = {"person:or_a": {BOTH}}
    apply_for_seal(house.context, APPLICANT, wanted)
    apply_for_import(house.context, BY_HIM, brought)


def test_a_seal_whose_powers_are_not_separated_goes_by_its_own_rule(house: House, town: Town) -> None:
    from seal_service.actions.make_seal import SealRequest, make_seal
    from tests.seal_service.house import CREDIT_CODE, ORGANISATION

    seal = make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    town.agents = {"person:or_a": {BOTH}}
    powers_given(house, seal, manage="person:or_a", use=BOTH)
    grant_seal_within(house.context, by("person:or_a", "seal.manage"), seal.id, GrantOrder("cl_b"), if_version=None)


@pytest.mark.parametrize(
    "who",
    [caller("cl_a"), by(BOTH), by("person:or_a"), replace(by("person:or_a"), known_as="pe_known"), replace(by(BOTH), known_as="pe_known")],
)
def test_the_trail_names_the_human_of_a_call(who: Caller) -> None:
    assert human_in(who.actor) == who.human


def test_a_security_administrator_gives_no_power_to_an_organisation_that_he_may_act_for(house: House, town: Town) -> None:
    context, seal = house.context, make_approved_seal(house.context, MAKER, approved(house).id)
    town.agents = {"person:or_x": {"person:security"}, "person:or_y": {"person:pe_y"}}
    for holder in ("person:security", "person:or_x"):
        assert code_of(give_power, context, SECURITY, seal.id, holder, Power.MANAGE, reason="x") == "SECOND_PERSON_NEEDED"
    give_power(context, SECURITY, seal.id, "person:or_y", Power.MANAGE, reason="x")


@pytest.mark.parametrize("role", list(Role))
def test_an_organisation_for_which_an_administrator_may_act_gets_no_power(house: House, town: Town, role: Role) -> None:
    """Nor is one applied for; another security administrator gives it none, and who manages the seal does not let it use it: the administrator would
    come by its name.
    """
    context, seal = house.context, make_approved_seal(house.context, MAKER, approved(house).id)
    town.agents = {"person:or_x": {"person:pe_a", "person:pe_b"}}

    def give(conn: Connection) -> None:
        appoint(conn, context.audit, "person:pe_b", role, is_bound=lambda *_: False, actor="operator:o", reason="x", at=AT)

    context.database.write(give)
    for power in Power:
        assert code_of(give_power, context, SECURITY, seal.id, "person:or_x", power, reason="x") == "ROLE_FORBIDS"
    wishes: list[dict[str, Any]] = [{"managers": ("person:or_x",)}, {"users": ("person:or_x",)}, {"auditors": ("person:pe_b",)}]
    for wanted in wishes:
        assert code_of(apply_for_seal, context, APPLICANT, replace(ORDER, **wanted)) == "ROLE_FORBIDS"
        assert code_of(apply_for_import, context, BY_HIM, order_of(house, **wanted)) == "ROLE_FORBIDS"
    with pytest.raises(TrustError) as refused:
        grant_seal_within(context, MANAGER, seal.id, GrantOrder("person:or_x"), if_version=None)
    assert (refused.value.code, dict(refused.value.facts)) == ("ROLE_FORBIDS", {"holder": "person:or_x", "role": role.value})
    with context.database.read() as conn:
        assert not store.powers_of(conn, seal.id, "person:or_x")


@pytest.mark.parametrize("role", list(Role))
def test_an_administrator_who_came_to_act_for_an_organisation_later_uses_none_of_its_powers(house: House, town: Town, role: Role) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house).id)
    powers_given(house, seal, manage="person:or_a", use="person:or_b")
    manager, other = by("person:or_a", "seal.manage", "seal.read"), replace(by("person:or_a", "seal.manage", "seal.read"), acting="pe_x")
    grant_seal_within(context, other, seal.id, GrantOrder("person:or_b"), if_version=None)
    given = grant_seal_within(context, other, seal.id, GrantOrder("cl_b"), if_version=None)
    house.sql(f"UPDATE seal_seals SET state = 'active' WHERE id = '{seal.id}'")
    user = user_of(by("person:or_b", "seal.use"))
    asyncio.run(sign_digest(context, user, seal.id, sm3(b"x")))  # not an administrator yet
    context.database.write(
        lambda conn: appoint(conn, context.audit, BOTH, role, is_bound=store.holds_any_power, actor="operator:o", reason="x", at=AT)
    )

    with pytest.raises(TrustError) as refused:
        asyncio.run(sign_digest(context, user, seal.id, sm3(b"x")))
    assert (refused.value.code, dict(refused.value.facts)) == ("ROLE_FORBIDS", {"holder": "person:or_b", "role": role.value})
    assert code_of(change_seal_state, context, manager, seal.id, FREEZE, reason="x") == "ROLE_FORBIDS"
    assert code_of(revoke_grant, context, manager, given.id, reason="x") == "ROLE_FORBIDS"
    assert code_of(grant_seal_within, context, manager, seal.id, GrantOrder("cl_c"), if_version=None) == "ROLE_FORBIDS"
    change = replace(ORDER, kind=ApplicationKind.CHANGE, seal_id=seal.id)
    assert code_of(apply_for_seal, context, replace(manager, scopes=frozenset({"seal.apply"})), change) == "ROLE_FORBIDS"
    # Where the powers of a seal are not separated a role is still none of them; others who act for the organisation go on
    with context.database.read() as conn:
        unseparated = replace(seal, are_powers_separated=False)
        assert code_of(check_use, context, conn, unseparated, "person:or_b", BOTH, Power.USE, AT) == "ROLE_FORBIDS"
    assert change_seal_state(context, other, seal.id, FREEZE, reason="x").state.value == "frozen"


def test_an_administrator_exercises_no_second_role_by_an_organisation(house: House, town: Town) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house).id)
    given: dict[str, Any] = {"is_bound": store.holds_any_power, "actor": "operator:o", "reason": "x", "at": AT}
    context.database.write(lambda conn: appoint(conn, context.audit, "person:or_s", Role.SECURITY, **given))
    guard = by("person:or_s", "seal.secure", "roles.manage")
    give_power(context, guard, seal.id, "person:pe_y", Power.AUDIT, reason="x")
    with context.database.read() as conn:
        assert may_manage(conn, guard, "person:pe_z")
    context.database.write(lambda conn: appoint(conn, context.audit, BOTH, Role.AUDIT, **given))
    assert code_of(give_power, context, guard, seal.id, "person:pe_z", Power.AUDIT, reason="x") == "ROLE_MISSING"
    with context.database.read() as conn:
        assert not may_manage(conn, guard, "person:pe_z")
    give_power(context, replace(guard, acting="pe_x"), seal.id, "person:pe_z", Power.AUDIT, reason="x")  # another of its agents
