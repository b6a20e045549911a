"""Licence files as readers see them: text that is found, a code that is scanned, metadata and attachments, both kinds of file alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import pikepdf
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from licence_vault.faces import limits
from licence_vault.faces.design import (
    Align,
    BoxPart,
    ColumnPart,
    FaceTemplate,
    FrameKind,
    FramePart,
    LinePart,
    PicturePart,
    QrPart,
    TextPart,
)
from licence_vault.faces.draw import check_texts, draw_ofd, draw_pdf
from licence_vault.faces.marks import NO_EFFECT, CopyNote, Marks
from licence_vault.faces.type_setting import break_lines
from licence_vault.model import Holder
from service_kit.ofd_drawing.draw import draw_ofd as ofd_as_pdf
from service_kit.typefaces.faces import Style, system_faces
from standards.errors import TrustError
from standards.gbt7408_times import CHINA
from standards.gbt33190_ofd.container import Container
from tests.licence_vault.faces.designs import (
    ATTACHMENTS,
    BILINGUAL,
    LANDSCAPE,
    NAME_MN,
    PORTRAIT,
    QR_TEXT,
    SILENT,
    TITLE_MN,
    pdf_of,
    picture_of,
    png,
    text_of,
)
from tests.licence_vault.samples import sample_licence
from tests.optional import need

NOTE = CopyNote("示例窗口", "办理{示例}事项", datetime(2026, 11, 28, 9, 30, tzinfo=CHINA), datetime(2026, 12, 28, tzinfo=UTC))


def needs_mongolian() -> None:
    need("a Mongolian face", any(face.style is Style.MONGOLIAN for face in system_faces()), "install fonts-noto-core")


def page_with(*parts: TextPart | ColumnPart | BoxPart | LinePart | FramePart | PicturePart | QrPart) -> FaceTemplate:
    return FaceTemplate("page", 100, 100, parts)


@pytest.mark.parametrize("template", [LANDSCAPE, PORTRAIT], ids=lambda template: template.name)
def test_the_texts_of_a_licence_are_found_in_both_kinds_of_file(template: FaceTemplate) -> None:
    data = sample_licence()
    drawn = ofd_as_pdf(draw_ofd(data, template, ATTACHMENTS, qr_text=QR_TEXT, marks=SILENT))
    assert drawn.omissions == ()
    for pdf in (pdf_of(template), drawn.pdf):
        text = text_of(pdf)
        for expected in (
            "示例许可证",
            data.number,
            data.identifier,
            "张三（示例）",
            "示例路1号",
            "2026年11月28日至2031年11月27日",
            data.issuer.name,
        ):
            assert expected.replace(" ", "") in text.replace(" ", ""), expected
        assert NO_EFFECT[:6] not in text


def test_both_kinds_look_alike() -> None:
    data = sample_licence()
    one = picture_of(pdf_of(LANDSCAPE), 36)
    other = picture_of(ofd_as_pdf(draw_ofd(data, LANDSCAPE, {}, qr_text=QR_TEXT, marks=SILENT)).pdf, 36)
    assert one.size == other.size or abs(one.width - other.width) <= 1
    differences = [abs(a - b) for a, b in zip(one.tobytes(), other.resize(one.size).tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 4


@pytest.mark.clause("ISO 18004 5.3.8")
@pytest.mark.parametrize("kind", ["pdf", "ofd", "copy"])
def test_the_code_is_scanned_from_the_page(kind: str) -> None:
    if kind == "ofd":
        pdf = ofd_as_pdf(draw_ofd(sample_licence(), LANDSCAPE, {}, qr_text=QR_TEXT)).pdf
    else:
        pdf = pdf_of(LANDSCAPE, marks=Marks(copy_note=NOTE, watermark="仅供示例") if kind == "copy" else SILENT)
    (found,) = zxingcpp.read_barcodes(picture_of(pdf, 150))
    assert found.text == QR_TEXT


def test_traditional_mongolian_is_found_and_stands_beside_chinese() -> None:
    needs_mongolian()
    data = sample_licence()
    text = text_of(pdf_of(BILINGUAL))
    for expected in (TITLE_MN.split()[0], NAME_MN, "张三（示例）", "ᠡᠳᠦᠷ"):
        assert expected in text.replace("\x02", "")
    drawn = ofd_as_pdf(draw_ofd(data, BILINGUAL, {}, qr_text=None))
    assert drawn.omissions == ()
    assert NAME_MN in text_of(drawn.pdf)


@pytest.mark.clause("GB/T 36903 5", "GB/T 36905 5")
def test_the_metadata_of_an_ofd_stand_under_their_keys() -> None:
    data = sample_licence(
        holders=(Holder("甲（示例）", "1", "001"), Holder("乙（示例）", "2", "111")), valid_to=None, fields={"scope": "样"}
    )
    template = page_with(TextPart(5, 20, 5, "{name}"))
    container = Container(draw_ofd(data, template, ATTACHMENTS, qr_text=None, marks=Marks(copy_note=NOTE)))
    root = etree.fromstring(container.read("OFD.xml", 100_000))
    found = {node.get("Name"): node.text for node in root.iter("{http://www.ofdspec.org/2016}CustomData")}
    assert found == {
        "ZZBS": data.identifier,
        "ZZMC": data.name,
        "ZZLXDM": data.type.code,
        "ZZBH": data.number,
        "ZZBFJG": data.issuer.name,
        "ZZBFJGDM": data.issuer.code,
        "ZZBFRQ": "20261128",
        "ZZYXQQSRQ": "20261128",
        "ZZYXQJZRQ": "长期",
        "CZZT": "甲（示例）^乙（示例）",
        "CZZTDM": "1^2",
        "CZZTDMLX": "统一社会信用代码^公民身份号码",
        "CZZTDMLXDM": "001^111",
        "KZ_scope": "样",
        "JZJZZSJ": "20261128093000",
        "JZJZZZ": "示例窗口",
        "JZJZZSY": "办理{示例}事项",
        "JZJYXQJZSJ": "20261228000000",
    }
    attachments = etree.fromstring(container.read("Doc_0/Attachs/Attachments.xml", 100_000))
    assert [node.get("Name") for node in attachments] == list(ATTACHMENTS)


def test_attachments_and_description_of_a_pdf() -> None:
    data = sample_licence()
    with pikepdf.open(BytesIO(pdf_of(LANDSCAPE))) as pdf:
        assert {name: bytes(pdf.attachments[name].get_file().read_bytes()) for name in pdf.attachments} == ATTACHMENTS
        assert {str(each.AFRelationship) for each in pdf.Root.AF} == {"/Data"}
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "B")
            assert metadata["dc:title"] == f"{data.name} {data.number}"


def test_the_same_licence_gives_the_same_bytes() -> None:
    for draw in (draw_pdf, draw_ofd):
        assert draw(sample_licence(), LANDSCAPE, ATTACHMENTS, qr_text=QR_TEXT) == draw(
            sample_licence(), replace(LANDSCAPE, name="landscape"), ATTACHMENTS, qr_text=QR_TEXT
        )
        assert draw(sample_licence(), LANDSCAPE, ATTACHMENTS, qr_text=QR_TEXT) != draw(
            sample_licence(), LANDSCAPE, {"licence.json": b"{}"}, qr_text=QR_TEXT
        )


def test_a_licence_says_that_it_has_no_legal_effect_unless_told_otherwise() -> None:
    assert NO_EFFECT[:16] in text_of(draw_pdf(sample_licence(), LANDSCAPE, {}, qr_text=None))
    assert NO_EFFECT[:16] not in text_of(pdf_of(LANDSCAPE))
    placed = replace(LANDSCAPE, note_y_mm=100.0)
    assert NO_EFFECT[:16] in text_of(draw_pdf(sample_licence(), placed, {}, qr_text=None))


def test_an_annotated_copy_says_who_why_and_until_when() -> None:
    text = text_of(pdf_of(PORTRAIT, marks=Marks(copy_note=NOTE, watermark="仅供示例窗口使用")))
    for expected in ("加注件", "示例窗口", "办理{示例}事项", "2026-11-28 09:30", "2026-12-28 00:00", "仅供示例窗口使用"):
        assert expected in text
    assert "未限定" in text_of(pdf_of(PORTRAIT, marks=Marks(copy_note=replace(NOTE, until=None))))


def test_where_a_copy_has_no_code_it_says_so() -> None:
    """The face around the place of the code calls upon its reader to scan it."""
    marks = Marks(copy_note=NOTE)
    smallest = replace(PORTRAIT, parts=tuple(replace(each, size_mm=15) if isinstance(each, QrPart) else each for each in PORTRAIT.parts))
    for face in (PORTRAIT, LANDSCAPE, smallest):
        text = text_of(draw_pdf(sample_licence(), face, {}, qr_text=None, marks=marks))
        for expected in ("加注件不印二维码", "请核验文件本身", "Verify the file"):
            assert expected in text
    for unsaid in (
        draw_pdf(sample_licence(), PORTRAIT, {}, qr_text=None),
        draw_pdf(sample_licence(), PORTRAIT, {}, qr_text="x", marks=marks),
    ):
        assert "不印二维码" not in text_of(unsaid)


def test_a_narrow_face_shortens_what_is_too_long_for_it() -> None:
    card = FaceTemplate("卡", 85.6, 54, parts=())
    text = text_of(pdf_of(card, marks=Marks(copy_note=replace(NOTE, made_by="示例窗口" * 15, reason="办理示例事项" * 30))))
    for expected in ("制作人：示例窗口", "2026-12-28 00:00", "…", "办理示例事项办理示例事项"):
        assert expected in text


@pytest.mark.parametrize(
    "marks",
    [
        Marks(watermark=""),
        Marks(watermark="a\nb"),
        Marks(copy_note=replace(NOTE, reason="x" * 201)),
        Marks(copy_note=replace(NOTE, made_by="")),
    ],
)
def test_marks_out_of_their_rule(marks: Marks) -> None:
    with pytest.raises(TrustError, match="FACE_VALUE_BAD"):
        pdf_of(LANDSCAPE, marks=marks)


def test_times_of_copies_are_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        pdf_of(LANDSCAPE, marks=Marks(copy_note=replace(NOTE, made_at=datetime(2026, 1, 1))))


def test_other_values_out_of_their_rule() -> None:
    data, page = sample_licence(), page_with(QrPart(10, 10, 40, "H"))
    for text in ("", "x" * 5000, "https://x.example/v#" + "A" * 2400, "a" * 1300):
        with pytest.raises(TrustError, match="FACE_VALUE_BAD"):
            draw_pdf(data, page, {}, qr_text=text)
    for attachments in ({f"{number}": b"" for number in range(limits.ATTACHMENTS + 1)}, {"a": bytes(limits.ATTACHMENT_BYTES + 1)}):
        with pytest.raises(TrustError, match="FACE_VALUE_BAD"):
            draw_ofd(data, page, attachments, qr_text=None)


def test_a_text_that_does_not_fit_is_made_smaller_then_refused() -> None:
    part = TextPart(10, 20, 5, "{fields.KZ_address}", 40, lines=2, least_mm=3)
    text = "示例路一号" * 4
    assert text in text_of(draw_pdf(sample_licence(fields={"KZ_address": text}), page_with(part), {}, qr_text=None, marks=SILENT))
    with pytest.raises(TrustError, match="FACE_TEXT_TOO_LONG") as caught:
        draw_pdf(sample_licence(fields={"KZ_address": text * 3}), page_with(part), {}, qr_text=None)
    assert caught.value.facts["characters"] == 60
    column = ColumnPart(10, 10, 5, "{fields.KZ_address}", 30)
    for long in (text * 3, "A" * 60):
        with pytest.raises(TrustError, match="FACE_TEXT_TOO_LONG"):
            draw_pdf(sample_licence(fields={"KZ_address": long}), page_with(column), {}, qr_text=None)


@settings(max_examples=500, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(["示例路", "一号（甲）", "Ab-12 ", "，", "\n", "ᠮᠣᠩᠭᠣᠯ ", "\U0001f600", "𬭎", " "]), min_size=1, max_size=30
    ).map(lambda pieces: "".join(pieces).strip() or "号"),
    place=st.sampled_from(
        [
            TextPart(10, 20, 5, "{fields.KZ_address}", 40, lines=2, least_mm=3),
            TextPart(10, 20, 5, "地址 {fields.KZ_address}", 60, lines=3, is_bold=True, spacing_mm=0.5),
            TextPart(10, 20, 5, "{fields.KZ_address}", style=Style.SONG),
            TextPart(10, 20, 5, "{fields.KZ_address}", 40, Align.CENTRE, lines=2),
            ColumnPart(10, 10, 5, "{fields.KZ_address}", 30, lines=3),
            ColumnPart(10, 10, 5, "ᠮᠣᠩᠭᠣᠯ {fields.KZ_address}", 60),
        ]
    ),
)
def test_whether_a_text_fits_is_told_without_drawing_it(text: str, place: TextPart | ColumnPart) -> None:
    """The check before a number is taken says what drawing would say, code for code; and it says where."""
    data = sample_licence(fields={"KZ_address": text})
    try:
        draw_ofd(data, page_with(place), {}, qr_text=None)
    except TrustError as error:
        with pytest.raises(TrustError) as raised:
            check_texts(data, page_with(place))
        assert (raised.value.kind, raised.value.code) == (error.kind, error.code)
        assert raised.value.facts["place"] == place.text
        assert raised.value.facts["rule"]
    else:
        check_texts(data, page_with(place))


def test_line_breaks_are_spaces_where_there_is_one_line() -> None:
    """Also in letters that have been cut for nothing else with a space in it."""
    place = TextPart(10, 20, 5, "{fields.KZ_address}", style=Style.SONG)
    data = sample_licence(fields={"KZ_address": "示例路\n一号"})
    check_texts(data, page_with(place))
    assert "示例路 一号" in text_of(draw_pdf(data, page_with(place), {}, qr_text=None, marks=SILENT))
    draw_ofd(data, page_with(place), {}, qr_text=None)


def test_an_empty_line_is_room_and_nothing_else() -> None:
    place = TextPart(10, 20, 5, "地址 {fields.KZ_address}", 60, lines=3)
    data = sample_licence(fields={"KZ_address": "示例路\n\n一号"})
    check_texts(data, page_with(place))
    draw_ofd(data, page_with(place), {}, qr_text=None)
    assert "示例路" in text_of(draw_pdf(data, page_with(place), {}, qr_text=None, marks=SILENT))


def test_an_item_that_the_face_shows_and_nobody_gave_is_told_without_drawing() -> None:
    with pytest.raises(TrustError, match="FACE_FIELD_MISSING") as raised:
        check_texts(sample_licence(), page_with(TextPart(10, 20, 5, "{fields.none}")))
    assert raised.value.facts["place"] == "{fields.none}"


def test_columns_take_further_columns_and_upright_characters() -> None:
    column = ColumnPart(10, 10, 5, "{fields.KZ_address}", 30, lines=3)
    page = page_with(column)
    image = picture_of(draw_pdf(sample_licence(fields={"KZ_address": "示例路一号（甲）12\n号"}), page, {}, qr_text=None, marks=SILENT))
    dark = [x for x in range(image.width) for y in range(image.height) if sum(image.getpixel((x, y))) < 200]  # type: ignore[arg-type]
    assert max(dark) - min(dark) > 20  # two columns


def test_alignment() -> None:
    parts = [
        TextPart(50, 20, 5, "█", align=Align.CENTRE),
        TextPart(50, 40, 5, "█", align=Align.RIGHT),
        TextPart(10, 60, 5, "██", 60, Align.SPREAD),
        TextPart(10, 80, 5, "█", 60, Align.RIGHT, is_bold=True),
        TextPart(10, 95, 5, " ", 60),
    ]
    image = picture_of(draw_pdf(sample_licence(), page_with(*parts), {}, qr_text=None, marks=SILENT))

    def extent(y_mm: float) -> tuple[float, float]:
        row = [x for x in range(image.width) if sum(image.getpixel((x, round(y_mm * 72 / 25.4)))) < 300]  # type: ignore[arg-type]
        return min(row) * 25.4 / 72, max(row) * 25.4 / 72

    assert sum(extent(18)) / 2 == pytest.approx(50, abs=0.6)
    assert extent(38)[1] == pytest.approx(50, abs=0.6)
    assert extent(58)[0] == pytest.approx(10, abs=0.6)
    assert extent(58)[1] == pytest.approx(70, abs=0.6)
    assert extent(78)[1] == pytest.approx(70, abs=0.6)


def test_every_kind_of_part() -> None:
    parts: list[TextPart | BoxPart | LinePart | FramePart | PicturePart] = [
        FramePart(5, 5, 90, 90, FrameKind.PLAIN),
        FramePart(8, 8, 84, 84, FrameKind.DOUBLE, 3),
        BoxPart(20, 20, 20, 20, stroke=None, fill=(255, 0, 0)),
        LinePart(10, 50, 90, 50, 2),
        PicturePart(60, 60, 20, 20, png()),
        TextPart(20, 90, 4, "{{{number}}}"),
        TextPart(20, 85, 4, "{{fixed}}"),
    ]
    pdf = draw_pdf(sample_licence(number="7"), page_with(*parts), {"a.tar-gz!": b"x"}, qr_text=QR_TEXT, marks=SILENT)
    image = picture_of(pdf)
    at = {
        name: image.getpixel((round(x * 72 / 25.4), round(y * 72 / 25.4)))
        for name, (x, y) in {"box": (30, 30), "line": (50, 50), "picture": (70, 70)}.items()
    }
    assert at == {"box": (255, 0, 0), "line": (0, 0, 0), "picture": (10, 200, 10)}
    assert "{7}" in text_of(pdf)
    assert "{fixed}" in text_of(pdf)


def test_a_missing_item_is_named() -> None:
    page = page_with(TextPart(10, 20, 5, "{fields.KZ_address}{fields.none?}{holders.7.name?}"))
    draw_pdf(sample_licence(), page, {}, qr_text=None)
    for text in ("{fields.none}", "{holders.1.code}"):
        with pytest.raises(TrustError, match="FACE_FIELD_MISSING"):
            draw_pdf(sample_licence(), page_with(TextPart(10, 20, 5, text)), {}, qr_text=None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{holders}", "甲、乙"),
        ("{holders.1.name} {holders.1.code_type}", "乙 公民身份号码"),
        ("{valid_to}/{valid_to|zh}", "长期/长期"),
        ("{issued_on}/{issued_on|zh}", "2026-01-02/2026年1月2日"),
        ("{type.name} {type.code} {issuer.code} {area_code} {version}", "示例许可证 {code} {issuer} 150100 001"),
    ],
)
def test_bindings(text: str, shown: str) -> None:
    data = sample_licence(holders=(Holder("甲", "1", "001"), Holder("乙", "2", "111")), valid_to=None, issued_on=date(2026, 1, 2))
    pdf = draw_pdf(data, page_with(TextPart(2, 20, 3, text)), {}, qr_text=None, marks=SILENT)
    assert shown.replace("{code}", data.type.code).replace("{issuer}", data.issuer.code) in text_of(pdf)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("一二三四五六", ["一二三四", "五六"]),
        ("一二三四，五", ["一二三", "四，五"]),
        ("一二三（四五）", ["一二三", "（四五）"]),
        ("一 ab cd 二", ["一 ab cd", "二"]),
        ("一 abc cd 二", ["一 abc", "cd 二"]),
        ("abcdefghijk", ["abcdefgh", "ijk"]),
        ("一\n二三", ["一", "二三"]),
        ("", [""]),
    ],
)
def test_lines_are_broken_where_they_may_be(text: str, lines: list[str]) -> None:
    assert break_lines(text, 4, lambda piece: sum(0.5 if character.isascii() else 1.0 for character in piece)) == lines
