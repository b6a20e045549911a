"""Attacks by a later revision: every family must be called invalid and tampered, with the step that names it."""

from __future__ import annotations

import re

import pytest

from crypto.report import Verdict
from seal_service.pdf.document import PdfDocument
from tests.seal_service.pdf.documents import build, entries_of, page_objects
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import (
    ABOVE,
    append,
    body_of,
    changed,
    failures,
    field_number,
    sealed_form,
    signature_number,
    top,
    undecided,
    verify,
)

NOTE = b"<</Type/Annot/Subtype/FreeText/Rect[50 690 200 720]/DA(/Helv 12 Tf)/Contents(Pay 900)/P 3 0 R>>"
SCRIPT = b"<</S/JavaScript/JS(app.alert(1))>>"
STREAM = b"<</Length 44>>stream\nBT /F1 12 Tf 50 700 Td (Pay 900000) Tj ET   \nendstream"
FORM_XOBJECT = b"<</Type/XObject/Subtype/Form/BBox[0 0 500 500]/Length 20>>stream\n0 0 500 500 re f    \nendstream"


def _catalog(extra: bytes) -> dict[int, bytes]:
    return changed(sealed_form(), 1, (b"<<", b"<<" + extra))


def _new(*bodies: bytes) -> dict[int, bytes]:
    start = top(sealed_form())
    return {start + index: body for index, body in enumerate(bodies)}


def _page(old: bytes, new: bytes) -> dict[int, bytes]:
    return changed(sealed_form(), 3, (old, new))


N = top(sealed_form())

