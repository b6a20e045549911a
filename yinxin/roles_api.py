"""Who administers what, over HTTP. The first security administrator is appointed at the command line (``yinxin roles``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

import seal_service.service
from seal_service.ports import ACTING_PEOPLE
from service_kit.callers import may_be_one
from service_kit.composition import caller_of, needs
from service_kit.duties import duties_of, give_duty, list_duty_holders, take_duty
from service_kit.json_bodies import JsonRoute
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.roles import REASON_CHARACTERS, ROLES_MANAGE, Role, appoint, dismiss, list_role_holders, role_at_work, role_of
from service_kit.written_times import WrittenUtc, write_utc
from standards.errors import Kind, TrustError
from yinxin.duties import DUTIES, ME

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

ROLES_READ: Final = "roles.read"
SCOPES: Final = {
    ROLES_READ: "See who holds which role of administrator.",
    ROLES_MANAGE: "Appoint and dismiss administrators: for security administrators only.",
}
PAGE_HOLDERS_MAX: Final = 200


class Appointment(RequestShape):
    """Which role, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "audit", "reason": "appointed by decision 12"}]})

    role: Annotated[Role, Field(strict=False)]
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS)


class Dismissal(RequestShape):
    """Why a role is taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "has left the office"}]})

    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS)


class Giving(RequestShape):
    """Why a duty is given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "takes over the seals of the office"}]})

    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS)


class MeView(BaseModel):
    """Who calls, and what he may do here. `powers`: over any seal at all; a standing grant of use counts as `use`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "holder": "person:pe_0f3c5a7e9b1d",
                    "role": None,
                    "duties": ["seal-applicant"],
                    "powers": ["manage"],
                    "scopes": ["me.read", "seal.apply", "seal.manage", "seal.read"],
                }
            ]
        }
    )

    holder: str
    role: Role | None
    duties: list[str]
    powers: list[str]
    scopes: list[str]


class DutyView(BaseModel):
    """One duty that may be given, and the scopes that come with it at the deployment's own pages."""

    name: str
    title_zh: str
    title_en: str
    scopes: list[str]


class DutyHolderView(BaseModel):
    """Who has a duty."""

    holder: str
    duty: str
    given_by: str
    given_at: WrittenUtc = Field(description="UTC, RFC 3339")
    reason: str
    is_altered: bool = Field(
        default=False, description="Written to the database past the program: it does not count. Take it, and look into it."
    )


class DutyHolderPage(BaseModel):
    """Duties in the order of holders and names; `next_after` is null on the last page. `duties`: those that may be given."""

    duty_holders: list[DutyHolderView]
    duties: list[DutyView]
    next_after: str | None


class RoleHolderView(BaseModel):
    """Who holds a role."""

    holder: str
    role: Role
    appointed_by: str
    appointed_at: WrittenUtc = Field(description="UTC, RFC 3339")
    reason: str
    is_altered: bool = Field(
        default=False, description="Written to the database past the program: it does not count. `yinxin roles dismiss` takes it away."
    )


class RoleHolderPage(BaseModel):
    """Holders in the order of their names; `next_after` is null on the last page."""

    role_holders: list[RoleHolderView]
    next_after: str | None


