"""Changes that say which version they are made to (RFC 9110 13.1.1): nobody changes what he has not seen."""

from __future__ import annotations

from standards.errors import Kind, TrustError


def need_if_match(header: str | None) -> str:
    """The If-Match header of a change that must carry one, without blanks around it. PRECONDITION_REQUIRED (428) without it."""
    if header is None or not header.strip():
        raise TrustError(Kind.UNCONDITIONAL, "PRECONDITION_REQUIRED", header="If-Match")
    return header.strip()
