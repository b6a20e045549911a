"""From an identity of another provider to an account here, within a write job: found, joined, created, or in doubt."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from idp.actions.manage_accounts import NewAccount, make_account, store_account
from idp.model.federation import (
    FOLLOWED,
    PROVEN_LEVEL,
    Conflict,
    ConflictState,
    Doubt,
    decided,
    doubt_known,
    doubt_own_wish,
    doubt_same_number,
    is_trusted_number,
    number_of,
    same_name,
    upstream_identifier,
)
from idp.model.people import (
    AREA_PATTERN,
    ATTRIBUTES,
    EVIDENCE_PER_ACCOUNT_MAX,
    AccountKind,
    AccountStatus,
    Evidence,
    Identifier,
    IdentifierKind,
    check_name,
    level_at,
    new_id,
    normalise_identifier,
)
from idp.store.accounts import account_id_by, delete_evidence, insert_evidence, list_evidence, load_account, update_account
from idp.store.federation import insert_conflict, standing_conflict, update_conflict
from standards.errors import TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.connectors.settings import LinkingRules
    from idp.model.people import Account
    from idp.model.requests import Identity

OURS: Final = ("upstream.", "weak.")  # what the methods of evidence by an upstream begin with
_CONTACTS: Final = (("mobile", IdentifierKind.MOBILE), ("mail", IdentifierKind.MAIL))


@dataclass(frozen=True, slots=True)
class Joined:
    """``account``: perhaps one that may not sign in; it is then left as it was. None: nobody is signed in, because of ``doubt``, or because the upstream may not create accounts (neither)."""

    account: Account | None
    doubt: Doubt | None = None
    conflict_id: str = ""


def join_identity(
    connection: Connection, desk: PeopleDesk, rules: LinkingRules, identity: Identity, at: datetime, *, wish_of: str = ""
) -> Joined:
    """Whose account it is. ``wish_of``: the account that is signed in here and wants to be joined with it. IDENTIFIER_TAKEN where another
    first sign-in of the same identity was faster: once more then finds it.
    """
    identity = _normalised(identity)
    own = upstream_identifier(identity.upstream, identity.subject)
    # 1. By the upstream's own subject
    known_id = account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, own)
    if known_id is not None:
        account = load_account(connection, desk.vault, known_id)
        if account.status is not AccountStatus.ACTIVE:
            return Joined(account)
        level = level_at(list_evidence(connection, desk.vault, known_id), at)
        doubt = Doubt.OTHER_SUBJECT if wish_of not in {"", known_id} else doubt_known(identity, account, level)
        if doubt is not None:
            return put_in_doubt(connection, desk, identity, doubt, known_id, at)
        return Joined(_renewed(connection, desk, rules, account, identity, at))
    standing = standing_conflict(connection, desk.vault, identity.upstream, identity.subject)
    # 2. By the wish of who is signed in, who has just shown both; not against an administrator's decision
    if wish_of and (standing is None or standing.state is ConflictState.OPEN):
        account = load_account(connection, desk.vault, wish_of)
        holder = _holder(connection, desk, identity)
        doubt = Doubt.NUMBER_DIFFERS if holder not in {None, wish_of} else doubt_own_wish(identity, account)
        if doubt is not None:
            return put_in_doubt(connection, desk, identity, doubt, wish_of, at)
        if standing is not None:
            update_conflict(connection, desk.vault, decided(standing, ConflictState.LINKED, f"account:{wish_of}", "own wish", at))
        return Joined(_renewed(connection, desk, rules, _linked(connection, desk, account, identity, at, "own-wish"), identity, at))
    # 3. What stands in doubt stays there until somebody decides
    if standing is not None:
        return put_in_doubt(connection, desk, identity, standing.doubt, standing.account_id, at)
    # 4. By a number that is proven on both sides
    is_trusted = is_trusted_number(identity, rules.id_types, rules.least_level)
    holder = _holder(connection, desk, identity)
    if holder is not None:
        account = load_account(connection, desk.vault, holder)
        if account.status is not AccountStatus.ACTIVE:
            return Joined(account)
        level = level_at(list_evidence(connection, desk.vault, holder), at)
        doubt = doubt_same_number(identity, account, level, is_trusted=is_trusted)
        if doubt is not None:
            return put_in_doubt(connection, desk, identity, doubt, holder, at)
        return Joined(_renewed(connection, desk, rules, _linked(connection, desk, account, identity, at, "number"), identity, at))
    # 5. Nobody is like this: an account of its own. A number that is not proven is not kept: it would keep its owner out
    if not rules.creates_accounts:
        return Joined(None)
    return Joined(create_for(connection, desk, identity, at, with_number=is_trusted))


def create_for(connection: Connection, desk: PeopleDesk, identity: Identity, at: datetime, *, with_number: bool) -> Account:
    """A new account of an identity, joined with it. IDENTIFIER_TAKEN."""
    kind = AccountKind(identity.kind)
    identifiers = [Identifier(IdentifierKind.UPSTREAM, upstream_identifier(identity.upstream, identity.subject), at)]
    if with_number and identity.id_type and identity.id_number:
        identifiers.append(Identifier(IdentifierKind(identity.id_type), identity.id_number, at))
    identifiers += _contacts(identity)
    attributes = {name: value for name, value in identity.attributes.items() if name in ATTRIBUTES[kind] and is_printable(value)}
    evidence = tuple(_evidence(identity))
    origin = identity.upstream if identity.upstream.startswith(FOLLOWED) else f"upstream:{identity.upstream}"
    area = identity.attributes.get("area", "")
    area = area if AREA_PATTERN.fullmatch(area) else ""
    wanted = NewAccount(kind, identity.name, tuple(identifiers), attributes, area, evidence, origin=origin)
    account = make_account(wanted, at, actor=origin)
    store_account(connection, desk, account, evidence)
    return account


def _contacts(identity: Identity) -> list[Identifier]:
    """Telephone and mail box as claimed; what is none is left out."""
    found = []
    for name, kind in _CONTACTS:
        with suppress(TrustError):
            found.append(Identifier(kind, normalise_identifier(kind, identity.attributes.get(name, ""))))
    return found


def _normalised(identity: Identity) -> Identity:
    if identity.id_type is None or identity.id_number is None:
        return identity
    return replace(identity, id_number=normalise_identifier(IdentifierKind(identity.id_type), identity.id_number))


def _holder(connection: Connection, desk: PeopleDesk, identity: Identity) -> str | None:
    if identity.id_type is None or identity.id_number is None:
        return None
    return account_id_by(connection, desk.vault, IdentifierKind(identity.id_type), identity.id_number)


def _evidence(identity: Identity, room: int = EVIDENCE_PER_ACCOUNT_MAX) -> list[Evidence]:
    """What the upstream says; where an account has no room for all of it, the strongest."""
    said = [Evidence(new_id("ev_"), method, source, level, verified_at) for method, source, level, verified_at in identity.evidence]
    return sorted(said, key=lambda each: each.level, reverse=True)[: max(room, 0)]


def _linked(connection: Connection, desk: PeopleDesk, account: Account, identity: Identity, at: datetime, why: str) -> Account:
    """The account with the subject of the upstream as one more identifier."""
    identifiers = [*account.identifiers, Identifier(IdentifierKind.UPSTREAM, upstream_identifier(identity.upstream, identity.subject), at)]
    changed = replace(account, identifiers=tuple(identifiers), changed_at=at, version=account.version + 1, uversion=account.uversion + 1)
    update_account(connection, desk.vault, changed, identifiers_too=True)
    record_link(connection, desk, changed, identity.upstream, f"upstream:{identity.upstream}", why, at)
    return changed


def record_link(connection: Connection, desk: PeopleDesk, account: Account, upstream: str, actor: str, why: str, at: datetime) -> None:
    """The record of a link, and the news of it for the account's holder."""
    subject = f"account:{account.account_id}"
    facts = {"upstream": upstream, "why": why}
    desk.audit.record(connection, at=at, actor=actor, action="account.link", subject=subject, outcome="done", facts=facts)
    desk.tell_changed(connection, account, at)
    if not upstream.startswith(FOLLOWED):  # that is no way in
        desk.tell(connection, "account.sign-in-alert", {"account_id": account.account_id, "what": "linked"}, at)


