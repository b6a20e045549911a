"""Sign in by passkey: first factor, second factor, or both at once, since the key is in hand and its person was verified."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from idp.actions.challenges import new_challenge, spend_challenge
from idp.actions.count_attempts import enter_attempt, peer_key, take_back, thing_key
from idp.actions.sign_in_row import put_back, recognise, take_up_at
from idp.credentials.passkeys import check_assertion, read_assertion, relying_party, request_options
from idp.errors import attempts_exceeded, sign_in_failed
from idp.limits import LOCK_SECONDS
from idp.model.people import AccountStatus, CredentialKind
from idp.model.sign_in import Step, with_method
from idp.store.accounts import find_account
from idp.store.credentials import credential_by_hash, list_credentials, update_credential
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.credentials.passkeys import ShownKey
    from idp.model.people import Credential
    from idp.model.requests import ClientProfile
    from idp.model.sign_in import SignIn
    from idp.store.accounts import Vault

_EITHER: Final = frozenset({Step.FIRST_FACTOR, Step.SECOND_FACTOR})


def passkey_hash(vault: Vault, key_id: bytes) -> bytes:
    """What a passkey is found by."""
    return vault.sealer.find(key_id, "idp.passkey")


def passkey_request(connection: Connection, desk: PeopleDesk, row: SignIn, at: datetime) -> str:
    """What the browser is asked for, JSON; empty where no passkey can answer. Nothing in it tells who has one before he is known."""
    party = relying_party(desk.issuer)
    if not party.can_have_passkeys:
        return ""
    challenge = new_challenge(desk.vault, "passkey", row.sign_in_id, at)
    if row.account_id is None:
        return request_options(party, challenge)
    found = [each for each in list_credentials(connection, desk.vault, row.account_id) if each.kind is CredentialKind.PASSKEY]
    return request_options(party, challenge, [each.value for each in found]) if found else ""


def show_passkey(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, answer: str, peer: str) -> None:
    """Show a passkey's answer (JSON as the page's script sends it). SIGN_IN_FAILED, one and the same for every reason; ATTEMPTS_TOO_MANY,
    SIGN_IN_UNKNOWN.
    """
    at = desk.clock.now()
    # 1. Whose key it is said to be, and whether that key signed it
    try:
        shown = read_assertion(answer)
    except TrustError:
        raise sign_in_failed() from None
    with desk.database.read() as connection:
        credential = credential_by_hash(connection, desk.vault, passkey_hash(desk.vault, shown.key_id))
    counter, reason = _judge(desk, shown, credential)

    # 2. Decide and record: of two requests with one answer, one finds its challenge used
    def record(connection: Connection) -> tuple[bool, str]:
        row = take_up_at(connection, desk, sign_in_id, browser_hash, at, _EITHER)
        if row is None:
            return True, ""  # not what the sign-in waits for: the dispatcher shows what it does
        # Counted by sign-in and address, not by key: nobody guesses a signature, and nobody shall lock another's key by wrong ones
        name, address = thing_key(desk.vault, f"passkey in {sign_in_id}"), peer_key(desk.vault, peer)
        may_name, may_peer, _ = enter_attempt(connection, name, address, at)
        if not may_peer:
            return False, "peer"
        account = None if credential is None else find_account(connection, desk.vault, credential.account_id)
        is_asked = spend_challenge(connection, desk.vault, "passkey", sign_in_id, shown.challenge, at)
        failed = reason
        if not may_name:
            failed = "locked"
        elif not is_asked:
            failed = "challenge"
        elif account is not None and row.account_id not in {None, account.account_id}:
            failed = "of another account"
        elif account is None or account.status is not AccountStatus.ACTIVE:
            failed = failed or "inactive"
        if not failed and credential is not None and account is not None:
            used = replace(credential, counter=counter, last_used_at=at, version=credential.version + 1)
            if update_credential(connection, desk.vault, used):
                take_back(connection, name, address, at)
                known = row if row.account_id is not None else recognise(connection, desk, row, account, at)
                put_back(connection, desk, with_method(known, "passkey", at), profile)
            else:
                failed = "used at once"
        if failed == "counter" and account is not None:
            desk.tell(connection, "account.sign-in-alert", {"account_id": account.account_id, "what": "passkey may be copied"}, at)
        subject = f"account:{account.account_id}" if account else "account:unknown"
        facts: dict[str, str | int | bool | None] = {"method": "passkey", "reason": failed, "sign_in": sign_in_id}
        outcome = "refused" if failed else "done"
        desk.audit.record(connection, at=at, actor=subject, action="sign-in.show", subject=subject, outcome=outcome, facts=facts)
        return not failed, failed

    is_good, why = desk.database.write(record)
    if why == "peer":
        raise attempts_exceeded(LOCK_SECONDS)
    if not is_good:
        raise sign_in_failed()


def _judge(desk: PeopleDesk, shown: ShownKey, credential: Credential | None) -> tuple[int, str]:
    if credential is None or credential.kind is not CredentialKind.PASSKEY:
        return 0, "unknown"
    if shown.user and shown.user != credential.account_id.encode():
        return 0, "of another account"
    try:
        return check_assertion(relying_party(desk.issuer), shown, credential.value, credential.counter), ""
    except TrustError as error:
        return 0, str(error.facts["reason"])
