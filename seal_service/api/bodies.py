"""What the heavy routes read out of their multipart bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from seal_service import limits
from seal_service.errors import document_missing, field_unacceptable
from seal_service.ports import PresentPerson
from service_kit.rates import one_address
from standards.rfc7493_i_json import StrictJsonError, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from seal_service.api.shapes import LockOrder
    from service_kit.multipart import Form


HOLDER_FIELDS: Final = {"holder_name": limits.HOLDER_NAME_CHARACTERS, "holder_code": limits.HOLDER_CODE_CHARACTERS}
"""The fields that ask who holds a licence, each with the most characters (code points) that it may have."""


def peer_of(request: Request) -> str:
    """Where a request comes from that names nobody: the share of a place that many may call."""
    return "" if request.client is None else one_address(request.client.host)


def read_document(form: Form, name: str = "document") -> bytes:
    """The part of that name. Raises TrustError DOCUMENT_MISSING."""
    part = form.files.get(name)
    if part is None or not part.content:
        raise document_missing()
    return part.content


def read_json_field(name: str, text: str) -> Any:
    """The JSON in a field of a form. Raises TrustError FIELD_UNACCEPTABLE, MEMBER_REPEATED."""
    try:
        return read_json(text)
    except StrictJsonError:
        raise field_unacceptable(name, "json_invalid") from None


def read_holder(fields: Mapping[str, str]) -> PresentPerson | None:
    """Who is asked about, None where nobody is. Raises TrustError FIELD_UNACCEPTABLE where one of the two is missing, empty or too long.

    A field that is there but empty is refused: whoever asks must not be answered as if he had not. What is there is taken as it is.
    """
    if fields.keys().isdisjoint(HOLDER_FIELDS):
        return None
    for name, most in HOLDER_FIELDS.items():
        if not 0 < len(fields.get(name, "").strip()) <= len(fields.get(name, "")) <= most:
            raise field_unacceptable(name, f"1 to {most} characters; holder_name and holder_code together, or neither")
    return PresentPerson(fields["holder_name"], fields["holder_code"])


def read_lock(lock: LockOrder | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that a lock names, and those it leaves open. Raises TrustError FIELD_UNACCEPTABLE."""
    if lock is None:
        return (), ()
    if (lock.fields is None) == (lock.all_but is None):
        raise field_unacceptable("lock", "fields or all_but")
    return tuple(lock.fields or ()), tuple(lock.all_but or ())
