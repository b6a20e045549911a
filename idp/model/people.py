"""Accounts of persons and organisations, how well each is proven, who acts for whom, and what they sign in with."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from idp.model.names import is_shown, one_spelling
from standards.errors import Kind, MalformedError, TrustError
from standards.gb11643_resident_id import normalise_resident_id, read_resident_id
from standards.gb32100_credit_code import read_credit_code
from standards.icao9303_document_numbers import number_as_printed
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

NAME_CHARACTERS_MAX: Final = 200
ATTRIBUTE_CHARACTERS_MAX: Final = 500
IDENTIFIERS_PER_ACCOUNT_MAX: Final = 32
EVIDENCE_PER_ACCOUNT_MAX: Final = 64
AGENT_SCOPES_MAX: Final = 32
PAGE_MAX: Final = 200
LEVEL_MAX: Final = 4
LOGIN_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,63}")
AREA_PATTERN: Final = re.compile(r"[0-9]{6}(?:[0-9]{6})?")
METHOD_PATTERN: Final = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
SCOPE_PATTERN: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,63}")
MOBILE_PATTERN: Final = re.compile(r"\+?[0-9]{6,15}")
MAIL_PATTERN: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")


class AccountKind(StrEnum):
    """A natural or a legal person."""

    PERSON = "person"
    ORGANISATION = "organisation"


class AccountStatus(StrEnum):
    """Whether an account may sign in or be acted for."""

    ACTIVE = "active"
    DISABLED = "disabled"
    CLOSED = "closed"


ACCOUNT_LIFE: Final = {
    AccountStatus.ACTIVE: frozenset({AccountStatus.DISABLED, AccountStatus.CLOSED}),
    AccountStatus.DISABLED: frozenset({AccountStatus.ACTIVE, AccountStatus.CLOSED}),
    AccountStatus.CLOSED: frozenset[AccountStatus](),
}
"""From each state, the states that may follow."""


class IdentifierKind(StrEnum):
    """What an account can be found by."""

    LOGIN = "login"
    RESIDENT_ID = "resident_id"
    PASSPORT = "passport"
    PERMIT = "permit"
    CREDIT_CODE = "credit_code"
    OTHER_ID = "other_id"
    UPSTREAM = "upstream"  # @<connector>|<subject>, or <directory>|<its id>
    MOBILE = "mobile"
    MAIL = "mail"


EXCLUSIVE: Final = frozenset(IdentifierKind) - {IdentifierKind.MOBILE, IdentifierKind.MAIL}
"""Kinds of which one value belongs to one account. Telephones and mail boxes are shared and handed on: nothing is ever linked by them."""

ID_NUMBERS: Final = {
    AccountKind.PERSON: frozenset({IdentifierKind.RESIDENT_ID, IdentifierKind.PASSPORT, IdentifierKind.PERMIT, IdentifierKind.OTHER_ID}),
    AccountKind.ORGANISATION: frozenset({IdentifierKind.CREDIT_CODE, IdentifierKind.OTHER_ID}),
}

ATTRIBUTES: Final = {
    AccountKind.PERSON: ("sex", "born_on", "nationality", "address"),
    AccountKind.ORGANISATION: (
        "organisation_type",
        "organisation_class",
        "address",
        "representative_name",
        "representative_id_type",
        "representative_id_number",
        "parent_account",
    ),
}
"""What is kept of each besides name, identifiers and area, all of it sealed."""
_NAMES: Final = frozenset({"representative_name"})  # attributes that name people


@dataclass(frozen=True, slots=True)
class Identifier:
    """One thing an account is found by. ``verified_at`` None: only claimed. The value is personal data."""

    kind: IdentifierKind
    value: str
    verified_at: datetime | None = None

    def __repr__(self) -> str:
        """Without the value."""
        return f"Identifier({self.kind.value!r})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why we believe who somebody is: ``method`` (such as ``counter``, ``face``, ``certificate``) by ``source``, worth ``level`` 0 to 4."""

    evidence_id: str
    method: str
    source: str
    level: int
    verified_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """Of an account only what says what it may: nothing personal."""

    account_id: str
    status: AccountStatus
    level: int
    needs_two_factors: bool
    credential_epoch: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """An account. ``level``: derived from its evidence. ``version``: of the row, ``uversion``: counts what others are told of (+1 per change).

    ``origin``: where it came from, such as ``operator``, ``import`` or ``upstream:region``. ``credential_epoch``: how often what was opened
    with its credentials has been ended (+1 each time). Name, attributes and identifiers are personal.
    """

    account_id: str
    kind: AccountKind
    status: AccountStatus
    name: str
    area: str
    level: int
    origin: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    version: int = 1
    uversion: int = 1
    needs_two_factors: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[Identifier, ...] = ()
    credential_epoch: int = 0

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Account({self.account_id!r}, {self.status.value}, level={self.level}, version={self.version})"

    def identifier(self, kind: IdentifierKind) -> Identifier | None:
        """The first identifier of a kind."""
        return next((each for each in self.identifiers if each.kind is kind), None)

    @property
    def id_number(self) -> Identifier | None:
        """The identifier that a state gave."""
        return next((each for each in self.identifiers if each.kind in ID_NUMBERS[self.kind]), None)


