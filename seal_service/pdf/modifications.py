"""What happened to a document after a signature, and whether it was allowed: the strict modification policy.

Allowed behind a signature are: validation data (DSS), document time-stamps, developer extensions, metadata and document information,
further signatures (in new fields with their own widgets, or in prepared empty fields), and the bookkeeping of the new revision. Every
other change to something the document uses is a change after signing, named by object, by the way that leads to it and by revision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.report import Outcome, Step, not_checked, passed
from seal_service.pdf.changes import ANNOTATIONS, UPDATE, Changes
from seal_service.pdf.comparison import TRAILER, Path, ReferenceIndex, Strays, changed_numbers, crossing_objects, stray_objects
from seal_service.pdf.cross_references import IN_FILE
from seal_service.pdf.form_changes import judge_form, judge_other_fields, judge_signature_fields, list_changes, prepared_appearances
from seal_service.pdf.form_fields import reaches_into
from seal_service.pdf.permissions import read_permissions
from seal_service.pdf.plain_sections import has_odd_sections
from seal_service.pdf.structure_changes import judge_structure
from seal_service.pdf.syntax import Name, PdfString, Ref, Stream
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pdf.document import PdfDocument
    from seal_service.pdf.form_fields import Box
    from seal_service.pdf.permissions import Permissions

PAGES: Final = "ISO 32000-1 7.7.3"
CATALOG: Final = "ISO 32000-1 7.7.2"
OBJECT_STREAMS: Final = "ISO 32000-1 7.5.7"
_PAGE_KEYS: Final = frozenset({"Annots", "Tabs", "LastModified"})  # neither of the last two is painted
# What a granted catalog entry must be, so that it cannot serve as anything else
_GRANTED_TYPES: Final = {"DSS": dict, "Metadata": Stream, "Extensions": dict, "MarkInfo": dict, "Version": Name}
_GRANTED_KEYS: Final = {"DSS": "validation data", "Metadata": "metadata", "Extensions": "extensions", "MarkInfo": "metadata"}
_PAGE_TYPES: Final = (list, Name, PdfString, type(None))  # of the entries above: lists, names, dates, never a stream
_MAX_CROSSING: Final = 8  # named objects that run over the end of a revision; one is enough
_MAX_REBUILT: Final = 20_000  # objects behind a signature that no cross-reference names; honest files have none
_EDGE_PT: Final = 1.0  # seals that merely touch do not cover each other


@dataclass(frozen=True, slots=True)
class Modifications:
    """The outcome for one signature: its steps, and whether a forbidden change was shown (None: could not be decided)."""

    steps: tuple[Step, ...]
    is_tampered: bool | None


@dataclass(frozen=True, slots=True)
class SignedRevision:
    """A revision that a signature covers, as it was then, with what the signatures up to it forbid."""

    document: PdfDocument
    permissions: Permissions


def compare_with_final(revisions: Sequence[SignedRevision], final: PdfDocument) -> list[Modifications]:
    """What changed behind each signed revision. Never raises: what cannot be read or costs too much is undecided."""
    found: list[tuple[set[int], bool] | MalformedError] = []
    left = final.budget.limits.objects  # entries looked at for all signatures together
    for revision in revisions:
        try:
            numbers, continues = changed_numbers(revision.document, final, left)
            found.append((numbers, continues))
            left -= len(numbers)
        except MalformedError as error:
            found.append(error)
    targets = {number for entry in found if isinstance(entry, tuple) for number in entry[0]}
    targets |= {number for revision in revisions for number in prepared_appearances(revision.document)}
    results: list[Modifications] = []
    index: ReferenceIndex | None = None
    crossing: dict[int, list[int]] = {}
    strays: Strays | None = None
    rebuilt: Modifications | None = None  # looked at once, behind the last signature: what came there came behind every other too
    last = max(revisions, key=lambda each: each.document.end, default=None)
    for revision, entry in zip(revisions, found, strict=True):
        try:
            if final.recovered and last is not None:
                rebuilt = rebuilt or _judge_rebuilt(last, final)
                results.append(rebuilt)
                continue
            if isinstance(entry, MalformedError):
                raise entry
            if index is None or strays is None:
                ends = [each.document.end for each in revisions]
                strays = stray_objects(final, min(ends))
                index = ReferenceIndex(final, targets | strays.freed)
                crossing = crossing_objects(final, ends)
            changes = Changes(revision.document, final, entry[0], index, revision.permissions)
            for number in crossing.get(revision.document.end, [])[:_MAX_CROSSING]:
                changes.refuse("PDF_OBJECT_CHANGED", UPDATE, number, reason="runs over the end of the signed revision")
            if any(at >= revision.document.end for at in strays.behind):
                changes.leave_open("PDF_REVISION_CHAIN", UPDATE, reason="not in the cross-references")
            elif strays.before or strays.behind or any(index.referrers.get(number) for number in strays.freed):
                # signed with the document, but not shown: an update that some reader cannot follow makes it show this
                changes.leave_open("PDF_REVISION_CHAIN", UPDATE, reason="another object passed over")
            outcome = _judge(changes, continues=entry[1])
            if outcome.is_tampered and revision.document.is_encrypted:
                outcome = _judge_encrypted(revision, final, entry, index)
            if not outcome.is_tampered and last is not None and any(at >= last.document.end for at in strays.behind):
                rebuilt = rebuilt or _judge_rebuilt(last, final)
                outcome = rebuilt if rebuilt.is_tampered else outcome
            results.append(outcome)
        except MalformedError as error:
            results.append(Modifications((not_checked("PDF_CHANGES_UNDECIDED", UPDATE, reason=error.code),), None))
    return results


def _judge_rebuilt(revision: SignedRevision, final: PdfDocument) -> Modifications:
    """What readers show who rebuild the cross-references: never better than undecided, since no two of them do it alike."""
    try:
        view = revision.document.rebuilt_until(final)
        numbers, continues = changed_numbers(revision.document, view, _MAX_REBUILT)
        index = ReferenceIndex(view, numbers | prepared_appearances(revision.document))
        return _judge(Changes(revision.document, view, numbers, index, revision.permissions), continues=continues)
    except MalformedError as error:
        return Modifications((not_checked("PDF_CHANGES_UNDECIDED", UPDATE, reason=error.code),), None)


def _judge_encrypted(revision: SignedRevision, final: PdfDocument, entry: tuple[set[int], bool], index: ReferenceIndex) -> Modifications:
    """A change that is one whatever the encrypted strings say; where only strings differ, they may say the same (7.6.2)."""
    changes = Changes(revision.document, final, entry[0], index, revision.permissions, reads_texts=False)
    outcome = _judge(changes, continues=entry[1])
    if outcome.is_tampered is not False:
        return outcome
    return Modifications((not_checked("PDF_CHANGES_UNDECIDED", UPDATE, reason="PDF_ENCRYPTED"),), None)


def _judge(changes: Changes, *, continues: bool) -> Modifications:
    if not continues:
        changes.leave_open("PDF_REVISION_CHAIN", UPDATE)
    for judge in (
        _judge_storage,
        judge_signature_fields,
        _judge_trailer,
        _judge_catalog,
        judge_form,
        _judge_pages,
        judge_other_fields,
        _judge_rest,
    ):
        try:
            judge(changes)
        except MalformedError as error:
            changes.leave_open("PDF_CHANGES_UNDECIDED", UPDATE, reason=error.code)
    outcomes = {step.outcome for step in changes.steps}
    if Outcome.FAIL in outcomes:
        return Modifications(tuple(changes.steps), is_tampered=True)
    if Outcome.NOT_CHECKED in outcomes:
        return Modifications(tuple(changes.steps), is_tampered=None)
    allowed = passed("PDF_LATER_CHANGES_ALLOWED", UPDATE, kinds=", ".join(sorted(changes.kinds)) or "none")
    return Modifications((*changes.steps, allowed), is_tampered=False)


def _judge_storage(changes: Changes) -> None:
    """Object streams of the signed revision stay; every object of an update stands where its cross-reference says."""
    signed, final = changes.signed, changes.final
    for number in sorted(changes.changed):
        before, after = signed.entry(number), final.entry(number)
        if before is not None and before.kind == IN_FILE:
            value = changes.object_before(number)
            if isinstance(value, Stream) and value.dictionary.get("Type") == "ObjStm":
                changes.refuse("PDF_OBJECT_STREAM_CHANGED", OBJECT_STREAMS, number)
        if after is not None and final.is_misplaced(number):
            changes.refuse("PDF_OBJECT_MISPLACED", UPDATE, number, offset=after.at)
    if has_odd_sections(signed, final):  # readers that rebuild what they find fault with may show what the signer never saw
        changes.leave_open("PDF_REVISION_CHAIN", UPDATE, reason="form of the cross-references")


def _judge_trailer(changes: Changes) -> None:
    before, after = changes.signed.trailer, changes.final.trailer
    if before.get("Root") != after.get("Root"):
        changes.refuse("PDF_CATALOG_CHANGED", CATALOG, key="Root", reason="another catalog")
    if not changes.values.same(before.get("Encrypt"), after.get("Encrypt"), TRAILER, ("Encrypt",)):
        changes.refuse("PDF_CATALOG_CHANGED", CATALOG, key="Encrypt")
    # Readers differ whether the newest trailer alone counts, or what it lacks is taken from those before it
    known = {section.offset for section in changes.signed.sections}
    for section in changes.final.sections:
        for each in (section, section.hidden):
            if each is None or section.offset in known:
                continue
            for key in ("Root", "Encrypt"):
                if each.trailer.get(key) not in (None, before.get(key), after.get(key)):
                    changes.refuse("PDF_CATALOG_CHANGED", CATALOG, key=key, reason="in an older trailer", offset=each.offset)
    if changes.final.size < changes.signed.size:  # 7.5.5: objects behind it would count as missing, in some readers' eyes
        changes.leave_open("PDF_REVISION_CHAIN", UPDATE, reason="/Size became smaller")
    info = after.get("Info")
    if isinstance(info, Ref):
        changes.grant(info, TRAILER, ("Info",))
        if info.number in changes.changed:
            changes.kinds.add("document information")


def _judge_catalog(changes: Changes) -> None:
    root = changes.final.trailer.get("Root")
    number = root.number if isinstance(root, Ref) else TRAILER
    before, after = changes.signed.root, changes.final.root
    changes.judged.add(number)
    for key, said in _GRANTED_KEYS.items():
        if key in after:
            changes.grant(after[key], number, (key,))
            if any(ref.number in changes.changed for ref in [after[key]] if isinstance(ref, Ref)):
                changes.kinds.add(said)
    for key, kind in _GRANTED_TYPES.items():
        value = changes.final.resolve(after.get(key))
        if value is not None and (type(value) is not kind or (key == "Metadata" and not _is_metadata(value))):
            known = changes.signed.resolve(before.get(key))
            if known is None or not changes.values.same(known, value, number, (key,)):
                changes.refuse("PDF_CATALOG_CHANGED", CATALOG, number, key=key, reason="type")
    for key in sorted(changes.values.different_keys(before, after, number)):
        if key == "AcroForm" or (key in {*_GRANTED_KEYS, "Version"} and key in after):
            changes.kinds.add(_GRANTED_KEYS.get(key, "extensions" if key == "Version" else "signature field"))
        elif key == "Perms" and _adds_certification(changes, before, after):
            changes.grant(after[key], number, (key,))
        elif key == "StructTreeRoot":
            changes.leave_open("PDF_STRUCTURE_CHANGED", CATALOG, number)
        else:
            changes.refuse("PDF_CATALOG_CHANGED", CATALOG, number, key=key)


def _is_metadata(value: object) -> bool:
    return isinstance(value, Stream) and value.dictionary.get("Subtype") == "XML"


def _adds_certification(changes: Changes, before: dict[str, object], after: dict[str, object]) -> bool:
    """Whether /Perms only gained the certification of a signature that is one, which is judged by itself; it makes none of another."""
    old, new = changes.signed.resolve_dictionary(before.get("Perms")) or {}, changes.final.resolve_dictionary(after.get("Perms")) or {}
    certified = new.get("DocMDP")
    added = new.keys() - old.keys() == {"DocMDP"} and old.items() <= new.items()
    return added and any(
        read_permissions(changes.final, field.value_dict or {}, {}).is_certification
        for field in changes.final.signature_fields()
        if field.value_ref is not None and field.value_ref == certified
    )


def _judge_pages(changes: Changes) -> None:
    signed, final = changes.signed, changes.final
    pages = final.pages()
    if final.page_tree_numbers & changes.changed or signed.root.get("Pages") != final.root.get("Pages"):
        old, new = [ref for ref, _ in signed.pages()], [ref for ref, _ in pages]
        if len(old) != len(new):
            changes.refuse("PDF_PAGE_COUNT_CHANGED", PAGES, before=len(old), after=len(new))
        elif old != new:
            changes.refuse("PDF_PAGE_CHANGED", PAGES, reason="order")
        changes.values.same(signed.root.get("Pages"), final.root.get("Pages"), TRAILER)
        copies = {number for number, _, _ in changes.values.rewritten}
        for number in sorted(final.page_tree_numbers & changes.changed):
            # Pages inherit from the nodes above them, by /Parent or by the way that leads to them: the tree stays as it was
            before, after = changes.object_before(number), changes.object_after(number)
            changes.judged.add(number)
            if isinstance(before, dict) and isinstance(after, dict):
                keys = changes.values.different_keys(before, after, number)
                if keys:
                    changes.refuse("PDF_PAGE_CHANGED", PAGES, number, keys=" ".join(sorted(keys)))
            elif number not in copies and not changes.values.same(before, after, number):
                changes.refuse("PDF_PAGE_CHANGED", PAGES, number, reason="page tree")
    for index, (ref, page) in enumerate(pages):
        annotations = page.get("Annots")
        if ref.number in changes.changed:
            changes.judged.add(ref.number)
            before = changes.object_before(ref.number)
            if not isinstance(before, dict):
                changes.refuse("PDF_PAGE_CHANGED", PAGES, ref.number, page=index + 1, reason="new page")
                continue
            keys = changes.values.different_keys(before, page, ref.number)
            keys -= {key for key in _PAGE_KEYS if type(final.resolve(page.get(key))) in _PAGE_TYPES}
            if keys:
                changes.refuse("PDF_PAGE_CHANGED", PAGES, ref.number, page=index + 1, keys=" ".join(sorted(keys)))
            _judge_annotations(changes, index, ref, before, page)
        elif isinstance(annotations, Ref) and annotations.number in changes.changed:
            _judge_annotations(changes, index, ref, page, page)
        if changes.new_pictures:
            _tell_covered(changes, index, final.resolve(annotations))


def _judge_annotations(changes: Changes, index: int, ref: Ref, before: dict[str, object], after: dict[str, object]) -> None:
    old, new = changes.signed.resolve(before.get("Annots")), changes.final.resolve(after.get("Annots"))
    old, new = old if isinstance(old, list) else [], new if isinstance(new, list) else []
    changes.final.budget.spend_compared(len(new))
    changes.grant_alone(after.get("Annots"), ref.number, ("Annots",))
    added, lost = list_changes(old, new)
    for item in lost:
        number = item.number if isinstance(item, Ref) else ref.number
        changes.judged.add(number)
        changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATIONS, number, page=index + 1, reason="removed")
    seals: list[tuple[str, Box]] | None = None
    for item in added:
        if not isinstance(item, Ref) or item not in changes.new_widgets:
            number = item.number if isinstance(item, Ref) else ref.number
            changes.judged.add(number)
            changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATIONS, number, page=index + 1, reason="added")
            continue
        seals = _seals_on(changes.signed, old) if seals is None else seals
        widget = changes.final.resolve_dictionary(item) or {}
        box = changes.final.rectangle(widget.get("Rect"))
        for name, seal in seals:
            if box is not None and reaches_into(box, seal, _EDGE_PT):
                changes.refuse("PDF_SEAL_COVERED", ANNOTATIONS, item.number, page=index + 1, field=name)


def _tell_covered(changes: Changes, index: int, annotations: object) -> None:
    """Seals under prepared fields that were signed since: the signer had the field before him, so that is told and no more."""
    listed = annotations if isinstance(annotations, list) else []
    changes.final.budget.spend_compared(len(listed))
    signed = [item for item in listed if isinstance(item, Ref) and item in changes.new_pictures]
    seals = _seals_on(changes.signed, listed) if signed else []
    for item in signed:
        box = changes.final.rectangle((changes.final.resolve_dictionary(item) or {}).get("Rect"))
        for name, seal in seals:
            if box is not None and reaches_into(box, seal, _EDGE_PT):
                changes.tell("PDF_SEAL_COVERED", ANNOTATIONS, item.number, page=index + 1, field=name)


def _seals_on(document: PdfDocument, annotations: list[object]) -> list[tuple[str, Box]]:
    """Names and boxes of the seals among a page's annotations."""
    listed = {item for item in annotations if isinstance(item, Ref)}
    boxes = [
        (field.name, document.rectangle(widget.get("Rect")))
        for field in document.signature_fields()
        if field.value_dict is not None
        for ref, widget in field.widgets
        if ref in listed
    ]
    return [(name, box) for name, box in boxes if box is not None]


