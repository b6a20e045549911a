"""Where fields and widgets are entered: every shape of /Annots, /AcroForm and /Fields, new fields and prepared ones."""

from __future__ import annotations

import io

import pikepdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from standards.errors import Kind, TrustError
from tests.seal_service.pdf.documents import build, page_objects, reportlab_document
from tests.seal_service.pdf.sealing import is_digest_right, picture, sealed, signatures

LINK = b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Border[0 0 0]>>"
TEXT_FIELD = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(Remark)/Rect[0 0 9 9]/P 3 0 R>>"


def _refused(original: bytes, **options: object) -> TrustError:
    with pytest.raises(TrustError) as refused:
        sealed(original, **options)
    return refused.value


@pytest.mark.parametrize("kind", ["table", "stream", "hybrid"])
@pytest.mark.parametrize(
    ("annotations", "extra"),
    [
        (b"", {}),
        (b"/Annots[5 0 R]", {5: LINK}),
        (b"/Annots 6 0 R", {5: LINK, 6: b"[5 0 R]"}),
        (b"/Annots 6 0 R", {6: b"[]"}),
        (b"/Annots null", {}),
        (b"/Annots 99 0 R", {}),
    ],
)
@pytest.mark.parametrize(
    ("form", "form_objects"),
    [
        (b"", {}),
        (b"/AcroForm<</Fields[]>>", {}),
        (b"/AcroForm<</Fields[7 0 R]/SigFlags 1>>", {7: TEXT_FIELD}),
        (b"/AcroForm 8 0 R", {7: TEXT_FIELD, 8: b"<</Fields[7 0 R]/DA(/Helv 0 Tf)>>"}),
        (b"/AcroForm 8 0 R", {7: TEXT_FIELD, 8: b"<</Fields 9 0 R/SigFlags 3>>", 9: b"[7 0 R]"}),
        (b"/AcroForm 8 0 R", {8: b"<</SigFlags 3>>"}),
        (b"/AcroForm<</Fields 9 0 R>>", {9: b"[]"}),
    ],
)
def test_field_and_widget_are_added_and_nothing_is_lost(
    kind: str, annotations: bytes, extra: dict[int, bytes], form: bytes, form_objects: dict[int, bytes]
) -> None:
    original = build(page_objects(annotations, form) | extra | form_objects, kind=kind)
    before = PdfDocument.open(original)
    result = sealed(sealed(original), placement=Placement(1, 150, 40))
    assert list(signatures(result)) == ["Seal1", "Seal2"]
    with pikepdf.open(io.BytesIO(result)) as pdf:
        had = before.resolve(before.pages()[0][1].get("Annots")) or []
        listed = [item.objgen for item in pdf.pages[0].obj.Annots]
        assert listed[:-2] == [tuple(ref) for ref in had]  # type: ignore[attr-defined]
        fields = [item.objgen for item in pdf.Root.AcroForm.Fields]
        assert fields[-2:] == listed[-2:]
        assert len(fields) == 2 + (7 in form_objects)
        assert int(pdf.Root.AcroForm.SigFlags) == 3
        assert ("/DA" in pdf.Root.AcroForm) == (b"/DA" in form_objects.get(8, b""))


def test_an_array_of_annotations_that_pages_share_is_not_extended() -> None:
    objects = page_objects(b"/Annots 6 0 R") | {5: LINK, 6: b"[5 0 R]"}
    objects[2] = b"<</Type/Pages/Kids[3 0 R 7 0 R]/Count 2>>"
    objects[7] = objects[3]
    with pikepdf.open(io.BytesIO(sealed(build(objects), placement=Placement(2, 60, 40)))) as pdf:
        assert [len(page.obj.Annots) for page in pdf.pages] == [1, 2]


@pytest.mark.parametrize(
    ("page", "root"),
    [(b"/Annots 4 0 R", b""), (b"/Annots(x)", b""), (b"", b"/AcroForm 7"), (b"", b"/AcroForm<</Fields(x)>>"), (b"", b"/AcroForm[]")],
)
def test_shapes_that_are_none_are_malformed(page: bytes, root: bytes) -> None:
    assert _refused(build(page_objects(page, root))).kind is Kind.MALFORMED


