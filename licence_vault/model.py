"""The nouns of the licence vault. The life of a licence stands as data in ``licence_vault.life``, which is read through this module.

``LicenceData`` is what a licence says. Its canonical bytes (RFC 8785) are committed to in the public log and travel inside the sealed
file, so that reading is strict: bytes that are not canonical are no licence data.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

from crypto.sm3 import sm3_of_joined
from licence_vault import limits
from licence_vault.errors import licence_data_malformed, licence_data_too_large
from licence_vault.life import (
    ENDED,
    EVENT_NAMES,
    LICENCE_LIFE,
    SCOPE_ADMIN,
    SCOPE_DEFINE,
    SCOPE_FOREIGN,
    SCOPE_ISSUE,
    SCOPE_READ,
    SCOPE_REPORT,
    SCOPE_REVIEW,
    SCOPES,
    STATUS_CODES,
    TOKEN_STATUS,
    TYPE_LIFE,
    LicenceEvent,
    LicenceState,
    LicenceStep,
    StatusCodes,
    TokenStatus,
    TypeState,
    TypeStep,
    step_named,
    type_step_named,
)
from standards.gbt36903_metadata import HOLDER_CODE_TYPES
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ABANDONED_REVISION",
    "ENDED",
    "EVENT_NAMES",
    "LICENCE_LIFE",
    "SCOPES",
    "SCOPE_ADMIN",
    "SCOPE_DEFINE",
    "SCOPE_FOREIGN",
    "SCOPE_ISSUE",
    "SCOPE_READ",
    "SCOPE_REPORT",
    "SCOPE_REVIEW",
    "STATUS_CODES",
    "TOKEN_STATUS",
    "TYPE_LIFE",
    "AskedHolder",
    "Holder",
    "Issuer",
    "LicenceData",
    "LicenceEvent",
    "LicenceState",
    "LicenceStep",
    "LicenceTypeReference",
    "SaltedLicence",
    "StatusCodes",
    "StatusReference",
    "TokenStatus",
    "TypeState",
    "TypeStep",
    "new_salt",
    "read_salted_licence",
    "step_named",
    "type_step_named",
    "write_canonical",
]

DATA_VERSION: Final = 1
ABANDONED_REVISION: Final = 2
"""Of a cancelled licence that was never released: a draft has 1, and what was released and cancelled later at least 3."""
FIELD_KEY: Final = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{limits.FIELD_KEY_CHARACTERS - 1}}}")
_AREA: Final = re.compile(r"[0-9]{6}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_THREE_DIGITS: Final = re.compile(r"[0-9]{3}")
_HEX_SALT: Final = re.compile(rf"[0-9a-f]{{{2 * limits.SALT_BYTES}}}")
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class LicenceTypeReference:
    """By which version of which type a licence was made. ``code``: 21 characters."""

    code: str
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issued. ``code``: credit code."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Holder:
    """One holder. ``code_type``: GB/T 36903 Annex A."""

    name: str
    code: str
    code_type: str


@dataclass(frozen=True, slots=True)
class AskedHolder:
    """Whom the asker has before him. ``code`` and ``name`` must both be those of one holder of the licence."""

    name: str = field(repr=False)
    code: str = field(repr=False)

    def is_one_of(self, holders: Iterable[tuple[str, str]]) -> bool:
        """Whether one of the holders (name, code) is so named and has this code, character by character; names as Unicode composes them (NFC), for
        programs write one name in two ways that nobody can tell apart.

        How long it takes does not depend on where a guess begins to be wrong, nor on which of the holders it meets.
        """
        found = False
        for name, code in holders:
            found |= _is_same(normalize("NFC", self.name), normalize("NFC", name)) & _is_same(self.code, code)
        return found


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the status of a licence stands: the absolute address of the list, and the index in it."""

    list: str
    index: int