def _judge_rest(changes: Changes) -> None:
    """Whatever changed without a rule for it: harmless when nothing uses it, a change of the document otherwise."""
    fresh = {ref.number for ref in changes.new_widgets | changes.new_fields}
    duplicates = {ref.number for ref in changes.final.duplicate_keys}
    for number in sorted(changes.changed):
        if number in duplicates and changes.index.referrers.get(number):
            changes.refuse("PDF_DUPLICATE_KEY", "ISO 32000-1 7.3.7", number)
        if number in fresh and (strange := changes.strange_referrers(number)):
            changes.refuse("PDF_OBJECT_CHANGED", UPDATE, number, used_by=strange[0][0], key="/".join(strange[0][1])[-80:])
        if number in changes.judged:
            if users := changes.misused(number):
                changes.refuse("PDF_OBJECT_CHANGED", UPDATE, number, used_by=users[0][0], key="/".join(users[0][1])[-80:])
            continue
        referrers = changes.refused_referrers(number)
        if not referrers:
            continue
        if number in changes.index.unreadable:
            changes.refuse("PDF_OBJECT_UNREADABLE", UPDATE, number)
            continue
        before, after = changes.object_before(number), changes.object_after(number)
        if before is not None and changes.values.same(before, after, number):
            continue  # written again as it was
        code, clause = _name_change(changes, referrers[0], before, after)
        changes.refuse(code, clause, number, used_by=referrers[0][0], key="/".join(referrers[0][1])[-80:])
    if changes.changed and changes.index.unreadable - changes.changed:  # what they refer to is not known
        changes.leave_open("PDF_CHANGES_UNDECIDED", UPDATE, min(changes.index.unreadable), reason="PDF_OBJECT_UNREADABLE")
    judge_structure(changes)


def _name_change(changes: Changes, referrer: tuple[int, Path], before: object, after: object) -> tuple[str, str]:
    holder, path = referrer
    user = changes.object_after(holder)
    kind = changes.final.resolve(user.get("Type")) if isinstance(user, dict) else None
    if kind == "Page" and path[:1] != ("Annots",):
        return "PDF_PAGE_CHANGED", PAGES
    for value in (after, before, user):
        dictionary = value.dictionary if isinstance(value, Stream) else value
        if isinstance(dictionary, dict) and "Subtype" in dictionary and "Rect" in dictionary:
            return "PDF_ANNOTATION_CHANGED", ANNOTATIONS
    return "PDF_OBJECT_CHANGED", UPDATE
