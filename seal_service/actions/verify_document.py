"""Verify a file that was handed in: the pure verifier under the deployment's own trust list, nothing stored, nothing recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.verify import verify_file

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Report
    from service_kit.composition import ServiceContext


def verify_document(context: ServiceContext, document: bytes, *, at: datetime | None = None) -> Report:
    """The report on ``document`` as of ``at`` (aware UTC; None is now). Needs neither the database nor the audit trail: it works while
    sealing is refused.
    """
    return verify_file(document, context.trust(), at or context.clock.now())
