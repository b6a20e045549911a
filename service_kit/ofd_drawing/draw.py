"""An OFD document as a PDF (GB/T 33190-2016): its pages, templates and annotations, and pictures laid over it.

::

    drawn = draw_ofd(data)
    drawn.pdf          # the bytes of the PDF
    drawn.omissions    # what is not on it, or looks otherwise than stated
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.canvas import Canvas
from service_kit.ofd_drawing.limits import MAX_PAGE_MM, MAX_PAGES
from service_kit.ofd_drawing.pdf_file import real, reals
from service_kit.ofd_drawing.resources import Resources, add_resources
from service_kit.ofd_drawing.units import PICTURE_UPRIGHT, Units
from service_kit.ofd_drawing.values import Box, box
from standards.errors import MalformedError
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import Graph, Role
from standards.gbt33190_ofd.locations import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service_kit.ofd_drawing.omissions import Omission, Omissions
    from standards.gbt33190_ofd.xml_parts import XmlNode

_POINTS_PER_MM: Final = 72 / 25.4
_A4: Final[Box] = (0.0, 0.0, 210.0, 297.0)
_TRIM: Final = 0.001  # points off a page's size, so that rounding does not add a row of empty pixels
_PACKAGE: Final = b"PK\x03\x04"
_ORDER: Final = {"Background": 0, "Foreground": 2}  # of templates and layers; what is in between has 1


@dataclass(frozen=True, slots=True)
class Overlay:
    """A picture (PNG, JPEG, BMP, GIF, TIFF, or an OFD of one page) over a page, such as the picture of a signature.

    ``page`` is the number the document gives the page; ``box_mm`` and ``clip_mm`` (inside that box) are left, top, width, height.
    """

    page: str
    box_mm: Box
    clip_mm: Box | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DrawnDocument:
    """``page_count`` pages are in the document; the PDF has those of ``pages`` (from 1)."""

    pdf: bytes = field(repr=False)
    page_count: int
    pages: tuple[int, ...]
    omissions: tuple[Omission, ...]


def draw_ofd(data: bytes, *, overlays: Sequence[Overlay] = (), pages: Sequence[int] | None = None) -> DrawnDocument:
    """The pages of a document, all (up to ``MAX_PAGES``) or those asked for.

    :raises MalformedError: what :class:`Container` and ``OFD.xml`` raise, and ``OFD_PAGES_MISSING`` where nothing can be shown.
    """
    # 1. What is in the file
    canvas = Canvas()
    document = _Opened(data, canvas.omissions)
    count = len(document.pages)
    wanted = [number for number in (range(1, count + 1) if pages is None else pages) if 1 <= number <= count]
    if not wanted:
        raise MalformedError("OFD_PAGES_MISSING", pages=count)
    if len(wanted) > MAX_PAGES:
        canvas.omissions.left_out("limit", f"pages after {MAX_PAGES}")

    # 2. Each page, and what lies over it
    inner: dict[bytes, _Opened | None] = {}
    tree = canvas.pdf.reserve()
    kids = []
    for number in wanted[:MAX_PAGES]:
        canvas.omissions.page = number
        page = document.pages[number - 1]
        content = [document.draw(page, canvas)]
        content += [_lay_over(overlay, canvas, inner) for overlay in overlays if overlay.page == page.identifier]
        kids.append(_add_page(canvas, tree, page.box_mm, "\n".join(filter(None, content))))
    canvas.omissions.page = 0
    known = {page.identifier for page in document.pages}
    for overlay in overlays:
        if overlay.page not in known:
            canvas.omissions.left_out("overlay", "page missing")

    # 3. The file around them
    canvas.finish()
    canvas.pdf.set(tree, f"<</Type/Pages/Kids[{' '.join(f'{kid} 0 R' for kid in kids)}]/Count {len(kids)}>>")
    catalog = canvas.pdf.add(f"<</Type/Catalog/Pages {tree} 0 R>>")
    return DrawnDocument(canvas.pdf.write(catalog), count, tuple(wanted[:MAX_PAGES]), canvas.omissions.listed())


def _add_page(canvas: Canvas, tree: int, place: Box, content: str) -> int:
    left, top, width, height = place
    scale = _POINTS_PER_MM
    # Millimetres from the upper left corner, y downwards
    frame = f"{scale:.6f} 0 0 {-scale:.6f} {real(-left * scale)} {real((top + height) * scale)} cm"
    stream = canvas.pdf.add_stream(f"{frame}\n{content}".encode("ascii"))
    return canvas.pdf.add(
        f"<</Type/Page/Parent {tree} 0 R/MediaBox[0 0 {reals(width * scale - _TRIM, height * scale - _TRIM)}]"
        f"/Resources {canvas.resources} 0 R/Contents {stream} 0 R>>"
    )


def _lay_over(overlay: Overlay, canvas: Canvas, opened: dict[bytes, _Opened | None]) -> str:
    """A picture in its box, cut to its clip."""
    left, top, width, height = overlay.box_mm
    if overlay.data.startswith(_PACKAGE):
        if overlay.data not in opened:
            try:
                opened[overlay.data] = _Opened(overlay.data, canvas.omissions)
            except MalformedError:
                opened[overlay.data] = None
        inner = opened[overlay.data]
        if inner is None or not inner.pages:
            canvas.omissions.left_out("overlay", "no document with a page")
            return ""
        page = inner.pages[0]
        x, y, across, down = page.box_mm
        content = f"{reals(width / across)} 0 0 {reals(height / down)} 0 0 cm\n1 0 0 1 {reals(-x, -y)} cm\n{inner.draw(page, canvas)}"
    else:
        name = canvas.picture(overlay.data)
        if name is None:
            return ""
        content = f"{real(width)} 0 0 {real(height)} 0 0 cm\n{PICTURE_UPRIGHT}\n/{name} Do"
    clip = overlay.clip_mm or (0.0, 0.0, width, height)
    return f"q\n1 0 0 1 {reals(left, top)} cm\n{reals(*clip)} re W n\n{content}\nQ"


@dataclass(slots=True)
class _Page:
    identifier: str
    path: str
    root: XmlNode
    box_mm: Box


class _Opened:
    """A package whose first document is drawn."""

    def __init__(self, data: bytes, omissions: Omissions) -> None:
        self._omissions = omissions
        self._container = Container(data)
        self._graph = Graph(self._container)
        if self._graph.failure is not None:
            raise self._graph.failure
        self.pages: list[_Page] = []
        self._resources = Resources()
        self._templates: dict[str, str] = {}
        self._annotations: dict[str, list[str]] = {}
        documents = [path for body in self._graph.bodies for path, reached in body.reached.items() if reached.role is Role.DOCUMENT]
        if len(documents) > 1:
            omissions.left_out("document", f"{len(documents) - 1} further documents of the file")
        if documents:
            self._read_document(documents[0])

    def _read_document(self, path: str) -> None:
        root = self._graph.part(path, self._graph.entry_name)
        if root is None:
            return
        self._path, self._folder = path, folder_of(path)
        for name in ("PublicRes", "DocumentRes"):
            for resource in self._located(root, name):
                add_resources(self._resources, self._graph, resource, path, self._folder)
        for node in root.descendants("TemplatePage"):
            part = self._member(node.get("BaseLoc"), path)
            if part is not None:
                self._templates[node.get("ID") or ""] = part
        default = self._page_box(root, "PageArea") or _A4
        for node in root.descendants("Page"):
            part = self._member(node.get("BaseLoc"), path)
            page = self._graph.part(part, path) if part is not None else None
            if part is None or page is None:
                self._omissions.left_out("page", node.get("ID") or "")
            else:
                self.pages.append(_Page(node.get("ID") or "", part, page, self._page_box(page, "Area") or default))
        for listed in self._located(root, "Annotations"):
            self._read_annotations(listed)

    def _read_annotations(self, path: str) -> None:
        root = self._graph.part(path, self._path)
        for node in root.children("Page") if root is not None else ():
            for holder in node.children("FileLoc"):
                part = self._member(holder.text, path)
                if part is not None:
                    self._annotations.setdefault(node.get("PageID") or "", []).append(part)

    def _located(self, root: XmlNode, name: str) -> Iterator[str]:
        for node in root.descendants(name):
            part = self._member(node.text, self._path)
            if part is not None:
                yield part

    def _member(self, location: str | None, by: str) -> str | None:
        found = self._graph.look_up(location, by, (self._folder, "")) if location else None
        if found is None or found.path is None:
            self._omissions.left_out("part", (location or "no location")[:60])
            return None
        return found.path

    def _page_box(self, root: XmlNode, area: str) -> Box | None:
        stated = next((box(node.text) for holder in root.descendants(area) for node in holder.children("PhysicalBox")), None)
        if stated is not None and max(stated[2:]) > MAX_PAGE_MM:
            self._omissions.replaced("page size", f"over {MAX_PAGE_MM} mm: drawn as A4")
            return None
        return stated

    def draw(self, page: _Page, canvas: Canvas) -> str:
        """A page with the templates behind and in front of it and its annotations."""
        resources = self._resources
        for node in page.root.children("PageRes"):
            resources = resources.copied() if resources is self._resources else resources
            part = self._member(node.text, page.path)
            if part is not None:
                add_resources(resources, self._graph, part, page.path, self._folder)
        sheets: list[tuple[int, str]] = [(1, self._content(page.root, Units(canvas, self._container, resources)))]
        for node in page.root.children("Template"):
            sheet = self._templates.get(node.get("TemplateID") or "")
            root = self._graph.part(sheet, page.path) if sheet is not None else None
            if sheet is None or root is None:
                canvas.omissions.left_out("template", node.get("TemplateID") or "")
                continue
            own = self._resources.copied()
            for holder in root.children("PageRes"):
                more = self._member(holder.text, sheet)
                if more is not None:
                    add_resources(own, self._graph, more, sheet, self._folder)
            sheets.append((_ORDER.get(node.get("ZOrder") or "Background", 1), self._content(root, Units(canvas, self._container, own))))
        content = [drawn for _, drawn in sorted(sheets, key=lambda placed: placed[0])]
        notes = self._annotations.get(page.identifier, ())
        content += [self._draw_annotations(part, Units(canvas, self._container, resources)) for part in notes]
        return "\n".join(filter(None, content))

    def _content(self, root: XmlNode, units: Units) -> str:
        layers = [layer for content in root.children("Content") for layer in content.children("Layer")]
        layers.sort(key=lambda layer: _ORDER.get(layer.get("Type") or "Body", 1))
        return "\n".join(filter(None, (units.draw_all(layer.children(), 0, layer.get("DrawParam")) for layer in layers)))

    def _draw_annotations(self, path: str, units: Units) -> str:
        root = self._graph.part(path, self._path)
        out = []
        for node in root.children("Annot") if root is not None else ():
            if node.get("Visible") == "false":
                continue
            for look in node.children("Appearance"):
                place = box(look.get("Boundary"))
                if place is None:
                    self._omissions.left_out("Annot", "boundary")
                    continue
                drawn = units.draw_all(look.children())
                out.append(f"q\n1 0 0 1 {reals(place[0], place[1])} cm\n0 0 {reals(place[2], place[3])} re W n\n{drawn}\nQ")
        return "\n".join(out)
