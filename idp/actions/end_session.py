"""End sessions, and act for someone else within one."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from idp.actions.begin_sign_in import living_session
from idp.actions.end_what_was_open import end_what_was_open
from idp.actions.finish_sign_in import SESSION_COOKIE_BYTES, end_in
from idp.actions.sign_in_row import cookie_hash, recognise, sign_in_unknown
from idp.errors import account_not_found
from idp.model.sign_in import begin_sign_in
from idp.store.accounts import account_standing
from idp.store.sign_ins import find_session, update_session
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.sign_in import Session


def end_session(desk: PeopleDesk, session_id: str, *, actor: str, account_id: str | None = None) -> Session:
    """End a session; ended already, it stays as it was. SESSION_NOT_FOUND, also for one of another than ``account_id``."""
    at = desk.clock.now()

    def store(connection: Connection) -> Session:
        session = find_session(connection, desk.vault, session_id)
        if session is None or (account_id is not None and session.account_id != account_id):
            raise TrustError(Kind.NOT_FOUND, "SESSION_NOT_FOUND")
        return session if session.ended_at is not None else end_in(connection, desk, session, actor, at)

    return desk.database.write(store)


def end_all_sessions(desk: PeopleDesk, account_id: str, *, actor: str, but: str | None = None) -> int:
    """End all living sessions of an account but one, and let sign-ins under way begin again; returns how many. ACCOUNT_NOT_FOUND."""
    at = desk.clock.now()

    return desk.database.write(lambda connection: end_what_was_open(connection, desk, account_id, actor, at, but=but))


def switch_acting(desk: PeopleDesk, session_hash: bytes, *, acting_for: str) -> str:
    """Act for an organisation (empty: for oneself) in this session from now on; returns its new cookie. SIGN_IN_UNKNOWN, SESSION_NOT_FOUND."""
    at = desk.clock.now()
    cookie = secrets.token_urlsafe(SESSION_COOKIE_BYTES)

    def store(connection: Connection) -> None:
        session = living_session(connection, desk, session_hash, at)
        if session is None:
            raise TrustError(Kind.NOT_FOUND, "SESSION_NOT_FOUND")
        if acting_for and acting_for not in organisations_of(connection, desk, session.account_id):
            raise sign_in_unknown()
        changed = replace(session, cookie_hash=cookie_hash(cookie), acting_for=acting_for or None, version=session.version + 1)
        update_session(connection, desk.vault, changed)
        subject = f"account:{session.account_id}"
        facts = {"session": session.session_id, "acting_for": acting_for or None}
        desk.audit.record(connection, at=at, actor=subject, action="session.switch", subject=subject, outcome="done", facts=facts)

    desk.database.write(store)
    return cookie


def organisations_of(connection: Connection, desk: PeopleDesk, account_id: str) -> tuple[str, ...]:
    """For which organisations a person may act now."""
    at = desk.clock.now()
    account = account_standing(connection, desk.vault, account_id)
    if account is None:
        raise account_not_found()
    row = recognise(connection, desk, begin_sign_in("", b"", None, at), account, at)
    return row.organisations
