"""What a verification of seal data is made with, and the names of the clauses its steps stand for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from crypto.timestamp_tokens import CLOCK_TOLERANCE_SECONDS
from standards.gbt38540_seal.versions import TITLES

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList

CLOCK_TOLERANCE: Final = timedelta(seconds=CLOCK_TOLERANCE_SECONDS)
# Some makers write Chinese local time with the Z of UTC, eight hours ahead of what is true
LOCAL_AS_UTC: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Setting:
    """``now`` is the time of verification (aware UTC). ``intermediates`` and ``evidence`` come from the document, besides those trusted.

    ``strict`` applies the letter of the texts: a seal that has expired by now fails even if it was good when used, and a status that was
    not asked for is an unknown one.
    """

    trust: TrustList
    now: datetime
    strict: bool = False
    intermediates: tuple[Certificate, ...] = ()
    evidence: RevocationEvidence = NO_EVIDENCE


def seal_clause(version: int, letter: str) -> str:
    """A step of verifying a seal. The letters are those of the published steps; the clause numbers differ between reproductions."""
    return f"{TITLES[version]} seal verification {letter}"


def signature_clause(version: int, letter: str) -> str:
    """A step of verifying a sealing value."""
    return f"{TITLES[version]} sealing verification {letter}"
