"""An OFD document with the pictures of its seals, as PDF, so that a person can look at it (GB/T 33190-2016 18.2.3).

A drawn seal says nothing about whether it is genuine: what is drawn is what the file claims. The verdict is :mod:`seal_service.ofd.verify`'s.
Page pictures are made from the PDF by :func:`seal_service.render.draw_page`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from seal_service.ofd.listing import OfdSignature, list_signatures
from seal_service.ofd.package import OfdPackage
from service_kit.ofd_drawing.draw import DrawnDocument, Overlay, draw_ofd
from standards.errors import MalformedError
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import Graph, read_box
from standards.gbt33190_ofd.limits import MAX_SIGNED_VALUE_BYTES
from standards.gbt38540_seal.read import read_seal, read_seal_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standards.gbt38540_seal.values import SealPicture

_PACKAGE: Final = b"PK\x03\x04"
_FRONT_BYTES: Final = 1024  # within which the document begins; seen: under a hundred
MAX_STAMPS_DRAWN: Final = 2000  # places of all seals together; a riding seam has one for each page


def draw_sealed_ofd(data: bytes, *, pages: Sequence[int] | None = None) -> tuple[DrawnDocument, tuple[str, ...]]:
    """The pages with their seals, and the names of the signatures whose picture or places could not be drawn.

    :raises MalformedError: as :func:`draw_ofd`.
    """
    package = OfdPackage(container := Container(data), Graph(container))
    overlays: list[Overlay] = []
    not_drawn: list[str] = []
    for signature in list_signatures(package, []):
        stamps = signature.description.stamps if signature.description is not None else ()
        picture = _picture(package, signature)
        if picture is None or not stamps:
            not_drawn.append(signature.path)
            continue
        for stamp in stamps:
            try:
                box = read_box(stamp.boundary)
                clip = read_box(stamp.clip) if stamp.clip is not None else None
            except MalformedError:
                box = None
            if box is None or len(overlays) >= MAX_STAMPS_DRAWN:
                not_drawn.append(f"{signature.path} {stamp.identifier[:40]}".strip())
            else:
                overlays.append(Overlay(stamp.page, box, clip, picture.data))
    return draw_ofd(data, overlays=overlays, pages=pages), tuple(not_drawn)


def _picture(package: OfdPackage, signature: OfdSignature) -> SealPicture | None:
    """The picture inside the sealing value; failing that, of the seal file beside it."""
    for path, read in (
        (signature.value_path, lambda data: read_seal_signature(data).seal),
        (signature.seal_path, read_seal),
    ):
        if path is None:
            continue
        try:
            return _bare(read(package.container.read(path, MAX_SIGNED_VALUE_BYTES)).picture)
        except MalformedError:
            continue
    return None


def _bare(picture: SealPicture) -> SealPicture:
    """A picture that is an OFD document, without the bytes that one vendor puts in front of it."""
    start = picture.data.find(_PACKAGE, 0, _FRONT_BYTES) if picture.kind.lower() == "ofd" else 0
    return replace(picture, data=picture.data[start:]) if start > 0 else picture
