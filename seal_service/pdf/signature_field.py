"""The signature field a seal goes into: a prepared empty one by its name, or a new one with its widget on a page."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.form_fields import read_text
from seal_service.pdf.object_text import Verbatim, entry_text, last_ref, read_text_of, with_entries, with_item
from seal_service.pdf.placement import WHOLE, PagePosition
from seal_service.pdf.sealing_rules import is_filled
from seal_service.pdf.syntax import Name, PdfString, Ref, Stream
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seal_service.pdf.form_fields import SignatureField
    from seal_service.pdf.update import IncrementalUpdate
    from seal_service.pictures.outline import SealPicture

DEFAULT_NAME: Final = "Seal"
FIELD_NAME_CHARACTERS: Final = 128  # ISO 32000-1 annex C.2 allows names of 127 bytes; more helps nobody
PRINT_AND_LOCKED: Final = 132  # annotation flags (table 165): bit 3 Print, bit 8 Locked
SIGNATURES_EXIST: Final = 1  # /SigFlags (table 219)
APPEND_ONLY: Final = 2
OPAQUE: Final = 1.0
NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_READ_ONLY: Final = 1  # /Ff (table 221)
# The turn that keeps a seal upright on a page shown turned clockwise by so many degrees.
_UPRIGHT: Final = {0: None, 90: [0, 1, -1, 0, 0, 0], 180: [-1, 0, 0, -1, 0, 0], 270: [0, -1, 1, 0, 0, 0]}
# An appearance's box is written in 1/50 mm like the picture inside; readers scale it to the widget's rectangle (12.5.5).
_UNITS_PER_MM: Final = 50


@dataclass(frozen=True, slots=True)
class Widget:
    """The one place where a prepared field is shown: field and widget (often one object), rectangle and the turn of its page."""

    field_ref: Ref
    ref: Ref
    rectangle: tuple[float, float, float, float]
    rotation: int
    page_box: tuple[float, float, float, float] | None  # of the page that lists it; None where no page does: no reader shows it then

    @property
    def is_visible(self) -> bool:
        """Whether any of the rectangle's area is seen on a page."""
        if self.page_box is None:
            return False
        (left, bottom, right, top), box = self.rectangle, self.page_box
        return min(right, box[2]) > max(left, box[0]) and min(top, box[3]) > max(bottom, box[1])

    @property
    def position(self) -> PagePosition:
        """The rectangle as a place for the whole picture; the page does not matter any more."""
        return PagePosition(0, self.rectangle, self.rotation)


def top_names(document: PdfDocument) -> set[str]:
    """The partial names of the fields at the root of the form."""
    form = document.acro_form()
    fields = document.resolve(form.get("Fields")) if form is not None else None
    names = set()
    for item in fields if isinstance(fields, list) else []:
        field = document.resolve(item)
        name = document.resolve(field.get("T")) if isinstance(field, dict) else None
        if isinstance(name, PdfString):
            names.add(read_text(name))
    return names


def new_name(document: PdfDocument, wanted: str | None, *, stem: str = DEFAULT_NAME) -> str:
    """A name no field has: ``wanted``, or ``stem`` with a number: Seal1, Seal2, ...

    :raises TrustError: ``PDF_FIELD_NAME_TAKEN`` (a field that is no signature field has it), ``PDF_FIELD_NAME_BAD``.
    """
    taken = top_names(document)
    if wanted is not None:
        if not wanted or len(wanted) > FIELD_NAME_CHARACTERS or "." in wanted or not wanted.isprintable():
            raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_NAME_BAD", rule="printable, no full stop", most_characters=FIELD_NAME_CHARACTERS)
        if wanted in taken:
            raise TrustError(Kind.CONFLICT, "PDF_FIELD_NAME_TAKEN", field=wanted)
        return wanted
    number = 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def has_signature_field(original: bytes, name: str) -> bool:
    """Whether the document has a signature field of this name, filled or not."""
    return any(field.name == name for field in PdfDocument.open(original).signature_fields())


