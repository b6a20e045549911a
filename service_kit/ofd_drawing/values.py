"""Numbers, boxes, matrices and colours as they stand in attributes (GB/T 33190-2016 7.3, 8.3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.pdf_file import reals
from standards.errors import MalformedError
from standards.gbt33190_ofd.graph import read_box

if TYPE_CHECKING:
    from standards.gbt33190_ofd.xml_parts import XmlNode

Box = tuple[float, float, float, float]

MAX_STEPS: Final = 100_000  # distances of one text
_TOO_FAR: Final = 1e7
_LETTERS: Final = {1: "g", 3: "rg", 4: "k"}
_COMPONENTS: Final = {"gray": 1, "grey": 1, "rgb": 3, "cmyk": 4}


def number(text: str | None, default: float) -> float:
    """A finite number, else the default."""
    try:
        value = float(text) if text else default
    except ValueError:
        return default
    return value if math.isfinite(value) and abs(value) < _TOO_FAR else default


def numbers(text: str | None) -> list[float] | None:
    """ST_Array of finite numbers; None where it is anything else."""
    try:
        values = [float(word) for word in (text or "").replace(",", " ").split()]
    except ValueError:
        return None
    return values if all(abs(value) < _TOO_FAR for value in values) else None


def box(text: str | None) -> Box | None:
    """ST_Box, or None."""
    try:
        return read_box(text or "")
    except MalformedError:
        return None


def matrix(text: str | None) -> str:
    """The operator for a CTM; empty where none is stated or it cannot be read."""
    values = numbers(text)
    if not values or len(values) != 6:
        return ""
    return " ".join(f"{value:.7f}".rstrip("0").rstrip(".") for value in values) + " cm"


def steps(text: str | None, most: int = MAX_STEPS) -> list[float]:
    """Distances between characters, short forms (``g count value``) written out, at most ``most``."""
    words = iter((text or "").replace(",", " ").split())
    found: list[float] = []
    for word in words:
        if word != "g":
            found.append(number(word, 0))
        else:
            count, value = number(next(words, ""), 0), number(next(words, ""), 0)
            found += [value] * int(min(max(count, 0), most - len(found)))
        if len(found) >= most:
            break
    return found


def colour(node: XmlNode, spaces: dict[str, str], *, is_stroke: bool) -> str | None:
    """The operator that sets a plain colour; None for one by index, pattern or shading."""
    values = numbers(node.get("Value"))
    if node.children() or node.get("Index") or values is None:
        return None
    space = spaces.get(node.get("ColorSpace") or "", "rgb").lower()
    count = _COMPONENTS.get(space, len(values))
    values = values or [0.0] * count if space != "cmyk" else values or [0.0, 0.0, 0.0, 255.0]
    if len(values) != count or count not in _LETTERS:
        return None
    letter = _LETTERS[count]
    return f"{reals(*(min(max(value / 255, 0), 1) for value in values))} {letter.upper() if is_stroke else letter}"


def opacity(*nodes: XmlNode | None) -> float:
    """Alpha values (0..255) of a unit and its colour, multiplied, 0..1."""
    share = 1.0
    for node in nodes:
        if node is not None:
            share *= min(max(number(node.get("Alpha"), 255) / 255, 0), 1)
    return share
