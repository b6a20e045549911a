"""Annotated copies (加注件) of licences: who had one made, why, until when, and how far its making is.

``CopyStatement`` is what a copy says of itself. Its canonical bytes (RFC 8785) are committed to in the public log and travel inside the sealed
copy, so that reading is strict. It names the licence by the commitment of that one's data: put beside other data it does not fit.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3_of_joined
from licence_vault import limits
from licence_vault.errors import licence_data_malformed, licence_data_too_large
from licence_vault.model import write_canonical
from standards.gbt7408_times import CHINA
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT_VERSION: Final = 1
FORMS: Final = ("pdf", "ofd")
_MEMBERS: Final = {"v", "form", "licence", "made_by", "reason", "made_at", "until"}
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class CopyState(StrEnum):
    """Where the making of a copy is."""

    MAKING = "making"
    MADE = "made"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class CopyStatement:
    """What a copy says of itself. ``licence``: the commitment of the licence it is a copy of, 32 bytes; ``made_by``: who had it made and may
    use it; ``made_at``, ``until``: aware UTC, whole seconds; it may be used until then and no longer.
    """

    form: str
    licence: bytes
    made_by: str
    reason: str
    made_at: datetime
    until: datetime

    def as_json(self) -> dict[str, Any]:
        """The JSON value of it."""
        return {
            "v": STATEMENT_VERSION,
            "form": self.form,
            "licence": self.licence.hex(),
            "made_by": self.made_by,
            "reason": self.reason,
            "made_at": _write_time(self.made_at),
            "until": _write_time(self.until),
        }


@dataclass(frozen=True, slots=True)
class SaltedCopy:
    """The content of ``licence-copy.json`` inside a copy: the statement and the salt (32 bytes) of its own commitment."""

    statement: CopyStatement
    salt: bytes

    def canonical(self) -> bytes:
        """The bytes of the attachment."""
        return write_canonical({"copy": self.statement.as_json(), "salt": self.salt.hex()})

    def commitment(self) -> bytes:
        """SM3(salt ‖ canonical statement), 32 bytes: what the entry ``annotated`` of the log holds."""
        return sm3_of_joined(self.salt, write_canonical(self.statement.as_json()))


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """A copy as recorded. Times are aware UTC.

    ``note_sealed``: statement, salt and the use it is for, sealed under the licence's key; None once that was erased. ``entry_id``: of its
    leaf; ``file_digest``: SM3 of the sealed copy, ``blob``: name of its sealed content, both None until it is made. ``lease_until``: until
    when its making is the work of some process. ``refusal``: why it was abandoned, empty else.
    """

    id: str
    licence_id: str
    form: str
    state: CopyState
    note_sealed: bytes | None
    made_by: str
    actor: str
    made_at: datetime
    until: datetime
    entry_id: str
    file_digest: bytes | None
    size_bytes: int
    blob: str | None
    refusal: str
    lease_until: datetime
    claim_digest: bytes | None


def new_copy_id(at: datetime) -> str:
    """A fresh identifier: ``cp_``, 48 bits of time and 48 random bits."""
    return f"cp_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"


def read_salted_copy(data: bytes) -> SaltedCopy:
    """The content of ``licence-copy.json``. Raises LICENCE_DATA_TOO_LARGE, or LICENCE_DATA_MALFORMED with place and rule."""
    # 1. One object with one object in it, of exactly the members they have.
    if len(data) > limits.COPY_JSON_BYTES:
        raise licence_data_too_large(limits.COPY_JSON_BYTES)
    try:
        whole = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise licence_data_malformed("$", "JSON") from None
    if not isinstance(whole, dict) or whole.keys() != {"copy", "salt"}:
        raise licence_data_malformed("$", "exactly the members it has")
    stated = whole["copy"]
    if not isinstance(stated, dict) or stated.keys() != _MEMBERS:
        raise licence_data_malformed("$.copy", "exactly the members it has")
    if type(stated["v"]) is not int or stated["v"] != STATEMENT_VERSION:
        raise licence_data_malformed("$.copy.v", "a known version")
    if stated["form"] not in FORMS:
        raise licence_data_malformed("$.copy.form", "pdf or ofd")

    # 2. Each member by its rule, the whole in its one spelling.
    salted = SaltedCopy(
        CopyStatement(
            form=stated["form"],
            licence=_digest(stated["licence"], "$.copy.licence"),
            made_by=_text(stated, "made_by", limits.COPY_MAKER_CHARACTERS),
            reason=_text(stated, "reason", limits.COPY_REASON_CHARACTERS),
            made_at=_time(stated, "made_at"),
            until=_time(stated, "until"),
        ),
        _digest(whole["salt"], "$.salt"),
    )
    if salted.canonical() != data:
        raise licence_data_malformed("$", "canonical form")
    if not timedelta() < salted.statement.until - salted.statement.made_at <= timedelta(days=limits.COPY_DAYS_MAX):
        raise licence_data_malformed("$.copy.until", f"after made_at, at most {limits.COPY_DAYS_MAX} days")
    return salted


def is_copy_text(text: str, limit: int) -> bool:
    """Whether a text can stand on a copy: 1 to ``limit`` characters on one line, read as they are written, without blanks around them."""
    return 0 < len(text) <= limit and is_printable(text) and text.strip() == text


def _digest(value: object, place: str) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise licence_data_malformed(place, "64 digits of lower-case hex")
    return bytes.fromhex(value)


def _text(stated: Mapping[str, Any], name: str, limit: int) -> str:
    value = stated[name]
    if not isinstance(value, str) or not is_copy_text(value, limit):
        raise licence_data_malformed(f"$.copy.{name}", f"1 to {limit} characters on one line")
    return value


def _write_time(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _time(stated: Mapping[str, Any], name: str) -> datetime:
    value = stated[name]
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise licence_data_malformed(f"$.copy.{name}", "YYYY-MM-DDThh:mm:ssZ")
    try:
        at = datetime.fromisoformat(value)
        at.astimezone(CHINA)  # as readers are told it: the last hours of the year 9999 have no such time
    except (ValueError, OverflowError):
        raise licence_data_malformed(f"$.copy.{name}", "a time of the calendar") from None
    return at
