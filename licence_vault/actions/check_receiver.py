"""Whoever gives rights over licences gives none to himself: not to the system he comes by, nor to an organisation that he may act for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.errors import right_of_one_self
from licence_vault.ports import ACTING_PEOPLE
from service_kit.callers import may_be_one

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def check_receiver(context: ServiceContext, conn: Connection, caller: Caller, receiver: str) -> None:
    """LICENCE_RIGHT_OF_ONE_SELF where ``receiver``, a name that rights are kept by (``Caller.holder``), is or may be whoever gives the right.

    A system by which a person comes is one of them: it has the person's token, and could have sent the call by itself. Which systems one
    organisation runs is not known: two registrations count as two.
    """
    acting = ACTING_PEOPLE.of(context)
    if (
        receiver == caller.client_id
        or may_be_one(caller, receiver)
        or (acting is not None and acting.may_act(conn, caller.human, receiver, context.clock.now()))
    ):
        raise right_of_one_self()
