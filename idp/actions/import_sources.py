"""Whose the name of an import's source is: of the client that imported under it first, and of those that the operator gave it to.

What an import says of an account counts because its source brought the account: a client that took another's name would say it of that one's people.
The audit trail is the record of it. The operator's own imports may have any name; one that he alone has used is no client's before he gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.errors import client_not_found
from idp.model.imports import check_source
from idp.store.clients import find_client
from idp.store.imports import list_sources, newest_import
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.imports import Import

_SAID: Final = ("source.claim", "source.give", "source.take-back")


def demand_source(
    connection: Connection, desk: PeopleDesk, source: str, client_id: str, actor: str, at: datetime, *, is_dry_run: bool
) -> None:
    """Within a write job: raise ACCOUNT_FOREIGN where the name is another client's. One that is nobody's is this client's from now on, unless it
    only tries.
    """
    claimed, first, told = _known(connection, desk, source)
    is_free = first is None and not told and newest_import(connection, desk.vault, source) is None
    if not is_free and not _is_of((claimed, first, told), client_id):
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_FOREIGN", source=f"import:{source}")
    if claimed is None and not is_dry_run:
        _record(connection, desk, "source.claim", source, first or client_id, actor, at)


def owned_sources(connection: Connection, desk: PeopleDesk, client_id: str) -> tuple[str, ...]:
    """The names under which there is an import that are this client's now."""
    return tuple(each for each in list_sources(connection) if _is_of(_known(connection, desk, each), client_id))


def is_shown(connection: Connection, desk: PeopleDesk, made: Import, client_id: str) -> bool:
    """Whether a client sees an import: one that came by it, or of a source that is its own now."""
    return made.client_id == client_id or _is_of(_known(connection, desk, made.source), client_id)


def give_source(desk: PeopleDesk, source: str, client_id: str, *, is_given: bool, actor: str) -> None:
    """From now on the client may import under this name beside who may already, or may not any more. By the operator. IMPORT_UNREADABLE, CLIENT_NOT_FOUND."""
    check_source(source)
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        if is_given and find_client(connection, client_id, desk.vault.mac_key) is None:
            raise client_not_found(client_id)
        claimed, first, _ = _known(connection, desk, source)
        if claimed is None and first is not None:  # else it would be the next one's that imports
            _record(connection, desk, "source.claim", source, first, actor, at)
        _record(connection, desk, "source.give" if is_given else "source.take-back", source, client_id, actor, at)

    desk.database.write(store)


def record_foreign_source(desk: PeopleDesk, source: str, actor: str) -> None:
    """That a client reached for a name that is another's, once its attempt has been undone."""
    at, facts = desk.clock.now(), {"code": "ACCOUNT_FOREIGN", "source": f"import:{source}"}
    desk.database.write(
        lambda connection: desk.audit.record(
            connection, at=at, actor=actor, action="import.refuse", subject=_subject(source), outcome="refused", facts=facts
        )
    )


def _known(connection: Connection, desk: PeopleDesk, source: str) -> tuple[str | None, str | None, dict[str, bool]]:
    """Who claimed the name, whose it is by being the first (of a name from before there were claims: who made its newest import), and what the
    operator said of clients since.
    """
    claimed: str | None = None
    told: dict[str, bool] = {}
    for entry in desk.audit.own_entries(connection, _subject(source), _SAID):  # the newest first
        client = str(entry.facts["client"])
        if entry.action == "source.claim":
            claimed = client
        else:
            told.setdefault(client, entry.action == "source.give")
    if claimed is not None:
        return claimed, claimed, told
    newest = newest_import(connection, desk.vault, source, by="client:")
    return None, None if newest is None else newest.client_id, told


def _is_of(known: tuple[str | None, str | None, dict[str, bool]], client_id: str) -> bool:
    _, first, told = known
    return told.get(client_id, client_id == first)


def _subject(source: str) -> str:
    return f"import-source:{source}"


def _record(connection: Connection, desk: PeopleDesk, action: str, source: str, client_id: str, actor: str, at: datetime) -> None:
    facts = {"client": client_id}
    desk.audit.record(connection, at=at, actor=actor, action=action, subject=_subject(source), outcome="done", facts=facts)
