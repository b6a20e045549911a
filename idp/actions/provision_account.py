"""Bring an account to what another directory says it is, by the same actions that an administrator uses, in one transaction; each is audited for itself.

What a directory may not do: change who a proven person is (name and number of an identity from level 2 on rest on evidence that somebody
checked), touch accounts that administer this deployment, or remove what links an account to other sources. Accounts that it neither brought nor was
given (``give_account``) it does not change at all, and of one that it was given it may not set the password, say who acts for it, or end it: otherwise
every directory could become everybody. Nor does it let in again whom somebody else disabled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from idp.actions.grant_agent import grant_in, may_grant, revoke_in
from idp.actions.hold_account import demand_may_enable, hold_in
from idp.actions.manage_accounts import (
    AccountChange,
    NewAccount,
    change_in,
    change_status_in,
    checked_change,
    make_account,
    store_account,
)
from idp.actions.protect_administrators import check_open
from idp.actions.set_credentials import hash_in_pool, put_in
from idp.credentials.passwords import check_password_rules
from idp.errors import account_not_found
from idp.model.names import one_spelling
from idp.model.people import (
    ID_NUMBERS,
    Account,
    AccountKind,
    AccountStatus,
    Agent,
    AgentRole,
    CredentialKind,
    Identifier,
    IdentifierKind,
    field_invalid,
    new_id,
    normalised,
)
from idp.store.accounts import find_account, list_evidence, load_account
from idp.store.directory import standing_agents
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Evidence

PROVEN_LEVEL: Final = 2  # from here on evidence says who somebody is
GIVEN: Final = "given:"
"""Before the source that an account was given to and the account's own id: an identifier that no directory can write."""
PROVISIONED: Final = frozenset({IdentifierKind.LOGIN, IdentifierKind.MAIL, IdentifierKind.MOBILE})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an account is to be. ``source``: whose word it is, such as ``scim:hr``; ``source_id``: the subject's name there, None: leave it.

    ``number``: the identifier a state gave, None: leave it. ``attributes``: None removes one, those not named stay. ``members``: of an
    organisation, None: leave them. ``is_active`` None: leave it, and a new one is active. ``spoken_of``: the kinds of identifiers that the source knows at all, others stay. Personal data.
    """

    kind: AccountKind
    name: str
    source: str
    source_id: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    number: Identifier | None = None
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    area: str | None = None
    is_active: bool | None = None
    password: str | None = None
    members: frozenset[str] | None = None
    spoken_of: frozenset[IdentifierKind] = PROVISIONED

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Wanted({self.kind.value!r}, source={self.source!r})"


def scim_source(client_id: str) -> str:
    """How a provisioning client is named as the source of accounts; no connector's name has a colon."""
    return f"scim:{client_id}"


def given_to(account: Account) -> frozenset[str]:
    """The sources that may change an account that they did not bring."""
    marks = (each.value for each in account.identifiers if each.kind is IdentifierKind.UPSTREAM and each.value.startswith(GIVEN))
    return frozenset(
        source for source, _, account_id in (mark.removeprefix(GIVEN).rpartition("|") for mark in marks) if account_id == account.account_id
    )


def source_identifier(source: str, source_id: str) -> Identifier:
    """A subject's name in another directory: one account has it, whoever asks first (UNIQUE in the database)."""
    return Identifier(IdentifierKind.UPSTREAM, f"{source}|{source_id}")


def source_id_of(account: Account, source: str) -> str | None:
    """The subject's name in that directory."""
    head = f"{source}|"
    found = (each.value for each in account.identifiers if each.kind is IdentifierKind.UPSTREAM and each.value.startswith(head))
    return next((value.removeprefix(head) for value in found), None)


def load_provisioned(desk: PeopleDesk, account_id: str, kind: AccountKind) -> Account:
    """An account that is not closed. ACCOUNT_NOT_FOUND."""
    with desk.database.read() as connection:
        return provisioned_in(connection, desk, account_id, kind)


