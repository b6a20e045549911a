"""Things in a document that act or that carry more than its pages: named in the report, so that nobody relies on what they do not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.report import Step, warned
from seal_service.pdf.syntax import Ref
from standards.errors import MalformedError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument

_ACTIONS: Final = "ISO 32000-1 12.6"
_MAX_ACTIONS: Final = 256  # of the catalog, with all that follow them (/Next); honest files have under five
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
    triggers = document.resolve(root.get("AA"))
    found = _kinds_of(document, [root.get("OpenAction"), *(triggers.values() if isinstance(triggers, dict) else ())])
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


def _kinds_of(document: PdfDocument, actions: list[object]) -> set[str]:
    """The kinds worth naming among these actions and those that follow them, one (12.6.2) or several in an array."""
    found: set[str] = set()
    seen: set[Ref] = set()
    stack, count = actions, 0
    while stack:
        value = stack.pop()
        count += 1
        if count > _MAX_ACTIONS:
            raise MalformedError("PDF_TOO_COMPLEX", actions=count)
        if isinstance(value, Ref):
            if value in seen:
                continue
            seen.add(value)
        action = document.resolve(value)
        if not isinstance(action, dict):
            continue
        kind = document.resolve(action.get("S"))
        if isinstance(kind, str) and kind in _NAMED:
            found.add(_NAMED[kind])
        following = document.resolve(action.get("Next"))
        if following is not None:
            stack += following[: _MAX_ACTIONS + 1] if isinstance(following, list) else [action["Next"]]
    return found
