"""The life of a seal as data: states, steps, powers and roles. The actions, the routes, the documentation and the tests are driven from here.

Four tables: ``SEAL_LIFE`` (from the making to the destruction), ``APPLICATION_LIFE`` (what comes before), ``USE_LIFE`` (one use of a seal) and
``EDITION_LIFE`` (one making of a seal again). A further stage is a further row, not further code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SealState(StrEnum):
    """Where a seal is in its life."""

    MAKING = "making"  # code and key name are reserved, the key may exist, no certificate is recorded yet
    MADE_REQUESTED = "made-requested"  # the key is there, an outside authority has been asked for its certificate
    MADE = "made"  # key, certificate and SESeal are there; nobody may use it yet
    FILED = "filed"  # on file with the region, or on record here where there is none
    ISSUED = "issued"  # handed to its owner, who has not accepted it yet
    ACTIVE = "active"  # the only state in which a seal may be used
    FROZEN = "frozen"  # use is suspended, also past the end of its certificate; can be lifted
    CHANGED = "changed"  # an approved change is being carried out: the edition so far is used no more, the next one is not made yet
    EXPIRED = "expired"  # its certificate is over; it can be made again
    CANCELLED = "cancelled"  # for good; the certificate is revoked too
    INVALIDATED = "invalidated"  # it should never have been made (国办发〔2025〕33号); the certificate is revoked too
    DESTROYED = "destroyed"  # the key is gone for good
    ABANDONED = "abandoned"  # the making was cut off; nothing was ever sealed with it
    ARCHIVED = "archived"  # taken over from elsewhere for record and verification alone: its key is not here, or it could not be verified


class ApplicationState(StrEnum):
    """Where an application is."""

    APPLIED = "applied"
    REVIEWED = "reviewed"  # approved by somebody other than the applicant
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    BEING_CARRIED_OUT = "being-carried-out"
    CARRIED_OUT = "carried-out"
    LAPSED = "lapsed"  # the seal it was about has ended meanwhile


OPEN_APPLICATIONS: Final = frozenset({ApplicationState.APPLIED, ApplicationState.REVIEWED, ApplicationState.BEING_CARRIED_OUT})
"""Something is still to come of them; about a seal there is at most one such."""


class ApplicationKind(StrEnum):
    """What is applied for."""

    NEW = "new"
    CHANGE = "change"
    RENEW = "renew"
    CANCEL = "cancel"
    IMPORT = "import"  # a seal that was made elsewhere is to be kept here


class KeyCustody(StrEnum):
    """Where the key of a seal is that was made elsewhere and is taken over."""

    KEYSTORE = "keystore"  # handed in as PKCS#12 or as a private key, and kept here
    DEVICE = "device"  # in a device of this deployment
    OWNER = "owner"  # in its owner's device, who signs in two phases
    ABSENT = "absent"  # nowhere within reach: the seal is archived


class UseState(StrEnum):
    """Where one use of a seal is."""

    INTENT = "intent"  # recorded with its digest before the key is used
    DONE = "done"  # the result is durable and was released
    VOIDED = "voided"  # nothing was released; whatever was signed is lost on purpose


class EditionState(StrEnum):
    """Where one edition of a seal (key, certificate and SESeal of one making) is."""

    MAKING = "making"
    MADE = "made"
    ABANDONED = "abandoned"


class Power(StrEnum):
    """One of the three powers over a seal. Nobody holds two over the same seal."""

    MANAGE = "manage"
    USE = "use"
    AUDIT = "audit"


SCOPE_MANAGE: Final = "seal.manage"
SCOPE_USE: Final = "seal.use"
SCOPE_READ: Final = "seal.read"
SCOPE_APPLY: Final = "seal.apply"
SCOPE_REVIEW: Final = "seal.review"
SCOPE_MAKE: Final = "seal.make"
SCOPE_AUDIT: Final = "seal.audit"
SCOPE_SECURE: Final = "seal.secure"

SCOPES: Final = {
    SCOPE_MANAGE: "Freeze, cancel and destroy the seals one manages, say who may use them; make seals where no review is asked for.",
    SCOPE_READ: "Read the seals over which one holds a power, and what was done with them.",
    SCOPE_USE: "Seal documents and digests with the seals one was granted; accept seals that were issued to one.",
    SCOPE_APPLY: "Apply for seals and for changes to them.",
    SCOPE_REVIEW: "Review applications of others; invalidate seals that should never have been made.",
    SCOPE_MAKE: "Make, import and issue the seals that were approved.",
    SCOPE_AUDIT: "Read the history and the uses of the seals one audits.",
    SCOPE_SECURE: "Give and take powers over seals, and freeze them: for security administrators only.",
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed step of a life.

    ``verb`` is also the last part of the route; None where only the service itself takes the step. Who may take it: a caller with ``scope``
    who holds ``power`` over the seal (None: the scope is enough). ``is_open_to_security``: a security administrator may as well.
    ``needs_second_person``: not who took the step before. ``is_closed_to_applicant``: not who applied for what was made.
    ``does_destroy_key``: the key is destroyed once the step is on record.
    """

    name: str
    sources: frozenset[str]
    target: str
    verb: str | None = None
    scope: str | None = None
    power: Power | None = None
    is_open_to_security: bool = False
    is_reason_required: bool = False
    needs_second_person: bool = False
    is_closed_to_applicant: bool = False
    does_revoke_certificate: bool = False
    does_destroy_key: bool = False
    summary: str = ""


