"""What describes an upstream: endpoints, credentials, and how its words are read as ours. Data, so that no upstream is cast in code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from crypto.sm2_form import SM2_NAMES, SM2_SIGNATURES
from idp.model.requests import LEVEL_MAX
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE_CHARACTERS_MAX: Final = 60
LINK_LEVEL_MIN: Final = 2  # below it nothing is proven that two accounts could be told to be one by
AGENT_SECONDS_MAX: Final = 31 * 86_400
NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
VALUE_CHARACTERS_MAX: Final = 2048
ENTRIES_MAX: Final = 64
UPSTREAMS_MAX: Final = 16  # each is a button on the sign-in page
SKEW_SECONDS_MAX: Final = 300
_HANDLER: Final = frozenset({"id_type", "level"})
_WAY_METHOD: Final = re.compile(r"[a-z][a-z0-9_-]{0,29}")  # with "upstream." before it the method of a piece of evidence
ID_KINDS: Final = frozenset({"resident_id", "passport", "permit", "credit_code", "other_id"})


class ConnectorKind(StrEnum):
    """How an upstream is spoken to."""

    OIDC = "oidc"
    OAUTH2_TOKENINFO = "oauth2_tokeninfo"
    CODE_USERINFO = "code_userinfo"
    TICKET_MD5 = "ticket_md5"
    TRUST_TICKET = "trust_ticket"
    CAS = "cas"
    KEYCLOAK = "keycloak"
    SSO_TOKEN = "sso_token"  # noqa: S105 - a protocol
    ENCRYPTED_REDIRECT = "encrypted_redirect"


ENDPOINTS: Final = {
    ConnectorKind.OIDC: ("authorization", "token", "jwks"),
    ConnectorKind.OAUTH2_TOKENINFO: ("authorization", "token", "tokeninfo"),
    ConnectorKind.CODE_USERINFO: ("authorization", "userinfo"),
    ConnectorKind.TICKET_MD5: ("authorization", "ticket"),
    ConnectorKind.TRUST_TICKET: ("authorization", "ticket"),
    ConnectorKind.CAS: ("authorization", "validation"),
    ConnectorKind.KEYCLOAK: ("authorization", "token", "jwks"),
    ConnectorKind.SSO_TOKEN: ("authorization", "ticket"),
    ConnectorKind.ENCRYPTED_REDIRECT: ("authorization",),
}
"""The endpoints each kind cannot do without. ``logout`` (all) and ``userinfo`` (oidc) are optional."""
SIGNING: Final = frozenset({ConnectorKind.OIDC, ConnectorKind.KEYCLOAK})
"""Kinds that sign what they say as an issuer."""
KEYCLOAK_PATHS: Final = {"authorization": "auth", "token": "token", "jwks": "certs", "userinfo": "userinfo", "logout": "logout"}
SM2_SETTINGS: Final = {"alg": SM2_NAMES, "signature": SM2_SIGNATURES}
CIPHERS: Final = {"sm4-gcm": (16, 0, 0), "sm4-cbc-hmac-sm3": (16, 16, 64), "sm2-sm3": (32, 64, 65)}
"""Scheme -> octets of the key, least and most octets of the proof key (HMAC key; the upstream's SM2 point)."""


@dataclass(frozen=True, slots=True)
class LinkingRules:
    """What the operator believes an upstream.

    ``id_types``: kinds of number for which its word is good enough to join its identity with an account that bears the same verified
    number; empty: none. ``least_level``: from which level of the identity on, 2 to 4. ``creates_accounts``: who has no account here gets
    one. ``agent_seconds``: how long its word that somebody acts for an organisation holds; 0: it is not believed.
    """

    id_types: tuple[str, ...] = ()
    least_level: int = LINK_LEVEL_MIN
    creates_accounts: bool = True
    agent_seconds: int = 0

    def __post_init__(self) -> None:
        """``CONNECTOR_SETTING_INVALID`` names the first rule that is none."""
        _require(all(each in ID_KINDS for each in self.id_types), "linking.id_types")
        _require(type(self.least_level) is int and LINK_LEVEL_MIN <= self.least_level <= LEVEL_MAX, "linking.least_level")
        _require(isinstance(self.creates_accounts, bool), "linking.creates_accounts")
        _require(type(self.agent_seconds) is int and 0 <= self.agent_seconds <= AGENT_SECONDS_MAX, "linking.agent_seconds")


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """One upstream.

    ``fields``: our name of a value -> where it stands in the upstream's answer, members separated by dots; ``subject`` and ``name`` must
    be there. ``levels``, ``id_types``, ``kinds``: the upstream's value -> ours; a level that is not in the map counts as 0.
    ``kind``: what an account is where the upstream does not say. ``issuer``: only of oidc and keycloak. ``title_zh``, ``title_en``: on the button.
    ``agents``: where a person's record lists organisations (``list``) and where in each entry ``subject``, ``name`` and ``credit_code`` stand.
    ``handler``: where an organisation's record names the person who acts (``name``, ``id_type``, ``id_number``, ``level``).
    ``ways``: where the record lists how its level came about, as one text (``list``): entries of level, method and number of the proof, with ``between``
    (default ``||``) between the entries and ``within`` (default ``@``) inside of them. ``way_methods``: the upstream's method -> ours.
    ``sm2``: of oidc and keycloak, where the upstream signs with SM2: the name in ``alg`` (``alg``, default SGD_SM3_SM2) and how the ``signature`` is written
    (``raw``, the default, or ``der``). That form is then taken, and no other; without it SM2 is not. A curve of its own, so no other key can stand for it.
    ``access_key``: of the gateway of sso_token. ``cipher``: of encrypted_redirect, ``scheme`` (CIPHERS), ``key`` and ``proof_key`` in hexadecimal.
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
    title_zh: str = ""
    title_en: str = ""
    agents: Mapping[str, str] = field(default_factory=dict)
    handler: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)
    way_methods: Mapping[str, str] = field(default_factory=dict)
    sm2: Mapping[str, str] = field(default_factory=dict)
    access_key: str = ""
    cipher: Mapping[str, str] = field(default_factory=dict, repr=False)
    linking: LinkingRules = field(default_factory=LinkingRules)

    def __post_init__(self) -> None:
        """``CONNECTOR_SETTING_INVALID`` names the first setting against its rule."""
        _require(NAME_PATTERN.fullmatch(self.name) is not None, "name")
        _require(self.kind in {"person", "organisation"}, "kind")
        _require(isinstance(self.is_issuer_returned, bool), "is_issuer_returned")
        _require(type(self.clock_skew_seconds) is int and 0 <= self.clock_skew_seconds <= SKEW_SECONDS_MAX, "clock_skew_seconds")
        for name in ("client_id", "client_secret", "scope", "issuer"):
            value = getattr(self, name)
            _require(isinstance(value, str) and len(value) <= VALUE_CHARACTERS_MAX and (value != "" or name == "issuer"), name)
        for name in ("title_zh", "title_en"):
            value = getattr(self, name)
            _require(isinstance(value, str) and len(value) <= TITLE_CHARACTERS_MAX and (not value or is_printable(value)), name)
        for name in ("endpoints", "fields", "levels", "id_types", "kinds", "agents", "handler", "ways", "way_methods", "sm2", "cipher"):
            entries = getattr(self, name)
            _require(isinstance(entries, dict) and len(entries) <= ENTRIES_MAX, name)
        _require(_is_address(self.callback_url), "callback_url")
        _require(all(_is_address(url) for url in self.endpoints.values()), "endpoints")
        _require(set(ENDPOINTS[self.protocol]) <= set(self.endpoints), "endpoints")
        _require({"subject", "name"} <= set(self.fields) and all(isinstance(path, str) for path in self.fields.values()), "fields")
        for name, needed, possible in (
            ("agents", {"list", "subject", "name"}, {"credit_code"}),
            ("handler", {"name", "id_number"}, _HANDLER),
            ("ways", {"list"}, {"between", "within"}),
        ):
            entries = getattr(self, name)
            _require(not entries or needed <= set(entries) <= needed | possible, name)
            _require(all(isinstance(path, str) for path in entries.values()), name)
        _require(bool(self.ways) == bool(self.way_methods) and all(self.ways.values()), "ways")
        methods = self.way_methods.values()
        is_known = all(isinstance(each, str) and _WAY_METHOD.fullmatch(each) and each not in set(ConnectorKind) for each in methods)
        _require(is_known, "way_methods")
        _require(all(type(level) is int and 0 <= level <= LEVEL_MAX for level in self.levels.values()), "levels")
        _require(all(value in ID_KINDS for value in self.id_types.values()), "id_types")
        _require(all(value in {"person", "organisation"} for value in self.kinds.values()), "kinds")
        _require((self.protocol in SIGNING) == bool(self.issuer), "issuer")
        _require(not self.sm2 or self.protocol in SIGNING, "sm2")
        _require(all(value in SM2_SETTINGS.get(name, ()) for name, value in self.sm2.items()), "sm2")
        _require(
            isinstance(self.access_key, str) and len(self.access_key) <= VALUE_CHARACTERS_MAX and self.access_key.isascii(), "access_key"
        )
        _require((self.protocol is ConnectorKind.ENCRYPTED_REDIRECT) == bool(self.cipher), "cipher")
        if self.cipher:
            _check_cipher(self.cipher)
            _require("state" in self.fields, "fields")


def _check_cipher(cipher: Mapping[str, str]) -> None:
    sizes = CIPHERS.get(str(cipher.get("scheme")))
    _require(sizes is not None and set(cipher) <= {"scheme", "key", "proof_key"}, "cipher")
    key, low, high = sizes or (0, 0, 0)
    try:
        keys = [bytes.fromhex(cipher.get(name, "")) for name in ("key", "proof_key")]
    except (TypeError, ValueError):
        raise _invalid("cipher") from None
    _require(len(keys[0]) == key and low <= len(keys[1]) <= high, "cipher")


def read_settings(stated: Mapping[str, Any]) -> ConnectorSettings:
    """The settings as they stand in a TOML or JSON file. ``CONNECTOR_SETTING_INVALID`` also for unknown and missing names."""
    if stated.get("protocol") == ConnectorKind.KEYCLOAK and isinstance(stated.get("issuer"), str):
        paths = {name: f"{stated['issuer']}/protocol/openid-connect/{path}" for name, path in KEYCLOAK_PATHS.items()}
        stated = {"is_issuer_returned": True, "endpoints": paths, **stated}
    known = set(ConnectorSettings.__dataclass_fields__)
    for name in stated:
        _require(name in known, str(name)[:40])
    for name in ("name", "protocol", "callback_url", "client_id", "client_secret", "endpoints", "fields"):
        _require(name in stated, name)
    _require(stated["protocol"] in set(ConnectorKind), "protocol")
    _require(isinstance(stated["name"], str), "name")
    return ConnectorSettings(
        **{**stated, "protocol": ConnectorKind(stated["protocol"]), "linking": _read_linking(stated.get("linking", {}))}
    )


def _read_linking(stated: object) -> LinkingRules:
    known = set(LinkingRules.__dataclass_fields__)
    if not isinstance(stated, dict):
        raise _invalid("linking")
    for name in stated:
        _require(name in known, f"linking.{str(name)[:40]}")
    types = stated.get("id_types", [])
    _require(isinstance(types, list), "linking.id_types")
    return LinkingRules(**{**stated, "id_types": tuple(types)})


def read_upstreams(text: str, base_url: str) -> dict[str, ConnectorSettings]:
    """All upstreams of a file (TOML, ``[[upstream]]`` each) by name, in its order. ``callback_url`` may be left out.

    ``CONNECTOR_SETTING_INVALID`` with the upstream's number or name and the setting.
    """
    try:
        stated = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise _invalid("file") from None
    entries = stated.get("upstream", [])
    _require(set(stated) <= {"upstream"} and isinstance(entries, list) and len(entries) <= UPSTREAMS_MAX, "upstream")
    read: dict[str, ConnectorSettings] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise _invalid(f"upstream {number}")
        try:
            given = read_settings({"callback_url": f"{base_url}/sign-in/upstream/{entry.get('name', '')}/callback", **entry})
        except TrustError as error:
            raise _invalid(f"upstream {number}: {error.facts['setting']}") from None
        _require(given.name not in read, f"upstream {number}: name")
        read[given.name] = given
    return read


def _is_address(url: object) -> bool:
    if not isinstance(url, str) or len(url) > VALUE_CHARACTERS_MAX or not url.isascii() or not url.isprintable():
        return False
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and not parts.fragment


def _require(holds: bool, name: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise _invalid(name)


def _invalid(name: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "CONNECTOR_SETTING_INVALID", setting=name)
