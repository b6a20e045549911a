"""A person takes back what he let an application keep without him there: it ends at once, and the application asks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.clients import find_client
from idp.store.grants import end_grants_of_client, end_offline_grants, offline_grants
from idp.store.sign_ins import forget_consents

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk


@dataclass(frozen=True, slots=True)
class KeptAccess:
    """What an application may go on with. ``since``: when it was first let, of what still counts; aware UTC."""

    client_id: str
    name: str
    since: datetime


def kept_access(connection: Connection, desk: PeopleDesk, account_id: str) -> list[KeptAccess]:
    """The applications that may go on without the person, the longest first. ROW_ALTERED for an edited row of a client."""
    since: dict[str, datetime] = {}
    for client_id, created_at in offline_grants(connection, account_id, desk.clock.now(), desk.vault.mac_key):
        since.setdefault(client_id, created_at)
    found = {client_id: find_client(connection, client_id, desk.vault.mac_key) for client_id in since}
    return [KeptAccess(each, known[0].name if known else each, since[each]) for each, known in found.items()]


def take_back_access(desk: PeopleDesk, account_id: str, client_id: str) -> int:
    """End what the client keeps, for the person himself and for whomever he acts for, with the consents behind it and what else it got by them, in
    sessions that are open; how many grants ended.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> int:
        ended = end_offline_grants(connection, account_id, client_id, at, desk.vault.mac_key)
        if ended:
            ended += end_grants_of_client(connection, account_id, client_id, at, desk.vault.mac_key)
            forget_consents(connection, account_id, client_id)
            subject = f"account:{account_id}"
            desk.audit.record(
                connection,
                at=at,
                actor=subject,
                action="access.take-back",
                subject=subject,
                outcome="done",
                facts={"client": client_id, "grants": ended},
            )
        return ended

    return desk.database.write(store)
