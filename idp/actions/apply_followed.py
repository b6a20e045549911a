"""Bring one subject to what a followed directory tells of it, within a write job: by the very action that a row of an import goes through.

So the same holds for it: administrators are left alone, proven identities keep name and number, numbers are only claimed, an older word never
overwrites a newer one. What an import leaves to a person to look at goes into the queue of identities in doubt.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from idp.actions.grant_agent import grant_in, may_grant, revoke_in
from idp.actions.import_accounts import apply_row, field_of, read_wanted
from idp.actions.join_identity import put_in_doubt
from idp.actions.protect_administrators import check_open
from idp.actions.provision_account import end_in, set_members_in, source_identifier, take_status
from idp.model.changes import SubjectKind
from idp.model.federation import Doubt, same_name
from idp.model.follow import Noted, NotedOutcome, is_taken, row_of
from idp.model.imports import IDENTIFIER_COLUMNS, RowOutcome
from idp.model.people import (
    EXCLUSIVE,
    NAME_CHARACTERS_MAX,
    AccountKind,
    AccountStatus,
    Agent,
    AgentRole,
    IdentifierKind,
    check_agent_scopes,
    field_invalid,
    new_id,
    normalise_identifier,
)
from idp.model.requests import Identity
from idp.store.accounts import account_id_by, account_status, load_account, load_agent
from idp.store.federation import standing_conflict
from idp.store.follow import find_noted, put_noted
from idp.store.imports import taken_version
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.follow import FollowedSource, Told
    from idp.model.people import Account

NOT_NEWER: Final = "IMPORT_ROW_NOT_NEWER"
IN_DOUBT: Final = "SOURCE_SUBJECT_IN_DOUBT"
_FOR_A_PERSON: Final = frozenset({"IDENTIFIER_TAKEN", "ACCOUNT_PROVEN", IN_DOUBT})
_EXCLUSIVE_COLUMNS: Final = {name: kind for name, kind in IDENTIFIER_COLUMNS.items() if kind in EXCLUSIVE}


def apply_told(connection: Connection, desk: PeopleDesk, source: FollowedSource, told: Told) -> RowOutcome:
    """Apply it and note how far the subject is known. Raises what it is refused for, as ``apply_row``; further SOURCE_SUBJECT_IN_DOUBT, ACCOUNT_FOREIGN.

    ``RowOutcome.WAITING``: it is not for us.
    """
    # 1. An older word changes nothing
    noted = find_noted(connection, desk.vault, source.code, told.subject_id)
    if noted is not None and told.document is not None and told.seen < noted.seen:
        raise TrustError(Kind.CONFLICT, NOT_NEWER, field="version")
    if told.kind is SubjectKind.AGENT:
        outcome, local_id = _apply_agent(connection, desk, source, told, noted)
    else:
        outcome, local_id = _apply_account(connection, desk, source, told)
    # 2. How far it is known, in the same transaction
    kept = NotedOutcome.PASSED if outcome is RowOutcome.WAITING else NotedOutcome.APPLIED
    seen = max(told.seen, noted.seen if noted else 0)
    put_noted(connection, desk.vault, source.code, Noted(told.subject_id, seen, told.digest, kept, "", local_id))
    return outcome


def local_account(connection: Connection, desk: PeopleDesk, source: FollowedSource, subject_id: str) -> str | None:
    """The account that a subject of a source is here."""
    known = source_identifier(source.origin, subject_id)
    return account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, known.value)


def _apply_account(connection: Connection, desk: PeopleDesk, source: FollowedSource, told: Told) -> tuple[RowOutcome, str | None]:
    # 1. Whose it is: what is from here, and what nobody follows this source for, is not for us
    if any(account_status(connection, desk.vault, name.rpartition("/")[2]) is not None for name in told.ids_elsewhere):
        return RowOutcome.WAITING, None
    account_id = local_account(connection, desk, source, told.subject_id)
    if account_id is None and not is_taken(source, told):
        return RowOutcome.WAITING, None
    # 2. Its end
    if account_id is not None and (told.document is None or told.document.get("status") == AccountStatus.CLOSED.value):
        present = load_account(connection, desk.vault, account_id)
        return _end(connection, desk, source, present, is_for_good=told.document is not None), account_id
    # 3. As a row. Of an account that is known, what belongs to somebody else by now stays away; one that is new is then in doubt
    row = row_of(source, told)
    read_wanted(source.origin, row)
    holders = _holders(connection, desk, row)
    if account_id is None and standing_conflict(connection, desk.vault, source.origin, told.subject_id) is not None:
        raise TrustError(Kind.CONFLICT, IN_DOUBT)
    if account_id is not None:
        for name, holder in holders.items():
            if holder != account_id:
                del row[name]
    known = source_identifier(source.origin, told.subject_id)
    if told.version is not None and taken_version(connection, desk.vault, known.value) == told.version:
        del row["version"]  # told again, as where the source was removed and added
    report = apply_row(connection, desk, source.origin, 0, row, source.actor)
    if report.code == NOT_NEWER:
        raise TrustError(Kind.CONFLICT, NOT_NEWER, field="version")
    if told.members is not None and SubjectKind.AGENT.value in source.kinds and report.account_id is not None:
        _set_members(connection, desk, source, report.account_id, told.members)
    return report.outcome, report.account_id


def _holders(connection: Connection, desk: PeopleDesk, row: Mapping[str, str]) -> dict[str, str]:
    """Column -> the account that has its value already, of those that belong to one account. ACCOUNT_FIELD_INVALID."""
    found = {
        name: account_id_by(connection, desk.vault, kind, normalise_identifier(kind, row[name]))
        for name, kind in _EXCLUSIVE_COLUMNS.items()
        if row.get(name)
    }
    return {name: holder for name, holder in found.items() if holder is not None}


def _end(connection: Connection, desk: PeopleDesk, source: FollowedSource, present: Account, *, is_for_good: bool) -> RowOutcome:
    """Close what the source brought; what was only joined with its subject, or is not there at the moment, is disabled."""
    at = desk.clock.now()
    if present.status is AccountStatus.CLOSED:
        return RowOutcome.UNCHANGED
    check_open(connection, present.account_id)
    if is_for_good and present.origin == source.origin:
        end_in(connection, desk, present, source.origin, source.actor, at)
        return RowOutcome.CHANGED
    taken = take_status(connection, desk, present, AccountStatus.DISABLED, source.actor, at, source=source.origin)
    return RowOutcome.UNCHANGED if taken is present else RowOutcome.CHANGED


def _set_members(connection: Connection, desk: PeopleDesk, source: FollowedSource, organisation_id: str, members: frozenset[str]) -> None:
    """Who acts for an organisation that the source brought: of those whom it names, the persons that are known, and whom it may name (``may_grant``)."""
    if load_account(connection, desk.vault, organisation_id).origin != source.origin:
        return
    found = (local_account(connection, desk, source, each) for each in sorted(members))
    persons = frozenset(each for each in found if each is not None and each.startswith("pe_"))
    set_members_in(connection, desk, organisation_id, persons, source.actor, desk.clock.now())


def _apply_agent(
    connection: Connection, desk: PeopleDesk, source: FollowedSource, told: Told, noted: Noted | None
) -> tuple[RowOutcome, str | None]:
    document: Mapping[str, Any] = told.document or {}
    present = load_agent(connection, desk.vault, noted.local_id) if noted is not None and noted.local_id else None
    at = desk.clock.now()
    if present is None and (not is_taken(source, told) or document.get("role") != AgentRole.AGENT.value):
        return RowOutcome.WAITING, None
    wanted = _agent(connection, desk, source, document, at) if document.get("status") == "active" else None
    if wanted is None and present is None:
        return RowOutcome.WAITING, None
    if present is not None and wanted is not None and present.revoked_at is None and _same_grant(present, wanted):
        return RowOutcome.UNCHANGED, present.agent_id
    if wanted is not None and not may_grant(connection, desk, wanted.organisation_id, wanted.person_id, source.actor, at):
        return RowOutcome.UNCHANGED, present.agent_id if present else None
    if present is not None:
        check_open(connection, present.person_id)
        check_open(connection, present.organisation_id)
        revoke_in(connection, desk, present.agent_id, source.actor, at)
    if wanted is not None:
        grant_in(connection, desk, wanted)
    return (RowOutcome.CHANGED if present else RowOutcome.CREATED), wanted.agent_id if wanted else None


def _agent(connection: Connection, desk: PeopleDesk, source: FollowedSource, document: Mapping[str, Any], at: datetime) -> Agent | None:
    """The grant that is told of; None where one of the two is not one of the source's here. ACCOUNT_FOREIGN, ACCOUNT_PROTECTED, ACCOUNT_FIELD_INVALID."""
    named = [document.get(name) for name in ("organisation_id", "person_id")]
    found = [local_account(connection, desk, source, each) if isinstance(each, str) else None for each in named]
    for subject_id, local_id in zip(named, found, strict=True):
        known = None if local_id or not isinstance(subject_id, str) else find_noted(connection, desk.vault, source.code, subject_id)
        if known is not None and known.outcome is NotedOutcome.REFUSED:
            raise TrustError(Kind.CONFLICT, IN_DOUBT)  # once it is known whose that is, the grant comes again
    organisation_id, person_id = found
    if organisation_id is None or person_id is None:
        return None
    if load_account(connection, desk.vault, organisation_id, AccountKind.ORGANISATION).origin != source.origin:
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_FOREIGN")
    check_open(connection, person_id)
    scopes, until = document.get("scopes"), _time(document, "valid_until")
    if not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes):
        raise field_invalid("scopes", "a list of names")
    check_agent_scopes(tuple(scopes))
    if until is not None and until <= at:
        return None
    begins = _time(document, "valid_from") or at
    return Agent(new_id("ag_"), organisation_id, person_id, AgentRole.AGENT, tuple(scopes), begins, until, source.actor, at)


