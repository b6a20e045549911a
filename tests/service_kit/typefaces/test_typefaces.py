"""Faces found, cut and shaped, with fontTools and reportlab as second opinions on the cut files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.areaPen import AreaPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase.ttfonts import TTFont as ReportlabFont

from service_kit.typefaces import cut as cutting
from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import FOLDERS, Face, Style, brought_face, brought_file, find_face, missing_characters, system_faces
from service_kit.typefaces.outlines import MAX_RUN_CHARACTERS, Outlines
from standards.errors import TrustError
from tests.optional import need

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "呼伦贝尔市政务服务局 yinxin 2026"
MONGOLIAN = "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"


def write_face(path: Path, family: str, characters: str) -> None:
    """A font with CFF outlines, as Noto CJK has: each glyph a box of its own width with one curved side."""
    builder = FontBuilder(1000, isTTF=False)
    names = [f"g{index}" for index in range(len(characters))]
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(character): name for character, name in zip(characters, names, strict=True)})
    widths, drawn = {".notdef": (500, 0)}, {".notdef": T2CharStringPen(500, None).getCharString()}
    for index, name in enumerate(names):
        width = 600 + 50 * index
        pen = T2CharStringPen(width, None)
        pen.moveTo((100, 0))
        pen.lineTo((width - 100, 0))
        pen.curveTo((width, 300), (width, 500), (width - 100, 700))
        pen.lineTo((100, 700))
        pen.closePath()
        drawn[name], widths[name] = pen.getCharString(), (width, 100)
    builder.setupCFF("Test", {}, drawn, {})
    builder.setupHorizontalMetrics(widths)
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": "Test"})
    builder.setupOS2()
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)


def opened(data: bytes) -> TTFont:
    return TTFont(io.BytesIO(data))


def test_a_variable_face_is_cut_to_its_regular_weight_with_a_name_of_its_own() -> None:
    cut = cut_face(brought_face(), TEXT)
    with opened(cut.truetype) as font, TTFont(brought_file(), lazy=True) as whole:
        assert not {"fvar", "gvar", "GSUB", "GPOS", "STAT"} & set(font.keys())
        assert set(font.getBestCmap()) == set(map(ord, TEXT))
        assert font["name"].getDebugName(6) == cut.postscript_name
        assert cut.postscript_name.startswith("NotoSansSC-Regular-")
        regular = whole.getGlyphSet(location={"wght": 400})
        for character in TEXT:
            name = font.getBestCmap()[ord(character)]
            assert font.getGlyphID(name) == cut.glyphs[character]
            assert font["hmtx"][name][0] / 1000 == pytest.approx(cut.advances_em[character])
            ours, theirs = DecomposingRecordingPen(font.getGlyphSet()), DecomposingRecordingPen(regular)
            font.getGlyphSet()[name].draw(ours)
            regular[whole.getBestCmap()[ord(character)]].draw(theirs)
            ours_points = [point for _, points in ours.value for point in points if point]
            theirs_points = [point for _, points in theirs.value for point in points if point]
            assert len(ours_points) == len(theirs_points)
            for (a, b), (c, d) in zip(ours_points, theirs_points, strict=True):
                assert abs(a - c) <= 1
                assert abs(b - d) <= 1
    assert cut.advances_em["市"] == cut.advances_em["政"] == pytest.approx(1)
    assert cut.ascent_em > 0.8
    assert cut.descent_em < 0


def test_the_same_request_gives_the_same_bytes_and_another_another_name() -> None:
    first = cut_face(brought_face(), TEXT)
    cutting._cut.cache_clear()
    again = cut_face(brought_face(), reversed(TEXT))
    assert (first.truetype, first.postscript_name) == (again.truetype, again.postscript_name)
    assert cut_face(brought_face(), TEXT + "盟").postscript_name != first.postscript_name
    assert cut_face(brought_face(weight=700), TEXT).postscript_name.startswith("NotoSansSC-Bold-")


def test_reportlab_takes_a_cut_font() -> None:
    cut = cut_face(brought_face(), TEXT)
    font = ReportlabFont("cut", io.BytesIO(cut.truetype))
    assert font.face.name.decode() == cut.postscript_name
    assert font.stringWidth("市2", 10) == pytest.approx(10 * (cut.advances_em["市"] + cut.advances_em["2"]), abs=0.01)


def test_outlines_of_the_other_kind_become_truetype(tmp_path: Path) -> None:
    path = tmp_path / "song.otf"
    write_face(path, "Song", "局市")
    cut = cut_face(Face("Song", Style.SONG, path), "市")
    with opened(cut.truetype) as font, TTFont(path) as whole:
        assert "glyf" in font
        assert "CFF " not in font
        ours, theirs = AreaPen(font.getGlyphSet()), AreaPen(whole.getGlyphSet())
        font.getGlyphSet()[font.getBestCmap()[ord("市")]].draw(ours)
        whole.getGlyphSet()["g1"].draw(theirs)
        assert ours.value == pytest.approx(-theirs.value, rel=0.002)  # the same surface, in the direction TrueType wants
    assert cut.advances_em == {"市": 0.65}
    assert ReportlabFont("song", io.BytesIO(cut.truetype)).stringWidth("市", 100) == pytest.approx(65)
    assert Outlines(cut.truetype).glyph(cut.glyphs["市"]).contours


def test_what_no_face_has_is_named_never_drawn_as_a_box() -> None:
    with pytest.raises(TrustError) as refused:
        find_face("局\U0001f600", folders=())
    assert (refused.value.code, refused.value.facts) == ("GLYPH_MISSING", {"characters": "U+1F600", "count": 1})
    with pytest.raises(TrustError) as refused:
        cut_face(brought_face(), "局\n")
    assert refused.value.code == "GLYPH_MISSING"
    with pytest.raises(TrustError) as refused:
        cut_face(brought_face(), "局", runs=["ᠮ"])
    assert refused.value.facts == {"characters": "U+182E", "count": 1}
    with pytest.raises(TrustError) as refused:
        cut_face(brought_face(), "", runs=[""])
    assert refused.value.code == "GLYPH_MISSING"


def test_more_than_a_document_uses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "MAX_CHARACTERS", 3)
    with pytest.raises(TrustError) as refused:
        cut_face(brought_face(), "印信服务")
    assert refused.value.code == "TYPEFACE_TOO_LARGE"
    with pytest.raises(ValueError, match="at most"):
        Outlines(brought_file()).shape("a" * (MAX_RUN_CHARACTERS + 1), script="Latn", language="en")


def test_faces_of_the_system_are_found_by_family_and_used_in_the_order_asked_for(tmp_path: Path) -> None:
    write_face(tmp_path / "opentype" / "noto" / "NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC", "局市")
    write_face(tmp_path / "truetype" / "lxgw-wenkai" / "LXGWWenKai-Regular.ttf", "LXGW WenKai", "局\ue000")
    write_face(tmp_path / "opentype" / "noto" / "NotoSansCJK-Regular.ttc", "Another family", "局")
    folders = (tmp_path,)
    assert [face.family for face in system_faces(folders=folders)] == ["Noto Serif CJK SC", "LXGW WenKai"]
    assert find_face("局", folders=folders) == brought_face()
    assert find_face("局", Style.SONG, folders=folders).family == "Noto Serif CJK SC"
    assert find_face("局", Style.KAI, Style.SONG, folders=folders).family == "LXGW WenKai"
    assert find_face("市", Style.KAI, Style.SONG, folders=folders).family == "Noto Serif CJK SC"
    assert find_face("盟", Style.SONG, folders=folders) == brought_face()
    assert find_face("局\ue000", Style.SONG, folders=folders).family == "LXGW WenKai"
    assert find_face("局", Style.SANS, Style.SONG, folders=folders) == brought_face()
    assert find_face("局", Style.SONG, weight=700, folders=folders) == brought_face(weight=700)


def test_song_faces_of_this_machine_can_be_embedded() -> None:
    installed = [face for face in system_faces() if face.style is Style.SONG]
    need("a Song face", installed, "install fonts-noto-cjk")
    cut = cut_face(find_face("呼伦贝尔", Style.SONG), "呼伦贝尔")
    with opened(cut.truetype) as font:
        assert set(font.getBestCmap()) == set(map(ord, "呼伦贝尔"))
        assert "glyf" in font


def test_mongolian_runs_are_shaped_and_keep_their_forms_in_the_cut_font() -> None:
    installed = [face for face in system_faces() if face.style is Style.MONGOLIAN]
    need("Noto Sans Mongolian", installed, f"install fonts-noto-core below {FOLDERS[0]}")
    face = find_face(MONGOLIAN, Style.MONGOLIAN)
    cut = cut_face(face, " ", runs=[MONGOLIAN])
    whole, small = Outlines(face.path), Outlines(cut.truetype)
    shaped = whole.shape(MONGOLIAN, script="Mong", language="mn")
    assert [(g.advance_em, g.first_character) for g in shaped] == [(g.advance_em, g.first_character) for g in cut.runs[MONGOLIAN]]
    for before, after in zip(shaped, cut.runs[MONGOLIAN], strict=True):
        assert whole.glyph(before.number) == small.glyph(after.number)
    isolated = whole.glyph(whole.number_of("ᠮ"))
    assert whole.glyph(shaped[0].number) != isolated  # the initial form, not the one that stands alone


@settings(max_examples=20, deadline=None)
@given(st.sets(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30))
def test_every_common_character_can_be_cut(characters: set[str]) -> None:
    if not missing_characters(brought_face(), characters):
        cut = cut_face(brought_face(), characters)
        assert sorted(cut.glyphs.values()) == list(range(1, len(characters) + 1))
