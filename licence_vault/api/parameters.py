"""What several routes take: identifiers in the path, headers, and how an ETag is read and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

from fastapi import Header, Path

from licence_vault.errors import field_unacceptable
from service_kit.idempotency import KEY_CHARACTERS
from service_kit.preconditions import need_if_match

if TYPE_CHECKING:
    from collections.abc import Mapping

TypeCode = Annotated[str, Path(pattern=r"^[0-9A-Z]{21}$", description="Code of the type (GB/T 36904): 18 + 3 characters.")]
TypeNumber = Annotated[int, Path(ge=1, le=999_999, description="Number of the version.")]
IssuerCode = Annotated[str, Path(pattern=r"^[0-9A-Z]{18}$", description="Credit code of the issuing authority.")]
LicenceId = Annotated[str, Path(pattern=r"^lc_[0-9a-f]{24}$", description="Identifier of the licence.")]
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


class Revised(Protocol):
    """What is counted up with every change."""

    @property
    def revision(self) -> int:
        """The count."""
        ...


def read_if_match(header: str | None) -> int | None:
    """The revision that an If-Match header names; None without one or with ``*``. Raises TrustError FIELD_UNACCEPTABLE."""
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        raise field_unacceptable("If-Match", "one strong ETag as this API gave it")
    return int(found[1])


def need_revision(header: str | None) -> int | None:
    """As ``read_if_match``, for changes that must say what they are made to: PRECONDITION_REQUIRED without a header."""
    return read_if_match(need_if_match(header))


def etag_of(revised: Revised) -> str:
    """The ETag of what is counted up with every change."""
    return f'"{revised.revision}"'


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the API documentation: these statuses answer with a problem document."""
    content: Mapping[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _STATUS_WORDS[status], "content": content} for status in statuses}


_STATUS_WORDS: Final = {
    400: "The input cannot be read.",
    401: "No token, or not a good one.",
    403: "The token lacks the scope, or a second person is needed.",
    404: "Not found, or not the caller's to know.",
    409: "Does not fit the present state.",
    412: "Not at the revision that If-Match names.",
    413: "Over a size limit.",
    422: "Against a rule.",
    428: "Needs If-Match: the ETag of what is changed, or `*` for any revision.",
    503: "Something needed is not there now: try again after Retry-After.",
}
