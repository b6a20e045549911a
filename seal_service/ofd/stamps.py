"""Where a seal says it is shown (StampAnnot, GB/T 33190-2016 18.2.3): pages that exist, boxes on them, clips inside the boxes.

All of it is signed, so nothing here shows a change. What a reader cannot draw as stated is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.report import Step, warned
from standards.errors import MalformedError
from standards.gbt33190_ofd.graph import read_box

if TYPE_CHECKING:
    from standards.gbt33190_ofd.graph import Body
    from standards.gbt33190_ofd.signatures import StampPlace

CLAUSE: Final = "GB/T 33190-2016 18.2.3"

Box = tuple[float, float, float, float]


def check_stamps(stamps: tuple[StampPlace, ...], body: Body) -> list[Step]:
    """One warning for each place that cannot be shown as it is stated."""
    steps = []
    seen: set[str] = set()
    for stamp in stamps:
        reason = _problem(stamp, body)
        if reason is None and stamp.identifier in seen:
            reason = "same-identifier"
        seen.add(stamp.identifier)
        if reason is not None:
            steps.append(warned("OFD_STAMP_BAD", CLAUSE, stamp=stamp.identifier[:40], page=stamp.page[:40], reason=reason))
    return steps


def _problem(stamp: StampPlace, body: Body) -> str | None:
    page = body.pages.get(stamp.page)
    if page is None:
        return "page-missing"
    if stamp.page in body.unclear_pages:
        return "page-unclear"  # readers show it on the first page of this identifier, on the last, or on both
    boundary = _box(stamp.boundary)
    if boundary is None:
        return "boundary"
    page_box = body.boxes.get(page) or body.default_box
    if page_box is not None and not _overlap(boundary, (0.0, 0.0, page_box[2], page_box[3])):
        return "off-page"
    if stamp.clip is None:
        return None
    clip = _box(stamp.clip)
    if clip is None:
        return "clip"
    return None if _overlap(clip, (0.0, 0.0, boundary[2], boundary[3])) else "clip-outside"


def _box(text: str) -> Box | None:
    try:
        return read_box(text)
    except MalformedError:
        return None


def _overlap(one: Box, other: Box) -> bool:
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))
