"""Looking at PDF pages: pictures of them, their visible size, where a text stands. The only user of PDFium.

PDFium knows no /UserUnit: sizes here are those of a page whose unit is 1/72 inch, as nearly every page's is.

PDFium is not safe for threads: one lock holds them apart, so work here is short and bounded. Everything that PDFium may be shown comes
from outside; what it cannot read is ``PDF_MALFORMED``, never another exception.
"""

from __future__ import annotations

import struct
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw

from seal_service.pictures.pdf_operators import UNIT_MM
from standards.errors import Kind, MalformedError, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal_service.pictures.outline import Colour, SealPicture

POINTS_PER_MM: Final = 72 / 25.4
PIXELS_MAX: Final = 40_000_000  # one A4 page at 600 dpi has 35 million; four bytes each
DPI_MIN: Final = 10
DPI_MAX: Final = 1200
PICTURE_DPI: Final = 300  # of a seal's own picture: twelve pixels per millimetre, the finest strokes of ring texts have four
PAGES_SEARCHED_MAX: Final = 2000  # pages looked through for a keyword; the longest documents tested have 500
HITS_MAX: Final = 10_000  # a keyword that occurs more often marks no place
LAST_PAGE: Final = -1
_PAGES_PER_BATCH: Final = 50
_TRIM: Final = 0.0001  # points off a picture's page, so that rounding does not add a row of empty pixels

