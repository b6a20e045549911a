"""Graphic units of a page (GB/T 33190-2016 8.5, 9, 10, 13) as operators of PDF, in millimetres with y downwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service_kit.ofd_drawing.limits import MAX_DEPTH
from service_kit.ofd_drawing.path_data import PathError, path_operators
from service_kit.ofd_drawing.pdf_file import real, reals
from service_kit.ofd_drawing.texts import draw_text
from service_kit.ofd_drawing.values import box, colour, matrix, number, numbers, opacity
from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_ENTRY_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service_kit.ofd_drawing.canvas import Canvas
    from service_kit.ofd_drawing.resources import Resources
    from standards.gbt33190_ofd.container import Container
    from standards.gbt33190_ofd.xml_parts import XmlNode

_LINE_MM: Final = 0.353
_MITER: Final = 3.528
_CAPS: Final = {"Butt": 0, "Round": 1, "Square": 2}
_JOINS: Final = {"Miter": 0, "Round": 1, "Bevel": 2}
_QUIET: Final = frozenset({"Actions", "Clips"})
PICTURE_UPRIGHT: Final = "1 0 0 -1 0 1 cm"  # PDF draws pictures upwards


class Units:
    """Draws the units of one package with the resources of one page."""

    def __init__(self, canvas: Canvas, container: Container, resources: Resources) -> None:
        self._canvas = canvas
        self._container = container
        self._resources = resources

    def draw_all(self, nodes: Sequence[XmlNode], depth: int = 0, parameter: str | None = None) -> str:
        """Units one behind the other; ``parameter`` are the drawing parameters that the layer states for all of them."""
        if depth > MAX_DEPTH:
            self._canvas.omissions.left_out("limit", "depth")
            return ""
        return "\n".join(filter(None, (self._draw(node, depth, parameter) for node in nodes)))

    def _draw(self, node: XmlNode, depth: int, parameter: str | None) -> str:
        name = node.name
        if name in _QUIET or node.get("Visible") == "false" or not self._canvas.may_draw():
            return ""
        if name == "PageBlock":
            return self.draw_all(node.children(), depth + 1, parameter)
        place = box(node.get("Boundary"))
        if place is None:
            self._canvas.omissions.left_out(name, "boundary")
            return ""
        defaults = self._defaults(node.get("DrawParam"), parameter)
        if name == "TextObject":
            inner = self._text(node, defaults)
        elif name == "PathObject":
            inner = self._path(node, defaults)
        elif name == "ImageObject":
            inner = self._image(node, place)
        elif name == "CompositeObject":
            inner = self._composite(node, depth)
        else:
            self._canvas.omissions.left_out(name)
            return ""
        if not inner:
            return ""
        # A reader cuts a unit off at its boundary. Text is not cut: boundaries of real writers are often tighter than their glyphs
        edge = "" if name == "TextObject" else f"0 0 {reals(place[2], place[3])} re W n"
        steps = ["q", f"1 0 0 1 {reals(place[0], place[1])} cm", edge, matrix(node.get("CTM")), self._clips(node), inner, "Q"]
        return self._canvas.spend("\n".join(filter(None, steps)))

    def _defaults(self, *identifiers: str | None) -> list[XmlNode]:
        """Drawing parameters in the order they are asked: those of the unit and what they build on, then those of the layer."""
        found: list[XmlNode] = []
        for start in identifiers:
            identifier = start
            for _ in range(MAX_DEPTH):
                node = self._resources.parameters.get(identifier or "")
                if node is None:
                    break
                found.append(node)
                identifier = node.get("Relative")
        return found

    def _colour(self, node: XmlNode, defaults: list[XmlNode], name: str) -> tuple[str, float] | None:
        """The operator for a colour and how opaque it is; black where none is stated; None, with an omission, for what is no plain colour."""
        is_stroke = name == "StrokeColor"
        stated = next((child for holder in (node, *defaults) for child in holder.children(name)), None)
        if stated is None:
            return ("0 G" if is_stroke else "0 g"), opacity(node)
        operator = colour(stated, self._resources.spaces, is_stroke=is_stroke)
        if operator is None:
            kind = next((child.name for child in stated.children()), "colour")
            self._canvas.omissions.left_out(kind, f"{name} of {node.name}")
            return None
        return operator, opacity(node, stated)

    def _text(self, node: XmlNode, defaults: list[XmlNode]) -> str:
        is_filled, is_stroked = node.get("Fill") != "false", node.get("Stroke") == "true"
        if is_stroked:
            self._canvas.omissions.replaced("text outline", "drawn filled")
        for name, plain in (("Italic", {None, "false"}), ("Weight", {None, "0", "400"})):
            if node.get(name) not in plain:
                self._canvas.omissions.replaced(f"text {name.lower()}", "drawn upright at the weight of its font")
        paint = self._colour(node, defaults, "FillColor" if is_filled else "StrokeColor") if is_filled or is_stroked else None
        if paint is None:
            return ""
        operators = draw_text(node, self._canvas, self._container, self._resources)
        set_colour = paint[0] if is_filled else paint[0].lower()
        return "\n".join(filter(None, (set_colour, self._canvas.opacity(paint[1], 1), operators))) if operators else ""

    def _path(self, node: XmlNode, defaults: list[XmlNode]) -> str:
        stroke = self._colour(node, defaults, "StrokeColor") if node.get("Stroke") != "false" else None
        fill = self._colour(node, defaults, "FillColor") if node.get("Fill") == "true" else None
        if stroke is None and fill is None:
            return ""
        data = self._path_data(node)
        if not data:
            return ""
        rule = "*" if node.get("Rule") == "Even-Odd" else ""
        paint = f"B{rule}" if stroke and fill else f"f{rule}" if fill else "S"
        out = [self._canvas.opacity(fill[1] if fill else 1, stroke[1] if stroke else 1)]
        if fill:
            out.append(fill[0])
        if stroke:
            out += [stroke[0], *self._line(node, defaults)]
        return "\n".join(filter(None, [*out, data, paint]))

    def _line(self, node: XmlNode, defaults: list[XmlNode]) -> list[str]:
        def stated(name: str) -> str | None:
            return next((value for holder in (node, *defaults) if (value := holder.get(name)) is not None), None)

        dashes = numbers(stated("DashPattern")) or []
        is_dashed = sum(dashes) > 0 and min(dashes) >= 0
        return [
            f"{real(max(number(stated('LineWidth'), _LINE_MM), 0))} w",
            f"{_CAPS.get(stated('Cap') or '', 0)} J {_JOINS.get(stated('Join') or '', 0)} j",
            f"{real(max(number(stated('MiterLimit'), _MITER), 1))} M",
            f"[{reals(*dashes)}] {real(max(number(stated('DashOffset'), 0), 0))} d" if is_dashed else "",
        ]

    def _path_data(self, node: XmlNode) -> str:
        try:
            holder = node.child("AbbreviatedData")
            operators, count = path_operators(holder.text if holder is not None else "", self._canvas.points)
        except (MalformedError, PathError) as error:
            self._canvas.omissions.left_out(node.name, str(error))
            return ""
        self._canvas.points -= count
        return operators

    def _image(self, node: XmlNode, place: tuple[float, float, float, float]) -> str:
        for name in ("ImageMask", "Substitution"):
            if node.get(name) is not None:
                self._canvas.omissions.left_out(name, "drawn without")
        if node.children("Border"):
            self._canvas.omissions.left_out("Border")
        path = self._resources.files.get(node.get("ResourceID") or "")
        if path is None:
            self._canvas.omissions.left_out("picture", "no such resource")
            return ""
        try:
            shown = self._canvas.picture(self._container.read(path, MAX_ENTRY_BYTES))
        except MalformedError as error:
            self._canvas.omissions.left_out("picture", error.code)
            return ""
        if shown is None:
            return ""
        fit = "" if matrix(node.get("CTM")) else f"{reals(place[2])} 0 0 {reals(place[3])} 0 0 cm"
        share = opacity(node)
        return "\n".join(filter(None, (fit, self._canvas.opacity(share, 1), PICTURE_UPRIGHT, f"/{shown} Do")))

    def _composite(self, node: XmlNode, depth: int) -> str:
        unit = self._resources.composites.get(node.get("ResourceID") or "")
        if unit is None:
            self._canvas.omissions.left_out("CompositeObject", "no such resource")
            return ""
        if node.get("Alpha") not in {None, "255"}:
            self._canvas.omissions.replaced("CompositeObject", "drawn opaque")
        return self.draw_all([child for content in unit.children("Content") for child in content.children()], depth + 1)

    def _clips(self, node: XmlNode) -> str:
        """Clips of one path each; what is drawn without its clip is said."""
        out = []
        for clip in (clip for holder in node.children("Clips") for clip in holder.children("Clip")):
            areas = clip.children("Area")
            paths = areas[0].children("Path") if len(areas) == 1 and not areas[0].get("CTM") and not areas[0].get("DrawParam") else []
            place = box(paths[0].get("Boundary")) if len(paths) == 1 and not paths[0].get("CTM") else None
            data = self._path_data(paths[0]) if place is not None else ""
            if place is None or not data:
                self._canvas.omissions.replaced("clip", f"{node.name} drawn without it")
                continue
            rule = "W*" if paths[0].get("Rule") == "Even-Odd" else "W"
            there, back = reals(place[0], place[1]), reals(-place[0], -place[1])
            out.append(f"1 0 0 1 {there} cm\n{data}\n{rule} n\n1 0 0 1 {back} cm")
        return "\n".join(out)