def may_hide_pictures(document: PdfDocument) -> bool:
    """Whether the form has readers draw its fields themselves (/NeedAppearances, table 218): some then show no picture in a signature field."""
    form = document.acro_form()
    return form is not None and document.resolve(form.get("NeedAppearances")) is True


def read_widget(document: PdfDocument, field: SignatureField) -> Widget:
    """The widget of a prepared field: the field itself, or its only kid.

    :raises TrustError: ``PDF_FIELD_FILLED``, ``PDF_FIELD_READ_ONLY``, ``PDF_FIELD_WIDGETS`` (several places, or one that several pages show).
    """
    if is_filled(field):
        raise TrustError(Kind.CONFLICT, "PDF_FIELD_FILLED", field=field.name)
    flags = document.resolve(field.field_dict.get("Ff"))
    if isinstance(flags, int) and flags & _READ_ONLY:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_READ_ONLY", field=field.name)
    if len(field.widgets) != 1:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_WIDGETS", field=field.name, widgets=len(field.widgets))
    ref, dictionary = field.widgets[0]
    if ref is None or field.ref is None:
        raise MalformedError("PDF_MALFORMED", at="Fields")
    rectangle = document.rectangle(dictionary.get("Rect")) or (0.0, 0.0, 0.0, 0.0)
    listing = _pages_that_list(document, ref)
    if len(listing) > 1:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_WIDGETS", field=field.name, widgets=len(listing))
    if not listing:
        return Widget(field.ref, ref, rectangle, 0, None)
    return Widget(field.ref, ref, rectangle, document.page_rotation(listing[0]), document.page_box(listing[0]))


def _pages_that_list(document: PdfDocument, ref: Ref) -> list[int]:
    """The pages (from 0) that show a widget: readers go by the pages' own lists, whatever the widget's /P says."""
    found = []
    for index, (_, page) in enumerate(document.pages()):
        annotations = document.resolve(page.get("Annots"))
        if isinstance(annotations, list) and ref in annotations:
            found.append(index)
    return found


def appearance(picture: SealPicture, rectangle: tuple[float, float, float, float], rotation: int) -> Stream:
    """The form XObject (8.10) that shows a picture upright, in its own proportions, in the middle of a rectangle."""
    width, height = rectangle[2] - rectangle[0], rectangle[3] - rectangle[1]
    if rotation % 180:
        width, height = height, width
    # The larger the box, the smaller the picture within: widen the box on the side where the rectangle has room to spare.
    box_width = max(picture.width_mm, picture.height_mm * width / height) * _UNITS_PER_MM
    box_height = max(picture.height_mm, picture.width_mm * height / width) * _UNITS_PER_MM
    right, top = round(box_width / 2, 3), round(box_height / 2, 3)
    dictionary: dict[str, object] = {"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": [-right, -top, right, top]}
    matrix = _UPRIGHT[rotation]
    if matrix is not None:
        dictionary["Matrix"] = matrix
    dictionary |= {"Resources": {}, "Filter": Name("FlateDecode")}
    return Stream(dictionary, picture.packed_operators)


def appearances(
    update: IncrementalUpdate, picture: SealPicture, positions: Sequence[PagePosition], opacity: float = OPAQUE
) -> list[dict[str, object]]:
    """The appearance dictionary for each position. The picture's operators stand in the file once, however often it or parts are shown."""
    if len(positions) == 1 and positions[0].part == WHOLE and opacity == OPAQUE:
        (only,) = positions
        return [{"N": update.add(appearance(picture, only.rectangle, only.rotation))}]
    right, top = picture.width_mm / 2 * _UNITS_PER_MM, picture.height_mm / 2 * _UNITS_PER_MM
    whole: dict[str, object] = {"Type": Name("XObject"), "Subtype": Name("Form"), "Resources": {}}
    whole["BBox"] = [round(number, 3) for number in (-right, -top, right, top)]
    drawing = update.add(Stream(whole | {"Filter": Name("FlateDecode")}, picture.packed_operators))
    resources: dict[str, object] = {"XObject": {"Seal": drawing}}
    if opacity != OPAQUE:
        resources["ExtGState"] = {"Ink": {"Type": Name("ExtGState"), "CA": opacity, "ca": opacity}}
    content = b"/Seal Do" if opacity == OPAQUE else b"/Ink gs /Seal Do"
    return [{"N": update.add(_window(position, right, top, resources, content))} for position in positions]


