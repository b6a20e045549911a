"""Glyph outlines, with fontTools as the second opinion on what the face holds."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

from seal_service.pictures import fonts
from seal_service.pictures.fonts import OutlineFont, default_font, mongolian_font, song_font
from seal_service.pictures.outline import bounds
from service_kit.typefaces.faces import Face, Style
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator

FACE = Path(str(resources.files("justmytype_intl_cjk") / "fonts" / "ofl" / "notosanssc" / "NotoSansSC[wght].ttf"))


@pytest.fixture(scope="module")
def face() -> Iterator[TTFont]:
    with TTFont(FACE, lazy=True) as opened:
        yield opened


@pytest.mark.parametrize("character", ["呼", "局", "5", "（", "𫞩"])
@pytest.mark.parametrize("weight", [100, 600])
def test_outline_is_what_fonttools_reads_at_that_weight(face: TTFont, character: str, weight: int) -> None:
    """HarfBuzz and fontTools place the varied points alike, to a unit of the thousand."""
    glyphs = face.getGlyphSet(location={"wght": weight})
    name = face.getBestCmap()[ord(character)]
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    points = [point for _, arguments in pen.value for point in arguments if point is not None]
    ours = default_font(weight).glyph(character)
    left, bottom, right, top = bounds(ours.contours)
    # Control points of raised cubics lie inside those of the quadratics, so compare the ends, which both state.
    ends = [contour.start for contour in ours.contours] + [piece[-2:] for contour in ours.contours for piece in contour.pieces]
    theirs = {(round(x), round(y)) for x, y in points}
    missing = [end for end in ends if not any(abs(end[0] * 1000 - x) <= 1 and abs(end[1] * 1000 - y) <= 1 for x, y in theirs)]
    # TrueType leaves out points half way between two control points; everything else must be named by both.
    halves = {((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in itertools.pairwise(points)}
    assert [end for end in missing if not any(abs(end[0] * 1000 - x) <= 1 and abs(end[1] * 1000 - y) <= 1 for x, y in halves)] == []
    assert left >= min(x for x, _ in points) / 1000 - 0.002
    assert right <= max(x for x, _ in points) / 1000 + 0.002
    assert top - bottom > 0.3
    assert ours.advance_em == pytest.approx(glyphs[name].width / 1000, abs=0.002)


def test_weight_makes_strokes_thicker() -> None:
    thin, bold = (default_font(weight).glyph("一").contours for weight in (100, 900))
    thin_box, bold_box = bounds(thin), bounds(bold)
    assert (bold_box[3] - bold_box[1]) > 3 * (thin_box[3] - thin_box[1])


@pytest.mark.parametrize("character", ["\u1820", "\U0010ffff", "\n", "\u200b", "\u0301", "\ud800", "\x00", "\ufe0f", "\u202e"])
def test_what_the_face_lacks_or_cannot_stand_alone_is_refused_never_a_box(character: str) -> None:
    with pytest.raises(TrustError) as refused:
        default_font().glyph(character)
    assert refused.value.code == "SEAL_GLYPH_MISSING"
    assert refused.value.facts == {"character": f"U+{ord(character):04X}"}


def test_a_space_has_width_and_no_ink() -> None:
    glyph = default_font().glyph("\u3000")
    assert glyph.contours == ()
    assert glyph.advance_em == pytest.approx(1)


def test_threads_share_a_font() -> None:
    font = OutlineFont(FACE)
    text = "呼伦贝尔市行政审批和政务服务局" * 4
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(font.glyph, text))
    assert drawn == [default_font().glyph(character) for character in text]


def test_song_and_mongolian_faces_are_those_of_the_system_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kit finds decides; the brought face stands in for installed ones here, so that the test is the same on every machine."""
    installed = (Face("Any Song", Style.SONG, FACE, weight=700), Face("Any Mongolian", Style.MONGOLIAN, FACE))
    for search, style in ((song_font, Style.SONG), (mongolian_font, Style.MONGOLIAN)):
        for faces in (installed, ()):
            monkeypatch.setattr(fonts, "system_faces", lambda _weight, faces=faces: faces)
            search.cache_clear()
            found = search()
            search.cache_clear()
            assert (found is not None) == bool(faces)
            if found is not None and style is Style.SONG:
                assert found.glyph("局") == default_font(700).glyph("局")


def test_strokes_made_thicker_grow_by_that_much_and_advances_stay() -> None:
    plain, thick = OutlineFont(FACE).glyph("一"), OutlineFont(FACE, thicker_em=0.04).glyph("一")
    one, other = bounds(plain.contours), bounds(thick.contours)
    assert other[3] - other[1] == pytest.approx(one[3] - one[1] + 0.04, abs=0.002)
    assert thick.advance_em == plain.advance_em


def test_mongolian_that_the_face_lacks_is_refused_by_its_code_point() -> None:
    with pytest.raises(TrustError) as refused:
        default_font().shape_mongolian("\u1820")
    assert (refused.value.code, refused.value.facts) == ("SEAL_GLYPH_MISSING", {"character": "U+1820"})
    with pytest.raises(TrustError) as refused:
        default_font().shape_mongolian(" ")
    assert refused.value.code == "SEAL_MONGOLIAN_BAD"


def test_cubic_outlines_are_taken_as_they_are_and_a_fixed_face_has_one_weight(tmp_path: Path) -> None:
    """A face with CFF outlines, as the Song faces of distributions have: made by fontTools, one curved glyph."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.t2CharStringPen import T2CharStringPen

    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder([".notdef", "ju"])
    builder.setupCharacterMap({ord("局"): "ju"})
    pen = T2CharStringPen(900, None)
    pen.moveTo((100, 0))
    pen.curveTo((100, 300), (400, 300), (400, 0))
    pen.lineTo((250, -100))
    pen.closePath()
    blank = T2CharStringPen(500, None)
    builder.setupCFF("Test", {}, {".notdef": blank.getCharString(), "ju": pen.getCharString()}, {})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "ju": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupPost()
    path = tmp_path / "song.otf"
    builder.save(path)
    glyph = OutlineFont(path, weight=900).glyph("局")
    assert glyph.advance_em == 0.9
    (contour,) = glyph.contours
    assert contour.start == pytest.approx((0.1, 0))
    assert contour.pieces[0] == pytest.approx((0.1, 0.3, 0.4, 0.3, 0.4, 0))
    assert contour.pieces[1] == pytest.approx((0.25, -0.1))
