"""What sealing an OFD document refuses; the texts of the codes are in :mod:`~seal_service.ofd.problem_catalogue`."""

from __future__ import annotations

from seal_service.ofd import problem_catalogue  # noqa: F401 - enters the texts of the codes
from standards.errors import Kind, TrustError


def refused(kind: Kind, code: str, **facts: str | float | None) -> TrustError:
    """The refusal with this code."""
    return TrustError(kind, code, **facts)
