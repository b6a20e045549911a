"""Whether two of the powers over one seal come together in one natural person, by his own name or by an organisation that he acts for.

The table keeps names apart, whatever a program does. Names are not people: who acts for an organisation has its powers at hand, too. So it is asked
when a power is given, of everybody who may act for its holder then, and again at each use of one, of the person who uses it: he may have been entered
for an organisation since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import store
from seal_service.errors import power_held
from seal_service.ports import ACTING_PEOPLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import Power, Seal
    from seal_service.ports import ActingPeople
    from service_kit.composition import ServiceContext


def check_giving(context: ServiceContext, conn: Connection, seal: Seal, holder: str, power: Power, at: datetime) -> None:
    """SEAL_POWER_HELD where somebody who is, or may act for, ``holder`` has another power over the seal by some name."""
    if not seal.are_powers_separated:
        return
    acting = _acting_people(context)

    def people_of(name: str) -> frozenset[str]:
        return frozenset({name}) | (frozenset() if acting is None else acting.people_of(conn, name, at))

    wanted = people_of(holder)
    for each in store.list_other_powers(conn, seal.id, power):
        if wanted & people_of(each.holder):
            raise power_held(seal.id, holder, each.power, power)


def check_together(context: ServiceContext, conn: Connection, wanted: Sequence[tuple[str, Power]], at: datetime) -> None:
    """As ``check_giving``, of powers that are applied for together over a seal that is to be."""
    acting = _acting_people(context)
    held: dict[str, tuple[str, Power]] = {}
    for holder, power in wanted:
        for name in {holder} | (set() if acting is None else acting.people_of(conn, holder, at)):
            other, other_power = held.setdefault(name, (holder, power))
            if other_power is not power:
                raise power_held("", other, other_power, power)


def check_use(context: ServiceContext, conn: Connection, seal: Seal, holder: str, human: str, power: Power, at: datetime) -> None:
    """SEAL_POWER_HELD where the person behind a call, who has ``power`` as ``holder``, has another one over the seal by some name.

    ``human``: as ``Caller.human`` names him.
    """
    if not seal.are_powers_separated:
        return
    acting = _acting_people(context)
    for each in store.list_other_powers(conn, seal.id, power):
        if human == each.holder or (acting is not None and acting.may_act(conn, human, each.holder, at)):
            raise power_held(seal.id, holder, each.power, power)


def _acting_people(context: ServiceContext) -> ActingPeople | None:
    """Who knows for whom people act; None where the identity provider runs elsewhere."""
    return ACTING_PEOPLE.of(context)
