"""What makes a request safe to repeat and a change safe to make: idempotency keys, and the version a change is made to (RFC 9110 13.1.1)."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Header

from service_kit.idempotency import KEY_CHARACTERS
from standards.errors import Kind, TrustError

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_CHARACTERS,
        description="Same key, same result, once: repeat a request safely. The same key with another request is refused (422).",
    ),
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=64, description="Only where it is still as this ETag says; `*` for any version.")
]
_ETAG: Final = re.compile(r'"(\d{1,9})"')


def need_if_match(header: str | None) -> str:
    """The If-Match header of a change that must carry one, without blanks around it. PRECONDITION_REQUIRED (428) without it."""
    if header is None or not header.strip():
        raise TrustError(Kind.UNCONDITIONAL, "PRECONDITION_REQUIRED", header="If-Match")
    return header.strip()


def read_if_match(header: str | None) -> int | None:
    """The version that an If-Match header names; None without one or with ``*``. Raises TrustError FIELD_UNACCEPTABLE."""
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="If-Match", rule="one strong ETag as this API gave it")
    return int(found[1])


def need_version(header: str | None) -> int | None:
    """As ``read_if_match``, for changes that must say what they are made to: PRECONDITION_REQUIRED without a header."""
    return read_if_match(need_if_match(header))


def write_etag(version: int) -> str:
    """The ETag of what is counted up with every change."""
    return f'"{version}"'