_UNUSED: Final = frozenset({SealState.MADE, SealState.FILED, SealState.ISSUED})
_LIVING: Final = _UNUSED | {SealState.ACTIVE, SealState.FROZEN, SealState.CHANGED, SealState.EXPIRED}
ENDED: Final = frozenset({SealState.CANCELLED, SealState.INVALIDATED, SealState.DESTROYED})
REMAKEABLE: Final = frozenset({SealState.ACTIVE, SealState.EXPIRED, SealState.CHANGED})

SEAL_LIFE: Final[tuple[Transition, ...]] = (
    Transition("request-certificate", frozenset({SealState.MAKING}), SealState.MADE_REQUESTED, summary="an outside authority is asked"),
    Transition(
        "finish-making",
        frozenset({SealState.MAKING, SealState.MADE_REQUESTED, SealState.CHANGED, SealState.EXPIRED}),  # expired while its renewal was made
        SealState.MADE,
        summary="key, certificate and SESeal are there",
    ),
    Transition("finish-at-once", frozenset({SealState.MAKING}), SealState.ACTIVE, summary="made in one step, where no review is asked for"),
    Transition("import", frozenset({SealState.MAKING}), SealState.MADE, summary="taken over from elsewhere, verified, its key proved"),
    Transition(
        "archive", frozenset({SealState.MAKING}), SealState.ARCHIVED, summary="taken over from elsewhere for record and verification"
    ),
    Transition("abandon", frozenset({SealState.MAKING, SealState.MADE_REQUESTED}), SealState.ABANDONED, summary="the making was cut off"),
    Transition(
        "give-up",
        frozenset({SealState.MADE_REQUESTED}),
        SealState.ABANDONED,
        verb="give-up",
        scope=SCOPE_MAKE,
        is_reason_required=True,
        summary="wait no longer for an outside authority's certificate; what was applied for can be made again",
    ),
    Transition("file", frozenset({SealState.MADE}), SealState.FILED, summary="on file with the region"),
    Transition(
        "issue",
        frozenset({SealState.FILED}),
        SealState.ISSUED,
        verb="issue",
        scope=SCOPE_MAKE,
        is_closed_to_applicant=True,
        summary="hand a seal that is on file to its owner",
    ),
    Transition(
        "activate",
        frozenset({SealState.ISSUED}),
        SealState.ACTIVE,
        verb="activate",
        scope=SCOPE_USE,
        power=Power.USE,
        needs_second_person=True,
        summary="accept a seal that was issued: from now on it may be used",
    ),
    Transition(
        "freeze",
        frozenset({SealState.ACTIVE}),
        SealState.FROZEN,
        verb="freeze",
        scope=SCOPE_MANAGE,
        power=Power.MANAGE,
        is_open_to_security=True,
        is_reason_required=True,
        summary="suspend the use of a seal from the very next request on",
    ),
    Transition(
        "unfreeze",
        frozenset({SealState.FROZEN}),
        SealState.ACTIVE,
        verb="unfreeze",
        scope=SCOPE_MANAGE,
        power=Power.MANAGE,
        is_open_to_security=True,
        is_reason_required=True,
        summary="lift the suspension of a seal",
    ),
    Transition(
        "revoke",
        _LIVING | {SealState.ARCHIVED},
        SealState.CANCELLED,
        verb="revoke",
        scope=SCOPE_MANAGE,
        power=Power.MANAGE,
        is_open_to_security=True,
        is_reason_required=True,
        does_revoke_certificate=True,
        summary="cancel a seal at once and revoke its certificate (another word for cancel)",
    ),
    Transition(
        "cancel",
        _LIVING | {SealState.ARCHIVED},
        SealState.CANCELLED,
        verb="cancel",
        scope=SCOPE_MANAGE,
        power=Power.MANAGE,
        is_open_to_security=True,
        is_reason_required=True,
        does_revoke_certificate=True,
        summary="end a seal for good and revoke its certificate",
    ),
    Transition("change", REMAKEABLE, SealState.CHANGED, summary="an approved change or renewal is being carried out"),
    # Not while it is frozen: an expired seal can be made again, and nobody would have lifted the freeze
    Transition("expire", _LIVING - {SealState.EXPIRED, SealState.FROZEN}, SealState.EXPIRED, summary="its certificate is over"),
    Transition(
        "invalidate",
        _LIVING | {SealState.ARCHIVED, SealState.CANCELLED},
        SealState.INVALIDATED,
        verb="invalidate",
        scope=SCOPE_REVIEW,
        is_reason_required=True,
        needs_second_person=True,
        does_revoke_certificate=True,
        summary="mark a seal that should never have been made",
    ),
    Transition(
        "destroy",
        frozenset({SealState.CANCELLED, SealState.INVALIDATED, SealState.EXPIRED}),
        SealState.DESTROYED,
        verb="destroy",
        scope=SCOPE_MANAGE,
        power=Power.MANAGE,
        is_reason_required=True,
        needs_second_person=True,
        does_revoke_certificate=True,
        does_destroy_key=True,
        summary="destroy the key of a seal that has ended, for good",
    ),
)

