"""Changes to the interactive form after a signature: new signature fields, signing of prepared ones, and everything else refused.

Strict on purpose: the value of a text field that is filled in after a seal may say something else than what was sealed (the "replace"
kind of shadow attack), so filling in forms is refused unless a certification allows it, and even then it is not called valid.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from seal_service.pdf.changes import ANNOTATIONS, DOC_MDP, FIELD_MDP, FIELDS
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.form_fields import DEFAULTS, SignatureField, read_field_names, read_text, used_defaults
from seal_service.pdf.permissions import ANNOTATIONS as LEVEL_ANNOTATIONS
from seal_service.pdf.permissions import FORM_FILLING, NO_CHANGES
from seal_service.pdf.syntax import Name, PdfString, Ref, Stream
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seal_service.pdf.changes import Changes
    from seal_service.pdf.document import PdfDocument

# What signing a prepared field may set (ISO 32000-1 12.7.4.5, 12.5.2; PDFBox and iText add /P); Acrobat sets /Ff and /Type on others too
_SIGNING_KEYS: Final = frozenset({"V", "AP", "AS", "F", "Ff", "DA", "Q", "MK", "M", "Type", "P"})
_HARMLESS_KEYS: Final = frozenset({"Ff", "Type"})
_FILLING_KEYS: Final = frozenset({"V", "AP", "AS", "RV", "I", "TI", "M", "MK"})
_KINDS: Final = {
    "AP": dict,
    "V": dict,
    "MK": dict,
    "AS": Name,
    "F": int,
    "Ff": int,
    "DA": PdfString,
    "Q": int,
    "M": PdfString,
    "Type": Name,
}
_ACTION_KEYS: Final = frozenset({"A", "AA"})
_NOTE_KEYS: Final = frozenset({"IRT", "Popup", "RC", "RV", "DV"})  # of notes and of text fields; a signature field has none of them
_LINKS: Final = frozenset({"P", "Parent", "Kids"})  # to objects with rules of their own
_PARENT_KEYS: Final = frozenset({"T", "TU", "TM", "FT", "Ff", "Kids", "Parent", "Type"})
_MAX_PARENTS: Final = 32
_LOOSE_FLAGS: Final = 0b11000  # NoZoom and NoRotate (12.5.3): readers enlarge the picture, or turn it about a corner of its rectangle
_EMPTY_BYTES: Final = 4_096  # what paints nothing is short
_PAINTS_NOTHING: Final = re.compile(rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+|/\w+[ ]BMC\b|EMC\b|[qQ]\b)*+\Z")


def judge_signature_fields(changes: Changes) -> None:
    """Every signature field of the final revision against the signed one."""
    before = {field.ref: field for field in changes.signed.signature_fields() if field.ref is not None}
    names: set[str] | None = None
    after = [field for field in changes.final.signature_fields() if field.ref is not None]
    for field in after:
        known = before.get(field.ref) if field.ref is not None else None
        if known is None:
            names = read_field_names(changes.signed) if names is None else names  # of every kind: two of one name are one (12.7.3.2)
            _judge_new_field(changes, field, names)
        else:
            _judge_known_field(changes, known, field)
    for ref in before.keys() - {field.ref for field in after}:
        changes.refuse("PDF_FIELD_CHANGED", FIELDS, ref.number, reason="removed", field=before[ref].name)


def _judge_new_field(changes: Changes, field: SignatureField, names: set[str]) -> None:
    parts = {ref: dictionary for ref, dictionary in ((field.ref, field.field_dict), *field.widgets) if ref is not None}
    final = changes.final
    if field.name in names:
        changes.refuse("PDF_FIELD_CHANGED", FIELDS, reason="name taken", field=field.name)
    for ref, dictionary in parts.items():
        if ref.number not in changes.changed or changes.object_before(ref.number) is not None:
            changes.refuse("PDF_FIELD_CHANGED", FIELDS, ref.number, reason="object of the signed revision", field=field.name)
        if dictionary.keys() & _ACTION_KEYS:
            changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATIONS, ref.number, reason="action", field=field.name)
        if not _is_part_of(final, field, ref, dictionary) or dictionary.keys() & _NOTE_KEYS:
            changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATIONS, ref.number, reason="no signature widget", field=field.name)
        changes.judged.add(ref.number)
        changes.new_widgets.add(ref)
        for key, value in dictionary.items():
            if key not in _LINKS:
                changes.grant(value, ref.number, (key,))
            elif key == "Kids":
                changes.grant_alone(value, ref.number, (key,))
    if field.ref is not None:
        changes.new_fields.add(field.ref)
        _judge_parents(changes, field.field_dict)
    visible = any(is_visible(final, dictionary) for dictionary in parts.values())
    if field.value_dict is None and is_shown(final, parts.values()):
        # Nobody answers for it with a signature, so it may show nothing: else it would be a note pasted over the page
        changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATIONS, reason="appearance without signature", field=field.name)
    _judge_shown_timestamp(changes, field, parts.values())
    _judge_place(changes, field, parts.values())
    stamp = is_document_timestamp(final, field.value_dict) and not visible
    level = changes.permissions.level
    if (level == NO_CHANGES and not stamp) or (level == FORM_FILLING and visible):
        changes.refuse("PDF_DOCMDP_VIOLATED", DOC_MDP, reason="new signature field", field=field.name, level=level)
    if changes.permissions.is_locked(field.name) and not stamp:
        changes.refuse("PDF_FIELD_LOCKED", FIELD_MDP, field=field.name)
    changes.kinds.add("time-stamp" if stamp else "signature" if field.value_dict is not None else "signature field")


def _is_part_of(document: PdfDocument, field: SignatureField, ref: Ref, dictionary: dict[str, object]) -> bool:
    """Whether a new dictionary is the signature field itself or a widget of it, in every reader's eyes."""
    kind, subtype = document.resolve(dictionary.get("FT")), document.resolve(dictionary.get("Subtype"))
    if kind not in ("Sig", None) or subtype not in ("Widget", None) or (subtype is None and "AP" in dictionary):
        return False  # a note or a text field, which readers draw even where it brings no appearance
    if ref != field.ref and (dictionary.get("Parent", field.ref) != field.ref or "V" in dictionary):
        return False
    return "Rect" not in dictionary or document.rectangle(dictionary["Rect"]) is not None  # other readers may see one in what is none


