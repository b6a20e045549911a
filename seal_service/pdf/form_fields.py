"""The field tree of the interactive form, as far as signatures need it (ISO 32000-1 12.7.2 to 12.7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.pdf.syntax import PdfString, Ref
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal_service.pdf.document import PdfDocument

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in points, as ``PdfDocument.rectangle`` gives them."""


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A signature field (12.7.4.5), signed when ``value_dict`` is there.

    ``name``: fully qualified (12.7.3.2). ``ref`` and ``value_ref`` are None where the dictionary is written in place. ``widgets``: its
    annotations, the field itself where both are one dictionary.
    """

    name: str
    ref: Ref | None
    field_dict: dict[str, object]
    value_ref: Ref | None
    value_dict: dict[str, object] | None
    widgets: tuple[tuple[Ref | None, dict[str, object]], ...] = ()


def read_signature_fields(document: PdfDocument) -> Iterator[SignatureField]:
    """Walk the field tree of a document within its limits and give each signature field, in order.

    What cannot be read spoils only itself: such fields are counted in ``document.unreadable_fields``, and a value that cannot be read
    counts as an empty signature dictionary.
    """
    limits = document.budget.limits

    def resolve(value: object) -> object:
        try:
            return document.resolve(value)
        except MalformedError as error:
            if error.code == "PDF_TOO_COMPLEX":
                raise
            document.unreadable_fields += 1
            return None

    form = document.acro_form()
    roots = resolve(form.get("Fields")) if form is not None else None
    if not isinstance(roots, list):
        return
    seen: set[Ref] = set()
    stack: list[tuple[object, str, dict[str, object], int]] = [(root, "", {}, 0) for root in reversed(roots)]
    count = 0
    while stack:
        item, prefix, inherited, depth = stack.pop()
        count += 1
        if count > limits.fields or depth > limits.page_tree_depth:
            raise MalformedError("PDF_TOO_MANY_FIELDS", limit=limits.fields)
        ref = item if isinstance(item, Ref) else None
        if ref is not None:
            if ref in seen:
                continue  # one field listed twice is one field
            seen.add(ref)
        node = resolve(item)
        if not isinstance(node, dict):
            continue
        part = resolve(node.get("T"))
        text = read_text(part) if isinstance(part, PdfString) else ""
        name = f"{prefix}.{text}" if prefix and text else prefix or text
        merged = inherited | {key: node[key] for key in ("FT", "V") if key in node}
        kids = resolve(node.get("Kids"))
        resolved = [(kid, resolve(kid)) for kid in kids] if isinstance(kids, list) else []
        children = [kid for kid, value in resolved if isinstance(value, dict) and "T" in value]
        if children:
            stack += [(kid, name, merged, depth + 1) for kid in reversed(children)]
            if not (resolve(merged.get("FT")) == "Sig" and "V" in node):
                continue
        if resolve(merged.get("FT")) != "Sig":
            continue
        value = merged.get("V")
        broken = document.unreadable_fields
        value_dict = resolve(value)
        if document.unreadable_fields > broken or (value_dict is not None and not isinstance(value_dict, dict)):
            value_dict = {}
        widgets = [(kid if isinstance(kid, Ref) else None, each) for kid, each in resolved if isinstance(each, dict) and "T" not in each]
        if not widgets and ("Rect" in node or node.get("Subtype") == "Widget"):
            widgets = [(ref, node)]
        yield SignatureField(
            name,
            ref,
            node,
            value if isinstance(value, Ref) else None,
            value_dict if isinstance(value_dict, dict) else None,
            tuple(widgets),
        )


def read_field_names(document: PdfDocument) -> set[str]:
    """The fully qualified names of all fields that are no mere groups of others (12.7.3.2)."""
    form = document.acro_form() or {}
    roots = document.resolve(form.get("Fields"))
    names: set[str] = set()
    seen: set[Ref] = set()
    stack: list[tuple[object, str]] = [(root, "") for root in roots] if isinstance(roots, list) else []
    count = 0
    while stack:
        item, prefix = stack.pop()
        count += 1
        if count > document.budget.limits.fields:
            raise MalformedError("PDF_TOO_MANY_FIELDS", limit=document.budget.limits.fields)
        if isinstance(item, Ref):
            if item in seen:
                continue
            seen.add(item)
        node = document.resolve(item)
        if not isinstance(node, dict):
            continue
        part = document.resolve(node.get("T"))
        text = read_text(part) if isinstance(part, PdfString) else ""
        name = f"{prefix}.{text}" if prefix and text else prefix or text
        kids = document.resolve(node.get("Kids"))
        fields = [kid for kid in kids if "T" in (document.resolve_dictionary(kid) or {})] if isinstance(kids, list) else []
        stack += [(kid, name) for kid in fields]
        if not fields:
            names.add(name)
    return names


DEFAULTS: Final = frozenset({"DA", "DR", "NeedAppearances", "Q"})  # of the form (12.7.2, table 218), for how fields look


def used_defaults(document: PdfDocument) -> set[str]:
    """Which of the form's defaults decide what a field that holds no signature looks like (12.7.3.3).

    /DA does where the field has none of its own; /DR and /Q where readers draw the field themselves, because it has no appearance or
    /NeedAppearances says so, which decides it too then. Annotations of pages that are in no form count as such fields.
    """
    form = document.acro_form() or {}
    roots = document.resolve(form.get("Fields"))
    drawn = document.resolve(form.get("NeedAppearances")) is True
    found: set[str] = set()
    seen: set[Ref] = set()
    stack: list[tuple[object, dict[str, object]]] = [(root, {}) for root in roots] if isinstance(roots, list) else []
    count = 0
    while stack:
        item, inherited = stack.pop()
        count += 1
        if count > document.budget.limits.fields:
            raise MalformedError("PDF_TOO_MANY_FIELDS", limit=document.budget.limits.fields)
        if isinstance(item, Ref):
            if item in seen:
                continue
            seen.add(item)
        node = document.resolve(item)
        if not isinstance(node, dict):
            continue
        merged = inherited | {key: node[key] for key in ("FT", "DA", "AP") if key in node}
        kids = document.resolve(node.get("Kids"))
        if isinstance(kids, list):
            stack += [(kid, merged) for kid in kids]
        elif document.resolve(merged.get("FT")) != "Sig":
            if "DA" not in merged:
                found.add("DA")
            if drawn or "AP" not in merged:
                found |= {"DR", "Q"}
            if drawn:
                found.add("NeedAppearances")
    for _, page in document.pages():
        annotations = document.resolve(page.get("Annots"))
        for item in annotations if isinstance(annotations, list) else []:
            node = {} if isinstance(item, Ref) and item in seen else document.resolve_dictionary(item) or {}
            if document.resolve(node.get("Subtype")) in ("Widget", "FreeText") and (drawn or "AP" not in node):
                return set(DEFAULTS)
    return found


def reaches_into(box: Box, seal: Box, edge_pt: float) -> bool:
    """Whether a box lies over more of a seal than its edges, ``edge_pt`` broad, be it ever so narrow: many narrow ones cover a seal, and many that
    touch it do not.
    """
    edges = [min(edge_pt, (seal[at + 2] - seal[at]) / 3) for at in (0, 1)]
    return all(min(box[at + 2], seal[at + 2] - edges[at]) > max(box[at], seal[at] + edges[at]) for at in (0, 1))


def read_text(value: PdfString) -> str:
    """A text string: UTF-16BE or UTF-8 with a mark, else PDFDocEncoding, read as Latin-1 (7.9.2.2)."""
    if value.startswith(b"\xfe\xff"):
        return value[2:].decode("utf-16-be", "replace")
    if value.startswith(b"\xef\xbb\xbf"):
        return value[3:].decode("utf-8", "replace")
    return value.decode("latin-1")