_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class TextHit:
    """Where a text stands: page from 1, centre and size in mm from the page's visible lower-left corner, as the page is seen."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


def count_pages(document: bytes) -> int:
    """How many pages PDFium sees."""
    with _opened(document) as pdf:
        return len(pdf)


def page_size_mm(document: bytes, page: int) -> tuple[float, float]:
    """Width and height of a page as it is seen (crop box and rotation applied); pages count from 1, -1 is the last."""
    with _opened(document) as pdf, _page(pdf, page) as shown:
        width, height = shown.get_size()
        return width / POINTS_PER_MM, height / POINTS_PER_MM


def draw_page(document: bytes, page: int = 1, *, dpi: float = 96, is_transparent: bool = False) -> bytes:
    """One page as PNG, with annotations and filled form fields (seals are both). Pages count from 1, -1 is the last.

    :raises TrustError: ``RENDER_TOO_LARGE`` where the picture would have more than ``PIXELS_MAX`` pixels; ``PAGE_NOT_FOUND``.
    """
    with _drawn(document, page, dpi, is_transparent=is_transparent) as bitmap:
        return _write_png(bitmap.width, bitmap.height, bitmap.stride, bytes(bitmap.buffer))


@contextmanager
def _drawn(document: bytes, page: int, dpi: float, *, is_transparent: bool) -> Iterator[pdfium.PdfBitmap]:
    """The pixels of a page, four bytes each, red first, not multiplied by their opacity."""
    if not DPI_MIN <= dpi <= DPI_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "RENDER_DPI_BAD", least=DPI_MIN, most=DPI_MAX)
    with _opened(document) as pdf:
        pdf.init_forms()
        with _page(pdf, page) as shown:
            width, height = shown.get_size()
            if (width * dpi / 72 + 1) * (height * dpi / 72 + 1) > PIXELS_MAX:
                raise TrustError(Kind.TOO_LARGE, "RENDER_TOO_LARGE", most_pixels=PIXELS_MAX)
            bitmap = shown.render(
                scale=dpi / 72,
                fill_color=(255, 255, 255, 0 if is_transparent else 255),
                rev_byteorder=True,
                force_bitmap_format=pdfium_raw.FPDFBitmap_BGRA,
            )
            try:
                yield bitmap
            finally:
                bitmap.close()


@dataclass(frozen=True, slots=True)
class PageDifference:
    """Two pictures of one page, and where they differ (red on white), as PNG. ``box_mm``: left, bottom, right, top of all that differs, from
    the lower-left corner of the page as seen; ``share``: of the page's pixels.
    """

    before: bytes
    after: bytes
    mask: bytes
    box_mm: tuple[float, float, float, float]
    share: float


def compare_page(before: bytes, after: bytes, page: int, *, dpi: float = 72) -> PageDifference | None:
    """A page (from 1) of two documents, compared pixel by pixel; None where they look the same. Of different sizes: all of it differs.

    :raises TrustError: ``RENDER_TOO_LARGE``, ``PAGE_NOT_FOUND``, ``PDF_MALFORMED``.
    """
    (width, height, old), (other_width, other_height, new) = (_pixels(each, page, dpi) for each in (before, after))
    is_same_size = (width, height) == (other_width, other_height)
    if is_same_size and old == new:
        return None
    white, line = b"\xff" * width, 4 * width
    rows, touched, count = [], [], 0
    left, right = width, 0
    for at in range(0, len(old), line):
        first, second = old[at : at + line], new[at : at + line]
        row = bytearray(b"\xff" * line)
        if not is_same_size or first != second:
            changed = white if not is_same_size else _changed(first, second, width)
            row[1::4] = row[2::4] = changed.translate(_INVERTED)
            touched.append(at // line)
            left, right = min(left, len(changed) - len(changed.lstrip(b"\0"))), max(right, len(changed.rstrip(b"\0")))
            count += width - changed.count(0)
        rows.append(bytes(row))
    mm = 25.4 / dpi
    box = (left * mm, (height - touched[-1] - 1) * mm, right * mm, (height - touched[0]) * mm)
    pictures = (_write_png(width, height, line, old), _write_png(other_width, other_height, 4 * other_width, new))
    return PageDifference(*pictures, _write_png(width, height, line, b"".join(rows)), box, count / (width * height))


_INVERTED: Final = bytes(255 - value for value in range(256))
_ANY: Final = bytes(255 if value else 0 for value in range(256))


def _changed(first: bytes, second: bytes, width: int) -> bytes:
    """One byte for each pixel of two rows: 255 where they differ."""
    both = (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).to_bytes(len(first), "big")
    colours = [int.from_bytes(both[channel::4], "big") for channel in range(4)]
    return (colours[0] | colours[1] | colours[2] | colours[3]).to_bytes(width, "big").translate(_ANY)


def _pixels(document: bytes, page: int, dpi: float) -> tuple[int, int, bytes]:
    """Width, height and RGBA rows of a page without gaps between them."""
    with _opened(document) as pdf:
        pdf.init_forms()
        with _page(pdf, page) as shown:
            width, height = shown.get_size()
            if (width * dpi / 72 + 1) * (height * dpi / 72 + 1) > PIXELS_MAX:
                raise TrustError(Kind.TOO_LARGE, "RENDER_TOO_LARGE", most_pixels=PIXELS_MAX)
            bitmap = shown.render(scale=dpi / 72, rev_byteorder=True, force_bitmap_format=pdfium_raw.FPDFBitmap_BGRA)
            try:
                content, line = bytes(bitmap.buffer), 4 * bitmap.width
                rows = [content[row * bitmap.stride : row * bitmap.stride + line] for row in range(bitmap.height)]
                return bitmap.width, bitmap.height, b"".join(rows)
            finally:
                bitmap.close()


def draw_picture(picture: SealPicture, *, dpi: float = PICTURE_DPI) -> bytes:
    """A seal's picture as PNG with a transparent ground, in its true size at ``dpi``.

    One colour in nine steps of opacity: a seal of 42 mm at 300 dpi takes under 20 kB, and it is embedded in every seal and signature.
    """
    with _drawn(_page_of(picture), 1, dpi, is_transparent=True) as bitmap:
        return _write_one_colour_png(bitmap.width, bitmap.height, bitmap.stride, bytes(bitmap.buffer), picture.colour)


def find_text(document: bytes, text: str, *, page: int | None = None, most: int = HITS_MAX) -> list[TextHit]:
    """The first ``most`` visible occurrences of ``text``, in the order of the pages and within a page in that of its text; case matters.

    What stands outside the crop box is passed over. A text that runs over a line end is not found as one. Between batches of pages the
    lock is free for others.

    :raises TrustError: ``KEYWORD_BAD`` (empty, or with characters that are no text), ``PAGE_NOT_FOUND``, ``PDF_MALFORMED``.
    """
    if not text.strip() or not is_printable(text):
        raise TrustError(Kind.UNACCEPTABLE, "KEYWORD_BAD", rule="printable, not empty")
    numbers = range(1, min(count_pages(document), PAGES_SEARCHED_MAX) + 1) if page is None else range(page, page + 1)
    hits: list[TextHit] = []
    for start in range(0, len(numbers), _PAGES_PER_BATCH):
        with _opened(document) as pdf:
            for number in numbers[start : start + _PAGES_PER_BATCH]:
                with _page(pdf, number) as shown:
                    hits += islice(_hits(shown, text, len(pdf) if number == LAST_PAGE else number), most - len(hits))
                if len(hits) >= most:
                    return hits
    return hits


def _hits(page: pdfium.PdfPage, text: str, number: int) -> Iterator[TextHit]:
    words = page.get_textpage()
    try:
        search = words.search(text, match_case=True)
        while (found := search.get_next()) is not None:
            index, count = found
            # Characters report tight boxes; their union is the keyword's box on the page as written.
            boxes = [words.get_charbox(position) for position in range(index, index + count)]
            left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
            right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
            hit, width, height = _as_seen(page, number, (left, bottom, right, top))
            if 0 <= hit.x_mm <= width and 0 <= hit.y_mm <= height:
                yield hit
    finally:
        words.close()


def _as_seen(page: pdfium.PdfPage, number: int, box: tuple[float, float, float, float]) -> tuple[TextHit, float, float]:
    """From the page's own coordinates to millimetres from the visible lower-left corner after rotation; and the page's size as seen."""
    left, bottom, right, top = page.get_bbox()
    x0, y0, x1, y1 = box[0] - left, box[1] - bottom, box[2] - left, box[3] - bottom
    width, height = right - left, top - bottom
    turn = page.get_rotation()
    if turn == 90:
        x0, y0, x1, y1 = y0, width - x1, y1, width - x0
    elif turn == 180:
        x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
    elif turn == 270:
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
    if turn % 180:
        width, height = height, width
    mm = 1 / POINTS_PER_MM
    return TextHit(number, (x0 + x1) / 2 * mm, (y0 + y1) / 2 * mm, (x1 - x0) * mm, (y1 - y0) * mm), width * mm, height * mm


@contextmanager
def _opened(document: bytes) -> Iterator[pdfium.PdfDocument]:
    with _LOCK:
        try:
            pdf = pdfium.PdfDocument(document)
            try:
                yield pdf
            finally:
                pdf.close()
        except pdfium.PdfiumError as error:
            raise MalformedError("PDF_MALFORMED", at="render") from error


@contextmanager
def _page(pdf: pdfium.PdfDocument, number: int) -> Iterator[pdfium.PdfPage]:
    index = len(pdf) - 1 if number == LAST_PAGE else number - 1
    if not 0 <= index < len(pdf):
        raise TrustError(Kind.UNACCEPTABLE, "PAGE_NOT_FOUND", page=number, pages=len(pdf))
    page = pdf[index]
    try:
        yield page
    finally:
        page.close()


def _page_of(picture: SealPicture) -> bytes:
    """A document of one page that is exactly the picture."""
    unit = POINTS_PER_MM * UNIT_MM
    x, y = picture.width_mm / 2 * POINTS_PER_MM, picture.height_mm / 2 * POINTS_PER_MM
    content = b"%.7f 0 0 %.7f %.5f %.5f cm\n%s" % (unit, unit, x, y, picture.to_pdf_operators())
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.5f %.5f]/Resources<<>>/Contents 4 0 R>>" % (2 * x - _TRIM, 2 * y - _TRIM),
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    )
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _write_png(width: int, height: int, stride: int, pixels: bytes) -> bytes:
    """RGBA rows as PNG (ISO/IEC 15948), no filter."""
    rows = b"".join(b"\0" + pixels[row * stride : row * stride + width * 4] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return _PNG_MARK + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 3)) + _chunk(b"IEND", b"")


def _write_one_colour_png(width: int, height: int, stride: int, pixels: bytes, colour: Colour) -> bytes:
    """The opacity of RGBA rows as PNG of four bits per pixel: a palette of one colour in nine opacities, the last one full."""
    rows = bytearray()
    for row in range(height):
        opacity = pixels[row * stride + 3 : row * stride + width * 4 : 4]
        left, right = opacity[0::2].translate(_HIGH_HALF), opacity[1::2].translate(_LOW_HALF).ljust((width + 1) // 2, b"\0")
        rows += b"\0" + (int.from_bytes(left, "big") | int.from_bytes(right, "big")).to_bytes(len(left), "big")
    header = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    palette = bytes(round(part * 255) for part in colour) * (_LEVELS + 1)
    opacities = bytes(round(level * 255 / _LEVELS) for level in range(_LEVELS + 1))
    return (
        _PNG_MARK
        + _chunk(b"IHDR", header)
        + _chunk(b"PLTE", palette)
        + _chunk(b"tRNS", opacities)
        + _chunk(b"IDAT", zlib.compress(rows, _EFFORT))
        + _chunk(b"IEND", b"")
    )


_PNG_MARK: Final = b"\x89PNG\r\n\x1a\n"
_EFFORT: Final = 8  # the most there is takes two to three times as long for a fiftieth less
_LEVELS: Final = 8  # steps of opacity above none: edges look as smooth as with 255, in half the bytes
_LOW_HALF: Final = bytes(round(value * _LEVELS / 255) for value in range(256))
_HIGH_HALF: Final = bytes(level << 4 for level in _LOW_HALF)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
