"""Another directory follows ours: page by page of the feed of changes, each subject as it is now, the cursor kept on the other side.

What leaves is recorded before it leaves. A page that fails is sent again as a whole: everything that is put there is put as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from idp.actions.fill_changes import fill_changes
from idp.actions.number_changes import number_durable_changes
from idp.model.changes import SubjectKind
from idp.model.people import AccountStatus
from idp.store.accounts import list_agents, load_account, load_agent
from idp.store.changes import list_changes, read_head
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.changes import Change
    from idp.model.people import Account

PAGE: Final = 200
AGENTS_AT_ONCE: Final = 200


class Directory(Protocol):
    """The other side."""

    def read_cursor(self) -> str:
        """Where it stands in our feed; empty: at its beginning."""
        ...

    def write_cursor(self, cursor: str) -> None:
        """Note how far it has followed."""
        ...

    def put_person(self, account: Account, *, is_active: bool) -> None:
        """A person as he is now."""
        ...

    def put_organisation(self, account: Account, members: frozenset[str]) -> None:
        """An organisation with those who act for it now."""
        ...


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many changes were followed, and how many persons and organisations were put for them."""

    changes: int
    persons: int
    organisations: int


def push_directory(desk: PeopleDesk, directory: Directory, name: str, *, actor: str) -> Pushed:
    """Let a directory follow up to now. ``name``: what the record calls it. CHANGE_CURSOR_UNKNOWN where it has followed another deployment,
    and what the other side raises.
    """
    # 1. Everything that is durable has its number
    fill_changes(desk.database, desk.vault)
    number_durable_changes(desk.database)
    with desk.database.read() as connection:
        feed_id, last, _ = read_head(connection)
    position = _position(directory.read_cursor(), feed_id, last)
    done = Pushed(0, 0, 0)
    while True:
        at = desk.clock.now()
        # 2. A page: whom it is about, each once, as they are now
        with desk.database.read() as connection:
            page = list_changes(connection, after=position, count=PAGE)
            persons, organisations = _subjects(connection, desk, page, at)
        if not page:
            return done
        # 3. The record, then they go; persons first, so that groups find their members
        reached = page[-1].position
        facts: dict[str, str | int | bool | None] = {
            "directory": name,
            "after": position,
            "reached": reached,
            "persons": len(persons),
            "organisations": len(organisations),
        }
        _record(desk, name, actor, "intended", facts)
        for person in persons:
            directory.put_person(person, is_active=person.status is AccountStatus.ACTIVE)
        for organisation, members in organisations:
            directory.put_organisation(organisation, members)
        directory.write_cursor(f"{feed_id}-{reached}")
        _record(desk, name, actor, "done", {"directory": name, "reached": reached})
        position = reached
        done = Pushed(done.changes + len(page), done.persons + len(persons), done.organisations + len(organisations))


def _record(desk: PeopleDesk, name: str, actor: str, outcome: str, facts: dict[str, str | int | bool | None]) -> None:
    at, subject = desk.clock.now(), f"directory:{name}"
    desk.database.write(
        lambda connection: desk.audit.record(
            connection, at=at, actor=actor, action="directory.push", subject=subject, outcome=outcome, facts=facts
        )
    )


def _position(cursor: str, feed_id: str, last: int) -> int:
    if not cursor:
        return 0
    feed, _, number = cursor.partition("-")
    if feed != feed_id or not number.isdecimal() or int(number) > last:
        raise TrustError(Kind.CONFLICT, "CHANGE_CURSOR_UNKNOWN")
    return int(number)


def _subjects(
    connection: Connection, desk: PeopleDesk, page: list[Change], at: datetime
) -> tuple[list[Account], list[tuple[Account, frozenset[str]]]]:
    persons, organisations = set(), set()
    for change in page:
        state = change.state
        if state.kind is SubjectKind.PERSON:
            persons.add(state.subject_id)
        elif state.kind is SubjectKind.ORGANISATION:
            organisations.add(state.subject_id)
        else:
            grant = load_agent(connection, desk.vault, state.subject_id)
            organisations.add(grant.organisation_id)
            persons.add(grant.person_id)
    found = [load_account(connection, desk.vault, each) for each in sorted(organisations)]
    return (
        [load_account(connection, desk.vault, each) for each in sorted(persons)],
        [(each, _members(connection, desk, each, at)) for each in found],
    )


def _members(connection: Connection, desk: PeopleDesk, organisation: Account, at: datetime) -> frozenset[str]:
    """Who acts for an organisation now and until somebody ends it. A grant with an end is not told: nobody would take it back there in time."""
    if organisation.status is not AccountStatus.ACTIVE:
        return frozenset()
    members: set[str] = set()
    after = ""
    while page := list_agents(connection, desk.vault, organisation_id=organisation.account_id, after=after, count=AGENTS_AT_ONCE):
        members |= {each.person_id for each in page if each.is_valid_at(at) and each.valid_until is None}
        after = page[-1].agent_id
    return frozenset(members)
