"""The demonstration's further seals: one for each place in the life of a seal, with papers, grants, uses and a use that was refused.

Every step is taken by the person whose office it is, through the same actions as over HTTP. ``ensure_seals`` goes on from wherever a run before
was cut off; once it has finished, ``prepare`` does not call it again, so that whatever a reader does to these seals stays.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.expire_seals import expire_seals
from seal_service.actions.file_seal import file_seal
from seal_service.actions.find_applications import hand_in_paper, list_applications
from seal_service.actions.find_seals import find_seal, list_grants, list_seals
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.note_refusal import refusals_noted
from seal_service.actions.record_making import FILING_TOPIC
from seal_service.actions.record_use import User
from seal_service.actions.review_application import review_application
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.limits import PAGE_SIZE_MAX
from seal_service.model import APPLICATION_LIFE, OPEN_APPLICATIONS, ApplicationKind, ApplicationState, SealState, transition_named
from service_kit.outbox import Outbox
from standards.errors import TrustError
from yinxin.demo.document import ORGANISATION, SEAL_KEYWORD
from yinxin.demo.people import APPLICANT, MAKER, REVIEWER, USER
from yinxin.pki.actions.issue_certificate import issue_certificate
from yinxin.pki.model import subject_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crypto.authority import Profile
    from crypto.certificates import Certificate
    from seal_service.model import Application, Seal
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext
    from yinxin.assembly import House

REASON: Final = "机构设立，按演示决定第1号申请 Set up by decision 1 (demonstration)"
DOCUMENT_TYPE: Final = "办结通知 notice"
USES_MAX: Final = 50
OFFICE_HOURS: Final = (8 * 60, 18 * 60)
SHORT_LIFE: Final = timedelta(seconds=1)  # of the certificate of the seal that is to be over


@dataclass(frozen=True, slots=True)
class Plan:
    """A seal and how far it is to come. ``goal``: of the application, or of the seal. ``reason``: of the last step."""

    purpose: str
    type_code: str
    goal: ApplicationState | SealState
    reason: str = ""
    mongolian: str = ""


IN_USE: Final = "合同专用章"
FROZEN: Final = "业务专用章"
PLANS: Final = (
    Plan(IN_USE, "4", SealState.ACTIVE),
    Plan(
        FROZEN, "6", SealState.FROZEN, "保管人报告印章介质可能外借，先行冻结 Its keeper reports that it may have been lent (demonstration)"
    ),
    Plan("行政审批专用章", "99", SealState.EXPIRED),
    Plan("旧版公章", "1", SealState.CANCELLED, "机构更名，原印章作废 The office was renamed (demonstration)"),
    Plan("法定代表人名章", "5", SealState.ISSUED),
    Plan("发票专用章", "3", ApplicationState.REVIEWED, "材料齐全，同意 Papers complete (demonstration)"),
    Plan("财务专用章", "2", ApplicationState.APPLIED),
    Plan("会议专用章", "99", ApplicationState.REJECTED, "会议不单独刻章，请使用公章 No seal of its own for meetings (demonstration)"),
)
_STEPS: Final = {SealState.FILED: ("issue", MAKER), SealState.ISSUED: ("activate", USER)}
_ENDS: Final = {SealState.FROZEN: "freeze", SealState.CANCELLED: "revoke"}


@dataclass(frozen=True, slots=True)
class _ShortLived:
    """The deployment's authority, for a certificate that is over at once: so that there is a seal to show whose time has passed."""

    house: House

    def issue(self, *, common_name: str, organisation: str, spki_der: bytes, profile: Profile, actor: str) -> Certificate:
        from crypto.certificate_requests import SubjectRequest

        request = SubjectRequest(subject_name(common_name, organisation), spki_der)
        until = self.house.register.clock.now() + SHORT_LIFE
        return issue_certificate(self.house.register, self.house.authorities.issuing, request, profile, actor=actor, until=until)

    def chain(self) -> tuple[Certificate, ...]:
        return self.house.context.issuer.chain()

    def revoke(self, serial: int, *, reason: str, actor: str) -> None:
        self.house.context.issuer.revoke(serial, reason=reason, actor=actor)


def ensure_seals(house: House, callers: Mapping[str, Caller], credit_code: str, document: bytes) -> None:
    """Bring every seal of the plans to where it is to be, and the one in use into use. ``callers``: by the login of the person."""
    context = house.context
    for plan in PLANS:
        application = _ensure_application(context, callers[APPLICANT], callers[USER], plan, credit_code)
        _bring(house, callers, plan, application)
    _ensure_change(context, callers[APPLICANT])
    _use(context, callers, document)


def finish_seals(context: ServiceContext) -> None:
    """What only time does: the seal whose certificate is over expires."""
    expire_seals(context)


