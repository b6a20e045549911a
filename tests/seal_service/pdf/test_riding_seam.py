"""One seal on many pages: slices at the edge of each, several places in one signature, and what later seals do to them."""

from __future__ import annotations

import io
from datetime import timedelta
from functools import lru_cache

import pikepdf
import pytest
from PIL import Image, ImageChops

from crypto.report import Verdict
from seal_service.actions.pdf_places import SEAM_SKIPPED, place_on_pdf
from seal_service.actions.seal_order import SealOrder
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement, find_keywords
from seal_service.pdf.riding_seam import cut_seam
from seal_service.pdf.verify import verify_pdf
from seal_service.places import EVERY, PLACES_MAX, Edge, Place, Seam
from seal_service.render import draw_page
from standards.errors import TrustError
from tests.seal_service.pdf.documents import build, page_objects, qpdf_document, reportlab_document
from tests.seal_service.pdf.sealing import AT, picture, pki, sealed, signatures

DPI = 100
MM = DPI / 25.4
LATER = AT + timedelta(hours=1)


@lru_cache
def mixed_pages() -> bytes:
    """Five pages of different size, turn and crop box; the annotations of two are an object of their own."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(reportlab_document(5))) as pdf:
        pages = pdf.pages
        pages[1].obj["/Rotate"] = 90
        pages[2].obj["/CropBox"] = [20, 30, 520, 720]
        pages[3].obj["/MediaBox"] = [0, 0, 842, 1191]
        pages[3].obj["/Rotate"] = 180
        pages[4].obj["/Rotate"] = 270
        for number in (1, 3):
            pages[number].obj["/Annots"] = pdf.make_indirect(pikepdf.Array())
        pdf.save(buffer, deterministic_id=True)
    return buffer.getvalue()


def _image(document: bytes, page: int) -> Image.Image:
    return Image.open(io.BytesIO(draw_page(document, page, dpi=DPI))).convert("RGB")


def _slices(document: bytes, seam: Seam, width_mm: float = 42.0) -> list[Placement]:
    return cut_seam(PdfDocument.open(document), seam, width_mm, width_mm)


def _verdicts(document: bytes) -> list[Verdict]:
    return [each.verdict for each in verify_pdf(document, pki().trust_list(), LATER).signatures]


@pytest.mark.parametrize("edge", list(Edge))
def test_slices_stand_at_their_edge_and_make_the_whole_seal(edge: Edge) -> None:
    """Whatever the pages' sizes and turns: the pixels that changed lie at the edge, and put together they are the seal."""
    document = mixed_pages()
    after = sealed(document, placement=_slices(document, Seam(edge, offset_mm=80.0)))
    side = round(42 * MM)
    whole = Image.new("RGB", (side + 12, side + 12), "white")
    for number in range(5):
        shown, before = _image(after, number + 1), _image(document, number + 1)
        box = ImageChops.difference(before, shown).getbbox()
        assert box is not None
        width, height = shown.size
        slice_px = 42 * MM / 5
        at_edge = {
            Edge.LEFT: (box[0], box[2] - slice_px),
            Edge.RIGHT: (box[2] - width, box[0] - (width - slice_px)),
            Edge.TOP: (box[1], box[3] - slice_px),
            Edge.BOTTOM: (box[3] - height, box[1] - (height - slice_px)),
        }[edge]
        assert -1 <= at_edge[0] <= slice_px  # the picture's own margin may leave the outermost pixels white
        assert at_edge[1] == pytest.approx(0, abs=slice_px)
        order = number if edge in {Edge.RIGHT, Edge.BOTTOM} else 4 - number
        if edge in {Edge.LEFT, Edge.RIGHT}:
            top = round(height - (80 + 21) * MM)
            left = 0 if edge is Edge.LEFT else width - round(slice_px)
            part = shown.crop((left, top, left + round(slice_px), top + side))
            whole.paste(part, (round(order * slice_px), 6))
        else:
            left = round((80 - 21) * MM)
            top = 0 if edge is Edge.TOP else height - round(slice_px)
            part = shown.crop((left, top, left + side, top + round(slice_px)))
            whole.paste(part, (6, round(order * slice_px)))
    alone = _image(sealed(reportlab_document(), placement=Placement(1, 60, 60)), 1)
    height = alone.size[1]
    wanted = alone.crop((round(39 * MM), round(height - 81 * MM), round(39 * MM) + side, round(height - 81 * MM) + side))
    corner = (6, 0) if edge in {Edge.TOP, Edge.BOTTOM} else (0, 6)
    made = whole.crop((*corner, corner[0] + side, corner[1] + side))
    differing = ImageChops.difference(wanted.convert("L").reduce(8), made.convert("L").reduce(8))
    assert max(differing.tobytes()) < 110  # the same seal, up to half a pixel here and there
    assert sum(differing.tobytes()) / len(differing.tobytes()) < 12
    assert _verdicts(after) == [Verdict.VALID]


