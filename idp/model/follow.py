"""Directories that this one follows: how a source is declared, how what it tells of a subject becomes a row of an import. No input or output here.

What a source tells is its word, not ours: numbers come as claimed, never as proven, passwords not at all, and levels only as far as the operator
says. A source tells on what is its own. What it follows itself, or has from here, is passed over, so that directories that follow each other, in
whatever circle, do not echo.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from idp.model.changes import SubjectKind
from idp.model.federation import FOLLOWED
from idp.model.imports import COLUMNS, IDENTIFIER_COLUMNS, IMPORT_LEVEL_MAX, SOURCE_PATTERN
from idp.model.people import ID_NUMBERS, AccountKind, AccountStatus
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SOURCES_MAX: Final = 32
VALUE_CHARACTERS_MAX: Final = 1024
SUBJECT_CHARACTERS_MAX: Final = 255
CURSOR_CHARACTERS_MAX: Final = 2048
AREAS_MAX: Final = 64
INTERVAL_SECONDS_MIN: Final = 5
INTERVAL_SECONDS_MAX: Final = 86_400
RECONCILE_HOURS_MAX: Final = 24 * 31
BACK_OFF_SECONDS_MAX: Final = 3600
_AREA: Final = re.compile(r"[0-9]{2,12}")
_PATH: Final = re.compile(r"[A-Za-z0-9_$-]{1,64}(?:\.[A-Za-z0-9_$-]{1,64}){0,5}")
NOT_MAPPED: Final = frozenset({"source_id", "kind", "version", "password_hash"})
"""Columns of an import that no field of a source becomes: they are told in another way, or not at all."""
_NUMBER_COLUMNS: Final = tuple(name for name in ("resident_id", "credit_code", "passport", "permit", "other_id"))
_IDENTIFIERS: Final = {name: f"identifiers.{name}" for name in IDENTIFIER_COLUMNS}


class SourceProtocol(StrEnum):
    """How a source is spoken to."""

    FEED = "feed"  # another Yinxin: its feed of changes, facts and reconciliation
    SCIM = "scim"  # any server of SCIM 2.0


FIELDS: Final = {
    SourceProtocol.FEED: {
        "name": "name",
        "status": "status",
        "area": "area",
        "level": "level",
        **_IDENTIFIERS,
        **{name: f"attributes.{name}" for name in COLUMNS if name not in {*NOT_MAPPED, *_IDENTIFIERS, "name", "status", "area", "level"}},
    },
    SourceProtocol.SCIM: {
        "name": "name.formatted",
        "status": "active",
        "area": "extension.area",
        "level": "extension.level",
        **{name: path for name, path in _IDENTIFIERS.items() if name not in {"mail", "mobile"}},
        "mail": "emails.value",
        "mobile": "phoneNumbers.value",
        "address": "addresses.formatted",
        "sex": "extension.sex",
        "born_on": "extension.bornOn",
        "nationality": "extension.nationality",
        "organisation_type": "extension.organisationType",
        "organisation_class": "extension.organisationClass",
    },
}
"""Column of an import -> where it stands in what a source of this protocol tells, members separated by dots; of a list its primary or first entry."""


@dataclass(frozen=True, slots=True)
class FollowedSource:
    """One directory that is followed.

    ``token_url`` empty: below the base address for a feed; for SCIM then ``client_secret`` is itself the bearer token, or nothing is shown.
    ``client_secret`` empty: of a feed and of a token address the client proves itself with a key that is made here (private_key_jwt).
    ``kinds``: subjects taken; ``agent``: who acts for the organisations that the source brought. ``areas``: beginnings of the areas taken; none: all.
    ``fields``: in place of single entries of ``FIELDS``; an empty path leaves a column out. ``believed_level``: up to which level its word is evidence for
    new accounts, 0 (default): not at all. ``reconcile_hours``: how often everything is compared, 0: only when asked for.
    """

    code: str
    protocol: SourceProtocol
    base_url: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_url: str = ""
    scope: str = ""
    kinds: tuple[str, ...] = ("person", "organisation")
    areas: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    believed_level: int = 0
    interval_seconds: int = 60
    reconcile_hours: int = 24

    def __post_init__(self) -> None:
        """``SOURCE_SETTING_INVALID`` names the first setting against its rule."""
        _require(SOURCE_PATTERN.fullmatch(self.code) is not None, "code")
        _require(is_safe_address(self.base_url) and not self.base_url.endswith("/"), "base_url")
        _require(not self.token_url or is_safe_address(self.token_url), "token_url")
        for name in ("client_id", "client_secret", "scope"):
            value = getattr(self, name)
            _require(isinstance(value, str) and len(value) <= VALUE_CHARACTERS_MAX and value.isascii() and value.isprintable(), name)
        _require(bool(self.client_id) == bool(self.token_address), "client_id")
        _require(bool(self.kinds) and len(set(self.kinds)) == len(self.kinds) and set(self.kinds) <= set(SubjectKind), "kinds")
        _require(len(self.areas) <= AREAS_MAX and all(isinstance(each, str) and _AREA.fullmatch(each) for each in self.areas), "areas")
        _require(isinstance(self.fields, dict) and set(self.fields) <= set(COLUMNS) - NOT_MAPPED, "fields")
        _require(all(isinstance(path, str) and (not path or _PATH.fullmatch(path)) for path in self.fields.values()), "fields")
        _require(_is_within(self.believed_level, 0, IMPORT_LEVEL_MAX), "believed_level")
        _require(_is_within(self.interval_seconds, INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX), "interval_seconds")
        _require(_is_within(self.reconcile_hours, 0, RECONCILE_HOURS_MAX), "reconcile_hours")

    @property
    def origin(self) -> str:
        """What accounts are said to come from, and what stands before the source's names of them."""
        return FOLLOWED + self.code

    @property
    def actor(self) -> str:
        """Who the record says has done what the source brought."""
        return f"source:{self.code}"

    @property
    def token_address(self) -> str:
        """Where tokens are asked for; empty: none are."""
        return self.token_url or (f"{self.base_url}/oauth2/token" if self.protocol is SourceProtocol.FEED else "")

    @property
    def has_key(self) -> bool:
        """Whether the client proves itself with a key in place of a secret."""
        return bool(self.client_id) and not self.client_secret

    def path(self, column: str) -> str:
        """Where a column stands; empty: nowhere."""
        return self.fields.get(column, FIELDS[self.protocol].get(column, ""))


