"""Which natural persons may act for an organisation, for services of the same process, by the names that rights are kept by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.store.accounts import list_agents
from idp.store.person_grants import grants_of_person
from service_kit.callers import PERSON_PREFIX

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.store.accounts import Vault

_PAGE: Final = 200


class ActingPeople:
    """Asked inside another service's transaction. Organisations and people are accounts; what is no account acts for nobody."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def may_act(self, conn: Connection, person: str, holder: str, at: datetime) -> bool:
        """Whether a person may act for ``holder`` at ``at`` (aware UTC). ROW_ALTERED."""
        if not person.startswith(PERSON_PREFIX) or not holder.startswith(PERSON_PREFIX):
            return False
        names = (name.removeprefix(PERSON_PREFIX) for name in (person, holder))
        return any(each.is_valid_at(at) for each in grants_of_person(conn, self._vault, *names))

    def people_of(self, conn: Connection, holder: str, at: datetime) -> frozenset[str]:
        """Everybody who may act for ``holder`` at ``at`` (aware UTC). ROW_ALTERED."""
        found: set[str] = set()
        if not holder.startswith(PERSON_PREFIX):
            return frozenset(found)
        after, page = "", None
        while page is None or len(page) == _PAGE:
            page = list_agents(conn, self._vault, count=_PAGE, organisation_id=holder.removeprefix(PERSON_PREFIX), after=after)
            found.update(PERSON_PREFIX + each.person_id for each in page if each.is_valid_at(at))
            after = page[-1].agent_id if page else ""
        return frozenset(found)
