"""What the holders of rights are called, and who has a login name: for pages on which people give rights to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.model.people import AccountStatus, IdentifierKind
from idp.store.accounts import account_id_by, account_status, find_account
from idp.store.clients import find_client
from service_kit.callers import PAIRWISE_PREFIX, PERSON_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from idp.store.accounts import Vault
    from service_kit.database import Database


@dataclass(frozen=True, slots=True)
class HolderNames:
    """Where they are looked up."""

    database: Database
    vault: Vault
    mac_key: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "HolderNames()"

    def by_login(self, login: str) -> str | None:
        """The name of rights of the active account with this login name, None where there is none."""
        with self.database.read() as connection:
            found = account_id_by(connection, self.vault, IdentifierKind.LOGIN, login)
            if found is None or account_status(connection, self.vault, found) is not AccountStatus.ACTIVE:
                return None
        return PERSON_PREFIX + found

    def names_of(self, holders: Iterable[str]) -> dict[str, str]:
        """What they are called; who is not known here, a pairwise name for one, is left out."""
        names: dict[str, str] = {}
        with self.database.read() as connection:
            for holder in holders:
                if holder.startswith(PERSON_PREFIX):
                    account = find_account(connection, self.vault, holder.removeprefix(PERSON_PREFIX))
                    if account is not None:
                        names[holder] = account.name
                    continue
                client = find_client(connection, holder, self.mac_key)
                if client is not None:
                    names[holder] = client[0].name
        return names

    def knows(self, connection: Connection, holder: str) -> bool:
        """Whether there is such a client or account, disabled ones too, for whoever asks within a transaction of his own. ROW_ALTERED for an edited row.

        Any pairwise name counts: it is made anew for each token, and nobody can choose it.
        """
        if not holder.startswith(PERSON_PREFIX):
            return find_client(connection, holder, self.mac_key) is not None
        is_pairwise = holder.startswith(PAIRWISE_PREFIX)
        return is_pairwise or account_status(connection, self.vault, holder.removeprefix(PERSON_PREFIX)) is not None