def test_a_seam_is_one_signature_field_and_survives_later_seals() -> None:
    """Also a second seam, and places beside it: each is one field with a widget for each place."""
    document = mixed_pages()
    first = sealed(document, placement=[Placement(1, 60, 40), *_slices(document, Seam())])
    second = sealed(first, placement=_slices(first, Seam(Edge.LEFT, "odd")))
    third = sealed(second, placement=Placement(4, 100, 200))
    assert list(signatures(third)) == ["Seal1", "Seal2", "Seal3"]
    assert _verdicts(third) == [Verdict.VALID] * 3
    fields = {field.name: field for field in PdfDocument.open(third).signature_fields()}
    assert [len(fields[f"Seal{number}"].widgets) for number in (1, 2, 3)] == [6, 3, 1]
    assert third.count(picture().packed_operators) == 3  # the drawing itself stands once for each seal


@pytest.mark.parametrize("kind", ["qpdf", "object streams", "own, stream"])
def test_several_places_on_one_page_in_every_kind_of_file(kind: str) -> None:
    document = {
        "qpdf": qpdf_document(3),
        "object streams": qpdf_document(3, object_streams=True),
        "own, stream": build(page_objects(), kind="stream"),
    }[kind]
    places = [Placement(1, 40, 40), Placement(1, 100, 40), Placement(1, 160, 40)]
    after = sealed(document, placement=places, opacity=0.5)
    assert _verdicts(after) == [Verdict.VALID]
    assert b"/ca 0.5" in after
    changed = ImageChops.difference(_image(document, 1), _image(after, 1)).getbbox()
    assert changed is not None
    assert changed[0] < 20 * MM
    assert changed[2] > 178 * MM


@pytest.mark.parametrize("opacity", [0.0, 1.5, float("nan")])
def test_ink_is_seen(opacity: float) -> None:
    with pytest.raises(TrustError) as refused:
        sealed(reportlab_document(), opacity=opacity)
    assert refused.value.code == "PLACEMENT_BAD"


def test_a_later_seal_over_a_slice_is_refused() -> None:
    document = sealed(reportlab_document(2), placement=_slices(reportlab_document(2), Seam(offset_mm=100)))
    with pytest.raises(TrustError) as refused:
        sealed(document, placement=Placement(2, 185, 100))
    assert refused.value.code == "PLACEMENT_OVER_SEAL"


def test_many_pages_share_several_seals() -> None:
    found = _slices(reportlab_document(45), Seam(pages_per_seal=10))
    assert len(found) == 45
    assert {round(42 / each.width_mm) for each in found} == {9}  # five seals of nine pages
    assert [each.part[0] for each in found[:9]] == pytest.approx([number / 9 for number in range(9)])


def test_a_seam_over_too_many_pages_is_refused() -> None:
    objects = page_objects()
    objects[2] = b"<</Type/Pages/Kids[" + b"3 0 R " * (PLACES_MAX + 1) + b"]/Count %d>>" % (PLACES_MAX + 1)
    with pytest.raises(TrustError) as refused:
        _slices(build(objects), Seam())
    assert refused.value.code == "SEAM_TOO_LONG"


# -- from the words of an order -----------------------------------------------------------------------------------------------------


def test_words_become_places() -> None:
    document = reportlab_document(5)
    order = SealOrder(document, pages="2,4-5", x_mm=100, y_mm=50, places=(Place(1, 60, 60, 30.0),), seam=Seam(), width_mm=40)
    found, warnings = place_on_pdf(order, picture())
    assert warnings == ()
    assert [each.page for each in found] == [2, 4, 5, 1, 1, 2, 3, 4, 5]
    assert [each.width_mm for each in found[:4]] == [40, 40, 40, 30]
    assert sum(each.width_mm for each in found[4:]) == pytest.approx(picture().width_mm)


def test_a_seam_on_a_single_page_is_skipped_with_a_warning() -> None:
    found, warnings = place_on_pdf(SealOrder(reportlab_document(), seam=Seam()), picture())
    assert (found, warnings) == ([], (SEAM_SKIPPED,))


def test_every_occurrence_of_a_keyword() -> None:
    document = reportlab_document(3)
    found, _ = place_on_pdf(SealOrder(document, keyword="HERE", occurrence=EVERY), picture())
    assert [each.page for each in found] == [1, 2, 3]
    assert found == find_keywords(document, "HERE", width_mm=picture().width_mm, height_mm=picture().height_mm)
    (last,), _ = place_on_pdf(SealOrder(document, keyword="HERE", occurrence=-1), picture())
    assert last.page == 3
    assert _verdicts(sealed(document, placement=found)) == [Verdict.VALID]


def test_a_keyword_that_is_nowhere_or_everywhere() -> None:
    with pytest.raises(TrustError) as refused:
        find_keywords(reportlab_document(), "NOWHERE")
    assert refused.value.code == "KEYWORD_NOT_FOUND"
    crowded = reportlab_document(40, text="a" * 30)
    with pytest.raises(TrustError) as refused:
        find_keywords(crowded, "a")
    assert refused.value.code == "KEYWORD_TOO_OFTEN"


@pytest.mark.parametrize(
    "changes",
    [
        {"keyword": "HERE", "pages": "all"},
        {"keyword": "HERE", "x_mm": 10.0},
        {"page": 1, "pages": "all", "x_mm": 60.0, "y_mm": 60.0},
        {"pages": "all"},
        {"width_mm": 20.0},
        {"x_mm": 20.0},
    ],
)
def test_contradictions_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(TrustError) as refused:
        place_on_pdf(SealOrder(reportlab_document(), **changes), picture())  # type: ignore[arg-type]
    assert refused.value.code == "PLACEMENT_UNCLEAR"
