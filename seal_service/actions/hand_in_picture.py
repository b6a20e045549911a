"""Hand in a picture of one's own for a seal. What is kept is the clean picture that was made of it, as a paper of who handed it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.actions.find_applications import hand_in_paper
from seal_service.pictures.own_picture import write_own_picture
from seal_service.pictures.upload import UploadedPicture, read_uploaded_picture

if TYPE_CHECKING:
    from seal_service.model import Paper
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

NAME: Final = "seal-picture.png"


def hand_in_picture(
    context: ServiceContext,
    caller: Caller,
    content: bytes,
    *,
    width_mm: float,
    is_paper_removed: bool = False,
    idempotency_key: str | None = None,
) -> tuple[Paper, UploadedPicture]:
    """Check and keep it. Raises PICTURE_*, SEAL_SIZE_BAD, BLOB_*, IDEMPOTENCY_*."""
    # 1. The picture made anew, and that it can be drawn.
    picture = read_uploaded_picture(content, width_mm=width_mm, is_paper_removed=is_paper_removed)
    write_own_picture(picture)

    # 2. Kept and on record.
    return hand_in_paper(context, caller, NAME, picture.png, idempotency_key=idempotency_key), picture
