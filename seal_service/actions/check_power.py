"""May this caller take this step over this seal? Asked inside the transaction of the step, so that it holds when the step is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import store
from seal_service.actions.keep_powers_apart import check_giving, check_together, check_use, people_behind, powers_in
from seal_service.errors import power_held, role_forbids, seal_not_found, second_person_needed
from seal_service.model import SCOPE_MAKE, SCOPE_REVIEW, SCOPE_SECURE, Power
from seal_service.ports import HOLDER_CHECK
from service_kit.callers import may_be_one
from service_kit.roles import Role, check_known, role_at_work, role_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.actions.apply_for_seal import ApplicationOrder
    from seal_service.actions.read_import import ImportOrder
    from seal_service.model import Application, Seal, Transition
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def check_step(context: ServiceContext, conn: Connection, caller: Caller, seal: Seal, step: Transition) -> None:
    """SEAL_NOT_FOUND unless the caller holds the power the step needs, or is a security administrator where the step is open to one.
    SEAL_POWER_HELD where another power over it comes together with that one in the person behind the call; ROLE_FORBIDS where a role does.

    The scope the step needs was checked at the gate. Who has no power over a seal is told nothing of it.
    """
    if step.power is None:
        return
    if step.power in store.powers_of(conn, seal.id, caller.holder):
        check_use(context, conn, seal, caller.holder, caller.human, step.power, context.clock.now())
        return
    if step.is_open_to_security and is_security_administrator(conn, caller):
        return
    raise seal_not_found(seal.id)


def check_not_applicant(conn: Connection, caller: Caller, application: Application | None, step: str) -> None:
    """SECOND_PERSON_NEEDED where the caller may be who applied for what he makes or issues."""
    if application is not None and may_be_one(caller, application.applied_by, store.who_applied(conn, application.id)):
        raise second_person_needed(step)


def check_manages(context: ServiceContext, conn: Connection, caller: Caller, seal: Seal) -> None:
    """SEAL_NOT_FOUND unless the caller manages the seal; SEAL_POWER_HELD where he who does has another power over it by another name;
    ROLE_FORBIDS where he has a role.
    """
    if Power.MANAGE not in store.powers_of(conn, seal.id, caller.holder):
        raise seal_not_found(seal.id)
    check_use(context, conn, seal, caller.holder, caller.human, Power.MANAGE, context.clock.now())


def check_security_administrator(conn: Connection, caller: Caller) -> None:
    """ROLE_MISSING unless the caller is a security administrator."""
    if not is_security_administrator(conn, caller):
        raise TrustError(Kind.FORBIDDEN, "ROLE_MISSING", role=Role.SECURITY.value)


def is_security_administrator(conn: Connection, caller: Caller) -> bool:
    """Whether the caller is a security administrator and may act as one here."""
    return SCOPE_SECURE in caller.scopes and role_at_work(conn, caller) is Role.SECURITY


def may_see(conn: Connection, caller: Caller, seal: Seal) -> bool:
    """Whether the caller may know of the seal: holders of any power, makers, reviewers and security administrators."""
    return bool(store.powers_of(conn, seal.id, caller.holder)) or may_see_all(conn, caller)


def may_see_all(conn: Connection, caller: Caller) -> bool:
    """Whether the caller may know of every seal, as makers, reviewers and security administrators must."""
    return bool(caller.scopes & {SCOPE_MAKE, SCOPE_REVIEW}) or is_security_administrator(conn, caller)


def check_there(context: ServiceContext, conn: Connection, holder: str) -> None:
    """ROLE_HOLDER_UNKNOWN for a name that no client and no account has, where that is known here (``service_kit.roles.check_known``)."""
    check_known(conn, holder, HOLDER_CHECK.of(context))


def check_no_role(context: ServiceContext, conn: Connection, holder: str, at: datetime) -> None:
    """ROLE_FORBIDS where he, or somebody who may act for him, is an administrator."""
    for name in sorted(people_behind(context, conn, holder, at)):
        role = role_of(conn, name)
        if role is not None:  # by the name that was asked for: who acts for it is not everybody's to know
            raise role_forbids(holder, role)


def check_wanted(context: ServiceContext, conn: Connection, order: ApplicationOrder | ImportOrder, at: datetime) -> None:
    """Whether everybody can be given the power over a seal that he is to have: as ``check_there``, ``check_no_role`` and ``check_together``."""
    wanted = [(holder, power) for power, holders in powers_in(order) for holder in holders]
    for holder, _ in wanted:
        check_there(context, conn, holder)
        check_no_role(context, conn, holder, at)
    check_together(context, conn, wanted, at)


def give_power(context: ServiceContext, conn: Connection, seal: Seal, holder: str, power: Power, *, given_by: str, at: datetime) -> bool:
    """Give a power within the caller's transaction; False where he has it. ROLE_HOLDER_UNKNOWN; ROLE_FORBIDS where he, or somebody who may act
    for him, has a role; SEAL_POWER_HELD where one of them has another power.
    """
    held = store.powers_of(conn, seal.id, holder)
    if power in held:
        return False
    if holder != given_by:  # whoever gives is there
        check_there(context, conn, holder)
    check_no_role(context, conn, holder, at)
    if held and seal.are_powers_separated:
        raise power_held(seal.id, holder, min(held), power)
    check_giving(context, conn, seal, holder, power, at)
    store.insert_power(conn, seal, holder, power, given_by=given_by, at=at)
    return True
