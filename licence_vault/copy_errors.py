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
