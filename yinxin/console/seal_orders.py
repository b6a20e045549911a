"""How a document is to be sealed, as a form says it: read once for one document and for a batch, and shown on the page as it would come out."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from seal_service.places import read_pages, share_out
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from yinxin.console.forms import ConsoleForm

PLACE: Final = "place"
KEYWORD: Final = "keyword"
INVISIBLE: Final = "invisible"
MODES: Final = (PLACE, KEYWORD, INVISIBLE)
EDGES: Final = ("right", "left", "top", "bottom")
LEVELS: Final = ("", "B-B", "B-T", "B-LT", "B-LTA")
OCCURRENCES: Final = ("1", "-1", "every")
MARGIN_MM: Final = 30.0  # where a seal first stands: off the lower right corner by its half and this
_SVG_SIZE: Final = re.compile(rb'<svg[^>]*?\swidth="([\d.]+)mm"[^>]*?\sheight="([\d.]+)mm"')
_SEAL_MM: Final = (42.0, 42.0)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the form says. Lengths in millimetres from the lower-left corner of the page as seen; texts are as they were typed."""

    mode: str = PLACE
    page: int = 1
    pages: str = ""
    x_mm: float = 0.0
    y_mm: float = 0.0
    keyword: str = ""
    occurrence: str = "1"
    has_seam: bool = False
    edge: str = "right"
    offset_mm: float | None = None
    pages_per_seal: int | None = None
    reason: str = ""
    location: str = ""
    document_type: str = ""
    level: str = ""

    def fields(self) -> dict[str, str]:
        """The fields of the API's form beside the document; empty ones left out."""
        given = {
            "placement": json.dumps(placement) if (placement := self.placement()) else "",
            "reason": self.reason,
            "location": self.location,
            "document_type": self.document_type,
            "level": self.level,
        }
        return {name: value for name, value in given.items() if value}

    def placement(self) -> dict[str, Any]:
        """The placement as the API takes it."""
        placement: dict[str, Any] = {}
        if self.mode == PLACE:
            placement = {"x_mm": self.x_mm, "y_mm": self.y_mm} | ({"pages": self.pages} if self.pages else {"page": self.page})
        elif self.mode == KEYWORD:
            placement = {"keyword": self.keyword, "occurrence": "every" if self.occurrence == "every" else int(self.occurrence)}
        if self.has_seam:
            seam: dict[str, Any] = {"edge": self.edge}
            if self.offset_mm is not None:
                seam["offset_mm"] = self.offset_mm
            if self.pages_per_seal is not None:
                seam["pages_per_seal"] = self.pages_per_seal
            placement["seam"] = seam
        return placement


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of the seal's picture on a page, in millimetres from the page's upper-left corner; ``box``: what part of the picture, as a viewBox."""

    x: float
    y: float
    width: float
    height: float
    box: str


_READ: Final[dict[str, Callable[[ConsoleForm], Any]]] = {
    "mode": lambda form: _one_of(form, "mode", MODES),
    "page": lambda form: _whole(form, "page") or 1,
    "pages": lambda form: form.get("pages"),
    "x_mm": lambda form: _number(form, "x_mm") or 0.0,
    "y_mm": lambda form: _number(form, "y_mm") or 0.0,
    "keyword": lambda form: form.get("keyword"),
    "occurrence": lambda form: _one_of(form, "occurrence", OCCURRENCES),
    "has_seam": lambda form: form.is_set("seam"),
    "edge": lambda form: _one_of(form, "edge", EDGES),
    "offset_mm": lambda form: _number(form, "offset_mm"),
    "pages_per_seal": lambda form: _whole(form, "pages_per_seal"),
    "reason": lambda form: form.get("reason"),
    "location": lambda form: form.get("location"),
    "document_type": lambda form: form.get("document_type"),
    "level": lambda form: _one_of(form, "level", LEVELS),
}


def read_order(form: ConsoleForm) -> Ordered:
    """What was filled in. FIELD_UNACCEPTABLE names the field that is no number or none of its choices."""
    return Ordered(**{name: read(form) for name, read in _READ.items()})


def what_is_readable(form: ConsoleForm) -> dict[str, Any]:
    """Members of an order that ``read_order`` refuses: all that can be read, so that nobody types it again."""
    found = {}
    for name, read in _READ.items():
        with suppress(TrustError):
            found[name] = read(form)
    return found


def first_order(page: int, pages: int, page_mm: tuple[float, float], seal_mm: tuple[float, float]) -> Ordered:
    """Where a seal stands before anybody has moved it: in the lower right, and over the seam where there is one."""
    width, height = page_mm
    x = max(seal_mm[0] / 2, width - MARGIN_MM - seal_mm[0] / 2)
    y = min(height - seal_mm[1] / 2, MARGIN_MM + seal_mm[1] / 2)
    return Ordered(page=page, x_mm=round(x, 1), y_mm=round(y, 1), has_seam=pages > 1)


def size_of_picture(svg: bytes) -> tuple[float, float]:
    """Width and height of a seal's picture in millimetres, as its SVG says."""
    found = _SVG_SIZE.search(svg[:2000])
    return _SEAL_MM if found is None else (float(found[1]), float(found[2]))