def make_router(
    context: ServiceContext, is_bound: Callable[[Connection, str], bool], is_known: Callable[[Connection, str], bool] | None
) -> APIRouter:
    """The routes. ``is_bound``, ``is_known``: as in ``service_kit.roles.appoint``."""
    router = APIRouter(tags=["roles"], route_class=JsonRoute)

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
                appointed_at=write_utc(each.appointed_at),
                reason=each.reason,
                is_altered=each.is_altered,
            )
            for each in found[:limit]
        ]
        return RoleHolderPage(role_holders=page, next_after=page[-1].holder if len(found) > limit else None)

    @router.put(
        "/v1/role-holders/{holder}",
        status_code=204,
        name="appoint_role_holder",
        summary="Appoint a system or audit administrator",
        responses=problem_answers(409),
    )
    @needs(ROLES_MANAGE)
    def put_holder(request: Request, holder: Annotated[str, Path(max_length=255)], body: Appointment) -> None:
        caller = caller_of(request)

        def work(connection: Connection) -> None:
            _check(context, connection, caller, holder, body.role)
            appoint(
                connection,
                context.audit,
                holder,
                body.role,
                is_bound=is_bound,
                is_known=is_known,
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
            _check(context, connection, caller, holder, role_of(connection, holder))
            dismiss(connection, context.audit, holder, actor=caller.actor, reason=body.reason, at=context.clock.now())

        context.database.write(work)

    _add_duty_routes(router, context, is_known)
    return router


def _add_duty_routes(router: APIRouter, context: ServiceContext, is_known: Callable[[Connection, str], bool] | None) -> None:
    @router.get("/v1/me", name="show_me", summary="Who one is here and what one may do", response_model=MeView)
    @needs(ME)
    def read_me(request: Request) -> MeView:
        caller = caller_of(request)
        with context.database.read() as connection:
            return MeView(
                holder=caller.holder,
                role=role_at_work(connection, caller),
                duties=list(duties_of(connection, caller.holder)),
                powers=sorted(seal_service.service.held_powers(connection, caller.holder)),
                scopes=sorted(caller.scopes),
            )

    @router.get("/v1/duty-holders", name="list_duty_holders", summary="Who has which duty", response_model=DutyHolderPage)
    @needs(ROLES_READ)
    def read_duties(
        after: Annotated[str, Query(max_length=330, description="The `next_after` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_HOLDERS_MAX)] = 50,
    ) -> DutyHolderPage:
        holder, _, duty = after.rpartition(" ")
        with context.database.read() as connection:
            found = list_duty_holders(connection, after=(holder, duty), limit=limit + 1)
        page = [
            DutyHolderView(
                holder=each.holder,
                duty=each.duty,
                given_by=each.given_by,
                given_at=write_utc(each.given_at),
                reason=each.reason,
                is_altered=each.is_altered,
            )
            for each in found[:limit]
        ]
        known = [
            DutyView(name=each.name, title_zh=each.title_zh, title_en=each.title_en, scopes=list(each.scopes)) for each in DUTIES.values()
        ]
        return DutyHolderPage(
            duty_holders=page, duties=known, next_after=f"{page[-1].holder} {page[-1].duty}" if len(found) > limit else None
        )

    @router.put(
        "/v1/duty-holders/{holder}/{duty}",
        status_code=204,
        name="give_duty",
        summary="Give somebody a duty",
        responses=problem_answers(409),
    )
    @needs(ROLES_MANAGE)
    def put_duty(
        request: Request, holder: Annotated[str, Path(max_length=255)], duty: Annotated[str, Path(max_length=64)], body: Giving
    ) -> None:
        caller = caller_of(request)

        def work(connection: Connection) -> None:
            _check(context, connection, caller, holder, None)
            give_duty(
                connection,
                context.audit,
                holder,
                duty,
                known=DUTIES,
                is_known=is_known,
                actor=caller.actor,
                reason=body.reason,
                at=context.clock.now(),
            )

        context.database.write(work)

    @router.post("/v1/duty-holders/{holder}/{duty}/take", status_code=204, name="take_duty", summary="Take a duty back")
    @needs(ROLES_MANAGE)
    def end_duty(
        request: Request, holder: Annotated[str, Path(max_length=255)], duty: Annotated[str, Path(max_length=64)], body: Dismissal
    ) -> None:
        caller = caller_of(request)

        def work(connection: Connection) -> None:
            _check(context, connection, caller, holder, None)
            take_duty(connection, context.audit, holder, duty, actor=caller.actor, reason=body.reason, at=context.clock.now())

        context.database.write(work)


def _check(context: ServiceContext, connection: Connection, caller: Caller, holder: str, role: Role | None) -> None:
    """Only a security administrator, never about himself or an organisation that he may act for, and never about security administrators: these
    are made at the command line.
    """
    if role_at_work(connection, caller) is not Role.SECURITY:
        raise TrustError(Kind.FORBIDDEN, "ROLE_MISSING", role=Role.SECURITY.value)
    acting = ACTING_PEOPLE.of(context)
    is_his = acting is not None and acting.may_act(connection, caller.human, holder, context.clock.now())
    if may_be_one(caller, holder) or is_his or role is Role.SECURITY:
        raise TrustError(Kind.FORBIDDEN, "ROLE_OF_ONE_SELF")
