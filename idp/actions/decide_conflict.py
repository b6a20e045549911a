"""An administrator decides whose an identity of another provider is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from idp.actions.end_what_was_open import end_for_credentials
from idp.actions.join_identity import create_for, record_link
from idp.actions.protect_administrators import check_changed_by
from idp.model.federation import (
    Conflict,
    ConflictState,
    decided,
    doubt_known,
    doubt_other_subject,
    upstream_identifier,
)
from idp.model.people import AccountStatus, Identifier, IdentifierKind, level_at
from idp.model.requests import Identity
from idp.store.accounts import account_id_by, find_account, list_evidence, load_account, update_account
from idp.store.federation import load_conflict, update_conflict
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.callers import Caller


def decide_conflict(
    desk: PeopleDesk, conflict_id: str, wanted: ConflictState, *, account_id: str, reason: str, actor: str, by: Caller | None = None
) -> Conflict:
    """``linked``: it is this account (empty: the one it looks like). ``separated``: somebody else, who gets an account of his own.
    ``rejected``: it stays out. CONFLICT_NOT_FOUND, CONFLICT_DECIDED, CONFLICT_DECISION_IMPOSSIBLE.

    ``by``: who calls, None: the operator. ACCOUNT_PROTECTED where it gives a way into an administrator's account, or takes one, unless he may take the role.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> Conflict:
        conflict = load_conflict(connection, desk.vault, conflict_id)
        done = decided(conflict, wanted, actor, reason, at)
        about = account_id or conflict.account_id
        identity = _identity(conflict)
        if wanted is ConflictState.LINKED:
            check_changed_by(connection, about, by)
            _link(connection, desk, identity, about, actor, at)
        elif wanted is ConflictState.SEPARATED:
            about = _separate(connection, desk, identity, actor, at, by)
        done = replace(done, account_id=about)
        update_conflict(connection, desk.vault, done)
        facts = {"conflict": conflict_id, "decision": wanted.value, "upstream": conflict.upstream, "reason": reason}
        subject = f"account:{about}"
        desk.audit.record(connection, at=at, actor=actor, action="identity-conflict.decide", subject=subject, outcome="done", facts=facts)
        return done

    return desk.database.write(store)


def _identity(conflict: Conflict) -> Identity:
    kind: Literal["person", "organisation"] = "organisation" if conflict.kind == "organisation" else "person"
    id_type, number = conflict.id_type or None, conflict.id_number or None
    return Identity(kind, conflict.upstream, conflict.subject, conflict.name, id_type, number, conflict.level)


def _link(connection: Connection, desk: PeopleDesk, identity: Identity, account_id: str, actor: str, at: datetime) -> None:
    account = find_account(connection, desk.vault, account_id)
    if account is None or account.status is not AccountStatus.ACTIVE:
        raise _impossible()
    own = upstream_identifier(identity.upstream, identity.subject)
    holder = account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, own)
    # What contradicts itself cannot be decided away: the next sign-in would only stand in doubt again
    level = level_at(list_evidence(connection, desk.vault, account_id), at)
    if holder is not None or doubt_known(identity, account, level) is not None or doubt_other_subject(identity, account) is not None:
        raise _impossible()
    identifiers = (*account.identifiers, Identifier(IdentifierKind.UPSTREAM, own, at))
    changed = replace(account, identifiers=identifiers, changed_at=at, version=account.version + 1, uversion=account.uversion + 1)
    update_account(connection, desk.vault, changed, identifiers_too=True)
    record_link(connection, desk, changed, identity.upstream, actor, "decision", at)


def _separate(connection: Connection, desk: PeopleDesk, identity: Identity, actor: str, at: datetime, by: Caller | None) -> str:
    """An account of its own, without the number, which may be somebody's; a subject that was handed on leaves its account before."""
    own = upstream_identifier(identity.upstream, identity.subject)
    holder = account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, own)
    if holder is not None:
        check_changed_by(connection, holder, by)
        account = load_account(connection, desk.vault, holder)
        rest = tuple(each for each in account.identifiers if (each.kind, each.value) != (IdentifierKind.UPSTREAM, own))
        changed = replace(account, identifiers=rest, changed_at=at, version=account.version + 1, uversion=account.uversion + 1)
        update_account(connection, desk.vault, changed, identifiers_too=True)
        # Who came by this subject of late may have been the other
        sessions, grants = end_for_credentials(connection, desk, holder, actor, at)
        facts: dict[str, str | int | bool | None] = {"upstream": identity.upstream, "sessions_ended": sessions, "grants_ended": grants}
        subject = f"account:{holder}"
        desk.audit.record(connection, at=at, actor=actor, action="account.unlink", subject=subject, outcome="done", facts=facts)
        desk.tell_changed(connection, changed, at)
        desk.tell(connection, "account.sign-in-alert", {"account_id": holder, "what": "unlinked"}, at)
    return create_for(connection, desk, identity, at, with_number=False).account_id


def _impossible() -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "CONFLICT_DECISION_IMPOSSIBLE")