def _judge_shown_timestamp(changes: Changes, field: SignatureField, shown: Iterable[dict[str, object]]) -> None:
    """A time-stamp authority stamps whatever it is sent, and answers for nothing that a stamp shows on a page."""
    if is_document_timestamp(changes.final, field.value_dict) and is_shown(changes.final, shown):
        changes.leave_open("PDF_ANNOTATION_CHANGED", ANNOTATIONS, reason="appearance of a time-stamp", field=field.name)


def _judge_place(changes: Changes, field: SignatureField, shown: Iterable[dict[str, object]]) -> None:
    """What a later signature shows stands in its rectangle, in every reader's eyes: there alone it is looked for what it covers."""
    if field.value_dict is not None and any(is_shown(changes.final, [each]) and not _is_confined(changes.final, each) for each in shown):
        changes.leave_open("PDF_ANNOTATION_CHANGED", ANNOTATIONS, reason="appearance without a fixed place", field=field.name)


def _is_confined(document: PdfDocument, widget: dict[str, object]) -> bool:
    """Whether readers draw a widget within its rectangle: PDFium goes beyond it where an appearance has no box, MuPDF where there is no rectangle."""
    flags = document.resolve(widget.get("F"))
    boxes = [each.dictionary.get("BBox") for each in _appearances(document, widget) if isinstance(each, Stream)]
    is_loose = flags is not None and (type(flags) is not int or flags & _LOOSE_FLAGS != 0)
    return not is_loose and None not in map(document.rectangle, (widget.get("Rect"), *boxes))


def _judge_parents(changes: Changes, field_dict: dict[str, object]) -> None:
    """Non-terminal fields above a new one: new ones that only name, or known ones that gained it."""
    parent = field_dict.get("Parent")
    for _ in range(_MAX_PARENTS):
        if not isinstance(parent, Ref) or parent.number not in changes.changed or parent.number in changes.judged:
            return
        after, before = changes.object_after(parent.number), changes.object_before(parent.number)
        if not isinstance(after, dict):
            return
        changes.judged.add(parent.number)
        changes.grant_alone(after.get("Kids"), parent.number, ("Kids",))
        if isinstance(before, dict):
            extra = changes.values.different_keys(before, after, parent.number) - {"Kids"}
            kids = changes.signed.resolve(before.get("Kids")), changes.final.resolve(after.get("Kids"))
            fits = isinstance(kids[0], list) and isinstance(kids[1], list) and kids[1][: len(kids[0])] == kids[0]
        else:
            extra, fits = after.keys() - _PARENT_KEYS, True
            changes.new_fields.add(parent)
        if extra or not fits:
            changes.refuse("PDF_FIELD_CHANGED", FIELDS, parent.number, reason="parent field", keys=_listed(extra))
        parent = after.get("Parent")


