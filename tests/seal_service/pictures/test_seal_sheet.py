"""The sheet of all kinds can be drawn, and shows every shape in every arrangement it can have."""

from __future__ import annotations

import io

from PIL import Image

from docs.generators import seal_sheet
from seal_service.pictures.design import ARRANGEMENTS, Typeface
from seal_service.pictures.draw_seal import draw_seal, is_mongolian_here, typefaces_here
from tests.optional import PROJECT, need


def test_the_sheet_shows_every_kind() -> None:
    need("a Mongolian face", is_mongolian_here(), "install fonts-noto-core")
    need("a Song face", Typeface.SONG in typefaces_here(), "install fonts-noto-cjk")
    designs = [design for row in seal_sheet.ROWS for _, design in row]
    assert {(design.shape, design.arrangement) for design in designs} == {
        (shape, arrangement) for shape, allowed in ARRANGEMENTS.items() for arrangement in allowed
    }
    assert all(draw_seal(design).warnings == () for design in designs)
    sheet = Image.open(io.BytesIO(seal_sheet.draw()))
    with Image.open(PROJECT / "docs" / "images" / "seal-sheet.png") as kept:
        assert sheet.size == kept.size
