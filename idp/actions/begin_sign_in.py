"""Begin a sign-in: store what is asked, take over the browser's session where that is enough."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from idp.actions.finish_sign_in import SESSION_COOKIE_BYTES, complete
from idp.actions.sign_in_row import lives, put_back, recognise, take_up, with_consent_asked
from idp.model.people import AccountStatus, IdentifierKind, new_id, normalise_identifier
from idp.model.requests import wanted_level
from idp.model.sign_in import SIGN_IN_PREFIX, Step, begin_sign_in, decide_next_step, is_session_enough, leads_on, with_session
from idp.store.accounts import account_standing, find_account
from idp.store.sign_ins import find_session, insert_sign_in, session_by_cookie
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.finish_sign_in import Finished
    from idp.actions.people_desk import PeopleDesk, SignInProtocol
    from idp.model.people import AccountStanding
    from idp.model.requests import AuthorizationRequest, ClientProfile
    from idp.model.sign_in import Session, SignIn

    Admit = Callable[[Connection], None]


def store_sign_in(
    desk: PeopleDesk,
    browser_hash: bytes,
    request: AuthorizationRequest | None,
    profile: ClientProfile | None,
    session_hash: bytes | None,
    *,
    admit: Admit,
    return_to: str = "",
    asks_two: bool = False,
) -> SignIn:
    """A new sign-in for this browser. ``session_hash``: of the session cookie it sent, None where it sent none. ``asks_two``: with two
    factors where the account has them. ``admit`` raises where no more sign-ins are let in (SIGN_INS_TOO_MANY, SIGN_IN_BUSY).
    """
    at = desk.clock.now()
    row = replace(_new_row(browser_hash, request, profile, at, return_to), asks_two=asks_two)

    def store(connection: Connection) -> SignIn:
        admit(connection)
        found = _adopted(connection, desk, row, session_hash, profile, at)[0] if session_hash else row
        insert_sign_in(connection, desk.vault, found)
        return found

    return desk.database.write(store)


async def begin_for_client(
    desk: PeopleDesk,
    protocol: SignInProtocol,
    browser_hash: bytes,
    request: AuthorizationRequest,
    profile: ClientProfile | None,
    session_hash: bytes | None,
    *,
    admit: Admit,
    browser: str,
) -> SignIn | Finished:
    """A new sign-in for a client; finished at once, in the same transaction, where the browser's session answers all that is asked: then
    nothing is kept, and nobody asks ``admit``. SIGN_INS_TOO_MANY, SIGN_IN_BUSY.
    """
    at = desk.clock.now()
    row = _new_row(browser_hash, request, profile, at, "")
    cookie = secrets.token_urlsafe(SESSION_COOKIE_BYTES)

    def store(connection: Connection) -> SignIn | Finished:
        found, session = _adopted(connection, desk, row, session_hash, profile, at) if session_hash else (row, None)
        if decide_next_step(found) is Step.FINISH and protocol.is_meant(request, found.account_id or "", found.acting_for):
            return complete(
                connection,
                desk,
                protocol,
                found,
                profile,
                cookie=cookie,
                browser=browser,
                session_hash=session_hash,
                at=at,
                present=session,
            )
        admit(connection)
        insert_sign_in(connection, desk.vault, found)
        return found

    return await desk.database.awrite(store)


def _new_row(
    browser_hash: bytes, request: AuthorizationRequest | None, profile: ClientProfile | None, at: datetime, return_to: str
) -> SignIn:
    wanted = wanted_level(request) if request else (None, False)
    return begin_sign_in(new_id(SIGN_IN_PREFIX), browser_hash, request, at, profile=profile, wanted=wanted, return_to=return_to)


def adopt_session(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, session_hash: bytes) -> SignIn:
    """Take over the session where the cookie came only now (a cross-site POST carries none). SIGN_IN_UNKNOWN."""
    at = desk.clock.now()

    def store(connection: Connection) -> SignIn:
        row = take_up(connection, desk, sign_in_id, browser_hash, at)
        if decide_next_step(row) is not Step.FIRST_FACTOR or row.version != 1:
            return row
        found, _ = _adopted(connection, desk, row, session_hash, profile, at)
        return found if found is row else put_back(connection, desk, found, profile)

    return desk.database.write(store)


def living_session(connection: Connection, desk: PeopleDesk, session_hash: bytes | None, at: datetime) -> Session | None:
    """The session of a cookie, if it is alive and its account active."""
    return _living(connection, desk, session_by_cookie(connection, desk.vault, session_hash), at)[0] if session_hash else None


def living_session_by_id(connection: Connection, desk: PeopleDesk, session_id: str, at: datetime) -> Session | None:
    """A session by its id, if it is alive and its account active."""
    return _living(connection, desk, find_session(connection, desk.vault, session_id), at)[0]


def _living(
    connection: Connection, desk: PeopleDesk, session: Session | None, at: datetime
) -> tuple[Session, AccountStanding] | tuple[None, None]:
    standing = account_standing(connection, desk.vault, session.account_id) if session is not None and session.is_alive_at(at) else None
    if session is None or standing is None or standing.status is not AccountStatus.ACTIVE or not lives(session, standing, at):
        return None, None
    return session, standing


def _adopted(
    connection: Connection, desk: PeopleDesk, row: SignIn, session_hash: bytes, profile: ClientProfile | None, at: datetime
) -> tuple[SignIn, Session | None]:
    """The row with what the browser's session has shown already, and that session; the same row and None where that is not enough.

    A ``login_hint`` says whose name the page is to show. Where no page may be shown (prompt=none) it is not read: the answer would tell any client, also
    one that nobody has let know anything, whether a telephone or a mail box is that of who is signed in.
    """
    session, account = _living(connection, desk, session_by_cookie(connection, desk.vault, session_hash), at)
    if session is None or account is None:
        return row, None
    hint = None if row.request is None or "none" in row.request.prompt else row.request.login_hint
    hinted = hint is None or _is_called(connection, desk, account.account_id, hint)
    if not is_session_enough(row, session, account, at, hinted=hinted):
        return row, None
    found = with_session(recognise(connection, desk, row, account, at), session)
    return (with_consent_asked(connection, desk, found, profile), session) if leads_on(found) else (row, None)


def _is_called(connection: Connection, desk: PeopleDesk, account_id: str, hint: str) -> bool:
    """Whether a hint names this account. A name of nobody is one of somebody else: or who is signed in could ask which names there are."""
    account = find_account(connection, desk.vault, account_id)
    if account is None or hint == account_id:
        return account is not None
    for kind in (IdentifierKind.LOGIN, IdentifierKind.MOBILE, IdentifierKind.MAIL):
        with suppress(TrustError):
            text = normalise_identifier(kind, hint)
            if any((each.kind, each.value) == (kind, text) for each in account.identifiers):
                return True
    return False