class AgentRole(StrEnum):
    """In what capacity a person acts for an organisation."""

    REPRESENTATIVE = "representative"  # 法定代表人: everything
    AGENT = "agent"  # 经办人: what the grant names


@dataclass(frozen=True, slots=True)
class Agent:
    """A grant: ``person_id`` may act for ``organisation_id`` in ``scopes`` (empty: everything) from ``valid_from`` until ``valid_until``."""

    agent_id: str
    organisation_id: str
    person_id: str
    role: AgentRole
    scopes: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime | None
    granted_by: str
    granted_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    version: int = 1

    def is_valid_at(self, at: datetime) -> bool:
        """Whether the grant counts at this moment."""
        return self.revoked_at is None and self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def may(self, scope: str) -> bool:
        """Whether the grant lets him use a scope of an API for the organisation: its representative any, an agent those it names."""
        return self.role is AgentRole.REPRESENTATIVE or not self.scopes or scope in self.scopes


class CredentialKind(StrEnum):
    """What one signs in with."""

    PASSWORD = "password"  # noqa: S105 - a kind
    TOTP = "totp"
    PASSKEY = "passkey"
    CERTIFICATE = "certificate"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential. ``value``: the password's hash (PHC text), the TOTP secret, the passkey's data, the certificate (DER), the recovery code's hash.

    ``find_hash``: keyed hash of the passkey's id or the certificate, to find it by. ``counter``: the last TOTP step or signature count used.
    """

    credential_id: str
    account_id: str
    kind: CredentialKind
    value: bytes
    label: str
    created_at: datetime
    find_hash: bytes | None = None
    counter: int = 0
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    version: int = 1

    def __repr__(self) -> str:
        """Without the value."""
        return f"Credential({self.credential_id!r}, {self.kind.value})"

    def is_usable_at(self, at: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or at < self.expires_at


ID_PREFIX: Final = {AccountKind.PERSON: "pe_", AccountKind.ORGANISATION: "or_"}


def new_id(prefix: str) -> str:
    """A new identifier: 120 random bits in lower-case base32, which tell nothing about whom they name."""
    return prefix + base64.b32encode(os.urandom(15)).decode("ascii").lower()


def field_invalid(name: str, expected: str) -> TrustError:
    """A field breaks its rule; the value, which may be personal, is not told."""
    return TrustError(Kind.UNACCEPTABLE, "ACCOUNT_FIELD_INVALID", field=name, expected=expected)


def check_name(name: str) -> None:
    """Raise ACCOUNT_FIELD_INVALID unless it can be the name of a person or organisation."""
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or not is_shown(name) or name != name.strip():
        raise field_invalid("name", f"1 to {NAME_CHARACTERS_MAX} visible characters")


def check_area(area: str) -> None:
    """Raise ACCOUNT_FIELD_INVALID unless empty, or 6 or 12 digits of GB/T 2260."""
    if area and not AREA_PATTERN.fullmatch(area):
        raise field_invalid("area", "6 or 12 digits (GB/T 2260)")


def spelled(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes as they are kept: those that are names in one spelling."""
    return {name: one_spelling(value) if name in _NAMES else value for name, value in attributes.items()}


def check_attributes(kind: AccountKind, attributes: Mapping[str, str]) -> None:
    """Raise ACCOUNT_FIELD_INVALID for an attribute that nobody knows or that is too long."""
    for name, value in attributes.items():
        if name not in ATTRIBUTES[kind]:
            raise field_invalid(f"attributes.{name[:40]}", ", ".join(ATTRIBUTES[kind]))
        if not 1 <= len(value) <= ATTRIBUTE_CHARACTERS_MAX or not is_printable(value):
            raise field_invalid(f"attributes.{name}", f"1 to {ATTRIBUTE_CHARACTERS_MAX} visible characters")


