"""What a seal forbids to those who come after it, as it is written: certification (DocMDP) and field locks (FieldMDP).

ISO 32000-1 12.8.2.2 and 12.8.2.4, 12.7.4.5 (table 233). :mod:`permissions` reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.pdf.form_fields import read_text
from seal_service.pdf.permissions import ANNOTATIONS, FORM_FILLING, NO_CHANGES, FieldLock
from seal_service.pdf.syntax import Name, PdfString, Ref, write_object
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seal_service.pdf.document import PdfDocument
    from seal_service.pdf.form_fields import SignatureField
    from seal_service.pdf.update import IncrementalUpdate

LEVELS: Final = (NO_CHANGES, FORM_FILLING, ANNOTATIONS)
LOCK_ACTIONS: Final = ("All", "Include", "Exclude")
LOCKED_FIELDS_MAX: Final = 1000
_TIMESTAMP_FILTER: Final = "ETSI.RFC3161"


def check_certifiable(document: PdfDocument, signed: list[SignatureField], level: int) -> None:
    """Refuse a certification that readers would call broken: it is the first signature of a document, and the only certification.

    :raises TrustError: ``PDF_CERTIFICATION_LEVEL_BAD``, ``PDF_CERTIFICATION_LATE``.
    """
    if level not in LEVELS:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_CERTIFICATION_LEVEL_BAD", least=NO_CHANGES, most=ANNOTATIONS)
    signers = [field for field in signed if document.resolve((field.value_dict or {}).get("SubFilter")) != _TIMESTAMP_FILTER]
    certified = document.resolve_dictionary(document.root.get("Perms")) or {}
    if signers or "DocMDP" in certified:
        raise TrustError(Kind.CONFLICT, "PDF_CERTIFICATION_LATE", signatures=len(signers))


def check_lock(lock: FieldLock) -> None:
    """Refuse a lock that says nothing: ``PDF_LOCK_BAD``."""
    names_needed = lock.action != "All"
    if lock.action not in LOCK_ACTIONS or bool(lock.names) != names_needed or len(lock.names) > LOCKED_FIELDS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_LOCK_BAD", actions=", ".join(LOCK_ACTIONS), most_fields=LOCKED_FIELDS_MAX)


def lock_dictionary(lock: FieldLock, write_text: Callable[[str, str], PdfString]) -> dict[str, object]:
    """/Lock of a signature field. ``write_text`` writes the names of fields."""
    written: dict[str, object] = {"Type": Name("SigFieldLock"), "Action": Name(lock.action)}
    if lock.names:
        written["Fields"] = [write_text("T", name) for name in sorted(lock.names)]
    return written


def lock_of(document: PdfDocument, field: SignatureField) -> dict[str, object] | None:
    """The lock that the author of a prepared field put on it, every value resolved; None without one."""
    lock = document.resolve(field.field_dict.get("Lock"))
    if not isinstance(lock, dict):
        return None
    found: dict[str, object] = {}
    for key in ("Action", "Fields"):
        value = document.resolve(lock.get(key))
        if value is not None:
            found[key] = [document.resolve(item) for item in value] if isinstance(value, list) else value
    return found


def is_same_lock(given: dict[str, object], lock: FieldLock) -> bool:
    """Whether a prepared field's lock is the one that is asked for."""
    names = given.get("Fields")
    listed = {read_text(name) for name in names if isinstance(name, PdfString)} if isinstance(names, list) else set()
    return given.get("Action") == lock.action and (lock.action == "All" or listed == lock.names)


def write_references(document: PdfDocument, level: int | None, lock: dict[str, object] | None) -> bytes:
    """/Reference of the signature dictionary, or nothing. A field's lock is stated again there, so that it binds."""
    references: list[dict[str, object]] = []
    if level is not None:
        parameters: dict[str, object] = {"Type": Name("TransformParams"), "P": level, "V": Name("1.2")}
        references.append({"Type": Name("SigRef"), "TransformMethod": Name("DocMDP"), "TransformParams": parameters})
    if lock is not None:
        parameters = {"Type": Name("TransformParams"), "V": Name("1.2")} | {key: lock[key] for key in ("Action", "Fields") if key in lock}
        references.append(
            {
                "Type": Name("SigRef"),
                "TransformMethod": Name("FieldMDP"),
                "Data": document.trailer.get("Root"),
                "TransformParams": parameters,
            }
        )
    return b"/Reference" + write_object(references) if references else b""


def name_certification(update: IncrementalUpdate, document: PdfDocument, value: Ref) -> None:
    """Name the certification in the catalog (12.8.4, table 258)."""
    root = document.trailer["Root"]
    if isinstance(root, Ref):
        known = document.resolve_dictionary(document.root.get("Perms")) or {}
        update.set_entries(root, {"Perms": known | {"DocMDP": value}})
