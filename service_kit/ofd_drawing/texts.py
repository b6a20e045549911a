"""Text objects (GB/T 33190-2016 11): each glyph at the place that is stated for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.fonts import embedded_font, replacement
from service_kit.ofd_drawing.pdf_file import reals
from service_kit.ofd_drawing.values import number, numbers, steps
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.ofd_drawing.canvas import Canvas
    from service_kit.ofd_drawing.resources import Resources
    from service_kit.typefaces.outlines import Outlines
    from standards.gbt33190_ofd.container import Container
    from standards.gbt33190_ofd.xml_parts import XmlNode

_DEFAULT_SIZE_MM: Final = 3.5

Transforms = dict[int, tuple[int, list[int]]]  # by the first character: how many characters, which glyphs


def draw_text(node: XmlNode, canvas: Canvas, container: Container, resources: Resources) -> str:
    """The operators between BT and ET for a text in its own space; the colour is set before."""
    identifier = node.get("Font") or ""
    codes = [(code, _raw(code)) for code in node.children("TextCode")]
    everything = "".join(text for _, text in codes)
    transforms = _transforms(node)
    canvas.characters -= max(len(everything), sum(len(glyphs) for _, glyphs in transforms.values()))
    if canvas.characters < 0:
        canvas.omissions.left_out("limit", "characters")
        return ""
    outlines = embedded_font(canvas, container, resources, identifier)
    if outlines is None:
        outlines, transforms = replacement(canvas, resources, identifier, everything), {}
    size, share = number(node.get("Size"), _DEFAULT_SIZE_MM), number(node.get("HScale"), 1)
    turn = math.radians(number(node.get("CharDirection"), 0))
    cosine, sine = math.cos(turn), math.sin(turn)
    frame = reals(size * share * cosine, size * share * sine, size * sine, -size * cosine)

    out: list[str] = []
    last_font = ""
    start, x, y = 0, 0.0, 0.0
    for code, text in codes:
        x, y = number(code.get("X"), x), number(code.get("Y"), y)
        for glyph, stands_for, left, top in _placed(code, text, start, transforms, outlines, size * share, (x, y)):
            if not 0 < glyph < outlines.glyph_count:
                if stands_for.strip():
                    canvas.omissions.left_out("glyph", " ".join(f"U+{ord(character):04X}" for character in stands_for[:4]))
                continue
            slot = canvas.glyphs.place(outlines, glyph, stands_for)
            if slot is None:
                canvas.omissions.left_out("limit", "outlines")
                return ""
            name, code_number = slot
            if name != last_font:
                out.append(f"/{name} 1 Tf")
                last_font = name
            out.append(f"{frame} {reals(left, top)} Tm <{code_number:02X}> Tj")
        start += len(text)
    return "BT\n" + "\n".join(out) + "\nET" if out else ""


def _raw(code: XmlNode) -> str:
    """The characters as they stand: spaces at the ends count for the distances. Line ends of indented XML do not."""
    try:
        return code.raw_text.strip("\r\n\t")
    except MalformedError:
        return ""


def _transforms(node: XmlNode) -> Transforms:
    found: Transforms = {}
    for transform in node.children("CGTransform"):
        glyphs = [int(value) for holder in transform.children("Glyphs") for value in numbers(holder.text) or []]
        first, count = int(number(transform.get("CodePosition"), 0)), int(number(transform.get("CodeCount"), 1))
        if glyphs and count > 0:
            found[first] = (count, glyphs)
    return found


def _placed(
    code: XmlNode, text: str, start: int, transforms: Transforms, outlines: Outlines, width: float, origin: tuple[float, float]
) -> Iterator[tuple[int, str, float, float]]:
    """Each glyph with the characters it stands for (the first of a group stands for all of it) and its place."""
    across, down = steps(code.get("DeltaX")), steps(code.get("DeltaY"))
    # Where characters and glyphs differ in number, writers count either; the length of the list says which
    by_character = len(across) >= len(text) - 1
    x, y = origin
    done = last = 0  # steps taken; the glyph before
    index = glyphs_before = 0
    while index < len(text):
        count, glyphs = transforms.get(start + index, (1, []))
        characters = text[index : index + count]
        shown = glyphs or [outlines.number_of(character) for character in characters]
        for place, glyph in enumerate(shown):
            target = index + min(place, count - 1) if by_character else glyphs_before + place
            while done < target:
                moved = across[done] if done < len(across) else (0.0 if down else None)
                x += outlines.glyph(last).advance_em * width if moved is None else moved
                y += down[done] if done < len(down) else 0.0
                done += 1
            if len(shown) == count:
                stands_for = characters[place : place + 1]
            else:
                stands_for = characters if place == 0 else ""
            yield glyph, stands_for, x, y
            last = glyph
        index += count
        glyphs_before += len(shown)