def test_a_catalog_written_into_the_trailer_cannot_be_replaced() -> None:
    for form in (b"", b"/AcroForm<</Fields[7 0 R]>>"):
        objects = page_objects(b"/Annots[7 0 R]") | {7: b"<</Subtype/Widget/FT/Sig/T(Approval)/Rect[9 9 99 99]/P 3 0 R>>"}
        original = build(objects).replace(b"/Root 1 0 R", b"/Root<</Type/Catalog/Pages 2 0 R" + form + b">>")
        assert _refused(original, field_name="Approval").kind is Kind.MALFORMED


def test_a_document_without_pages_is_refused() -> None:
    objects = page_objects() | {2: b"<</Type/Pages/Kids[]/Count 0>>"}
    assert _refused(build(objects)).code == "PAGE_NOT_FOUND"
    assert _refused(build(objects), placement=None).kind is Kind.MALFORMED


def test_names_are_unique_or_refused() -> None:
    taken = build(page_objects(b"", b"/AcroForm<</Fields[7 0 R]>>") | {7: b"<</FT/Tx/T(Seal1)>>"})
    assert list(signatures(sealed(taken))) == ["Seal2"]
    assert _refused(taken, field_name="Seal1").code == "PDF_FIELD_NAME_TAKEN"
    assert list(signatures(sealed(taken, field_name="审批章"))) == ["审批章"]
    for name in ("", "a.b", "x" * 129, "a\nb"):
        assert _refused(taken, field_name=name).code == "PDF_FIELD_NAME_BAD"


# -- prepared fields -----------------------------------------------------------------------------------------------------------------


def _prepared(rectangle: bytes = b"[100 100 300 200]", extra: bytes = b"", page: bytes = b"") -> bytes:
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Approval)/Rect%s/P 3 0 R%s>>" % (rectangle, extra)
    return build(page_objects(b"/Annots[7 0 R]" + page, b"/AcroForm<</Fields[7 0 R]>>") | {7: field})


@pytest.mark.clause("ISO 32000-1 12.7.4.5")
@pytest.mark.parametrize("rotate", [b"", b"/Rotate 90"])
def test_a_prepared_field_is_filled_where_it_stands(rotate: bytes) -> None:
    result = sealed(_prepared(page=rotate, extra=b"/F 4/MK<<>>"), field_name="Approval", placement=None)
    assert is_digest_right(result, signatures(result)["Approval"])
    with pikepdf.open(io.BytesIO(result)) as pdf:
        (widget,) = pdf.pages[0].obj.Annots
        assert [int(number) for number in widget.Rect] == [100, 100, 300, 200]
        assert int(widget.F) == 132
        assert "/MK" in widget
        assert int(pdf.Root.AcroForm.SigFlags) == 3
        # Twice as wide as high: the box is widened so that the round seal stays round.
        box = [float(number) for number in widget.AP.N.BBox]
        assert (box[2] - box[0]) / (box[3] - box[1]) == pytest.approx(0.5 if rotate else 2)
        assert ("/Matrix" in widget.AP.N) == bool(rotate)


def test_a_prepared_field_with_a_separate_widget_is_filled() -> None:
    objects = page_objects(b"/Annots[8 0 R]", b"/AcroForm 9 0 R") | {
        7: b"<</FT/Sig/T(Approval)/Kids[8 0 R]>>",
        8: b"<</Type/Annot/Subtype/Widget/Parent 7 0 R/Rect[100 100 200 200]>>",
        9: b"<</Fields[7 0 R]>>",
    }
    result = sealed(build(objects), field_name="Approval")
    with pikepdf.open(io.BytesIO(result)) as pdf:
        field = pdf.Root.AcroForm.Fields[0]
        assert "/V" in field
        assert "/AP" in field.Kids[0]
        assert "/V" not in field.Kids[0]


def test_a_prepared_field_of_pyhanko_is_filled() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(reportlab_document()))
    append_signature_field(writer, SigFieldSpec("Approval", box=(50, 50, 170, 170)))
    buffer = io.BytesIO()
    writer.write(buffer)
    result = sealed(buffer.getvalue(), field_name="Approval")
    assert list(signatures(result)) == ["Approval"]
    assert is_digest_right(result, signatures(result)["Approval"])


