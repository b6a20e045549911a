"""Lines of writing: the upper or lower half of an ellipse or circle about the origin, measured along the curve in millimetres.

``Arc.at(s)`` gives where a writer stands who has gone ``s`` to the right of the middle: the place, the direction he writes in and the
direction his letters point to. On an upper arc letters point outwards, on a lower one to the centre, so both read from left to right.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

_STEPS: Final = 720  # of the table of a half ellipse: an eighth of a millimetre on the largest seal, interpolated


class Stand(NamedTuple):
    """A place on a line of writing, the unit vector along it and the unit vector its letters point to."""

    x: float
    y: float
    along_x: float
    along_y: float
    up_x: float
    up_y: float


@dataclass(frozen=True)
class Arc:
    """A half ellipse by its half axes in millimetres."""

    half_width_mm: float
    half_height_mm: float
    is_lower: bool = False

    def at(self, distance_mm: float) -> Stand:
        """The stand at that distance along the curve, positive to the right of the middle."""
        a, b = self.half_width_mm, self.half_height_mm
        angle = distance_mm / a if a == b else math.copysign(self._angle_at(abs(distance_mm)), distance_mm)
        sine, cosine = math.sin(angle), math.cos(angle)
        along_x, along_y = a * cosine, -b * sine
        length = math.hypot(along_x, along_y)
        along_x, along_y = along_x / length, along_y / length
        if self.is_lower:
            return Stand(a * sine, -b * cosine, along_x, -along_y, along_y, along_x)
        return Stand(a * sine, b * cosine, along_x, along_y, -along_y, along_x)

    def distance_to(self, angle: float) -> float:
        """How far along the curve it is from the middle to where a ray from the centre meets it; the ray's angle (0 to pi) from the middle."""
        a, b = self.half_width_mm, self.half_height_mm
        if a == b:
            return a * angle
        place = math.atan2(b * math.sin(angle), a * math.cos(angle)) / math.pi * _STEPS
        index = min(int(place), _STEPS - 1)
        return self._lengths[index] + (self._lengths[index + 1] - self._lengths[index]) * (place - index)

    def _angle_at(self, distance_mm: float) -> float:
        lengths = self._lengths
        index = min(max(bisect_left(lengths, distance_mm), 1), _STEPS)
        low, high = lengths[index - 1], lengths[index]
        return math.pi * (index - 1 + (distance_mm - low) / (high - low)) / _STEPS

    @cached_property
    def _lengths(self) -> list[float]:
        """Length of the curve from its middle to each step of the parameter, up to half a turn."""
        a, b = self.half_width_mm, self.half_height_mm

        def speed(step: float) -> float:
            angle = math.pi * step / _STEPS
            return math.hypot(a * math.cos(angle), b * math.sin(angle))

        lengths = [0.0]
        for step in range(_STEPS):
            mean = (speed(step) + 4 * speed(step + 0.5) + speed(step + 1)) / 6  # Simpson
            lengths.append(lengths[-1] + mean * math.pi / _STEPS)
        return lengths
