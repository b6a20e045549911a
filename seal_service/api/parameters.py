"""What several routes take: identifiers in the path, headers, and how an ETag is read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Path

from seal_service.actions.record_use import User
from seal_service.errors import field_unacceptable, request_for_key_refused
from seal_service.limits import DOCUMENT_TYPE_CHARACTERS
from service_kit.preconditions import write_etag
from standards.errors import MalformedError
from standards.rfc7468_pem import CERTIFICATE_REQUEST, read_pem
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from seal_service.model import Application, Grant, Seal
    from service_kit.callers import Caller

SealId = Annotated[str, Path(pattern=r"^sl_[0-9a-f]{24}$", description="Identifier of the seal.")]
UseId = Annotated[str, Path(pattern=r"^su_[0-9a-f]{24}$", description="Identifier of the use.")]
ClientId = Annotated[str, Path(min_length=1, max_length=128, description="Identifier of the client.")]


def etag_of(versioned: Seal | Application | Grant) -> str:
    """The ETag of what is counted up with every change: its version."""
    return write_etag(versioned.version)


def user_of(caller: Caller) -> User:
    """The caller as one who uses a seal. Never an operator."""
    return User(caller.client_id, caller.actor, holder=caller.holder, token_grant_id=caller.grant_id, human=caller.human)


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
