"""May this document still be sealed? What its author or earlier signatures forbid is refused before anything is written.

Certification (DocMDP) and field locks (FieldMDP): ISO 32000-1 12.8.2.2 and 12.8.2.4. A seal set against them would be written without
trouble, and every reader would then call the earlier signature broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.pdf.document import read_text
from seal_service.pdf.syntax import Name, PdfString
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument, SignatureField

NO_CHANGES: Final = 1  # DocMDP /P: nothing at all; 2 allows forms and signing, 3 annotations as well
_PERMISSIONS_DEFAULT: Final = 2  # table 254
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
    """Refuse what a certification or an earlier signature's lock forbids.

    :raises TrustError: ``PDF_CERTIFIED_LOCKED`` (no change allowed), ``PDF_CERTIFIED_NO_NEW_FIELD`` (only prepared fields may be filled),
        ``PDF_FIELD_LOCKED`` (an earlier signature locked this field, or all of them).
    """
    permissions = [found for value in _signature_values(document, signed) for found in _permissions(document, value)]
    for field in signed:
        lock = document.resolve(field.field_dict.get("Lock"))
        if isinstance(lock, dict):
            if document.resolve(lock.get("P")) is not None:
                permissions.append(_permission(document, lock))
            _check_lock(document, lock, field_name, field.name)
    if permissions:
        if min(permissions) <= NO_CHANGES:
            raise TrustError(Kind.UNACCEPTABLE, "PDF_CERTIFIED_LOCKED", permission=min(permissions))
        if is_new and is_visible:
            raise TrustError(Kind.UNACCEPTABLE, "PDF_CERTIFIED_NO_NEW_FIELD", permission=min(permissions))
    for field in signed:
        for parameters in _transforms(document, field.value_dict or {}, "FieldMDP"):
            _check_lock(document, parameters, field_name, field.name)


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


def _signature_values(document: PdfDocument, signed: list[SignatureField]) -> list[dict[str, object]]:
    """Signature dictionaries that may speak for the whole document: every field's and the certification's own."""
    values = [field.value_dict for field in signed if field.value_dict is not None]
    granted = document.resolve(document.root.get("Perms"))
    if isinstance(granted, dict) and "DocMDP" in granted:
        certification = document.resolve(granted["DocMDP"])
        if not isinstance(certification, dict):
            raise MalformedError("PDF_MALFORMED", at="Perms")
        values.append(certification)
    return values


def _permissions(document: PdfDocument, value: dict[str, object]) -> list[int]:
    return [_permission(document, parameters) for parameters in _transforms(document, value, "DocMDP")]


def _permission(document: PdfDocument, parameters: dict[str, object]) -> int:
    permission = document.resolve(parameters.get("P", _PERMISSIONS_DEFAULT))
    if not isinstance(permission, int):
        raise MalformedError("PDF_MALFORMED", at="DocMDP")
    return permission


def _transforms(document: PdfDocument, value: dict[str, object], method: str) -> list[dict[str, object]]:
    """The parameters of one transform method among a signature's references."""
    found: list[dict[str, object]] = []
    references = document.resolve(value.get("Reference"))
    for item in references if isinstance(references, list) else []:
        reference = document.resolve(item)
        if isinstance(reference, dict) and document.resolve(reference.get("TransformMethod")) == method:
            parameters = document.resolve(reference.get("TransformParams"))
            found.append(parameters if isinstance(parameters, dict) else {})
    return found


def _check_lock(document: PdfDocument, lock: dict[str, object], field_name: str, locker: str) -> None:
    """/Action All, Include or Exclude with /Fields (table 233); names cover the fields below them."""
    action = document.resolve(lock.get("Action"))
    names = _texts(document, lock.get("Fields")) if "Fields" in lock else []
    is_listed = any(field_name == name or field_name.startswith(f"{name}.") for name in names)
    if action == "All" or (action == "Include" and is_listed) or (action == "Exclude" and not is_listed):
        raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_LOCKED", field=field_name, locked_by=locker)
