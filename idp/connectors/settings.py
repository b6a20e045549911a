"""What describes an upstream: endpoints, credentials, and how its words are read as ours. Data, so that no upstream is cast in code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from idp.model.requests import LEVEL_MAX
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
VALUE_CHARACTERS_MAX: Final = 2048
ENTRIES_MAX: Final = 64
SKEW_SECONDS_MAX: Final = 300
ID_KINDS: Final = frozenset({"resident_id", "passport", "permit", "credit_code", "other_id"})


class ConnectorKind(StrEnum):
    """How an upstream is spoken to."""

    OIDC = "oidc"
    OAUTH2_TOKENINFO = "oauth2_tokeninfo"
    CODE_USERINFO = "code_userinfo"
    TICKET_MD5 = "ticket_md5"
    TRUST_TICKET = "trust_ticket"
    CAS = "cas"


ENDPOINTS: Final = {
    ConnectorKind.OIDC: ("authorization", "token", "jwks"),
    ConnectorKind.OAUTH2_TOKENINFO: ("authorization", "token", "tokeninfo"),
    ConnectorKind.CODE_USERINFO: ("authorization", "userinfo"),
    ConnectorKind.TICKET_MD5: ("authorization", "ticket"),
    ConnectorKind.TRUST_TICKET: ("authorization", "ticket"),
    ConnectorKind.CAS: ("authorization", "validation"),
}
"""The endpoints each kind cannot do without. ``logout`` (all) and ``userinfo`` (oidc) are optional."""


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """One upstream.

    ``fields``: our name of a value -> where it stands in the upstream's answer, members separated by dots; ``subject`` and ``name`` must
    be there. ``levels``, ``id_types``, ``kinds``: the upstream's value -> ours; a level that is not in the map counts as 0.
    ``kind``: what an account is where the upstream does not say. ``issuer``: only of oidc.
    """

    name: str
    protocol: ConnectorKind
    callback_url: str
    client_id: str
    client_secret: str = field(repr=False)
    endpoints: Mapping[str, str]
    fields: Mapping[str, str]
    issuer: str = ""
    scope: str = "openid"
    kind: Literal["person", "organisation"] = "person"
    levels: Mapping[str, int] = field(default_factory=dict)
    id_types: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    is_issuer_returned: bool = False
    clock_skew_seconds: int = 60

    def __post_init__(self) -> None:
        """``CONNECTOR_SETTING_INVALID`` names the first setting against its rule."""
        _require(NAME_PATTERN.fullmatch(self.name) is not None, "name")
        _require(self.kind in {"person", "organisation"}, "kind")
        _require(isinstance(self.is_issuer_returned, bool), "is_issuer_returned")
        _require(type(self.clock_skew_seconds) is int and 0 <= self.clock_skew_seconds <= SKEW_SECONDS_MAX, "clock_skew_seconds")
        for name in ("client_id", "client_secret", "scope", "issuer"):
            value = getattr(self, name)
            _require(isinstance(value, str) and len(value) <= VALUE_CHARACTERS_MAX and (value != "" or name == "issuer"), name)
        for name in ("endpoints", "fields", "levels", "id_types", "kinds"):
            entries = getattr(self, name)
            _require(isinstance(entries, dict) and len(entries) <= ENTRIES_MAX, name)
        _require(_is_address(self.callback_url), "callback_url")
        _require(all(_is_address(url) for url in self.endpoints.values()), "endpoints")
        _require(set(ENDPOINTS[self.protocol]) <= set(self.endpoints), "endpoints")
        _require({"subject", "name"} <= set(self.fields) and all(isinstance(path, str) for path in self.fields.values()), "fields")
        _require(all(type(level) is int and 0 <= level <= LEVEL_MAX for level in self.levels.values()), "levels")
        _require(all(value in ID_KINDS for value in self.id_types.values()), "id_types")
        _require(all(value in {"person", "organisation"} for value in self.kinds.values()), "kinds")
        _require((self.protocol is ConnectorKind.OIDC) == bool(self.issuer), "issuer")


def read_settings(stated: Mapping[str, Any]) -> ConnectorSettings:
    """The settings as they stand in a TOML or JSON file. ``CONNECTOR_SETTING_INVALID`` also for unknown and missing names."""
    known = set(ConnectorSettings.__dataclass_fields__)
    for name in stated:
        _require(name in known, str(name)[:40])
    for name in ("name", "protocol", "callback_url", "client_id", "client_secret", "endpoints", "fields"):
        _require(name in stated, name)
    _require(stated["protocol"] in set(ConnectorKind), "protocol")
    _require(isinstance(stated["name"], str), "name")
    return ConnectorSettings(**{**stated, "protocol": ConnectorKind(stated["protocol"])})


def _is_address(url: object) -> bool:
    if not isinstance(url, str) or len(url) > VALUE_CHARACTERS_MAX or not url.isascii() or not url.isprintable():
        return False
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and not parts.fragment


def _require(holds: bool, name: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise TrustError(Kind.UNACCEPTABLE, "CONNECTOR_SETTING_INVALID", setting=name)
