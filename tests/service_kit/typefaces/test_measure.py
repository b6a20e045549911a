"""What is measured without cutting a font is what the cut font has, to the last bit."""

from __future__ import annotations

import pytest

from service_kit.typefaces.faces import BOLD, REGULAR, Face, Style, brought_face, find_face, system_faces
from service_kit.typefaces.measure import measures_of
from service_kit.typefaces.pool import pooled_face
from standards.errors import TrustError
from tests.optional import need

TEXT = "中华人民共和国营业执照 é½ 0123456789ABCXYZW—、年月日（示例）"
RUN = "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"


def faces() -> list[Face]:
    return [
        brought_face(),
        brought_face(BOLD),
        *(each for weight in (REGULAR, BOLD) for each in system_faces(weight) if each.style is not Style.MONGOLIAN),
    ]


@pytest.mark.parametrize("face", faces(), ids=lambda face: f"{face.family}-{face.weight}")
def test_advances_are_those_of_the_cut_font(face: Face) -> None:
    cut, measures = pooled_face(face, TEXT), measures_of(face)
    assert {each: measures.advances_em[each] for each in set(TEXT)} == dict(cut.advances_em)
    assert measures.width_mm(TEXT, 4.5, 0.5) == sum(map(cut.advances_em.__getitem__, TEXT)) * 4.5 + 0.5 * (len(TEXT) - 1)
    assert measures.width_mm("", 4.5, 0.5) == 0


def test_runs_move_the_pen_as_those_of_the_cut_font_do() -> None:
    need("a Mongolian face", any(face.style is Style.MONGOLIAN for face in system_faces()), "install fonts-noto-core")
    face = find_face(RUN, Style.MONGOLIAN)
    found = [each.advance_em for each in measures_of(face).placed(RUN)]
    assert found == [each.advance_em for each in pooled_face(face, "", runs=[RUN]).runs[RUN]]
    with pytest.raises(TrustError, match="GLYPH_MISSING"):
        measures_of(brought_face()).placed(RUN)


def test_what_has_no_glyph_is_refused() -> None:
    with pytest.raises(TrustError, match="GLYPH_MISSING") as raised:
        measures_of(brought_face()).width_mm("a\U0001f600", 4)
    assert raised.value.facts == {"characters": "U+1F600", "count": 1}
