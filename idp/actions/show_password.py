"""The first factor by password, or by a recovery code with which a new password is set."""

from __future__ import annotations

import asyncio
import hmac
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from idp.actions.count_attempts import enter_attempt, name_key, peer_key, take_back
from idp.actions.end_what_was_open import end_for_credentials
from idp.actions.set_credentials import recovery_hash
from idp.actions.sign_in_row import put_back, recognise, take_up, take_up_at
from idp.credentials.passwords import check_password_rules, hash_password, is_outdated, is_right
from idp.errors import attempts_exceeded, sign_in_failed
from idp.limits import LOCK_SECONDS
from idp.model.people import AccountStatus, Credential, CredentialKind, IdentifierKind, new_id
from idp.model.sign_in import Step, as_anyone, leads_on, with_method
from idp.store.accounts import account_id_by, account_standing, find_account
from idp.store.credentials import (
    dearest_milliseconds,
    delete_credential,
    find_single,
    held_credentials,
    note_use,
    put_credential,
    update_credential,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.credentials.passwords import Place
    from idp.model.requests import ClientProfile
    from idp.model.sign_in import SignIn

LOGIN_CHARACTERS_MAX: Final = 200
REFUSED_AFTER_SECONDS: Final = 0.3
"""No refusal is answered sooner after the check began: hashes of other systems cost up to ten times what ours do, and where nobody is known nothing says
how much. Later where there is a hash on record that takes longer (``refused_after``); waiting takes no thread and no place of the pool."""
REFUSED_AFTER_SECONDS_MAX: Final = 10.0  # what the limits of imported hashes come to, and no more whatever a row says
ROOM: Final = 2.0  # for a check that others at work beside it hold up
_FIRST: Final = frozenset({Step.FIRST_FACTOR})
_NEW: Final = frozenset({Step.NEW_PASSWORD})


async def show_password(
    desk: PeopleDesk,
    sign_in_id: str,
    browser_hash: bytes,
    profile_of: Callable[[SignIn], ClientProfile | None],
    *,
    place: Place,
    login: str,
    secret: str,
    peer: str,
    is_recovery: bool = False,
) -> None:
    """Show a name and a password (or recovery code). SIGN_IN_FAILED, one and the same for every reason, after the same work;
    ATTEMPTS_TOO_MANY for an address that failed too often, SIGN_IN_UNKNOWN. ``profile_of``: the client of a sign-in. ``place``: in the pool for
    passwords, taken before anything else was done: who finds all of them taken has not made an attempt.
    """
    at, begun_at_seconds = desk.clock.now(), time.monotonic()
    name, address = name_key(desk.vault, login), peer_key(desk.vault, peer)
    kind = CredentialKind.RECOVERY if is_recovery else CredentialKind.PASSWORD

    # 1. The attempt counts before it is made, in one turn of the writer with what it is about
    def enter(connection: Connection) -> tuple[SignIn, Credential | None, tuple[bool, bool, bool]]:
        row = take_up(connection, desk, sign_in_id, browser_hash, at)
        return row, _find_shown(connection, desk, login, kind), enter_attempt(connection, name, address, at)

    begun, credential, (may_name, may_peer, locks) = await desk.database.awrite(enter)
    profile = profile_of(begun)
    if not may_peer:
        raise attempts_exceeded(LOCK_SECONDS)
    # 2. The work: the same for all, also where nothing was found, and a new hash where the old one is of another time
    started_at_seconds = begun_at_seconds
    if is_recovery:
        is_correct = hmac.compare_digest(recovery_hash(desk.vault, secret), credential.value if credential else bytes(32))
        renewed = None
    else:
        is_correct, renewed, started_at_seconds = await place.run(lambda: _check_timed(desk, credential, secret))

    # 3. Decide and record
    def record(connection: Connection) -> float | None:
        row = take_up_at(connection, desk, sign_in_id, browser_hash, at, _FIRST)
        account = None if credential is None else account_standing(connection, desk.vault, credential.account_id)
        held = {} if credential is None else held_credentials(connection, desk.vault, credential.account_id)
        shown = None if credential is None else held.get(credential.credential_id)
        reason = ""
        if credential is None or account is None:
            reason = "unknown"
        elif not may_name:
            reason = "locked"
        elif not is_correct or not credential.is_usable_at(at) or shown is None:
            reason = "wrong"  # also where it was replaced or used up while the work was done
        elif account.status is not AccountStatus.ACTIVE:
            reason = "inactive"
        subject = f"account:{account.account_id}" if account else "account:unknown"
        if locks and account is not None and reason:
            desk.tell(connection, "account.sign-in-alert", {"account_id": account.account_id, "what": "locked"}, at)
        if not reason and row is not None and credential is not None and account is not None:
            if is_recovery:
                delete_credential(connection, account.account_id, credential.credential_id)
            elif renewed is not None:
                used = replace(credential, value=renewed, last_used_at=at, version=credential.version + 1)
                update_credential(connection, desk.vault, used)
            elif shown is not None:
                note_use(connection, desk.vault, shown, at)
            take_back(connection, name, address, at)
            row = recognise(connection, desk, row, account, at, held)
            put_back(connection, desk, with_method(row, "recovery" if is_recovery else "password", at), profile)
        facts = {"method": kind.value, "reason": reason, "sign_in": sign_in_id, "locks": locks and bool(reason)}
        outcome = "refused" if reason else "done"
        desk.audit.record(connection, at=at, actor=subject, action="sign-in.show", subject=subject, outcome=outcome, facts=facts)
        return refused_after(desk, dearest_milliseconds(connection)) if reason else None

    after_seconds = await desk.database.awrite(record)
    if after_seconds is not None:
        await _wait_until(started_at_seconds + after_seconds)
        raise sign_in_failed()


def refused_after(desk: PeopleDesk, dearest_milliseconds: int) -> float:
    """How many seconds after a check began it is refused: one and the same whoever it was about, and long enough for the dearest on record."""
    return min(max(REFUSED_AFTER_SECONDS, dearest_milliseconds / 1000 * ROOM * desk.pool.slowness), REFUSED_AFTER_SECONDS_MAX)


async def _wait_until(at_seconds: float) -> None:
    """Until a moment of the monotonic clock; at once where that is over."""
    await asyncio.sleep(at_seconds - time.monotonic())


def _find_shown(connection: Connection, desk: PeopleDesk, login: str, kind: CredentialKind) -> Credential | None:
    """What the secret shown under a name is to be compared with; an unknown name goes the same way, with nothing found at its end."""
    account_id = account_id_by(connection, desk.vault, IdentifierKind.LOGIN, login.strip().lower()[:LOGIN_CHARACTERS_MAX])
    return find_single(connection, desk.vault, account_id or "", kind)


def _check(credential: Credential | None, password: str) -> tuple[bool, bytes | None]:
    kept = credential.value if credential else None
    correct = is_right(kept, password)
    return correct, hash_password(password) if correct and kept is not None and is_outdated(kept, password) else None


def _check_timed(desk: PeopleDesk, credential: Credential | None, password: str) -> tuple[bool, bytes | None, float]:
    """As ``_check``, with when it began: refusals are counted from there, since how long one waited for a thread tells nothing of anybody."""
    began_at_seconds = time.monotonic()
    correct, renewed = _check(credential, password)
    if credential is None:
        desk.pool.note_ours(time.monotonic() - began_at_seconds)
    return correct, renewed, began_at_seconds


async def set_new_password(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, password: str) -> None:
    """The new password after a recovery code. PASSWORD_UNACCEPTABLE, SIGN_IN_BUSY, SIGN_IN_UNKNOWN."""
    at: datetime = desk.clock.now()

    def login() -> str:
        with desk.database.read() as connection:
            row = take_up(connection, desk, sign_in_id, browser_hash, at)
            account = find_account(connection, desk.vault, row.account_id) if row.account_id else None
        found = account.identifier(IdentifierKind.LOGIN) if account else None
        return found.value if found else ""

    check_password_rules(password, await anyio.to_thread.run_sync(login))
    value = await asyncio.wrap_future(desk.pool.submit(lambda: hash_password(password)))

    def record(connection: Connection) -> None:
        row = take_up_at(connection, desk, sign_in_id, browser_hash, at, _NEW)
        if row is None or row.account_id is None:
            return
        made = Credential(new_id("cr_"), row.account_id, CredentialKind.PASSWORD, value, "password", at)
        put_credential(connection, desk.vault, made)
        subject = f"account:{row.account_id}"
        # This sign-in goes on in the new epoch; it rests on no session, since a recovery code is a first factor
        ended = end_for_credentials(connection, desk, row.account_id, subject, at)
        after = replace(row, needs_password_change=False, credential_epoch=row.credential_epoch + 1)
        put_back(connection, desk, after if leads_on(after) else as_anyone(after), profile)
        facts: dict[str, str | int | bool | None] = {
            "credential": made.credential_id,
            "sign_in": sign_in_id,
            "sessions_ended": ended[0],
            "grants_ended": ended[1],
        }
        desk.audit.record(connection, at=at, actor=subject, action="credential.set-password", subject=subject, outcome="done", facts=facts)
        desk.tell(connection, "account.sign-in-alert", {"account_id": row.account_id, "what": "password set"}, at)

    await desk.database.awrite(record)
