"""Pictures of one's own for seals: checked, cleaned, and kept for an application."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Header, Request, Response

from seal_service import limits
from seal_service.actions.hand_in_picture import hand_in_picture
from seal_service.api.design_shapes import write_warning
from seal_service.api.life_shapes import PictureAnswer
from seal_service.errors import document_missing, field_unacceptable
from seal_service.model import SCOPE_APPLY
from seal_service.pictures.upload import BYTES_MAX
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - fastapi reads the annotations at run time
from service_kit.problems import CREATED, language_of, problem_answers

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["applications"]
_YES_NO: Final = {"": False, "false": False, "true": True}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["picture", "width_mm"],
                    "additionalProperties": False,
                    "properties": {
                        "picture": {"type": "string", "format": "binary", "description": "PNG, JPEG or BMP."},
                        "width_mm": {"type": "number", "description": "How wide the seal is on paper; its height follows."},
                        "paper_removed": {
                            "type": "string",
                            "enum": ["true", "false"],
                            "description": "Make white ground transparent, as scans need it.",
                        },
                    },
                }
            }
        },
    }
}


def add_picture_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    uploads = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.UPLOAD_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)

    @router.post(
        "/v1/seal-pictures",
        status_code=201,
        name="hand_in_seal_picture",
        summary="Hand in a picture of one's own, for an application",
        description="The file is read, checked and written anew; warnings keep nobody from using it. GET /v1/seal-papers/{id} shows it.",
        response_model=PictureAnswer,
        responses={201: CREATED, **problem_answers(400, 401, 403, 409, 413, 422, 429, 503)},
        openapi_extra=_BODY,
        tags=_TAGS,
    )
    @needs(SCOPE_APPLY)
    async def create_picture(
        request: Request, response: Response, key: IdempotencyKey = None, accept_language: Annotated[str | None, Header()] = None
    ) -> PictureAnswer:
        with uploads.take(caller_of(request).holder) as held:
            form = await read_form(
                request,
                files={"picture"},
                fields={"width_mm", "paper_removed"},
                file_bytes_max=BYTES_MAX,
                field_bytes_max=limits.FORM_FIELD_BYTES,
                held=held,
            )
            part = form.files.get("picture")
            if part is None or not part.content:
                raise document_missing()
            is_paper_removed = _YES_NO.get(form.fields.get("paper_removed", ""))
            if is_paper_removed is None:
                raise field_unacceptable("paper_removed", "true or false")
            width_mm = _read_width(form.fields.get("width_mm", ""))
            hand_in = partial(
                hand_in_picture,
                context,
                caller_of(request),
                part.content,
                width_mm=width_mm,
                is_paper_removed=is_paper_removed,
                idempotency_key=key,
            )
            paper, picture = await anyio.to_thread.run_sync(hand_in)
            response.headers["location"] = f"/v1/seal-papers/{paper.id}"
            language = language_of(accept_language)
            return PictureAnswer(
                id=paper.id,
                digest=paper.digest,
                size_bytes=paper.size_bytes,
                width_mm=picture.width_mm,
                height_mm=round(picture.height_mm, 2),
                width_px=picture.width_px,
                height_px=picture.height_px,
                warnings=[write_warning(warning, language) for warning in picture.warnings],
            )


def _read_width(text: str) -> float:
    """Millimetres of a form's field; its limits are checked with the picture. Raises TrustError FIELD_UNACCEPTABLE."""
    try:
        width_mm = float(text)
    except ValueError:
        raise field_unacceptable("width_mm", "a number of millimetres") from None
    if not 0 < width_mm < float("inf"):
        raise field_unacceptable("width_mm", "a number of millimetres")
    return width_mm
