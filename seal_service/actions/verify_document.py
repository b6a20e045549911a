"""Verify a file that was handed in: the pure verifier under the deployment's own trust list, nothing stored, nothing recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.errors import field_unacceptable
from seal_service.ports import FILE_VERIFIER
from seal_service.verify import verify_file

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Report
    from seal_service.actions.publish_status import StatusPublisher
    from seal_service.ports import PresentPerson
    from service_kit.composition import ServiceContext


def verify_document(
    context: ServiceContext,
    document: bytes,
    *,
    at: datetime | None = None,
    publisher: StatusPublisher | None = None,
    holder: PresentPerson | None = None,
) -> Report:
    """The report on ``document`` as of ``at`` (aware UTC; None is now). Needs no audit trail: it works while sealing is refused.

    Of now, the present status of the seals made here counts too (``publisher``); of an earlier moment certificates alone decide, and the
    report says that the status was not asked. ``holder``: as for ``FileVerifier``; FIELD_UNACCEPTABLE where nobody here verifies licences.
    """
    trust = publisher.trust() if publisher is not None and at is None else context.trust()
    judged_at = at or context.clock.now()
    verifier = FILE_VERIFIER.of(context)
    if verifier is not None:
        return verifier(document, trust, judged_at, is_now=at is None, holder=holder)
    if holder is not None:
        raise field_unacceptable("holder_name", "nothing where licences are not verified")
    return verify_file(document, trust, judged_at)
