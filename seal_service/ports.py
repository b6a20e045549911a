"""What the seal service needs of others. ``yinxin/assembly.py`` fills it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from service_kit.composition import Link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.certificates import Certificate
    from crypto.report import Report
    from crypto.signer import Signer
    from crypto.trust_list import TrustList
    from seal_service.model import Seal
    from service_kit.callers import Caller

REGIONAL_PLATFORM: Final[Link[RegionalPlatform]] = Link("seal_service.regional_platform")  # this and the next five may be missing
STATE_LISTENERS: Final[Link[Sequence[StateListener]]] = Link("seal_service.state_listeners")
CALLER_CHECK: Final[Link[CallerCheck]] = Link("seal_service.caller_check")
FILE_VERIFIER: Final[Link[FileVerifier]] = Link("seal_service.file_verifier")
ACTING_PEOPLE: Final[Link[ActingPeople]] = Link("seal_service.acting_people")
HOLDER_CHECK: Final[Link[HolderCheck]] = Link("seal_service.holder_check")
SEAL_MAKER: Final[Link[MakerIdentity]] = Link("seal_service.maker")
RESERVED_FILES: Final[Link[ReservedFiles]] = Link("seal_service.reserved_files")  # missing: no file inside a document is another service's


@dataclass(frozen=True, slots=True)
class MakerIdentity:
    """Who makes seals in this deployment (GB/T 38540: the certificate in SESeal, and the key that signs SES_SealInfo)."""

    certificate: Certificate
    signer: Signer


@dataclass(frozen=True, slots=True)
class ReservedFiles:
    """By which files inside a sealed document its verifiers take it for one of another service: ``names``, as they read them.

    ``holder``: under which name that service uses seals here; ``document_type``: what a grant must name for it to do so from elsewhere.
    """

    names: frozenset[str]
    holder: str
    document_type: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """One change of a seal's state, as it was recorded: not what the seal has become since. ``at``: aware UTC."""

    seal_id: str
    code: str
    state: str
    version: int
    at: datetime


class CallerCheck(Protocol):
    """Whether a client, and the person it acts for, may still act. Asked with no transaction open, of what is done for them after the request
    was answered: the caller has no token any more, and ``grant_id`` is the one that his token hung on.
    """

    def __call__(self, caller: Caller, /) -> bool:
        """Whether it may, as of now."""
        ...


class ActingPeople(Protocol):
    """Which natural persons may act for an organisation. Names are those that powers are kept by (``Caller.holder``, ``Caller.human``). Asked
    inside the transaction of the step; where who signs people in runs elsewhere there is no such link, and only names are compared.
    """

    def may_act(self, conn: Connection, person: str, holder: str, at: datetime) -> bool:
        """Whether a person may act for ``holder`` at ``at`` (aware UTC); False where ``holder`` is no organisation."""
        ...

    def people_of(self, conn: Connection, holder: str, at: datetime) -> frozenset[str]:
        """Everybody who may act for ``holder`` at ``at`` (aware UTC); nobody where it is no organisation."""
        ...


class HolderCheck(Protocol):
    """Which names powers can be kept by. Where who registers clients and signs people in runs elsewhere there is no such link, and no name is refused."""

    def __call__(self, conn: Connection, holder: str, /) -> bool:
        """Whether there is such a client or account, also one that is not let in now: within the transaction that counts on it."""
        ...


class RegionalPlatform(Protocol):
    """The region's seal platform, as far as filing goes. Called by the outbox: at least once, with no transaction open."""

    def file_seal(self, seal: Seal) -> str:
        """Put a made seal on file and return the platform's receipt number (1 to 64 characters).

        The same seal and version again gives the same receipt. Raises TrustError where the platform is away: it is tried again.
        """
        ...


class StateListener(Protocol):
    """Whoever is to be told that a seal changed its state. Called by the outbox: at least once, in any order, with no transaction open."""

    def __call__(self, change: StateChange) -> None:
        """Take one change. Of two changes the one with the higher version is the later one. Raises TrustError to be called again."""
        ...


@dataclass(frozen=True, slots=True)
class PresentPerson:
    """Whom one has before one who hands a file in: name and code (of a person or an organisation). Neither is kept or told anybody."""

    name: str = field(repr=False)
    code: str = field(repr=False)


class FileVerifier(Protocol):
    """Who verifies files that are handed in, where more can be said of some than that their seals hold."""

    def __call__(self, document: bytes, trust: TrustList, at: datetime, *, is_now: bool, holder: PresentPerson | None) -> Report:
        """The report, as of ``at`` (aware UTC). ``holder``: ask too whether what the file grants is held by him; of a file that does not
        say so nothing is valid then. Never raises on hostile input.
        """
        ...
