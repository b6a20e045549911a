"""A person adds a passkey to his account, or takes a key away: in a fresh session, with both factors where he has two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.actions.begin_sign_in import living_session
from idp.actions.challenges import new_challenge, spend_challenge
from idp.actions.end_what_was_open import end_for_credentials
from idp.actions.show_passkey import passkey_hash
from idp.actions.sign_in_row import SECOND_KINDS
from idp.credentials.passkeys import creation_options, read_registration, relying_party
from idp.errors import credential_unusable
from idp.model.people import Credential, CredentialKind, new_id
from idp.model.sign_in import RECENT_SECONDS, are_two
from idp.store.accounts import find_account
from idp.store.credentials import delete_credential, list_credentials, put_credential
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.sign_in import Session

KEYS_PER_ACCOUNT_MAX: Final = 20
KEYS: Final = frozenset({CredentialKind.PASSKEY, CredentialKind.CERTIFICATE})
LABEL_CHARACTERS_MAX: Final = 100


def may_change_keys(connection: Connection, desk: PeopleDesk, session: Session, at: datetime) -> bool:
    """Whether this session is good enough: whoever knows a password alone, or finds an open browser, must not add a way in of his own."""
    is_recent = (at - session.auth_at).total_seconds() <= RECENT_SECONDS
    found = list_credentials(connection, desk.vault, session.account_id)
    has_second = any(each.kind in SECOND_KINDS and each.created_at <= session.auth_at for each in found)  # not the one just added
    return is_recent and (are_two(session.methods) or not has_second)


def passkey_creation(connection: Connection, desk: PeopleDesk, session: Session, at: datetime) -> str:
    """What the browser is asked for a new passkey, JSON; empty where this deployment can have none."""
    party = relying_party(desk.issuer)
    account = find_account(connection, desk.vault, session.account_id)
    if not party.can_have_passkeys or account is None:
        return ""
    known = [each.value for each in list_credentials(connection, desk.vault, session.account_id) if each.kind is CredentialKind.PASSKEY]
    challenge = new_challenge(desk.vault, "new-passkey", session.session_id, at)
    return creation_options(party, challenge, account.account_id, account.name, known)


def keep_passkey(desk: PeopleDesk, session_hash: bytes | None, *, answer: str, label: str) -> Credential:
    """Keep a new passkey (``answer``: JSON as the page's script sends it). CREDENTIAL_UNUSABLE, CREDENTIAL_TAKEN, SIGN_IN_NOT_RECENT."""
    at = desk.clock.now()
    new = read_registration(relying_party(desk.issuer), answer)
    name = label.strip()[:LABEL_CHARACTERS_MAX]
    name = name if name and is_printable(name) else "passkey"

    def store(connection: Connection) -> Credential | None:
        # 1. Who adds it, and whether he was asked to
        session = fresh_session(connection, desk, session_hash, at)
        if not spend_challenge(connection, desk.vault, "new-passkey", session.session_id, new.challenge, at):
            return None
        if sum(each.kind in KEYS for each in list_credentials(connection, desk.vault, session.account_id)) >= KEYS_PER_ACCOUNT_MAX:
            raise credential_unusable("too-many")
        # 2. The key, under its id: it belongs to one account
        hashed = passkey_hash(desk.vault, new.key_id)
        made = Credential(
            new_id("cr_"), session.account_id, CredentialKind.PASSKEY, new.data, name, at, find_hash=hashed, counter=new.counter
        )
        put_credential(connection, desk.vault, made)
        record_key(connection, desk, made.account_id, "credential.set-passkey", "passkey set", made.credential_id, at)
        return made

    made = desk.database.write(store)
    if made is None:
        raise credential_unusable("challenge")
    return made


def drop_key(desk: PeopleDesk, session_hash: bytes | None, credential_id: str) -> None:
    """Take one of the person's own keys away; every other session and grant of his ends. CREDENTIAL_NOT_FOUND, SIGN_IN_NOT_RECENT."""
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        session = fresh_session(connection, desk, session_hash, at)
        own = {each.credential_id for each in list_credentials(connection, desk.vault, session.account_id) if each.kind in KEYS}
        if credential_id not in own or not delete_credential(connection, session.account_id, credential_id):
            raise TrustError(Kind.NOT_FOUND, "CREDENTIAL_NOT_FOUND")
        ended = end_for_credentials(connection, desk, session.account_id, f"account:{session.account_id}", at, but=session.session_id)
        record_key(connection, desk, session.account_id, "credential.remove", "key removed", credential_id, at, ended)

    desk.database.write(store)


def fresh_session(connection: Connection, desk: PeopleDesk, session_hash: bytes | None, at: datetime) -> Session:
    """The session, where it may change keys. SIGN_IN_NOT_RECENT."""
    session = living_session(connection, desk, session_hash, at)
    if session is None or not may_change_keys(connection, desk, session, at):
        raise TrustError(Kind.FORBIDDEN, "SIGN_IN_NOT_RECENT")
    return session


def record_key(
    connection: Connection,
    desk: PeopleDesk,
    account_id: str,
    action: str,
    what: str,
    credential_id: str,
    at: datetime,
    ended: tuple[int, int] = (0, 0),
) -> None:
    """Record a change of keys and tell the account's holder. ``ended``: the sessions and grants that ended with it."""
    subject = f"account:{account_id}"
    facts: dict[str, str | int | bool | None] = {"credential": credential_id, "sessions_ended": ended[0], "grants_ended": ended[1]}
    desk.audit.record(connection, at=at, actor=subject, action=action, subject=subject, outcome="done", facts=facts)
    desk.tell(connection, "account.sign-in-alert", {"account_id": account_id, "what": what}, at)
