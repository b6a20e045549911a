"""Take up a sign-in of this browser, and put it back: what every step does before and after its own work."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crypto.sm3 import sm3
from idp.actions.claims_of import asked_claims
from idp.actions.cut_scopes import agent_scopes
from idp.actions.two_factors import administers, needs_two
from idp.model.people import AccountStanding, AccountStatus, CredentialKind, level_at
from idp.model.sign_in import as_anyone, decide_next_step, with_account
from idp.store.accounts import account_standing, account_status, list_evidence
from idp.store.credentials import credential_kinds, held_credentials
from idp.store.person_grants import grants_of_person
from idp.store.pushed import take_pushed
from idp.store.sign_ins import find_consent, find_session, find_sign_in, update_sign_in
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account
    from idp.model.requests import ClientProfile
    from idp.model.sign_in import Session, SignIn, Step

SECOND_KINDS = frozenset({CredentialKind.TOTP, CredentialKind.PASSKEY, CredentialKind.CERTIFICATE})


def cookie_hash(secret: str) -> bytes:
    """What is kept of a cookie: its SHA-256. The cookie has 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def sign_in_unknown() -> TrustError:
    """It is over, or another browser's; which of these is not told."""
    return TrustError(Kind.NOT_FOUND, "SIGN_IN_UNKNOWN")


def take_up(connection: Connection, desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, at: datetime) -> SignIn:
    """An open sign-in of this browser, with what it has shown as far as that still counts. SIGN_IN_UNKNOWN."""
    row = find_sign_in(connection, desk.vault, sign_in_id)
    if row is None or not hmac.compare_digest(row.browser_hash, browser_hash) or at >= row.expires_at or row.is_finished:
        raise sign_in_unknown()
    return row if _still_counts(connection, desk, row, at) else as_anyone(row)


def _still_counts(connection: Connection, desk: PeopleDesk, row: SignIn, at: datetime) -> bool:
    """Whether the credentials are those that were shown, and the session it rests on lives: half an hour is long enough for both to change."""
    if row.account_id is None:
        return True
    standing = account_standing(connection, desk.vault, row.account_id)
    if standing is None or standing.credential_epoch != row.credential_epoch:
        return False
    session = find_session(connection, desk.vault, row.session_id) if row.session_id else None
    return row.session_id is None or (session is not None and lives(session, standing, at))


def lives(session: Session, standing: AccountStanding, at: datetime) -> bool:
    """Whether a session counts at this moment: not over, and its account in the epoch in which its factors were shown."""
    return session.is_alive_at(at) and session.credential_epoch == standing.credential_epoch


def take_up_at(
    connection: Connection, desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, at: datetime, steps: frozenset[Step]
) -> SignIn | None:
    """As ``take_up``; None where the sign-in waits for something else than these steps: the dispatcher then shows what."""
    row = take_up(connection, desk, sign_in_id, browser_hash, at)
    return row if decide_next_step(row) in steps else None


def recognise(
    connection: Connection,
    desk: PeopleDesk,
    row: SignIn,
    account: Account | AccountStanding,
    at: datetime,
    held: Mapping[str, Mapping[str, Any]] | None = None,
) -> SignIn:
    """The row with the account's rules and what its credentials can reach, as they are now. ``held``: its credentials, where they are at hand."""
    if held is None:
        held = held_credentials(connection, desk.vault, account.account_id)
    kinds = {each.value for each in credential_kinds(held) & SECOND_KINDS}
    level = level_at(list_evidence(connection, desk.vault, account.account_id), at)
    agents = [
        each
        for each in grants_of_person(connection, desk.vault, account.account_id)
        if each.is_valid_at(at) and _is_active(connection, desk, each.organisation_id)
    ]
    standing = AccountStanding(account.account_id, account.status, level, account.needs_two_factors, account.credential_epoch)
    found = with_account(row, standing, kinds, agents, at, needs_two=needs_two(connection, account, None))
    return replace(found, administering=tuple(each for each in found.organisations if administers(connection, each)))


def put_back(connection: Connection, desk: PeopleDesk, row: SignIn, profile: ClientProfile | None) -> SignIn:
    """Store the row's next version, with whether consent is still needed in the capacity chosen. A refusal answers a pushed request too, once."""
    row = with_consent_asked(connection, desk, row, profile)
    if row.error is not None and row.request is not None and row.request.pushed:
        take_pushed(connection, bytes.fromhex(row.request.pushed), row.request.client_id, desk.clock.now())
    row = replace(row, version=row.version + 1)
    update_sign_in(connection, desk.vault, row)
    return row


def with_consent_asked(connection: Connection, desk: PeopleDesk, row: SignIn, profile: ClientProfile | None) -> SignIn:
    """The row with whether consent is still needed in the capacity chosen. A yes counts for what the page said: where another is asked by now, for
    something else, or the client has changed what it asks for and why, the person is shown that first.
    """
    if row.account_id is not None and row.request is not None and profile is not None and not profile.is_own:
        scopes, claims = asked_of(connection, desk, row, profile)
        had_scopes, had_claims = find_consent(
            connection, desk.vault, row.account_id, row.acting_for, profile.client_id, purpose=profile.purpose
        )
        is_covered = scopes <= had_scopes and claims <= had_claims and "consent" not in row.request.prompt
        is_given = row.consent_given and row.consent_shown == consent_mark(row, profile, scopes, claims)
        row = replace(row, needs_consent=not is_covered, consent_given=is_given)
    return row


def consent_mark(row: SignIn, profile: ClientProfile, scopes: frozenset[str], claims: frozenset[str]) -> str:
    """The SM3, in hex, of all that the page of consent says: who is asked, in whose name, by whom, for what, and under which terms."""
    said = [row.account_id, row.acting_for, profile.client_id, profile.name, profile.purpose, profile.terms, sorted(scopes), sorted(claims)]
    return sm3(json.dumps(said).encode()).hex()


def asked_of(connection: Connection, desk: PeopleDesk, row: SignIn, profile: ClientProfile) -> tuple[frozenset[str], frozenset[str]]:
    """The scopes and the claims that a request would let a client have now: of an agent no more than he was granted, so that nobody agrees
    to what he cannot give, is not shown, and may be granted later.
    """
    if row.request is None or row.account_id is None:
        return frozenset(), frozenset()
    request, at = row.request.claims, desk.clock.now()
    scopes = agent_scopes(connection, desk.vault, row.account_id, row.acting_for, row.request.scopes, at)
    claims = asked_claims(scopes, request, "userinfo", profile) | asked_claims(scopes, request, "id_token", profile)
    return frozenset(scopes), claims


def _is_active(connection: Connection, desk: PeopleDesk, account_id: str) -> bool:
    return account_status(connection, desk.vault, account_id) is AccountStatus.ACTIVE
