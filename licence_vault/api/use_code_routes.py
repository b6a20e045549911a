"""Use codes (用证码): how a department's system gets them by duty and uses them, and how a holder grants and entrusts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from licence_vault import limits
from licence_vault.actions import entrust_use
from licence_vault.actions.consent_to_use import Consent, consent_to_use
from licence_vault.actions.entrust_use import EntrustmentOrder
from licence_vault.actions.grant_by_duty import DutyOrder, grant_by_duty
from licence_vault.actions.redeem_use_code import redeem_use_code
from licence_vault.api.parameters import EntrustmentBefore  # noqa: TC001 - FastAPI reads the annotations at run time
from licence_vault.api.use_shapes import (
    ConsentBody,
    DutyBody,
    EntrustmentAnswer,
    EntrustmentBody,
    EntrustmentList,
    GrantedAnswer,
    GrantedList,
    RedeemBody,
    UsedAnswer,
    write_entrustment,
    write_granted,
)
from licence_vault.errors import field_unacceptable
from licence_vault.uses import SCOPE_OWN, SCOPE_USE
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers

if TYPE_CHECKING:
    from licence_vault.actions.use_desk import UseDesk

_TAGS: Final[list[Any]] = ["licence use"]
EntrustmentId = Annotated[str, Path(pattern=r"^en_[0-9a-f]{24}$", description="Identifier of the entrustment.")]


def add_use_code_routes(router: APIRouter, desk: UseDesk) -> None:
    """Add them to the service's router."""

    @router.post(
        "/v1/licence-use-codes",
        status_code=201,
        name="grant_licence_use_by_duty",
        summary="Be given use codes by duty, for an officer who is named",
        description="Without the holder, who sees it. One code for each licence of the type that is in force; each counts once, ten minutes.",
        response_model=GrantedList,
        responses=problem_answers(400, 401, 403, 404, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def grant(request: Request, body: DutyBody, response: Response) -> GrantedList:
        order = DutyOrder(body.type, body.holder.to_pair(), body.purpose, body.officer.to_officer(), body.service_item)
        response.headers["cache-control"] = "no-store"
        return GrantedList(codes=[write_granted(each.granted) for each in grant_by_duty(desk, caller_of(request), order)])

    @router.post(
        "/v1/licence-use-codes/redeem",
        name="redeem_licence_use_code",
        summary="Use a code: what the licence says, once",
        response_model=UsedAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_USE)
    def redeem(request: Request, body: RedeemBody, response: Response) -> UsedAnswer:
        used = redeem_use_code(desk, caller_of(request), body.code, purpose=body.purpose)
        response.headers["cache-control"] = "no-store"
        return UsedAnswer(licence=used.record.id, mode=used.code.mode, state=used.record.state, data=used.data.as_json())

    @router.post(
        "/v1/my/use-consents",
        status_code=201,
        name="consent_to_licence_use",
        summary="Let a system use a licence of one's own, or in one's power, once",
        response_model=GrantedAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def consent(request: Request, body: ConsentBody, response: Response) -> GrantedAnswer:
        granted = consent_to_use(desk, caller_of(request), Consent(body.licence, body.client, body.purpose, body.service_item))
        response.headers["cache-control"] = "no-store"
        return write_granted(granted)

    @router.post(
        "/v1/my/licence-entrustments",
        status_code=201,
        name="entrust_licence_use",
        summary="Let somebody else grant use codes for one's licences of a type, until a day",
        description="Whom one entrusted with it already stays so for longer: the answer is that entrustment, with its new end.",
        response_model=EntrustmentAnswer,
        responses=problem_answers(400, 401, 403, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def entrust(request: Request, body: EntrustmentBody) -> EntrustmentAnswer:
        if body.until.tzinfo is None:
            raise field_unacceptable("until", "a time with its offset")
        holder = None if body.holder is None else body.holder.to_pair()
        order = EntrustmentOrder(body.agent.to_pair(), body.type, body.until, body.reason, holder)
        return write_entrustment(entrust_use.entrust_use(desk, caller_of(request), order))

    @router.get(
        "/v1/my/licence-entrustments",
        name="list_licence_entrustments",
        summary="List whom one entrusted with what",
        response_model=EntrustmentList,
        description="Those that stand are all on the first page; `limit` is of the others.",
        responses=problem_answers(401, 403, 404, 422),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def read_entrustments(
        request: Request,
        before: EntrustmentBefore = None,
        limit: Annotated[int, Query(ge=1, le=limits.PAGE_SIZE_MAX)] = limits.PAGE_SIZE,
    ) -> EntrustmentList:
        found = entrust_use.list_entrustments(desk, caller_of(request), before=before, limit=limit)
        return EntrustmentList(
            entrustments=[write_entrustment(each) for each in (*found.standing, *found.past)],
            next_before=found.past[-1].id if len(found.past) == limit else None,
        )

    @router.delete(
        "/v1/my/licence-entrustments/{entrustment_id}",
        status_code=204,
        name="end_licence_entrustment",
        summary="End an entrustment; codes granted by it count no more",
        responses=problem_answers(401, 403, 404),
        tags=_TAGS,
    )
    @needs(SCOPE_OWN)
    def delete_entrustment(request: Request, entrustment_id: EntrustmentId) -> None:
        entrust_use.end_entrustment(desk, caller_of(request), entrustment_id)
