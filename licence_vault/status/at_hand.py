"""What the status lists that a trust list carries say of one licence: by whoever may sign for its list, the newest of them as of the time asked of."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.jose import verification_key
from crypto.report import not_checked
from licence_vault.status.verify import CLAUSE, OpenedList, ask_opened, open_list

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Step
    from crypto.trust_list import TrustList
    from licence_vault.status.verify import StatusResult

LISTS_KEPT: Final = 4  # of a few megabytes each at most: who verifies many licences asks the lists of one trust list of all of them


def ask_lists_at_hand(address: str, index: int, trust: TrustList, at: datetime) -> tuple[Step, ...]:
    """The steps for place ``index`` of the list ``address`` as of ``at`` (aware UTC). Pure, never raises; what is not known is not valid."""
    keys, withdrawn = _keys(address, trust, at), _withdrawn_keys(address, trust)
    if not keys and not withdrawn:
        return (not_checked("LICENCE_STATUS_SIGNER_UNKNOWN", CLAUSE, list=address),)
    newest = _newest(address, index, trust, keys, at)
    if newest is not None:
        return newest.steps
    is_withdrawn = bool(withdrawn) and _newest(address, index, trust, withdrawn, at) is not None
    return (not_checked("LICENCE_STATUS_KEY_WITHDRAWN" if is_withdrawn else "LICENCE_STATUS_NOT_AT_HAND", CLAUSE, list=address),)


def status_at_hand(address: str, index: int, trust: TrustList, at: datetime) -> tuple[int | None, tuple[Step, ...]]:
    """The value at a place, by the same lists, and the step that says how old what it rests on is; None and no step where it is not known."""
    newest = _newest(address, index, trust, _keys(address, trust, at), at)
    if newest is None or newest.status is None:
        return None, ()
    return newest.status, tuple(step for step in newest.steps if step.code == "STATUS_LIST_FRESH")


def _keys(address: str, trust: TrustList, at: datetime) -> tuple[bytes, ...]:
    """Those that may sign for a list, as SubjectPublicKeyInfo."""
    issuers = [issuer for issuer in trust.status_issuers if address.startswith(issuer.prefix)]
    return tuple(key for issuer in issuers for key in issuer.believed_at(at))


def _withdrawn_keys(address: str, trust: TrustList) -> tuple[bytes, ...]:
    issuers = [issuer.withdrawn() for issuer in trust.status_issuers if address.startswith(issuer.prefix)]
    return tuple(key for issuer in issuers for key in issuer.keys)


def _opened(token: bytes, keys: tuple[bytes, ...]) -> OpenedList:
    """Remembered by content, unless undecided: which keys count and what the list says at a time is asked anew each time."""
    try:
        return _decided(token, keys)
    except _UndecidedError as undecided:
        return undecided.opened


@lru_cache(maxsize=LISTS_KEPT)
def _decided(token: bytes, keys: tuple[bytes, ...]) -> OpenedList:
    opened = open_list(token, {key.key_id: key for key in map(verification_key, keys)})
    if opened.is_undecided:
        raise _UndecidedError(opened)
    return opened


class _UndecidedError(Exception):
    """Carries what a library that failed this once left open past the memory, which keeps no exceptions."""

    def __init__(self, opened: OpenedList) -> None:
        super().__init__()
        self.opened = opened


def _newest(address: str, index: int, trust: TrustList, keys: tuple[bytes, ...], at: datetime) -> StatusResult | None:
    results = [
        result
        for token in trust.status_tokens
        if _is_about(result := ask_opened(_opened(token, keys), list_uri=address, index=index, at=at))
    ]
    return max(results, key=_rank, default=None)


def _rank(result: StatusResult) -> tuple[bool, bool, int, bool, int]:
    """The newest list decides, also where it has expired or cannot be read: what an older one says is not what its signer says now. Noise and lists
    of a later time than is asked of come last; of two of one second the one that is worse for the licence. One that is undecided may be the newest.
    """
    is_of_then = result.issued_at_seconds is not None and not any(step.code == "STATUS_LIST_NOT_YET" for step in result.steps)
    return result.is_undecided, is_of_then, result.issued_at_seconds or 0, result.status is not None, result.status or 0


def _is_about(result: StatusResult) -> bool:
    """Whether a token is of the list that was asked for; those of other lists and signers say nothing about this licence."""
    return not any(step.code in {"STATUS_LIST_OTHER", "STATUS_TOKEN_KEY_UNKNOWN"} for step in result.steps)
