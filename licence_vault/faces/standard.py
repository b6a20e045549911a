"""Faces to begin with: a certificate in landscape, a permit in portrait, and one in traditional Mongolian and Chinese.

A type of licence names its rows; the rest (border, title, code to scan, place of the seal, date) is laid out here. What comes out is a design
like any other: :func:`licence_vault.faces.read_design.face_json` writes it as JSON to be changed by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.faces.design import (
    Align,
    BoxPart,
    ColumnPart,
    FaceTemplate,
    FramePart,
    LinePart,
    QrPart,
    RosettePart,
    SealPart,
    TextPart,
)
from service_kit.typefaces.faces import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from licence_vault.faces.design import Colour, Part

LONG_MM: Final = 297.0
SHORT_MM: Final = 210.0
_INK: Final[Colour] = (30, 30, 30)
_LABEL: Final[Colour] = (110, 60, 20)
_TITLE: Final[Colour] = (150, 20, 20)
_RULE: Final[Colour] = (205, 180, 150)
_GROUND: Final[Colour] = (255, 252, 245)
_SCAN_ZH: Final = "扫描二维码核验证照真伪与状态"
_SCAN_EN: Final = "Scan to verify"
_LABEL_MM: Final = 4.4
_VALUE_MM: Final = 4.6
_SMALL_MM: Final = 2.7
_ROW_MM: Final = 11.0
_QR_MM: Final = 36.0


@dataclass(frozen=True, slots=True)
class Row:
    """One item of a face. ``value`` with its bindings; ``label_mn`` and ``value_mn`` for the Mongolian side of a bilingual face.

    ``lines``: how many the value may take.
    """

    label: str
    value: str
    lines: int = 1
    label_mn: str = ""
    value_mn: str = ""


def _ground(width: float, height: float) -> list[Part]:
    frame = FramePart(9, 9, width - 18, height - 18)
    return [
        BoxPart(9, 9, width - 18, height - 18, stroke=None, fill=_GROUND),
        RosettePart(width / 2, height / 2 + 8, min(width, height) * 0.3),
        frame,
    ]


def _rows(rows: Sequence[Row], x: float, y: float, width: float, label_width: float, pitch: float) -> tuple[list[Part], float]:
    """Labels that share one width, values behind them on a rule; the parts, and where the next row would be."""
    parts: list[Part] = []
    for row in rows:
        value_x = x + label_width + 5
        height = pitch + (row.lines - 1) * _VALUE_MM * 1.45
        parts += [
            TextPart(x, y, _LABEL_MM, row.label, label_width, Align.SPREAD, colour=_LABEL, least_mm=2.5),
            TextPart(value_x, y, _VALUE_MM, row.value, x + width - value_x, lines=row.lines, colour=_INK, least_mm=2.4),
            LinePart(value_x, y + height - pitch + 2.2, x + width, y + height - pitch + 2.2, 0.15, _RULE),
        ]
        y += height
    return parts, y


def _scan(x: float, y: float) -> list[Part]:
    return [
        BoxPart(x - 1, y - 1, _QR_MM + 2, _QR_MM + 2, 0.3, _RULE, (255, 255, 255)),
        QrPart(x, y, _QR_MM),
        TextPart(x - 8, y + _QR_MM + 5, _SMALL_MM, _SCAN_ZH, _QR_MM + 16, Align.CENTRE, colour=_LABEL),
        TextPart(x - 8, y + _QR_MM + 9, _SMALL_MM, _SCAN_EN, _QR_MM + 16, Align.CENTRE, colour=_LABEL),
    ]


def _issued(x: float, y: float, width: float) -> list[Part]:
    """The issuing authority over the date, the seal upon both."""
    return [
        TextPart(x, y, 5.2, "{issuer.name}", width, Align.CENTRE, lines=2, colour=_INK, leading_mm=7),
        TextPart(x, y + 14, 5.2, "{issued_on|zh}", width, Align.CENTRE, colour=_INK),
        SealPart(x + width / 2, y + 5),
    ]


def landscape_face(name: str, title: str, rows: Sequence[Row], *, subtitle: str = "") -> FaceTemplate:
    """A certificate: rows in two columns, the code at the upper right, authority, date and seal at the lower right. Up to 12 rows."""
    width, height = LONG_MM, SHORT_MM
    parts = _ground(width, height)
    parts += [
        TextPart(70, 44, 15, title, width - 140, Align.CENTRE, style=Style.SONG, is_bold=True, colour=_TITLE, spacing_mm=4),
        TextPart(24, 26, 3.8, "证照编号", 20, Align.SPREAD, colour=_LABEL),
        TextPart(46, 26, 3.8, "{number}", 140, colour=_INK, least_mm=1.5),
        *_scan(width - 24 - _QR_MM - 4, 21),
    ]
    if subtitle:
        parts.append(TextPart(70, 56, 5.2, subtitle, width - 140, Align.CENTRE, colour=_LABEL))
    half = (len(rows) + 1) // 2
    left, _ = _rows(rows[:half], 26, 82, 118, 30, _ROW_MM + 2)
    right, _ = _rows(rows[half:], 154, 82, 118, 30, _ROW_MM + 2)
    parts += [*left, *right, *_issued(178, 160, 84)]
    parts.append(TextPart(26, 186, _SMALL_MM, "电子证照标识　{identifier}", 150, colour=_LABEL, least_mm=1.5))
    return FaceTemplate(name, width, height, tuple(parts))


def portrait_face(name: str, title: str, rows: Sequence[Row], *, subtitle: str = "") -> FaceTemplate:
    """A permit: rows one below the other, the code at the lower left, authority, date and seal at the lower right. Up to 11 lines."""
    width, height = SHORT_MM, LONG_MM
    parts = _ground(width, height)
    parts += [
        TextPart(24, 52, 14, title, width - 48, Align.CENTRE, style=Style.SONG, is_bold=True, colour=_TITLE, spacing_mm=3),
        TextPart(24, 76, 4, "编号：{number}", width - 48, Align.CENTRE, colour=_INK, least_mm=2.2),
    ]
    if subtitle:
        parts.append(TextPart(24, 65, 5, subtitle, width - 48, Align.CENTRE, colour=_LABEL))
    listed, _ = _rows(rows, 26, 94, width - 52, 32, _ROW_MM)
    parts += [*listed, *_scan(32, 222), *_issued(104, 236, 84)]
    parts.append(TextPart(24, height - 20, _SMALL_MM, "电子证照标识　{identifier}", width - 48, Align.CENTRE, colour=_LABEL, least_mm=1.5))
    return FaceTemplate(name, width, height, tuple(parts))


def bilingual_face(name: str, title: str, title_mn: str, rows: Sequence[Row]) -> FaceTemplate:
    """Traditional Mongolian in columns on the left, Chinese in rows on the right, of equal weight. Up to 8 rows.

    A row's Mongolian value is ``value_mn``, or ``value`` where there is none: Chinese characters stand upright in their column.
    """
    width, height = LONG_MM, SHORT_MM
    parts = _ground(width, height)
    middle = width / 2
    parts.append(LinePart(middle, 24, middle, height - 24, 0.2, _RULE))

    # 1. The Mongolian side: the title, then a column of label and value for each row, from left to right
    parts.append(ColumnPart(32, 26, 10, title_mn, height - 52, colour=_TITLE, least_mm=5))
    x = 50.0
    pitch = min((middle - 12 - x) / max(len(rows) + 1, 1), 13)
    for row in rows:
        parts += [
            ColumnPart(x, 26, 4.6, row.label_mn or row.label, 42, colour=_LABEL, least_mm=2.5),
            ColumnPart(x, 72, 4.8, row.value_mn or row.value, height - 72 - 26, lines=row.lines, leading_mm=5, colour=_INK, least_mm=2.2),
        ]
        x += pitch + (row.lines - 1) * 5
    parts.append(ColumnPart(x, 72, 4.8, "{issued_on|mn}", height - 72 - 26, colour=_INK, least_mm=2.5))

    # 2. The Chinese side
    parts += [
        TextPart(middle + 7, 42, 12, title, 74, Align.CENTRE, style=Style.SONG, is_bold=True, colour=_TITLE, spacing_mm=1, least_mm=5),
        TextPart(middle + 7, 52, 3.4, "编号：{number}", 74, Align.CENTRE, colour=_INK, least_mm=2),
        *_scan(width - 24 - _QR_MM - 2, 21),
    ]
    listed, _ = _rows(rows, middle + 9, 76, middle - 32, 27, _ROW_MM)
    parts += [*listed, *_issued(middle + 50, 163, 84)]
    parts.append(TextPart(middle + 9, 190, 2.3, "{identifier}", 60, colour=_LABEL, least_mm=1.2, lines=2))
    return FaceTemplate(name, width, height, tuple(parts), ("zh-CN", "mn-Mong"))
