"""Designs are read strictly: everything that is not understood is refused by its place."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from licence_vault.faces import limits
from licence_vault.faces.design import FaceTemplate, PicturePart
from licence_vault.faces.read_design import face_json, face_of, read_face
from standards.errors import TrustError
from tests.licence_vault.faces.designs import BILINGUAL, LANDSCAPE, PORTRAIT, png

TEXT: dict[str, Any] = {"kind": "text", "x_mm": 10, "y_mm": 20, "size_mm": 5, "text": "{name}"}


def design(*parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    whole = {"v": 1, "name": "a", "page": {"width_mm": 100, "height_mm": 80}, "parts": list(parts) or [TEXT]}
    return {key: value for key, value in (whole | changes).items() if value is not ...}


@pytest.mark.parametrize("template", [LANDSCAPE, PORTRAIT, BILINGUAL], ids=lambda template: template.name)
def test_a_design_is_written_and_read_the_same(template: FaceTemplate) -> None:
    assert read_face(json.dumps(face_json(template)).encode()) == template
    assert template.seals
    assert all(0 < seal.x_mm < template.width_mm for seal in template.seals)


def test_a_design_may_be_called_in_the_traditional_script() -> None:
    assert face_of(design(name="ᠬᠣᠲᠠ\u202fᠶᠢᠨ")).name == "ᠬᠣᠲᠠ\u202fᠶᠢᠨ"


def test_pictures_and_the_place_of_the_note() -> None:
    template = face_of(
        design(
            {"kind": "picture", "x_mm": 1, "y_mm": 1, "width_mm": 9, "height_mm": 9, "content": base64.b64encode(png()).decode()},
            note_y_mm=70,
        )
    )
    assert isinstance(template.parts[0], PicturePart)
    assert template.parts[0].content == png()
    assert face_of(face_json(template)) == template


def test_null_stands_for_what_is_absent() -> None:
    box = {"kind": "box", "x_mm": 1, "y_mm": 1, "width_mm": 9, "height_mm": 9, "stroke": None, "fill": [1, 2, 3]}
    assert face_of(face_json(face_of(design(TEXT | {"width_mm": None}, box)))) == face_of(design(TEXT, box))


QR = {"kind": "qr", "x_mm": 1, "y_mm": 1, "size_mm": 20}
SEAL = {"kind": "seal", "x_mm": 40, "y_mm": 40}
PLACE = {"x_mm": 1, "y_mm": 1, "width_mm": 9, "height_mm": 9}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], "$"),
        (design(v=2), "$.v"),
        (design(v=True), "$.v"),
        (design(v=...), "$"),
        (design(extra=1), "$"),
        (design(name=""), "$.name"),
        (design(name="a\n"), "$.name"),
        (design(page={"width_mm": 100}), "$.page"),
        (design(page={"width_mm": 100, "height_mm": float("nan")}), "$.page.height_mm"),
        (design(page={"width_mm": 100, "height_mm": 10**400}), "$.page.height_mm"),
        (design(page={"width_mm": 10, "height_mm": 100}), "$.page.width_mm"),
        (design(languages=["xx"]), "$.languages"),
        (design(languages=[]), "$.languages"),
        (design(languages=[[]]), "$.languages"),
        (design(languages=[{}, "zh-CN"]), "$.languages"),
        (design(note_y_mm=81), "$.note_y_mm"),
        (design(parts=[]), "$.parts"),
        (design(parts=[TEXT] * (limits.PARTS + 1)), "$.parts"),
        (design(QR, QR), "$.parts"),
        (design(*[SEAL] * 5), "$.parts"),
        (design({"kind": "sound"}), "$.parts[0].kind"),
        (design({"kind": 7}), "$.parts[0].kind"),
        (design({**TEXT, "text": ""}), "$.parts[0].text"),
        (design({**TEXT, "text": "a\tb"}), "$.parts[0].text"),
        (design({**TEXT, "x_mm": True}), "$.parts[0].x_mm"),
        (design({**TEXT, "x_mm": 101}), "$.parts[0]"),
        (design({**TEXT, "size_mm": 0.5}), "$.parts[0].size_mm"),
        (design({**TEXT, "least_mm": 6}), "$.parts[0].least_mm"),
        (design({**TEXT, "lines": 2}), "$.parts[0]"),
        (design({**TEXT, "lines": 2.0, "width_mm": 9}), "$.parts[0].lines"),
        (design({**TEXT, "align": "spread"}), "$.parts[0]"),
        (design({**TEXT, "align": "middle"}), "$.parts[0].align"),
        (design({**TEXT, "style": "mongolian"}), "$.parts[0].style"),
        (design({**TEXT, "is_bold": 1}), "$.parts[0].is_bold"),
        (design({**TEXT, "colour": [1, 2]}), "$.parts[0].colour"),
        (design({**TEXT, "colour": [1, 2, 256]}), "$.parts[0].colour"),
        (design({**TEXT, "weight": 1}), "$.parts[0]"),
        (design({**QR, "level": "X"}), "$.parts[0].level"),
        (design({**QR, "size_mm": 10}), "$.parts[0].size_mm"),
        (design({**QR, "x_mm": 90}), "$.parts[0]"),
        (design({**SEAL, "x_mm": 10}), "$.parts[0]"),
        (design({"kind": "box", **PLACE, "stroke": None}), "$.parts[0]"),
        (design({"kind": "frame", **PLACE, "width_mm": 100}), "$.parts[0]"),
        (design({"kind": "rosette", "x_mm": 10, "y_mm": 10, "radius_mm": 20}), "$.parts[0]"),
        (design({"kind": "line", "x_mm": 1, "y_mm": 1, "to_x_mm": 200, "to_y_mm": 1}), "$.parts[0]"),
        (design({"kind": "column", "x_mm": 1, "y_mm": 1, "size_mm": 5, "text": "a", "length_mm": 80}), "$.parts[0]"),
        (design({"kind": "picture", **PLACE, "content": "?"}), "$.parts[0].content"),
        (design({"kind": "picture", **PLACE, "content": 7}), "$.parts[0].content"),
    ],
)
def test_designs_that_are_refused(value: Any, place: str) -> None:
    with pytest.raises(TrustError, match="FACE_DESIGN_MALFORMED") as caught:
        face_of(value)
    assert caught.value.facts["place"] == place


@pytest.mark.parametrize(
    "text", ["{nme}", "{name", "name}", "{fields}", "{holders.x.name}", "{holders.0.age}", "{name|zh}", "{issued_on|fr}", "{a b}", "{}"]
)
def test_unknown_bindings_are_refused(text: str) -> None:
    with pytest.raises(TrustError, match="FACE_BINDING_UNKNOWN"):
        face_of(design({**TEXT, "text": text}))


def test_what_is_no_design_at_all() -> None:
    for text in (b"{", b"\xff", b"[" * 100_000, b'{"v":1,"v":1}', b'{"v":NaN}', "{}".encode("utf-16")):
        with pytest.raises(TrustError, match="FACE_DESIGN_MALFORMED") as refused:
            read_face(text)
        assert (refused.value.facts["place"], refused.value.facts["rule"]) == ("$", "JSON")
    with pytest.raises(TrustError, match="FACE_DESIGN_TOO_LARGE"):
        read_face(b" " * (limits.DESIGN_BYTES + 1))
    with pytest.raises(TrustError, match="PDF_PICTURE_UNUSABLE"):
        face_of(design({"kind": "picture", **PLACE, "content": base64.b64encode(b"GIF").decode()}))
