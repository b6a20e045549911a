"""Leaves of the licence log: what the world may know of each event, and of each published status list. No personal data, by construction.

A leaf is canonical JSON (RFC 8785) of a fixed set of members, each of which is a code, a number, a time or a digest: there is no member
that a name, a number of a person or of a licence, or any other free text would fit into. What a licence says is bound by the commitment,
SM3(salt ‖ canonical data): whoever has data and salt can check it, nobody else learns anything, and deleting the salt unlinks for good.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from licence_vault.model import LicenceEvent
from standards.errors import MalformedError
from standards.gb11643_resident_id import read_resident_id
from standards.gb32100_credit_code import LENGTH, is_credit_code

LEAF_BYTES: Final = 1024
VERSION: Final = 1
STATUS_LIST_EVENT: Final = "status_list"
LICENCE_EVENTS: Final = frozenset(str(event) for event in LicenceEvent)
CODES_KEPT: Final = 4096
INTEGER_LIMIT: Final = 2**53 - 1  # RFC 8785 3.2.2.3
_TYPE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_ISSUER: Final = re.compile(r"[0-9A-Z]{18}")
_VERSION: Final = re.compile(r"[0-9]{3}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LICENCE_MEMBERS: Final = frozenset({"v", "event", "type", "issuer", "version", "time", "previous", "status_index", "file", "commitment"})
_LIST_MEMBERS: Final = frozenset({"v", "event", "list", "time", "size", "bits", "digest"})
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class LicenceLeaf:
    """An event in the life of a licence.

    ``type_code``: 21 characters; ``issuer_code``: 18; ``version``: three digits. ``at``: aware UTC, whole seconds. ``previous``: index in
    the log of the licence's event before this one, None for the first. ``status_index``: its place in its status list. ``file_digest``: SM3
    of the sealed file, 32 bytes, None where there is none. ``commitment``: 32 bytes.
    """

    event: str
    type_code: str
    issuer_code: str
    version: str
    at: datetime
    previous: int | None
    status_index: int
    file_digest: bytes | None
    commitment: bytes


@dataclass(frozen=True, slots=True)
class StatusListLeaf:
    """A status list was published. ``list_number`` from 1; ``size`` entries of ``bits`` bits; ``digest``: SM3 over the packed bytes (32).

    ``at``: aware UTC, whole seconds: the ``iat`` of the list's tokens, of whatever form and key.
    """

    list_number: int
    at: datetime
    size: int
    bits: int
    digest: bytes


def write_leaf(leaf: LicenceLeaf | StatusListLeaf) -> bytes:
    """The leaf's bytes. MalformedError LICENCE_LEAF_FORM for what no reader would accept."""
    if leaf.at.utcoffset() is None:
        raise MalformedError("LICENCE_LEAF_FORM", member="time")
    at = _time_text(leaf.at)
    if isinstance(leaf, StatusListLeaf):
        listed: dict[str, object] = {
            "v": VERSION,
            "time": at,
            "event": STATUS_LIST_EVENT,
            "list": leaf.list_number,
            "size": leaf.size,
            "bits": leaf.bits,
            "digest": leaf.digest.hex(),
        }
        _leaf_of(listed)  # what no reader would accept is not written
        return _encode(listed).encode()
    file_digest = None if leaf.file_digest is None else leaf.file_digest.hex()
    members: dict[str, object] = {
        "v": VERSION,
        "event": leaf.event,
        "type": leaf.type_code,
        "issuer": leaf.issuer_code,
        "version": leaf.version,
        "previous": leaf.previous,
        "status_index": leaf.status_index,
        "file": file_digest,
        "commitment": leaf.commitment.hex(),
    }
    _check_licence(members)
    # In the one spelling, by hand: many leaves are written, and none of these texts has a character that JSON would write otherwise
    file = "null" if file_digest is None else f'"{file_digest}"'
    previous = "null" if leaf.previous is None else leaf.previous
    return (
        f'{{"commitment":"{members["commitment"]}","event":"{leaf.event}","file":{file},"issuer":"{leaf.issuer_code}","previous":{previous},'
        f'"status_index":{leaf.status_index},"time":"{at}","type":"{leaf.type_code}","v":{VERSION},"version":"{leaf.version}"}}'
    ).encode()


