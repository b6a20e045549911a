"""Reports to the region: the nouns of their table. One report is one event of a licence, one version of a type published or retired, or that what
a licence said was erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class ReportKind(StrEnum):
    """What is told of."""

    LICENCE = "licence"
    TYPE = "type"
    ERASURE = "erasure"


class ReportTree(StrEnum):
    """By what reports are compared with the region. LOG: events of licences, at their entries of the public log; REGISTER: types and erasures, which
    are in no log, at the numbers of their reports.
    """

    LOG = "log"
    REGISTER = "register"


class ReportState(StrEnum):
    """Where a report is. DEAD: given up, until somebody has looked at it."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Report:
    """One report. ``number`` orders them; ``key``: the same for every repetition; ``subject``: within it the order holds.

    ``licence_id``, ``event_position``: which line of whose history; ``type_code``, ``type_version``, ``type_state``: which version of which
    type (a licence's own type has a code only). ``log_index``: of its entry in the public log. ``digest``: SM3 of the record as it was sent
    last, None before. ``is_replacing``: the region is to take it in place of what it has under the key. Times are aware UTC.
    """

    number: int
    key: str
    kind: ReportKind
    subject: str
    licence_id: str | None
    event_position: int | None
    type_code: str
    type_version: int | None
    type_state: str | None
    log_index: int | None
    map_name: str
    digest: bytes | None
    is_replacing: bool
    state: ReportState
    attempts: int
    due_at: datetime
    last_error: str | None
    receipt: str | None
    taken_at: datetime
    sent_at: datetime | None


def licence_key(identifier: str, version: int, event: str, position: int) -> str:
    """What tells repetitions of a report: identifier, version and event, which is its line in the history, as one may happen again."""
    return f"{keys_of_licence(identifier, version)}{event}:{position}"


def type_key(code: str, version: int, state: str) -> str:
    """The same for a version of a type that was published or retired."""
    return f"{code}:{version}:{state}"


def erasure_key(identifier: str, version: int) -> str:
    """The same for what is told once of a licence: that what it said was erased."""
    return f"{keys_of_licence(identifier, version)}erased"


def keys_of_licence(identifier: str, version: int) -> str:
    """How the keys of all reports of a licence begin."""
    return f"{identifier}:{version:03d}:"
