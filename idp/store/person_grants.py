"""For whom a person acts: what every sign-in and every use of a token for an organisation asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from idp.store.accounts import agent_of_row
from idp.tables import agents
from service_kit.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.model.people import Agent
    from idp.store.accounts import Vault

_STANDING: Final = select(agents).where(agents.c.person_id == bindparam("person_id"), agents.c.revoked_at.is_(None))
_STANDING_OF: Final = {  # by whether an organisation is named
    False: Prepared(_STANDING.order_by(agents.c.agent_id)),
    True: Prepared(_STANDING.where(agents.c.organisation_id == bindparam("organisation_id"))),
}
_NEWEST: Final = Prepared(
    select(agents)
    .where(agents.c.person_id == bindparam("person_id"), agents.c.organisation_id == bindparam("organisation_id"))
    .order_by(agents.c.granted_at.desc(), agents.c.agent_id.desc())
    .limit(1)
)


def grants_of_person(connection: Connection, vault: Vault, person_id: str, organisation_id: str = "") -> tuple[Agent, ...]:
    """All grants of a person that nobody has revoked, however many; only those of one organisation where it is named."""
    named = {"organisation_id": organisation_id} if organisation_id else {}
    rows = _STANDING_OF[bool(organisation_id)].all(connection, {"person_id": person_id, **named})
    return tuple(agent_of_row(vault, row) for row in rows)


def newest_grant(connection: Connection, vault: Vault, person_id: str, organisation_id: str) -> Agent | None:
    """The last grant that a person was given for an organisation, revoked or not."""
    row = _NEWEST.first(connection, {"person_id": person_id, "organisation_id": organisation_id})
    return None if row is None else agent_of_row(vault, row)
