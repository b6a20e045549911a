"""Enter into the change feed what was there before it: once, at the first start of a program that has the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.store.accounts import load_account, load_agent
from idp.store.changes import mark_filled, missing_subjects, note_account, note_agent, read_head

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.store.accounts import Vault
    from service_kit.database import Database

_AT_ONCE: Final = 200  # subjects per transaction: nobody waits long for the writer


def fill_changes(database: Database, vault: Vault) -> int:
    """How many accounts and grants were entered. Goes on where an earlier run ended. ROW_ALTERED."""
    with database.read() as connection:
        _, _, is_filled = read_head(connection)
    if is_filled:
        return 0

    def enter(connection: Connection) -> int:
        account_ids, agent_ids = missing_subjects(connection, _AT_ONCE)
        for account_id in account_ids:
            note_account(connection, vault.sealer, load_account(connection, vault, account_id))
        for agent_id in agent_ids:
            note_agent(connection, vault.sealer, load_agent(connection, vault, agent_id))
        if not account_ids and not agent_ids:
            mark_filled(connection)
        return len(account_ids) + len(agent_ids)

    entered = 0
    while count := database.write(enter):
        entered += count
    return entered
