"""Pictures of pages and texts on them."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seal_service.pictures.outline import Contour, SealPicture
from seal_service.render import TextHit, count_pages, draw_page, draw_picture, find_text, page_size_mm
from standards.errors import TrustError
from tests.seal_service.pdf.documents import build, page_objects, pikepdf_page, reportlab_document


def _open(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_a_page_in_its_size_white_or_transparent() -> None:
    document = reportlab_document()
    white, clear = _open(draw_page(document, dpi=72)), _open(draw_page(document, dpi=72, is_transparent=True))
    assert white.size == clear.size == (596, 842)
    assert white.getpixel((5, 5)) == (255, 255, 255, 255)
    assert clear.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert white.getextrema()[0] == (0, 255)  # text and paper


def test_a_picture_has_colour_only_where_there_is_ink() -> None:
    picture = SealPicture((Contour((-5.0, -5.0), ((0.0, -5.0), (0.0, 5.0), (-5.0, 5.0))),), 10, 10, colour=(0, 0, 1))
    image = _open(draw_picture(picture, dpi=254)).convert("RGBA")
    assert image.size == (100, 100)
    assert image.getpixel((20, 50)) == (0, 0, 255, 255)
    assert image.getpixel((80, 50))[3] == 0  # type: ignore[index]


def test_sizes_apply_rotation_and_crop() -> None:
    assert page_size_mm(reportlab_document(), -1) == pytest.approx((210, 297), abs=0.1)
    assert page_size_mm(pikepdf_page(rotate=90, crop=(0, 0, 144, 72)), 1) == pytest.approx((25.4, 50.8))


def test_counts_and_finds() -> None:
    document = reportlab_document(3)
    assert count_pages(document) == 3
    hits = find_text(document, "HERE")
    assert [hit.page for hit in hits] == [1, 2, 3]
    assert find_text(document, "HERE", most=2) == hits[:2]
    assert hits[0] == TextHit(1, hits[1].x_mm, hits[1].y_mm, hits[1].width_mm, hits[1].height_mm)
    assert hits[0].y_mm == pytest.approx(504 / 72 * 25.4, abs=1)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"page": 0}, "PAGE_NOT_FOUND"),
        ({"page": 2}, "PAGE_NOT_FOUND"),
        ({"dpi": 9}, "RENDER_DPI_BAD"),
        ({"dpi": 1201}, "RENDER_DPI_BAD"),
        ({"dpi": float("nan")}, "RENDER_DPI_BAD"),
        ({"dpi": 1200}, "RENDER_TOO_LARGE"),
    ],
)
def test_limits(options: dict[str, float], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        draw_page(reportlab_document(), **options)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_page_of_kilometres_is_not_drawn() -> None:
    with pytest.raises(TrustError) as refused:
        draw_page(build({**page_objects(), 3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1000000 1000000]/Contents 4 0 R>>"}), dpi=96)
    assert refused.value.code == "RENDER_TOO_LARGE"


def test_threads_wait_for_each_other() -> None:
    document = reportlab_document(4)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda page: draw_page(document, page, dpi=40), [1, 2, 3, 4] * 3))
    assert drawn[:4] == drawn[4:8] == drawn[8:]
    assert len(set(drawn)) == 4


@given(st.binary(max_size=200))
def test_rubbish_is_refused_with_a_code(data: bytes) -> None:
    for attempt in (count_pages, draw_page, lambda document: find_text(document, "x"), lambda document: page_size_mm(document, 1)):
        with pytest.raises(TrustError) as refused:
            attempt(data)
        assert refused.value.code == "PDF_MALFORMED"