def provisioned_in(connection: Connection, desk: PeopleDesk, account_id: str, kind: AccountKind) -> Account:
    """As ``load_provisioned``, on a connection."""
    account = load_account(connection, desk.vault, account_id, kind)
    if account.status is AccountStatus.CLOSED:
        raise account_not_found()
    return account


def standing_members(connection: Connection, desk: PeopleDesk, account: Account) -> frozenset[str]:
    """The agents of an organisation whose grants nobody has revoked, expired ones too; nobody for a person."""
    if account.kind is AccountKind.PERSON:
        return frozenset()
    return frozenset(each.person_id for each in standing_agents(connection, desk.vault, organisation_id=account.account_id))


def lasting_agents(connection: Connection, desk: PeopleDesk, account: Account) -> list[Agent]:
    """Who is told as a member of an organisation: agents whose time is not over; nobody for a person."""
    if account.kind is AccountKind.PERSON:
        return []
    at = desk.clock.now()
    found = standing_agents(connection, desk.vault, organisation_id=account.account_id)
    return [each for each in found if each.valid_until is None or at < each.valid_until]


def provision_account(desk: PeopleDesk, wanted: Wanted, *, actor: str) -> Account:
    """Create an account with all that belongs to it, or nothing of it.

    ACCOUNT_FIELD_INVALID, IDENTIFIER_TAKEN, PASSWORD_UNACCEPTABLE, SIGN_IN_BUSY, AUDIT_UNAVAILABLE.
    """
    # 1. What takes time, or may fail for the wish alone, before anything is stored
    kept_hash, at = _hash(desk, wanted), desk.clock.now()
    account = make_account(new_of(wanted), at, actor=actor)

    # 2. One transaction: the account, its state, its password, its members
    def store(connection: Connection) -> Account:
        _check_members(connection, desk, wanted, frozenset())
        store_account(connection, desk, account, ())
        return _finish(connection, desk, wanted, account, kept_hash, actor, at)

    return desk.database.write(store)


def reprovision_account(
    desk: PeopleDesk,
    account_id: str,
    wanted: Wanted,
    *,
    actor: str,
    expected_version: int | None = None,
    expected_members: frozenset[str] | None = None,
) -> Account:
    """Change an account to what is wanted, wholly or not at all. ``expected_version``, ``expected_members`` (``standing_members``): on what the
    wish rests, None where it rests on nothing; ACCOUNT_CHANGED where it is another by now.

    Further ACCOUNT_NOT_FOUND, ACCOUNT_CHANGED, ACCOUNT_FOREIGN, ACCOUNT_HELD, ACCOUNT_PROTECTED, ACCOUNT_PROVEN.
    """
    # 1. What takes time is done for an account that may be changed by this
    try:
        with desk.database.read() as connection:
            _changeable(connection, desk, account_id, wanted)
    except TrustError as error:
        _record_foreign(desk, error, account_id, wanted.source, actor)
        raise
    kept_hash, at = _hash(desk, wanted), desk.clock.now()

    # 2. One transaction: fields, then what belongs to it, of the account as it is now
    def store(connection: Connection) -> Account:
        account = _changeable(connection, desk, account_id, wanted)
        if expected_members is not None and standing_members(connection, desk, account) != expected_members:
            raise TrustError(Kind.CONFLICT, "ACCOUNT_CHANGED")
        change = checked_change(wanted.kind, wanted_change(connection, desk, account, wanted, expected_version))
        changed = change_in(connection, desk, account_id, wanted.kind, change, actor, at)
        # Of an account that it was merely given, the members that it named are those that it was told of: nothing to do
        said = wanted if account.origin == wanted.source else replace(wanted, members=None)
        return _finish(connection, desk, said, changed, kept_hash, actor, at)

    return desk.database.write(store)


def end_provisioned(
    desk: PeopleDesk, account_id: str, kind: AccountKind, source: str, *, actor: str, expected_version: int | None = None
) -> None:
    """Close an account; its login name and its name in the directory become free. As ``reprovision_account``."""
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        account = load_account(connection, desk.vault, account_id, kind)
        if account.status is AccountStatus.CLOSED:
            raise account_not_found()
        end_in(connection, desk, account, source, actor, at, expected_version)

    try:
        desk.database.write(store)
    except TrustError as error:
        _record_foreign(desk, error, account_id, source, actor)
        raise


