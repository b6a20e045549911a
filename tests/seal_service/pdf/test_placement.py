"""Millimetres to page coordinates, with PDFium's picture of the page as the judge; keywords."""

from __future__ import annotations

import io
from functools import lru_cache

import pikepdf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement, find_keyword, locate
from seal_service.render import draw_page, page_size_mm
from standards.errors import TrustError
from tests.seal_service.pdf.documents import build, page_objects, pikepdf_page, reportlab_document
from tests.seal_service.pdf.sealing import picture, sealed

DPI = 100
MM = DPI / 25.4


def _image(document: bytes, page: int = 1) -> Image.Image:
    return Image.open(io.BytesIO(draw_page(document, page, dpi=DPI))).convert("RGB")


@lru_cache(maxsize=64)
def _shown(rotate: int, crop: tuple[float, float, float, float] | None, unit: float | None) -> tuple[bytes, Image.Image]:
    document = pikepdf_page(rotate=rotate, crop=crop, user_unit=unit)
    return document, _image(document)


@pytest.mark.clause("ISO 32000-1 12.5.5", "ISO 32000-1 14.11.2")
@settings(max_examples=60, deadline=None)
@example(rotate=270, crop=None, unit=1.5, across=0.390625, up=0.375, size=(42.0, 42.0))  # over text of the page
@given(
    rotate=st.sampled_from([0, 90, 180, 270, -90, 450]),
    crop=st.sampled_from([None, (20, 30, 520, 720), (-30, -40, 500, 700)]),
    unit=st.sampled_from([None, 1.5]),
    across=st.floats(0, 1),
    up=st.floats(0, 1),
    size=st.sampled_from([(42.0, 42.0), (30.0, 20.0), (12.5, 30.0)]),
)
def test_the_seal_is_seen_where_it_was_asked_for(
    rotate: int, crop: tuple[float, float, float, float] | None, unit: float | None, across: float, up: float, size: tuple[float, float]
) -> None:
    """Whatever the page's rotation, crop box and unit: the changed pixels are the seal, at the stated millimetres, in its proportions."""
    document, before = _shown(rotate, crop, unit)
    scale = unit or 1.0  # PDFium draws a page of any unit in points
    width, height = (side * scale for side in page_size_mm(document, 1))
    x_mm = size[0] / 2 + across * (width - size[0])
    y_mm = size[1] / 2 + up * (height - size[1])
    after = _image(sealed(document, placement=Placement(1, x_mm, y_mm, *size)))
    assert after.size == before.size
    box = ImageChops.difference(before, after).getbbox()
    assert box is not None
    side = min(size)  # the picture is round and keeps its proportions in the middle of the rectangle
    expected = (x_mm - side / 2, height - y_mm - side / 2, x_mm + side / 2, height - y_mm + side / 2)
    assert box == pytest.approx([number * MM / scale for number in expected], abs=2.5)
    # Upright: between the star's feet is the page as it was, text of its own too; under its point is ink.
    px = MM / scale
    middle_x, middle_y, unit_px = x_mm * px, (height - y_mm) * px, side / 42 * px
    between_feet = (round(middle_x), round(middle_y + 5.5 * unit_px))
    tip = after.getpixel((round(middle_x), round(middle_y - 4.5 * unit_px)))
    assert isinstance(tip, tuple)
    if side > 20:
        assert tip[1] < 120
        assert after.getpixel(between_feet) == before.getpixel(between_feet)


@pytest.mark.parametrize(
    "placement",
    [
        Placement(1, 20.9, 100),
        Placement(1, 100, 20.9),
        Placement(1, 210 - 20.9, 100),
        Placement(1, 100, 297 - 20.9),
        Placement(1, -1000, 100),
        Placement(1, 100, 100, 211, 42),
        Placement(1, 1e300, 1e300),
    ],
)
def test_a_seal_that_would_not_be_seen_whole_is_refused(placement: Placement) -> None:
    with pytest.raises(TrustError) as refused:
        sealed(reportlab_document(), placement=placement)
    assert refused.value.code == "PLACEMENT_OFF_PAGE"
    assert (refused.value.facts["page_width_mm"], refused.value.facts["page_height_mm"]) == (210.0, 297.0)


def test_off_page_is_judged_on_the_crop_box() -> None:
    document = pikepdf_page(crop=(20, 30, 520, 720))
    with pytest.raises(TrustError) as refused:
        sealed(document, placement=Placement(1, 190, 100, 20, 20))
    assert refused.value.code == "PLACEMENT_OFF_PAGE"
    assert refused.value.facts["page_width_mm"] == round(500 / 72 * 25.4, 2)


@pytest.mark.parametrize("page", [0, 3, -2, 10**9])
def test_pages_that_are_not_there(page: int) -> None:
    with pytest.raises(TrustError) as refused:
        sealed(reportlab_document(2), placement=Placement(page, 100, 100))
    assert (refused.value.code, refused.value.facts["pages"]) == ("PAGE_NOT_FOUND", 2)