def normalise_identifier(kind: IdentifierKind, value: str) -> str:
    """The value as it is compared. ACCOUNT_FIELD_INVALID where it cannot be one: check characters of resident numbers and credit codes hold."""
    text = value.strip()
    name = f"identifiers.{kind.value}"
    try:
        if kind is IdentifierKind.RESIDENT_ID:
            return read_resident_id(normalise_resident_id(text)).text
        if kind is IdentifierKind.CREDIT_CODE:
            return read_credit_code(text.upper()).text
    except MalformedError:
        raise field_invalid(name, "a number whose check character holds") from None
    if kind is IdentifierKind.LOGIN:
        text = text.lower()
        if not LOGIN_PATTERN.fullmatch(text):
            raise field_invalid(name, "3 to 64 of a-z 0-9 . _ @ + -")
    elif kind is IdentifierKind.MOBILE:
        text = text.replace(" ", "").replace("-", "")
        if not MOBILE_PATTERN.fullmatch(text):
            raise field_invalid(name, "6 to 15 digits")
    elif kind is IdentifierKind.MAIL:
        text = text.lower()
        if not MAIL_PATTERN.fullmatch(text):
            raise field_invalid(name, "an address with one @")
    elif not 1 <= len(text) <= ATTRIBUTE_CHARACTERS_MAX or not text.isprintable():
        raise field_invalid(name, f"1 to {ATTRIBUTE_CHARACTERS_MAX} visible characters")
    return number_as_printed(text) if kind in {IdentifierKind.PASSPORT, IdentifierKind.PERMIT} else text


def normalised(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """The identifiers as they are kept: each by its rule, none twice."""
    kept: dict[tuple[IdentifierKind, str], Identifier] = {}
    for each in identifiers:
        clean = replace(each, value=normalise_identifier(each.kind, each.value))
        kept.setdefault((clean.kind, clean.value), clean)
    if len(kept) > IDENTIFIERS_PER_ACCOUNT_MAX:
        raise field_invalid("identifiers", f"at most {IDENTIFIERS_PER_ACCOUNT_MAX}")
    return tuple(kept.values())


def check_evidence(evidence: Evidence) -> None:
    """Raise ACCOUNT_FIELD_INVALID naming what breaks its rule."""
    if not METHOD_PATTERN.fullmatch(evidence.method):
        raise field_invalid("evidence.method", "a name such as counter or face")
    if not 1 <= len(evidence.source) <= NAME_CHARACTERS_MAX or not is_printable(evidence.source):
        raise field_invalid("evidence.source", f"1 to {NAME_CHARACTERS_MAX} visible characters")
    if not 0 <= evidence.level <= LEVEL_MAX:
        raise field_invalid("evidence.level", f"0 to {LEVEL_MAX}")


def check_evidence_count(count: int) -> None:
    """Raise ACCOUNT_FIELD_INVALID where an account would have more evidence than anybody looks through."""
    if count > EVIDENCE_PER_ACCOUNT_MAX:
        raise field_invalid("evidence", f"at most {EVIDENCE_PER_ACCOUNT_MAX} pieces: take some back first")


def level_at(evidence: Iterable[Evidence], at: datetime) -> int:
    """The assurance level that evidence adds up to: the strongest piece that has not expired. Without any: 0."""
    return max((each.level for each in evidence if each.expires_at is None or at < each.expires_at), default=0)


def with_status(account: Account, status: AccountStatus, at: datetime) -> Account:
    """The account in another state; ACCOUNT_STATUS_CONFLICT where the table of transitions does not allow it."""
    if status not in ACCOUNT_LIFE[account.status]:
        raise TrustError(Kind.CONFLICT, "ACCOUNT_STATUS_CONFLICT", status=account.status.value, wanted=status.value)
    return replace(account, status=status, changed_at=at, version=account.version + 1, uversion=account.uversion + 1)


def check_agent_scopes(scopes: tuple[str, ...]) -> None:
    """Raise ACCOUNT_FIELD_INVALID unless they can be the scopes of a grant."""
    if len(scopes) > AGENT_SCOPES_MAX or len(set(scopes)) != len(scopes) or not all(SCOPE_PATTERN.fullmatch(each) for each in scopes):
        raise field_invalid("scopes", f"at most {AGENT_SCOPES_MAX} names, none twice")
