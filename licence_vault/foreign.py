"""Licences of other regions as they are kept for a while: sealed, with their age, and never with a verdict, which is found anew each time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeptLicence:
    """What was fetched, for whoever asked (``asked_by``): another one's right is that region's to judge. ``content_sealed``: file and status lists under the key ``key_sealed``; ``fetched_at``: aware UTC."""

    id: str
    region: str
    identifier: str
    asked_by: str
    key_sealed: bytes
    content_sealed: bytes
    fetched_at: datetime


def new_kept_id() -> str:
    """A fresh identifier: ``lf_`` and 24 hexadecimal digits."""
    return "lf_" + secrets.token_hex(12)
