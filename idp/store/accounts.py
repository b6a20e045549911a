"""Rows of accounts: identifiers, evidence and agents with them. Personal data is sealed for its row and found by keyed hash only."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from idp.errors import account_not_found
from idp.model.names import spellings
from idp.model.people import (
    EXCLUSIVE,
    Account,
    AccountKind,
    AccountStanding,
    AccountStatus,
    Agent,
    AgentRole,
    Evidence,
    Identifier,
    IdentifierKind,
)
from idp.store.changes import note_account, note_agent
from idp.store.rows import check_mac, row_mac, without_unset
from idp.tables import account_identifiers, accounts, agents, evidence
from service_kit.prepared import Prepared
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection, Select

    from crypto.sealed_values import ValueSealer
    from idp.model.sign_in import SignIn
    from idp.ports import SubjectHash

_ACCOUNT: Final = Prepared(select(accounts).where(accounts.c.account_id == bindparam("wanted")))
_IDENTIFIERS: Final = Prepared(select(account_identifiers).where(account_identifiers.c.account_id == bindparam("wanted")))
_EXCLUSIVE: Final = Prepared(select(account_identifiers.c.account_id).where(account_identifiers.c.exclusive_hash == bindparam("hash")))
_EVIDENCE: Final = Prepared(select(evidence).where(evidence.c.account_id == bindparam("wanted")).order_by(evidence.c.evidence_id))
_AGENTS: Final = select(agents).where(agents.c.agent_id > bindparam("after")).order_by(agents.c.agent_id).limit(bindparam("count"))
_AGENTS_OF: Final = {  # (by organisation, by person)
    (False, False): Prepared(_AGENTS),
    (True, False): Prepared(_AGENTS.where(agents.c.organisation_id == bindparam("organisation_id"))),
    (False, True): Prepared(_AGENTS.where(agents.c.person_id == bindparam("person_id"))),
    (True, True): Prepared(
        _AGENTS.where(agents.c.organisation_id == bindparam("organisation_id"), agents.c.person_id == bindparam("person_id"))
    ),
}
_NEWER: Final = frozenset({"credential_epoch"})
_AGENT: Final = select(agents).where(agents.c.agent_id == bindparam("wanted"))


@dataclass(frozen=True, slots=True)
class Vault:
    """The keys of rows about people: ``sealer`` for what is personal, ``mac_key`` for what gives rights. ``own_subject_hash``: a site's own function
    in place of the usual one. ``read_sign_ins``: sign-ins as they were opened, by all they are opened from, the ciphertext of the row too.
    """

    sealer: ValueSealer
    mac_key: bytes
    own_subject_hash: SubjectHash | None = None
    read_sign_ins: OrderedDict[tuple[str, bytes, int, int, bytes], SignIn] = field(default_factory=OrderedDict, compare=False)

    def __repr__(self) -> str:
        """Without the keys."""
        return "Vault()"


def identifier_hash(vault: Vault, kind: IdentifierKind, value: str) -> bytes:
    """The keyed hash that a (normalised) identifier is found by."""
    return vault.sealer.find(value.encode(), f"idp.identifier.{kind.value}")


def name_hash(vault: Vault, name: str) -> bytes:
    """The keyed hash that a whole name is found by; blanks and case do not count."""
    return vault.sealer.find("".join(name.split()).casefold().encode(), "idp.name")


def is_named(vault: Vault, name: str) -> ColumnElement[bool]:
    """Of a row, whether it has this whole name, also as that may stand in rows from before there was one spelling."""
    return or_(*(accounts.c.name_hash == hashed for hashed in dict.fromkeys(name_hash(vault, each) for each in spellings(name))))


def _place(column: str, row: str) -> str:
    return f"idp_accounts.{column}:{row}"


def account_row(vault: Vault, account: Account) -> dict[str, Any]:
    """The row of an account, sealed and with its MAC."""
    attributes = json.dumps(dict(account.attributes), ensure_ascii=False, sort_keys=True).encode()
    row: dict[str, Any] = {
        "account_id": account.account_id,
        "kind": account.kind.value,
        "status": account.status.value,
        "name_sealed": vault.sealer.seal(account.name.encode(), _place("name", account.account_id)),
        "name_hash": name_hash(vault, account.name),
        "attributes_sealed": vault.sealer.seal(attributes, _place("attributes", account.account_id)),
        "area": account.area,
        "level": account.level,
        "origin": account.origin,
        "needs_two_factors": account.needs_two_factors,
        "created_at": write_time(account.created_at),
        "created_by": account.created_by,
        "changed_at": write_time(account.changed_at),
        "version": account.version,
        "uversion": account.uversion,
        "credential_epoch": account.credential_epoch or None,
    }
    row["row_mac"] = row_mac(vault.mac_key, accounts.name, without_unset(row, _NEWER))
    return row


def _check(vault: Vault, row: Mapping[Any, Any]) -> None:
    check_mac(vault.mac_key, accounts.name, row["account_id"], without_unset(row, _NEWER))


def _account(connection: Connection, vault: Vault, row: Mapping[Any, Any]) -> Account:
    account_id = row["account_id"]
    _check(vault, row)
    identifiers = tuple(
        Identifier(
            IdentifierKind(each["kind"]),
            vault.sealer.open(each["value_sealed"], _place(each["kind"], account_id)).decode(),
            read_optional_time(each["verified_at"]),
        )
        for each in _IDENTIFIERS.all(connection, {"wanted": account_id})
    )
    return Account(
        account_id=account_id,
        kind=AccountKind(row["kind"]),
        status=AccountStatus(row["status"]),
        name=vault.sealer.open(row["name_sealed"], _place("name", account_id)).decode(),
        area=row["area"],
        level=row["level"],
        origin=row["origin"],
        created_at=read_time(row["created_at"]),
        created_by=row["created_by"],
        changed_at=read_time(row["changed_at"]),
        version=row["version"],
        uversion=row["uversion"],
        needs_two_factors=row["needs_two_factors"],
        attributes=json.loads(vault.sealer.open(row["attributes_sealed"], _place("attributes", account_id))),
        identifiers=tuple(sorted(identifiers, key=lambda each: (each.kind.value, each.value))),
        credential_epoch=row["credential_epoch"] or 0,
    )


def identifier_row(vault: Vault, account: Account, item: Identifier) -> dict[str, Any]:
    """The row of one of an account's (normalised) identifiers."""
    found = identifier_hash(vault, item.kind, item.value)
    return {
        "account_id": account.account_id,
        "kind": item.kind.value,
        "find_hash": found,
        "exclusive_hash": found if item.kind in EXCLUSIVE else None,
        "value_sealed": vault.sealer.seal(item.value.encode(), _place(item.kind.value, account.account_id)),
        "verified_at": write_optional_time(item.verified_at),
    }


