"""The signature field a seal goes into: a prepared empty one by its name, or a new one with its widget on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service.pdf.form_fields import read_text
from seal_service.pdf.object_text import entry_text, last_ref, read_text_of, with_entries, with_item
from seal_service.pdf.sealing_rules import is_filled
from seal_service.pdf.syntax import Name, PdfString, Ref, Stream
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from seal_service.pdf.document import PdfDocument
    from seal_service.pdf.form_fields import SignatureField
    from seal_service.pdf.placement import PagePosition
    from seal_service.pdf.update import IncrementalUpdate
    from seal_service.pictures.outline import SealPicture

DEFAULT_NAME: Final = "Seal"
FIELD_NAME_CHARACTERS: Final = 128  # ISO 32000-1 annex C.2 allows names of 127 bytes; more helps nobody
PRINT_AND_LOCKED: Final = 132  # annotation flags (table 165): bit 3 Print, bit 8 Locked
SIGNATURES_EXIST: Final = 1  # /SigFlags (table 219)
APPEND_ONLY: Final = 2
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

    @property
    def is_visible(self) -> bool:
        """Whether the rectangle has an area."""
        return self.rectangle[2] > self.rectangle[0] and self.rectangle[3] > self.rectangle[1]


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


def new_name(document: PdfDocument, wanted: str | None) -> str:
    """A name no field has: ``wanted``, or Seal1, Seal2, ...

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
    while f"{DEFAULT_NAME}{number}" in taken:
        number += 1
    return f"{DEFAULT_NAME}{number}"


def read_widget(document: PdfDocument, field: SignatureField) -> Widget:
    """The widget of a prepared field: the field itself, or its only kid.

    :raises TrustError: ``PDF_FIELD_FILLED``, ``PDF_FIELD_READ_ONLY``, ``PDF_FIELD_WIDGETS`` (several places).
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
    rectangle = document.rectangle(dictionary.get("Rect"))
    return Widget(field.ref, ref, rectangle or (0.0, 0.0, 0.0, 0.0), _rotation_of(document, ref, dictionary))


def _rotation_of(document: PdfDocument, ref: Ref, dictionary: dict[str, object]) -> int:
    """The turn of the page a widget is on; /P is optional, the pages' own lists decide where it is absent."""
    pages = document.pages()
    for index, (page_ref, _) in enumerate(pages):
        if page_ref == dictionary.get("P"):
            return document.page_rotation(index)
    for index, (_, page) in enumerate(pages):
        annotations = document.resolve(page.get("Annots"))
        if isinstance(annotations, list) and ref in annotations:
            return document.page_rotation(index)
    return 0


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


def add_field(
    update: IncrementalUpdate, document: PdfDocument, name: PdfString, value: Ref, position: PagePosition | None, shown: Stream | None
) -> Ref:
    """Write a new field, merged with its widget, into the form and onto its page (the first page where it is invisible)."""
    page_ref, page = document.page(0 if position is None else position.index)
    field: dict[str, object] = {
        "Type": Name("Annot"),
        "Subtype": Name("Widget"),
        "FT": Name("Sig"),
        "T": name,
        "F": PRINT_AND_LOCKED,
        "Rect": [0, 0, 0, 0] if position is None else [round(number, 4) for number in position.rectangle],
        "P": page_ref,
        "V": value,
    }
    if shown is not None:
        field["AP"] = {"N": update.add(shown)}
    ref = update.add(field)
    _add_annotation(update, document, ref, page_ref, page)
    _add_to_form(update, document, ref)
    return ref


def fill_field(update: IncrementalUpdate, widget: Widget, value: Ref, shown: Stream | None) -> None:
    """Write the signature into a prepared field and the picture into its widget."""
    drawn: dict[str, object] = {"F": PRINT_AND_LOCKED}
    if shown is not None:
        drawn["AP"] = {"N": update.add(shown)}
    update.set_entries(widget.field_ref, {"V": value})
    update.set_entries(widget.ref, drawn)


def _add_annotation(update: IncrementalUpdate, document: PdfDocument, ref: Ref, page_ref: Ref, page: dict[str, object]) -> None:
    """Append to the page's /Annots: in place where it is an object of its own, else with the page."""
    listed = page.get("Annots")
    annotations = document.resolve(listed)
    if annotations is None:
        update.set_entries(page_ref, {"Annots": [ref]})
    elif not isinstance(annotations, list):
        raise MalformedError("PDF_MALFORMED", at="Annots")
    elif isinstance(listed, Ref):
        is_shared = sum(other.get("Annots") == listed for _, other in document.pages()) > 1
        if is_shared:
            update.set_entries(page_ref, {"Annots": with_item(read_text_of(document, last_ref(document, listed)), ref)})
        else:
            update.append_item(listed, ref)
    else:
        text = entry_text(read_text_of(document, last_ref(document, page_ref)), "Annots")
        update.set_entries(page_ref, {"Annots": with_item(text or b"[]", ref)})


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
