"""What the vault keeps of types, issuing authorities and licences: the nouns of its tables."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault.model import ABANDONED_REVISION, LicenceState

if TYPE_CHECKING:
    from datetime import date, datetime

    from licence_vault.model import LicenceEvent, TypeState


@dataclass(frozen=True, slots=True)
class IssuingAuthority:
    """An authority that issues here. ``code``: credit code; ``seal_id``: its seal, empty while it has none. ``revision``: its ETag."""

    code: str
    name: str
    area_code: str
    seal_id: str
    revision: int
    entered_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class TypeVersion:
    """One version of a licence type as recorded. ``file``: the definition's bytes; ``authors``: everybody who wrote it or handed it in."""

    code: str
    version: int
    state: TypeState
    name: str
    file: bytes
    authors: tuple[str, ...]
    reviewed_by: str | None
    reason: str
    revision: int
    written_at: datetime
    state_at: datetime


@dataclass(frozen=True, slots=True)
class LicenceRecord:
    """One version of a licence as recorded: the projection of its events. Times are aware UTC.

    ``data_sealed``: what it says, sealed; None once that was erased. ``order_json``: how its issuing is to be finished. ``lease_until``: of a
    draft, until when its issuing is the work of some process. ``refusals``: how often our own verifier refused what was sealed of it.
    ``transferred_from``: identifier of the licence, transferred out, in whose place it was issued. ``revision``: its ETag.
    """

    id: str
    identifier: str
    root_id: str
    predecessor_id: str | None
    successor_id: str | None
    version: int
    type_code: str
    type_version: int
    issuer_code: str
    area_code: str
    number_digest: bytes
    issued_on: date
    valid_from: date
    valid_to: date | None
    status_list: int
    status_index: int
    commitment: bytes
    data_sealed: bytes | None
    state: LicenceState
    state_reason: str
    revision: int
    made_by: str
    actor: str
    made_at: datetime
    state_at: datetime
    last_entry_id: str
    order_json: str
    lease_until: datetime | None
    claim_digest: bytes | None
    refusals: int = 0
    transferred_from: str | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether it is a draft that was given up, never a released licence. Erasing counts its revision up once more, as that of every licence."""
        erasures = 1 if self.data_sealed is None else 0
        return self.state is LicenceState.CANCELLED and self.revision - erasures == ABANDONED_REVISION

    @property
    def is_released(self) -> bool:
        """Whether it was ever issued: neither a draft, nor one that was given up."""
        return self.state is not LicenceState.DRAFT and not self.is_abandoned


@dataclass(frozen=True, slots=True)
class LicenceFile:
    """A released file. ``digest``: SM3 of it, 32 bytes; ``blob``: name of its sealed content."""

    licence_id: str
    form: str
    digest: bytes
    size_bytes: int
    blob: str


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One line of a licence's history. ``entry_id``: of the leaf in the public log; ``audit_id``: of the audit entry."""

    licence_id: str
    position: int
    event: LicenceEvent
    step: str
    from_state: str
    to_state: str
    operation: str
    holder: str
    actor: str
    at: datetime
    reason: str
    file_digest: bytes | None
    entry_id: str
    audit_id: str


def new_licence_id(at: datetime) -> str:
    """A fresh identifier: ``lc_``, 48 bits of time and 48 random bits. ``at`` comes first so that new rows stand together in every index."""
    return f"lc_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"
