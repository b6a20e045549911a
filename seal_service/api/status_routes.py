"""The published status of seals: for everyone, because whoever is shown a seal must be able to ask."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, Field

from seal_service.actions.publish_status import find_status
from service_kit.composition import public
from service_kit.problems import problem_answers

if TYPE_CHECKING:
    from seal_service.actions.publish_status import StatusPublisher
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["seal status"]
LIST_PATH: Final = "/v1/seal-status-list"
_MEDIA_TYPE: Final = "application/cms"

Code = Annotated[str, Path(pattern=r"^[0-9]{14}$", max_length=14)]


class StatusAnswer(BaseModel):
    """The present status of one seal."""

    code: str
    status: Annotated[int, Field(description="0 valid, 1 expired, 2 frozen, 3 cancelled, as the deployed release systems count them.")]
    meaning: str
    since: datetime


def add_status_routes(router: APIRouter, context: ServiceContext, publisher: StatusPublisher) -> None:
    """Add them to the service's router."""

    @router.get(
        LIST_PATH,
        name="read_seal_status_list",
        summary="The signed list of the status of all seals made here",
        response_class=Response,
        responses={
            200: {"description": "CMS SignedData with the list inside.", "content": {_MEDIA_TYPE: {"schema": {"type": "string"}}}},
            304: {"description": "Unchanged since the ETag in If-None-Match."},
        },
        tags=_TAGS,
    )
    @public("verifiers fetch it; it names seals by code and says nothing of people")
    def read_list(if_none_match: Annotated[str | None, Header(max_length=128)] = None) -> Response:
        number, issued_at, list_der = publisher.current()
        tag = f'"{number}-{int(issued_at.timestamp())}"'
        headers = {"etag": tag, "cache-control": "public, no-cache"}
        if if_none_match == tag:
            return Response(status_code=304, headers=headers)
        return Response(list_der, media_type=_MEDIA_TYPE, headers=headers)

    @router.get(
        "/v1/seal-status/{code}",
        name="read_seal_status",
        summary="The present status of one seal by its code",
        response_model=StatusAnswer,
        responses=problem_answers(404, 422),
        tags=_TAGS,
    )
    @public("whoever is shown a seal may ask whether it is in force")
    def read_status(code: Code, response: Response) -> StatusAnswer:
        record = find_status(context, code)
        response.headers["cache-control"] = "no-store"
        return StatusAnswer(code=code, status=int(record.status), meaning=record.status.name.lower(), since=record.since)