def _write_identifiers(connection: Connection, vault: Vault, account: Account) -> None:
    for each in account.identifiers:
        row = identifier_row(vault, account, each)
        if row["exclusive_hash"] is not None:
            holder = _EXCLUSIVE.scalar(connection, {"hash": row["exclusive_hash"]})
            if holder is not None:
                raise TrustError(Kind.CONFLICT, "IDENTIFIER_TAKEN", identifier=each.kind.value)
        try:
            connection.execute(insert(account_identifiers), row)
        except IntegrityError:
            raise TrustError(Kind.CONFLICT, "IDENTIFIER_TAKEN", identifier=each.kind.value) from None


def insert_account(connection: Connection, vault: Vault, account: Account) -> None:
    """Add an account with its identifiers; IDENTIFIER_TAKEN where one that belongs to one account alone is another's."""
    connection.execute(insert(accounts), account_row(vault, account))
    _write_identifiers(connection, vault, account)
    note_account(connection, vault.sealer, account)


def update_account(connection: Connection, vault: Vault, account: Account, *, identifiers_too: bool = False) -> None:
    """Write a changed account over its version before; ACCOUNT_CHANGED where someone else changed it meanwhile, IDENTIFIER_TAKEN."""
    still = _is_still(account.account_id, account.version - 1, account.credential_epoch)
    if connection.execute(update(accounts).where(still).values(account_row(vault, account))).rowcount != 1:
        raise TrustError(Kind.CONFLICT, "ACCOUNT_CHANGED")
    if identifiers_too:
        connection.execute(delete(account_identifiers).where(account_identifiers.c.account_id == account.account_id))
        _write_identifiers(connection, vault, account)
    note_account(connection, vault.sealer, account)


def _is_still(account_id: str, version: int, credential_epoch: int) -> ColumnElement[bool]:
    """The epoch has no part in the version, which others see: neither of the two may be written over the other's change."""
    epoch = func.coalesce(accounts.c.credential_epoch, 0)
    return (accounts.c.account_id == account_id) & (accounts.c.version == version) & (epoch == credential_epoch)


