"""The refusals of annotated copies and of licences that are shown. One function per refusal."""

from __future__ import annotations

from standards.errors import Kind, TrustError


def copy_not_found(copy_id: str) -> TrustError:
    """No such annotated copy, or one of a licence that is none of the caller's."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_COPY_NOT_FOUND", copy=copy_id)


def copy_abandoned(copy_id: str, refusal: str) -> TrustError:
    """The making of the copy was given up, and nothing left the house."""
    return TrustError(Kind.CONFLICT, "LICENCE_COPY_ABANDONED", copy=copy_id, cause=refusal)


def copy_over(copy_id: str) -> TrustError:
    """The time of the copy is over."""
    return TrustError(Kind.CONFLICT, "LICENCE_COPY_OVER", copy=copy_id)


def download_gone() -> TrustError:
    """No such address, used already, over, or another client's: the same answer on purpose."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_DOWNLOAD_GONE")


def showing_unknown() -> TrustError:
    """No such showing or code, one that is over, or one that is somebody else's: the same answer on purpose."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_SHOWING_UNKNOWN")


def showing_state_conflict(state: str) -> TrustError:
    """The showing takes no such step in its present state."""
    return TrustError(Kind.CONFLICT, "LICENCE_SHOWING_STATE_CONFLICT", state=state)


def showing_changed(expected: int, found: int) -> TrustError:
    """The showing changed since the holder looked (If-Match): it may be another system that scanned."""
    return TrustError(Kind.CHANGED, "LICENCE_SHOWING_CHANGED", expected=expected, found=found)


def showings_too_many(limit: int) -> TrustError:
    """As many licences as one person may show at a time."""
    return TrustError(Kind.CONFLICT, "LICENCE_SHOWINGS_TOO_MANY", limit=limit)