def seal_on(ordered: Ordered, page: int, pages: int, page_mm: tuple[float, float], seal_mm: tuple[float, float]) -> Shown | None:
    """The seal itself on this one of ``pages``; None where the order puts none there that is known beforehand, or is refused for its pages."""
    if ordered.mode != PLACE:
        return None
    try:
        wanted = read_pages(ordered.pages or (ordered.page,), pages)
    except TrustError:
        return None
    if page not in wanted:
        return None
    width, height = seal_mm
    return Shown(ordered.x_mm - width / 2, page_mm[1] - ordered.y_mm - height / 2, width, height, f"0 0 {width:g} {height:g}")


def slice_on(ordered: Ordered, page: int, pages: int, page_mm: tuple[float, float], seal_mm: tuple[float, float]) -> Shown | None:
    """The slice of the riding seam on this page; None where there is none."""
    if not ordered.has_seam or pages < 2:
        return None
    group = next(each for each in share_out(tuple(range(1, pages + 1)), ordered.pages_per_seal) if page in each)
    number, count = group.index(page), len(group)
    (page_width, page_height), (width, height) = page_mm, seal_mm
    if ordered.edge in {"left", "right"}:
        along, wide = page_height / 2 if ordered.offset_mm is None else ordered.offset_mm, width / count
        part = number if ordered.edge == "right" else count - 1 - number
        x = page_width - wide if ordered.edge == "right" else 0.0
        return Shown(x, page_height - along - height / 2, wide, height, f"{part * wide:g} 0 {wide:g} {height:g}")
    along, high = page_width / 2 if ordered.offset_mm is None else ordered.offset_mm, height / count
    part = count - 1 - number if ordered.edge == "top" else number
    y = 0.0 if ordered.edge == "top" else page_height - high
    return Shown(along - width / 2, y, width, high, f"0 {part * high:g} {width:g} {high:g}")


def _one_of(form: ConsoleForm, name: str, choices: tuple[str, ...]) -> str:
    value = form.get(name, choices[0]) or choices[0]
    if value not in choices:
        raise _unacceptable(name, ", ".join(filter(None, choices)))
    return value


def _number(form: ConsoleForm, name: str) -> float | None:
    text = form.get(name)
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,6}(\.\d{1,6})?", text):
        raise _unacceptable(name, "a number")
    return float(text)


def _whole(form: ConsoleForm, name: str) -> int | None:
    text = form.get(name)
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,7}", text, re.ASCII):
        raise _unacceptable(name, "a whole number")
    return int(text)


def _unacceptable(name: str, rule: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field=name, rule=rule)
