"""Batches: licences of one type and one authority from one file. What they are and their states; no input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


class BatchState(StrEnum):
    """Where a batch is."""

    LOADING = "loading"  # its rows are being read; one whose lease runs out was cut off
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


BATCH_LIFE: Final = {
    BatchState.LOADING: frozenset({BatchState.READY, BatchState.CANCELLED}),
    BatchState.READY: frozenset({BatchState.RUNNING, BatchState.CANCELLED}),
    BatchState.RUNNING: frozenset({BatchState.DONE, BatchState.CANCELLED}),
    BatchState.DONE: frozenset[BatchState](),
    BatchState.CANCELLED: frozenset[BatchState](),
}
"""Where a batch may go from where it is."""


class RowState(StrEnum):
    """What became of a row."""

    WAITING = "waiting"
    ISSUED = "issued"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LicenceBatch:
    """A batch. ``client_id`` and ``subject``: who opened it, as whom its licences are issued; ``token_grant_id``: what his token hung on.
    ``lease_until``: until when it is the work of some process. ``ended_at``: when nothing of it waited any more; a cancelled one may have licences that were begun before. Times are aware
    UTC.
    """

    id: str
    type_code: str
    issuer_code: str
    forms: tuple[str, ...]
    client_id: str
    subject: str
    state: BatchState
    total: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lease_until: datetime | None = None
    token_grant_id: str = ""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row, by its number from 1. ``cells_sealed``: what it says, until it has its licence or has ended. ``code``, ``place``, ``rule``: why it failed."""

    batch_id: str
    number: int
    state: RowState
    cells_sealed: bytes | None = None
    licence_id: str | None = None
    code: str | None = None
    place: str | None = None
    rule: str | None = None


def new_batch_id() -> str:
    """A fresh identifier: ``lb_`` and 24 hexadecimal digits."""
    return "lb_" + secrets.token_hex(12)
