"""Whether two of the powers over one seal, or one and a role, come together in one natural person, by his own name or by an organisation that he acts for.

The tables keep names apart, whatever a program does. Names are not people: who acts for an organisation has its powers at hand, too. So it is asked
when a power is given, of everybody who may act for its holder then, and again at each use of one, of the person who uses it: he may have been entered
for an organisation since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import store
from seal_service.errors import power_held, role_forbids
from seal_service.model import Power
from seal_service.ports import ACTING_PEOPLE
from service_kit.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.actions.apply_for_seal import ApplicationOrder
    from seal_service.actions.read_import import ImportOrder
    from seal_service.model import Seal
    from service_kit.composition import ServiceContext


def check_giving(context: ServiceContext, conn: Connection, seal: Seal, holder: str, power: Power, at: datetime) -> None:
    """SEAL_POWER_HELD where somebody who is, or may act for, ``holder`` has another power over the seal by some name."""
    if not seal.are_powers_separated:
        return
    wanted = people_behind(context, conn, holder, at)
    for each in store.list_other_powers(conn, seal.id, power):
        if wanted & people_behind(context, conn, each.holder, at):
            raise power_held(seal.id, holder, each.power, power)


def powers_in(order: ApplicationOrder | ImportOrder) -> tuple[tuple[Power, tuple[str, ...]], ...]:
    """The powers over a seal that is to be, with the holders that are wanted for each."""
    return (Power.MANAGE, order.managers), (Power.USE, order.users), (Power.AUDIT, order.auditors)


def check_together(context: ServiceContext, conn: Connection, wanted: Sequence[tuple[str, Power]], at: datetime) -> None:
    """As ``check_giving``, of powers that are applied for together over a seal that is to be."""
    held: dict[str, tuple[str, Power]] = {}
    for holder, power in wanted:
        for name in people_behind(context, conn, holder, at):
            other, other_power = held.setdefault(name, (holder, power))
            if other_power is not power:
                raise power_held("", other, other_power, power)


def check_use(context: ServiceContext, conn: Connection, seal: Seal, holder: str, human: str, power: Power, at: datetime) -> None:
    """SEAL_POWER_HELD where the person behind a call, who has ``power`` as ``holder``, has another one over the seal by some name; ROLE_FORBIDS
    where he is an administrator. ``human``: as ``Caller.human`` names him.
    """
    role = role_of(conn, human) if human != holder else None  # one name has no role beside a power: giving either asks for the other
    if role is not None:
        raise role_forbids(holder, role)
    if not seal.are_powers_separated:
        return
    for each in store.list_other_powers(conn, seal.id, power):
        if human == each.holder or may_act(context, conn, human, each.holder, at):
            raise power_held(seal.id, holder, each.power, power)


def people_behind(context: ServiceContext, conn: Connection, holder: str, at: datetime) -> frozenset[str]:
    """``holder`` and everybody who may act for it at ``at``; alone where the identity provider runs elsewhere."""
    acting = ACTING_PEOPLE.of(context)
    return frozenset({holder}) | (frozenset() if acting is None else acting.people_of(conn, holder, at))


def may_act(context: ServiceContext, conn: Connection, human: str, holder: str, at: datetime) -> bool:
    """Whether a person may act for ``holder`` at ``at``; False where the identity provider runs elsewhere, and it is not known."""
    acting = ACTING_PEOPLE.of(context)
    return acting is not None and acting.may_act(conn, human, holder, at)
