"""Sessions end where the upstream session on which they rest has ended (OpenID Connect Back-Channel Logout 1.0, CAS 3.0.3 2.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.actions.finish_sign_in import end_in
from idp.connectors.id_token import read_logout_token
from idp.connectors.protocol import ask
from idp.connectors.settings import ConnectorKind
from idp.store.federation import note_notice, sessions_of_upstream
from idp.store.sign_ins import find_session
from standards.apereo_cas import read_logout_request
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.federation_desk import FederationDesk
    from idp.connectors.id_token import Notice


def hear_upstream_logout(desk: FederationDesk, name: str, logout_token: str) -> int:
    """End the sessions that a logout token names; returns how many. UPSTREAM_UNKNOWN, LOGOUT_TOKEN_REFUSED, OUTBOUND_FAILED, SIGN_IN_BUSY."""
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
        alive = tuple(
            each for each in found if (session := find_session(connection, people.vault, each)) is not None and session.is_alive_at(at)
        )
    return people.database.write(lambda connection: _end_sessions(connection, desk, name, alive, at)) if alive else 0


def _end_sessions(connection: Connection, desk: FederationDesk, name: str, session_ids: tuple[str, ...], at: datetime) -> int:
    people, ended = desk.people, 0
    for session_id in session_ids:
        session = find_session(connection, people.vault, session_id)
        if session is not None and session.is_alive_at(at):
            end_in(connection, people, session, f"upstream:{name}", at)
            ended += 1
    facts: dict[str, str | int | bool | None] = {"upstream": name, "sessions": ended}
    actor = f"upstream:{name}"
    people.audit.record(connection, at=at, actor=actor, action="upstream.logout", subject=actor, outcome="done", facts=facts)
    return ended


def _refused(reason: str) -> TrustError:
    return TrustError(Kind.MALFORMED, "LOGOUT_TOKEN_REFUSED", reason=reason)
