"""Directories that this one follows: declared, looked at, called and removed. The work itself is the job's; no request waits for another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from idp.actions.follow_desk import add_source, hasten_source, remove_source
from idp.actions.source_status import view_source, view_sources
from idp.api.scim_routes import MANAGE
from idp.model.changes import SubjectKind
from idp.model.follow import VALUE_CHARACTERS_MAX, read_source
from service_kit.composition import caller_of, needs
from service_kit.problems import CREATED, problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.written_times import WrittenUtc  # noqa: TC001 - pydantic reads the annotations at run time

if TYPE_CHECKING:
    from idp.actions.follow_desk import FollowDesk

_EXAMPLE: Final[dict[str, Any]] = {
    "code": "province",
    "protocol": "feed",
    "base_url": "https://trust.province.example",
    "client_id": "city-directory",
    "client_secret": "kept-sealed",
    "kinds": ["person", "organisation"],
    "areas": ["1507"],
}
Code = Annotated[str, Path(max_length=32)]
Text = Annotated[str, Field(max_length=VALUE_CHARACTERS_MAX)]


class SourceShape(RequestShape):
    """A directory to follow. What is left out is as `docs/reference/directory.md` says."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    code: str = Field(max_length=32, description="Its name here: lower case, one directory's for ever.")
    protocol: Literal["feed", "scim"] = Field(description="`feed`: another Yinxin; `scim`: any server of SCIM 2.0.")
    base_url: Text = Field(description="Without a slash at its end; `https`, or this machine.")
    token_url: Text = ""
    client_id: Text = ""
    client_secret: Text = Field(default="", description="Empty with a `client_id`: a key is made here, to be registered there.")
    scope: Text | None = None
    kinds: list[Annotated[SubjectKind, Field(strict=False)]] = Field(default=[SubjectKind.PERSON, SubjectKind.ORGANISATION], max_length=3)
    areas: list[str] = Field(default=[], max_length=64, description="Beginnings of areas (GB/T 2260); empty: all.")
    fields: dict[str, str] = Field(
        default={}, description="Column of an import -> where it stands in what the source tells; empty: left out."
    )
    believed_level: int = Field(default=0, description="Up to which level its word is evidence for new accounts; 0: it is not.")
    interval_seconds: int = 60
    reconcile_hours: int = 24


class SourceView(BaseModel):
    """A directory that is followed, and how far it is. Its secret is never shown."""

    code: str
    protocol: str
    base_url: str
    token_url: str
    client_id: str
    public_jwk: dict[str, Any] | None = Field(description="To be registered for the client at the source, where it has no secret.")
    scope: str
    kinds: list[str]
    areas: list[str]
    fields: dict[str, str]
    believed_level: int
    interval_seconds: int
    reconcile_hours: int
    created_at: WrittenUtc = Field(description="UTC, RFC 3339")
    created_by: str
    cursor: str = Field(description="As the source gave it; moved with what it was moved over.")
    current_at: WrittenUtc | None = Field(description="Up to then everything it told is here.")
    lag_seconds: int
    failures: int = Field(description="In a row; each next turn comes later.")
    last_error: str = Field(description="Code of the last turn, empty where it went well.")
    next_at: WrittenUtc
    subjects: dict[str, int] = Field(description="How many are `applied`, `passed` (not for us) or `refused CODE`.")
    report: dict[str, Any] | None = Field(description="Of the last reconciliation.")


class SourceList(BaseModel):
    """All of them, by code."""

    sources: list[SourceView]


def add_follow_routes(router: APIRouter, desk: FollowDesk) -> None:
    """Add them to the service's router."""
    path, tags = "/v1/followed-sources", ["directory"]

    @router.get(path, summary="List the directories that are followed", response_model=SourceList, tags=list(tags))
    @needs(MANAGE)
    def read_sources() -> dict[str, Any]:
        return {"sources": view_sources(desk)}

    @router.post(
        path,
        status_code=201,
        summary="Follow another directory",
        response_model=SourceView,
        tags=list(tags),
        responses={201: CREATED, **problem_answers(409)},
    )
    @needs(MANAGE)
    def create_source(request: Request, body: SourceShape, response: Response) -> dict[str, Any]:
        source = read_source(body.model_dump(mode="json", exclude_none=True))
        add_source(desk, source, actor=caller_of(request).actor, is_operator=False)
        response.headers["location"] = f"{path}/{source.code}"
        return view_source(desk, source.code)

    @router.get(
        path + "/{code}",
        summary="Show how far a directory is followed",
        response_model=SourceView,
        tags=list(tags),
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def read_one(code: Code) -> dict[str, Any]:
        return view_source(desk, code)

    @router.delete(
        path + "/{code}", status_code=204, summary="Follow a directory no longer", tags=list(tags), responses=problem_answers(404)
    )
    @needs(MANAGE)
    def delete_one(request: Request, code: Code) -> None:
        remove_source(desk, code, actor=caller_of(request).actor)

    def call(code: str, *, reconcile: bool) -> dict[str, Any]:
        hasten_source(desk, code, reconcile=reconcile)
        return view_source(desk, code)

    @router.post(
        path + "/{code}/pull",
        status_code=202,
        summary="Ask a followed directory at once",
        response_model=SourceView,
        tags=list(tags),
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def pull(code: Code) -> dict[str, Any]:
        return call(code, reconcile=False)

    @router.post(
        path + "/{code}/reconcile",
        status_code=202,
        summary="Compare everything with a followed directory",
        response_model=SourceView,
        tags=list(tags),
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def reconcile(code: Code) -> dict[str, Any]:
        return call(code, reconcile=True)