def raise_credential_epoch(connection: Connection, vault: Vault, account_id: str) -> int:
    """Begin the account's next credential epoch and return it; what carries an earlier one counts no more. ACCOUNT_NOT_FOUND, ACCOUNT_CHANGED."""
    row = _ACCOUNT.first(connection, {"wanted": account_id})
    if row is None:
        raise account_not_found()
    _check(vault, row)
    before: int = row["credential_epoch"] or 0
    mac = row_mac(vault.mac_key, accounts.name, {**row, "credential_epoch": before + 1})
    change = update(accounts).where(_is_still(account_id, row["version"], before)).values(credential_epoch=before + 1, row_mac=mac)
    if connection.execute(change).rowcount != 1:
        raise TrustError(Kind.CONFLICT, "ACCOUNT_CHANGED")
    return before + 1


def find_account(connection: Connection, vault: Vault, account_id: str) -> Account | None:
    """An account with its identifiers, None where there is none."""
    row = _ACCOUNT.first(connection, {"wanted": account_id})
    return None if row is None else _account(connection, vault, row)


def account_standing(connection: Connection, vault: Vault, account_id: str) -> AccountStanding | None:
    """What an account may, with nothing opened that is personal: for every sign-in with a session. None where there is none."""
    if (row := _ACCOUNT.first(connection, {"wanted": account_id})) is None:
        return None
    _check(vault, row)
    return AccountStanding(account_id, AccountStatus(row["status"]), row["level"], row["needs_two_factors"], row["credential_epoch"] or 0)


def account_name(connection: Connection, vault: Vault, account_id: str) -> str | None:
    """What an account is called, for pages: nothing else of it is opened. None where there is none."""
    if (row := _ACCOUNT.first(connection, {"wanted": account_id})) is None:
        return None
    _check(vault, row)
    return vault.sealer.open(row["name_sealed"], _place("name", account_id)).decode()


def account_status(connection: Connection, vault: Vault, account_id: str) -> AccountStatus | None:
    """Whether an account may act: for every use of a token. None where there is none."""
    found = account_standing(connection, vault, account_id)
    return None if found is None else found.status


def load_account(connection: Connection, vault: Vault, account_id: str, kind: AccountKind | None = None) -> Account:
    """An account; ACCOUNT_NOT_FOUND where there is none, or none of this kind."""
    found = find_account(connection, vault, account_id)
    if found is None or (kind is not None and found.kind is not kind):
        raise account_not_found()
    return found


def account_id_by(connection: Connection, vault: Vault, kind: IdentifierKind, value: str) -> str | None:
    """Whose a (normalised) identifier is, of a kind that belongs to one account."""
    found: str | None = _EXCLUSIVE.scalar(connection, {"hash": identifier_hash(vault, kind, value)})
    return found


def search_query(vault: Vault, *, kind: AccountKind, name: str = "", identifier: Identifier | None = None) -> Select[Any]:
    """The query behind a page of accounts; parameters ``after`` and ``count``. Each form of it goes along an index (a test asks the databases)."""
    # Who looks for somebody must not go through all of a kind: as an expression the kind leads no database to its index
    of_kind = (accounts.c.kind if identifier is None and not name else accounts.c.kind.concat("")) == kind.value
    wanted = select(accounts).where(of_kind, accounts.c.account_id > bindparam("after"))
    if identifier is not None:
        owners = select(account_identifiers.c.account_id).where(
            account_identifiers.c.find_hash == identifier_hash(vault, identifier.kind, identifier.value)
        )
        wanted = wanted.where(accounts.c.account_id.in_(owners))
    if name:
        wanted = wanted.where(is_named(vault, name))
    return wanted.order_by(accounts.c.account_id).limit(bindparam("count"))


def list_accounts(
    connection: Connection, vault: Vault, *, kind: AccountKind, after: str, count: int, name: str = "", identifier: Identifier | None = None
) -> list[Account]:
    """Accounts in the order of their ids, those behind ``after``."""
    query = search_query(vault, kind=kind, name=name, identifier=identifier)
    return [_account(connection, vault, row) for row in connection.execute(query, {"after": after, "count": count}).mappings().all()]


# Evidence


def insert_evidence(connection: Connection, vault: Vault, account_id: str, item: Evidence) -> None:
    """Add a piece of evidence."""
    row: dict[str, Any] = {
        "evidence_id": item.evidence_id,
        "account_id": account_id,
        "method": item.method,
        "source": item.source,
        "level": item.level,
        "verified_at": write_time(item.verified_at),
        "expires_at": write_optional_time(item.expires_at),
    }
    row["row_mac"] = row_mac(vault.mac_key, evidence.name, row)
    connection.execute(insert(evidence), row)


