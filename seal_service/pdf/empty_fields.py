"""Empty signature fields for those who seal later (ISO 32000-1 12.7.4.5): each shows where its seal will stand, and may lock other fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.digests import digest
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import locate
from seal_service.pdf.restrictions import check_lock, lock_dictionary
from seal_service.pdf.seal import write_text
from seal_service.pdf.sealing_rules import check_allowed, check_document, check_uncovered, is_filled
from seal_service.pdf.signature_field import add_field, new_name
from seal_service.pdf.update import IncrementalUpdate
from standards import gbt33560_oids as oids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pdf.permissions import FieldLock
    from seal_service.pdf.placement import Placement


@dataclass(frozen=True, slots=True)
class EmptyField:
    """``name`` None: the next free one. ``placement``: where the seal will stand. ``lock``: what is locked when the field is signed."""

    name: str | None
    placement: Placement
    lock: FieldLock | None = None


def add_empty_fields(original: bytes, fields: Sequence[EmptyField]) -> bytes:
    """The document with the fields, in order; it begins with ``original``.

    :raises TrustError: for what the reader and :mod:`sealing_rules` refuse (a certification or lock that forbids new fields),
        ``PDF_FIELD_NAME_TAKEN``, ``PDF_FIELD_NAME_BAD``, ``PLACEMENT_*``, ``PAGE_NOT_FOUND``, ``PDF_LOCK_BAD``.
    """
    for field in fields:
        document = PdfDocument.open(original)
        check_document(original, document)
        signed = [each for each in document.signature_fields() if is_filled(each)]
        name = new_name(document, field.name)
        check_allowed(document, signed, name, is_new=True, is_visible=True)
        position = locate(document, field.placement)
        check_uncovered(document, signed, position.index, position.rectangle)
        update = IncrementalUpdate(document, len(original), ends_line=original.endswith((b"\n", b"\r")))
        entries: dict[str, object] = {}
        if field.lock is not None:
            check_lock(field.lock)
            entries["Lock"] = update.add(lock_dictionary(field.lock, write_text))
        add_field(update, document, write_text("T", name), [position], entries=entries)
        seed = f"{name} {len(original)} {document.last_startxref} {document.size}"
        original += bytes(update.write(digest(oids.SM3, seed.encode())[:16]))
    return original
