"""Fonts put together from kept glyphs: the same outlines as from cutting, read by fontTools with every checksum."""

from __future__ import annotations

from io import BytesIO

import pytest
from fontTools.ttLib import TTFont

from service_kit.typefaces import pool
from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import BOLD, Face, Style, brought_face, find_face, system_faces
from service_kit.typefaces.outlines import Outlines
from service_kit.typefaces.pool import pooled_face
from standards.errors import TrustError
from tests.optional import need

TEXT = "中华人民共和国营业执照 é½ 0123456789ABC—、年月日"
RUN = "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"


def faces() -> list[Face]:
    return [brought_face(), brought_face(BOLD), *(face for face in system_faces() if face.style is Style.SONG)]


@pytest.mark.parametrize("face", faces(), ids=lambda face: f"{face.family}-{face.weight}")
def test_the_same_glyphs_as_from_cutting(face: Face) -> None:
    first = pooled_face(face, "执照")
    made, cut = pooled_face(face, TEXT), cut_face(face, TEXT)
    assert first.postscript_name != made.postscript_name
    assert made.glyphs.keys() == cut.glyphs.keys()
    assert (made.ascent_em, made.descent_em) == (cut.ascent_em, cut.descent_em)
    ours, theirs = Outlines(made.truetype), Outlines(cut.truetype)
    for character in TEXT:
        assert ours.number_of(character) == made.glyphs[character]
        assert ours.glyph(made.glyphs[character]) == theirs.glyph(cut.glyphs[character])
        assert made.advances_em[character] == cut.advances_em[character]


def test_every_table_is_sound() -> None:
    made = pooled_face(brought_face(), TEXT)
    with TTFont(BytesIO(made.truetype), checkChecksums=2) as font:
        assert [len(font[tag].compile(font)) > 0 for tag in font.keys() if tag != "GlyphOrder"]  # noqa: SIM118 - no mapping
        assert set(font.getBestCmap()) == set(map(ord, TEXT))
        assert font["name"].getDebugName(6) == made.postscript_name
        assert font["name"].getDebugName(1).startswith("Noto Sans SC ")
        recorded = font["maxp"].maxPoints, font["maxp"].maxContours
        font["maxp"].recalc(font)
        assert recorded == (font["maxp"].maxPoints, font["maxp"].maxContours)


def test_the_same_bytes_whatever_was_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pooled_face(brought_face(), TEXT)
    pool._assembled.cache_clear()
    pool._pool.cache_clear()
    assert pooled_face(brought_face(), TEXT).truetype == made.truetype
    monkeypatch.setattr(pool, "MAX_POOLED", 3)  # the pool begins anew
    assert pooled_face(brought_face(), TEXT[:20]).truetype == pooled_face(brought_face(), TEXT[:20]).truetype
    assert len(pool._pool(brought_face())._characters) <= len(TEXT)


def test_characters_beyond_the_basic_plane() -> None:
    text = "𠮷字"
    face = find_face(text, Style.SANS)
    made = pooled_face(face, text)
    with TTFont(BytesIO(made.truetype), checkChecksums=2) as font:
        assert set(font.getBestCmap()) == set(map(ord, text))


def test_shaped_runs() -> None:
    need("a Mongolian face", any(face.style is Style.MONGOLIAN for face in system_faces()), "install fonts-noto-core")
    face = find_face(RUN, Style.MONGOLIAN)
    made, cut = pooled_face(face, "", runs=[RUN]), cut_face(face, "", runs=[RUN])
    ours, theirs = Outlines(made.truetype), Outlines(cut.truetype)
    for mine, other in zip(made.runs[RUN], cut.runs[RUN], strict=True):
        assert ours.glyph(mine.number) == theirs.glyph(other.number)
        assert (mine.advance_em, mine.x_em, mine.y_em, mine.first_character) == (
            other.advance_em,
            other.x_em,
            other.y_em,
            other.first_character,
        )


def test_what_no_glyph_has_is_refused() -> None:
    with pytest.raises(TrustError, match="GLYPH_MISSING"):
        pooled_face(brought_face(), "执\ue000")