def _window(position: PagePosition, right: float, top: float, resources: dict[str, object], content: bytes) -> Stream:
    """A form as large as the part of the picture that is shown: its box clips the rest away (8.10.1).

    Readers stretch the box to the widget's rectangle: it is widened on the side where the rectangle has room to spare.
    """
    width, height = position.rectangle[2] - position.rectangle[0], position.rectangle[3] - position.rectangle[1]
    if position.rotation % 180:
        width, height = height, width
    left_part, bottom_part, right_part, top_part = position.part
    part_width, part_height = (right_part - left_part) * 2 * right, (top_part - bottom_part) * 2 * top
    spare_x, spare_y = max(part_height * width / height - part_width, 0) / 2, max(part_width * height / width - part_height, 0) / 2
    box = [
        (2 * left_part - 1) * right - spare_x,
        (2 * bottom_part - 1) * top - spare_y,
        (2 * right_part - 1) * right + spare_x,
        (2 * top_part - 1) * top + spare_y,
    ]
    dictionary: dict[str, object] = {"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": [round(number, 3) for number in box]}
    matrix = _UPRIGHT[position.rotation]
    if matrix is not None:
        dictionary["Matrix"] = matrix
    return Stream(dictionary | {"Resources": resources}, content)


def add_field(
    update: IncrementalUpdate,
    document: PdfDocument,
    name: PdfString,
    positions: Sequence[PagePosition] = (),
    shown: Sequence[dict[str, object]] = (),
    entries: Mapping[str, object] = NOTHING,
) -> Ref:
    """Write a new field into the form and its widgets onto their pages; one widget is merged with the field (12.7.4.5).

    Without ``positions`` the field is invisible, on the first page. ``shown``: an appearance dictionary for each position, or none at all.
    ``entries``: further entries of the field, its value among them.
    """
    pages = [document.page(position.index) for position in positions] or [document.page(0)]
    rectangles = [[round(number, 4) for number in position.rectangle] for position in positions] or [[0, 0, 0, 0]]
    widgets: list[dict[str, object]] = [
        {"Type": Name("Annot"), "Subtype": Name("Widget"), "F": PRINT_AND_LOCKED, "Rect": rectangle, "P": page_ref}
        for (page_ref, _), rectangle in zip(pages, rectangles, strict=True)
    ]
    for widget, drawn in zip(widgets, shown, strict=False):
        widget["AP"] = drawn
    own = {"FT": Name("Sig"), "T": name, **entries}
    if len(widgets) == 1:
        ref = update.add(widgets[0] | own)
        refs = [ref]
    else:
        ref = update.reserve()
        refs = [update.add(widget | {"Parent": ref}) for widget in widgets]
        update.replace(ref, own | {"Kids": refs})
    by_page: dict[Ref, tuple[dict[str, object], list[Ref]]] = {}
    for widget_ref, (page_ref, page) in zip(refs, pages, strict=True):
        by_page.setdefault(page_ref, (page, []))[1].append(widget_ref)
    for page_ref, (page, on_page) in by_page.items():
        _add_annotations(update, document, on_page, page_ref, page)
    _add_to_form(update, document, ref)
    return ref


def fill_field(update: IncrementalUpdate, widget: Widget, value: Ref, shown: Sequence[dict[str, object]]) -> None:
    """Write the signature into a prepared field, and its appearance (where there is one) into its widget."""
    drawn: dict[str, object] = {"F": PRINT_AND_LOCKED}
    for appearance_dictionary in shown:
        drawn["AP"] = appearance_dictionary
    update.set_entries(widget.field_ref, {"V": value})
    update.set_entries(widget.ref, drawn)


