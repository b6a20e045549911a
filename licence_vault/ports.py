"""What the licence vault needs of others; ``yinxin/links.py`` fills it, in the same process or over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crypto.report import Report
    from crypto.trust_list import TrustList

SEALER: Final = "licence_vault.sealer"  # names of the links
JUDGE: Final = "licence_vault.judge"
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
    """

    report: Report
    sealed_files: Mapping[str, bytes] | None = None
    sealer_name: str | None = None
    sealer_code: str | None = None


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file. ``judged``: what the judge found in exactly these bytes just now, where the sealer had to ask it anyway; else None."""

    content: bytes
    judged: JudgedDocument | None = None


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
