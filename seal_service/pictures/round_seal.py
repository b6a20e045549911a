"""The round seal of an organ or enterprise: border, name in the ring, star or emblem in the centre, code on the lower arc.

Rules: 国发〔1999〕25号 (read in copies): round, at most 45 mm, 42 mm as common for departments; star in the middle; the name from left to
right in a ring around it; simplified characters. Border, star and text proportions follow the practice of engravers for 42 mm seals
(border 1.2 mm, star 14 mm from point to point across, characters about 6 mm) and scale with the diameter.

Bilingual (内政办发〔1996〕32号 article 3(3)): Mongolian in the outer ring and Chinese in the inner one, or Mongolian in the upper half and
Chinese in the lower half; both from left to right, both of one size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from seal_service.pictures.arc_text import (
    INK_EM,
    Band,
    Sizes,
    draw_characters,
    draw_digits,
    draw_run,
    fit_characters,
    fit_run,
)
from seal_service.pictures.arcs import Arc
from seal_service.pictures.design import DEFAULT_WIDTH_MM, Arrangement, Centre
from seal_service.pictures.emblem import emblem_place
from seal_service.pictures.outline import five_pointed_star, ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seal_service.pictures.design import SealDesign
    from seal_service.pictures.fonts import Glyph, OutlineFont, Run
    from seal_service.pictures.outline import Contour

# All of the following are millimetres of a seal 42 mm across.
_RADIUS: Final = DEFAULT_WIDTH_MM / 2
_BORDER: Final = 1.2
_GAP: Final = 1.0  # between border and text
_REACH: Final = _RADIUS - _BORDER - _GAP
_CODE_HEIGHT: Final = 1.9
_CODE_STEP: Final = 1.75  # from digit to digit along the base line
_NAME: Final = Sizes(highest_mm=6.0, lowest_mm=3.2, crowded_mm=2.3, narrowest_mm=1.3)
_SPAN: Final = math.radians(286)  # from the middle of the first to the middle of the last character, no code below
_SPAN_WITH_CODE: Final = math.radians(250)
_SPAN_WITH_PURPOSE: Final = math.radians(232)


@dataclass(frozen=True, slots=True)
class _Middle:
    """What stands inside the ring text: radius of star or emblem, and the purpose line by height, greatest width and base line."""

    star_radius: float
    emblem_radius: float
    centre_y: float
    purpose_height: float
    purpose_width: float
    purpose_base: float


_CHINESE_MIDDLE: Final = _Middle(7.0, 8.4, 0.0, 3.6, 17.0, -11.6)

_RING_SIZES: Final = Sizes(highest_mm=4.4, lowest_mm=2.6, crowded_mm=1.7, narrowest_mm=1.1)
_RING_APART: Final = 0.7  # between the two rings
_OUTER_SPAN: Final = math.radians(300)
_OUTER_SPAN_WITH_CODE: Final = math.radians(264)  # the code takes 78 degrees of the same ring
_INNER_SPAN: Final = math.radians(250)
_INNER_SPAN_WITH_PURPOSE: Final = math.radians(226)
_RING_MIDDLE: Final = _Middle(5.0, 6.6, 0.0, 2.8, 12.0, -9.4)

_HALF_SIZES: Final = Sizes(highest_mm=5.2, lowest_mm=2.8, crowded_mm=1.8, narrowest_mm=1.2)
_UPPER_SPAN: Final = math.radians(184)
_LOWER_SPAN: Final = math.radians(152)
_CODE_APART: Final = 1.0  # between the code and the Chinese half above it
_HALF_MIDDLE: Final = _Middle(6.4, 7.6, 0.6, 2.8, 14.0, -8.6)


def draw_round(design: SealDesign, font: OutlineFont, run: Run | None) -> tuple[list[Contour], bool]:
    """The outline in millimetres of a seal as wide as the design says, and whether the name is crowded."""
    name = [font.glyph(character) for character in design.name]
    outline: list[Contour] = list(ring(_RADIUS, _BORDER))
    if run is None:
        text, is_crowded = _one_ring(name, design)
        middle = _CHINESE_MIDDLE
    elif design.arrangement is Arrangement.RINGS:
        text, is_crowded = _two_rings(name, run, design)
        middle = _RING_MIDDLE
    else:
        text, is_crowded = _two_halves(name, run, design)
        middle = _HALF_MIDDLE
    outline += text
    if design.centre is Centre.STAR:
        outline.append(five_pointed_star(middle.star_radius, (0, middle.centre_y if design.purpose else 0)))
    elif design.centre is Centre.EMBLEM:
        outline += emblem_place(font, middle.emblem_radius)
    if design.purpose:
        outline += _purpose_line([font.glyph(character) for character in design.purpose], middle)
    if design.code:
        outline += draw_digits([font.glyph(digit) for digit in design.code], Arc(_REACH, _REACH, is_lower=True), _CODE_HEIGHT, _CODE_STEP)
    scale = design.width_mm / DEFAULT_WIDTH_MM
    if scale != 1:
        outline = [contour.moved((scale, 0), (0, scale), (0, 0)) for contour in outline]
    return outline, is_crowded


def _one_ring(name: Sequence[Glyph], design: SealDesign) -> tuple[list[Contour], bool]:
    span = _SPAN_WITH_PURPOSE if design.purpose else _SPAN_WITH_CODE if design.code else _SPAN
    band = Band(_REACH, _REACH, span)
    setting = fit_characters(name, band, _NAME)
    return draw_characters(name, band, setting), setting.is_crowded


def _two_rings(name: Sequence[Glyph], run: Run, design: SealDesign) -> tuple[list[Contour], bool]:
    """Mongolian outside, Chinese inside; where one of them has to be smaller, the other follows."""
    outer = Band(_REACH, _REACH, _OUTER_SPAN_WITH_CODE if design.code else _OUTER_SPAN)
    run_setting = fit_run(run, outer, _RING_SIZES)
    inner_reach = _REACH - _RING_SIZES.highest_mm - _RING_APART
    inner = Band(inner_reach, inner_reach, _INNER_SPAN_WITH_PURPOSE if design.purpose else _INNER_SPAN)
    setting = fit_characters(name, inner, replace(_RING_SIZES, highest_mm=run_setting.height_mm))
    if setting.height_mm < run_setting.height_mm:
        run_setting = fit_run(run, outer, replace(_RING_SIZES, highest_mm=setting.height_mm))
    text = draw_run(run, outer, run_setting) + draw_characters(name, inner, setting)
    return text, setting.is_crowded or run_setting.is_crowded


def _two_halves(name: Sequence[Glyph], run: Run, design: SealDesign) -> tuple[list[Contour], bool]:
    """Mongolian above, Chinese below, the code below the Chinese half; where one has to be smaller, the other follows."""
    upper = Band(_REACH, _REACH, _UPPER_SPAN)
    run_setting = fit_run(run, upper, _HALF_SIZES)
    lower_reach = _REACH - (_CODE_HEIGHT + _CODE_APART if design.code else 0)
    lower = Band(lower_reach, lower_reach, _LOWER_SPAN, is_lower=True)
    setting = fit_characters(name, lower, replace(_HALF_SIZES, highest_mm=run_setting.height_mm))
    if setting.height_mm < run_setting.height_mm:
        run_setting = fit_run(run, upper, replace(_HALF_SIZES, highest_mm=setting.height_mm))
    text = draw_run(run, upper, run_setting) + draw_characters(name, lower, setting)
    return text, setting.is_crowded or run_setting.is_crowded


def _purpose_line(glyphs: Sequence[Glyph], middle: _Middle) -> list[Contour]:
    """A straight line of text below the centre, narrowed where it would run into the ring text."""
    up = middle.purpose_height / INK_EM
    length = sum(glyph.advance_em for glyph in glyphs)
    across = min(up, middle.purpose_width / length)
    x = -length * across / 2
    contours: list[Contour] = []
    for glyph in glyphs:
        contours += [contour.moved((across, 0), (0, up), (x, middle.purpose_base)) for contour in glyph.contours]
        x += glyph.advance_em * across
    return contours