APPLICATION_LIFE: Final[tuple[Transition, ...]] = (
    Transition(
        "approve",
        frozenset({ApplicationState.APPLIED}),
        ApplicationState.REVIEWED,
        verb="approve",
        scope=SCOPE_REVIEW,
        is_reason_required=True,
        needs_second_person=True,
        summary="approve an application of somebody else",
    ),
    Transition(
        "reject",
        frozenset({ApplicationState.APPLIED}),
        ApplicationState.REJECTED,
        verb="reject",
        scope=SCOPE_REVIEW,
        is_reason_required=True,
        needs_second_person=True,
        summary="reject an application of somebody else",
    ),
    Transition(
        "withdraw",
        frozenset({ApplicationState.APPLIED, ApplicationState.REVIEWED}),
        ApplicationState.WITHDRAWN,
        verb="withdraw",
        scope=SCOPE_APPLY,
        is_reason_required=True,
        summary="take back one's own application",
    ),
    Transition("begin", frozenset({ApplicationState.REVIEWED}), ApplicationState.BEING_CARRIED_OUT, summary="the maker has begun"),
    Transition(
        "take-over", frozenset({ApplicationState.REVIEWED}), ApplicationState.CARRIED_OUT, summary="a seal made elsewhere is kept here"
    ),
    Transition("fall-back", frozenset({ApplicationState.BEING_CARRIED_OUT}), ApplicationState.REVIEWED, summary="the making was cut off"),
    Transition(
        "lapse",
        OPEN_APPLICATIONS,
        ApplicationState.LAPSED,
        summary="the seal it is about has ended",
    ),
    Transition(
        "finish", frozenset({ApplicationState.BEING_CARRIED_OUT}), ApplicationState.CARRIED_OUT, summary="what was applied for is done"
    ),
)

USE_LIFE: Final[tuple[Transition, ...]] = (
    Transition("finish", frozenset({UseState.INTENT}), UseState.DONE, summary="result recorded and released"),
    Transition("void", frozenset({UseState.INTENT}), UseState.VOIDED, summary="nothing was released"),
)

EDITION_LIFE: Final[tuple[Transition, ...]] = (
    Transition("finish", frozenset({EditionState.MAKING}), EditionState.MADE, summary="key, certificate and SESeal are there"),
    Transition("abandon", frozenset({EditionState.MAKING}), EditionState.ABANDONED, summary="the making was cut off"),
)

USABLE: Final = SealState.ACTIVE


def transition_named(name: str, life: tuple[Transition, ...] = SEAL_LIFE) -> Transition:
    """The transition of that name; a KeyError is a mistake in the code that asks."""
    for transition in life:
        if transition.name == name:
            return transition
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class SealType:
    """One type of seal: its code in SES_ESPropertyInfo and what it is called."""

    code: str
    name_zh: str
    name_en: str


SEAL_TYPES: Final[tuple[SealType, ...]] = (
    SealType("0", "个人名章", "personal name seal"),
    SealType("1", "法定名称章", "seal of the statutory name"),
    SealType("2", "财务专用章", "finance seal"),
    SealType("3", "发票专用章", "invoice seal"),
    SealType("4", "合同专用章", "contract seal"),
    SealType("5", "法定代表人名章", "name seal of the legal representative"),
    SealType("6", "业务专用章", "business seal"),
    SealType("99", "其他", "other"),
)
"""The published list; regions add codes of their own (real files carry 15), so any code of one or two digits is taken."""


def seal_type(code: str) -> SealType:
    """The type of a code; one that the list does not name has its code as its name."""
    return next((each for each in SEAL_TYPES if each.code == code), SealType(code, f"其他（{code}）", f"other ({code})"))
