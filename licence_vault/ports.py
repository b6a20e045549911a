"""What the licence vault needs of others; ``yinxin/assembly.py`` fills it, in the same process or over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from service_kit.composition import Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from licence_vault.reported import ReportTree
    from licence_vault.uses import UseMode
    from service_kit.callers import Caller

SEALER: Final[Link[Sealer]] = Link("licence_vault.sealer")
JUDGE: Final[Link[DocumentJudge]] = Link("licence_vault.judge")
HOLDERS: Final[Link[HolderDirectory]] = Link("licence_vault.holders")
CALLERS: Final[Link[CallerCheck]] = Link("licence_vault.callers")
ACTING_PEOPLE: Final[Link[ActingPeople]] = Link("licence_vault.acting_people")
"""Missing where who signs people in runs elsewhere: then only names are compared."""
STANDING: Final[Link[StandingCheck]] = Link("licence_vault.standing")
"""Missing where who signs people in runs elsewhere: then nothing is known of a caller once his request was answered."""
CLIENTS: Final[Link[ClientCheck]] = Link("licence_vault.clients")
"""Missing where systems are registered elsewhere, and nobody here can say which there are."""
SEAL_OWNERS: Final[Link[SealOwners]] = Link("licence_vault.seal_owners")
"""Missing where seals are kept elsewhere: then a wrong one is found at the first licence."""
SEAL_READINESS: Final[Link[SealReadiness]] = Link("licence_vault.seal_readiness")
"""Missing where seals are kept elsewhere: then whether one can be used is found at the next licence."""
COLLECTOR: Final[Link[RegionalCollector]] = Link("licence_vault.collector")  # missing where the settings name none
FIELD_MAP: Final[Link[object]] = Link("licence_vault.field_map")  # how the collector wants records: a reporting.field_map.FieldMap
FOREIGN: Final[Link[ForeignLicences]] = Link("licence_vault.foreign")  # missing where the settings name no exchange
PICTURES: Final[Link[PagePictures]] = Link("licence_vault.pictures")
PDF: Final = "application/pdf"
OFD: Final = "application/ofd"


@dataclass(frozen=True, slots=True)
class SealPlace:
    """Where the seal stands: its centre on a page (from 1), in millimetres from the upper left corner.

    ``page_height_mm``: of that page, for sealers that count from below.
    """

    page: int
    x_mm: float
    y_mm: float
    page_height_mm: float


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """What the verifier of sealed documents found. ``sealed_files``: the attachments of the sealed revision by name, None where the file
    has no seal to go by; ``sealer_name``, ``sealer_code``: whose seal it is, by its certificate; None where that is not known.
    ``shown_beside``: by name, the others whose signatures show something on the pages.
    """

    report: Report
    sealed_files: Mapping[str, bytes] | None = None
    sealer_name: str | None = None
    sealer_code: str | None = None
    shown_beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file. ``judged``: what the judge found in exactly these bytes just now, where the sealer had to ask it anyway; else None. ``digest``: SM3
    of these bytes, where the sealer has it from its own record in this process; else None.
    """

    content: bytes
    judged: JudgedDocument | None = None
    digest: bytes | None = None


class Sealer(Protocol):
    """Seals licence files. Another service does it; here is only what is asked of it."""

    def seal(self, document: bytes, *, media_type: str, seal_id: str, order: SealPlace, idempotency_key: str, actor: str) -> SealedFile:
        """The sealed file. ``media_type``: PDF or OFD; ``idempotency_key``: where the sealer keeps what it sealed, the same key gives the same file again. Never call it within a transaction.

        Raises TrustError: UNAVAILABLE where trying again may help, another kind where the seal or the document is refused for good.
        """
        ...


class DocumentJudge(Protocol):
    """The verifier of sealed documents: pure, and raises nothing on hostile input."""

    def judge(self, document: bytes, trust_list: TrustList, at: datetime) -> JudgedDocument:
        """The verdict on a PDF or OFD at a time (aware UTC), with what the seal covers."""
        ...


class PagePictures(Protocol):
    """Draws pages of licence files. Where the link is absent no pictures are given."""

    def __call__(self, document: bytes, *, dpi: int) -> bytes:
        """The first page of a PDF as PNG, seals and all. TrustError RENDER_TOO_LARGE, PDF_MALFORMED."""
        ...


@dataclass(frozen=True, slots=True)
class HolderCode:
    """Under which code somebody holds licences. ``code_type``: GB/T 36903 Annex A; ``code``: personal data. ``level``: how well it is proven, 0 to 4."""

    code_type: str
    code: str
    level: int

    def __repr__(self) -> str:
        """Without the code."""
        return f"HolderCode({self.code_type!r}, level={self.level})"


@dataclass(frozen=True, slots=True)
class ActedFor:
    """An organisation that somebody acts for. ``powers``: what he may do for it; None: everything."""

    holder: HolderCode
    powers: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class SignedInHolder:
    """Who a signed-in person is to the vault: the codes he proved, and the organisations he acts for now. Either may be empty.

    ``account``: how the directory names the person, whatever name a client is told.
    """

    account: str
    own: tuple[HolderCode, ...]
    acts_for: tuple[ActedFor, ...]