CHANGES: dict[str, tuple[dict[int, bytes], str]] = {
    # incremental saving: new content of pages
    "contents overwritten": ({4: STREAM}, "PDF_PAGE_CHANGED"),
    "contents replaced by reference": ({**_page(b"/Contents 4 0 R", b"/Contents %d 0 R" % N), **_new(STREAM)}, "PDF_PAGE_CHANGED"),
    "contents appended as array": ({**_page(b"/Contents 4 0 R", b"/Contents[4 0 R %d 0 R]" % N), **_new(STREAM)}, "PDF_PAGE_CHANGED"),
    "font overwritten": ({15: b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"}, "PDF_PAGE_CHANGED"),
    "drawing overwritten": ({16: FORM_XOBJECT}, "PDF_PAGE_CHANGED"),
    "object the signed document kept a place for": ({90: FORM_XOBJECT}, "PDF_PAGE_CHANGED"),
    "page turned": (_page(b"/MediaBox", b"/Rotate 180/MediaBox"), "PDF_PAGE_CHANGED"),
    "page cropped": (_page(b"/MediaBox", b"/CropBox[0 0 10 10]/MediaBox"), "PDF_PAGE_CHANGED"),
    "page action": (_page(b"/MediaBox", b"/AA<</O" + SCRIPT + b">>/MediaBox"), "PDF_PAGE_CHANGED"),
    "resources changed": (_page(b"/Gone 90 0 R", b"/Im2 16 0 R"), "PDF_PAGE_CHANGED"),
    "inherited attributes": ({2: b"<</Type/Pages/Kids[3 0 R]/Count 1/Rotate 90>>"}, "PDF_PAGE_CHANGED"),
    "page added": (
        {2: b"<</Type/Pages/Kids[3 0 R %d 0 R]/Count 2>>" % N, **_new(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")},
        "PDF_PAGE_COUNT_CHANGED",
    ),
    "page removed": ({2: b"<</Type/Pages/Kids[]/Count 0>>"}, "PDF_PAGE_COUNT_CHANGED"),
    "page replaced": (
        {2: b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % N, **_new(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")},
        "PDF_PAGE_CHANGED",
    ),
    "page twice": ({2: b"<</Type/Pages/Kids[3 0 R %d 0 R]/Count 2>>" % N, N: body_of(sealed_form(), 3)}, "PDF_PAGE_COUNT_CHANGED"),
    "page tree exchanged": (
        {**changed(sealed_form(), 1, (b"/Pages 2 0 R", b"/Pages %d 0 R" % N)), **_new(b"<</Type/Pages/Kids[3 0 R]/Count 1/Rotate 90>>")},
        "PDF_CATALOG_CHANGED",
    ),
    # annotations (evil annotation attack)
    "annotation added": ({**_page(b"/Annots [", b"/Annots [%d 0 R " % N), **_new(NOTE)}, "PDF_ANNOTATION_CHANGED"),
    "annotation added in place": (_page(b"/Annots [", b"/Annots [" + NOTE), "PDF_ANNOTATION_CHANGED"),
    "annotation removed": (_page(b"12 0 R", b""), "PDF_ANNOTATION_CHANGED"),
    "annotation changed": (changed(sealed_form(), 12, (b"a note", b"no note")), "PDF_ANNOTATION_CHANGED"),
    "annotations reordered": (_page(b"10 0 R 11 0 R", b"11 0 R 10 0 R"), "PDF_ANNOTATION_CHANGED"),
    # forms: shadow attacks of the kind "replace"
    "form filled": (changed(sealed_form(), 10, (b"(100)", b"(900)")), "PDF_FORM_FILLED"),
    "form appearance overwritten": ({13: FORM_XOBJECT}, "PDF_ANNOTATION_CHANGED"),
    "form appearance exchanged": (
        {**changed(sealed_form(), 10, (b"/N 13 0 R", b"/N %d 0 R" % N)), **_new(FORM_XOBJECT)},
        "PDF_FIELD_CHANGED",
    ),
    "form field moved": (changed(sealed_form(), 10, (b"[50 600 200 620]", b"[50 690 200 710]")), "PDF_FIELD_CHANGED"),
    "form field action": (changed(sealed_form(), 10, (b"<<", b"<</AA<</K" + SCRIPT + b">>")), "PDF_FIELD_CHANGED"),
    "form field added": (
        {
            **_page(b"/Annots [", b"/Annots [%d 0 R " % N),
            **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [%d 0 R " % N)),
            **_new(b"<</Type/Annot/Subtype/Widget/FT/Tx/T(new)/V(Pay 900)/Rect[50 690 200 720]/P 3 0 R>>"),
        },
        "PDF_FIELD_CHANGED",
    ),
    "form field removed": (changed(sealed_form(), 5, (b"10 0 R ", b"")), "PDF_FIELD_CHANGED"),
    "seal field removed": (changed(sealed_form(), 5, (b"%d 0 R" % field_number(sealed_form()), b"")), "PDF_FIELD_CHANGED"),
    "prepared field moved": (changed(sealed_form(), 11, (b"[300 600 400 700]", b"[50 690 200 720]")), "PDF_FIELD_CHANGED"),
    "prepared field painted": (
        {**changed(sealed_form(), 11, (b"/N 14 0 R", b"/N %d 0 R" % N)), **_new(FORM_XOBJECT)},
        "PDF_FIELD_CHANGED",
    ),
    "prepared appearance overwritten": ({14: FORM_XOBJECT}, "PDF_ANNOTATION_CHANGED"),
    "NeedAppearances": (changed(sealed_form(), 5, (b"<<", b"<</NeedAppearances true")), "PDF_FORM_CHANGED"),
    "XFA": (changed(sealed_form(), 5, (b"<<", b"<</XFA(x)")), "PDF_FORM_CHANGED"),
    "calculation order": (changed(sealed_form(), 5, (b"<<", b"<</CO[10 0 R]")), "PDF_FORM_CHANGED"),
    "SigFlags withdrawn": (changed(sealed_form(), 5, (b"/SigFlags 3", b"/SigFlags 0")), "PDF_FORM_CHANGED"),
    "default font exchanged": (
        {**changed(sealed_form(), 5, (b"/Helv 15 0 R", b"/Helv %d 0 R" % N)), **_new(b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>")},
        "PDF_FORM_CHANGED",
    ),
    "form dropped": (changed(sealed_form(), 1, (b"/AcroForm 5 0 R", b"")), "PDF_FORM_CHANGED"),
    # catalog
    "OpenAction": (_catalog(b"/OpenAction" + SCRIPT), "PDF_CATALOG_CHANGED"),
    "catalog actions": (_catalog(b"/AA<</WC" + SCRIPT + b">>"), "PDF_CATALOG_CHANGED"),
    "names with script": (_catalog(b"/Names<</JavaScript<</Names[(a)" + SCRIPT + b"]>>>>"), "PDF_CATALOG_CHANGED"),
    "embedded file": (_catalog(b"/Names<</EmbeddedFiles<</Names[]>>>>"), "PDF_CATALOG_CHANGED"),
    "optional content exchanged": (
        changed(sealed_form(), 1, (b"/OCProperties 8 0 R", b"/OCProperties<</OCGs[9 0 R]/D<</OFF[9 0 R]>>>>")),
        "PDF_CATALOG_CHANGED",
    ),
    "optional content switched": ({8: b"<</OCGs[9 0 R]/D<</OFF[9 0 R]>>>>"}, "PDF_OBJECT_CHANGED"),
    "optional content group": ({9: b"<</Type/OCG/Name(Layer)/Usage<</View<</ViewState/OFF>>>>>>"}, "PDF_OBJECT_CHANGED"),
    "outline changed": ({7: b"<</Type/Outlines/Count 1>>"}, "PDF_OBJECT_CHANGED"),
    "metadata dropped": (changed(sealed_form(), 1, (b"/Metadata 6 0 R", b"")), "PDF_CATALOG_CHANGED"),
    "page labels": (_catalog(b"/PageLabels<</Nums[0<</P(9)>>]>>"), "PDF_CATALOG_CHANGED"),
    "ordinary seal made a certification": (_catalog(b"/Perms<</DocMDP %d 0 R>>" % signature_number(sealed_form())), "PDF_CATALOG_CHANGED"),
    "seal dictionary rewritten": (
        changed(sealed_form(), signature_number(sealed_form()), (b"/Name", b"/Nbme")),
        "PDF_SIGNATURE_REMOVED",
    ),
    "seal field emptied": (changed(sealed_form(), field_number(sealed_form()), (b"/V ", b"/W ")), "PDF_SIGNATURE_REMOVED"),
    "seal field points elsewhere": (
        {
            **changed(sealed_form(), field_number(sealed_form()), (b"/V %d 0 R" % signature_number(sealed_form()), b"/V %d 0 R" % N)),
            N: body_of(sealed_form(), signature_number(sealed_form())),
        },
        "PDF_SIGNATURE_REMOVED",
    ),
    "seal moved": (changed(sealed_form(), field_number(sealed_form()), (b"/Rect [", b"/Rect [0 0 1 1]/Old [")), "PDF_FIELD_CHANGED"),
    "seal appearance exchanged": (
        {**changed(sealed_form(), field_number(sealed_form()), (b"/AP", b"/AP<</N %d 0 R>>/Old" % N)), **_new(FORM_XOBJECT)},
        "PDF_FIELD_CHANGED",
    ),
    "duplicate keys": (_page(b"/Contents 4 0 R", b"/Contents %d 0 R/Contents 4 0 R" % N), "PDF_DUPLICATE_KEY"),
}


@pytest.mark.clause("ISO 32000-1 7.5.6")
@pytest.mark.parametrize("kind", ["table", "stream"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_after_sealing_is_found_and_named(name: str, kind: str) -> None:
    objects, code = CHANGES[name]
    report = verify(append(sealed_form(), objects, kind=kind))
    assert report.verdict is Verdict.INVALID
    assert report.tampered is True
    assert code in failures(report)
    assert all(each.document_intact is not True for each in report.signatures)


def test_the_step_names_object_way_and_revision() -> None:
    data = append(append(sealed_form(), {}), {15: b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"})
    step = next(step for step in verify(data).signatures[0].steps if step.code == "PDF_PAGE_CHANGED")
    assert step.facts["object"] == 15
    assert step.facts["revision"] == 2
    assert str(step.facts["path"]).endswith("Font/F1")


_BODY = b"4 0 obj\n" + STREAM + b"\nendobj\n"
_TRAILER = b"trailer\n<</Root 1 0 R/Size 30>>\n"
WITHOUT_CROSS_REFERENCES = {
    "objects only": _BODY,
    "objects and end of file": _BODY + b"%%EOF\n",
    "objects and trailer": _BODY + _TRAILER + b"%%EOF\n",
    "objects and much more": _BODY + b"% more\n" * 400,
    "the old cross-references": _BODY + _TRAILER + b"startxref\n%d\n%%%%EOF\n" % PdfDocument.open(sealed_form()).last_startxref,
    "no cross-references there": _BODY + _TRAILER + b"startxref\n0\n%%EOF\n",
    "outside the file": _BODY + _TRAILER + b"startxref\n99999999\n%%EOF\n",
    "no catalog of its own": b"90 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\ntrailer\n<</Root 90 0 R/Size 91>>\nstartxref\n0\n%%EOF\n",
}


@pytest.mark.clause("ISO 32000-1 7.5.6")
@pytest.mark.parametrize("name", WITHOUT_CROSS_REFERENCES)
def test_incremental_saving_without_cross_references_is_a_change(name: str) -> None:
    report = verify(sealed_form() + WITHOUT_CROSS_REFERENCES[name])
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert failures(report) & {"PDF_PAGE_CHANGED", "PDF_CATALOG_CHANGED", "PDF_SIGNATURE_REMOVED"}


@pytest.mark.parametrize("previous", [-1, 10**6])
def test_incremental_saving_that_forgets_the_rest_is_a_change(previous: int) -> None:
    report = verify(append(sealed_form(), {4: STREAM}, previous=previous))
    assert "PDF_PAGE_CHANGED" in failures(report, "First")
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


def test_very_many_objects_without_cross_references_are_left_undecided() -> None:
    objects = b"".join(b"%d 0 obj\n[%d 0 R]\nendobj\n" % (number, number + 1) for number in range(3, 30_000))
    report = verify(sealed_form() + objects + b"startxref\n0\n%%EOF\n")
    assert "PDF_CHANGES_UNDECIDED" in undecided(report)
    assert report.verdict is not Verdict.VALID


def test_a_copied_signature_in_front_of_damaged_cross_references_hides_nothing() -> None:
    number = signature_number(sealed_form())
    data = sealed_form() + _BODY + b"%d 0 obj\n%s\nendobj\n%%%%EOF\n" % (number, body_of(sealed_form(), number))
    report = verify(data)
    assert failures(report) >= {"PDF_SIGNATURE_REMOVED", "PDF_BYTERANGE_BAD"}
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


def test_an_object_freed_afterwards_is_missing_from_the_document() -> None:
    report = verify(append(sealed_form(), {}, freed=[4]))
    assert failures(report) == {"PDF_PAGE_CHANGED"}
    assert report.tampered is True


def test_another_catalog_is_refused() -> None:
    data = sealed_form()
    number = top(data)
    report = verify(append(data, {number: body_of(data, 1)}, root=b"%d 0 R" % number))
    assert "PDF_CATALOG_CHANGED" in failures(report)
    assert report.tampered is True


def test_an_older_object_brought_back_is_a_change() -> None:
    """Hide and replace: the update brings no content, it only points back to what was hidden in the signed bytes."""
    hidden = form_with_hidden_contents()
    data = sealed(hidden, placement=ABOVE, field_name="First")
    offset = data.index(b"4 0 obj\n<</Length 44>>")
    report = verify(append(data, {}, entries={4: offset}))
    assert "PDF_PAGE_CHANGED" in failures(report)
    assert report.tampered is True


def form_with_hidden_contents() -> bytes:
    from tests.seal_service.pdf.tampering import form_document

    original = form_document()
    return append(append(original, {4: STREAM}), changed(original, 4))


def test_a_second_seal_does_not_launder_a_change_before_it() -> None:
    data = sealed(append(sealed_form(), {15: b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"}), placement=ABOVE, field_name="Second")
    report = verify(data)
    assert {each.name: each.verdict for each in report.signatures} == {"First": Verdict.INVALID, "Second": Verdict.VALID}
    assert report.verdict is Verdict.INVALID
    assert report.tampered is True


WIDGET = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Late)/F 4/P 3 0 R/Rect[%s]%s>>"


def _with_field(box: bytes, extra: bytes = b"", *more: bytes) -> bytes:
    """A new empty signature field in an update, as it may be added for a later signer."""
    objects = _new(WIDGET % (box, extra), *more)
    return append(
        sealed_form(),
        {**objects, **_page(b"/Annots [", b"/Annots [%d 0 R " % N), **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [%d 0 R " % N))},
    )


def _seal_box() -> bytes:
    document = PdfDocument.open(sealed_form())
    field = next(field for field in document.signature_fields() if field.name == "First")
    return b"%d %d %d %d" % tuple(round(corner) for corner in document.rectangle(field.field_dict["Rect"]) or ())


def test_nothing_may_lie_over_a_seal() -> None:
    """The sneaky signature attack: a later field whose picture lies over the first seal."""
    report = verify(_with_field(_seal_box()))
    assert failures(report) == {"PDF_SEAL_COVERED"}
    assert report.tampered is True


@pytest.mark.parametrize(
    "extra",
    [b"/AP<</N %d 0 R>>" % (N + 1), b"/AP<</N<</On %d 0 R>>>>" % (N + 1), b"/MK<</BG[1 1 1]>>", b"/AP<</N null/D %d 0 R>>" % (N + 1)],
)
def test_a_field_without_signature_must_not_paint_over_the_page(extra: bytes) -> None:
    report = verify(_with_field(b"50 690 200 720", extra, FORM_XOBJECT))
    assert failures(report) == {"PDF_ANNOTATION_CHANGED"}
    assert report.tampered is True


def test_a_new_field_must_not_act() -> None:
    report = verify(_with_field(b"50 690 200 720", b"/A" + SCRIPT))
    assert failures(report) == {"PDF_ANNOTATION_CHANGED"}


def test_a_new_field_must_be_new() -> None:
    """An object of the signed revision is not a new field, and a new field takes nobody's name."""
    taken = _with_field(b"0 0 0 0")
    assert verify(taken).verdict is Verdict.VALID
    assert failures(verify(taken.replace(b"/T(Late)", b"/T(First)"))) == {"PDF_FIELD_CHANGED"}
    objects = {**_page(b"/Annots [", b"/Annots [16 0 R "), **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [16 0 R "))}
    old = WIDGET % (b"0 0 0 0", b"")
    assert failures(verify(append(sealed_form(), {**objects, 16: old}))) >= {"PDF_FIELD_CHANGED"}


def test_a_new_field_must_not_serve_as_anything_else() -> None:
    """The signed page kept a place for object 90; a field that comes there could be its resources as well."""
    objects = {**_page(b"/Annots [", b"/Annots [90 0 R "), **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [90 0 R "))}
    report = verify(append(sealed_form(), {**objects, 90: WIDGET % (b"0 0 0 0", b"/Im1 16 0 R")}))
    assert failures(report) == {"PDF_OBJECT_CHANGED"}
    assert report.tampered is True


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (3, b"/Annots [10 0 R", b"/Annots %d 0 R/Old [10 0 R" % N),
        (3, b"/MediaBox", b"/Tabs %d 0 R/MediaBox" % N),
        (1, b"/Metadata 6 0 R", b"/Metadata %d 0 R" % N),
        (1, b"<<", b"<</DSS %d 0 R" % N),
    ],
)
def test_an_entry_that_may_change_must_stay_of_its_kind(number: int, old: bytes, new: bytes) -> None:
    report = verify(append(sealed_form(), {**changed(sealed_form(), number, (old, new)), N: FORM_XOBJECT}))
    assert failures(report) & {"PDF_PAGE_CHANGED", "PDF_CATALOG_CHANGED"}
    assert report.tampered is True


def test_a_seal_attached_to_another_field_is_spoofed() -> None:
    data = sealed_form()
    old = field_number(data)
    objects = {**changed(data, 5, (b"%d 0 R" % old, b"%d 0 R" % N)), **changed(data, 3, (b"%d 0 R" % old, b"%d 0 R" % N))}
    report = verify(append(data, {**objects, N: body_of(data, old).replace(b"First", b"Other")}))
    assert failures(report, "Other") >= {"PDF_SIGNATURE_SPOOFED"}
    assert report.tampered is True


def test_a_cross_reference_to_a_wrong_place_is_refused() -> None:
    data = sealed_form()
    report = verify(append(data, {}, entries={80: 20}))
    assert failures(report) == {"PDF_OBJECT_MISPLACED"}


def test_an_object_stream_of_the_signed_document_must_stay() -> None:
    from tests.seal_service.pdf.documents import build, page_objects

    data = sealed(build(page_objects(), kind="stream"), placement=ABOVE, field_name="First")
    stream = b"<</Type/ObjStm/N 2/First 9/Length 90>>stream\n2 0 3 38  <</Type/Pages/Kids[3 0 R]/Count 1>>   <</Type/Page/Parent 2 0 R/MediaBox[0 0 1 1]>>    \nendstream"
    report = verify(append(data, {5: stream}, kind="stream"))
    assert "PDF_OBJECT_STREAM_CHANGED" in failures(report)
    assert report.tampered is True


def test_an_object_left_open_when_signed_must_not_be_finished_later() -> None:
    """The last object of the signed file has no end; bytes appended later would become its content."""
    original = build(page_objects(extra=b"/Open 5 0 R") | {5: b"<</Length 1>>stream\n"})
    closed = b"<</Length 1>>stream\n\nendobj\n"
    assert closed in original
    data = sealed(original.replace(closed, b"<</Length 1>>stream\n".ljust(len(closed))), placement=None, picture=None, field_name="First")
    assert verify(data).verdict is Verdict.VALID
    assert verify(append(data, {})).verdict is Verdict.VALID
    finished = append(data, {9: b"<</Length 1>>stream\n \nendstream"})
    report = verify(finished)
    assert failures(report) == {"PDF_OBJECT_CHANGED"}
    assert report.tampered is True


def test_the_length_of_an_object_stream_must_not_change() -> None:
    """The objects inside it would be others although nothing about them was written anew."""
    length = re.search(
        rb"/Length (\d+)>>stream\n[^<]*endstream\nendobj\n\d+ 0 obj\n<</Type/XRef", build(page_objects(), kind="stream"), re.DOTALL
    )
    assert length is not None
    packed = build(page_objects() | {7: length[1]}, kind="stream")
    longer = packed.replace(b"/Length %s>>stream" % length[1], b"/Length 7 0 R>>stream", 1)
    sealed_file = sealed(_repaired(longer), placement=ABOVE, field_name="First")
    assert verify(sealed_file).verdict is Verdict.VALID
    report = verify(append(sealed_file, {7: b"3"}, kind="stream"))
    assert report.verdict is Verdict.INVALID
    assert report.tampered is True


def _repaired(data: bytes) -> bytes:
    """A file of streams whose cross-references were moved by a longer entry, made whole again with offsets of its own."""
    at = data.index(b"<</Type/XRef")
    start = data.rindex(b"\n", 0, data.rindex(b" 0 obj", 0, at)) + 1
    body, rows = bytearray(data[:start]), bytearray()
    document = PdfDocument.open(data)
    numbers = sorted(entries_of(document))
    section = int(data[start : data.index(b" 0 obj", start)])
    for number in [*[n for n in numbers if n != section], section]:
        found = data.find(b"\n%d 0 obj" % number)
        entry = entries_of(document)[number]
        rows += (
            bytes((entry.kind,))
            + ((found + 1) if entry.kind == 1 else entry.at).to_bytes(4, "big")
            + (entry.extra if entry.kind == 2 else 0).to_bytes(2, "big")
        )
    index = b" ".join(b"%d 1" % number for number in [*[n for n in numbers if n != section], section])
    body += b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Index[%s]/Root 1 0 R/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        section, section + 1, index, len(rows), bytes(rows))  # fmt: skip
    return bytes(body) + b"startxref\n%d\n%%%%EOF\n" % start