def _time(document: Mapping[str, Any], name: str) -> datetime | None:
    text = document.get(name)
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise field_invalid(name, "RFC 3339") from None
    if found is not None and found.tzinfo is None:
        raise field_invalid(name, "RFC 3339")
    return found


def _same_grant(one: Agent, other: Agent) -> bool:
    return all(
        getattr(one, name) == getattr(other, name) for name in ("organisation_id", "person_id", "scopes", "valid_from", "valid_until")
    )


def note_refusal(
    connection: Connection, desk: PeopleDesk, source: FollowedSource, told: Told | None, refused: Noted, error: TrustError
) -> None:
    """What becomes of a subject that was refused: noted, recorded once, and where a person has to look at it, in the queue of those in doubt.

    ``told`` None: it could not even be believed. ``refused``: as it is noted. An end comes through all the same: a proven person whose name is in
    doubt loses access with the source's word, only nothing else of it is taken.
    """
    at = desk.clock.now()
    before = find_noted(connection, desk.vault, source.code, refused.subject_id)
    if error.code == NOT_NEWER and before is not None:
        return  # what is known is newer
    if told is not None and error.code in _FOR_A_PERSON and told.kind is not SubjectKind.AGENT:
        _put_in_doubt(connection, desk, source, told, error.code, at)
    local_id = before.local_id if before else None
    put_noted(connection, desk.vault, source.code, refused_as(refused, error.code, local_id, before))
    if before is None or (before.digest, before.code) != (refused.digest, error.code):
        facts: dict[str, str | int | bool | None] = {"code": error.code, "field": field_of(error), "seen": refused.seen}
        desk.audit.record(
            connection, at=at, actor=source.actor, action="source.refuse", subject=source.actor, outcome="refused", facts=facts
        )


