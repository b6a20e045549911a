"""Later revisions in disguise: what one reader passes over and another one shows must never leave a seal valid."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from crypto.report import Verdict
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.syntax import Ref
from tests.seal_service.pdf import pyhanko_signing
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import (
    ABOVE,
    append,
    body_of,
    changed,
    failures,
    field_number,
    form_document,
    sealed_form,
    signature_number,
    top,
    undecided,
    verify,
)

if TYPE_CHECKING:
    from crypto.report import Report

pytestmark = pytest.mark.filterwarnings("ignore")  # pyHanko's own deprecations

N = top(sealed_form())
STREAM = b"<</Length 44>>stream\nBT /F1 12 Tf 50 700 Td (Pay 900000) Tj ET   \nendstream"
PICTURE = b"<</Type/XObject/Subtype/Form/BBox[0 0 500 500]/Length 20>>stream\n0 0 500 500 re f    \nendstream"
WIDGET = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Late)/F 4/P 3 0 R/Rect[%s]%s>>"
OVER_TEXT = b"50 690 200 720"


def _catalog(extra: bytes, *, last: bool = False) -> dict[int, bytes]:
    body = body_of(sealed_form(), 1)
    return {1: body[:-2] + extra + b">>" if last else b"<<" + extra + body[2:]}


def _with_field(*bodies: bytes, annotation: int = N, field: int = N) -> bytes:
    """New objects from ``N`` on, one of them in the form's list and one in the page's."""
    data = sealed_form()
    objects = {N + index: body for index, body in enumerate(bodies)}
    objects |= changed(data, 3, (b"/Annots [", b"/Annots [%d 0 R " % annotation))
    return append(data, objects | changed(data, 5, (b"/Fields [", b"/Fields [%d 0 R " % field)))


def _assert_tampered(report: Report, code: str, name: str = "First") -> None:
    assert code in failures(report, name)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


# -- who refers to a changed object ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [False, True])
def test_a_reference_with_a_wrong_generation_hides_nothing(last: bool) -> None:
    """Seen first, ``3 9 R`` leads to nothing; the page, and what it refers to, must be looked at all the same."""
    report = verify(append(sealed_form(), {**_catalog(b"/DSS<</X 3 9 R>>", last=last), 4: STREAM}))
    _assert_tampered(report, "PDF_PAGE_CHANGED")


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("in_place", [False, True])
def test_many_allowed_references_do_not_crowd_out_a_forbidden_one(last: bool, in_place: bool) -> None:
    store = b"<<" + b"".join(b"/X%d 4 0 R" % index for index in range(200)) + b">>"
    objects = {**_catalog(b"/DSS" + (store if in_place else b" %d 0 R" % N), last=last), N: store, 4: STREAM}
    report = verify(append(sealed_form(), objects))
    assert failures(report) & {"PDF_PAGE_CHANGED", "PDF_OBJECT_CHANGED"}
    assert report.tampered is True


def test_what_an_unreadable_object_refers_to_is_not_known() -> None:
    """The page's resources cannot be read here, but by others: a font behind them was overwritten."""
    objects = page_objects() | {
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources 5 0 R/Contents 4 0 R>>",
        5: b"<</Font<</F1 6 0 R>>/Odd>>",
        6: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    data = sealed(build(objects), placement=ABOVE, field_name="First")
    report = verify(append(data, {6: b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"}))
    assert "PDF_CHANGES_UNDECIDED" in undecided(report)
    assert report.verdict is not Verdict.VALID


@pytest.mark.parametrize(
    ("page", "form"),
    [
        (b"/Resources<</XObject 90 0 R>>", b"/DR %d 0 R"),  # the form's dictionary as a dictionary of pictures: /DR would be one
        (b"/Resources<</Font 90 0 R>>", b"/DR %d 0 R"),
        (b"/Metadata 90 0 R", b""),  # a place that the signed page had kept
    ],
)
def test_a_new_form_serves_as_a_form_only(page: bytes, form: bytes) -> None:
    objects = page_objects() | {3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R%s>>" % page}
    data = sealed(build(objects), placement=ABOVE, field_name="First")
    catalog = re.sub(rb"/AcroForm \d+ 0 R", b"/AcroForm 90 0 R", body_of(data, 1))
    extra = form % 91 if form else b""
    resources = b"<</Type/Font/Subtype/Type3/FontMatrix[1 0 0 1 0 0]>>"
    report = verify(append(data, {1: catalog, 90: b"<</Fields[%d 0 R]/SigFlags 3%s>>" % (field_number(data), extra), 91: resources}))
    _assert_tampered(report, "PDF_OBJECT_CHANGED")


def test_default_resources_are_no_picture() -> None:
    report = verify(append(sealed_form(), {**changed(sealed_form(), 5, (b"/DR <<", b"/DR %d 0 R/Old <<" % N)), N: PICTURE}))
    _assert_tampered(report, "PDF_FORM_CHANGED")


@pytest.mark.parametrize("number", [5, 7, 8, 9, 10, 12, 15])
def test_no_object_turns_into_one_of_another_kind(number: int) -> None:
    for body in (b"[1 2]", b"7", b"null", b"/Name", b"<</Length 1>>stream\nx\nendstream"):
        report = verify(append(sealed_form(), {number: body}))
        assert (report.verdict, report.tampered) == (Verdict.INVALID, True), body


def test_a_kind_of_default_resources_does_not_turn_into_something_else() -> None:
    report = verify(append(sealed_form(), changed(sealed_form(), 5, (b"/Font <</Helv 15 0 R>>", b"/Font [15 0 R]"))))
    _assert_tampered(report, "PDF_FORM_CHANGED")


# -- new fields -----------------------------------------------------------------------------------------------------------------------

APPEARANCE = b"/AP<</N %d 0 R>>" % (N + 1)
NOTE_KEYS = b"/Contents(Pay 900)/DA(/Helv 12 Tf 0 g)/C[1 0 0]/IC[1 1 1]/QuadPoints[50 720 200 720 50 690 200 690]"
DISGUISED = {
    "five numbers": [WIDGET % (OVER_TEXT + b" 0", APPEARANCE), PICTURE],
    "two signs": [WIDGET % (b"--" + OVER_TEXT, APPEARANCE), PICTURE],
    "two points": [WIDGET % (OVER_TEXT.replace(b"50", b"50.0.0", 1), APPEARANCE), PICTURE],
    "no rectangle": [WIDGET.replace(b"/Rect[%s]", b"") % APPEARANCE, PICTURE],
    "kids, and an appearance of its own": [
        WIDGET % (OVER_TEXT, b"/AP<</N %d 0 R>>/Kids[%d 0 R]" % (N + 2, N + 1)),
        b"<</Type/Annot/Subtype/Widget/Parent %d 0 R/Rect[0 0 0 0]>>" % N,
        PICTURE,
    ],
    **{kind.decode(): [(WIDGET % (OVER_TEXT, NOTE_KEYS)).replace(b"Widget", kind)] for kind in (b"FreeText", b"Square", b"Highlight", b"Stamp")},
}  # fmt: skip


@pytest.mark.parametrize("name", DISGUISED)
def test_a_new_field_must_not_be_a_note_in_disguise(name: str) -> None:
    _assert_tampered(verify(_with_field(*DISGUISED[name])), "PDF_ANNOTATION_CHANGED")


@pytest.mark.parametrize("kid", [b"/FT/Tx/V(Pay 900)/Parent %d 0 R" % N, b"/V(Pay 900)/Parent %d 0 R" % N, b"/Parent 10 0 R"])
def test_a_widget_of_a_new_field_must_not_be_a_text_field(kid: bytes) -> None:
    """Readers draw a text field's value themselves."""
    widget = b"<</Type/Annot/Subtype/Widget/DA(/Helv 12 Tf 0 g)/Rect[50 690 200 720]/F 4%s>>" % kid
    data = _with_field(b"<</FT/Sig/T(Late)/Kids[%d 0 R]>>" % (N + 1), widget, annotation=N + 1)
    _assert_tampered(verify(data), "PDF_ANNOTATION_CHANGED")


def test_a_field_in_place_is_refused() -> None:
    report = verify(append(sealed_form(), changed(sealed_form(), 5, (b"/Fields [", b"/Fields [<</FT/Sig/T(x)>> "))))
    _assert_tampered(report, "PDF_FIELD_CHANGED")


@pytest.mark.clause("ISO 32000-1 12.7.3.2")
@pytest.mark.parametrize("name", [b"amount", b"Prepared", b"First"])
def test_a_new_field_must_not_take_the_name_of_another(name: bytes) -> None:
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/F 4/P 3 0 R/Rect[0 0 0 0]>>" % name
    report = verify(_with_field(field))
    _assert_tampered(report, "PDF_FIELD_CHANGED")


@pytest.mark.parametrize("extra", [b"/Popup %d 0 R" % (N + 1), b"/IRT 12 0 R", b"/RC(Pay 900)", b"/RV(Pay 900)", b"/DV(Pay 900)"])
def test_a_new_field_has_nothing_of_a_note(extra: bytes) -> None:
    popup = b"<</Type/Annot/Subtype/Popup/Rect[50 690 200 720]/Open true/Contents(Pay 900)/Parent %d 0 R>>" % N
    _assert_tampered(verify(_with_field(WIDGET % (OVER_TEXT, extra), popup)), "PDF_ANNOTATION_CHANGED")


@pytest.mark.parametrize("value", [b"<<>>", b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 9 20 9]/Contents<00>>>"])
def test_a_picture_needs_a_signature_that_is_one(value: bytes) -> None:
    report = verify(_with_field(WIDGET % (OVER_TEXT, APPEARANCE + b"/V" + value), PICTURE))
    _assert_tampered(report, "PDF_ANNOTATION_CHANGED")
    assert next(each for each in report.signatures if each.name == "First").document_intact is False
    prepared = changed(sealed_form(), 11, (b"<<", b"<</V" + value), (b"/N 14 0 R", b"/N %d 0 R" % N))
    _assert_tampered(verify(append(sealed_form(), {**prepared, N: PICTURE})), "PDF_ANNOTATION_CHANGED")


def test_the_value_of_another_signature_answers_for_no_picture() -> None:
    copied = body_of(sealed_form(), signature_number(sealed_form()))
    report = verify(_with_field(WIDGET % (OVER_TEXT, APPEARANCE + b"/V %d 0 R" % (N + 2)), PICTURE, copied))
    _assert_tampered(report, "PDF_ANNOTATION_CHANGED")


def test_a_certification_is_one_of_the_signatures() -> None:
    report = verify(append(sealed_form(), _catalog(b"/Perms<</DocMDP %d 0 R>>" % N) | {N: b"<</Type/Sig/Name(nobody)>>"}))
    _assert_tampered(report, "PDF_CATALOG_CHANGED")


# -- time-stamps are no signatures ----------------------------------------------------------------------------------------------------


def _stamped_picture(data: bytes) -> bytes:
    """A document time-stamp in a field that covers the text of the page, with a picture, all in one revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    fields.append_signature_field(writer, fields.SigFieldSpec("Stamp", box=(50, 400, 500, 600)))
    (reference,) = [ref for name, _, ref in fields.enumerate_sig_fields(writer) if name == "Stamp"]
    make: Any = generic  # not typed
    names = {make.NameObject(key): make.NameObject(value) for key, value in (("/Type", "/XObject"), ("/Subtype", "/Form"))}
    box = make.ArrayObject([make.NumberObject(number) for number in (0, 0, 450, 200)])
    picture = make.StreamObject(dict_data=names | {"/BBox": box}, stream_data=b"0 0 450 200 re f")
    reference.get_object()["/AP"] = make.DictionaryObject({make.NameObject("/N"): writer.add_object(picture)})
    stamped = signers.PdfTimeStamper(pyhanko_signing.stamper(), field_name="Stamp").timestamp_pdf(writer, "sha256")
    return bytes(stamped.getbuffer())


def test_a_time_stamp_answers_for_no_picture() -> None:
    signed = pyhanko_signing.sign(pyhanko_signing.original(), "A", box=(10, 10, 90, 60))
    report = pyhanko_signing.judge(_stamped_picture(signed))
    assert {each.name: each.verdict for each in report.signatures} == {"A": Verdict.INDETERMINATE, "Stamp": Verdict.VALID}
    assert "PDF_ANNOTATION_CHANGED" in undecided(report)
    assert report.verdict is Verdict.INDETERMINATE


def test_a_document_with_nothing_but_a_time_stamp_is_not_signed() -> None:
    report = pyhanko_signing.judge(pyhanko_signing.add_timestamp(pyhanko_signing.original()))
    assert [each.verdict for each in report.signatures] == [Verdict.VALID]
    assert report.verdict is Verdict.INDETERMINATE
    assert "PDF_NOT_SIGNED" in undecided(report)


def test_a_time_stamp_does_not_excuse_a_removed_signature() -> None:
    data = pyhanko_signing.sign(pyhanko_signing.original(), "A", box=(10, 10, 90, 60))
    document = PdfDocument.open(data)
    page, catalog = document.pages()[0][0].number, document.trailer["Root"]
    assert isinstance(catalog, Ref)
    root = catalog.number
    bare = {page: re.sub(rb"/Annots (\[[^\]]*\]|\d+ 0 R)", b"", body_of(data, page))}
    bare[root] = re.sub(rb"/AcroForm (\d+ 0 R|<<.*?>>)", b"", body_of(data, root))
    report = pyhanko_signing.judge(pyhanko_signing.add_timestamp(append(data, bare)))
    _assert_tampered(report, "PDF_SIGNATURE_REMOVED", "A")


# -- pages ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [b"", b"/Rotate 90", b"/Resources<<>>"])
def test_no_node_comes_between_a_page_and_the_tree(extra: bytes) -> None:
    """Its attributes are inherited by readers that walk the tree from above."""
    node = b"<</Type/Pages/Parent 2 0 R/Kids[3 0 R]/Count 1%s>>" % extra
    report = verify(append(sealed_form(), {2: b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % N, N: node}))
    _assert_tampered(report, "PDF_PAGE_CHANGED")


def test_no_node_comes_in_by_a_list_of_kids() -> None:
    data = sealed(form_document(o2=b"<</Type/Pages/Kids 20 0 R/Count 1>>", o20=b"[3 0 R]"), placement=ABOVE, field_name="First")
    number = top(data)
    node = b"<</Type/Pages/Parent 2 0 R/Kids[3 0 R]/Count 1/Rotate 90>>"
    _assert_tampered(verify(append(data, {20: b"[%d 0 R]" % number, number: node})), "PDF_PAGE_CHANGED")
    assert verify(append(data, {20: b"[3 0 R]"})).verdict is Verdict.VALID


def test_a_page_does_not_move_to_another_node() -> None:
    objects = page_objects() | {
        2: b"<</Type/Pages/Kids[5 0 R 6 0 R]/Count 2>>",
        3: b"<</Type/Page/Parent 5 0 R/MediaBox[0 0 595 842]>>",
        5: b"<</Type/Pages/Parent 2 0 R/Kids[3 0 R 7 0 R]/Count 2>>",
        6: b"<</Type/Pages/Parent 2 0 R/Kids[8 0 R]/Count 1/Rotate 90>>",
        7: b"<</Type/Page/Parent 5 0 R/MediaBox[0 0 595 842]>>",
        8: b"<</Type/Page/Parent 6 0 R/MediaBox[0 0 595 842]>>",
    }
    data = sealed(build(objects), placement=ABOVE, field_name="First")
    moved = {
        **changed(data, 5, (b"/Kids [3 0 R 7 0 R]/Count 2", b"/Kids [3 0 R]/Count 1")),
        **changed(data, 6, (b"/Kids [8 0 R]/Count 1", b"/Kids [7 0 R 8 0 R]/Count 2")),
    }
    _assert_tampered(verify(append(data, moved)), "PDF_PAGE_CHANGED")


# -- defaults of the form -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text_field", "old", "new"),
    [
        (b"/AP<</N 13 0 R>>", b"(/Helv 0 Tf 0 g)", b"(/Helv 0 Tf 1 g)"),  # without /DA of its own
        (b"/DA(/Helv 12 Tf)", b"/Helv 15 0 R", b"/Helv 15 0 R/Other 15 0 R"),  # without appearance
    ],
)
def test_defaults_that_decide_how_a_field_looks_are_left_open(text_field: bytes, old: bytes, new: bytes) -> None:
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V(100)/Rect[50 600 200 620]/P 3 0 R%s>>" % text_field
    data = sealed(form_document(o10=field), placement=ABOVE, field_name="First")
    report = verify(append(data, changed(data, 5, (old, new))))
    assert undecided(report) == {"PDF_FORM_CHANGED"}
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)


NEEDED = b"<</Fields[%s]/NeedAppearances true/SigFlags 1/DR<</Font<</Helv 15 0 R>>>>/DA(/Helv 0 Tf 0 g)/Q 0>>"


@pytest.mark.parametrize(
    ("annotation", "is_open"),
    [
        (b"/Subtype/Widget/FT/Tx/V(100)/T(amount)", True),
        (b"/Subtype/FreeText/Contents(100)", True),
        (b"/Subtype/FreeText/Contents(100)/AP<</N 13 0 R>>", False),
        (b"/Subtype/Link", False),
    ],
)
@pytest.mark.parametrize(("old", "new"), [(b"(/Helv 0 Tf 0 g)", b"(/Helv 0 Tf 1 g)"), (b"/Helv 15 0 R", b"/Helv 15 0 R/Other 15 0 R")])
def test_defaults_decide_how_annotations_look_that_are_in_no_form(annotation: bytes, is_open: bool, old: bytes, new: bytes) -> None:
    listed = b"<</Fields[11 0 R]/SigFlags 1/DR<</Font<</Helv 15 0 R>>>>/DA(/Helv 0 Tf 0 g)>>"
    written = b"<</Type/Annot%s/Rect[50 600 200 620]/P 3 0 R/DA(/Other 12 Tf)>>" % annotation
    data = sealed(form_document(o5=listed, o10=written), placement=ABOVE, field_name="First")
    report = verify(append(data, changed(data, 5, (old, new))))
    assert undecided(report) == ({"PDF_FORM_CHANGED"} if is_open else set())
    assert report.verdict is (Verdict.INDETERMINATE if is_open else Verdict.VALID)


def drawn_form() -> bytes:
    """A sealed form whose fields readers draw from their values."""
    return sealed(form_document(o5=NEEDED % b"10 0 R 11 0 R"), placement=ABOVE, field_name="First")


def no_longer_drawn_form() -> bytes:
    """The same once they are to be shown by their appearances."""
    return append(drawn_form(), changed(drawn_form(), 5, (b"true", b"false")))


@pytest.mark.parametrize(("old", "new"), [(b"true", b"false"), (b"/NeedAppearances true", b""), (b"/Q 0", b"/Q 2"), (b"/Q 0", b"")])
def test_a_field_that_readers_draw_is_not_shown_by_its_appearance_later(old: bytes, new: bytes) -> None:
    """Whose appearance says another thing than its value: the value was seen when it was signed (a shadow attack of the kind "replace")."""
    data = drawn_form()
    report = verify(append(data, changed(data, 5, (old, new))))
    assert (report.verdict, report.tampered, undecided(report)) == (Verdict.INDETERMINATE, None, {"PDF_FORM_CHANGED"})
    link = b"<</Type/Annot/Subtype/Link/Rect[0 0 1 1]>>"
    alone = sealed(form_document(o5=NEEDED % b"11 0 R", o10=link), placement=ABOVE, field_name="First")
    assert verify(append(alone, changed(alone, 5, (old, new)))).verdict is Verdict.VALID


# -- cross-references -----------------------------------------------------------------------------------------------------------------


def _inserted(data: bytes, objects: bytes) -> bytes:
    """A revision that changes nothing, with ``objects`` in it that its cross-references do not name."""
    updated = append(data, {})
    at = int(re.findall(rb"startxref\n(\d+)", updated)[-1])
    return updated[:at] + objects + updated[at:].replace(b"startxref\n%d" % at, b"startxref\n%d" % (at + len(objects)))


# -- entries of a type that nobody expects there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [b"<</A 1>>", b"[/Tx]"], ids=["dictionary", "array"])
@pytest.mark.parametrize("place", ["field", "parent", "new field", "widget", "stream", "element", "lock"])
def test_an_entry_of_another_type_makes_nothing_unreadable(place: str, odd: bytes) -> None:
    """Where a name is due stands something else: what else was changed is told all the same, not that the file could not be read."""
    data = sealed_form()
    page, form = ((b"/Annots [", b"/Annots [%d 0 R " % N),), ((b"/Fields [", b"/Fields [%d 0 R " % N),)
    late = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Late)/F 4/P 3 0 R/Rect[0 0 0 0]>>"
    objects = {
        "field": changed(data, 10, (b"/FT /Tx", b"/FT %s/V (900000)" % odd)),
        "parent": changed(data, 10, (b"/FT /Tx", b"/Parent %d 0 R" % N)) | {N: b"<</FT%s/Kids[10 0 R]>>" % odd},
        "new field": {
            N: late.replace(b"/FT/Sig", b"/FT/Sig/Kids[%d 0 R]" % (N + 1)),
            N + 1: b"<</FT%s/Subtype%s/Rect[0 0 0 0]>>" % (odd, odd),
        },
        "widget": {N: late.replace(b"/Subtype/Widget", b"/Subtype" + odd)},
        "stream": {N: b"<</Type%s/Length 0>>stream\n\nendstream" % odd},
        "element": {N: b"<</Type%s>>" % odd},
        "lock": {N: late[:-2] + b"/Lock<</Type/SigFieldLock/Action%s>>/V<</Type/Sig/Filter/X/SubFilter%s>>>>" % (odd, odd)},
    }[place]
    if place in {"new field", "widget", "lock"}:
        objects |= changed(data, 3, *page) | changed(data, 5, *form)
    _assert_tampered(verify(append(data, {**objects, 4: STREAM})), "PDF_PAGE_CHANGED")


# -- trailers between ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["table", "stream"])
@pytest.mark.parametrize(
    ("key", "said"),
    [("Encrypt", {"trailer": b"/Encrypt<</Filter/Standard/V 1/R 2/O(o)/U(u)/P -4>>"}), ("Root", {"root": b"%d 0 R" % N})],
)
def test_a_trailer_that_another_one_follows_says_nothing_else(kind: str, key: str, said: dict[str, Any]) -> None:
    """The newest trailer is as it was. But readers take what it lacks from those before it: with a key of his choice an attacker has them
    decrypt short texts into others (7.6.1), or they follow another catalog.
    """
    between = append(sealed_form(), {N: body_of(sealed_form(), 1)}, kind=kind, **said)
    report = verify(append(between, {}, root=b"1 0 R"))
    _assert_tampered(report, "PDF_CATALOG_CHANGED")
    assert [step.facts["key"] for step in report.signatures[0].steps if step.code == "PDF_CATALOG_CHANGED"] == [key]
    assert verify(append(append(sealed_form(), {}), {})).verdict is Verdict.VALID