def list_evidence(connection: Connection, vault: Vault, account_id: str) -> tuple[Evidence, ...]:
    """The evidence of an account, oldest first."""
    found = []
    for row in _EVIDENCE.all(connection, {"wanted": account_id}):
        check_mac(vault.mac_key, evidence.name, row["evidence_id"], row)
        found.append(
            Evidence(
                row["evidence_id"],
                row["method"],
                row["source"],
                row["level"],
                read_time(row["verified_at"]),
                read_optional_time(row["expires_at"]),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.verified_at, each.evidence_id)))


def delete_evidence(connection: Connection, account_id: str, evidence_id: str) -> bool:
    """Remove a piece of evidence; False where there is none of that id."""
    same = (evidence.c.account_id == account_id) & (evidence.c.evidence_id == evidence_id)
    return connection.execute(delete(evidence).where(same)).rowcount == 1


# Agents


def _agent_row(vault: Vault, agent: Agent) -> dict[str, Any]:
    row: dict[str, Any] = {
        "agent_id": agent.agent_id,
        "organisation_id": agent.organisation_id,
        "person_id": agent.person_id,
        "role": agent.role.value,
        "scopes": " ".join(agent.scopes),
        "valid_from": write_time(agent.valid_from),
        "valid_until": write_optional_time(agent.valid_until),
        "granted_by": agent.granted_by,
        "granted_at": write_time(agent.granted_at),
        "revoked_at": write_optional_time(agent.revoked_at),
        "revoked_by": agent.revoked_by,
        "standing": f"{agent.organisation_id}/{agent.person_id}" if agent.revoked_at is None else None,
        "version": agent.version,
    }
    row["row_mac"] = row_mac(vault.mac_key, agents.name, row)
    return row


def agent_of_row(vault: Vault, row: Mapping[Any, Any]) -> Agent:
    """A grant as its row has it. ROW_ALTERED for an edited one."""
    check_mac(vault.mac_key, agents.name, row["agent_id"], row)
    return Agent(
        agent_id=row["agent_id"],
        organisation_id=row["organisation_id"],
        person_id=row["person_id"],
        role=AgentRole(row["role"]),
        scopes=tuple(row["scopes"].split()),
        valid_from=read_time(row["valid_from"]),
        valid_until=read_optional_time(row["valid_until"]),
        granted_by=row["granted_by"],
        granted_at=read_time(row["granted_at"]),
        revoked_at=read_optional_time(row["revoked_at"]),
        revoked_by=row["revoked_by"],
        version=row["version"],
    )


def insert_agent(connection: Connection, vault: Vault, agent: Agent) -> None:
    """Add a grant; AGENT_EXISTS where the person already acts for the organisation."""
    standing = select(agents.c.agent_id).where(agents.c.standing == f"{agent.organisation_id}/{agent.person_id}")
    if connection.execute(standing).first() is not None:
        raise TrustError(Kind.CONFLICT, "AGENT_EXISTS")
    connection.execute(insert(agents), _agent_row(vault, agent))
    note_agent(connection, vault.sealer, agent)


def update_agent(connection: Connection, vault: Vault, agent: Agent) -> None:
    """Write a changed grant over its version before; ACCOUNT_CHANGED where someone else changed it meanwhile."""
    same = (agents.c.agent_id == agent.agent_id) & (agents.c.version == agent.version - 1)
    if connection.execute(update(agents).where(same).values(_agent_row(vault, agent))).rowcount != 1:
        raise TrustError(Kind.CONFLICT, "ACCOUNT_CHANGED")
    note_agent(connection, vault.sealer, agent)


def load_agent(connection: Connection, vault: Vault, agent_id: str) -> Agent:
    """A grant; AGENT_NOT_FOUND where there is none."""
    row = connection.execute(_AGENT, {"wanted": agent_id}).mappings().first()
    if row is None:
        raise TrustError(Kind.NOT_FOUND, "AGENT_NOT_FOUND")
    return agent_of_row(vault, row)


def list_agents(
    connection: Connection, vault: Vault, *, count: int, organisation_id: str = "", person_id: str = "", after: str = ""
) -> tuple[Agent, ...]:
    """A page of the grants of an organisation or of a person, in the order of their ids; revoked ones too."""
    named = {name: value for name, value in (("organisation_id", organisation_id), ("person_id", person_id)) if value}
    query = _AGENTS_OF[bool(organisation_id), bool(person_id)]
    return tuple(agent_of_row(vault, row) for row in query.all(connection, {"after": after, "count": count, **named}))
