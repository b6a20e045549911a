"""What was opened with credentials as they were ends: when they change, when a person signs out everywhere, when an account is disabled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.actions.finish_sign_in import end_in
from idp.store.accounts import raise_credential_epoch
from idp.store.grants import end_grants_of_account
from idp.store.sign_ins import end_altered_sessions, living_sessions, update_session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk


def end_for_credentials(
    connection: Connection, desk: PeopleDesk, account_id: str, actor: str, at: datetime, *, but: str | None = None
) -> tuple[int, int]:
    """Within the write job that replaces or removes a credential: how many sessions and how many grants besides theirs ended. ACCOUNT_NOT_FOUND.

    Who got in with it may have had a client given tokens that outlive their session: those end too, but what hangs on the one session that stays.
    """
    ended = end_what_was_open(connection, desk, account_id, actor, at, but=but)
    grants = end_grants_of_account(connection, account_id, at, desk.vault.mac_key, why="credentials changed", but=but)
    return ended, grants


def end_what_was_open(
    connection: Connection, desk: PeopleDesk, account_id: str, actor: str, at: datetime, *, but: str | None = None
) -> int:
    """Within a write job: end every living session of an account but one, with what hangs on it; returns how many. ACCOUNT_NOT_FOUND.

    Sign-ins under way carry the epoch in which their factors were shown: with the new one they begin again, and so does a session that
    another job is just making. The one session that stays takes the new epoch along.
    """
    epoch = raise_credential_epoch(connection, desk.vault, account_id)
    ended = end_altered_sessions(connection, desk.vault, account_id, at, actor)
    for session in living_sessions(connection, desk.vault, account_id, at):
        if session.session_id == but:
            update_session(connection, desk.vault, replace(session, credential_epoch=epoch, version=session.version + 1))
        else:
            end_in(connection, desk, session, actor, at)
            ended += 1
    return ended
