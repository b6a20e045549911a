"""May this document still be sealed? What its author or earlier signatures forbid is refused before anything is written.

Certification (DocMDP) and field locks (FieldMDP): ISO 32000-1 12.8.2.2 and 12.8.2.4. A seal set against them would be written without
trouble, and every reader would then call the earlier signature broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.pdf.form_fields import reaches_into, read_text
from seal_service.pdf.permissions import NO_CHANGES, read_permissions
from seal_service.pdf.syntax import Name, PdfString
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument
    from seal_service.pdf.form_fields import Box, SignatureField

EDGE_PT: Final = 0.5  # seals may touch; the verifier, which allows a point, never calls covered what was allowed here
_NAME_SHOWN: Final = 128  # characters of a name out of the document that go into an error
_HEADER: Final = b"%PDF-"
# /SV /Ff bits (table 234) that demand something of the signer; the ones handled by value are compared below.
_SEED_FILTER: Final = 1
_SEED_SUBFILTER: Final = 2
_SEED_REASONS: Final = 8
_SEED_OTHERS: Final = 4 | 16 | 32 | 64  # /V, /LegalAttestation, /AddRevInfo, /DigestMethod (no entry names SM3)


def check_document(original: bytes, document: PdfDocument) -> None:
    """Refuse files that we cannot extend without guessing.

    :raises TrustError: ``PDF_XREF_DAMAGED``, ``PDF_ENCRYPTED``, ``PDF_HEADER_DISPLACED``, ``PDF_XFA``.
    """
    if document.recovered:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_XREF_DAMAGED")
    if document.is_encrypted:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_ENCRYPTED")
    if not original.startswith(_HEADER):
        # Readers disagree whether offsets count from the file's start or from the header.
        raise TrustError(Kind.UNACCEPTABLE, "PDF_HEADER_DISPLACED")
    form = document.acro_form()
    if form is not None and form.get("XFA") is not None:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_XFA")


def is_filled(field: SignatureField) -> bool:
    """Whether a field has a value, be it a signature or nonsense: either way it is not ours to fill."""
    return field.value_ref is not None or field.value_dict is not None or field.field_dict.get("V") is not None


def check_allowed(document: PdfDocument, signed: list[SignatureField], field_name: str, *, is_new: bool, is_visible: bool) -> None:
    """Refuse what a certification or an earlier signature's lock forbids; the verifier reads them by the same function.

    :raises TrustError: ``PDF_CERTIFIED_LOCKED`` (no change allowed), ``PDF_CERTIFIED_NO_NEW_FIELD`` (only prepared fields may be filled),
        ``PDF_FIELD_LOCKED`` (an earlier signature locked this field, or all of them).
    """
    granted = [(field.name, read_permissions(document, field.value_dict or {}, field.field_dict)) for field in signed]
    certification = document.resolve_dictionary(document.root.get("Perms"))
    if certification is not None and "DocMDP" in certification:  # a certification that no field shows binds as well
        granted.append(("", read_permissions(document, document.resolve_dictionary(certification["DocMDP"]) or {}, {})))
    level = min((found.level for _, found in granted if found.level is not None), default=None)
    if level is not None and level <= NO_CHANGES:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_CERTIFIED_LOCKED", permission=level)
    if level is not None and is_new and is_visible:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_CERTIFIED_NO_NEW_FIELD", permission=level)
    for locker, found in granted:
        if found.is_locked(field_name):
            raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_LOCKED", field=field_name, locked_by=locker[:_NAME_SHOWN])


def check_uncovered(document: PdfDocument, signed: list[SignatureField], page: int, rectangle: Box) -> None:
    """Refuse a place where the new seal would lie over an earlier one: ``PLACEMENT_OVER_SEAL``. ``page`` from 0, -1 the last."""
    if not signed:
        return
    listed = document.resolve(document.page(page)[1].get("Annots"))
    for field in signed:
        for ref, widget in field.widgets:
            box = document.rectangle(widget.get("Rect"))
            if box is None or not isinstance(listed, list) or ref not in listed:
                continue
            if reaches_into(rectangle, box, EDGE_PT):
                raise TrustError(Kind.UNACCEPTABLE, "PLACEMENT_OVER_SEAL", field=field.name[:_NAME_SHOWN])


def check_seed_values(document: PdfDocument, field: SignatureField, *, filter_name: str, subfilter: str, reason: str | None) -> None:
    """Refuse a prepared field whose author demands what we do not give: ``PDF_SEED_VALUE_UNMET``."""
    seed = document.resolve(field.field_dict.get("SV"))
    if not isinstance(seed, dict):
        return
    flags = document.resolve(seed.get("Ff"))
    demanded = flags if isinstance(flags, int) else 0
    unmet = [
        name
        for name, bit, ours in (
            ("Filter", _SEED_FILTER, filter_name),
            ("SubFilter", _SEED_SUBFILTER, subfilter),
            ("Reasons", _SEED_REASONS, reason),
        )
        if demanded & bit and name in seed and ours not in _texts(document, seed.get(name))
    ]
    if demanded & _SEED_OTHERS:
        unmet.append("Ff")
    if unmet:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_SEED_VALUE_UNMET", field=field.name, demands=", ".join(unmet))


def _texts(document: PdfDocument, value: object) -> list[str]:
    value = document.resolve(value)
    items = [document.resolve(item) for item in (value if isinstance(value, list) else [value])]
    return [read_text(item) if isinstance(item, PdfString) else str(item) for item in items if isinstance(item, (PdfString, Name))]
