"""Sign in by certificate, and enter one: its holder signs a challenge with the key in his hand (UKey)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from idp.actions.challenges import new_challenge, spend_challenge
from idp.actions.count_attempts import enter_attempt, peer_key, take_back, thing_key
from idp.actions.keep_key import KEYS, KEYS_PER_ACCOUNT_MAX, LABEL_CHARACTERS_MAX, fresh_session, record_key
from idp.actions.sign_in_row import put_back, recognise, take_up_at
from idp.credentials.certificates import certificate_of, read_challenge, text_to_sign
from idp.errors import attempts_exceeded, credential_unusable, sign_in_failed
from idp.limits import LOCK_SECONDS
from idp.model.names import one_spelling
from idp.model.people import AccountStatus, Credential, CredentialKind, new_id
from idp.model.sign_in import Step, with_method
from idp.store.accounts import find_account
from idp.store.credentials import credential_by_hash, list_credentials, put_credential, update_credential
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.certificates import Certificate
    from idp.actions.people_desk import PeopleDesk
    from idp.model.requests import ClientProfile
    from idp.model.sign_in import Session, SignIn
    from idp.store.accounts import Vault

_EITHER: Final = frozenset({Step.FIRST_FACTOR, Step.SECOND_FACTOR})


def certificate_hash(vault: Vault, certificate: Certificate) -> bytes:
    """What a certificate is found by: all of it, since two persons may bear one name with one issuer."""
    return vault.sealer.find(certificate.der, "idp.certificate")


def certificate_challenge(desk: PeopleDesk, row: SignIn, at: datetime) -> bytes:
    """A challenge for a sign-in."""
    return new_challenge(desk.vault, "certificate", row.sign_in_id, at)


def new_certificate_challenge(desk: PeopleDesk, session: Session, at: datetime) -> bytes:
    """A challenge for a certificate that is to be entered."""
    return new_challenge(desk.vault, "new-certificate", session.session_id, at)


def show_certificate(
    desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, challenge: str, answer: str, peer: str
) -> None:
    """Show a certificate by a signature over the page's text. SIGN_IN_FAILED, one and the same for every reason; ATTEMPTS_TOO_MANY,
    SIGN_IN_UNKNOWN.
    """
    at = desk.clock.now()
    asked = read_challenge(challenge)
    name, address = thing_key(desk.vault, f"certificate in {sign_in_id}"), peer_key(desk.vault, peer)

    # 1. The attempt counts, and uses the challenge up, before the signature is looked at
    def begin(connection: Connection) -> str | None:
        if take_up_at(connection, desk, sign_in_id, browser_hash, at, _EITHER) is None:
            return None  # not what the sign-in waits for: the dispatcher shows what it does
        may_name, may_peer, _ = enter_attempt(connection, name, address, at)
        is_asked = may_peer and spend_challenge(connection, desk.vault, "certificate", sign_in_id, asked, at)
        return "peer" if not may_peer else "locked" if not may_name else "" if is_asked else "challenge"

    failed = desk.database.write(begin)
    if failed is None:
        return
    if failed == "peer":
        raise attempts_exceeded(LOCK_SECONDS)
    # 2. Whose certificate
    certificate = None
    if not failed:
        try:
            certificate = certificate_of(answer, text_to_sign(desk.issuer, asked), desk.trust(), at)
        except TrustError as error:
            failed = str(error.facts.get("reason", error.code))

    # 3. Decide and record
    def record(connection: Connection) -> bool:
        reason = failed
        row = take_up_at(connection, desk, sign_in_id, browser_hash, at, _EITHER)
        credential = credential_by_hash(connection, desk.vault, certificate_hash(desk.vault, certificate)) if certificate else None
        account = find_account(connection, desk.vault, credential.account_id) if credential else None
        if reason:
            account = None
        elif credential is None or account is None or credential.kind is not CredentialKind.CERTIFICATE:
            reason = "unknown"
        elif row is None or row.account_id not in {None, account.account_id}:
            reason = "of another account"
        elif account.status is not AccountStatus.ACTIVE:
            reason = "inactive"
        if not reason and row is not None and credential is not None and account is not None:
            # The challenge has been used up, so nobody else can be here with the same answer
            update_credential(connection, desk.vault, replace(credential, last_used_at=at, version=credential.version + 1))
            take_back(connection, name, address, at)
            known = row if row.account_id is not None else recognise(connection, desk, row, account, at)
            put_back(connection, desk, with_method(known, "certificate", at), profile)
        subject = f"account:{account.account_id}" if account else "account:unknown"
        facts: dict[str, str | int | bool | None] = {"method": "certificate", "reason": reason, "sign_in": sign_in_id}
        if certificate is not None:
            facts["certificate"] = certificate.fingerprint
        outcome = "refused" if reason else "done"
        desk.audit.record(connection, at=at, actor=subject, action="sign-in.show", subject=subject, outcome=outcome, facts=facts)
        return not reason

    if not desk.database.write(record):
        raise sign_in_failed()


def keep_certificate(desk: PeopleDesk, session_hash: bytes | None, *, challenge: str, answer: str) -> Credential:
    """Enter the certificate of a person's own UKey. CREDENTIAL_UNUSABLE (also where it names somebody else), CREDENTIAL_TAKEN,
    SIGN_IN_NOT_RECENT.
    """
    at = desk.clock.now()
    asked = read_challenge(challenge)

    # 1. The challenge is used up first
    def begin(connection: Connection) -> bool:
        session = fresh_session(connection, desk, session_hash, at)
        return spend_challenge(connection, desk.vault, "new-certificate", session.session_id, asked, at)

    if not desk.database.write(begin):
        raise credential_unusable("challenge")
    # 2. A certificate that counts, in the hand of who sends it
    certificate = certificate_of(answer, text_to_sign(desk.issuer, asked), desk.trust(), at)

    # 3. It is the person's: the name is that of the account
    def store(connection: Connection) -> Credential:
        session = fresh_session(connection, desk, session_hash, at)
        account = find_account(connection, desk.vault, session.account_id)
        if account is None or one_spelling((certificate.common_name or "").strip()) != one_spelling(account.name):
            raise credential_unusable("name")
        if sum(each.kind in KEYS for each in list_credentials(connection, desk.vault, account.account_id)) >= KEYS_PER_ACCOUNT_MAX:
            raise credential_unusable("too-many")
        label = f"{certificate.issuer_text}"[:LABEL_CHARACTERS_MAX]
        made = Credential(
            new_id("cr_"),
            account.account_id,
            CredentialKind.CERTIFICATE,
            certificate.der,
            label,
            at,
            find_hash=certificate_hash(desk.vault, certificate),
            expires_at=certificate.not_after,
        )
        put_credential(connection, desk.vault, made)
        record_key(connection, desk, made.account_id, "credential.set-certificate", "certificate set", made.credential_id, at)
        return made

    return desk.database.write(store)
