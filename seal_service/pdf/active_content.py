"""Things in a document that act or that carry more than its pages: named in the report, so that nobody relies on what they do not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.report import Step, warned
from standards.errors import MalformedError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument

_ACTIONS: Final = "ISO 32000-1 12.6"
_MAX_CHAINED: Final = 16  # actions after each other (/Next)
_NAMED: Final = {
    "JavaScript": "JavaScript",
    "Launch": "Launch",
    "ImportData": "ImportData",
    "SubmitForm": "SubmitForm",
    "Rendition": "Rendition",
}


def find_active_content(document: PdfDocument) -> list[Step]:
    """Warnings on scripts, launch actions, XFA forms and embedded files that the catalog leads to. Never raises."""
    try:
        return _find(document)
    except MalformedError as error:
        return [warned("PDF_ACTIVE_CONTENT_UNREADABLE", _ACTIONS, reason=error.code)]


def _find(document: PdfDocument) -> list[Step]:
    steps: list[Step] = []
    root = document.root
    found: set[str] = set()
    for key in ("OpenAction", "AA"):
        if key in root:
            _collect_actions(document, root[key], found, 0)
    names = document.resolve_dictionary(root.get("Names")) or {}
    if document.resolve(names.get("JavaScript")) is not None:
        found.add("JavaScript")
    steps.extend(warned("PDF_ACTIVE_CONTENT", _ACTIONS, action=action) for action in sorted(found))
    if document.resolve(names.get("EmbeddedFiles")) is not None or "Collection" in root:
        steps.append(warned("PDF_EMBEDDED_FILES", "ISO 32000-1 7.11.4"))
    form = document.acro_form()
    if form is not None and "XFA" in form:
        steps.append(warned("PDF_XFA", "ISO 32000-1 12.7.8"))
    return steps


def _collect_actions(document: PdfDocument, value: object, found: set[str], depth: int) -> None:
    node = document.resolve(value)
    if not isinstance(node, dict) or depth > _MAX_CHAINED:
        return
    kind = document.resolve(node.get("S"))
    if isinstance(kind, str) and kind in _NAMED:
        found.add(_NAMED[kind])
    for key, item in node.items():
        if key == "Next" or "S" not in node:
            _collect_actions(document, item, found, depth + 1)
