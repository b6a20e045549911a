"""The life of a licence as data: states, events, and the steps that lead from one to the next (``licence_vault.model`` reads it out)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LicenceState(StrEnum):
    """Where one version of a licence is."""

    DRAFT = "draft"
    ISSUED = "issued"
    SUSPENDED = "suspended"
    REPLACED = "replaced"
    ANNUAL_OVERDUE = "annual_overdue"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    TRANSFERRED = "transferred"


class LicenceEvent(StrEnum):
    """What can happen to a licence. The values stand in the leaves of the public log."""

    MADE = "made"
    ISSUED = "issued"
    CHANGED = "changed"
    EXTENDED = "extended"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    ANNUAL_CHECK = "annual_check"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    TRANSFERRED_OUT = "transferred_out"
    TRANSFERRED_IN = "transferred_in"
    EXPIRED = "expired"
    PRINTED = "printed"
    ANNOTATED = "annotated"


EVENT_NAMES: Final = {
    LicenceEvent.MADE: "制证",
    LicenceEvent.ISSUED: "签发",
    LicenceEvent.CHANGED: "变更",
    LicenceEvent.EXTENDED: "延续",
    LicenceEvent.SUSPENDED: "暂扣",
    LicenceEvent.RESUMED: "发还",
    LicenceEvent.ANNUAL_CHECK: "年检",
    LicenceEvent.CANCELLED: "注销",
    LicenceEvent.REVOKED: "吊销",
    LicenceEvent.WITHDRAWN: "撤销",
    LicenceEvent.TRANSFERRED_OUT: "转出",
    LicenceEvent.TRANSFERRED_IN: "转入",
    LicenceEvent.EXPIRED: "过期",
    LicenceEvent.PRINTED: "打印",
    LicenceEvent.ANNOTATED: "加注件",
}


class TokenStatus:
    """Values in the status lists (two bits)."""

    VALID: Final = 0
    INVALID: Final = 1
    SUSPENDED: Final = 2
    ANNUAL_OVERDUE: Final = 3


@dataclass(frozen=True, slots=True)
class StatusCodes:
    """What a state is called elsewhere. ``region``: certState of the collection interface; ``share``: return code of the share interface;
    ``name_zh``: as a reader sees it.
    """

    region: str
    share: int
    name_zh: str


# Value in the status list. A draft was never released, and the end of validity stands in the licence itself: both say nothing here.
TOKEN_STATUS: Final = {
    LicenceState.DRAFT: TokenStatus.VALID,
    LicenceState.ISSUED: TokenStatus.VALID,
    LicenceState.SUSPENDED: TokenStatus.SUSPENDED,
    LicenceState.REPLACED: TokenStatus.INVALID,
    LicenceState.ANNUAL_OVERDUE: TokenStatus.ANNUAL_OVERDUE,
    LicenceState.EXPIRED: TokenStatus.VALID,
    LicenceState.CANCELLED: TokenStatus.INVALID,
    LicenceState.REVOKED: TokenStatus.INVALID,
    LicenceState.WITHDRAWN: TokenStatus.INVALID,
    LicenceState.TRANSFERRED: TokenStatus.INVALID,
}

# The collection interface of the ministry of housing, where a type's status rule says nothing else. Sibling documents swap the numbers,
# which is why every type may carry its own.
STATUS_CODES: Final = {
    LicenceState.DRAFT: StatusCodes("99", 23, "制证中"),
    LicenceState.ISSUED: StatusCodes("01", 0, "有效"),
    LicenceState.SUSPENDED: StatusCodes("02", 23, "暂扣"),
    LicenceState.REPLACED: StatusCodes("05", 21, "失效"),
    LicenceState.ANNUAL_OVERDUE: StatusCodes("99", 23, "年检未通过"),
    LicenceState.EXPIRED: StatusCodes("05", 22, "过期"),
    LicenceState.CANCELLED: StatusCodes("04", 21, "注销"),
    LicenceState.REVOKED: StatusCodes("07", 21, "吊销"),
    LicenceState.WITHDRAWN: StatusCodes("03", 21, "撤销"),
    LicenceState.TRANSFERRED: StatusCodes("06", 21, "办理转出"),
}


@dataclass(frozen=True, slots=True)
class LicenceStep:
    """One allowed step. ``verb`` is also the last part of the route, None where only the service itself takes it.

    ``operation``: operateType of the collection interface; empty where that knows no such thing. ``needs_successor``: the step is taken on
    the predecessor while its successor is issued.
    """

    name: str
    event: LicenceEvent
    sources: frozenset[LicenceState]
    target: LicenceState
    operation: str
    verb: str | None = None
    is_reason_required: bool = False
    needs_successor: bool = False
    summary: str = ""


_S = LicenceState
_IN_FORCE: Final = frozenset({_S.ISSUED, _S.SUSPENDED, _S.ANNUAL_OVERDUE})
_ENDABLE: Final = _IN_FORCE | {_S.EXPIRED}
ENDED: Final = frozenset({_S.REPLACED, _S.CANCELLED, _S.REVOKED, _S.WITHDRAWN})

LICENCE_LIFE: Final[tuple[LicenceStep, ...]] = (
    LicenceStep("issue", LicenceEvent.ISSUED, frozenset({_S.DRAFT}), _S.ISSUED, "01", summary="made, logged, sealed and released"),
    LicenceStep(
        "receive", LicenceEvent.TRANSFERRED_IN, frozenset({_S.DRAFT}), _S.ISSUED, "08", summary="issued in place of one transferred out"
    ),
    LicenceStep("abandon", LicenceEvent.CANCELLED, frozenset({_S.DRAFT}), _S.CANCELLED, "", summary="never released"),
    LicenceStep(
        "change",
        LicenceEvent.CHANGED,
        frozenset({_S.ISSUED, _S.ANNUAL_OVERDUE}),
        _S.REPLACED,
        "09",
        verb="change",
        is_reason_required=True,
        needs_successor=True,
        summary="what it says changed: a new version takes its place",
    ),
    LicenceStep(
        "replace",
        LicenceEvent.CHANGED,
        frozenset({_S.ISSUED, _S.ANNUAL_OVERDUE}),
        _S.REPLACED,
        "07",
        verb="replace",
        is_reason_required=True,
        needs_successor=True,
        summary="the same content once more, as a new version",
    ),
    LicenceStep(
        "extend",
        LicenceEvent.EXTENDED,
        frozenset({_S.ISSUED, _S.EXPIRED}),
        _S.REPLACED,
        "02",
        verb="extend",
        needs_successor=True,
        summary="valid for longer: a new version takes its place",
    ),
    LicenceStep(
        "suspend",
        LicenceEvent.SUSPENDED,
        frozenset({_S.ISSUED, _S.ANNUAL_OVERDUE}),
        _S.SUSPENDED,
        "03",
        verb="suspend",
        is_reason_required=True,
        summary="withhold it for a time",
    ),
    LicenceStep(
        "resume",
        LicenceEvent.RESUMED,
        frozenset({_S.SUSPENDED}),
        _S.ISSUED,
        "06",
        verb="resume",
        is_reason_required=True,
        summary="give a suspended one back",
    ),
    LicenceStep(
        "annual-pass",
        LicenceEvent.ANNUAL_CHECK,
        frozenset({_S.ISSUED, _S.ANNUAL_OVERDUE}),
        _S.ISSUED,
        "07",
        verb="annual-pass",
        summary="it passed its annual check",
    ),
    LicenceStep(
        "annual-fail",
        LicenceEvent.ANNUAL_CHECK,
        frozenset({_S.ISSUED}),
        _S.ANNUAL_OVERDUE,
        "07",
        verb="annual-fail",
        is_reason_required=True,
        summary="it did not pass its annual check, or missed it",
    ),
    LicenceStep(
        "cancel",
        LicenceEvent.CANCELLED,
        _ENDABLE | {_S.TRANSFERRED},  # so that one that was taken in elsewhere comes to its end: until then it may be taken back
        _S.CANCELLED,
        "05",
        verb="cancel",
        is_reason_required=True,
        summary="the holder gave it up, or what it was for has ended",
    ),
    LicenceStep(
        "revoke",
        LicenceEvent.REVOKED,
        _ENDABLE,
        _S.REVOKED,
        "05",
        verb="revoke",
        is_reason_required=True,
        summary="taken away as a penalty",
    ),
    LicenceStep(
        "withdraw",
        LicenceEvent.WITHDRAWN,
        _ENDABLE,
        _S.WITHDRAWN,
        "05",
        verb="withdraw",
        is_reason_required=True,
        summary="it should never have been issued",
    ),
    LicenceStep(
        "transfer",
        LicenceEvent.TRANSFERRED_OUT,
        frozenset({_S.ISSUED}),
        _S.TRANSFERRED,
        "05",
        verb="transfer",
        is_reason_required=True,
        summary="it goes on in another place",
    ),
    LicenceStep(
        "take-back",
        LicenceEvent.TRANSFERRED_IN,
        frozenset({_S.TRANSFERRED}),
        _S.ISSUED,
        "10",
        verb="take-back",
        is_reason_required=True,
        summary="the transfer did not come about",
    ),
    LicenceStep("expire", LicenceEvent.EXPIRED, _IN_FORCE, _S.EXPIRED, "04", summary="its last day is over"),
)
_BY_NAME: Final = {step.name: step for step in LICENCE_LIFE}


def step_named(name: str) -> LicenceStep:
    """The step of a name that stands in the table."""
    return _BY_NAME[name]


class TypeState(StrEnum):
    """Where one version of a licence type is."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class TypeStep:
    """One allowed step of a type version. ``needs_second_person``: not whoever wrote the version or handed it in."""

    verb: str
    sources: frozenset[TypeState]
    target: TypeState
    is_reason_required: bool = False
    needs_second_person: bool = False
    summary: str = ""


