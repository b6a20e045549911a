"""The font of a text: the embedded one, or a face of this machine in its place, which is said."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.limits import MAX_FONT_BYTES
from service_kit.typefaces.faces import Face, Style, brought_face, find_face
from service_kit.typefaces.outlines import Outlines
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from service_kit.ofd_drawing.canvas import Canvas
    from service_kit.ofd_drawing.resources import Resources
    from standards.gbt33190_ofd.container import Container

_STYLES: Final = (
    ("宋", Style.SONG),
    ("song", Style.SONG),
    ("sun", Style.SONG),
    ("楷", Style.KAI),
    ("kai", Style.KAI),
    ("mongol", Style.MONGOLIAN),
)


def embedded_font(canvas: Canvas, container: Container, resources: Resources, identifier: str) -> Outlines | None:
    """The font file of the document; None, with an omission where there is one that cannot be used."""
    path = resources.files.get(identifier)
    if path is None or identifier not in resources.fonts:
        return None

    def read() -> Outlines | None:
        try:
            outlines = Outlines(container.read(path, MAX_FONT_BYTES))
        except MalformedError:
            return None
        return outlines if outlines.glyph_count else None  # HarfBuzz gives an empty face for what it cannot read

    return canvas.font(id(container), path, read)


def replacement(canvas: Canvas, resources: Resources, identifier: str, text: str) -> Outlines:
    """A face of this machine for a text whose font is not there, by what the name of that font says."""
    node = resources.fonts.get(identifier)
    name = " ".join(filter(None, (node.get("FontName"), node.get("FamilyName")))) if node is not None else ""
    styles = [style for word, style in _STYLES if word in name.lower()]
    try:
        face = find_face(text.replace("\n", ""), *styles[:1])
    except TrustError:
        face = brought_face()  # what it lacks is listed glyph by glyph
    canvas.omissions.replaced("font", f"{name or identifier or 'none'}: {face.family}")
    return _outlines(face)


@lru_cache(maxsize=8)
def _outlines(face: Face) -> Outlines:
    return Outlines(face.path, index=face.index, weight=face.weight)