@pytest.mark.parametrize(
    "placement",
    [Placement(1, float("nan"), 1), Placement(1, 1, float("inf")), Placement(1, 100, 100, 0, 42), Placement(1, 100, 100, 42, -1)],
)
def test_sizes_that_are_none(placement: Placement) -> None:
    with pytest.raises(TrustError) as refused:
        sealed(reportlab_document(), placement=placement)
    assert refused.value.code == "PLACEMENT_BAD"


def test_last_page_and_nonsense_user_unit() -> None:
    document = PdfDocument.open(build(page_objects(b"/UserUnit -3")))
    position = locate(document, Placement(-1, 100, 100))
    assert position.rectangle[0] == pytest.approx((100 - 21) * 72 / 25.4)
    with pikepdf.open(io.BytesIO(sealed(reportlab_document(3), placement=Placement(-1, 100, 100)))) as pdf:
        assert ["/Annots" in page.obj for page in pdf.pages] == [False, False, True]


# -- keywords --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("unit", [None, 2.0])
def test_a_seal_by_keyword_covers_the_keyword(rotate: int, unit: float | None) -> None:
    """The seal's middle is the middle of the word's ink, found by blanking the word out."""
    document = pikepdf_page(rotate=rotate, user_unit=unit)
    placement = find_keyword(document, "HERE", width_mm=10, height_mm=10)
    with pikepdf.open(io.BytesIO(document)) as pdf:
        content = pdf.pages[0].Contents.read_bytes()
        assert b"HERE" in content
        pdf.pages[0].Contents = pdf.make_stream(content.replace(b"HERE \\(1\\)", b""))
        buffer = io.BytesIO()
        pdf.save(buffer)
        without = buffer.getvalue()
        pdf.pages[0].Contents = pdf.make_stream(content.replace(b"HERE \\(1\\)", b"HERE"))
        buffer = io.BytesIO()
        pdf.save(buffer)
        with_word = buffer.getvalue()
    box = ImageChops.difference(_image(with_word), _image(without)).getbbox()
    assert box is not None
    height = page_size_mm(document, 1)[1]
    scale = unit or 1.0  # PDFium draws a page of any unit in points
    assert placement.x_mm / scale == pytest.approx((box[0] + box[2]) / 2 / MM, abs=0.6)
    assert placement.y_mm / scale == pytest.approx(height - (box[1] + box[3]) / 2 / MM, abs=0.6)


def test_occurrences_count_over_pages_and_from_the_end() -> None:
    document = reportlab_document(120, text="Seal HERE and HERE")
    assert [find_keyword(document, "HERE", occurrence=number).page for number in (1, 2, 3, 239, 240, -1)] == [1, 1, 2, 120, 120, 120]
    assert find_keyword(document, "HERE", occurrence=2).x_mm > find_keyword(document, "HERE", occurrence=1).x_mm
    assert find_keyword(document, "HERE", page=-1, occurrence=1).page == 120
    assert find_keyword(document, "HERE", page=7, occurrence=-1).page == 7


@pytest.mark.parametrize(("keyword", "occurrence", "found"), [("ABSENT", 1, 0), ("ABSENT", -1, 0), ("here", 1, 0), ("HERE", 3, 2)])
def test_a_keyword_that_is_not_there(keyword: str, occurrence: int, found: int) -> None:
    with pytest.raises(TrustError) as refused:
        find_keyword(reportlab_document(2), keyword, occurrence=occurrence)
    assert refused.value.code == "KEYWORD_NOT_FOUND"
    assert refused.value.facts["found"] == found


def test_hidden_text_marks_no_place() -> None:
    with pytest.raises(TrustError) as refused:
        find_keyword(pikepdf_page(crop=(0, 0, 500, 400)), "HERE")
    assert refused.value.code == "KEYWORD_NOT_FOUND"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"keyword": ""}, "KEYWORD_BAD"),
        ({"keyword": "a\x00b"}, "KEYWORD_BAD"),
        ({"keyword": "\ud800"}, "KEYWORD_BAD"),
        ({"keyword": "HERE", "occurrence": 0}, "KEYWORD_OCCURRENCE_BAD"),
        ({"keyword": "HERE", "occurrence": -2}, "KEYWORD_OCCURRENCE_BAD"),
        ({"keyword": "HERE", "page": 9}, "PAGE_NOT_FOUND"),
    ],
)
def test_nonsense_searches_are_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        find_keyword(reportlab_document(), **options)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_rubbish_cannot_be_searched() -> None:
    with pytest.raises(TrustError) as refused:
        find_keyword(b"%PDF-1.7 and nothing else", "HERE")
    assert refused.value.code == "PDF_MALFORMED"


def test_a_keyword_at_the_edge_moves_the_seal_inwards() -> None:
    document = build(page_objects() | {4: _text(b"1 0 0 1 2 2 Tm (EDGE) Tj")} | {3: _page_with_font(), 5: _FONT})
    placement = find_keyword(document, "EDGE")
    assert (placement.x_mm, placement.y_mm) == (21, 21)
    assert picture().width_mm == 42
    sealed(document, placement=placement)


_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def _page_with_font() -> bytes:
    return b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>"


def _text(shown: bytes) -> bytes:
    content = b"BT /F 12 Tf " + shown + b" ET"
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)