@dataclass(frozen=True, slots=True)
class LicenceData:
    """What a licence says. ``identifier``: GB/T 36904 with the root; ``number``: as printed; ``version``: three digits; ``valid_to``: the
    last day, None for 长期; ``fields``: the face items of the type by key.
    """

    identifier: str
    type: LicenceTypeReference
    number: str
    version: str
    name: str
    issuer: Issuer
    issued_on: date
    valid_from: date
    valid_to: date | None
    area_code: str
    holders: tuple[Holder, ...]
    fields: Mapping[str, str]
    status: StatusReference

    def as_json(self) -> dict[str, Any]:
        """The JSON value of it."""
        return {
            "v": DATA_VERSION,
            "identifier": self.identifier,
            "type": {"code": self.type.code, "name": self.type.name, "version": self.type.version},
            "number": self.number,
            "version": self.version,
            "name": self.name,
            "issuer": {"name": self.issuer.name, "code": self.issuer.code},
            "issued_on": self.issued_on.isoformat(),
            "valid_from": self.valid_from.isoformat(),
            "valid_to": None if self.valid_to is None else self.valid_to.isoformat(),
            "area_code": self.area_code,
            "holders": [{"name": each.name, "code": each.code, "code_type": each.code_type} for each in self.holders],
            "fields": dict(self.fields),
            "status": {"list": self.status.list, "index": self.status.index},
        }

    def canonical(self) -> bytes:
        """The canonical bytes (RFC 8785), which the commitment is made over."""
        return write_canonical(self.as_json())

    def commitment(self, salt: bytes) -> bytes:
        """SM3(salt ‖ canonical bytes), 32 bytes: what the log holds. ``salt``: 32 random bytes; without it the entry leads nowhere."""
        return sm3_of_joined(salt, self.canonical())


@dataclass(frozen=True, slots=True)
class SaltedLicence:
    """The content of ``licence.json`` inside a licence file: the data and the salt of its commitment."""

    data: LicenceData
    salt: bytes

    def canonical(self) -> bytes:
        """The bytes of the attachment."""
        return write_canonical({"data": self.data.as_json(), "salt": self.salt.hex()})

    def commitment(self) -> bytes:
        """The commitment that the log must hold, 32 bytes."""
        return self.data.commitment(self.salt)


def new_salt() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(limits.SALT_BYTES)


def write_canonical(value: object) -> bytes:
    """JSON in the one spelling of RFC 8785, for values whose keys are ASCII and whose numbers are integers below 2**53."""
    return _encode(value).encode()


def read_salted_licence(data: bytes) -> SaltedLicence:
    """The content of ``licence.json``. Raises LICENCE_DATA_TOO_LARGE, or LICENCE_DATA_MALFORMED with place and rule."""
    value = _object(_load(data), "$", {"data", "salt"})
    salt = _text(value["salt"], "$.salt", 2 * limits.SALT_BYTES)
    if not _HEX_SALT.fullmatch(salt):
        raise licence_data_malformed("$.salt", "64 digits of lower-case hex")
    salted = SaltedLicence(_licence_data(value["data"]), bytes.fromhex(salt))
    if salted.canonical() != data:
        raise licence_data_malformed("$", "canonical form")
    return salted


def _load(data: bytes) -> object:
    if len(data) > limits.LICENCE_JSON_BYTES:
        raise licence_data_too_large(limits.LICENCE_JSON_BYTES)
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of too many digits, nested beyond reading
        raise licence_data_malformed("$", "JSON") from None


