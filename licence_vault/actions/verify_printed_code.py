"""Judge the code printed on a licence by what this deployment publishes: its keys, and its status lists of now or of the moment asked about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crypto.known_until import while_known
from licence_vault.actions.own_trust import own_trust
from licence_vault.verify_code import verify_code

if TYPE_CHECKING:
    from datetime import datetime

    from licence_vault.verify_code import VerifiedCode
    from service_kit.composition import ServiceContext


def verify_printed_code(context: ServiceContext, text: str, at: datetime | None = None) -> VerifiedCode:
    """The verdict on what a scanner read, as of ``at`` (aware UTC; None: now), and what the code says. Nothing is kept; never raises on hostile text."""
    trust = context.trust().joined_with(own_trust(context, at))
    judged_at = context.clock.now() if at is None else at
    found = verify_code(text.strip(), trust, judged_at)
    return replace(found, report=while_known(found.report, trust, judged_at))
