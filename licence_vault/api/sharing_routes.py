"""Which system may use licences of others, of which type, and how."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions import permit_sharing
from licence_vault.api.parameters import TypeCode, etag_of
from licence_vault.errors import field_unacceptable
from licence_vault.model import SCOPE_ADMIN
from licence_vault.uses import ShareRight, UseMode
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IfMatch, read_if_match
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from licence_vault.uses import SharingPermission
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["licence sharing"]
_EXAMPLE: Final[dict[str, Any]] = {"modes": ["consented", "duty"], "rights": ["query", "verify"], "reason": "不动产登记，依据数据共享协议"}
ClientId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.~-]+$", description="The system, as it is registered.")]


class SharingBody(RequestShape):
    """What a system may do with licences of a type."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    modes: Annotated[
        frozenset[Annotated[UseMode, Field(strict=False)]],
        Field(strict=False, min_length=1, description="Within the sharing rule of the type itself."),
    ]
    rights: Annotated[frozenset[Annotated[ShareRight, Field(strict=False)]], Field(strict=False, min_length=1)]
    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS, description="On what ground; audited.")]


class SharingAnswer(BaseModel):
    """A permission."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client": "cl_registry",
                    "type": "11150700MB1234562Q901",
                    **_EXAMPLE,
                    "given_by": "person:pe_1",
                    "given_at": "2026-11-28T09:00:00Z",
                }
            ]
        }
    )

    client: str
    type: str
    modes: list[str]
    rights: list[str]
    reason: str
    given_by: str
    given_at: datetime
    is_altered: Annotated[
        bool, Field(description="Written to the database past the program: it permits nothing. Withdraw it, or permit it anew.")
    ] = False


class SharingList(BaseModel):
    """Permissions by client and type."""

    permissions: list[SharingAnswer]
    next_after: str | None


def write_sharing(permission: SharingPermission) -> SharingAnswer:
    """As it goes over the wire."""
    return SharingAnswer(
        client=permission.client_id,
        type=permission.type_code,
        modes=sorted(permission.modes),
        rights=sorted(permission.rights),
        reason=permission.reason,
        given_by=permission.given_by,
        given_at=permission.given_at,
        is_altered=permission.is_altered,
    )


def add_sharing_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""

    @router.put(
        "/v1/licence-sharing/{client_id}/{type_code}",
        name="permit_licence_sharing",
        summary="Let a system use licences of a type, or change how it may",
        description="A system that is registered; where another deployment keeps the systems its name is taken as it is given.",
        response_model=SharingAnswer,
        responses=problem_answers(400, 401, 403, 409, 412, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def put_sharing(
        request: Request, client_id: ClientId, type_code: TypeCode, body: SharingBody, response: Response, if_match: IfMatch = None
    ) -> SharingAnswer:
        if UseMode.OWN in body.modes:
            raise field_unacceptable("modes", "how others may use it")
        order = permit_sharing.SharingOrder(client_id, type_code, body.modes, body.rights, body.reason)
        permission = permit_sharing.permit_sharing(context, caller_of(request), order, if_revision=read_if_match(if_match))
        response.headers["etag"] = etag_of(permission)
        return write_sharing(permission)

    @router.get(
        "/v1/licence-sharing/{client_id}/{type_code}",
        name="show_licence_sharing",
        summary="What a system may do with licences of a type",
        response_model=SharingAnswer,
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def read_sharing(client_id: ClientId, type_code: TypeCode, response: Response) -> SharingAnswer:
        permission = permit_sharing.find_sharing(context, client_id, type_code)
        response.headers["etag"] = etag_of(permission)
        return write_sharing(permission)

    @router.get(
        "/v1/licence-sharing",
        name="list_licence_sharing",
        summary="List who may use licences of others",
        response_model=SharingList,
        responses=problem_answers(401, 403, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def read_list(
        client: Annotated[str | None, Query(max_length=128, description="Of this system only.")] = None,
        after: Annotated[
            str, Query(max_length=150, pattern=r"^([^/]+/[0-9A-Z]{21})?$", description="The `next_after` of the page before.")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> SharingList:
        behind_client, _, behind_type = after.rpartition("/")
        found = permit_sharing.list_sharing(context, client_id=client, after=(behind_client, behind_type), limit=limit + 1)
        page = found[:limit]
        last = f"{page[-1].client_id}/{page[-1].type_code}" if len(found) > limit else None
        return SharingList(permissions=[write_sharing(each) for each in page], next_after=last)

    @router.delete(
        "/v1/licence-sharing/{client_id}/{type_code}",
        status_code=204,
        name="withdraw_licence_sharing",
        summary="Let a system use licences of a type no more",
        description="From the very next request on; use codes that were given before do not outlive it.",
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_ADMIN)
    def delete_sharing(request: Request, client_id: ClientId, type_code: TypeCode) -> None:
        permit_sharing.withdraw_sharing(context, caller_of(request), client_id, type_code)