@dataclass(frozen=True, slots=True)
class Told:
    """What a source tells of a subject. ``version``: its own count, from 1; None where it has none. ``seen``: what must not go back, whatever it counts.
    ``digest``: 32 bytes, of all it tells. ``document``: None where the subject is gone there. ``ids_elsewhere``: what other directories call the subject,
    ``is_relayed``: the source itself has it from a directory that it follows. ``members``: of an organisation, None: not told. Personal data.
    """

    subject_id: str
    kind: SubjectKind
    version: int | None
    seen: int
    digest: bytes
    document: Mapping[str, Any] | None
    ids_elsewhere: tuple[str, ...] = ()
    is_relayed: bool = False
    members: frozenset[str] | None = None

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Told({self.kind.value!r}, version={self.version})"


class NotedOutcome(StrEnum):
    """What became of what a source told of a subject last."""

    APPLIED = "applied"
    PASSED = "passed"  # not for us: of a kind or area that is not taken, of another directory, or from here
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Noted:
    """How far a subject of a source is known. ``local_id``: the account, or the grant, that it is here."""

    subject_id: str
    seen: int
    digest: bytes
    outcome: NotedOutcome
    code: str = ""
    local_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source is followed. ``current_at``: up to then everything it told is here. ``report``: of the last reconciliation. Times are aware UTC."""

    cursor: str
    lease_until: datetime
    next_at: datetime
    reconcile_at: datetime | None
    failures: int
    created_at: datetime
    created_by: str
    current_at: datetime | None = None
    last_error: str = ""
    report: Mapping[str, Any] | None = None


def read_source(stated: Mapping[str, Any]) -> FollowedSource:
    """A source as it stands in JSON or TOML. ``SOURCE_SETTING_INVALID`` also for unknown and missing names."""
    known = set(FollowedSource.__dataclass_fields__)
    for name in stated:
        _require(name in known, str(name)[:40])
    for name in ("code", "protocol", "base_url"):
        _require(isinstance(stated.get(name), str), name)
    for name in ("token_url", "client_id", "client_secret", "scope"):
        _require(isinstance(stated.get(name, ""), str), name)
    _require(stated["protocol"] in set(SourceProtocol), "protocol")
    lists = {name: stated[name] for name in ("kinds", "areas") if name in stated}
    for name, value in lists.items():
        _require(isinstance(value, list | tuple) and all(isinstance(each, str) for each in value), name)
    read = {**stated, **{name: tuple(value) for name, value in lists.items()}, "protocol": SourceProtocol(stated["protocol"])}
    if read["protocol"] is SourceProtocol.FEED:
        read.setdefault("scope", "directory.read")
    return FollowedSource(**read)


def write_source(source: FollowedSource) -> dict[str, Any]:
    """What ``read_source`` reads. With the secret."""
    return {**asdict(source), "protocol": source.protocol.value, "kinds": list(source.kinds), "areas": list(source.areas)}


def is_safe_address(url: object) -> bool:
    """Whether secrets and personal data may go there: TLS, or this very machine."""
    if not isinstance(url, str) or len(url) > VALUE_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.query or parts.fragment or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_taken(source: FollowedSource, told: Told) -> bool:
    """Whether a subject that nobody here knows is one that the source is followed for: its own, of a kind and area that are taken, not at its end."""
    if told.document is None or told.is_relayed or told.kind.value not in source.kinds:
        return False
    if told.kind is SubjectKind.AGENT:
        return True
    area = text_at(told.document, source.path("area"))
    is_near = not source.areas or any(area.startswith(each) for each in source.areas)
    return is_near and told.document.get("status") != AccountStatus.CLOSED.value


def row_of(source: FollowedSource, told: Told) -> dict[str, str]:
    """What is told of an account, as a row of an import. Of several numbers one counts."""
    document, kind = told.document or {}, AccountKind(told.kind.value)
    row = {"source_id": told.subject_id, "kind": kind.value}
    if told.version is not None:
        row["version"] = str(told.version)
    others = {
        each.value for each in ID_NUMBERS[AccountKind.ORGANISATION if kind is AccountKind.PERSON else AccountKind.PERSON] - ID_NUMBERS[kind]
    }
    for column in (each for each in COLUMNS if each not in {*NOT_MAPPED, *others}):
        path = source.path(column)
        if path:
            row[column] = text_at(document, path)
    numbers = [name for name in _NUMBER_COLUMNS if row.get(name)]
    for name in numbers[1:]:
        del row[name]
    row["status"] = {"true": "active", "false": "disabled"}.get(row.get("status", ""), row.get("status", ""))
    level = row.pop("level", "")
    if source.believed_level and level.isdigit():
        row["level"] = str(min(int(level[:3]), source.believed_level))
    return row


def text_at(document: Mapping[str, Any], path: str) -> str:
    """The text at a path; empty where there is none. Of a list the primary entry, or the first."""
    found: Any = document
    for member in path.split("."):
        if isinstance(found, list):
            found = next((each for each in found if isinstance(each, dict) and each.get("primary") is True), found[0] if found else None)
        found = found.get(member) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found).strip() if isinstance(found, str | int) else ""


def back_off_seconds(interval_seconds: int, failures: int, share: float) -> float:
    """How long to wait after so many failures in a row: twice as long each time, up to an hour, of which ``share`` (0 to 1) takes off up to half."""
    whole = min(interval_seconds * 2.0 ** min(failures, 16), max(BACK_OFF_SECONDS_MAX, interval_seconds))
    return whole * (1 - share / 2)


def _is_within(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _require(holds: bool, name: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise TrustError(Kind.UNACCEPTABLE, "SOURCE_SETTING_INVALID", setting=name)