def _renewed(connection: Connection, desk: PeopleDesk, rules: LinkingRules, account: Account, identity: Identity, at: datetime) -> Account:
    """The account with what the upstream says of it now: its evidence in place of what it said before, a number it proves.

    Evidence from level 2 on stands behind a name: where none did so far, the account takes the one that the upstream compared.
    """
    present = list_evidence(connection, desk.vault, account.account_id)
    said = [each for each in present if each.source == identity.upstream and each.method.startswith(OURS)]
    wanted = _evidence(identity, EVIDENCE_PER_ACCOUNT_MAX - (len(present) - len(said)))
    is_renamed = level_at(present, at) < PROVEN_LEVEL <= level_at(wanted, at) and not same_name(account.name, identity.name)
    is_same = {(each.method, each.level) for each in said} == {(each.method, each.level) for each in wanted}
    may_prove = is_trusted_number(identity, rules.id_types, rules.least_level)
    is_free = _holder(connection, desk, identity) in {None, account.account_id}  # another account with the number: nothing is moved
    identifiers = _proven(account, identity, at) if may_prove and is_free else None
    if is_same and identifiers is None:
        return account
    if not is_same:
        for each in said:
            delete_evidence(connection, account.account_id, each.evidence_id)
        for each in wanted:
            insert_evidence(connection, desk.vault, account.account_id, each)
    level = level_at(list_evidence(connection, desk.vault, account.account_id), at)
    if is_renamed:
        check_name(identity.name)
    changed = replace(
        account,
        name=identity.name if is_renamed else account.name,
        level=level,
        identifiers=account.identifiers if identifiers is None else identifiers,
        changed_at=at,
        version=account.version + 1,
        uversion=account.uversion + 1,
    )
    update_account(connection, desk.vault, changed, identifiers_too=identifiers is not None)
    subject, actor = f"account:{account.account_id}", f"upstream:{identity.upstream}"
    facts: dict[str, str | int | bool | None] = {
        "upstream": identity.upstream,
        "level": level,
        "said": identity.level,
        "number": identifiers is not None,
        "name": is_renamed,
    }
    desk.audit.record(connection, at=at, actor=actor, action="account.evidence-renew", subject=subject, outcome="done", facts=facts)
    desk.tell_changed(connection, changed, at)
    return changed


