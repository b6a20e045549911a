"""Changes to the logical structure after a signature (ISO 32000-1 14.7): elements for new signature widgets, and everything else left open.

The structure is not painted, but it is read aloud and extracted: a change in it is never called harmless unless all it says is that a new
signature field is there, as signers write it into tagged documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.pdf.comparison import references_in
from seal_service.pdf.form_changes import list_changes
from seal_service.pdf.syntax import Ref, Stream
from standards.errors import MalformedError

if TYPE_CHECKING:
    from seal_service.pdf.changes import Changes
    from seal_service.pdf.document import PdfDocument

STRUCTURE: Final = "ISO 32000-1 14.7"
_ROOT_KEYS: Final = frozenset({"K", "ParentTree", "ParentTreeNextKey"})
_ELEMENT_KEYS: Final = frozenset({"Type", "S", "P", "K", "Pg"})  # none of them is text
_OBJECT_KEYS: Final = frozenset({"Type", "Obj", "Pg"})
_MAX_TREE_DEPTH: Final = 32


def judge_structure(changes: Changes) -> None:
    """The changed parts of the structure that was signed. What the rest of the document uses too is judged there."""
    root = changes.signed.root.get("StructTreeRoot")
    if root is None:
        return
    changed: set[int] = set()
    others: set[int] = set()
    for number in sorted(changes.changed - changes.judged):
        before, after = changes.object_before(number), changes.object_after(number)
        if changes.index.referrers.get(number) or _is_bookkeeping(after) or changes.values.same(before, after, number):
            continue
        (changed if _is_structure(before) else others).add(number)
    used = _used_by(changes.signed, root, others) if others else None
    if used is None and (not changed or _only_new_widgets(changes, root, changed)):
        return
    changes.leave_open("PDF_STRUCTURE_CHANGED", STRUCTURE, min(changed) if changed else used)


def _is_bookkeeping(value: object) -> bool:
    return isinstance(value, Stream) and value.dictionary.get("Type") in ("XRef", "ObjStm")


def _is_structure(value: object) -> bool:
    """Whether an object belongs to a structure tree: an element, or a part of its lists and number trees (14.7.2, 14.7.4)."""
    if isinstance(value, dict):
        return value.get("Type") in ("StructElem", "StructTreeRoot") or ("S" in value and "P" in value) or "Nums" in value
    return isinstance(value, list)


def _used_by(document: PdfDocument, start: object, numbers: set[int]) -> int | None:
    """Which of some objects (they may be missing) a part of the document leads to, if any; pages and what they show are not looked into."""
    seen: set[int] = set()
    stack: list[object] = [start]
    while stack:
        for path, ref in references_in(stack.pop()):
            if ref.number in seen or (path and path[-1] in {"Pg", "Obj"}):
                continue
            if ref.number in numbers:
                return ref.number
            seen.add(ref.number)
            stack.append(document.get(document.present(ref.number), keep=False))
    return None


def _only_new_widgets(changes: Changes, root: object, changed: set[int]) -> bool:
    """Whether the structure only gained elements that stand for new signature widgets and say nothing else."""
    if root != changes.final.root.get("StructTreeRoot"):
        return False
    old_root, new_root = changes.signed.resolve_dictionary(root) or {}, changes.final.resolve_dictionary(root) or {}
    holder = root.number if isinstance(root, Ref) else 0
    if changes.values.different_keys(old_root, new_root, holder) - _ROOT_KEYS:
        return False
    explained = {holder}
    if not _kids_grew(changes, old_root.get("K"), new_root.get("K")) or not _parents_grew(changes, old_root, new_root, explained):
        return False
    for number in changed - explained:
        before, after = changes.object_before(number), changes.object_after(number)
        if isinstance(before, list):
            grew = _kids_grew(changes, before, after)
        elif isinstance(before, dict) and isinstance(after, dict) and "Nums" not in before:
            others = changes.values.different_keys(before, after, number) - {"K"}
            grew = not others and _kids_grew(changes, before.get("K"), after.get("K"))
        else:
            grew = False
        if not grew:
            return False
    return True


def _kids_grew(changes: Changes, before: object, after: object) -> bool:
    old, new = changes.signed.resolve(before), changes.final.resolve(after)
    if not isinstance(old, list) or isinstance(before, Ref):
        old = old if isinstance(old, list) and isinstance(after, Ref) else [] if before is None else [before]
    if not isinstance(new, list):
        new = [] if after is None else [after]
    changes.final.budget.spend_compared(len(new))
    added, lost = list_changes(old, new)
    return not lost and all(_is_of_new_widget(changes, item) for item in added)


def _is_of_new_widget(changes: Changes, item: object) -> bool:
    """Whether an element is new and leads to a new signature widget by an object reference (14.7.4.3), with no text of its own."""
    if not isinstance(item, Ref) or changes.object_before(item.number) is not None or item.number in changes.index.unreadable:
        return False
    element = changes.final.resolve(item)
    if not isinstance(element, dict) or element.keys() - _ELEMENT_KEYS or changes.final.resolve(element.get("S")) != "Form":
        return False
    kids = changes.final.resolve(element.get("K"))
    kid = changes.final.resolve(kids[0]) if isinstance(kids, list) and len(kids) == 1 else kids
    return isinstance(kid, dict) and not kid.keys() - _OBJECT_KEYS and kid.get("Obj") in changes.new_widgets


def _parents_grew(changes: Changes, old_root: dict[str, object], new_root: dict[str, object], explained: set[int]) -> bool:
    """The tree that leads from content and widgets back to elements: known keys keep their meaning, new ones are of new widgets."""
    old = _flatten(changes.signed, old_root.get("ParentTree"), explained)  # only what was a node when signed may change as one
    new = _flatten(changes.final, new_root.get("ParentTree"), set())
    if not all(key in new and changes.values.same(value, new[key], 0) for key, value in old.items()):
        return False
    return all(_is_of_new_widget(changes, new[key]) for key in new.keys() - old.keys())


def _flatten(document: PdfDocument, value: object, visited: set[int]) -> dict[int, object]:
    """The entries of a number tree (7.9.7); the numbers of its nodes are added to ``visited``."""
    entries: dict[int, object] = {}
    stack: list[tuple[object, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > _MAX_TREE_DEPTH:
            raise MalformedError("PDF_TOO_COMPLEX", depth=depth)
        node = document.resolve_dictionary(item) or {}
        visited.update(ref.number for ref in (item, node.get("Nums"), node.get("Kids")) if isinstance(ref, Ref))
        pairs, kids = document.resolve(node.get("Nums")), document.resolve(node.get("Kids"))
        pairs = pairs if isinstance(pairs, list) else []
        kids = kids if isinstance(kids, list) else []
        document.budget.spend_compared(len(pairs) + len(kids) + 1)
        for key, entry in zip(pairs[::2], pairs[1::2], strict=False):
            number = document.resolve(key)
            if type(number) is int:
                entries.setdefault(number, entry)
        stack += [(kid, depth + 1) for kid in reversed(kids)]
    return entries
