"""Sessions end where the upstream session on which they rest has ended (OpenID Connect Back-Channel Logout 1.0, CAS 3.0.3 2.3.3), and so does what
a sign-in under way has of it: it begins again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.actions.finish_sign_in import end_in
from idp.connectors.id_token import read_logout_token
from idp.connectors.protocol import ask
from idp.connectors.settings import ConnectorKind
from idp.model.sign_in import SESSION_PREFIX, SIGN_IN_PREFIX, as_anyone
from idp.store.federation import forget_upstream, note_notice, sessions_of_upstream
from idp.store.sign_ins import find_session, find_sign_in, update_sign_in
from standards.apereo_cas import read_logout_request
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.federation_desk import FederationDesk
    from idp.connectors.id_token import Notice
    from idp.model.sign_in import Session, SignIn


def hear_upstream_logout(desk: FederationDesk, name: str, logout_token: str) -> int:
    """End the sessions that a logout token names, and sign-ins under way; returns how many sessions. UPSTREAM_UNKNOWN, LOGOUT_TOKEN_REFUSED, OUTBOUND_FAILED, SIGN_IN_BUSY."""
    people, at = desk.people, desk.people.clock.now()
    settings = desk.settings(name)
    if not settings.issuer:  # only those that sign what they say
        raise TrustError(Kind.NOT_FOUND, "UPSTREAM_UNKNOWN")
    # 1. What it says, if it is the upstream that says it
    try:
        with desk.hearing():
            notice = read_logout_token(settings, logout_token, ask(desk.outbound, "GET", settings.endpoints["jwks"]), at)
    except TrustError as error:
        if error.code == "UPSTREAM_ANSWER_REFUSED":
            raise _refused(str(error.facts.get("reason", ""))) from None
        raise

    # 2. Once, together with the ends it brings
    ended = people.database.write(lambda connection: _end(connection, desk, name, notice, at))
    if ended is None:
        raise _refused("seen-before")
    return ended


def _end(connection: Connection, desk: FederationDesk, name: str, notice: Notice, at: datetime) -> int | None:
    people = desk.people
    if not note_notice(connection, people.vault, name, notice.number, notice.keep_until):
        return None
    return _end_sessions(
        connection, desk, name, sessions_of_upstream(connection, people.vault, name, subject=notice.subject, session=notice.session), at
    )


def hear_cas_logout(desk: FederationDesk, name: str, logout_request: str) -> int:
    """End the session that a ticket of a CAS upstream opened; returns how many ended. UPSTREAM_UNKNOWN, LOGOUT_TOKEN_REFUSED.

    The message is not signed: who knows the ticket, which only the upstream and this deployment were told, is believed, and ends one session.
    """
    people, at = desk.people, desk.people.clock.now()
    if desk.settings(name).protocol is not ConnectorKind.CAS:
        raise TrustError(Kind.NOT_FOUND, "UPSTREAM_UNKNOWN")
    ticket = read_logout_request(logout_request)
    if ticket is None:
        raise _refused("logout-request-form")
    # A ticket that opened nothing here, or whose session is over, writes nothing: neither guesses nor the same message again and again (who signed
    # in has seen his ticket) fill the trail and the writer's queue
    with people.database.read() as connection:
        found = sessions_of_upstream(connection, people.vault, name, subject="", session=ticket)
        alive = tuple(each for each in found if _is_open(connection, desk, name, each, at))
    return people.database.write(lambda connection: _end_sessions(connection, desk, name, alive, at)) if alive else 0


def _is_open(connection: Connection, desk: FederationDesk, name: str, rests_id: str, at: datetime) -> bool:
    """Whether there is anything to end of what rested on the upstream once: a session that is alive, a sign-in under way that rests on it still."""
    return _living(connection, desk, rests_id, at) is not None or _under_way(connection, desk, name, rests_id, at) is not None


def _living(connection: Connection, desk: FederationDesk, rests_id: str, at: datetime) -> Session | None:
    session = find_session(connection, desk.people.vault, rests_id) if rests_id.startswith(SESSION_PREFIX) else None
    return session if session is not None and session.is_alive_at(at) else None


def _under_way(connection: Connection, desk: FederationDesk, name: str, rests_id: str, at: datetime) -> SignIn | None:
    row = find_sign_in(connection, desk.people.vault, rests_id) if rests_id.startswith(SIGN_IN_PREFIX) else None
    return row if row is not None and row.upstream == name and not row.is_finished and row.error is None and at < row.expires_at else None


def _end_sessions(connection: Connection, desk: FederationDesk, name: str, rests_ids: tuple[str, ...], at: datetime) -> int:
    people, ended, begun_again = desk.people, 0, 0
    for rests_id in rests_ids:
        session, row = _living(connection, desk, rests_id, at), _under_way(connection, desk, name, rests_id, at)
        if session is not None:
            end_in(connection, people, session, f"upstream:{name}", at)
            ended += 1
        elif row is not None:
            update_sign_in(connection, people.vault, replace(as_anyone(row), version=row.version + 1))
            forget_upstream(connection, rests_id)
            begun_again += 1
    facts: dict[str, str | int | bool | None] = {"upstream": name, "sessions": ended}
    if begun_again:
        facts["sign_ins"] = begun_again
    actor = f"upstream:{name}"
    people.audit.record(connection, at=at, actor=actor, action="upstream.logout", subject=actor, outcome="done", facts=facts)
    return ended


def _refused(reason: str) -> TrustError:
    return TrustError(Kind.MALFORMED, "LOGOUT_TOKEN_REFUSED", reason=reason)
