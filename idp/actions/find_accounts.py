"""Accounts as the composition asks for them: the command line and the demonstration.

Whoever asks here has the deployment itself; what a client may see of people is decided in ``idp.api``. ROW_ALTERED for an edited row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.model.people import PAGE_MAX, AccountKind, AccountStatus, IdentifierKind
from idp.store import accounts
from idp.store.federation import standing_conflict
from idp.store.person_grants import newest_grant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account


def find_account(desk: PeopleDesk, kind: IdentifierKind, value: str) -> Account | None:
    """The account with this identifier, None where there is none."""
    with desk.database.read() as connection:
        account_id = accounts.account_id_by(connection, desk.vault, kind, value)
        return None if account_id is None else accounts.load_account(connection, desk.vault, account_id)


def account_named(desk: PeopleDesk, name: str) -> Account:
    """The account with this login name, or else with this id; ACCOUNT_NOT_FOUND."""
    with desk.database.read() as connection:
        account_id = accounts.account_id_by(connection, desk.vault, IdentifierKind.LOGIN, name.strip().lower())
        return accounts.load_account(connection, desk.vault, account_id or name)


def list_persons(desk: PeopleDesk) -> list[Account]:
    """Every person's account, closed ones too, in the order of their ids."""
    return list(_all_of(desk, AccountKind.PERSON))


def accounts_from(desk: PeopleDesk, origin: str) -> list[Account]:
    """The persons and organisations of a source (``import:hr``) that are not closed. Reads all accounts."""
    return [
        account
        for kind in AccountKind
        for account in _all_of(desk, kind)
        if account.origin == origin and account.status is not AccountStatus.CLOSED
    ]


def _all_of(desk: PeopleDesk, kind: AccountKind) -> Iterator[Account]:
    """Page by page, each in a read of its own: a million take minutes, and a read as long as that lets the database's log of changes grow."""
    after = ""
    while True:
        with desk.database.read() as connection:
            page = accounts.list_accounts(connection, desk.vault, kind=kind, after=after, count=PAGE_MAX)
        yield from page
        if len(page) < PAGE_MAX:
            return
        after = page[-1].account_id


def was_ever_agent(desk: PeopleDesk, person_id: str, organisation_id: str) -> bool:
    """Whether a person was made the agent of an organisation, also where that was taken back."""
    with desk.database.read() as connection:
        return newest_grant(connection, desk.vault, person_id, organisation_id) is not None


def is_in_doubt(desk: PeopleDesk, upstream: str, subject: str) -> bool:
    """Whether it waits for an administrator to say whose account a subject of another provider is."""
    with desk.database.read() as connection:
        return standing_conflict(connection, desk.vault, upstream, subject) is not None
