"""What was sealed is given back while it is whole, and what looks different is shown."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from seal_service.pdf.sealed_revision import compare_pages, find_sealed_revision
from seal_service.render import compare_page
from standards.errors import TrustError
from tests.seal_service.pdf.documents import pikepdf_page, reportlab_document
from tests.seal_service.pdf.sealing import AT, sealed
from tests.seal_service.pdf.tampering import append


def _painted_over(document: bytes) -> bytes:
    """A later revision in which the first page's contents are others."""
    opened = PdfDocument.open(document)
    page = opened.page(0)[1]
    contents = page["Contents"]
    return append(document, {contents.number: b"<</Length 18>>stream\n0 0 100 100 re f\n \nendstream"})  # type: ignore[attr-defined]


def test_the_sealed_revision_comes_back_byte_for_byte() -> None:
    document = sealed(reportlab_document(3))
    assert find_sealed_revision(_painted_over(document), AT) == ("Seal1", document)
    twice = sealed(document, placement=Placement(2, 60, 60))
    assert find_sealed_revision(twice, AT) == ("Seal2", twice)
    assert find_sealed_revision(twice, AT, field="Seal1") == ("Seal1", document)


def test_changed_inside_it_is_lost() -> None:
    document = sealed(reportlab_document())
    for spoilt in (document.replace(b"/MediaBox [ 0 0 595.2756", b"/MediaBox [ 0 0 595.2757", 1), reportlab_document()):
        with pytest.raises(TrustError) as refused:
            find_sealed_revision(spoilt, AT)
        assert refused.value.code == "SEALED_REVISION_LOST"
    with pytest.raises(TrustError):
        find_sealed_revision(document, AT, field="Other")


def test_pages_that_look_different_are_shown_with_a_mask() -> None:
    document = sealed(reportlab_document(3))
    found = compare_pages(document, _painted_over(document))
    assert (found.pages_before, found.pages_after, found.compared) == (3, 3, 3)
    (changed,) = found.pages
    assert (changed.page, changed.kind) == (1, "changed")
    assert changed.difference is not None
    left, bottom, right, top = changed.difference.box_mm
    assert (left, bottom) == pytest.approx((0, 0), abs=0.5)
    assert right > 100 / 72 * 25.4
    assert top == pytest.approx(500 / 72 * 25.4, abs=5)
    mask = Image.open(io.BytesIO(changed.difference.mask)).convert("RGB")
    assert mask.getpixel((50, mask.height - 50)) == (255, 0, 0)
    assert mask.getpixel((300, 50)) == (255, 255, 255)
    assert 0.01 < changed.difference.share < 0.1


def test_added_and_removed_pages_are_named() -> None:
    assert [(each.page, each.kind) for each in compare_pages(reportlab_document(1), reportlab_document(3)).pages] == [
        (2, "added"),
        (3, "added"),
    ]
    assert [(each.page, each.kind) for each in compare_pages(reportlab_document(2), reportlab_document(1)).pages] == [(2, "removed")]


def test_pages_of_other_sizes_differ_everywhere() -> None:
    found = compare_page(reportlab_document(), pikepdf_page(rotate=90), 1)
    assert found is not None
    assert found.share == 1
    assert compare_page(reportlab_document(), reportlab_document(), 1) is None