def _add_annotations(update: IncrementalUpdate, document: PdfDocument, refs: list[Ref], page_ref: Ref, page: dict[str, object]) -> None:
    """Append to the page's /Annots: in place where it is an object of its own, else with the page."""
    listed = page.get("Annots")
    annotations = document.resolve(listed)
    if annotations is None:
        update.set_entries(page_ref, {"Annots": list(refs)})
    elif not isinstance(annotations, list):
        raise MalformedError("PDF_MALFORMED", at="Annots")
    elif isinstance(listed, Ref):
        is_shared = sum(other.get("Annots") == listed for _, other in document.pages()) > 1
        if is_shared:
            update.set_entries(page_ref, {"Annots": _with_items(read_text_of(document, last_ref(document, listed)), refs)})
        else:
            for ref in refs:
                update.append_item(listed, ref)
    else:
        text = entry_text(read_text_of(document, last_ref(document, page_ref)), "Annots")
        update.set_entries(page_ref, {"Annots": _with_items(text or b"[]", refs)})


def _with_items(array: bytes, refs: list[Ref]) -> Verbatim:
    for ref in refs:
        array = with_item(array, ref)
    return Verbatim(array)


def _add_to_form(update: IncrementalUpdate, document: PdfDocument, ref: Ref) -> None:
    """Append to the form's /Fields and state that signatures exist; the form is made where there is none."""
    held = document.root.get("AcroForm")
    form = document.resolve(held)
    if form is None:
        update.set_entries(_root_ref(document), {"AcroForm": update.add({"Fields": [ref], "SigFlags": SIGNATURES_EXIST | APPEND_ONLY})})
        return
    if not isinstance(form, dict):
        raise MalformedError("PDF_MALFORMED", at="AcroForm")
    listed = form.get("Fields")
    fields = document.resolve(listed)
    if fields is not None and not isinstance(fields, list):
        raise MalformedError("PDF_MALFORMED", at="Fields")
    if fields is None:
        _set_in_form(update, document, held, form, {"Fields": [ref]})
    elif isinstance(listed, Ref):
        update.append_item(listed, ref)
        _set_in_form(update, document, held, form, {})
    else:
        text = entry_text(_form_text(document, held), "Fields")
        _set_in_form(update, document, held, form, {"Fields": with_item(text or b"[]", ref)})


def mark_signed(update: IncrementalUpdate, document: PdfDocument) -> None:
    """State in the form that signatures exist (after filling a prepared field)."""
    held = document.root.get("AcroForm")
    form = document.resolve(held)
    _set_in_form(update, document, held, form if isinstance(form, dict) else {}, {})


def _root_ref(document: PdfDocument) -> Ref:
    root = document.trailer.get("Root")
    if not isinstance(root, Ref):
        raise MalformedError("PDF_MALFORMED", at="Root")
    return root


def _form_text(document: PdfDocument, held: object) -> bytes:
    """The form as it is written: an object of its own, or in place in the catalog."""
    if isinstance(held, Ref):
        return read_text_of(document, last_ref(document, held))
    return entry_text(read_text_of(document, last_ref(document, _root_ref(document))), "AcroForm") or b"<<>>"


def _set_in_form(
    update: IncrementalUpdate, document: PdfDocument, held: object, form: dict[str, object], entries: dict[str, object]
) -> None:
    """Set entries of the form and its flags where it stands, unless nothing in it changes."""
    flags = SIGNATURES_EXIST | APPEND_ONLY
    if document.resolve(form.get("SigFlags")) != flags:
        entries = entries | {"SigFlags": flags}
    if not entries:
        return
    if isinstance(held, Ref):
        update.set_entries(held, entries)
    else:
        update.set_entries(_root_ref(document), {"AcroForm": with_entries(_form_text(document, held), entries)})
