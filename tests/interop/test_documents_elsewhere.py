"""Our OFD documents in the hands of ofdrw: what was written is what it reads."""

from __future__ import annotations

import base64
import io
from datetime import date
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import Style, find_face, system_faces
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import Attachment, Document, Font, Image, Page, Template, Text, line, rectangle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

TEXTS = ["营业执照", "统一社会信用代码：91150700MA0EXAMPL5", "呼伦贝尔市草原乳业有限公司（样例）", "A & B <样例> “壹佰”", "㼆"]
MONGOLIAN = "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"
CUSTOM = {"ZZBS": "1.2.156.3005.2.11100000000013338W032", "ZZMC": "营业执照", "ZZBFRQ": "20261120"}


def decoded(value: str) -> str:
    return base64.b64decode(value).decode()


@pytest.mark.clause("GB/T 33190-2016 7 to 11: documents that we write")
def test_ofdrw_reads_back_what_we_wrote(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    cut = cut_face(find_face("".join(TEXTS)), "".join(TEXTS))
    font = Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em, cut.ascent_em, cut.descent_em)
    picture = io.BytesIO()
    Picture.new("RGB", (20, 20), (200, 20, 20)).save(picture, "PNG")
    template = Template("frame", 210, 297, [rectangle(5, 5, 200, 287)])
    turns = [0, 0, 0, 90, 30]
    pages = [
        Page(
            210,
            297,
            [
                *[Text(font, 5, 40, 30 + 20 * index, text, turn=turn) for index, (text, turn) in enumerate(zip(TEXTS, turns, strict=True))],
                line(20, 100, 190, 100),
                Image(picture.getvalue(), 150, 200, 30, 30),
            ],
            [template],
        ),
        Page(100, 50, [Text(font, 5, 10, 20, TEXTS[2])], [template]),
    ]
    mongolian = [face for face in system_faces() if face.style is Style.MONGOLIAN]
    if mongolian:
        shaped = cut_face(mongolian[0], "", runs=[MONGOLIAN])
        face = Font(shaped.postscript_name, shaped.family, shaped.truetype, shaped.advances_em)
        pages.append(Page(50, 100, [Text(face, 5, 20, 10, MONGOLIAN, turn=90, glyphs=shaped.runs[MONGOLIAN])]))
    document = Document(
        "0123456789abcdef0123456789abcdef",
        pages,
        title="营业执照 <样例>",
        custom_data=CUSTOM,
        attachments=[Attachment("data.json", b'{"a":1}', "json", date(2026, 11, 20))],
    )
    (tmp_path / "ours.ofd").write_bytes(write_ofd(document))
    read = ofdrw.run("ReadDocument", tmp_path / "ours.ofd")
    assert (read["id"], decoded(read["title"]), read["pages"]) == (document.identifier, document.title, str(len(pages)))
    assert (read["size.1"], read["size.2"]) == ("210.0x297.0", "100.0x50.0")
    assert decoded(read["text.1"]).split("\n") == TEXTS
    assert decoded(read["text.2"]) == TEXTS[2]
    if mongolian:
        assert decoded(read["text.3"]).replace("\n", "") == MONGOLIAN
    assert {name: decoded(read[f"custom.{name}"]) for name in CUSTOM} == CUSTOM
    assert decoded(read["attachment.data.json"]) == '{"a":1}'