TYPE_LIFE: Final[tuple[TypeStep, ...]] = (
    TypeStep("submit", frozenset({TypeState.DRAFT}), TypeState.IN_REVIEW, summary="hand a draft in for review"),
    TypeStep(
        "publish",
        frozenset({TypeState.IN_REVIEW}),
        TypeState.PUBLISHED,
        needs_second_person=True,
        summary="approve what somebody else wrote: licences are issued by it from now on",
    ),
    TypeStep(
        "reject",
        frozenset({TypeState.IN_REVIEW}),
        TypeState.DRAFT,
        is_reason_required=True,
        needs_second_person=True,
        summary="give it back to its author",
    ),
    TypeStep(
        "retire",
        frozenset({TypeState.PUBLISHED}),
        TypeState.RETIRED,
        is_reason_required=True,
        summary="issue nothing by it any more; what was issued stays as it is",
    ),
)


def type_step_named(verb: str) -> TypeStep:
    """The step of a verb that stands in the table."""
    return next(step for step in TYPE_LIFE if step.verb == verb)


SCOPE_READ: Final = "licence.read"
SCOPE_ISSUE: Final = "licence.issue"
SCOPE_DEFINE: Final = "licence.define"
SCOPE_REVIEW: Final = "licence.review"
SCOPE_ADMIN: Final = "licence.admin"
SCOPE_REPORT: Final = "licence.report"
SCOPE_FOREIGN: Final = "licence.foreign"

SCOPES: Final = {
    SCOPE_READ: "Read licence types, and the licences of the issuing authorities one acts for.",
    SCOPE_ISSUE: "Issue licences for the authorities one acts for, and change their state.",
    SCOPE_DEFINE: "Write licence types and hand them in for review.",
    SCOPE_REVIEW: "Publish and reject licence types that somebody else wrote, and retire published ones.",
    SCOPE_ADMIN: "Enter issuing authorities, their seals and who acts for them.",
    SCOPE_REPORT: "Look after reports to the region: what was not taken, sending again, reconciling.",
    SCOPE_FOREIGN: "Ask other regions for licences, with a reason for each.",
}
