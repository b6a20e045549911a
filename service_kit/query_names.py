"""What stands behind the ``?`` of an address: only what is read there, and once. A question that is not read must not be answered as if it had not
been asked; and of two answers to one question, one reader takes the first and another the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

_NAME_CHARACTERS: Final = 64


def check_query_names(query: bytes, names: Collection[str], lists: Collection[str] = ()) -> list[tuple[str, str]]:
    """Whether a query string (octets as sent, percent-encoded) names nothing besides ``names``, and each once that is not among ``lists``; what it says.

    TrustError PARAMETER_UNKNOWN, PARAMETER_REPEATED with the name of the first such; what it was given is never told back.
    """
    seen: set[str] = set()
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    for name, _ in pairs:
        if name not in names:
            raise TrustError(Kind.UNACCEPTABLE, "PARAMETER_UNKNOWN", parameter=name[:_NAME_CHARACTERS])
        if name in seen and name not in lists:
            raise TrustError(Kind.UNACCEPTABLE, "PARAMETER_REPEATED", parameter=name[:_NAME_CHARACTERS])
        seen.add(name)
    return pairs