def _judge_known_field(changes: Changes, before: SignatureField, after: SignatureField) -> None:
    final, name = changes.final, after.name
    was_signed, is_signed = before.value_dict is not None, after.value_dict is not None
    newly_signed = is_signed and not was_signed
    old_widgets = dict(before.widgets)
    pairs: dict[Ref | None, tuple[dict[str, object] | None, dict[str, object]]] = {after.ref: (before.field_dict, after.field_dict)}
    pairs |= {ref: (old_widgets.get(ref), dictionary) for ref, dictionary in after.widgets if ref not in pairs}
    if [ref for ref, _ in before.widgets] != [ref for ref, _ in after.widgets]:
        changes.refuse("PDF_FIELD_CHANGED", FIELDS, reason="widgets", field=name)
    touched = False
    if newly_signed:
        _judge_shared_appearances(changes, before)
    for ref, (old, new) in pairs.items():
        number = ref.number if ref is not None else after.ref.number if after.ref is not None else 0
        if newly_signed:
            for key in _SIGNING_KEYS & new.keys():
                changes.grant(new[key], number, (key,))
        if number in changes.changed:
            touched = True
            changes.judged.add(number)
            keys = changes.values.different_keys(old or {}, new, number) - (_SIGNING_KEYS if newly_signed else _HARMLESS_KEYS)
            if keys:
                code = "PDF_SIGNATURE_DICTIONARY_CHANGED" if was_signed and "V" in keys else "PDF_FIELD_CHANGED"
                changes.refuse(code, FIELDS, number, field=name, keys=_listed(keys))
            if newly_signed and old is not None and "P" in old and old["P"] != new.get("P"):
                changes.refuse("PDF_FIELD_CHANGED", FIELDS, number, field=name, keys="P")
            wrong = {key for key, kind in _KINDS.items() if key in new and type(final.resolve(new[key])) is not kind}
            if newly_signed and wrong:
                changes.refuse("PDF_FIELD_CHANGED", FIELDS, number, field=name, keys=_listed(wrong), reason="type")
    if was_signed and before.value_ref is not None and before.value_ref.number in changes.changed:
        number = before.value_ref.number
        changes.judged.add(number)
        if not changes.values.same(changes.object_before(number), changes.object_after(number), number):
            changes.refuse("PDF_SIGNATURE_DICTIONARY_CHANGED", FIELDS, number, field=name)
    if newly_signed:
        _judge_shown_timestamp(changes, after, [each for _, each in after.widgets])
        _judge_place(changes, after, [each for _, each in after.widgets])
        changes.new_pictures |= {ref for ref, each in after.widgets if ref is not None and is_shown(final, [each])}
        stamp = is_document_timestamp(final, after.value_dict) and not any(is_visible(final, each) for _, each in after.widgets)
        if changes.permissions.level == NO_CHANGES and not stamp:
            changes.refuse("PDF_DOCMDP_VIOLATED", DOC_MDP, reason="signed", field=name, level=NO_CHANGES)
        if changes.permissions.is_locked(name) and not stamp:
            changes.refuse("PDF_FIELD_LOCKED", FIELD_MDP, field=name)
        changes.kinds.add("time-stamp" if stamp else "signature")
    elif touched:
        changes.kinds.add("signature field")


def prepared_appearances(document: PdfDocument) -> set[int]:
    """Object numbers of the appearance dictionaries of signature fields that are still empty."""
    try:
        fields = document.signature_fields()
    except MalformedError:
        return set()  # said where the fields are judged
    entries = [widget.get("AP") for field in fields if field.value_dict is None for _, widget in field.widgets]
    return {entry.number for entry in entries if isinstance(entry, Ref)}


