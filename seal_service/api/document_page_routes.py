"""Pictures of the pages of a document, before a seal is put on them."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from seal_service import limits
from seal_service.actions.draw_pages import draw_pages
from seal_service.api.bodies import read_document
from seal_service.model import SCOPE_USE
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.problems import problem_answers

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

_PAGES_MAX: Final = 100_000  # counted further, a page number is a mistake
_WIDTH_PX: Final = 800
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["document"],
                    "additionalProperties": False,
                    "properties": {"document": {"type": "string", "format": "binary", "description": "A PDF or OFD."}},
                }
            }
        },
    }
}


class PagePictureAnswer(BaseModel):
    """A page as it is seen. Placements are in millimetres from its lower-left corner."""

    page: int
    width_mm: float
    height_mm: float
    png: Annotated[str, Field(description="PNG in base64, seals that are there included.")]


class PagePicturesAnswer(BaseModel):
    """Pictures of the pages asked for. ``next_first``: the value of ``first`` for those that follow, null after the last page."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "media_type": "application/pdf",
                    "pages": 1,
                    "pictures": [{"page": 1, "width_mm": 210.0, "height_mm": 297.0, "png": "iVBORw0KGgo="}],
                    "next_first": None,
                }
            ]
        }
    )

    media_type: str
    pages: Annotated[int, Field(description="In the document.")]
    pictures: list[PagePictureAnswer]
    next_first: int | None


def add_document_page_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    drawing = Admission(places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    document_bytes = min(limits.DOCUMENT_BYTES, context.settings.limits.body_bytes)
    threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))

    @router.post(
        "/v1/documents/page-pictures",
        name="draw_document_pages",
        summary="Pictures of the pages of a document, to place a seal on",
        description="Nothing is stored. Fewer pictures than asked for come back where they would be too large together.",
        response_model=PagePicturesAnswer,
        responses=problem_answers(400, 401, 403, 413, 422, 429),
        openapi_extra=_BODY,
        tags=["sealing"],
    )
    @needs(SCOPE_USE)
    async def create_page_pictures(
        request: Request,
        first: Annotated[int, Query(ge=1, le=_PAGES_MAX, description="The first page to draw.")] = 1,
        count: Annotated[int, Query(ge=1, le=limits.PAGE_PICTURES)] = 1,
        width_px: Annotated[int, Query(ge=limits.PAGE_PICTURE_WIDTH_PX_MIN, le=limits.PAGE_PICTURE_WIDTH_PX)] = _WIDTH_PX,
    ) -> Response:
        with drawing.take(caller_of(request).holder) as held:
            form = await read_form(
                request,
                files={"document"},
                fields=set(),
                file_bytes_max=document_bytes,
                field_bytes_max=limits.FORM_FIELD_BYTES,
                held=held,
            )
            draw = partial(draw_pages, read_document(form), first=first, count=count, width_px=width_px)
            drawn = await anyio.to_thread.run_sync(draw, limiter=threads)
        following = drawn.pictures[-1].page + 1
        answer = PagePicturesAnswer(
            media_type=drawn.media_type,
            pages=drawn.pages,
            pictures=[
                PagePictureAnswer(
                    page=each.page,
                    width_mm=round(each.width_mm, 2),
                    height_mm=round(each.height_mm, 2),
                    png=base64.b64encode(each.png).decode("ascii"),
                )
                for each in drawn.pictures
            ],
            next_first=following if following <= drawn.pages else None,
        )
        return Response(answer.model_dump_json(), media_type="application/json", headers={"cache-control": "no-store"})