def _record_foreign(desk: PeopleDesk, error: TrustError, account_id: str, source: str, actor: str) -> None:
    """That a directory reached for an account that is not its own, once its attempt has been undone."""
    if error.code != "ACCOUNT_FOREIGN":
        return
    at, subject = desk.clock.now(), f"account:{account_id}"
    facts: dict[str, str | int | bool | None] = {"code": error.code, "source": source}
    desk.database.write(
        lambda connection: desk.audit.record(
            connection, at=at, actor=actor, action="account.refuse", subject=subject, outcome="refused", facts=facts
        )
    )


def end_in(
    connection: Connection, desk: PeopleDesk, account: Account, source: str, actor: str, at: datetime, expected_version: int | None = None
) -> None:
    """As ``end_provisioned``, within a write job."""
    head = f"{source}|"
    check_open(connection, account.account_id)
    if account.origin != source:
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_FOREIGN")
    kept = tuple(
        each
        for each in account.identifiers
        if each.kind is not IdentifierKind.LOGIN and not (each.kind is IdentifierKind.UPSTREAM and each.value.startswith(head))
    )
    change = AccountChange(identifiers=kept, expected_version=expected_version)
    freed = change_in(connection, desk, account.account_id, account.kind, change, actor, at)
    change_status_in(connection, desk, freed, AccountStatus.CLOSED, actor, at, source=source)


def _hash(desk: PeopleDesk, wanted: Wanted) -> bytes | None:
    """The hash of the password that is wanted. PASSWORD_UNACCEPTABLE, SIGN_IN_BUSY."""
    if wanted.password is None:
        return None
    login = next((each.value for each in wanted.identifiers if each.kind is IdentifierKind.LOGIN), "")
    check_password_rules(wanted.password, login.lower())
    return hash_in_pool(desk, wanted.password)


def _changeable(connection: Connection, desk: PeopleDesk, account_id: str, wanted: Wanted) -> Account:
    """The account, if this source may change it in this way."""
    account = provisioned_in(connection, desk, account_id, wanted.kind)
    check_open(connection, account.account_id)
    if account.origin != wanted.source and wanted.source not in given_to(account):
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_FOREIGN")
    _check_members(connection, desk, wanted, standing_members(connection, desk, account))
    if account.origin != wanted.source:
        told = frozenset(each.person_id for each in lasting_agents(connection, desk, account))
        if wanted.password is not None or wanted.members not in {None, told}:
            raise TrustError(Kind.FORBIDDEN, "ACCOUNT_FOREIGN")
    return account


def _check_members(connection: Connection, desk: PeopleDesk, wanted: Wanted, present: frozenset[str]) -> None:
    for person_id in (wanted.members or frozenset()) - present:
        person = find_account(connection, desk.vault, person_id)
        if person is None or person.kind is not AccountKind.PERSON or person.status is AccountStatus.CLOSED:
            raise field_invalid("members", "ids of persons")


def _attributes(present: Mapping[str, str], wanted: Wanted) -> dict[str, str]:
    merged = {**present, **wanted.attributes}
    return {name: value for name, value in merged.items() if value is not None}


def wanted_change(
    connection: Connection, desk: PeopleDesk, account: Account, wanted: Wanted, expected_version: int | None = None
) -> AccountChange:
    """What has to change so that an account is as wanted. ACCOUNT_PROVEN, ACCOUNT_FIELD_INVALID."""
    identifiers = _merged(account, wanted)
    number = next((each for each in identifiers if each.kind in ID_NUMBERS[account.kind]), None)
    if one_spelling(wanted.name) != one_spelling(account.name) or _value(number) != _value(account.id_number):
        # Also by evidence that has run out: what it verified would be said of whomever the directory names next
        level = max((each.level for each in list_evidence(connection, desk.vault, account.account_id)), default=0)
        if level >= PROVEN_LEVEL:
            raise TrustError(Kind.FORBIDDEN, "ACCOUNT_PROVEN", level=level)
    return AccountChange(
        name=wanted.name,
        identifiers=identifiers if set(identifiers) != set(account.identifiers) else None,
        attributes=_attributes(account.attributes, wanted),
        area=wanted.area,
        expected_version=expected_version,
    )


