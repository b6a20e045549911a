"""What a signature forbids to those who come after it: DocMDP, FieldMDP and field locks (ISO 32000-1 12.8.2.2, 12.8.2.4, 12.7.4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from seal_service.pdf.form_fields import read_text
from seal_service.pdf.syntax import PdfString

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument

NO_CHANGES: Final = 1  # DocMDP P: nothing but validation data and document time-stamps
FORM_FILLING: Final = 2  # filling in forms and signing
ANNOTATIONS: Final = 3  # annotations too
_MAX_REFERENCES: Final = 16  # signature reference dictionaries; one or two occur
_MAX_NAMES: Final = 10_000


@dataclass(frozen=True, slots=True)
class FieldLock:
    """Which fields must not change: ``All``, those in ``names`` (``Include``), or all but those (``Exclude``)."""

    action: str
    names: frozenset[str]

    def covers(self, name: str) -> bool:
        """Whether a field of this fully qualified name, or one above it, is locked."""
        if self.action == "All":
            return True
        parts = name.split(".")
        named = any(".".join(parts[: length + 1]) in self.names for length in range(len(parts)))
        return named if self.action == "Include" else not named


@dataclass(frozen=True, slots=True)
class Permissions:
    """``level``: the strictest DocMDP or lock level (1, 2 or 3), None without one. ``is_certification``: it carries DocMDP itself."""

    level: int | None = None
    is_certification: bool = False
    locks: tuple[FieldLock, ...] = field(default=())

    def is_locked(self, name: str) -> bool:
        """Whether a field of this name must not change."""
        return any(lock.covers(name) for lock in self.locks)

    def together(self, other: Permissions) -> Permissions:
        """What two signatures forbid together."""
        levels = [level for level in (self.level, other.level) if level is not None]
        return Permissions(min(levels, default=None), self.is_certification or other.is_certification, self.locks + other.locks)


def read_permissions(document: PdfDocument, value: dict[str, object], field_dict: dict[str, object]) -> Permissions:
    """What the signature dictionary ``value`` in the field ``field_dict`` forbids. Unknown actions and levels count as the strictest, and so does
    what is too long to be read.
    """
    resolve = document.resolve
    found = Permissions()
    references = resolve(value.get("Reference"))
    if isinstance(references, list) and len(references) > _MAX_REFERENCES:
        found = Permissions(NO_CHANGES, locks=(FieldLock("All", frozenset()),))
    for item in references[:_MAX_REFERENCES] if isinstance(references, list) else []:
        reference = document.resolve_dictionary(item) or {}
        parameters = document.resolve_dictionary(reference.get("TransformParams")) or {}
        method = resolve(reference.get("TransformMethod"))
        if method == "DocMDP":
            found = found.together(Permissions(_level(resolve(parameters.get("P", FORM_FILLING))), is_certification=True))
        elif method == "FieldMDP":
            found = found.together(Permissions(locks=(_read_lock(document, parameters),)))
    lock = document.resolve_dictionary(field_dict.get("Lock"))
    if lock is not None:
        level = resolve(lock.get("P"))  # PDF 2.0: the lock may restrict the whole document
        found = found.together(Permissions(_level(level) if level is not None else None, locks=(_read_lock(document, lock),)))
    return found


def _level(value: object) -> int:
    return value if type(value) is int and NO_CHANGES <= value <= ANNOTATIONS else NO_CHANGES


def _read_lock(document: PdfDocument, parameters: dict[str, object]) -> FieldLock:
    action = document.resolve(parameters.get("Action"))
    names = document.resolve(parameters.get("Fields"))
    if action not in ("Include", "Exclude") or not isinstance(names, list) or len(names) > _MAX_NAMES:
        return FieldLock("All", frozenset())
    listed = [document.resolve(item) for item in names]
    return FieldLock(str(action), frozenset(read_text(name) for name in listed if isinstance(name, PdfString)))
