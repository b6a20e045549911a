"""The way back from another provider. An answer counts once, for the browser and the upstream it was asked for, whatever becomes of it."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from idp.actions.begin_sign_in import living_session_by_id
from idp.actions.join_identity import Joined, join_identity
from idp.actions.keep_key import may_change_keys
from idp.actions.record_agents import record_agents
from idp.actions.sign_in_row import put_back, recognise, sign_in_unknown, take_up_at
from idp.connectors.protocol import ASKS_ANEW, refused
from idp.errors import sign_in_failed
from idp.model.people import AccountStatus
from idp.model.sign_in import RECENT_SECONDS, UPSTREAM_METHODS, Step, with_method
from idp.store.federation import find_trip, note_upstream, take_trip
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.federation_desk import FederationDesk
    from idp.model.federation import Trip
    from idp.model.requests import ClientProfile, Identity

_FIRST: Final = frozenset({Step.FIRST_FACTOR})


def peek_trip(desk: FederationDesk, name: str, answer: Mapping[str, str], browser_hash: bytes) -> Trip:
    """The trip that an answer belongs to. SIGN_IN_UNKNOWN where there is none, its answer has come, or it is another browser's.

    UPSTREAM_ANSWER_REFUSED where it came to the address of another upstream (mix-up): that trip is over, too.
    """
    people, at = desk.people, desk.people.clock.now()
    state = answer.get("state", "")
    with people.database.read() as connection:
        trip = find_trip(connection, people.vault, state)
    if trip is None or not hmac.compare_digest(trip.browser_hash, browser_hash):
        raise sign_in_unknown()
    if trip.upstream != name:
        error = refused("other-upstream")
        people.database.write(lambda connection: _over(connection, desk, trip, at, error))
        raise error
    return trip


def finish_trip(desk: FederationDesk, trip: Trip, answer: Mapping[str, str], profile: ClientProfile | None) -> None:
    """Read the answer, ask the upstream, and sign in or link. UPSTREAM_ANSWER_REFUSED, OUTBOUND_FAILED, OUTBOUND_REFUSED,
    IDENTITY_IN_DOUBT, SIGN_UP_CLOSED, SIGN_IN_FAILED, SIGN_IN_UNKNOWN, SIGN_IN_BUSY; SIGN_IN_NOT_RECENT where the session may link no more.
    """
    people, at = desk.people, desk.people.clock.now()
    with desk.asking():
        # 1. The answer is used up before anything is done with it
        if not people.database.write(lambda connection: take_trip(connection, people.vault, trip.state)):
            raise sign_in_unknown()
        # 2. Whom the upstream vouches for; no transaction is open meanwhile
        try:
            identity = desk.connector(trip.upstream).finish(trip.stored, answer, desk.outbound, at)
        except TrustError as error:
            failure = error
            people.database.write(lambda connection: _over(connection, desk, trip, at, failure))
            raise
    # 3. Who that is here. Of two first sign-ins of one identity the slower finds the account of the faster
    done = desk.people.clock.now()
    try:
        joined = people.database.write(lambda connection: _join(connection, desk, trip, identity, profile, done))
    except TrustError as error:
        if error.code not in {"IDENTIFIER_TAKEN", "ACCOUNT_CHANGED"}:
            raise
        joined = people.database.write(lambda connection: _join(connection, desk, trip, identity, profile, done))
    if joined.doubt is not None:
        raise TrustError(Kind.CONFLICT, "IDENTITY_IN_DOUBT", conflict=joined.conflict_id)
    if joined.account is None:
        raise TrustError(Kind.FORBIDDEN, "SIGN_UP_CLOSED")
    if joined.account.status is not AccountStatus.ACTIVE:
        raise sign_in_failed()


def _join(
    connection: Connection, desk: FederationDesk, trip: Trip, identity: Identity, profile: ClientProfile | None, at: datetime
) -> Joined:
    people, rules = desk.people, desk.settings(trip.upstream).linking
    wish_of = ""
    if trip.session_id:
        session = living_session_by_id(connection, people, trip.session_id, at)
        if session is None:
            raise sign_in_unknown()
        if not may_change_keys(connection, people, session, at):  # it was good enough when the browser left: the rule is about this moment
            raise TrustError(Kind.FORBIDDEN, "SIGN_IN_NOT_RECENT")
        wish_of = session.account_id
    joined = join_identity(connection, people, rules, identity, at, wish_of=wish_of)
    account = joined.account
    is_in = account is not None and account.status is AccountStatus.ACTIVE
    if account is not None and is_in:
        record_agents(connection, people, rules, identity, account, at)
        row = None if wish_of else take_up_at(connection, people, trip.sign_in_id, trip.browser_hash, at, _FIRST)
        if row is not None:
            row = recognise(connection, people, row, account, at)
            row = replace(row, upstream=identity.upstream, upstream_subject=identity.subject, upstream_session=identity.session)
            put_back(connection, people, with_method(row, UPSTREAM_METHODS[identity.level], _shown_at(trip, identity, at)), profile)
            # So that the end of that session there ends what it has begun here: the person may take half an hour until he agrees to something
            note_upstream(connection, people.vault, row.sign_in_id, identity.upstream, identity.subject, identity.session)
    reason = "" if is_in else joined.doubt.value if joined.doubt else "inactive" if account else "sign-up-closed"
    facts: dict[str, str | int | bool | None] = {
        "upstream": trip.upstream,
        "sign_in": trip.sign_in_id,
        "session": trip.session_id,
        "level": identity.level,
        "reason": reason,
    }
    subject = f"account:{account.account_id}" if account else "account:unknown"
    outcome = "done" if is_in else "refused"
    people.audit.record(
        connection, at=at, actor=f"upstream:{trip.upstream}", action="sign-in.return", subject=subject, outcome=outcome, facts=facts
    )
    return joined


def _shown_at(trip: Trip, identity: Identity, at: datetime) -> datetime:
    """When the person has shown himself there. Where the upstream neither says so nor was asked for it, an open browser may have come back without
    anybody: that is never recent enough to change keys.
    """
    if identity.shown_at is not None or ASKS_ANEW in trip.stored:
        return identity.shown_at or at
    return at - timedelta(seconds=RECENT_SECONDS + 1)


def _over(connection: Connection, desk: FederationDesk, trip: Trip, at: datetime, error: TrustError) -> None:
    """Record why an answer was not believed; the trip is over."""
    take_trip(connection, desk.people.vault, trip.state)
    facts = {"upstream": trip.upstream, "sign_in": trip.sign_in_id, "code": error.code, "reason": str(error.facts.get("reason", ""))}
    desk.people.audit.record(
        connection, at=at, actor="browser", action="sign-in.return", subject=f"upstream:{trip.upstream}", outcome="refused", facts=facts
    )
