"""Batches: documents that are sealed alike, one after the other. What they are and their states; no input or output here."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


_ITEM_KEY: Final = re.compile(r"sb_[0-9a-f]{24}-[0-9]+")


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

    ``total``: how many documents, ``total_bytes``: of how many bytes together. ``client_id``, ``actor`` and ``token_grant_id`` (what the token
    hung on) are of who opened it, and of who started it once it was.
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


def item_key(batch_id: str, number: int) -> str:
    """The idempotency key under which a document of a batch is sealed."""
    return f"{batch_id}-{number}"


def is_item_key(key: str) -> bool:
    """Whether a key is one of a document of a batch, which no request may use: what it sealed would pass for that document."""
    return _ITEM_KEY.fullmatch(key) is not None


def new_batch_id() -> str:
    """A fresh identifier: ``sb_`` and 24 hexadecimal digits."""
    return "sb_" + secrets.token_hex(12)
