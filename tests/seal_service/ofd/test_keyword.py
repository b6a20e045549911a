"""Keywords of OFD documents: found where they stand, whatever the writer cut its lines into, and by the same measure as another reader's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seal_service.ofd import keyword as finding
from seal_service.ofd.keyword import find_keyword, places_on_keyword
from seal_service.ofd.sealing_rules import open_package
from seal_service.places import EVERY, Place
from seal_service.render import find_text
from service_kit.ofd_drawing.draw import draw_ofd
from standards.errors import TrustError
from standards.gbt33190_ofd.write_values import Text
from tests.service_kit.ofd_drawing.test_draw import font, ours
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import part, plain_files

if TYPE_CHECKING:
    from seal_service.ofd.package import OfdPackage

SEAL_MM = (42.0, 42.0)


def text_object(text: str, x: float, y: float, *, size: float = 5, delta: str = "", code: str = "", **attributes: object) -> str:
    stated = "".join(f' {name}="{value}"' for name, value in attributes.items())
    steps = delta or " ".join([str(size)] * (len(text) - 1))
    return (
        f'<o:TextObject ID="50" Boundary="{x} {y} 100 10" Font="4" Size="{size}"{stated}>'
        f'<o:TextCode X="0" Y="4" {code or f"DeltaX={chr(34)}{steps}{chr(34)}"}>{text}</o:TextCode></o:TextObject>'
    )


def package(*objects: str, template: str = "", second: str = "") -> OfdPackage:
    """Two pages, the first with these objects; both use one template."""
    files = plain_files(signatures=None)

    def content(inner: str) -> str:
        return f'<o:Content><o:Layer ID="60">{inner}</o:Layer></o:Content>'

    files["Doc_0/Pages/Page_0/Content.xml"] = part("Page", '<o:Template TemplateID="7"/>' + content("".join(objects)))
    files["Doc_0/Pages/Page_1/Content.xml"] = part(
        "Page", '<o:Template TemplateID="nowhere"/><o:Area><o:PhysicalBox>0 0 100 100</o:PhysicalBox></o:Area>' + content(second)
    )
    files["Doc_0/Tpls/Tpl_0/Content.xml"] = part("Page", content(template))
    return open_package(pack(files))


def centres(opened: OfdPackage, keyword: str, page: int | None = None, most: int = 9) -> list[tuple[int, float, float]]:
    found = find_keyword(opened, opened.graph.bodies[0], keyword, page=page, most=most)
    return [(each.page, round(each.x_mm, 2), round(each.y_mm, 2)) for each in found]


# The baseline is 4 mm under the boundary's top; a character of 5 mm reaches from 4 above it to 1 below: its centre is 2.5 mm under the top
@pytest.mark.clause("GB/T 33190 11.2")
@pytest.mark.parametrize(
    ("objects", "keyword", "expected"),
    [
        pytest.param([text_object("签章处", 20, 30)], "签章处", [(1, 27.5, 32.5)], id="one object"),
        pytest.param([text_object("请在此签章", 20, 30)], "签章", [(1, 40.0, 32.5)], id="a part of a text"),
        pytest.param(
            [text_object(each, 20 + 5 * i, 30) for i, each in enumerate("签章处")], "签章处", [(1, 27.5, 32.5)], id="an object each"
        ),
        pytest.param(
            [text_object("处", 30, 30), text_object("别处", 20, 60), text_object("签章", 20, 30)],
            "签章处",
            [(1, 27.5, 32.5)],
            id="any order",
        ),
        pytest.param([text_object("签章处", 20, 30, delta="10 10")], "签章处", [(1, 32.5, 32.5)], id="spread"),
        pytest.param([text_object("签 章", 20, 30)], "签章", [(1, 27.5, 32.5)], id="white space in the text"),
        pytest.param([text_object("签章", 20, 30)], "签 章", [(1, 25.0, 32.5)], id="white space in the keyword"),
        pytest.param([text_object("签章", 20, 30), text_object("处", 60, 30)], "签章处", [], id="another column"),
        pytest.param([text_object("签章", 20, 30), text_object("处", 20, 37)], "签章处", [], id="the next line"),
        pytest.param([text_object("AB签章", 20, 30, code="")], "签章", [(1, 35.0, 32.5)], id="explicit steps"),
        pytest.param([text_object("ab签章", 20, 30, code='HScale="1"')], "签章", [(1, 30.0, 32.5)], id="no steps stated"),
        pytest.param([text_object("签章", 20, 30, CTM="2 0 0 2 0 0")], "签章", [(1, 30.0, 35.0)], id="scaled"),
        pytest.param([text_object("签章", 20, 30, CTM="0 1 -1 0 0 0")], "签章", [(1, 17.5, 35.0)], id="turned"),
        pytest.param([text_object("签章", 20, 30, CTM="1 2")], "签章", [(1, 25.0, 32.5)], id="no matrix"),
        pytest.param([text_object("签章", 20, 30, code='DeltaX="0" DeltaY="5"')], "签章", [(1, 22.5, 35.0)], id="downwards"),
        pytest.param([text_object("章", 20, 60), text_object("章", 20, 30)], "章", [(1, 22.5, 32.5), (1, 22.5, 62.5)], id="from the top"),
        pytest.param([f"<o:PageBlock>{text_object('签章', 20, 30)}</o:PageBlock>"], "签章", [(1, 25.0, 32.5)], id="in a block"),
        pytest.param([text_object("签章", 20, 30, Visible="false")], "签章", [], id="not visible"),
        pytest.param([text_object("签章", 20, 30, Alpha="0")], "签章", [], id="transparent"),
        pytest.param([text_object("签章", 20, 30, Fill="false")], "签章", [], id="not painted"),
        pytest.param([text_object("签章", 20, 30, Fill="false", Stroke="true")], "签章", [(1, 25.0, 32.5)], id="outlined"),
        pytest.param([text_object("签章", 20, 30).replace("Boundary", "Bound")], "签章", [], id="no boundary"),
        pytest.param([text_object("签章", 20, 30, CTM="0 0 0 0 0 0")], "签章", [], id="a matrix that makes nothing of it"),
        pytest.param([text_object("签<o:x/>章", 20, 30)], "签章", [], id="a text readers disagree on"),
        pytest.param([text_object("Seal seal", 20, 30)], "seal", [(1, 53.75, 32.5)], id="case matters"),
        pytest.param([text_object("章章章", 20, 30)], "章章", [(1, 25.0, 32.5)], id="no overlap"),
    ],
)
def test_where_a_keyword_stands(objects: list[str], keyword: str, expected: list[tuple[int, float, float]]) -> None:
    assert centres(package(*objects), keyword) == expected


def test_pages_templates_and_occurrences_are_counted_in_order() -> None:
    opened = package(text_object("章", 20, 60), template=text_object("章", 20, 30), second=text_object("章", 5, 5))
    assert centres(opened, "章") == [(1, 22.5, 32.5), (1, 22.5, 62.5), (2, 7.5, 7.5)]
    assert centres(opened, "章", page=2) == [(2, 7.5, 7.5)]
    assert centres(opened, "章", most=2) == [(1, 22.5, 32.5), (1, 22.5, 62.5)]

    def places(occurrence: int, page: int | None = None, width_mm: float | None = None) -> tuple[Place, ...]:
        body = opened.graph.bodies[0]
        return places_on_keyword(opened, body, "章", occurrence=occurrence, page=page, picture_mm=SEAL_MM, width_mm=width_mm)

    # 42 mm wide, so it moves inwards by as much as it takes
    assert places(1) == (Place(1, 22.5, 264.5),)
    assert places(-1) == (Place(2, 21.0, 79.0),) == places(1, page=2) == places(1, page=-1)
    assert places(-1, width_mm=10) == (Place(2, 7.5, 92.5, 10),)
    assert len(places(EVERY)) == 3
    for occurrence, page, code in ((4, None, "KEYWORD_NOT_FOUND"), (-2, None, "KEYWORD_OCCURRENCE_BAD"), (1, 3, "PAGE_NOT_FOUND")):
        with pytest.raises(TrustError, match=code):
            places(occurrence, page)


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = package(text_object("章章", 20, 60), second=text_object("章", 5, 5))
    body = opened.graph.bodies[0]
    for bad in (" ", "a\u0000", "章" * 129):
        with pytest.raises(TrustError, match="KEYWORD_BAD"):
            find_keyword(opened, body, bad, most=1)
    monkeypatch.setattr(finding, "PLACES_MAX", 2)
    with pytest.raises(TrustError, match="KEYWORD_TOO_OFTEN"):
        places_on_keyword(opened, body, "章", occurrence=EVERY, picture_mm=SEAL_MM, width_mm=None)
    for limit, most, found in (("MAX_PAGES_SEARCHED", 1, 2), ("MAX_PAGE_CHARACTERS", 1, 2), ("MAX_UNITS", 0, 0)):
        with monkeypatch.context() as limited:
            limited.setattr(finding, limit, most)
            assert len(find_keyword(opened, body, "章", most=9)) == found
    deep = "<o:PageBlock>" * 10 + text_object("章", 20, 30) + "</o:PageBlock>" * 10
    assert centres(package(deep), "章") == []


def test_a_page_that_cannot_be_read_is_passed_over() -> None:
    opened = package(text_object("章", 20, 60))
    opened.graph.bodies[0].pages["1"] = "Doc_0/e.dat"
    assert centres(opened, "章") == []


@pytest.mark.parametrize("turn", [0, 30, 90])
def test_another_reader_finds_it_at_the_same_place(turn: float) -> None:
    """PDFium on our drawing of what we wrote: characters and boxes come to it through the fonts, not through the text objects."""
    text = "由示范单位加盖印章"
    document = ours(Text(font(text), 4, 40, 15, text, turn=turn))
    [theirs] = find_text(draw_ofd(document).pdf, "印章")
    opened = open_package(document)
    [found] = find_keyword(opened, opened.graph.bodies[0], "印章", most=9)
    assert found.x_mm == pytest.approx(theirs.x_mm, abs=0.5)
    assert 60 - found.y_mm == pytest.approx(theirs.y_mm, abs=0.5)
