"""The refusals of the licence vault. One function per refusal, so that code, kind and facts are stated once."""

from __future__ import annotations

from standards.errors import Kind, MalformedError, TrustError


def licence_data_malformed(place: str, rule: str) -> MalformedError:
    """The data of a licence breaks a rule. ``place``: where in the JSON; ``rule`` names the rule, never the value."""
    return MalformedError("LICENCE_DATA_MALFORMED", place=place, rule=rule)


def licence_data_too_large(limit_bytes: int) -> TrustError:
    """The data of a licence is over the limit."""
    return TrustError(Kind.TOO_LARGE, "LICENCE_DATA_TOO_LARGE", limit_bytes=limit_bytes)


def status_list_not_found(list_number: int) -> TrustError:
    """There is no such status list, or none of that time."""
    return TrustError(Kind.NOT_FOUND, "STATUS_LIST_NOT_FOUND", list=list_number)


def status_list_refused(list_number: int) -> TrustError:
    """Our own verifier does not accept what was signed: it is not given out."""
    return TrustError(Kind.UNAVAILABLE, "STATUS_LIST_REFUSED", list=list_number)


def log_file_not_found() -> TrustError:
    """The log has no such file."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_LOG_FILE_NOT_FOUND")