def refused_as(refused: Noted, code: str, local_id: str | None, before: Noted | None) -> Noted:
    """As it is noted: what was seen before does not go back."""
    seen = max(refused.seen, before.seen if before else 0)
    return Noted(refused.subject_id, seen, refused.digest, NotedOutcome.REFUSED, code, local_id)


def _put_in_doubt(connection: Connection, desk: PeopleDesk, source: FollowedSource, told: Told, code: str, at: datetime) -> None:
    row = row_of(source, told)
    wanted, status, _, _ = read_wanted(source.origin, row)
    account_id = local_account(connection, desk, source, told.subject_id)
    if account_id is None:
        standing = standing_conflict(connection, desk.vault, source.origin, told.subject_id)
        holders = _holders(connection, desk, row)
        if standing is None and not holders:
            return  # free again meanwhile: the next reconciliation brings it
        column, about = next(iter(sorted(holders.items(), key=lambda each: each[0] == "login")), ("", ""))  # rather the number
        doubt = Doubt.LOGIN_TAKEN if column == "login" else Doubt.NOT_TRUSTED
        if standing is not None:
            doubt, about = standing.doubt, standing.account_id
    elif code == "ACCOUNT_PROVEN":
        account = load_account(connection, desk.vault, account_id)
        doubt, about = (Doubt.NUMBER_DIFFERS if same_name(wanted.name, account.name) else Doubt.NAME_DIFFERS), account_id
        if status is AccountStatus.DISABLED and account.status is not AccountStatus.CLOSED:
            take_status(connection, desk, account, status, source.actor, at, source=source.origin)
    else:
        return  # known: what is somebody else's was left out before
    kind: Literal["person", "organisation"] = "organisation" if told.kind is SubjectKind.ORGANISATION else "person"
    name = wanted.name[:NAME_CHARACTERS_MAX]
    number = wanted.number
    id_type, id_number = (number.kind.value, normalise_identifier(number.kind, number.value)) if number else (None, None)
    identity = Identity(kind, source.origin, told.subject_id, name if is_printable(name) else "", id_type, id_number, 0)
    put_in_doubt(connection, desk, identity, doubt, about, at)