def test_an_invisible_prepared_field_takes_no_picture_but_a_signature() -> None:
    original = _prepared(b"[0 0 0 0]")
    assert _refused(original, field_name="Approval").code == "PDF_FIELD_INVISIBLE"
    result = sealed(original, field_name="Approval", picture=None)
    assert is_digest_right(result, signatures(result)["Approval"])


def test_a_visible_prepared_field_can_be_filled_without_a_picture() -> None:
    with pikepdf.open(io.BytesIO(sealed(_prepared(), field_name="Approval", picture=None))) as pdf:
        assert "/AP" not in pdf.pages[0].obj.Annots[0]


def test_filled_read_only_and_several_widgets_are_refused() -> None:
    filled = sealed(_prepared(), field_name="Approval", picture=picture())
    assert _refused(filled, field_name="Approval").code == "PDF_FIELD_FILLED"
    assert _refused(_prepared(extra=b"/V(x)"), field_name="Approval").code == "PDF_FIELD_FILLED"
    assert _refused(_prepared(extra=b"/Ff 1"), field_name="Approval").code == "PDF_FIELD_READ_ONLY"
    objects = page_objects(b"/Annots[8 0 R 9 0 R]", b"/AcroForm<</Fields[7 0 R]>>") | {
        7: b"<</FT/Sig/T(Approval)/Kids[8 0 R 9 0 R]>>",
        8: b"<</Type/Annot/Subtype/Widget/Parent 7 0 R/Rect[100 100 200 200]>>",
        9: b"<</Type/Annot/Subtype/Widget/Parent 7 0 R/Rect[300 100 400 200]>>",
    }
    assert _refused(build(objects), field_name="Approval").code == "PDF_FIELD_WIDGETS"


def test_a_field_written_in_place_cannot_be_filled() -> None:
    original = build(page_objects(b"", b"/AcroForm<</Fields[<</FT/Sig/T(Approval)/Subtype/Widget/Rect[1 1 90 90]>>]>>"))
    assert _refused(original, field_name="Approval").kind is Kind.MALFORMED


def _turned(page: bytes, widget: bytes = b"") -> bytes:
    objects = page_objects(page, b"/AcroForm<</Fields[7 0 R]>>")
    objects[2] = b"<</Type/Pages/Kids[3 0 R 8 0 R]/Count 2>>"
    objects[8] = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 4 0 R>>"
    return build(objects | {7: b"<</Subtype/Widget/FT/Sig/T(Approval)/Rect[9 9 99 99]" + widget + b">>"})


def test_the_page_that_lists_a_widget_gives_the_turn_whatever_the_widget_says() -> None:
    """/P is optional, and readers show a widget on the page that lists it."""
    for widget in (b"", b"/P 3 0 R", b"/P 8 0 R", b"/P 99 0 R"):
        with pikepdf.open(io.BytesIO(sealed(_turned(b"/Rotate 180/Annots[7 0 R]", widget), field_name="Approval"))) as pdf:
            assert "/Matrix" in pdf.Root.AcroForm.Fields[0].AP.N


@pytest.mark.parametrize(
    "original",
    [
        _turned(b"/Rotate 180", b"/P 3 0 R"),
        _prepared(b"[3000 100 3100 200]"),
        _prepared(b"[100 100 200 200]", page=b"/CropBox[300 300 500 500]"),
    ],
)
def test_a_picture_that_no_page_would_show_is_refused(original: bytes) -> None:
    assert _refused(original, field_name="Approval").code == "PDF_FIELD_INVISIBLE"
    result = sealed(original, field_name="Approval", picture=None)
    assert is_digest_right(result, signatures(result)["Approval"])


def test_a_field_that_two_pages_show_is_refused() -> None:
    objects = page_objects(b"/Annots[7 0 R]", b"/AcroForm<</Fields[7 0 R]>>")
    objects[2] = b"<</Type/Pages/Kids[3 0 R 8 0 R]/Count 2>>"
    objects |= {7: b"<</Subtype/Widget/FT/Sig/T(Approval)/Rect[9 9 99 99]>>", 8: objects[3]}
    assert _refused(build(objects), field_name="Approval").code == "PDF_FIELD_WIDGETS"


def test_a_page_that_stands_twice_in_the_tree_is_refused() -> None:
    """A seal on it would be seen on both."""
    objects = page_objects() | {2: b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2>>"}
    assert _refused(build(objects)).code == "PDF_PAGE_TREE"