def _ensure_application(context: ServiceContext, applicant: Caller, user: Caller, plan: Plan, credit_code: str) -> Application:
    for each in list_applications(context, applicant, after="", limit=PAGE_SIZE_MAX):
        if each.kind is ApplicationKind.NEW and each.purpose == plan.purpose:
            return each
    paper = hand_in_paper(context, applicant, f"{plan.purpose}-申请材料.txt", _paper_of(plan))
    order = ApplicationOrder(
        ApplicationKind.NEW,
        REASON,
        organisation=ORGANISATION,
        credit_code=credit_code,
        purpose=plan.purpose,
        type_code=plan.type_code,
        managers=(applicant.holder,),
        users=(user.holder,),
        papers=(paper.id,),
    )
    return apply_for_seal(context, applicant, order)


def _paper_of(plan: Plan) -> bytes:
    lines = (
        "演示材料，内容均为虚构 Demonstration, everything invented",
        f"刻制事由：{ORGANISATION} {plan.purpose}",
        "批准文号：演示〔2026〕1号",
    )
    return "\n".join(lines).encode()


def _bring(house: House, callers: Mapping[str, Caller], plan: Plan, application: Application) -> None:
    """One step after the other, by what is on record now."""
    context = house.context
    if plan.goal is SealState.EXPIRED:
        context = replace(context, issuer=_ShortLived(house))
    # 1. Review by somebody else.
    if application.state is ApplicationState.APPLIED and plan.goal is not ApplicationState.APPLIED:
        step = "reject" if plan.goal is ApplicationState.REJECTED else "approve"
        reason = plan.reason if isinstance(plan.goal, ApplicationState) else "材料齐全，同意 Papers complete (demonstration)"
        application = review_application(
            context, callers[REVIEWER], application.id, transition_named(step, APPLICATION_LIFE), reason=reason
        )
    if isinstance(plan.goal, ApplicationState):
        return
    # 2. Making by a third, and the file of the region.
    seal = make_approved_seal(context, callers[MAKER], application.id)
    filing = Outbox(context.database, context.clock, {FILING_TOPIC: partial(file_seal, context)})
    while seal.state is SealState.MADE and filing.run_once():
        seal, _ = find_seal(context, callers[MAKER], seal.id)
    # 3. Issued, accepted, and what came of it.
    while seal.state in _STEPS and seal.state is not plan.goal:
        name, who = _STEPS[seal.state]
        seal = change_seal_state(context, callers[who], seal.id, transition_named(name), reason="")
    if seal.state is SealState.ACTIVE and plan.goal in _ENDS:
        change_seal_state(context, callers[APPLICANT], seal.id, transition_named(_ENDS[plan.goal]), reason=plan.reason)


def _seals_by_purpose(context: ServiceContext, manager: Caller) -> dict[str, Seal]:
    return {each.purpose: each for each in list_seals(context, manager, after="", limit=PAGE_SIZE_MAX)}


def _ensure_change(context: ServiceContext, applicant: Caller) -> None:
    """An application about the seal in use, for a reviewer to see beside it."""
    seal = _seals_by_purpose(context, applicant)[IN_USE]
    made = list_applications(context, applicant, after="", limit=PAGE_SIZE_MAX)
    if not any(each.seal_id == seal.id and each.state in OPEN_APPLICATIONS for each in made):
        order = ApplicationOrder(
            ApplicationKind.CHANGE,
            "业务范围调整，印章名称随之变更 Its business has changed (demonstration)",
            seal_id=seal.id,
            purpose="合同业务专用章",
            type_code=seal.type_code,
        )
        apply_for_seal(context, applicant, order)


def _use(context: ServiceContext, callers: Mapping[str, Caller], document: bytes) -> None:
    """Two uses on record, a grant within limits, and one use that is refused: supervision shows it."""
    manager, user = callers[APPLICANT], callers[USER]
    seals = _seals_by_purpose(context, manager)
    by = User(user.client_id, user.actor, holder=user.holder, human=user.human)
    granted = list_grants(context, manager, seals[IN_USE].id, after="", limit=PAGE_SIZE_MAX)
    if not any(each.holder == user.client_id and each.revoked_at is None for each in granted):
        for place in (SealOrder(document, keyword=SEAL_KEYWORD), SealOrder(document, page=1, x_mm=140, y_mm=60)):
            seal_document(context, by, seals[IN_USE].id, replace(place, document_type=DOCUMENT_TYPE))
        begin, end = OFFICE_HOURS
        within = GrantOrder(
            user.client_id,
            forms=frozenset({"pdf", "ofd"}),
            document_types=frozenset({DOCUMENT_TYPE}),
            uses_max=USES_MAX,
            valid_until=_in_a_year(context.clock.now()),
            from_minute=begin,
            until_minute=end,
            reason="窗口系统日常用印 Daily work of the counters (demonstration)",
        )
        grant_seal_within(context, manager, seals[IN_USE].id, within, if_version=None)
        with suppress(TrustError), refusals_noted(context, by, seals[FROZEN].id):
            seal_document(context, by, seals[FROZEN].id, SealOrder(document, keyword=SEAL_KEYWORD))


def _in_a_year(at: datetime) -> datetime:
    return at + timedelta(days=365)
