"""What the heavy routes read out of their multipart bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.errors import document_missing, field_unacceptable

if TYPE_CHECKING:
    from fastapi import Request

    from seal_service.api.shapes import LockOrder
    from service_kit.multipart import Form


def peer_of(request: Request) -> str:
    """Where a request comes from that names nobody: the share of a place that many may call."""
    return "" if request.client is None else request.client.host


def read_document(form: Form, name: str = "document") -> bytes:
    """The part of that name. Raises TrustError DOCUMENT_MISSING."""
    part = form.files.get(name)
    if part is None or not part.content:
        raise document_missing()
    return part.content


def read_lock(lock: LockOrder | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that a lock names, and those it leaves open. Raises TrustError FIELD_UNACCEPTABLE."""
    if lock is None:
        return (), ()
    if (lock.fields is None) == (lock.all_but is None):
        raise field_unacceptable("lock", "fields or all_but")
    return tuple(lock.fields or ()), tuple(lock.all_but or ())