class HolderDirectory(Protocol):
    """Who is behind a person's access token. Where the link is absent nobody is known, and everything of holders is refused."""

    def find(self, caller: Caller, at: datetime) -> SignedInHolder | None:
        """The person a call comes from; None where none stands behind it, or none who counts at that time (aware UTC). Never call it within a
        transaction.
        """
        ...


class CallerCheck(Protocol):
    """Who sent a token that stands in the body of a request. Where the link is absent nobody is let in that way."""

    def __call__(self, token: str, scope: str) -> Caller:
        """The caller, by the rules of the gate. TrustError TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REVOKED, SCOPE_MISSING.

        A token that is bound to a key or a certificate is refused: neither can be shown this way.
        """
        ...


class StandingCheck(Protocol):
    """Whether a client, and the person it acts for, may still act. Asked with no transaction open, of what is done for them after the request
    was answered: the caller has no token any more, and ``grant_id`` is the one that his token hung on.
    """

    def __call__(self, caller: Caller, /) -> bool:
        """Whether it may, as of now."""
        ...


class ClientCheck(Protocol):
    """Which systems there are. Where the link is absent that is not known, and no name is refused."""

    def __call__(self, connection: Connection, client_id: str) -> bool:
        """Whether a system is registered, also one that is not let in now: within the transaction that counts on it."""
        ...


class SealOwners(Protocol):
    """Whose seal one is."""

    def __call__(self, conn: Connection, seal_id: str) -> str | None:
        """The credit code in its certificate, within the transaction that counts on it; None where there is no such seal, certificate or code."""
        ...


class SealReadiness(Protocol):
    """Whether the vault could seal a licence with a seal now."""

    def __call__(self, conn: Connection, seal_id: str, at: datetime) -> str | None:
        """The code with which sealing would be refused at ``at`` (aware UTC), None where nothing is known to stand against it. Changes nothing."""
        ...


class ActingPeople(Protocol):
    """Which natural persons may act for an organisation, by the names that rights are kept by (``Caller.human``, ``Caller.holder``)."""

    def may_act(self, conn: Connection, person: str, holder: str, at: datetime) -> bool:
        """Whether a person may act for ``holder`` at ``at`` (aware UTC), within the transaction that counts on it; False where that is no organisation."""
        ...


@dataclass(frozen=True, slots=True)
class OutgoingReport:
    """One report as it leaves. ``key``: the same for every repetition; ``content``: the record, canonical JSON; ``digest``: SM3 of it.

    ``log_index``: where its event stands in the public log; ``number``: where it stands in the register, for types and erasures; one of them is None.
    ``is_replacing``: to be taken in place of what is there. ``erases``: of everything whose key begins so, and tells of an event, the region is to
    keep nothing but the key, with this report's digest as its own; empty for all but erasures.
    """

    key: str
    kind: str
    content: bytes
    digest: bytes
    log_index: int | None
    is_replacing: bool
    number: int | None = None
    erases: str = ""


@dataclass(frozen=True, slots=True)
class LogRange:
    """The entries ``index << level`` up to the next range, ``1 << level`` of them, of a tree. The region is asked from level 1 on."""

    level: int
    index: int


@dataclass(frozen=True, slots=True)
class RangeRoots:
    """What the region has in a range: the root over it (32 bytes, reporting/range_tree.py) and those over its two halves."""

    root: bytes
    left: bytes
    right: bytes


class RegionalCollector(Protocol):
    """The region's collector of licences. Called with no transaction open, at least once for each report."""

    def report(self, report: OutgoingReport) -> str:
        """Hand a report over and return the receipt. The same key and digest again gives the same receipt.

        Raises TrustError: REGION_UNAVAILABLE (away, slow, answers no 200), REGION_ANSWER_UNTRUSTED, LICENCE_REPORT_REFUSED (its own code in
        the facts).
        """
        ...

    def compare(self, tree: ReportTree, size: int, ranges: Sequence[LogRange]) -> Sequence[RangeRoots]:
        """The roots over these ranges of what the region has in a tree, in their order, leaving out everything from its place ``size`` on.

        Raises TrustError: REGION_UNAVAILABLE, REGION_ANSWER_UNTRUSTED. That the halves make the root is for the asker to check.
        """
        ...


@dataclass(frozen=True, slots=True)
class ForeignQuery:
    """What is asked. ``identifier``: GB/T 36904; ``consent``: under what the holder's consent, or that he entrusted somebody, is on record, empty where it is by duty;
    ``asked_by``: who asks here.
    """

    region: str
    identifier: str
    holder_name: str
    holder_code: str
    mode: UseMode
    consent: str
    reason: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class ForeignAnswer:
    """What another region gave: the licence file, and the status lists (tokens) it sent along. Nothing of it is verified yet."""

    document: bytes
    status_tokens: tuple[bytes, ...] = ()


class ForeignLicences(Protocol):
    """Asks other regions for licences. Called with no transaction open."""

    def trust_of(self, region: str) -> TrustList | None:
        """Whom to trust in that region; None for a region that is not asked. Raises TrustError TRUST_FILE_UNUSABLE."""
        ...

    def query(self, wanted: ForeignQuery) -> ForeignAnswer | None:
        """The licence; None where that region has none of this number and holder.

        Raises TrustError REGION_UNAVAILABLE, REGION_ANSWER_UNTRUSTED, LICENCE_FOREIGN_REFUSED.
        """
        ...
