"""Designs of faces as JSON: read strictly, so that nothing in a design is passed over in silence, and written back the same.

``{"v": 1, "name", "page": {"width_mm", "height_mm"}, "languages": [...], "parts": [{"kind": "text", ...}, ...]}``; the members of each part are
the fields of its class in ``design.py``, a picture's ``content`` in Base64.
"""

from __future__ import annotations

import base64
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final

from licence_vault.faces import limits
from licence_vault.faces.bindings import parse
from licence_vault.faces.design import (
    DESIGN_VERSION,
    Align,
    BoxPart,
    ColumnPart,
    FaceTemplate,
    FramePart,
    LinePart,
    Part,
    PicturePart,
    QrPart,
    RosettePart,
    SealPart,
    TextPart,
)
from service_kit.archival_pdf.pictures import read_picture
from service_kit.typefaces.faces import Style
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

_KINDS: Final[dict[str, type[Part]]] = {
    "text": TextPart,
    "column": ColumnPart,
    "line": LinePart,
    "box": BoxPart,
    "frame": FramePart,
    "rosette": RosettePart,
    "picture": PicturePart,
    "qr": QrPart,
    "seal": SealPart,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_LEVELS: Final = frozenset("LMQH")
_LANGUAGES: Final = frozenset({"zh-CN", "mn-Mong", "en"})


def _bad(place: str, rule: str) -> MalformedError:
    return MalformedError("FACE_DESIGN_MALFORMED", place=place, rule=rule)


def _number(least: float, most: float) -> Callable[[Any, str], float]:
    def read(value: Any, place: str) -> float:
        # Nothing lies between the bounds that is no number (NaN)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise _bad(place, f"a number from {least:g} to {most:g}")
        return float(value)

    return read


def _count(value: Any, place: str) -> int:
    if type(value) is not int or not 1 <= value <= limits.LINES:
        raise _bad(place, f"an integer from 1 to {limits.LINES}")
    return value


def _flag(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise _bad(place, "true or false")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= limits.TEXT_CHARACTERS:
        raise _bad(place, f"a text of 1 to {limits.TEXT_CHARACTERS} characters")
    if any(ord(character) < 32 and character != "\n" for character in value):
        raise _bad(place, "no control characters but the end of a line")
    parse(value)
    return value


def _colour(value: Any, place: str) -> tuple[int, int, int]:
    if not isinstance(value, list) or len(value) != 3 or not all(type(each) is int and 0 <= each <= 255 for each in value):
        raise _bad(place, "three integers from 0 to 255")
    return value[0], value[1], value[2]


def _choice(kind: type[StrEnum]) -> Callable[[Any, str], StrEnum]:
    def read(value: Any, place: str) -> StrEnum:
        if value not in [each.value for each in kind]:
            raise _bad(place, "one of " + ", ".join(each.value for each in kind))
        return kind(value)

    return read


def _level(value: Any, place: str) -> str:
    if not isinstance(value, str) or value not in _LEVELS:
        raise _bad(place, "one of L, M, Q, H")
    return value


def _picture(value: Any, place: str) -> bytes:
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except ValueError:
        content = b""
    if not 0 < len(content) <= limits.PICTURE_BYTES:
        raise _bad(place, f"Base64 of up to {limits.PICTURE_BYTES} bytes")
    read_picture(content)
    return content


_PLACE: Final = _number(-limits.PAGE_MOST_MM, 2 * limits.PAGE_MOST_MM)
_LENGTH: Final = _number(0.1, limits.PAGE_MOST_MM)
_SIZE: Final = _number(limits.LETTER_LEAST_MM, limits.LETTER_MOST_MM)
_READERS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "x_mm": _PLACE,
    "y_mm": _PLACE,
    "to_x_mm": _PLACE,
    "to_y_mm": _PLACE,
    "width_mm": _LENGTH,
    "height_mm": _LENGTH,
    "length_mm": _LENGTH,
    "band_mm": _number(1, 30),
    "leading_mm": _SIZE,
    "least_mm": _SIZE,
    "spacing_mm": _number(-5, 50),
    "thickness_mm": _number(0.05, limits.LINE_MOST_MM),
    "text": _text,
    "align": _choice(Align),
    "lines": _count,
    "petals": _count,
    "rings": _count,
    "radius_mm": _LENGTH,
    "style": _choice(Style),
    "is_bold": _flag,
    "colour": _colour,
    "stroke": _colour,
    "fill": _colour,
    "content": _picture,
    "level": _level,
}
_QR_SIZE: Final = _number(limits.QR_LEAST_MM, limits.PAGE_MOST_MM)
_MAY_BE_NULL: Final = frozenset({"width_mm", "leading_mm", "least_mm", "stroke", "fill"})


def read_face(design: bytes) -> FaceTemplate:
    """A face from its JSON.

    :raises TrustError: ``FACE_DESIGN_TOO_LARGE``, ``FACE_DESIGN_MALFORMED`` (place and rule), ``FACE_BINDING_UNKNOWN``, ``PDF_PICTURE_*``.
    """
    if len(design) > limits.DESIGN_BYTES:
        raise TrustError(Kind.TOO_LARGE, "FACE_DESIGN_TOO_LARGE", bytes=len(design), limit=limits.DESIGN_BYTES)
    try:
        value = read_strict(design)
    except StrictJsonError:
        raise _bad("$", "JSON") from None
    return face_of(value)


def face_of(value: object) -> FaceTemplate:
    """A face from its JSON value; errors as :func:`read_face`."""
    # 1. The page
    whole = _object(value, "$", {"v", "name", "page", "parts"}, {"languages", "note_y_mm"})
    if type(whole["v"]) is not int or whole["v"] != DESIGN_VERSION:
        raise _bad("$.v", f"{DESIGN_VERSION}")
    name, languages, parts = whole["name"], whole.get("languages", ["zh-CN"]), whole["parts"]
    if not isinstance(name, str) or not 0 < len(name) <= limits.NAME_CHARACTERS or not is_printable(name):
        raise _bad("$.name", f"a text of 1 to {limits.NAME_CHARACTERS} characters")
    page = _object(whole["page"], "$.page", {"width_mm", "height_mm"}, set())
    side = _number(limits.PAGE_LEAST_MM, limits.PAGE_MOST_MM)
    width, height = side(page["width_mm"], "$.page.width_mm"), side(page["height_mm"], "$.page.height_mm")
    if not isinstance(languages, list) or not languages or any(not isinstance(each, str) or each not in _LANGUAGES for each in languages):
        raise _bad("$.languages", "one or more of " + ", ".join(sorted(_LANGUAGES)))
    note = whole.get("note_y_mm")
    note_y = None if note is None else _number(0, height)(note, "$.note_y_mm")

    # 2. Its parts
    if not isinstance(parts, list) or not 0 < len(parts) <= limits.PARTS:
        raise _bad("$.parts", f"1 to {limits.PARTS} parts")
    template = FaceTemplate(
        name, width, height, tuple(_part(each, f"$.parts[{at}]") for at, each in enumerate(parts)), tuple(languages), note_y
    )
    if len(template.seals) > limits.SEALS or sum(isinstance(part, QrPart) for part in template.parts) > 1:
        raise _bad("$.parts", f"up to {limits.SEALS} seals and one code")
    for at, part in enumerate(template.parts):
        if not _is_inside(part, width, height):
            raise _bad(f"$.parts[{at}]", "within the page")
    return template


def _object(value: object, place: str, needed: set[str], allowed: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(place, "an object")
    lacking, unknown = needed - value.keys(), value.keys() - needed - allowed
    if lacking or unknown:
        raise _bad(place, f"lacks {sorted(lacking)[0]}" if lacking else f"does not know {sorted(map(str, unknown))[0][:40]}")
    return value


def _part(value: object, place: str) -> Part:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _bad(f"{place}.kind", "one of " + ", ".join(_KINDS))
    made = _KINDS[kind]
    needed = {field.name for field in fields(made) if field.default is MISSING}
    members = _object(value, place, needed | {"kind"}, {field.name for field in fields(made)})
    read: dict[str, Any] = {}
    for name, member in members.items():
        if name == "kind":
            continue
        if member is None and name in _MAY_BE_NULL and name not in needed:
            read[name] = None
        else:
            reader = _QR_SIZE if made is QrPart and name == "size_mm" else _SIZE if name == "size_mm" else _READERS[name]
            read[name] = reader(member, f"{place}.{name}")
    part = made(**read)
    if isinstance(part, BoxPart) and part.stroke is None and part.fill is None:
        raise _bad(place, "stroked or filled")
    if isinstance(part, TextPart) and part.width_mm is None and (part.lines > 1 or part.align is Align.SPREAD):
        raise _bad(place, "a width, where a text has several lines or is spread")
    if isinstance(part, TextPart | ColumnPart) and part.least_mm is not None and part.least_mm > part.size_mm:
        raise _bad(f"{place}.least_mm", "at most size_mm")
    if isinstance(part, TextPart) and part.style is Style.MONGOLIAN:
        raise _bad(f"{place}.style", "columns for traditional Mongolian")
    return part


def _is_inside(part: Part, width_mm: float, height_mm: float) -> bool:
    """Whether what a part is placed by lies on the page."""
    corners = [(part.x_mm, part.y_mm)]
    if isinstance(part, SealPart):
        corners = [
            (part.x_mm - part.width_mm / 2, part.y_mm - part.height_mm / 2),
            (part.x_mm + part.width_mm / 2, part.y_mm + part.height_mm / 2),
        ]
    elif isinstance(part, LinePart):
        corners.append((part.to_x_mm, part.to_y_mm))
    elif isinstance(part, QrPart):
        corners.append((part.x_mm + part.size_mm, part.y_mm + part.size_mm))
    elif isinstance(part, ColumnPart):
        corners.append((part.x_mm, part.y_mm + part.length_mm))
    elif isinstance(part, RosettePart):
        corners = [
            (part.x_mm - part.radius_mm, part.y_mm - part.radius_mm),
            (part.x_mm + part.radius_mm, part.y_mm + part.radius_mm),
        ]
    elif isinstance(part, TextPart):
        corners.append((part.x_mm + (part.width_mm or 0), part.y_mm))
    else:
        corners.append((part.x_mm + part.width_mm, part.y_mm + part.height_mm))
    return all(0 <= x <= width_mm and 0 <= y <= height_mm for x, y in corners)


def face_json(template: FaceTemplate) -> dict[str, Any]:
    """The JSON value of a face; :func:`face_of` gives the face again."""
    parts = []
    for part in template.parts:
        row: dict[str, Any] = {"kind": _NAMES[type(part)]}
        for field in fields(part):
            value = getattr(part, field.name)
            if value != field.default:
                row[field.name] = (
                    base64.b64encode(value).decode() if isinstance(value, bytes) else list(value) if isinstance(value, tuple) else value
                )
        parts.append(row)
    whole: dict[str, Any] = {
        "v": DESIGN_VERSION,
        "name": template.name,
        "page": {"width_mm": template.width_mm, "height_mm": template.height_mm},
        "languages": list(template.languages),
        "parts": parts,
    }
    return whole if template.note_y_mm is None else whole | {"note_y_mm": template.note_y_mm}