def new_of(wanted: Wanted, evidence: tuple[Evidence, ...] = ()) -> NewAccount:
    """What an account is created with that nobody has yet."""
    identifiers = [*wanted.identifiers, *([wanted.number] if wanted.number else [])]
    if wanted.source_id is not None:
        identifiers.append(source_identifier(wanted.source, wanted.source_id))
    attributes = _attributes({}, wanted)
    return NewAccount(wanted.kind, wanted.name, tuple(identifiers), attributes, wanted.area or "", evidence, origin=wanted.source)


def _value(number: Identifier | None) -> str | None:
    return None if number is None else number.value


def _merged(account: Account, wanted: Wanted) -> tuple[Identifier, ...]:
    """What the directory says of the kinds that are its own, everything else as it is; what was verified and stays the same stays verified."""
    replaced = set(wanted.spoken_of)
    given = [*wanted.identifiers]
    head = f"{wanted.source}|"
    if wanted.number is not None:
        replaced |= ID_NUMBERS[account.kind]
        given.append(wanted.number)
    if wanted.source_id is not None:
        given.append(source_identifier(wanted.source, wanted.source_id))
    kept = [
        each
        for each in account.identifiers
        if each.kind not in replaced
        and not (wanted.source_id is not None and each.kind is IdentifierKind.UPSTREAM and each.value.startswith(head))
    ]
    verified = {(each.kind, each.value): each.verified_at for each in account.identifiers}
    return normalised(
        (*kept, *(replace(each, verified_at=verified.get((each.kind, each.value), each.verified_at)) for each in normalised(given)))
    )


def _finish(
    connection: Connection, desk: PeopleDesk, wanted: Wanted, account: Account, kept_hash: bytes | None, actor: str, at: datetime
) -> Account:
    """State, password, members, within a write job: each only where it differs."""
    if wanted.is_active is not None:
        status = AccountStatus.ACTIVE if wanted.is_active else AccountStatus.DISABLED
        account = take_status(connection, desk, account, status, actor, at, source=wanted.source)
    if kept_hash is not None:
        put_in(connection, desk, account.account_id, CredentialKind.PASSWORD, kept_hash, actor, at)
    if wanted.members is not None:
        set_members_in(connection, desk, account.account_id, wanted.members, actor, at)
    return account


def take_status(
    connection: Connection, desk: PeopleDesk, account: Account, status: AccountStatus, actor: str, at: datetime, *, source: str
) -> Account:
    """Take a source's word that an account is active, or disabled, within a write job; where it is disabled already, on record as this word too.

    ACCOUNT_HELD, ACCOUNT_STATUS_CONFLICT (closed).
    """
    if account.status is not status:
        if status is AccountStatus.ACTIVE:
            demand_may_enable(connection, account.account_id, source, actor)
        return change_status_in(connection, desk, account, status, actor, at, source=source)
    if status is AccountStatus.DISABLED:
        hold_in(connection, desk, account.account_id, actor, at, source=source)
    return account


def set_members_in(
    connection: Connection, desk: PeopleDesk, organisation_id: str, members: frozenset[str], actor: str, at: datetime
) -> None:
    """Let these persons act for an organisation, and no other agent, within a write job. Whom somebody else dismissed stays dismissed (``may_grant``)."""
    present = standing_agents(connection, desk.vault, organisation_id=organisation_id)
    lasting = {each.person_id for each in present if each.valid_until is None or at < each.valid_until}
    for agent in present:  # one whose time is over makes room for a new grant
        if agent.person_id not in members & lasting:
            revoke_in(connection, desk, agent.agent_id, actor, at)
    for person_id in sorted(members - lasting):
        if may_grant(connection, desk, organisation_id, person_id, actor, at):
            grant_in(connection, desk, Agent(new_id("ag_"), organisation_id, person_id, AgentRole.AGENT, (), at, None, actor, at))
