"""What one piece of revocation evidence says about one certificate, before anyone has decided whether it is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime


class Says(StrEnum):
    """What a statement says. UNUSABLE: it concerns the certificate, but may not be relied on; ``reason`` tells why."""

    GOOD = "good"
    REVOKED = "revoked"
    UNUSABLE = "unusable"


Source = Literal["crl", "ocsp"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement by the issuer about one certificate. Times are aware UTC.

    ``revoked_at`` is the earlier of revocation date and stated invalidity date. ``keeps_expired_since``: the issuer states that it goes on
    listing certificates that expired after this moment. ``alleges_revoked``: it is unusable, says that the certificate is revoked, and what speaks
    against it is only that it could not be checked, or not understood as a whole: nobody knows that it is wrong.
    """

    source: Source
    says: Says
    this_update: datetime
    next_update: datetime | None
    reason: str | None = None
    revoked_at: datetime | None = None
    keeps_expired_since: datetime | None = None
    alleges_revoked: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """Evidence that says nothing about the certificate: unreadable, of another issuer, out of scope, or not signed by whom it claims."""

    source: Source
    reason: str
