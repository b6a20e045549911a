"""What the management of people reads and writes as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from idp.model.people import (
    AGENT_SCOPES_MAX,
    IDENTIFIERS_PER_ACCOUNT_MAX,
    NAME_CHARACTERS_MAX,
    Account,
    AccountKind,
    AccountStatus,
    Agent,
    AgentRole,
    Credential,
    CredentialKind,
    Evidence,
    Identifier,
    IdentifierKind,
)
from service_kit.request_shapes import RequestShape, WrittenTime
from service_kit.written_times import WrittenUtc, write_utc

if TYPE_CHECKING:
    from datetime import datetime

    from idp.model.sign_in import Session


class IdentifierShape(RequestShape):
    """What an account is found by."""

    kind: IdentifierKind = Field(strict=False)
    value: str = Field(min_length=1, max_length=500)
    verified_at: WrittenTime | None = Field(default=None, description="When it was verified; null: only claimed.")

    def read(self) -> Identifier:
        """As a value of ours."""
        return Identifier(self.kind, self.value, self.verified_at)


class AccountOrder(RequestShape):
    """What an account is created with. Levels come from evidence alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "演示用户", "area": "150700"}]})

    name: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX)
    identifiers: list[IdentifierShape] = Field(default=[], max_length=IDENTIFIERS_PER_ACCOUNT_MAX)
    attributes: dict[str, str] = Field(default={}, max_length=16)
    area: str = Field(default="", max_length=12, description="GB/T 2260, 6 or 12 digits.")
    needs_two_factors: bool = Field(default=False, description="Signs in in two ways only; administrators always do.")


class AccountPatch(RequestShape):
    """What to change; what is missing stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"area": "150702"}]})

    name: str | None = Field(default=None, min_length=1, max_length=NAME_CHARACTERS_MAX)
    identifiers: list[IdentifierShape] | None = Field(default=None, max_length=IDENTIFIERS_PER_ACCOUNT_MAX)
    attributes: dict[str, str] | None = Field(default=None, max_length=16)
    area: str | None = Field(default=None, max_length=12)
    needs_two_factors: bool | None = None


class StatusOrder(RequestShape):
    """The state an account shall be in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "disabled"}]})

    status: AccountStatus = Field(strict=False)


class EvidenceOrder(RequestShape):
    """Why somebody is who he says he is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"method": "counter", "source": "Demo hall", "level": 3}]})

    method: str = Field(max_length=40, description="Such as counter, face, remote-compare, certificate.")
    source: str = Field(min_length=1, max_length=200, description="Who verified.")
    level: int = Field(ge=0, le=4)
    verified_at: WrittenTime | None = Field(default=None, description="Now where missing.")
    expires_at: WrittenTime | None = None


class AgentOrder(RequestShape):
    """A grant: who may act for an organisation, in what, from when until when."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person_id": "pe_aaaaaaaaaaaaaaaaaaaaaaaa", "scopes": ["tax"]}]})

    person_id: str = Field(max_length=32)
    role: AgentRole = Field(default=AgentRole.AGENT, strict=False)
    scopes: list[str] = Field(default=[], max_length=AGENT_SCOPES_MAX, description="Empty: everything.")
    valid_from: WrittenTime | None = None
    valid_until: WrittenTime | None = None


class RecoveryAnswer(BaseModel):
    """A code that is shown this once."""

    recovery_code: str


class EvidenceView(BaseModel):
    """A piece of evidence."""

    id: str
    method: str
    source: str
    level: int
    verified_at: WrittenUtc
    expires_at: WrittenUtc | None


class CredentialView(BaseModel):
    """What somebody signs in with; never its value."""

    id: str
    kind: CredentialKind
    label: str
    created_at: WrittenUtc
    last_used_at: WrittenUtc | None
    expires_at: WrittenUtc | None


class CredentialList(BaseModel):
    """All that a person signs in with."""

    credentials: list[CredentialView]


class AccountView(BaseModel):
    """An account. Identifiers and attributes are personal data."""

    id: str
    kind: AccountKind
    status: AccountStatus
    name: str
    area: str
    level: int
    origin: str
    needs_two_factors: bool
    attributes: dict[str, str]
    identifiers: list[IdentifierShape]
    created_at: WrittenUtc
    changed_at: WrittenUtc
    version: int
    uversion: int


