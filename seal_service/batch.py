"""Batches: documents that are sealed alike, one after the other. What they are and their states; no input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class BatchState(StrEnum):
    """Where a batch is."""

    OPEN = "open"  # takes documents
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    """What became of a document of a batch."""

    WAITING = "waiting"
    SEALED = "sealed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents that are sealed alike, one after the other. ``order_json``: the order without a document. Times are aware UTC.

    ``total``: how many documents, ``total_bytes``: of how many bytes together. ``token_grant_id``: what the token hung on with which it was
    opened.
    """

    id: str
    seal_id: str
    client_id: str
    holder: str
    actor: str
    order_json: str
    state: BatchState
    total: int
    total_bytes: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    token_grant_id: str = ""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One document of a batch, by its number from 1. ``code``: why it failed."""

    batch_id: str
    number: int
    name: str
    document_digest: str
    state: ItemState = ItemState.WAITING
    use_id: str | None = None
    code: str | None = None
    finished_at: datetime | None = None


def new_batch_id() -> str:
    """A fresh identifier: ``sb_`` and 24 hexadecimal digits."""
    return "sb_" + secrets.token_hex(12)
