"""The nouns of the seal service. Their life stands as data in ``seal_service.life``, which is read through this module."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from seal_service.life import (
    APPLICATION_LIFE,
    EDITION_LIFE,
    ENDED,
    OPEN_APPLICATIONS,
    REMAKEABLE,
    SCOPE_APPLY,
    SCOPE_AUDIT,
    SCOPE_MAKE,
    SCOPE_MANAGE,
    SCOPE_READ,
    SCOPE_REVIEW,
    SCOPE_SECURE,
    SCOPE_USE,
    SCOPES,
    SEAL_LIFE,
    SEAL_TYPES,
    USABLE,
    USE_LIFE,
    ApplicationKind,
    ApplicationState,
    EditionState,
    KeyCustody,
    Power,
    SealState,
    SealType,
    Transition,
    UseState,
    seal_type,
    transition_named,
)

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "APPLICATION_LIFE",
    "EDITION_LIFE",
    "ENDED",
    "OPEN_APPLICATIONS",
    "REMAKEABLE",
    "SCOPES",
    "SCOPE_APPLY",
    "SCOPE_AUDIT",
    "SCOPE_MAKE",
    "SCOPE_MANAGE",
    "SCOPE_READ",
    "SCOPE_REVIEW",
    "SCOPE_SECURE",
    "SCOPE_USE",
    "SEAL_LIFE",
    "SEAL_TYPES",
    "USABLE",
    "USE_LIFE",
    "Act",
    "Application",
    "ApplicationKind",
    "ApplicationState",
    "DocumentForm",
    "Edition",
    "EditionState",
    "Grant",
    "KeyCustody",
    "Paper",
    "Power",
    "PowerHolder",
    "Seal",
    "SealImport",
    "SealState",
    "SealType",
    "SealUse",
    "Transition",
    "UseKind",
    "UseState",
    "new_application_id",
    "new_grant_id",
    "new_paper_id",
    "new_seal_id",
    "new_use_id",
    "seal_type",
    "transition_named",
]


class UseKind(StrEnum):
    """What was handed in to be sealed."""

    DOCUMENT = "document"
    DIGEST = "digest"
    REMOTE = "remote"  # a document, signed by a key that its owner keeps


class DocumentForm(StrEnum):
    """The form of what is sealed, as grants name it."""

    PDF = "pdf"
    OFD = "ofd"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal as recorded. ``code``: 14 digits. Times are aware UTC.

    The picture is drawn from ``organisation`` (the registered name, in the ring), ``purpose`` (a short line below the star, may be empty)
    and ``code``; ``picture_width_mm`` is its diameter; a seal with ``design_json`` is drawn from that. ``name`` is what the seal is called in
    lists and in the SESeal. ``seal_data_der`` is the SESeal of GB/T 38540 made for the certificate; None for a seal that was made before
    these were. ``edition`` counts its makings. ``are_powers_separated``: nobody may hold two powers over it; False only for seals made in
    one step where no review is asked for. ``is_key_here``: False for a key that lives with its owner.
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
    name_mongolian: str = ""
    name_romanised: str = ""
    design_json: str = ""
    edition: int = 1
    application_id: str | None = None
    are_powers_separated: bool = False
    is_key_here: bool = True
    is_key_destroyed: bool = False
    is_certificate_outside: bool = False
    filing: str | None = None
    valid_until: datetime | None = None
    key_left_with: str | None = None


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
    holder: str = ""
    form: DocumentForm | None = None
    document_type: str = ""
    grant_id: str | None = None


@dataclass(frozen=True, slots=True)
class PowerHolder:
    """Who holds which power over a seal. ``holder``: a client's id, or ``person:`` and a subject."""

    seal_id: str
    holder: str
    power: Power
    given_by: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Within which limits a holder may use a seal. Empty sets and None are no limit.

    ``forms``: pdf, ofd, digest. ``document_types``: labels the user gives at each use. ``uses_max`` against ``used``: intents and results, not
    what was voided. Usable from ``valid_from`` (inclusive) until ``valid_until`` (exclusive), aware UTC. Of each day from ``from_minute``
    (inclusive) until ``until_minute`` (exclusive), minutes since midnight at ``offset_minutes`` east of UTC; a window over midnight has the
    greater number first. ``via_client``: only through that system.
    """

    id: str
    seal_id: str
    holder: str
    granted_by: str
    granted_at: datetime
    via_client: str = ""
    forms: frozenset[str] = frozenset()
    document_types: frozenset[str] = frozenset()
    uses_max: int | None = None
    used: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    from_minute: int | None = None
    until_minute: int | None = None
    offset_minutes: int = 480
    revoked_by: str | None = None
    revoked_at: datetime | None = None
    revoked_reason: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper handed in: its content lies in the blobs under ``digest`` (SM3, hex). ``name`` is what its sender calls it."""

    id: str
    name: str
    digest: str
    size_bytes: int
    handed_in_by: str
    handed_in_at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody applied for, and what became of it. Of a change, empty members stay as the seal has them."""

    id: str
    kind: ApplicationKind
    state: ApplicationState
    seal_id: str | None
    applied_by: str
    applied_at: datetime
    reason: str
    organisation: str
    credit_code: str
    name: str
    name_mongolian: str
    name_romanised: str
    purpose: str
    type_code: str
    division: str
    design_json: str
    picture_width_mm: float
    managers: tuple[str, ...]
    users: tuple[str, ...]
    auditors: tuple[str, ...]
    is_certificate_outside: bool
    papers: tuple[str, ...]
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    review_reason: str | None = None
    version: int = 1
    state_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SealImport:
    """A seal that was made elsewhere, as it was handed in with an application, and what was found out about it at ``checked_at``.

    ``code``: 14 digits, empty where the seal has no such code. ``seal_digest``: SM3 of the seal, hex. ``certificates_der``: the seal's own first, then every other that came along. ``verdict`` and
    ``steps_json`` (code, outcome, clause, facts) are those of :mod:`~seal_service.seal_data.import_checks`. ``owner``: the process that took it in.
    """

    application_id: str
    code: str
    seal_digest: str
    custody: KeyCustody
    key_id: str
    seal_data_der: bytes
    certificates_der: tuple[bytes, ...]
    verdict: str
    steps_json: str
    checked_at: datetime
    owner: str
    begun_at: datetime
    claim_digest: bytes | None = None
    is_key_destroyed: bool = False
    is_given_up: bool = False


@dataclass(frozen=True, slots=True)
class Edition:
    """One making of a seal: the key, the certificate and the SESeal, and as what it was made.

    ``request_der``: PKCS #10, while an outside authority is asked for the certificate. ``key_left_with``: ``device`` or ``owner``, where the
    key is over and not ours to destroy.
    """

    seal_id: str
    edition: int
    state: EditionState
    key_id: str
    owner: str
    begun_at: datetime
    name: str
    organisation: str
    purpose: str
    application_id: str | None = None
    request_der: bytes | None = None
    certificate_der: bytes | None = None
    seal_data_der: bytes | None = None
    made_at: datetime | None = None
    retired_at: datetime | None = None
    is_key_destroyed: bool = False
    is_certificate_revoked: bool = False
    key_left_with: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the history of a seal or an application: an allowed step that was taken, or what else was decided about it.

    ``human``: the natural person, whatever he came by; empty for older ones. ``second_to``: whom the holder had to be different from. ``papers``: pairs of name and digest (SM3, hex). ``audit_id``: the audit entry
    that proves it.
    """

    position: int
    seal_id: str | None
    application_id: str | None
    act: str
    from_state: str
    to_state: str
    holder: str
    actor: str
    human: str
    second_to: str | None
    at: datetime
    reason: str
    papers: tuple[tuple[str, str], ...]
    audit_id: str


def new_application_id() -> str:
    """A fresh application identifier: ``sa_`` and 96 random bits."""
    return f"sa_{secrets.token_hex(12)}"


def new_grant_id() -> str:
    """A fresh grant identifier: ``sg_`` and 96 random bits."""
    return f"sg_{secrets.token_hex(12)}"


def new_paper_id() -> str:
    """A fresh paper identifier: ``sp_`` and 96 random bits."""
    return f"sp_{secrets.token_hex(12)}"


def new_seal_id() -> str:
    """A fresh seal identifier: ``sl_`` and 96 random bits."""
    return f"sl_{secrets.token_hex(12)}"


def new_use_id(at: datetime) -> str:
    """A fresh seal-use identifier: ``su_``, 48 bits of time and 48 random bits.

    ``at`` (aware) comes first so that rows made together stand together in every index: a grouped commit then writes a few pages, not one
    for each row. Whoever guesses an identifier still needs the right to read it.
    """
    return f"su_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"
