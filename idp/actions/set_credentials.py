"""Give an account what it signs in with, and take it away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from idp.actions.count_attempts import name_key
from idp.actions.end_what_was_open import end_for_credentials
from idp.actions.protect_administrators import check_changed_by
from idp.credentials.one_time_codes import RECOVERY_SECONDS, new_recovery_code, new_totp_secret, normalise_recovery_code
from idp.credentials.passwords import check_password_rules, hash_password
from idp.model.people import AccountKind, AccountStatus, Credential, CredentialKind, IdentifierKind, field_invalid, new_id
from idp.store.accounts import load_account
from idp.store.credentials import delete_credential, find_credential, forget_attempts, put_credential
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account
    from idp.store.accounts import Vault
    from service_kit.callers import Caller


def recovery_hash(vault: Vault, code: str) -> bytes:
    """What is kept of a recovery code: 100 random bits under a key, so that a fast function is enough."""
    return vault.sealer.find(normalise_recovery_code(code).encode(), "idp.recovery")


def hash_in_pool(desk: PeopleDesk, password: str) -> bytes:
    """The hash of a password, made where others wait their turn too. SIGN_IN_BUSY."""
    return desk.pool.submit(lambda: hash_password(password)).result()


def set_password(desk: PeopleDesk, account_id: str, password: str, *, actor: str) -> None:
    """Set a person's password; with the one before end sessions and grants. PASSWORD_UNACCEPTABLE, ACCOUNT_NOT_FOUND,
    ACCOUNT_STATUS_CONFLICT (closed), SIGN_IN_BUSY.
    """
    with desk.database.read() as connection:
        account = _load_open(connection, desk, account_id)
    login = account.identifier(IdentifierKind.LOGIN)
    check_password_rules(password, login.value if login else "")
    _put(desk, account_id, CredentialKind.PASSWORD, hash_in_pool(desk, password), actor)


def set_totp(desk: PeopleDesk, account_id: str, *, actor: str) -> bytes:
    """A new secret for one-time codes in place of any before; shown once. ACCOUNT_NOT_FOUND, ACCOUNT_STATUS_CONFLICT (closed)."""
    secret = new_totp_secret()
    _put(desk, account_id, CredentialKind.TOTP, secret, actor)
    return secret


def issue_recovery_code(desk: PeopleDesk, account_id: str, *, actor: str, by: Caller | None = None) -> str:
    """A code with which the person signs in once and sets a new password, within a day. His name counts as one that nobody has tried: who has
    forgotten his password has mostly locked himself out. ACCOUNT_NOT_FOUND, ACCOUNT_STATUS_CONFLICT (closed), ACCOUNT_FIELD_INVALID (no login name under
    which he could show it).

    ``by``: who calls, None: the operator, who makes administrators. ACCOUNT_PROTECTED for an administrator's, unless he may take the role.
    """
    code, at = new_recovery_code(), desk.clock.now()
    value = recovery_hash(desk.vault, code)

    def store(connection: Connection) -> None:
        check_changed_by(connection, account_id, by)
        login = _load_open(connection, desk, account_id).identifier(IdentifierKind.LOGIN)
        if login is None:
            raise field_invalid("identifiers.login", "a login name, under which the code is shown")
        put_in(connection, desk, account_id, CredentialKind.RECOVERY, value, actor, at, seconds=RECOVERY_SECONDS)
        forget_attempts(connection, name_key(desk.vault, login.value))

    desk.database.write(store)
    return code


def remove_credential(desk: PeopleDesk, account_id: str, credential_id: str, *, actor: str, by: Caller | None = None) -> None:
    """Take a credential away, as where it was stolen or lost; what was opened before ends, and its holder is told. ACCOUNT_NOT_FOUND, CREDENTIAL_NOT_FOUND,
    ACCOUNT_PROTECTED as ``issue_recovery_code``.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        check_changed_by(connection, account_id, by)
        load_account(connection, desk.vault, account_id, AccountKind.PERSON)
        found = find_credential(connection, desk.vault, credential_id)
        if found is None or not delete_credential(connection, account_id, credential_id):
            raise TrustError(Kind.NOT_FOUND, "CREDENTIAL_NOT_FOUND")
        ended = end_for_credentials(connection, desk, account_id, actor, at)
        _record(desk, connection, account_id, "credential.remove", at, actor, credential_id, ended, kind=found.kind.value)
        desk.tell(connection, "account.sign-in-alert", {"account_id": account_id, "what": f"{found.kind.value} removed"}, at)

    desk.database.write(store)


def _put(desk: PeopleDesk, account_id: str, kind: CredentialKind, value: bytes, actor: str) -> None:
    at = desk.clock.now()
    desk.database.write(lambda connection: put_in(connection, desk, account_id, kind, value, actor, at))


def put_in(
    connection: Connection,
    desk: PeopleDesk,
    account_id: str,
    kind: CredentialKind,
    value: bytes,
    actor: str,
    at: datetime,
    *,
    seconds: int = 0,
) -> None:
    """Give a person a credential of a kind of which there is one, within a write job. ``seconds``: how long it counts, 0: on.

    ACCOUNT_NOT_FOUND, ACCOUNT_STATUS_CONFLICT (closed).
    """
    expires_at = at + timedelta(seconds=seconds) if seconds else None
    credential = Credential(new_id("cr_"), account_id, kind, value, kind.value, at, expires_at=expires_at)
    _load_open(connection, desk, account_id)
    ended = (0, 0)
    is_replaced = put_credential(connection, desk.vault, credential)
    if is_replaced and kind is not CredentialKind.RECOVERY:  # the first password opens what nothing has opened before
        ended = end_for_credentials(connection, desk, account_id, actor, at)
    _record(desk, connection, account_id, f"credential.set-{kind.value}", at, actor, credential.credential_id, ended)
    desk.tell(connection, "account.sign-in-alert", {"account_id": account_id, "what": f"{kind.value} set"}, at)


def _load_open(connection: Connection, desk: PeopleDesk, account_id: str) -> Account:
    """A person's account that is not closed: nobody signs in with one that is."""
    account = load_account(connection, desk.vault, account_id, AccountKind.PERSON)
    if account.status is AccountStatus.CLOSED:
        raise TrustError(Kind.CONFLICT, "ACCOUNT_STATUS_CONFLICT", status=account.status.value)
    return account


def _record(
    desk: PeopleDesk,
    connection: Connection,
    account_id: str,
    action: str,
    at: datetime,
    actor: str,
    credential_id: str,
    ended: tuple[int, int],
    **more: str,
) -> None:
    facts: dict[str, str | int | bool | None] = {"credential": credential_id, "sessions_ended": ended[0], "grants_ended": ended[1], **more}
    desk.audit.record(connection, at=at, actor=actor, action=action, subject=f"account:{account_id}", outcome="done", facts=facts)