def _judge_shared_appearances(changes: Changes, before: SignatureField) -> None:
    """An appearance dictionary that something else uses too is not the field's own: signing must not put another in its place."""
    for _, widget in before.widgets:
        entry = widget.get("AP")
        if isinstance(entry, Ref):
            others = [edge for edge in changes.index.referrers.get(entry.number, set()) if edge[1] != ("AP",)]
            if others:
                changes.refuse(
                    "PDF_OBJECT_CHANGED", FIELDS, entry.number, used_by=others[0][0], key="/".join(others[0][1]), field=before.name
                )


def judge_form(changes: Changes) -> None:
    """The form's own dictionary: its field list may grow by signature fields, the rest stays."""
    signed, final = changes.signed, changes.final
    before, after = signed.acro_form() or {}, final.acro_form()
    where, root = final.root.get("AcroForm"), final.trailer.get("Root")
    if after is None:
        if before:
            changes.refuse("PDF_FORM_CHANGED", FIELDS, key="AcroForm", reason="removed")
        return
    holder, path = (where.number, ()) if isinstance(where, Ref) else (root.number if isinstance(root, Ref) else 0, ("AcroForm",))
    if isinstance(where, Ref):
        changes.judged.add(where.number)
    different = changes.values.different_keys(before, after, holder, path)
    _judge_field_list(changes, before, after, holder, path)
    _judge_resources(changes, before, after, holder, (*path, "DR"))
    if different & DEFAULTS:
        for key in sorted(different & used_defaults(signed)):
            changes.leave_open("PDF_FORM_CHANGED", FIELDS, holder, key=key)
    for key in sorted(different - {"Fields", "DR", "DA", "Q"}):
        old, new = signed.resolve(before.get(key)), final.resolve(after.get(key))
        if key == "SigFlags" and type(new) is int and (old is None or (type(old) is int and old & ~new == 0)):
            continue
        if key == "NeedAppearances" and new is not True:
            continue
        changes.refuse("PDF_FORM_CHANGED", FIELDS, holder, key=key)


def _judge_field_list(changes: Changes, before: dict[str, object], after: dict[str, object], holder: int, path: tuple[str, ...]) -> None:
    old, new = changes.signed.resolve(before.get("Fields")), changes.final.resolve(after.get("Fields"))
    changes.final.budget.spend_compared(len(new) if isinstance(new, list) else 0)
    changes.grant_alone(after.get("Fields"), holder, (*path, "Fields"))
    added, lost = list_changes(old if isinstance(old, list) else [], new if isinstance(new, list) else [])
    for item in lost:
        changes.refuse("PDF_FIELD_CHANGED", FIELDS, item.number if isinstance(item, Ref) else holder, reason="removed from the form")
    for item in added:
        if isinstance(item, Ref) and item in changes.new_fields:
            continue
        number = item.number if isinstance(item, Ref) else holder
        changes.judged.add(number)
        changes.refuse("PDF_FIELD_CHANGED", FIELDS, number, reason="added")


def _judge_resources(changes: Changes, before: dict[str, object], after: dict[str, object], holder: int, path: tuple[str, ...]) -> None:
    """Default resources (/DR): new fonts may be added, known names keep their meaning."""
    old, new = changes.signed.resolve_dictionary(before.get("DR")) or {}, changes.final.resolve_dictionary(after.get("DR"))
    if new is None:
        return
    reference = after["DR"]
    if not isinstance(changes.final.resolve(reference), dict):
        changes.refuse("PDF_FORM_CHANGED", FIELDS, holder, key="DR")
        return
    changes.grant_alone(reference, holder, path)
    if isinstance(reference, Ref):
        holder, path = reference.number, ()
    for category, value in new.items():
        inner = changes.final.resolve(value)
        known = changes.signed.resolve(old.get(category))
        if isinstance(inner, dict):
            changes.grant_alone(value, holder, (*path, category))
            place = (value.number, ()) if isinstance(value, Ref) else (holder, (*path, category))
            for name, resource in inner.items():
                if not isinstance(known, dict) or name not in known:
                    changes.grant(resource, place[0], (*place[1], name))
                elif not changes.values.same(known[name], resource, place[0], (*place[1], name)):
                    changes.refuse("PDF_FORM_CHANGED", FIELDS, holder, key=f"DR/{category}/{name}")
        elif known is not None and not changes.values.same(old[category], value, holder, (*path, category)):
            changes.refuse("PDF_FORM_CHANGED", FIELDS, holder, key=f"DR/{category}")


