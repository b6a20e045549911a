"""The end of a sign-in: session, consent, code and record become durable together, then the browser goes on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from idp.actions.sign_in_row import asked_of, cookie_hash, put_back, recognise, sign_in_unknown, take_up, with_consent_asked
from idp.actions.tell_cas_service import CAS_LOGOUT_TOPIC
from idp.model.people import AccountStatus, new_id
from idp.model.requests import Authentication
from idp.model.sign_in import SESSION_PREFIX, SESSION_SECONDS, Session, Step, decide_next_step
from idp.store.accounts import account_standing
from idp.store.cas import tickets_of_session
from idp.store.federation import forget_upstream, note_upstream
from idp.store.grants import end_grants_of_session
from idp.store.registrations import find_registration
from idp.store.sign_ins import (
    clients_of_session,
    find_consent,
    find_session,
    insert_session,
    note_client,
    put_consent,
    session_by_cookie,
    update_session,
)
from idp.tokens.person_tokens import pairwise_key_of, session_for
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk, SignInProtocol
    from idp.model.requests import ClientProfile
    from idp.model.sign_in import SignIn

SESSION_COOKIE_BYTES: Final = 32
SESSION_ENDED_TOPIC: Final = "idp-session-ended"


@dataclass(frozen=True, slots=True)
class Finished:
    """``code`` None: it led into one's own pages. ``cookie``: the browser's new session cookie, None where the old one goes on."""

    row: SignIn
    code: str | None
    cookie: str | None

    def __repr__(self) -> str:
        """Without code and cookie."""
        return f"Finished({self.row!r})"


def finish_sign_in(
    desk: PeopleDesk,
    protocol: SignInProtocol | None,
    sign_in_id: str,
    browser_hash: bytes,
    profile: ClientProfile | None,
    *,
    browser: str,
    session_hash: bytes | None,
) -> Finished | None:
    """Finish a sign-in that waits for nothing more; None where it does. ``session_hash``: of the cookie the browser sent. SIGN_IN_UNKNOWN."""
    at = desk.clock.now()
    cookie = secrets.token_urlsafe(SESSION_COOKIE_BYTES)

    def store(connection: Connection) -> Finished | None:
        # 1. What it rests on, as it is now: account, grants, rules
        row = take_up(connection, desk, sign_in_id, browser_hash, at)
        account = account_standing(connection, desk.vault, row.account_id or "")
        if account is None or account.status is not AccountStatus.ACTIVE:
            raise sign_in_unknown()
        row = recognise(connection, desk, row, account, at)
        if row.acting_for is not None and row.acting_for not in row.organisations and row.request is not None:
            # Whom the consent was for, he acts for no more: for himself, or another organisation, he is asked anew
            row = replace(row, acting_for=None, acting_chosen=False, consent_given=False, consent_shown="")
        row = with_consent_asked(connection, desk, row, profile)
        if decide_next_step(row) is not Step.FINISH:
            put_back(connection, desk, row, profile)
            return None
        # 2. Whom the client means is somebody else: its answer is that, not this person's name (OIDC Core 3.1.2.1)
        if protocol is not None and row.request is not None and not protocol.is_meant(row.request, account.account_id, row.acting_for):
            put_back(connection, desk, replace(row, error="login_required"), profile)
            return None
        done = complete(connection, desk, protocol, row, profile, cookie=cookie, browser=browser, session_hash=session_hash, at=at)
        return replace(done, row=put_back(connection, desk, done.row, profile))

    return desk.database.write(store)


def complete(
    connection: Connection,
    desk: PeopleDesk,
    protocol: SignInProtocol | None,
    row: SignIn,
    profile: ClientProfile | None,
    *,
    cookie: str,
    browser: str,
    session_hash: bytes | None,
    at: datetime,
    present: Session | None = None,
) -> Finished:
    """Within a write job, of a sign-in that waits for nothing more: session, consent, code and record. ``cookie``: for a new session.

    ``present``: the row's session, where this job has read it.
    """
    account_id = row.account_id or ""
    # 1. The session: a new one for a new sign-in, a new cookie for a stronger one
    session, is_new = _session(connection, desk, row, cookie, browser, session_hash, at, present)
    if row.upstream:
        forget_upstream(connection, row.sign_in_id)
        note_upstream(connection, desk.vault, session.session_id, row.upstream, row.upstream_subject, row.upstream_session)
    # 2. Consent and code
    code = None
    if row.request is not None and protocol is not None:
        if row.consent_given and profile is not None:
            scopes, claims = asked_of(connection, desk, row, profile)
            # Added to what was agreed to before for the same purpose: that stands behind tokens that are out
            had_scopes, had_claims = find_consent(
                connection, desk.vault, account_id, row.acting_for, profile.client_id, purpose=profile.purpose
            )
            put_consent(
                connection,
                desk.vault,
                new_id("co_"),
                account_id,
                row.acting_for,
                profile.client_id,
                purpose=profile.purpose,
                scopes=scopes | had_scopes,
                claims=claims | had_claims,
                at=at,
            )
        who = Authentication(account_id, row.acting_for, session.session_id, row.acr, row.amr, session.auth_at)
        code = protocol.issue_code(connection, row.request, who, row.request.scopes, at)
        note_client(connection, session.session_id, row.request.client_id, at)
    # 3. The record
    facts = {
        "client": row.request.client_id if row.request else "",
        "session": session.session_id,
        "acting_for": row.acting_for,
        "acr": row.acr,
        "amr": " ".join(row.amr),
        "consent": row.consent_given,
        "upstream": row.upstream,
        "request": row.request.raw_digest.hex() if row.request else "",
        **({"device": row.request.device_id} if row.request and row.request.device_id else {}),
    }
    subject = f"account:{account_id}"
    desk.audit.record(connection, at=at, actor=subject, action="sign-in.finish", subject=subject, outcome="done", facts=facts)
    return Finished(replace(row, is_finished=True, session_id=session.session_id), code, cookie if is_new else None)


def _session(
    connection: Connection,
    desk: PeopleDesk,
    row: SignIn,
    cookie: str,
    browser: str,
    session_hash: bytes | None,
    at: datetime,
    present: Session | None,
) -> tuple[Session, bool]:
    # Whether the row's session lives was seen when this job took the row up; one that has ended is never begun again
    if present is None and row.session_id:
        present = find_session(connection, desk.vault, row.session_id)
    if present is not None:
        is_new = present.methods != row.methods or present.acting_for != row.acting_for
        changed = replace(
            present,
            cookie_hash=cookie_hash(cookie) if is_new else present.cookie_hash,
            acting_for=row.acting_for if row.request is not None else present.acting_for,
            level=row.level,
            methods=row.methods,
            auth_at=row.auth_at or at,
            last_seen_at=at,
            version=present.version + 1,
        )
        update_session(connection, desk.vault, changed)
        return changed, is_new
    # The cookie the browser came with may be of somebody else's session: that one ends
    other = session_by_cookie(connection, desk.vault, session_hash) if session_hash else None
    if other is not None and other.is_alive_at(at):
        end_in(connection, desk, other, f"account:{row.account_id}", at)
    session = Session(
        session_id=new_id(SESSION_PREFIX),
        cookie_hash=cookie_hash(cookie),
        account_id=row.account_id or "",
        acting_for=row.acting_for,
        level=row.level,
        methods=row.methods,
        browser=browser,
        auth_at=row.auth_at or at,
        created_at=at,
        last_seen_at=at,
        expires_at=at + timedelta(seconds=SESSION_SECONDS),
        credential_epoch=row.credential_epoch,
    )
    insert_session(connection, desk.vault, session)
    # Whoever tells people hears of it: a person who did not sign in just now should know
    alert = {"account_id": session.account_id, "what": "signed in", "session_id": session.session_id}
    desk.tell(connection, "account.sign-in-alert", alert, at)
    return session, True


def end_in(connection: Connection, desk: PeopleDesk, session: Session, actor: str, at: datetime) -> Session:
    """End a session within a write job: row, the grants that do not outlive it, record, and the event by which its clients hear of it."""
    ended = replace(session, ended_at=at, ended_by=actor, version=session.version + 1)
    update_session(connection, desk.vault, ended)
    end_grants_of_session(connection, session.session_id, at, desk.vault.mac_key)
    clients = clients_of_session(connection, session.session_id)
    subject = f"account:{session.account_id}"
    not_told = _tell_ended(connection, desk, session, clients, at)
    facts = {"session": session.session_id, "clients": " ".join(clients), **({"not_told": " ".join(not_told)} if not_told else {})}
    desk.audit.record(connection, at=at, actor=actor, action="session.end", subject=subject, outcome="done", facts=facts)
    for client_id in clients if desk.tells_clients else ():  # each by itself: one that does not answer holds up no other
        desk.outbox.put(connection, topic=SESSION_ENDED_TOPIC, payload={"session": session.session_id, "client": client_id}, at=at)
    for ticket_digest in tickets_of_session(connection, session.session_id):
        desk.outbox.put(connection, topic=CAS_LOGOUT_TOPIC, payload={"ticket": ticket_digest.hex()}, at=at)
    return ended


def _tell_ended(connection: Connection, desk: PeopleDesk, session: Session, clients: Sequence[str], at: datetime) -> list[str]:
    """To each by the name it knows the session by; who has names of his own for people hears of no account by ours. Returns who is told nothing: by which
    name a client knows it cannot be said where its registration was written past the program, and that must not keep the session from ending.
    """
    own: list[str] = []
    not_told: list[str] = []
    for client_id in clients:
        try:
            registration = find_registration(connection, client_id, desk.vault.mac_key)
        except TrustError as error:
            if error.code != "ROW_ALTERED":
                raise
            not_told.append(client_id)
            continue
        if registration is None or registration.subject_type == "public":
            own.append(client_id)
            continue
        sid = session_for(registration, session.session_id, pairwise_key_of(desk.vault.mac_key))
        desk.tell(connection, "session.ended", {"session_id": sid}, at, client_id)
    if own or not clients:
        desk.tell(connection, "session.ended", {"session_id": session.session_id, "account_id": session.account_id}, at, *own)
    return not_told