def _licence_data(value: object) -> LicenceData:
    names = {"v", "identifier", "type", "number", "version", "name", "issuer", "issued_on", "valid_from", "valid_to", "area_code"}
    whole = _object(value, "$", names | {"holders", "fields", "status"})
    if _integer(whole["v"], "$.v", DATA_VERSION) != DATA_VERSION:
        raise licence_data_malformed("$.v", "a known version")
    type_, issuer = _object(whole["type"], "$.type", {"code", "name", "version"}), _object(whole["issuer"], "$.issuer", {"name", "code"})
    status = _object(whole["status"], "$.status", {"list", "index"})
    holders, fields = whole["holders"], whole["fields"]
    if not isinstance(holders, list) or not 1 <= len(holders) <= limits.HOLDERS:
        raise licence_data_malformed("$.holders", f"1 to {limits.HOLDERS} holders")
    if not isinstance(fields, dict) or len(fields) > limits.FIELDS or not all(FIELD_KEY.fullmatch(key) for key in fields):
        raise licence_data_malformed("$.fields", f"at most {limits.FIELDS} keys of letters, digits and underscores")
    return LicenceData(
        identifier=_text(whole["identifier"], "$.identifier", limits.IDENTIFIER_CHARACTERS),
        type=LicenceTypeReference(
            _text(type_["code"], "$.type.code", limits.IDENTIFIER_CHARACTERS),
            _text(type_["name"], "$.type.name", limits.NAME_CHARACTERS),
            _integer(type_["version"], "$.type.version", limits.STATUS_INDEX_MAX),
        ),
        number=_text(whole["number"], "$.number", limits.PRINTED_NUMBER_CHARACTERS),
        version=_matching(whole["version"], "$.version", _THREE_DIGITS, "three digits"),
        name=_text(whole["name"], "$.name", limits.NAME_CHARACTERS),
        issuer=Issuer(
            _text(issuer["name"], "$.issuer.name", limits.NAME_CHARACTERS),
            _text(issuer["code"], "$.issuer.code", limits.HOLDER_CODE_CHARACTERS),
        ),
        issued_on=_day(whole["issued_on"], "$.issued_on"),
        valid_from=_day(whole["valid_from"], "$.valid_from"),
        valid_to=None if whole["valid_to"] is None else _day(whole["valid_to"], "$.valid_to"),
        area_code=_matching(whole["area_code"], "$.area_code", _AREA, "six digits"),
        holders=tuple(_holder(each, f"$.holders[{position}]") for position, each in enumerate(holders)),
        fields={key: _text(each, f"$.fields.{key}", limits.FIELD_CHARACTERS, may_be_long=True) for key, each in fields.items()},
        status=StatusReference(
            _text(status["list"], "$.status.list", limits.STATUS_URL_CHARACTERS),
            _integer(status["index"], "$.status.index", limits.STATUS_INDEX_MAX),
        ),
    )


def _holder(value: object, place: str) -> Holder:
    one = _object(value, place, {"name", "code", "code_type"})
    code_type = _text(one["code_type"], f"{place}.code_type", limits.HOLDER_CODE_CHARACTERS)
    if code_type not in HOLDER_CODE_TYPES:
        raise licence_data_malformed(f"{place}.code_type", "a code type of GB/T 36903 Annex A")
    return Holder(
        _text(one["name"], f"{place}.name", limits.NAME_CHARACTERS),
        _text(one["code"], f"{place}.code", limits.HOLDER_CODE_CHARACTERS),
        code_type,
    )


def _object(value: object, place: str, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        raise licence_data_malformed(place, "exactly the members it has")
    return value


def _is_same(one: str, other: str) -> bool:
    """In a time that tells at most how long they are. Halves of characters (surrogates) are compared as they are: no two texts become one."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _text(value: object, place: str, limit: int, *, may_be_long: bool = False) -> str:
    """A text that is read as it is written. ``may_be_long``: a face item, which may be empty and may have several lines."""
    if not isinstance(value, str) or len(value) > limit or not (value or may_be_long):
        raise licence_data_malformed(place, f"a text of at most {limit} characters")
    if not is_plain_text(value.replace("\n", " ") if may_be_long else value):
        raise licence_data_malformed(place, "no control and direction characters")
    return value


def _integer(value: object, place: str, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise licence_data_malformed(place, f"an integer from 0 to {most}")
    return value


def _matching(value: object, place: str, pattern: re.Pattern[str], rule: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise licence_data_malformed(place, rule)
    return value


def _day(value: object, place: str) -> date:
    text = _matching(value, place, _DAY, "YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise licence_data_malformed(place, "a day of the calendar") from None