class AccountDetail(AccountView):
    """With its evidence."""

    evidence: list[EvidenceView]


class AccountPage(BaseModel):
    """Accounts in the order of their ids. ``next_after``: the value of ``after`` for the following page, null on the last."""

    accounts: list[AccountView]
    next_after: str | None


class AgentView(BaseModel):
    """A grant."""

    id: str
    organisation_id: str
    person_id: str
    role: AgentRole
    scopes: list[str]
    valid_from: WrittenUtc
    valid_until: WrittenUtc | None
    granted_by: str
    granted_at: WrittenUtc
    revoked_at: WrittenUtc | None
    revoked_by: str | None


class AgentPage(BaseModel):
    """Grants in the order of their ids, revoked ones too. ``next_after``: the value of ``after`` for the following page, null on the last."""

    agents: list[AgentView]
    next_after: str | None


class SessionView(BaseModel):
    """Where a person is signed in."""

    id: str
    account_id: str
    acting_for: str | None
    level: int
    methods: list[str]
    browser: str
    created_at: WrittenUtc
    last_seen_at: WrittenUtc
    expires_at: WrittenUtc
    ended_at: WrittenUtc | None
    is_alive: bool


class SessionPage(BaseModel):
    """Sessions of an account. ``next_after``: the value of ``after`` for the following page, null on the last."""

    sessions: list[SessionView]
    next_after: str | None


def account_view(account: Account) -> dict[str, Any]:
    """An account as JSON-compatible values."""
    return {
        "id": account.account_id,
        "kind": account.kind,
        "status": account.status,
        "name": account.name,
        "area": account.area,
        "level": account.level,
        "origin": account.origin,
        "needs_two_factors": account.needs_two_factors,
        "attributes": dict(account.attributes),
        "identifiers": [{"kind": each.kind, "value": each.value, "verified_at": each.verified_at} for each in account.identifiers],
        "created_at": write_utc(account.created_at),
        "changed_at": write_utc(account.changed_at),
        "version": account.version,
        "uversion": account.uversion,
    }


def evidence_view(item: Evidence) -> dict[str, Any]:
    """A piece of evidence as JSON-compatible values."""
    return {
        "id": item.evidence_id,
        "method": item.method,
        "source": item.source,
        "level": item.level,
        "verified_at": write_utc(item.verified_at),
        "expires_at": write_utc(item.expires_at),
    }


def credential_view(credential: Credential) -> dict[str, Any]:
    """A credential as JSON-compatible values, without its value."""
    return {
        "id": credential.credential_id,
        "kind": credential.kind,
        "label": credential.label,
        "created_at": write_utc(credential.created_at),
        "last_used_at": write_utc(credential.last_used_at),
        "expires_at": write_utc(credential.expires_at),
    }


def agent_view(agent: Agent) -> dict[str, Any]:
    """A grant as JSON-compatible values."""
    return {
        "id": agent.agent_id,
        "organisation_id": agent.organisation_id,
        "person_id": agent.person_id,
        "role": agent.role,
        "scopes": list(agent.scopes),
        "valid_from": write_utc(agent.valid_from),
        "valid_until": write_utc(agent.valid_until),
        "granted_by": agent.granted_by,
        "granted_at": write_utc(agent.granted_at),
        "revoked_at": write_utc(agent.revoked_at),
        "revoked_by": agent.revoked_by,
    }


def session_view(session: Session, at: datetime) -> dict[str, Any]:
    """A session as JSON-compatible values."""
    return {
        "id": session.session_id,
        "account_id": session.account_id,
        "acting_for": session.acting_for,
        "level": session.level,
        "methods": list(session.methods),
        "browser": session.browser,
        "created_at": write_utc(session.created_at),
        "last_seen_at": write_utc(session.last_seen_at),
        "expires_at": write_utc(session.expires_at),
        "ended_at": write_utc(session.ended_at),
        "is_alive": session.is_alive_at(at),
    }
