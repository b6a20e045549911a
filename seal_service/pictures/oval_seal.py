"""The oval seal: name on the upper arc, a number across the middle, purpose in a straight line below, code at the bottom.

Proportions of the invoice seal (国家税务总局公告2011年第7号, 40 x 30 mm): border 1 mm; name 4.2 mm high over 210 to 260 degrees, 0.5 mm from
the border; number 3.7 mm high in at most 26 mm; purpose 4.6 mm high and 3 mm wide per character, its top 4.2 mm below the centre; a serial
2.2 mm high with its top 10 mm below the centre (the place the seal code takes here). Other sizes scale with the smaller of the two ratios.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from seal_service.pictures.arc_text import (
    DIGIT_EM,
    INK_BOTTOM_EM,
    INK_EM,
    Band,
    Sizes,
    draw_characters,
    draw_run,
    fit_characters,
    fit_run,
)
from seal_service.pictures.design import Arrangement, Centre
from seal_service.pictures.emblem import emblem_place
from seal_service.pictures.outline import five_pointed_star, oval_ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pictures.design import SealDesign
    from seal_service.pictures.fonts import Glyph, OutlineFont, Run
    from seal_service.pictures.outline import Contour

_WIDTH: Final = 40.0
_HEIGHT: Final = 30.0
_BORDER: Final = 1.0
_GAP: Final = 0.5
_NAME: Final = Sizes(highest_mm=4.2, lowest_mm=3.0, crowded_mm=2.0, narrowest_mm=1.2)
_SPAN: Final = math.radians(230)
_SPAN_WIDE: Final = math.radians(260)  # where nothing stands below
_HALF: Final = Sizes(highest_mm=3.8, lowest_mm=2.6, crowded_mm=1.7, narrowest_mm=1.1)
_UPPER_SPAN: Final = math.radians(168)
_LOWER_SPAN: Final = math.radians(150)
_NUMBER_HEIGHT: Final = 3.7
_NUMBER_WIDTH: Final = 26.0
_NUMBER_STEP: Final = 1.45
_PURPOSE_HEIGHT: Final = 4.6
_PURPOSE_STEP: Final = 3.2
_PURPOSE_TOP: Final = -4.2
_PURPOSE_WIDTH: Final = 20.0
_CODE_HEIGHT: Final = 1.7
_CODE_TOP: Final = -10.2
_CODE_STEP: Final = 1.15
_STAR_RADIUS: Final = 4.2
_STAR_Y: Final = 0.4


def draw_oval(design: SealDesign, font: OutlineFont, run: Run | None) -> tuple[list[Contour], bool]:
    """The outline in millimetres, and whether the name is crowded."""
    scale = min(design.width_mm / _WIDTH, design.height_mm / _HEIGHT)
    half_width, half_height = design.width_mm / 2 / scale, design.height_mm / 2 / scale  # in millimetres of the 40 x 30 seal
    outline: list[Contour] = list(oval_ring(half_width, half_height, _BORDER))
    reach = (half_width - _BORDER - _GAP, half_height - _BORDER - _GAP)
    name = [font.glyph(character) for character in design.name]

    # 1. The name: on the upper arc alone, or Mongolian above and Chinese below.
    if run is None:
        band = Band(*reach, _SPAN if design.purpose or design.code or design.centre_text else _SPAN_WIDE)
        setting = fit_characters(name, band, _NAME)
        outline += draw_characters(name, band, setting)
        is_crowded = setting.is_crowded
    else:
        upper, lower = Band(*reach, _UPPER_SPAN), Band(*reach, _LOWER_SPAN, is_lower=True)
        run_setting = fit_run(run, upper, _HALF)
        setting = fit_characters(name, lower, replace(_HALF, highest_mm=run_setting.height_mm))
        run_setting = fit_run(run, upper, replace(_HALF, highest_mm=setting.height_mm))
        outline += draw_run(run, upper, run_setting) + draw_characters(name, lower, setting)
        is_crowded = setting.is_crowded or run_setting.is_crowded

    # 2. The middle: number or centre; purpose; code.
    halves = design.arrangement is Arrangement.HALVES
    if design.centre_text:
        number = [font.glyph(character) for character in design.centre_text]
        outline += _line(number, 1.2 if halves else 0.0, _NUMBER_HEIGHT, DIGIT_EM, _NUMBER_STEP, _NUMBER_WIDTH)
    elif design.centre is Centre.STAR:
        outline.append(five_pointed_star(_STAR_RADIUS, (0, _STAR_Y + (2.0 if halves and design.purpose else 0))))
    elif design.centre is Centre.EMBLEM:
        outline += emblem_place(font, _STAR_RADIUS)
    if design.purpose:
        purpose = [font.glyph(character) for character in design.purpose]
        if halves:
            outline += _line(purpose, -4.6, 3.2, INK_EM, 3.2, 15.0)
        else:
            outline += _line(purpose, _PURPOSE_TOP - _PURPOSE_HEIGHT / 2, _PURPOSE_HEIGHT, INK_EM, _PURPOSE_STEP, _PURPOSE_WIDTH)
    if design.code and not halves:
        code = [font.glyph(digit) for digit in design.code]
        outline += _line(code, _CODE_TOP - _CODE_HEIGHT / 2, _CODE_HEIGHT, DIGIT_EM, _CODE_STEP, 16.0)
    return [contour.moved((scale, 0), (0, scale), (0, 0)) for contour in outline], is_crowded


def _line(glyphs: Sequence[Glyph], middle_y: float, height: float, ink_em: float, step: float, widest: float) -> list[Contour]:
    """A straight line about the vertical axis, its ink ``height`` high about ``middle_y``, at most ``widest`` wide.

    Every character gets the same step; it is narrowed to it where it is wider.
    """
    step = min(step, widest / len(glyphs))
    up = height / ink_em
    foot_em = 0.0 if ink_em == DIGIT_EM else INK_BOTTOM_EM
    base = middle_y - height / 2 - foot_em * up
    x = -step * (len(glyphs) - 1) / 2
    contours: list[Contour] = []
    for glyph in glyphs:
        across = min(up, step / glyph.advance_em) if glyph.advance_em else up
        contours += [contour.moved((across, 0), (0, up), (x - glyph.advance_em * across / 2, base)) for contour in glyph.contours]
        x += step
    return contours
