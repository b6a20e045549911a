"""The way to another provider: what its answer must carry is stored, bound to the browser, before the browser goes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from idp.actions.begin_sign_in import living_session
from idp.actions.keep_key import may_change_keys
from idp.actions.sign_in_row import take_up_at
from idp.model.federation import Trip
from idp.model.requests import asks_anew
from idp.model.sign_in import Step
from idp.store.federation import insert_trip
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.federation_desk import FederationDesk
    from idp.connectors.protocol import Begun

_FIRST: Final = frozenset({Step.FIRST_FACTOR})


def leave_to_sign_in(desk: FederationDesk, name: str, sign_in_id: str, browser_hash: bytes) -> str | None:
    """Where the browser goes to sign in there; None where the sign-in waits for something else. UPSTREAM_UNKNOWN, SIGN_IN_UNKNOWN;
    UPSTREAM_CANNOT where the person is to sign in anew (a client wants it, or he is to change his keys) and this upstream cannot be asked for that.
    """
    people, at = desk.people, desk.people.clock.now()
    desk.settings(name)

    def store(connection: Connection) -> str | None:
        row = take_up_at(connection, people, sign_in_id, browser_hash, at, _FIRST)
        if row is None:
            return None
        # To change one's keys one must be there oneself, as where a client asks for that: an open browser is let in by the upstream without a word
        anew = row.asks_two if row.request is None else asks_anew(row.request)
        begun = desk.connector(name).begin(sign_in_id, at, anew=anew)
        _leave(connection, desk, name, begun, browser_hash, at, sign_in_id=sign_in_id)
        return begun.redirect_url

    return people.database.write(store)


def leave_to_link(desk: FederationDesk, name: str, browser_hash: bytes, session_hash: bytes | None) -> str:
    """Where the browser goes so that the account signed in here is joined with one there. SESSION_NOT_FOUND, UPSTREAM_UNKNOWN;
    SIGN_IN_NOT_RECENT where the session may not add a key either: it was left open a while ago, or rests on one factor of two.
    """
    people, at = desk.people, desk.people.clock.now()
    begun = desk.connector(name).begin("", at)

    def store(connection: Connection) -> str:
        session = living_session(connection, people, session_hash, at)
        if session is None:
            raise TrustError(Kind.NOT_FOUND, "SESSION_NOT_FOUND")
        if not may_change_keys(connection, people, session, at):
            raise TrustError(Kind.FORBIDDEN, "SIGN_IN_NOT_RECENT")
        _leave(connection, desk, name, begun, browser_hash, at, session_id=session.session_id)
        return begun.redirect_url

    return people.database.write(store)


def _leave(
    connection: Connection,
    desk: FederationDesk,
    name: str,
    begun: Begun,
    browser_hash: bytes,
    at: datetime,
    *,
    sign_in_id: str = "",
    session_id: str = "",
) -> None:
    stored = dict(begun.stored)
    expires_at = datetime.fromisoformat(stored["expires_at"])
    trip = Trip(stored["state"], name, browser_hash, sign_in_id, session_id, stored, expires_at)
    insert_trip(connection, desk.people.vault, trip)
    facts = {"upstream": name, "sign_in": sign_in_id, "session": session_id}
    desk.people.audit.record(
        connection, at=at, actor="browser", action="sign-in.leave", subject=f"upstream:{name}", outcome="done", facts=facts
    )
