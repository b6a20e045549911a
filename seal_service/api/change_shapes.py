"""What changed after sealing, as it goes over the wire."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from crypto.report_json import write_step
from seal_service.api.verification_shapes import StepAnswer

if TYPE_CHECKING:
    from seal_service.actions.show_changes import ShownChanges
    from seal_service.pdf.sealed_revision import ChangedPage


class PageAnswer(BaseModel):
    """A page that looks different. Pictures are PNG in base64, of the first pages only."""

    page: int
    kind: Literal["changed", "added", "removed"]
    box_mm: Annotated[list[float] | None, Field(description="Left, bottom, right, top of all that differs, as seen.")]
    share: Annotated[float | None, Field(description="Of the page's pixels.")]
    before: str | None
    after: str | None
    mask: str | None


class ChangesAnswer(BaseModel):
    """What changed after the signature ``name``. ``compared`` pages were looked at."""

    name: str
    tampered: bool | None
    sealed_bytes: int
    pages_before: int
    pages_after: int
    compared: int
    steps: list[StepAnswer]
    pages: list[PageAnswer]


def write_changes(shown: ShownChanges, language: str) -> ChangesAnswer:
    """The changes as they go out."""
    return ChangesAnswer(
        name=shown.name,
        tampered=shown.is_tampered,
        sealed_bytes=len(shown.sealed),
        pages_before=shown.pages.pages_before,
        pages_after=shown.pages.pages_after,
        compared=shown.pages.compared,
        steps=[StepAnswer.model_validate(write_step(step, language)) for step in shown.steps],
        pages=[_write_page(each) for each in shown.pages.pages],
    )


def _write_page(changed: ChangedPage) -> PageAnswer:
    found = changed.difference
    pictures = [None, None, None] if found is None else [_base64(each) for each in (found.before, found.after, found.mask)]
    return PageAnswer(
        page=changed.page,
        kind="changed" if changed.kind == "changed" else "added" if changed.kind == "added" else "removed",
        box_mm=None if found is None else [round(each, 1) for each in found.box_mm],
        share=None if found is None else round(found.share, 6),
        before=pictures[0],
        after=pictures[1],
        mask=pictures[2],
    )


def _base64(content: bytes) -> str | None:
    return base64.b64encode(content).decode("ascii")
