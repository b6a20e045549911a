"""What several routes take: identifiers in the path, headers, and how an ETag is read and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Header, Path

from seal_service.actions.record_use import User
from seal_service.errors import field_unacceptable, request_for_key_refused
from seal_service.limits import DOCUMENT_TYPE_CHARACTERS
from seal_service.model import is_plain_text
from service_kit.idempotency import KEY_CHARACTERS
from service_kit.preconditions import need_if_match
from standards.errors import MalformedError
from standards.rfc7468_pem import CERTIFICATE_REQUEST, read_pem

if TYPE_CHECKING:
    from seal_service.model import Application, Grant, Seal
    from service_kit.callers import Caller

SealId = Annotated[str, Path(pattern=r"^sl_[0-9a-f]{24}$", description="Identifier of the seal.")]
UseId = Annotated[str, Path(pattern=r"^su_[0-9a-f]{24}$", description="Identifier of the use.")]
ClientId = Annotated[str, Path(min_length=1, max_length=128, description="Identifier of the client.")]
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


def read_if_match(header: str | None) -> int | None:
    """The version that an If-Match header names; None without one or with ``*``. Raises TrustError FIELD_UNACCEPTABLE."""
    if header is None or header.strip() == "*":
        return None
    found = _ETAG.fullmatch(header.strip())
    if found is None:
        raise field_unacceptable("If-Match", "one strong ETag as this API gave it")
    return int(found[1])


def need_version(header: str | None) -> int | None:
    """As ``read_if_match``, for changes that must say which version they are made to: PRECONDITION_REQUIRED without a header."""
    return read_if_match(need_if_match(header))


def etag_of(versioned: Seal | Application | Grant) -> str:
    """The ETag of what is counted up with every change: its version."""
    return f'"{versioned.version}"'


def user_of(caller: Caller) -> User:
    """The caller as one who uses a seal. Never an operator."""
    return User(caller.client_id, caller.actor, holder=caller.holder)


def check_document_type(text: object) -> str:
    """The label of a document's type as it was given; empty where none was. Raises TrustError FIELD_UNACCEPTABLE."""
    if not isinstance(text, str) or len(text) > DOCUMENT_TYPE_CHARACTERS or not is_plain_text(text):
        raise field_unacceptable("document_type", f"one line of at most {DOCUMENT_TYPE_CHARACTERS} characters")
    return text


def read_key_request(text: str) -> bytes:
    """The certificate request of an owner's key: one PEM block; nothing for none. Raises TrustError SEAL_KEY_REQUEST_REFUSED."""
    if not text.strip():
        return b""
    try:
        blocks = read_pem(text.encode("ascii", "replace"))
    except MalformedError as error:
        raise request_for_key_refused(error.code) from None
    if [label for label, _ in blocks] not in ([CERTIFICATE_REQUEST], ["NEW CERTIFICATE REQUEST"]):
        raise request_for_key_refused("not one PEM block of a certificate request")
    return blocks[0][1]


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the API documentation: these statuses answer with a problem document."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _STATUS_WORDS[status], "content": content} for status in statuses}


_STATUS_WORDS: Final = {
    400: "The input cannot be read.",
    401: "No token, or not a good one.",
    403: "The token lacks the scope.",
    404: "Not found, or not the caller's to know.",
    409: "Does not fit the present state.",
    412: "Not at the version that If-Match names.",
    413: "Over a size limit.",
    422: "Against a rule.",
    428: "Needs If-Match: the ETag of what is changed, or `*` for any version.",
    429: "Too many at once: try again after Retry-After.",
    503: "Something needed is not there now: try again after Retry-After.",
}
