"""The nouns of the seal service and their life as data.

Two tables stand here, one per noun that has a life: ``SEAL_LIFE`` and ``USE_LIFE``. The actions, the routes, the API documentation and
the tests are driven from them. A further stage of a seal's life (applied, reviewed, filed, ...) is a further row, not further code.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


class SealState(StrEnum):
    """Where a seal is in its life."""

    MAKING = "making"  # code and key name are reserved, the key may exist, no certificate is recorded yet
    ACTIVE = "active"  # the only state in which a seal may be used
    FROZEN = "frozen"  # use is suspended; can be lifted
    REVOKED = "revoked"  # for good; the certificate is revoked too
    ABANDONED = "abandoned"  # the making was cut off; nothing was ever sealed with it


class UseState(StrEnum):
    """Where one use of a seal is."""

    INTENT = "intent"  # recorded with its digest before the key is used
    DONE = "done"  # the result is durable and was released
    VOIDED = "voided"  # nothing was released; whatever was signed is lost on purpose


class UseKind(StrEnum):
    """What was handed in to be sealed."""

    DOCUMENT = "document"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed step of a life. ``verb`` is also the last part of the route; None where only the service itself takes the step."""

    name: str
    sources: frozenset[str]
    target: str
    verb: str | None = None
    scope: str | None = None
    is_reason_required: bool = False
    does_revoke_certificate: bool = False
    summary: str = ""


SCOPE_MANAGE: Final = "seal.manage"
SCOPE_USE: Final = "seal.use"
SCOPE_READ: Final = "seal.read"

SEAL_LIFE: Final[tuple[Transition, ...]] = (
    Transition("finish-making", frozenset({SealState.MAKING}), SealState.ACTIVE, summary="key and certificate are there"),
    Transition("abandon", frozenset({SealState.MAKING}), SealState.ABANDONED, summary="the making was cut off"),
    Transition(
        "freeze",
        frozenset({SealState.ACTIVE}),
        SealState.FROZEN,
        verb="freeze",
        scope=SCOPE_MANAGE,
        is_reason_required=True,
        summary="suspend the use of a seal from the very next request on",
    ),
    Transition(
        "unfreeze",
        frozenset({SealState.FROZEN}),
        SealState.ACTIVE,
        verb="unfreeze",
        scope=SCOPE_MANAGE,
        is_reason_required=True,
        summary="lift the suspension of a seal",
    ),
    Transition(
        "revoke",
        frozenset({SealState.ACTIVE, SealState.FROZEN}),
        SealState.REVOKED,
        verb="revoke",
        scope=SCOPE_MANAGE,
        is_reason_required=True,
        does_revoke_certificate=True,
        summary="end a seal for good and revoke its certificate",
    ),
)

USE_LIFE: Final[tuple[Transition, ...]] = (
    Transition("finish", frozenset({UseState.INTENT}), UseState.DONE, summary="result recorded and released"),
    Transition("void", frozenset({UseState.INTENT}), UseState.VOIDED, summary="nothing was released"),
)

USABLE: Final = SealState.ACTIVE


def transition_named(name: str, life: tuple[Transition, ...] = SEAL_LIFE) -> Transition:
    """The transition of that name; a KeyError is a mistake in the code that asks."""
    for transition in life:
        if transition.name == name:
            return transition
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal as recorded. ``code``: 14 digits. Times are aware UTC.

    The picture is drawn from ``organisation`` (the registered name, in the ring), ``purpose`` (a short line below the star, may be empty)
    and ``code``; ``picture_width_mm`` is its diameter. ``name`` is what the seal is called in lists. ``seal_data_der`` is the SESeal of
    GB/T 38540 made for the certificate; None for a seal that was made before these were.
    """

    id: str
    code: str
    name: str
    organisation: str
    purpose: str
    credit_code: str
    type_code: str
    state: SealState
    state_reason: str | None
    version: int
    managed_by: str
    made_by: str
    claim_digest: bytes | None
    key_id: str
    certificate_der: bytes | None
    chain_der: tuple[bytes, ...]
    seal_data_der: bytes | None
    is_certificate_revoked: bool
    picture_width_mm: float
    made_at: datetime
    state_at: datetime


@dataclass(frozen=True, slots=True)
class SealUse:
    """One use of a seal as recorded. ``digest`` is what was signed over (SM3, 32 bytes); ``result_digest`` is the SM3 of the result in hex.

    A document lies in the blobs under that digest; a CMS, being small, is ``result_inline``.
    """

    id: str
    seal_id: str
    client_id: str
    kind: UseKind
    state: UseState
    digest: bytes
    input_digest: bytes | None
    owner: str
    claim_digest: bytes | None
    intent_at: datetime
    finished_at: datetime | None
    result_digest: str | None
    result_bytes: int | None
    result_inline: bytes | None
    is_timestamped: bool
    void_reason: str | None
    intent_audit_id: str
    result_audit_id: str | None


def new_seal_id() -> str:
    """A fresh seal identifier: ``sl_`` and 96 random bits."""
    return f"sl_{secrets.token_hex(12)}"


def new_use_id(at: datetime) -> str:
    """A fresh seal-use identifier: ``su_``, 48 bits of time and 48 random bits.

    ``at`` (aware) comes first so that rows made together stand together in every index: a grouped commit then writes a few pages, not one
    for each row. Whoever guesses an identifier still needs the right to read it.
    """
    return f"su_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"


# UAX #9: characters that turn the direction of what follows. One of them in a reason or a name makes a reader see another text.
_DIRECTION_CHARACTERS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_TEXT: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of characters, line and paragraph separators


def is_plain_text(text: str) -> bool:
    """Whether a text is one line that is read as it is written. Joiners and selectors, which Mongolian needs, are allowed."""
    return not any(each in _DIRECTION_CHARACTERS or unicodedata.category(each) in _NO_TEXT for each in text)
