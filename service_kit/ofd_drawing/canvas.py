"""What all pages of one drawing share: the PDF, its fonts, pictures and transparencies, what was left out, and how much may still be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit.ofd_drawing.glyph_fonts import GlyphFonts
from service_kit.ofd_drawing.limits import (
    MAX_CHARACTERS,
    MAX_CONTENT_BYTES,
    MAX_FONTS,
    MAX_PICTURE_PIXELS,
    MAX_PICTURES_PIXELS,
    MAX_POINTS,
    MAX_UNITS,
)
from service_kit.ofd_drawing.omissions import Omissions
from service_kit.ofd_drawing.pdf_file import PdfFile, real
from service_kit.ofd_drawing.pictures import PictureError, add_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_kit.typefaces.outlines import Outlines


class Canvas:
    """The drawing under way. ``points`` and ``characters`` are what is left of their limits."""

    def __init__(self) -> None:
        self.pdf = PdfFile()
        self.glyphs = GlyphFonts(self.pdf, MAX_POINTS)
        self.omissions = Omissions()
        self.points = MAX_POINTS
        self.characters = MAX_CHARACTERS
        self._units = MAX_UNITS
        self._bytes = MAX_CONTENT_BYTES
        self._pixels = MAX_PICTURES_PIXELS
        self._fonts: dict[tuple[int, str], Outlines | None] = {}
        self._pictures: dict[bytes, str | None] = {}
        self._objects: dict[str, int] = {}
        self._opacities: dict[str, str] = {}
        self.resources = self.pdf.reserve()

    def may_draw(self) -> bool:
        """Whether one more unit is within the limits; says so once where it is not."""
        if self._units <= 0 or self._bytes <= 0:
            self.omissions.left_out("limit", "units")
            return False
        self._units -= 1
        return True

    def spend(self, content: str) -> str:
        """Count operators that are drawn."""
        self._bytes -= len(content)
        return content

    def font(self, owner: int, path: str, read: Callable[[], Outlines | None]) -> Outlines | None:
        """A font of a package (by the identity of the package), read once."""
        key = (owner, path)
        if key not in self._fonts:
            if len(self._fonts) >= MAX_FONTS:
                self.omissions.left_out("limit", "fonts")
                return None
            self._fonts[key] = read()
        return self._fonts[key]

    def picture(self, data: bytes) -> str | None:
        """The resource name of a picture; None, with an omission, where it cannot be shown."""
        if data not in self._pictures:
            self._pictures[data] = None
            try:
                number, pixels = add_picture(self.pdf, data, min(MAX_PICTURE_PIXELS, self._pixels))
            except PictureError as error:
                self.omissions.left_out("picture", str(error))
                return None
            self._pixels -= pixels
            self._pictures[data] = self.add_object(number)
        elif self._pictures[data] is None:
            self.omissions.left_out("picture", "cannot be shown")
        return self._pictures[data]

    def add_object(self, number: int) -> str:
        """A name for an object that pages may draw."""
        name = f"X{len(self._objects) + 1}"
        self._objects[name] = number
        return name

    def opacity(self, fill: float, stroke: float) -> str:
        """The operator that sets how opaque what follows is, 0..1; empty for what is not transparent at all."""
        if fill >= 1 and stroke >= 1:
            return ""
        entry = f"/ca {real(fill)}/CA {real(stroke)}"
        name = self._opacities.setdefault(entry, f"A{len(self._opacities) + 1}")
        return f"/{name} gs"

    def finish(self) -> None:
        """Write what the pages refer to."""
        self.glyphs.finish()
        objects = "".join(f"/{name} {number} 0 R" for name, number in self._objects.items())
        states = "".join(f"/{name}<<{entry}>>" for entry, name in self._opacities.items())
        self.pdf.set(self.resources, f"<</Font<<{self.glyphs.resources()}>>/XObject<<{objects}>>/ExtGState<<{states}>>>>")