def read_leaf(data: bytes) -> LicenceLeaf | StatusListLeaf:
    """Read a leaf, strictly: its one spelling and nothing else. MalformedError LICENCE_LEAF_FORM names the member."""
    if len(data) > LEAF_BYTES:
        raise MalformedError("LICENCE_LEAF_FORM", member="length")
    try:
        members = json.loads(data.decode())
        canonical = _encode(members).encode()
    except (ValueError, RecursionError):
        raise MalformedError("LICENCE_LEAF_FORM", member="JSON") from None
    if canonical != data or not isinstance(members, dict):
        raise MalformedError("LICENCE_LEAF_FORM", member="JSON")
    return _leaf_of(members)


def _leaf_of(members: dict[str, Any]) -> LicenceLeaf | StatusListLeaf:
    if _number(members, "v") != VERSION:
        raise MalformedError("LICENCE_LEAF_FORM", member="v")
    at = _time(members)
    event = members.get("event")
    if event == STATUS_LIST_EVENT:
        if members.keys() != _LIST_MEMBERS:
            raise MalformedError("LICENCE_LEAF_FORM", member="members")
        digest = bytes.fromhex(_matching(members, "digest", _DIGEST))
        return StatusListLeaf(_number(members, "list"), at, _number(members, "size"), _number(members, "bits"), digest)
    if members.keys() != _LICENCE_MEMBERS:
        raise MalformedError("LICENCE_LEAF_FORM", member="members")
    _check_licence(members)
    return LicenceLeaf(
        event=members["event"],
        type_code=members["type"],
        issuer_code=members["issuer"],
        version=members["version"],
        at=at,
        previous=members["previous"],
        status_index=members["status_index"],
        file_digest=None if members["file"] is None else bytes.fromhex(members["file"]),
        commitment=bytes.fromhex(members["commitment"]),
    )


def _check_licence(members: dict[str, Any]) -> None:
    """The rules of every member but version and time of the form."""
    event = members["event"]
    if not isinstance(event, str) or event not in LICENCE_EVENTS:
        raise MalformedError("LICENCE_LEAF_FORM", member="event")
    _check_type_code(members)
    _check_issuer_code(members)
    _matching(members, "version", _VERSION)
    if members["previous"] is not None:
        _number(members, "previous")
    _number(members, "status_index")
    if members["file"] is not None:
        _matching(members, "file", _DIGEST)
    _matching(members, "commitment", _DIGEST)


@lru_cache(maxsize=CODES_KEPT)
def _time_text(at: datetime) -> str:
    """As it stands in a leaf; whole seconds only."""
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if not _TIME.fullmatch(text):
        raise MalformedError("LICENCE_LEAF_FORM", member="time")
    return text


def _matching(members: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = members[name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MalformedError("LICENCE_LEAF_FORM", member=name)
    return value


def _check_type_code(members: dict[str, Any]) -> None:
    """The defining authority's code need not have a right check character (some in use have not), but it is not a person's number."""
    value = _matching(members, "type", _TYPE)
    if not _is_no_person(value[:LENGTH]):
        raise MalformedError("LICENCE_LEAF_FORM", member="type")


_is_issuer = lru_cache(maxsize=CODES_KEPT)(is_credit_code)  # few issuers and types, many leaves


@lru_cache(maxsize=CODES_KEPT)
def _is_no_person(text: str) -> bool:
    if is_credit_code(text):
        return True
    try:
        read_resident_id(text)
    except MalformedError:
        return True
    return False


def _check_issuer_code(members: dict[str, Any]) -> None:
    value = _matching(members, "issuer", _ISSUER)
    if not _is_issuer(value):  # 18 characters as an identity number has: only its check character tells one from the other
        raise MalformedError("LICENCE_LEAF_FORM", member="issuer")


def _number(members: dict[str, Any], name: str) -> int:
    value = members.get(name)
    if type(value) is not int or not 0 <= value <= INTEGER_LIMIT:
        raise MalformedError("LICENCE_LEAF_FORM", member=name)
    return value


def _time(members: dict[str, Any]) -> datetime:
    value = members.get("time")
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise MalformedError("LICENCE_LEAF_FORM", member="time")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise MalformedError("LICENCE_LEAF_FORM", member="time") from None
