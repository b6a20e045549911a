"""Create and change accounts, and what proves them. Audit facts name fields, never their values."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from idp.actions.end_what_was_open import end_for_credentials, end_what_was_open
from idp.actions.hold_account import hold_in
from idp.actions.protect_administrators import check_changed_by
from idp.model.federation import PROVEN_LEVEL, SIGN
from idp.model.names import one_spelling
from idp.model.people import (
    ID_NUMBERS,
    ID_PREFIX,
    Account,
    AccountKind,
    AccountStatus,
    Evidence,
    Identifier,
    IdentifierKind,
    check_area,
    check_attributes,
    check_evidence,
    check_evidence_count,
    check_name,
    level_at,
    new_id,
    normalised,
    spelled,
    with_status,
)
from idp.store.accounts import delete_evidence, insert_account, insert_evidence, list_evidence, load_account, update_account
from idp.store.grants import end_grants_of_account, end_grants_of_organisation
from service_kit.idempotency import Once
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.callers import Caller
    from service_kit.idempotency import RequestKey


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is created with. Personal data: not for logs."""

    kind: AccountKind
    name: str
    identifiers: tuple[Identifier, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    area: str = ""
    evidence: tuple[Evidence, ...] = ()
    needs_two_factors: bool = False
    origin: str = "operator"

    def __repr__(self) -> str:
        """Without personal data."""
        return f"NewAccount({self.kind.value!r})"


def create_account(desk: PeopleDesk, wanted: NewAccount, *, actor: str) -> Account:
    """Create an account. TrustError ACCOUNT_FIELD_INVALID, IDENTIFIER_TAKEN, AUDIT_UNAVAILABLE."""
    account = make_account(wanted, desk.clock.now(), actor=actor)
    desk.database.write(lambda connection: store_account(connection, desk, account, wanted.evidence))
    return account


def create_account_once(desk: PeopleDesk, wanted: NewAccount, key: RequestKey, *, actor: str) -> Account:
    """As ``create_account``, however often the request comes: what it made, as that stands now. Raises as ``create_account``, and IDEMPOTENCY_*."""
    account = make_account(wanted, desk.clock.now(), actor=actor)
    # Keyed: who reads the database could try out whose name and number a bare digest stands for
    once = Once(key, desk.vault.sealer.find(json.dumps(asdict(wanted), sort_keys=True, default=str).encode(), "idp.new-account"))

    def store(connection: Connection) -> Account:
        made = desk.idempotency.once(connection, once, reference=account.account_id, at=account.created_at)
        if made is not None:
            return load_account(connection, desk.vault, made, wanted.kind)
        store_account(connection, desk, account, wanted.evidence)
        return account

    return desk.database.write(store)


def make_account(wanted: NewAccount, at: datetime, *, actor: str) -> Account:
    """The account as it would be created, each field by its rule and names in one spelling. ACCOUNT_FIELD_INVALID."""
    name, attributes = one_spelling(wanted.name), spelled(wanted.attributes)
    check_name(name)
    check_area(wanted.area)
    check_attributes(wanted.kind, attributes)
    check_evidence_count(len(wanted.evidence))
    for item in wanted.evidence:
        check_evidence(item)
    return Account(
        account_id=new_id(ID_PREFIX[wanted.kind]),
        kind=wanted.kind,
        status=AccountStatus.ACTIVE,
        name=name,
        area=wanted.area,
        level=level_at(wanted.evidence, at),
        origin=wanted.origin,
        created_at=at,
        created_by=actor,
        changed_at=at,
        needs_two_factors=wanted.needs_two_factors,
        attributes=attributes,
        identifiers=normalised(wanted.identifiers),
    )


def store_account(connection: Connection, desk: PeopleDesk, account: Account, evidence: tuple[Evidence, ...]) -> None:
    """A new account's rows, record and event, within a write job. IDENTIFIER_TAKEN."""
    insert_account(connection, desk.vault, account)
    for item in evidence:
        insert_evidence(connection, desk.vault, account.account_id, item)
    facts: dict[str, str | int] = {"level": account.level, "origin": account.origin}
    _record(desk, connection, account, "account.create", account.created_at, account.created_by, **facts)
    desk.tell(connection, "account.created", {"account_id": account.account_id, "kind": account.kind.value}, account.created_at)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What to change; None leaves it. ``expected_version``: of If-Match, None where it does not matter."""

    name: str | None = None
    identifiers: tuple[Identifier, ...] | None = None
    attributes: Mapping[str, str] | None = None
    area: str | None = None
    needs_two_factors: bool | None = None
    expected_version: int | None = None

    def __repr__(self) -> str:
        """Without personal data."""
        return "AccountChange()"


def change_account(
    desk: PeopleDesk, account_id: str, kind: AccountKind, change: AccountChange, *, actor: str, by: Caller | None = None
) -> Account:
    """Change an account. TrustError ACCOUNT_NOT_FOUND, ACCOUNT_CHANGED, ACCOUNT_FIELD_INVALID, IDENTIFIER_TAKEN, ACCOUNT_STATUS_CONFLICT.

    ``by``: who calls, here and below, None: the operator, who makes administrators. ACCOUNT_PROTECTED for an administrator's, unless he may take the role.
    ACCOUNT_PROVEN where evidence from level 2 on stands behind the present name or number: it would be said to stand behind another.
    """
    checked = checked_change(kind, change)
    at = desk.clock.now()

    def store(connection: Connection) -> Account:
        check_changed_by(connection, account_id, by)
        present = load_account(connection, desk.vault, account_id, kind)
        is_renamed = checked.name is not None and checked.name != one_spelling(present.name)
        is_renumbered = checked.identifiers is not None and not _numbers(present.identifiers, kind) <= _numbers(checked.identifiers, kind)
        evidence = list_evidence(connection, desk.vault, account_id) if is_renamed or is_renumbered else []
        level = level_at(evidence, at)
        if level >= PROVEN_LEVEL:
            raise TrustError(Kind.FORBIDDEN, "ACCOUNT_PROVEN", level=level)
        wanted = checked
        if is_renamed and any(each.level >= PROVEN_LEVEL for each in evidence):  # run out: what it verified was the other name's
            before = frozenset(present.identifiers)
            kept = (_unverified(each, kind) if each in before else each for each in checked.identifiers or present.identifiers)
            wanted = replace(checked, identifiers=tuple(kept))
        return change_in(connection, desk, account_id, kind, wanted, actor, at)

    return desk.database.write(store)


def _numbers(identifiers: tuple[Identifier, ...], kind: AccountKind) -> frozenset[tuple[IdentifierKind, str]]:
    return frozenset((each.kind, each.value) for each in identifiers if each.kind in ID_NUMBERS[kind])


def _unverified(each: Identifier, kind: AccountKind) -> Identifier:
    """An identifier as it stands; a number that a state gave as merely claimed."""
    return replace(each, verified_at=None) if each.kind in ID_NUMBERS[kind] else each


def checked_change(kind: AccountKind, change: AccountChange) -> AccountChange:
    """The change as it is kept: each field by its rule, names in one spelling. ACCOUNT_FIELD_INVALID."""
    if change.name is not None:
        name = one_spelling(change.name)
        check_name(name)
        change = replace(change, name=name)
    if change.area is not None:
        check_area(change.area)
    if change.attributes is not None:
        attributes = spelled(change.attributes)
        check_attributes(kind, attributes)
        change = replace(change, attributes=attributes)
    return change if change.identifiers is None else replace(change, identifiers=normalised(change.identifiers))


def change_in(
    connection: Connection, desk: PeopleDesk, account_id: str, kind: AccountKind, change: AccountChange, actor: str, at: datetime
) -> Account:
    """Change an account within a write job. ``change``: checked."""
    present = load_account(connection, desk.vault, account_id, kind)
    if change.expected_version is not None and present.version != change.expected_version:
        raise TrustError(Kind.CHANGED, "ACCOUNT_CHANGED", found=present.version)
    if present.status is AccountStatus.CLOSED:
        raise TrustError(Kind.CONFLICT, "ACCOUNT_STATUS_CONFLICT", status=present.status.value)
    given = {
        # A name from before there was one spelling stays as it stands until the account gets another: its hash is in the files of others
        "name": None if change.name == one_spelling(present.name) else change.name,
        "identifiers": change.identifiers,
        "attributes": None if change.attributes is None else dict(change.attributes),
        "area": change.area,
        "needs_two_factors": change.needs_two_factors,
    }
    fields = {name: value for name, value in given.items() if value is not None and value != getattr(present, name)}
    if not fields:
        return present
    changed = replace(present, **fields, changed_at=at, version=present.version + 1, uversion=present.uversion + 1)  # type: ignore[arg-type]  # of the kinds above
    update_account(connection, desk.vault, changed, identifiers_too="identifiers" in fields)
    _record(desk, connection, changed, "account.change", at, actor, fields=" ".join(sorted(fields)))
    desk.tell_changed(connection, changed, at)
    return _with_links(connection, desk, present, changed, actor, at)


def _with_links(connection: Connection, desk: PeopleDesk, before: Account, account: Account, actor: str, at: datetime) -> Account:
    """A joined identity of another provider is a way in: the record of each that came or went. With one that went ends what was open."""
    had, has = (_links(each) for each in (before, account))
    for each in sorted(has - had):
        _record(desk, connection, account, "account.link", at, actor, upstream=_upstream_in(each), why="operator")
    if has - had:
        desk.tell(connection, "account.sign-in-alert", {"account_id": account.account_id, "what": "linked"}, at)
    if not had - has:
        return account
    sessions, grants = end_for_credentials(connection, desk, account.account_id, actor, at)
    for each in sorted(had - has):
        ended = {"sessions_ended": sessions, "grants_ended": grants}
        _record(desk, connection, account, "account.unlink", at, actor, upstream=_upstream_in(each), **ended)
    desk.tell(connection, "account.sign-in-alert", {"account_id": account.account_id, "what": "unlinked"}, at)
    return replace(account, credential_epoch=account.credential_epoch + 1)


def _links(account: Account) -> frozenset[str]:
    return frozenset(each.value for each in account.identifiers if each.kind is IdentifierKind.UPSTREAM and each.value.startswith(SIGN))


def _upstream_in(link: str) -> str:
    return link.removeprefix(SIGN).partition("|")[0]


def change_account_status(
    desk: PeopleDesk,
    account_id: str,
    kind: AccountKind,
    status: AccountStatus,
    *,
    actor: str,
    expected_version: int | None = None,
    by: Caller | None = None,
) -> Account:
    """Disable, enable or close an account; its sessions end at once (of a person), and all tokens of it or for it. Where another directory disabled it,
    disabling it is still a decision: it goes on record, and that directory does not let it in again (``demand_may_enable``).

    ACCOUNT_NOT_FOUND, ACCOUNT_STATUS_CONFLICT, ACCOUNT_CHANGED, ACCOUNT_PROTECTED.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> Account:
        check_changed_by(connection, account_id, by)
        present = load_account(connection, desk.vault, account_id, kind)
        if expected_version is not None and present.version != expected_version:
            raise TrustError(Kind.CHANGED, "ACCOUNT_CHANGED", found=present.version)
        if status is present.status is AccountStatus.DISABLED and hold_in(connection, desk, account_id, actor, at, source=""):
            return present
        return change_status_in(connection, desk, present, status, actor, at)

    return desk.database.write(store)


def change_status_in(
    connection: Connection, desk: PeopleDesk, present: Account, status: AccountStatus, actor: str, at: datetime, *, source: str = ""
) -> Account:
    """As ``change_account_status``, within a write job. ``source``: whose word it is, such as ``import:hr``; empty: somebody's own decision."""
    changed = with_status(present, status, at)
    update_account(connection, desk.vault, changed)
    ended = 0
    if status is not AccountStatus.ACTIVE:
        ended = end_what_was_open(connection, desk, present.account_id, actor, at)
        changed = replace(changed, credential_epoch=changed.credential_epoch + 1)
        # Every API looks at the grant: with it end the tokens that are out, also those that were to outlive their session
        end_grants_of_account(connection, present.account_id, at, desk.vault.mac_key, why="account not active")
        end_grants_of_organisation(connection, present.account_id, at, desk.vault.mac_key)
    _record(desk, connection, changed, f"account.{status.value}", at, actor, sessions_ended=ended, source=source)
    desk.tell_changed(connection, changed, at)
    return changed


def add_evidence(
    desk: PeopleDesk,
    account_id: str,
    kind: AccountKind,
    item: Evidence,
    *,
    actor: str,
    by: Caller | None = None,
    once: Once | None = None,
) -> Account:
    """Add a piece of evidence; the account's level follows. Where ``once`` says that the same request did so before: the account as it stands.

    ACCOUNT_NOT_FOUND, ACCOUNT_STATUS_CONFLICT (closed), ACCOUNT_FIELD_INVALID, ACCOUNT_PROTECTED, IDEMPOTENCY_*.
    """
    check_evidence(item)
    return _with_evidence(desk, account_id, kind, item, "", actor, by, once=once)


def remove_evidence(
    desk: PeopleDesk, account_id: str, kind: AccountKind, evidence_id: str, *, actor: str, by: Caller | None = None
) -> Account:
    """Take a piece of evidence back; the account's level follows, and where nothing proves it any more from level 2 on, its numbers are merely claimed.

    ACCOUNT_NOT_FOUND, ACCOUNT_PROTECTED.
    """
    return _with_evidence(desk, account_id, kind, None, evidence_id, actor, by)


def _with_evidence(
    desk: PeopleDesk,
    account_id: str,
    kind: AccountKind,
    added: Evidence | None,
    removed: str,
    actor: str,
    by: Caller | None = None,
    *,
    once: Once | None = None,
) -> Account:
    at = desk.clock.now()

    def store(connection: Connection) -> Account:
        check_changed_by(connection, account_id, by)
        present = load_account(connection, desk.vault, account_id, kind)
        had = list_evidence(connection, desk.vault, account_id)
        if added is not None:
            if desk.idempotency.once(connection, once, reference=added.evidence_id, at=at) is not None:
                return present
            if present.status is AccountStatus.CLOSED:
                raise TrustError(Kind.CONFLICT, "ACCOUNT_STATUS_CONFLICT", status=present.status.value)
            check_evidence_count(len(had) + 1)
            insert_evidence(connection, desk.vault, account_id, added)
        elif not delete_evidence(connection, account_id, removed):
            return present
        level = level_at(list_evidence(connection, desk.vault, account_id), at)
        proved = any(each.evidence_id == removed and each.level >= PROVEN_LEVEL for each in had)
        identifiers = present.identifiers
        if proved and level < PROVEN_LEVEL:  # else the number would be verified for whatever name comes next
            identifiers = tuple(_unverified(each, kind) for each in identifiers)
        is_unproven = identifiers != present.identifiers
        changed = replace(
            present, level=level, identifiers=identifiers, changed_at=at, version=present.version + 1, uversion=present.uversion + 1
        )
        update_account(connection, desk.vault, changed, identifiers_too=is_unproven)
        action = "account.evidence-add" if added else "account.evidence-remove"
        further = {"fields": "identifiers"} if is_unproven else {}
        _record(desk, connection, changed, action, at, actor, method=added.method if added else "", level=level, **further)
        desk.tell_changed(connection, changed, at)
        return changed

    return desk.database.write(store)


def _record(desk: PeopleDesk, connection: Connection, account: Account, action: str, at: datetime, actor: str, **facts: str | int) -> None:
    desk.audit.record(connection, at=at, actor=actor, action=action, subject=f"account:{account.account_id}", outcome="done", facts=facts)
