"""What the licence vault needs of the identity provider, filled in the same process: which holder codes a signed-in person proved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import idp.service
from idp.model.people import AgentRole, IdentifierKind
from licence_vault.ports import ActedFor, HolderCode, SignedInHolder

if TYPE_CHECKING:
    from datetime import datetime

    from idp.actions.find_person_behind import Proven
    from idp.model.people import Agent
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_CODE_TYPES: Final = {IdentifierKind.RESIDENT_ID: "111", IdentifierKind.PASSPORT: "414", IdentifierKind.CREDIT_CODE: "001"}
"""GB/T 36903 Annex A. Numbers of another kind prove nothing here: their kind does not say which code type they are of."""
_PERMIT_OF_HONG_KONG_AND_MACAO: Final = "516"
_PERMIT_OF_TAIWAN: Final = "511"


class HouseDirectory:
    """See ``licence_vault.ports.HolderDirectory``; of an identity provider elsewhere: ``yinxin.apart_links.RemoteDirectory``."""

    def __init__(self, context: ServiceContext) -> None:
        self._find = partial(idp.service.person_behind, context)

    def find(self, caller: Caller, at: datetime) -> SignedInHolder | None:
        """The person a call comes from, with the codes he proved and those of the organisations he acts for."""
        found = self._find(caller, at)
        if found is None:
            return None
        own = () if found.own is None else codes_of(found.own)
        acts_for = tuple(
            ActedFor(code, powers_of(each.agent))
            for each in found.represented
            for code in codes_of(each.organisation)
            if code.code_type == "001"
        )
        return SignedInHolder(found.account_id, own, acts_for)


def codes_of(proven: Proven) -> tuple[HolderCode, ...]:
    """The verified identifiers that are holder codes."""
    found = []
    for each in proven.identifiers:
        code_type = _CODE_TYPES.get(each.kind)
        if each.kind is IdentifierKind.PERMIT:
            code_type = (
                _PERMIT_OF_HONG_KONG_AND_MACAO if each.value[:1] in {"H", "M"} else _PERMIT_OF_TAIWAN if each.value.isdecimal() else None
            )
        if code_type is not None:
            found.append(HolderCode(code_type, each.value, proven.level))
    return tuple(found)


def powers_of(agent: Agent) -> frozenset[str] | None:
    """What an agent may do; None, everything, for a representative and for a grant that names nothing."""
    return None if agent.role is AgentRole.REPRESENTATIVE or not agent.scopes else frozenset(agent.scopes)
