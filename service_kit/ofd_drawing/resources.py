"""The resources of a document by their numbers (GB/T 33190-2016 7.9): fonts, pictures, drawing parameters, colour spaces, composite units."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standards.errors import MalformedError
from standards.gbt33190_ofd.locations import folder_of, resolve

if TYPE_CHECKING:
    from standards.gbt33190_ofd.graph import Graph
    from standards.gbt33190_ofd.xml_parts import XmlNode


@dataclass(slots=True)
class Resources:
    """By number as written. ``files`` are the members of fonts and pictures."""

    fonts: dict[str, XmlNode] = field(default_factory=dict)
    media: dict[str, XmlNode] = field(default_factory=dict)
    parameters: dict[str, XmlNode] = field(default_factory=dict)
    spaces: dict[str, str] = field(default_factory=dict)
    composites: dict[str, XmlNode] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def copied(self) -> Resources:
        """The same resources, to be added to for one page."""
        return Resources(
            dict(self.fonts), dict(self.media), dict(self.parameters), dict(self.spaces), dict(self.composites), dict(self.files)
        )


def add_resources(found: Resources, graph: Graph, path: str, by: str, folder: str) -> None:
    """Take up what a resource part defines. ``folder`` is that of the document, where some writers let locations begin."""
    root = graph.part(path, by)
    if root is None:
        return
    base = folder_of(path)
    with contextlib.suppress(MalformedError):  # none stated, or one that leads nowhere: locations begin at the part
        base = resolve(base, root.get("BaseLoc") or "")
    for name, kept in (("Font", found.fonts), ("MultiMedia", found.media), ("DrawParam", found.parameters)):
        kept.update({node.get("ID") or "": node for node in root.descendants(name)})
    found.composites.update({node.get("ID") or "": node for node in root.descendants("CompositeGraphicUnit")})
    found.spaces.update({node.get("ID") or "": node.get("Type") or "" for node in root.descendants("ColorSpace")})
    for name, inner in (("Font", "FontFile"), ("MultiMedia", "MediaFile")):
        for node in root.descendants(name):
            for holder in node.children(inner):
                place = graph.look_up(holder.text, path, (folder_of(path), folder, ""), base) if holder.text else None
                if place is not None and place.path is not None:
                    found.files[node.get("ID") or ""] = place.path
