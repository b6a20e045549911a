"""What other directories are told of accounts: one numbered row per change, and digests by which two of them find where they differ.

What a digest is made of (``account_facts``, ``agent_facts``) is personal data, so a plain hash of it would betray it to whoever reads the
database: numbers of identity documents are few enough to try. Each subject therefore has a salt, made from its id under the deployment's
key; it is told together with the facts, never kept beside the digest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from idp.model.people import Account, Agent

PAGE_CHANGES_MAX: Final = 1000
PAGE_ENTRIES_MAX: Final = 1000
ENTRIES_COMPARED_MAX: Final = 50_000  # of one bucket: at a million subjects it holds about four thousand
BUCKETS: Final = 256
SALT_BYTES: Final = 32
_CURSOR: Final = re.compile(r"([0-9a-f]{16})-(0|[1-9][0-9]{0,17})")


class SubjectKind(StrEnum):
    """What a change is about."""

    PERSON = "person"
    ORGANISATION = "organisation"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class SubjectState:
    """What is told of a subject: ``version`` counts its changes, ``digest``: SM3 over salt and facts, 32 bytes. ``at``: aware UTC."""

    subject_id: str
    kind: SubjectKind
    status: str
    version: int
    digest: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A state as it came to be, under its number: 1, 2, 3, ... without a gap, given once it was durable."""

    position: int
    state: SubjectState


@dataclass(frozen=True, slots=True)
class Entry:
    """A subject in a comparison of directories."""

    subject_id: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Differences:
    """Where two directories differ within a bucket, each list in the order of ids. ``differing``: (subject, version here, version there)."""

    missing_here: tuple[str, ...]
    missing_there: tuple[str, ...]
    differing: tuple[tuple[str, int, int], ...]


def read_cursor(text: str) -> tuple[str, int] | None:
    """The id of a feed and the number up to which it was read, of a cursor; None for what is none."""
    found = _CURSOR.fullmatch(text)
    return None if found is None else (found[1], int(found[2]))


def write_cursor(feed_id: str, number: int) -> str:
    """The cursor of whoever has read a feed up to a number."""
    return f"{feed_id}-{number}"


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def account_facts(account: Account) -> dict[str, Any]:
    """What is told of an account. Personal data."""
    return {
        "account_id": account.account_id,
        "kind": account.kind.value,
        "status": account.status.value,
        "name": account.name,
        "area": account.area,
        "level": account.level,
        "attributes": dict(account.attributes),
        "identifiers": [
            {"kind": each.kind.value, "value": each.value, "verified_at": _time(each.verified_at)}
            for each in sorted(account.identifiers, key=lambda each: (each.kind.value, each.value))
        ],
    }


def agent_facts(agent: Agent) -> dict[str, Any]:
    """What is told of a grant."""
    return {
        "agent_id": agent.agent_id,
        "kind": SubjectKind.AGENT.value,
        "status": agent_status(agent),
        "organisation_id": agent.organisation_id,
        "person_id": agent.person_id,
        "role": agent.role.value,
        "scopes": list(agent.scopes),
        "valid_from": _time(agent.valid_from),
        "valid_until": _time(agent.valid_until),
    }


def agent_status(agent: Agent) -> str:
    """``active`` or ``revoked``; whether its time has come or is over, ``valid_from`` and ``valid_until`` say."""
    return "active" if agent.revoked_at is None else "revoked"


def facts_digest(salt: bytes, facts: Mapping[str, Any]) -> bytes:
    """SM3 over the salt and the facts as canonical JSON (RFC 8785): anybody who has both can compute it again."""
    return sm3(salt + json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def bucket_of(subject_id: str) -> int:
    """0 to 255: the first octet of the SM3 of the id, so that every directory sorts alike and buckets are of one size."""
    return sm3(subject_id.encode())[0]


def bucket_digest(entries: Iterable[Entry]) -> str:
    """SM3, hexadecimal, over one line ``id version digest`` for each subject in the order of the ids; of an empty bucket that of nothing."""
    lines = [f"{each.subject_id} {each.version} {each.digest}\n" for each in sorted(entries, key=lambda each: each.subject_id)]
    return sm3("".join(lines).encode()).hex()


def compare_entries(here: Iterable[Entry], there: Iterable[Entry]) -> Differences:
    """Where they differ; of one subject named twice there, the last counts."""
    ours, theirs = {each.subject_id: each for each in here}, {each.subject_id: each for each in there}
    both = sorted(ours.keys() & theirs.keys())
    return Differences(
        missing_here=tuple(sorted(theirs.keys() - ours.keys())),
        missing_there=tuple(sorted(ours.keys() - theirs.keys())),
        differing=tuple((each, ours[each].version, theirs[each].version) for each in both if ours[each] != theirs[each]),
    )
