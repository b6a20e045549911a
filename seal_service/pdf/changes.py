"""The account of a comparison: what was judged, what is granted to whom, and what was refused.

An update may bring new objects only along a way that a rule has approved: the value and appearance of a signature field that was
signed, validation data, metadata. Such objects are *granted*, together with everything they alone refer to. In the end every changed
object must have been judged by a rule, or be granted and referred to from nowhere else: so an appearance that is overwritten while
the page uses it too is found, and so is a new object for which the signed revision had kept a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.report import Outcome, Step, failed, not_checked, warned
from seal_service.pdf.comparison import Path, ReferenceIndex, ValueComparison, references_in, revision_of
from seal_service.pdf.syntax import Ref
from standards.errors import MalformedError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument
    from seal_service.pdf.permissions import Permissions

UPDATE: str = "ISO 32000-1 7.5.6"
FIELDS: str = "ISO 32000-1 12.7.4.5"
ANNOTATIONS: str = "ISO 32000-1 12.5.2"
DOC_MDP: str = "ISO 32000-1 12.8.2.2"
FIELD_MDP: str = "ISO 32000-1 12.8.2.4"
_RESOURCE_KINDS = frozenset({"ColorSpace", "ExtGState", "Font", "Pattern", "Properties", "Shading", "XObject", "CharProcs"})
_MAX_STEPS = 40  # of one outcome listed for one signature; a rebuilt file would give thousands


class Changes:
    """One signed revision beside the final one, while the rules run.

    ``changed``: object numbers that stand elsewhere. ``judged``: those a rule has looked at. ``kinds``: what was allowed, in words of
    the report. ``new_pictures``: prepared widgets that show something since they were signed.
    """

    def __init__(
        self,
        signed: PdfDocument,
        final: PdfDocument,
        changed: set[int],
        index: ReferenceIndex,
        permissions: Permissions,
        *,
        reads_texts: bool = True,
    ) -> None:
        self.signed = signed
        self.final = final
        self.changed = changed
        self.index = index
        self.permissions = permissions
        self.values = ValueComparison(signed, final, reads_texts=reads_texts)
        self.judged: set[int] = set()
        self.kinds: set[str] = set()
        self.new_widgets: set[Ref] = set()
        self.new_fields: set[Ref] = set()
        self.new_pictures: set[Ref] = set()
        self.steps: list[Step] = []
        self._granted: set[int] = set()
        self._granted_alone: set[int] = set()
        self._allowed: set[tuple[int, int, Path]] = set()
        self._structure: set[int] | None = None
        self._edges: dict[int, set[tuple[int, Path]]] = {}

    def refuse(self, code: str, clause: str, number: int | None = None, **facts: str | int | float | bool | None) -> None:
        """A change that is not allowed."""
        if self._has_room(Outcome.FAIL):
            self.steps.append(failed(code, clause, **self._place(number), **facts))

    def leave_open(self, code: str, clause: str, number: int | None = None, **facts: str | int | float | bool | None) -> None:
        """A change that cannot be decided."""
        if self._has_room(Outcome.NOT_CHECKED):
            self.steps.append(not_checked(code, clause, **self._place(number), **facts))

    def tell(self, code: str, clause: str, number: int, **facts: str | int | float | bool | None) -> None:
        """A change that is allowed, and yet is to be known."""
        if self._has_room(Outcome.WARN):
            self.steps.append(warned(code, clause, **self._place(number), **facts))

    def _has_room(self, outcome: Outcome) -> bool:
        """Undecided changes, however many, leave room for one that is not allowed."""
        return sum(step.outcome is outcome for step in self.steps) < _MAX_STEPS

    def _place(self, number: int | None) -> dict[str, str | int | float | bool | None]:
        if number is None:
            return {}
        return {"object": number, "path": self.index.path_to(number), "revision": revision_of(self.signed, self.final, number)}

    def grant(self, value: object, holder: int, path: Path) -> None:
        """Approve the changed objects that ``value`` (under ``path`` in object ``holder``) refers to, and what these refer to."""
        fresh: list[int] = []
        held = list(references_in(value))
        self.final.budget.spend_compared(len(held))
        for inner, ref in held:
            if ref.number in self.changed and ref.number not in self._structural():
                self._allowed.add((ref.number, holder, path + inner))
                if ref.number not in self._granted:
                    self._granted.add(ref.number)
                    fresh.append(ref.number)
        while fresh:
            references = [ref for _, ref in references_in(self.object_after(fresh.pop()))]
            self.final.budget.spend_compared(len(references))
            for ref in references:
                if ref.number in self.changed and ref.number not in self._structural() and ref.number not in self._granted:
                    self._granted.add(ref.number)
                    fresh.append(ref.number)

    def grant_alone(self, value: object, holder: int, path: Path) -> None:
        """Approve one object that ``value`` refers to as it is, not what it refers to in turn."""
        if isinstance(value, Ref) and value.number in self.changed:
            self._granted_alone.add(value.number)
            self._allowed.add((value.number, holder, path))

    def refused_referrers(self, number: int) -> list[tuple[int, Path]]:
        """Who refers to a changed object without a rule having approved it."""
        referrers = self.index.referrers.get(number, set())
        if number in self.index.crowded:
            return sorted(referrers)
        copies = self.values.rewritten
        if number in self._granted or number in self._granted_alone or any(number == copy[0] for copy in copies):
            return sorted(
                (holder, path)
                for holder, path in referrers
                if holder not in self._granted and (number, holder, path) not in self._allowed and (number, holder, path) not in copies
            )
        return sorted(referrers)

    def strange_referrers(self, number: int) -> list[tuple[int, Path]]:
        """Who refers to a new field or widget in another way than fields and widgets are referred to."""
        referrers = self.index.referrers.get(number, set())
        if number in self.index.crowded:
            return sorted(referrers)
        return sorted(
            (holder, path)
            for holder, path in referrers
            if holder not in self._granted
            and not (path and path[-1] in {"Fields", "Annots", "Kids", "Parent"})
            and not (not path and holder in self._granted_alone)
        )

    def misused(self, number: int) -> list[tuple[int, Path]]:
        """Who refers to a judged object as something that its rule does not look at.

        A dictionary of names, so that its entries are resources; or from a place that the signed revision had kept for an object to come.
        """
        is_new = self.object_before(number) is None
        return sorted(
            (holder, path)
            for holder, path in self.index.referrers.get(number, set())
            if (path and path[-1] in _RESOURCE_KINDS) or (is_new and (number, path) in self._edges_before(holder))
        )

    def _edges_before(self, holder: int) -> set[tuple[int, Path]]:
        """The references to objects of interest that an object held when it was signed."""
        if holder not in self._edges:
            edges = [(ref.number, path) for path, ref in references_in(self.object_before(holder))]
            self.final.budget.spend_compared(len(edges))
            self._edges[holder] = {edge for edge in edges if edge[0] in self.changed}
        return self._edges[holder]

    def object_before(self, number: int) -> object:
        """An object as it was signed; None when it was not there."""
        return _object(self.signed, number)

    def object_after(self, number: int) -> object:
        """An object as it is now; None when it is not there."""
        return _object(self.final, number)

    def _structural(self) -> set[int]:
        """Objects with rules of their own, which are never granted as a part of something else: catalog, form, pages, fields."""
        if self._structure is None:
            final = self.final
            numbers = {ref.number for ref, _ in final.pages()} | final.page_tree_numbers
            numbers |= {ref.number for ref in (final.trailer.get("Root"), final.root.get("AcroForm")) if isinstance(ref, Ref)}
            for field in final.signature_fields():
                numbers |= {ref.number for ref, _ in (*field.widgets, (field.ref, None)) if ref is not None}
            self._structure = numbers
        return self._structure


def _object(document: PdfDocument, number: int) -> object:
    try:
        return document.current(number)
    except MalformedError as error:
        if error.code == "PDF_TOO_COMPLEX":
            raise
        return None