def judge_other_fields(changes: Changes) -> None:
    """Changed fields that hold no signature: values filled in, or anything else about them."""
    for number in sorted(changes.changed - changes.judged):
        after, before = changes.object_after(number), changes.object_before(number)
        if not isinstance(after, dict) or not isinstance(before, dict) or not changes.index.referrers.get(number):
            continue
        chain = _field_chain(changes.final, after)
        if chain is None:
            continue
        changes.judged.add(number)
        keys = changes.values.different_keys(before, after, number)
        if not keys:
            continue
        name = ".".join(
            reversed([read_text(part) for part in (changes.final.resolve(link.get("T")) for link in chain) if isinstance(part, PdfString)])
        )
        for key in _FILLING_KEYS & after.keys():
            changes.grant(after[key], number, (key,))
        parent = after.get("Parent")
        filled = keys & {"V", "AS"} or (isinstance(parent, Ref) and parent.number in changes.changed)
        if changes.permissions.is_locked(name):
            changes.refuse("PDF_FIELD_LOCKED", FIELD_MDP, number, field=name)
        elif not filled or keys - _FILLING_KEYS:
            changes.refuse("PDF_FIELD_CHANGED", FIELDS, number, field=name, keys=_listed(keys))
        elif changes.permissions.level in {FORM_FILLING, LEVEL_ANNOTATIONS}:
            changes.leave_open("PDF_FORM_FILLED", DOC_MDP, number, field=name, level=changes.permissions.level)
        else:
            changes.refuse("PDF_FORM_FILLED", FIELDS, number, field=name)


def _field_chain(document: PdfDocument, dictionary: dict[str, object]) -> list[dict[str, object]] | None:
    """A field with those above it, where one of them states a field type other than signature; None for anything else."""
    chain = [dictionary]
    kind = None
    node: dict[str, object] | None = dictionary
    for _ in range(_MAX_PARENTS):
        if node is None:
            break
        kind = kind or document.resolve(node.get("FT"))
        node = document.resolve_dictionary(node.get("Parent"))
        if node is not None:
            chain.append(node)
    return chain if kind in ("Tx", "Btn", "Ch") else None


def list_changes(before: list[object], after: list[object]) -> tuple[list[object], list[object]]:
    """What ``after`` has more, and what it has lost of ``before`` or put in another order."""
    added: list[object] = []
    at = 0
    for item in after:
        if at < len(before) and item == before[at]:
            at += 1
        else:
            added.append(item)
    return added, before[at:]


def is_document_timestamp(document: PdfDocument, value: dict[str, object] | None) -> bool:
    """Whether a signature dictionary is a document time-stamp (ETSI EN 319 142-1 5.4.3)."""
    return value is not None and document.resolve(value.get("SubFilter")) == "ETSI.RFC3161"


def is_visible(document: PdfDocument, widget: dict[str, object]) -> bool:
    """Whether a widget takes room on its page; one whose rectangle is none may, as readers repair it."""
    box = document.rectangle(widget.get("Rect"))
    if box is None:
        return "Rect" in widget or "AP" in widget
    return box[2] > box[0] and box[3] > box[1]


def is_shown(document: PdfDocument, widgets: Iterable[dict[str, object]]) -> bool:
    """Whether any of these widgets shows something on its page; readers draw appearances in rectangles without an area, some in full size."""
    return any(("AP" in widget or is_visible(document, widget)) and _is_painted(document, widget) for widget in widgets)


def _is_painted(document: PdfDocument, widget: dict[str, object]) -> bool:
    """Whether a widget may show anything: an appearance that is not empty, or a background or caption of its own."""
    if document.resolve(widget.get("MK")):
        return True
    for stream in _appearances(document, widget):
        if not isinstance(stream, Stream) or len(stream.raw) > _EMPTY_BYTES:
            return True
        if not _PAINTS_NOTHING.match(decode_stream(stream, document.resolve, document.budget)):
            return True
    return False


def _appearances(document: PdfDocument, widget: dict[str, object]) -> Iterator[object]:
    """The appearances of a widget for every state; what stands in the place of one is among them."""
    for value in (document.resolve_dictionary(widget.get("AP")) or {}).values():
        found = document.resolve(value)
        yield from map(document.resolve, found.values() if isinstance(found, dict) else [found])


def _listed(keys: set[str] | frozenset[str]) -> str:
    return " ".join(sorted(keys))[:200]
