"""Let a provisioning client (SCIM) keep an account that it did not bring, and take that back. By whoever looks after accounts, never by the client itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.manage_accounts import AccountChange, change_in
from idp.actions.protect_administrators import check_changed_by
from idp.actions.provision_account import GIVEN, given_to, scim_source
from idp.errors import client_not_found
from idp.model.people import Identifier, IdentifierKind, normalised
from idp.store.accounts import load_account
from idp.store.clients import find_client

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account, AccountKind
    from service_kit.callers import Caller


def give_account(
    desk: PeopleDesk, account_id: str, kind: AccountKind, client_id: str, *, is_given: bool, actor: str, by: Caller | None = None
) -> Account:
    """From now on the client may change the account's fields and state, or may not any more; given twice, nothing changes. What it brought stays its own.

    ``by``: who calls, None: the operator. ACCOUNT_NOT_FOUND, CLIENT_NOT_FOUND, ACCOUNT_PROTECTED, ACCOUNT_STATUS_CONFLICT, ACCOUNT_FIELD_INVALID.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> Account:
        check_changed_by(connection, account_id, by)
        present = load_account(connection, desk.vault, account_id, kind)
        source = scim_source(client_id)
        if is_given and find_client(connection, client_id, desk.vault.mac_key) is None:
            raise client_not_found(client_id)
        if is_given == (source in given_to(present)):
            return present
        mark = Identifier(IdentifierKind.UPSTREAM, f"{GIVEN}{source}|{account_id}", at)
        rest = (each for each in present.identifiers if (each.kind, each.value) != (mark.kind, mark.value))
        identifiers = normalised((*rest, *([mark] if is_given else [])))
        changed = change_in(connection, desk, account_id, kind, AccountChange(identifiers=identifiers), actor, at)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="account.give" if is_given else "account.take-back",
            subject=f"account:{account_id}",
            outcome="done",
            facts={"source": source},
        )
        return changed

    return desk.database.write(store)
