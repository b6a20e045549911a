"""Outlines as an SVG document in true size: one path, no script, no style sheet, no reference to anything outside."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seal_service.pictures.outline import Colour, Contour


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _path(outline: Iterable[Contour]) -> str:
    """Path data; SVG counts y downwards, so y changes its sign (and the winding rule does not mind)."""
    parts = []
    for contour in outline:
        parts.append(f"M{_number(contour.start[0])} {_number(-contour.start[1])}")
        for piece in contour.pieces:
            numbers = " ".join(_number(-value if index % 2 else value) for index, value in enumerate(piece))
            parts.append(("L" if len(piece) == 2 else "C") + numbers)
        parts.append("Z")
    return "".join(parts)


def write_svg(outline: Iterable[Contour], width_mm: float, height_mm: float, colour: Colour, title: str) -> str:
    """One drawing of ``width_mm`` by ``height_mm``, origin in the middle; ``title`` is read out by screen readers."""
    fill = "#" + "".join(f"{round(part * 255):02x}" for part in colour)
    width, height = _number(width_mm), _number(height_mm)
    box = f"{_number(-width_mm / 2)} {_number(-height_mm / 2)} {width} {height}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" viewBox="{box}" role="img">'
        f'<title>{escape(title)}</title><path fill="{fill}" d="{_path(outline)}"/></svg>\n'
    )
