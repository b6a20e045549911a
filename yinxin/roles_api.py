"""Who administers what, over HTTP. The first security administrator is appointed at the command line (``yinxin roles``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from service_kit.callers import may_be_one
from service_kit.composition import caller_of, needs
from service_kit.roles import REASON_CHARACTERS, Role, appoint, dismiss, list_role_holders, role_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

ROLES_READ: Final = "roles.read"
ROLES_MANAGE: Final = "roles.manage"
SCOPES: Final = {
    ROLES_READ: "See who holds which role of administrator.",
    ROLES_MANAGE: "Appoint and dismiss administrators: for security administrators only.",
}
PAGE_HOLDERS_MAX: Final = 200


class Appointment(BaseModel):
    """Which role, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"role": "audit", "reason": "appointed by decision 12"}]})

    role: Role
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS)


class Dismissal(BaseModel):
    """Why a role is taken."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "has left the office"}]})

    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS)


class RoleHolderView(BaseModel):
    """Who holds a role."""

    holder: str
    role: Role
    appointed_by: str
    appointed_at: str = Field(description="UTC, RFC 3339")
    reason: str


class RoleHolderPage(BaseModel):
    """Holders in the order of their names; `next_after` is null on the last page."""

    role_holders: list[RoleHolderView]
    next_after: str | None


def make_router(context: ServiceContext, is_bound: Callable[[Connection, str], bool]) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["roles"])

    @router.get("/v1/role-holders", name="list_role_holders", summary="Who administers what", response_model=RoleHolderPage)
    @needs(ROLES_READ)
    def read_holders(
        after: Annotated[str, Query(max_length=255)] = "", limit: Annotated[int, Query(ge=1, le=PAGE_HOLDERS_MAX)] = 50
    ) -> RoleHolderPage:
        with context.database.read() as connection:
            found = list_role_holders(connection, after=after, limit=limit + 1)
        page = [
            RoleHolderView(
                holder=each.holder,
                role=each.role,
                appointed_by=each.appointed_by,
                appointed_at=each.appointed_at.isoformat(timespec="seconds"),
                reason=each.reason,
            )
            for each in found[:limit]
        ]
        return RoleHolderPage(role_holders=page, next_after=page[-1].holder if len(found) > limit else None)

    @router.put("/v1/role-holders/{holder}", status_code=204, name="appoint_role_holder", summary="Appoint a system or audit administrator")
    @needs(ROLES_MANAGE)
    def put_holder(request: Request, holder: Annotated[str, Path(max_length=255)], body: Appointment) -> None:
        caller = caller_of(request)

        def work(connection: Connection) -> None:
            _check(connection, caller, holder, body.role)
            appoint(
                connection,
                context.audit,
                holder,
                body.role,
                is_bound=is_bound,
                actor=caller.actor,
                reason=body.reason,
                at=context.clock.now(),
            )

        context.database.write(work)

    @router.post("/v1/role-holders/{holder}/dismiss", status_code=204, name="dismiss_role_holder", summary="End an appointment")
    @needs(ROLES_MANAGE)
    def end_holder(request: Request, holder: Annotated[str, Path(max_length=255)], body: Dismissal) -> None:
        caller = caller_of(request)

        def work(connection: Connection) -> None:
            _check(connection, caller, holder, role_of(connection, holder))
            dismiss(connection, context.audit, holder, actor=caller.actor, reason=body.reason, at=context.clock.now())

        context.database.write(work)

    return router


def _check(connection: Connection, caller: Caller, holder: str, role: Role | None) -> None:
    """Only a security administrator, never about himself, and never about security administrators: these are made at the command line."""
    if role_of(connection, caller.holder) is not Role.SECURITY:
        raise TrustError(Kind.FORBIDDEN, "ROLE_MISSING", role=Role.SECURITY.value)
    if may_be_one(caller, holder) or role is Role.SECURITY:
        raise TrustError(Kind.FORBIDDEN, "ROLE_OF_ONE_SELF")
