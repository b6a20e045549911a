"""What is laid over a face: that it has no legal effect, that it is an annotated copy (加注件) and for what, a watermark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.faces import limits
from licence_vault.faces.design import Align, QrPart, TextPart
from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.write_values import Text, rectangle
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from datetime import datetime

    from licence_vault.faces.design import FaceTemplate
    from licence_vault.faces.type_setting import FontBook
    from standards.gbt33190_ofd.write_values import Path

NO_EFFECT: Final = "软件密钥签发，仅供演示测试，无法律效力　Issued with software keys for demonstration: no legal effect"
_NOTE_MM: Final = 2.6
_NOTE_COLOUR: Final = (190, 20, 20)
_FOOT_MM: Final = 4.0  # from the page's edge to the base line of the note
_MARGIN_MM: Final = 10.0
_BAND_MM: Final = 8.4
_BAND_LETTER_MM: Final = 2.9
_WATERMARK_MM: Final = 7.0
_WATERMARK_TURN: Final = -30.0
_WATERMARK_COLOUR: Final = (90, 90, 90)
_WATERMARK_OPACITY: Final = 38  # of 255
_WATERMARKS: Final = 200
_WHEN_CHARACTERS: Final = 46  # as wide as what stands around the maker, at most
_WHAT_CHARACTERS: Final = 6
_NO_CODE: Final = ((0.38, "加注件不印二维码"), (0.54, "请核验文件本身"), (0.7, "Verify the file"))  # parts of the code's height from above
_MINUTES: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class CopyNote:
    """An annotated copy: who had it made, why, when, and until when it may be used (aware; None: no end). GB/T 36903 JZJ*."""

    made_by: str
    reason: str
    made_at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """What is laid over a face. A licence says that it has no legal effect unless its maker knows better."""

    has_no_legal_effect: bool = True
    copy_note: CopyNote | None = None
    watermark: str | None = None

    def check(self) -> None:
        """Raises ``FACE_VALUE_BAD``."""
        note = self.copy_note
        texts = {"watermark": self.watermark} if self.watermark is not None else {}
        if note is not None:
            texts |= {"made_by": note.made_by, "reason": note.reason}
            if note.made_at.tzinfo is None or (note.until is not None and note.until.tzinfo is None):
                raise ValueError("times must be aware")
        for field, text in texts.items():
            if text is None or not 0 < len(text) <= limits.MARK_CHARACTERS or not is_printable(text):
                raise TrustError(
                    Kind.UNACCEPTABLE, "FACE_VALUE_BAD", field=field, rule=f"1 to {limits.MARK_CHARACTERS} characters on one line"
                )


def note_parts(template: FaceTemplate, marks: Marks) -> list[TextPart]:
    """The remark and the lines of an annotated copy, to be set like any text."""
    foot = _foot(template)
    width = template.width_mm - 2 * _MARGIN_MM
    parts = []
    if marks.has_no_legal_effect:
        parts.append(TextPart(_MARGIN_MM, foot, _NOTE_MM, NO_EFFECT, width, Align.CENTRE, least_mm=1, colour=_NOTE_COLOUR))
    note = marks.copy_note
    if note is not None:
        top = _band_top(template)
        until = "未限定" if note.until is None else note.until.strftime(_MINUTES)
        when = f"　制作时间：{note.made_at.strftime(_MINUTES)}　有效期至：{until}"
        room = int((width - 4) / limits.LETTER_LEAST_MM)  # Chinese characters on a line of the least size; the whole stands in the metadata
        lines = (
            f"加注件　制作人：{_shortened(note.made_by, room - _WHEN_CHARACTERS)}{when}",
            f"仅限用途：{_shortened(note.reason, room - _WHAT_CHARACTERS)}",
        )
        parts += [
            TextPart(_MARGIN_MM + 2, top + 3.4 + 3.8 * row, _BAND_LETTER_MM, _escaped(line), width - 4, least_mm=1, colour=_NOTE_COLOUR)
            for row, line in enumerate(lines)
        ]
    return parts


def absent_code_parts(template: FaceTemplate, marks: Marks) -> list[TextPart]:
    """What stands on an annotated copy where the original has its code: the face around it may call upon its reader to scan it."""
    if marks.copy_note is None:
        return []
    return [
        TextPart(
            part.x_mm + 1,
            part.y_mm + part.size_mm * place,
            _BAND_LETTER_MM,
            line,
            part.size_mm - 2,
            Align.CENTRE,
            least_mm=1,
            colour=_NOTE_COLOUR,
        )
        for part in template.parts
        if isinstance(part, QrPart)
        for place, line in _NO_CODE
    ]


def _shortened(text: str, room: int) -> str:
    """So much of a text as a narrow face has room for, never nothing."""
    return text if len(text) <= room else text[: max(room - 1, 1)] + "…"


def _escaped(text: str) -> str:
    """As a text of a design, where braces have a meaning."""
    return text.replace("{", "{{").replace("}", "}}")


def _foot(template: FaceTemplate) -> float:
    return template.note_y_mm if template.note_y_mm is not None else template.height_mm - _FOOT_MM


def _band_top(template: FaceTemplate) -> float:
    return _foot(template) - _NOTE_MM - 1.4 - _BAND_MM


def note_band(template: FaceTemplate, marks: Marks) -> list[Path]:
    """The ground behind the lines of an annotated copy."""
    if marks.copy_note is None:
        return []
    width = template.width_mm - 2 * _MARGIN_MM
    return [rectangle(_MARGIN_MM, _band_top(template), width, _BAND_MM, stroke=_NOTE_COLOUR, fill=(255, 247, 240), line_width_mm=0.3)]


def watermark_items(template: FaceTemplate, text: str, book: FontBook) -> list[Text]:
    """The text over the whole page, slanting, pale."""
    font = book.font(text, TextPart(0, 0, 1, text).style)
    length = font.width_mm(text, _WATERMARK_MM)
    slant = math.radians(-_WATERMARK_TURN)
    step_x, step_y = max(length * math.cos(slant), 10) + 18, max(length * math.sin(slant) * 0.6, 10) + 14
    places = []
    y, row = step_y, 0
    while y < template.height_mm + length * math.sin(slant):
        x = -step_x / 2 * (row % 2)
        while x < template.width_mm:
            places.append((x, y))
            x += step_x
        y, row = y + step_y, row + 1
    return [
        Text(font, _WATERMARK_MM, x, y, text, _WATERMARK_COLOUR, turn=_WATERMARK_TURN, opacity=_WATERMARK_OPACITY)
        for x, y in places[:_WATERMARKS]
    ]