def _proven(account: Account, identity: Identity, at: datetime) -> tuple[Identifier, ...] | None:
    """The identifiers with the number as proven; None where nothing is new."""
    number = number_of(account, identity.id_type)
    if identity.id_type is None or identity.id_number is None or (number is not None and number.verified_at is not None):
        return None
    proven = Identifier(IdentifierKind(identity.id_type), identity.id_number, at)
    return (*(each for each in account.identifiers if each is not number), proven)


def put_in_doubt(connection: Connection, desk: PeopleDesk, identity: Identity, doubt: Doubt, account_id: str, at: datetime) -> Joined:
    """Nobody is signed in; the identity waits for an administrator, once however often it is tried."""
    present = standing_conflict(connection, desk.vault, identity.upstream, identity.subject)
    if present is not None:
        again = replace(present, last_at=at, tries=present.tries + 1, version=present.version + 1)
        update_conflict(connection, desk.vault, again)
        return Joined(None, doubt, present.conflict_id)
    conflict = Conflict(
        conflict_id=new_id("ic_"),
        upstream=identity.upstream,
        subject=identity.subject,
        doubt=doubt,
        account_id=account_id,
        kind=identity.kind,
        name=identity.name,
        id_type=identity.id_type or "",
        id_number=identity.id_number or "",
        level=identity.level,
        state=ConflictState.OPEN,
        opened_at=at,
        last_at=at,
    )
    insert_conflict(connection, desk.vault, conflict)
    facts = {"conflict": conflict.conflict_id, "doubt": doubt.value, "upstream": identity.upstream}
    subject = f"account:{account_id}"
    code = identity.upstream.removeprefix(FOLLOWED)
    actor = f"upstream:{code}" if code == identity.upstream else f"source:{code}"
    desk.audit.record(connection, at=at, actor=actor, action="identity-conflict.open", subject=subject, outcome="done", facts=facts)
    return Joined(None, doubt, conflict.conflict_id)
