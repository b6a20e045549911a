"""What stands behind the ``?`` of an address: only what is read there. A question that is not read must not be answered as if it had not been asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

_NAME_CHARACTERS: Final = 64


def check_query_names(query: bytes, names: Collection[str]) -> None:
    """Whether a query string (octets as sent, percent-encoded) names nothing besides ``names``.

    TrustError PARAMETER_UNKNOWN with the name of the first that is not read; what it was given is never told back.
    """
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in names:
            raise TrustError(Kind.UNACCEPTABLE, "PARAMETER_UNKNOWN", parameter=name[:_NAME_CHARACTERS])
