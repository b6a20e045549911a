"""What the status lists that a trust list carries say of one licence: by whoever may sign for its list, the newest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.report import not_checked
from licence_vault.status.verify import CLAUSE, verify_status

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Step
    from crypto.trust_list import TrustList
    from licence_vault.status.verify import StatusResult


def ask_lists_at_hand(address: str, index: int, trust: TrustList, at: datetime) -> tuple[Step, ...]:
    """The steps for place ``index`` of the list ``address`` as of ``at`` (aware UTC). Pure, never raises; what is not known is not valid."""
    keys = {
        key_id: key
        for issuer in trust.status_issuers
        if address.startswith(issuer.prefix)
        for key_id, key in issuer.verification_keys().items()
    }
    if not keys:
        return (not_checked("LICENCE_STATUS_SIGNER_UNKNOWN", CLAUSE, list=address),)
    results = [
        result
        for token in trust.status_tokens
        if _is_about(result := verify_status(token, list_uri=address, index=index, keys=keys, at=at))
    ]
    if not results:
        return (not_checked("LICENCE_STATUS_NOT_AT_HAND", CLAUSE, list=address),)
    return max(results, key=lambda each: (each.status is not None, each.issued_at_seconds or 0)).steps


def _is_about(result: StatusResult) -> bool:
    """Whether a token is of the list that was asked for; those of other lists and signers say nothing about this licence."""
    return not any(step.code in {"STATUS_LIST_OTHER", "STATUS_TOKEN_KEY_UNKNOWN"} for step in result.steps)
