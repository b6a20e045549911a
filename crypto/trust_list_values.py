"""How a trust list writes its values: strict reading of JSON, with the place of what is wrong."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any, Final

from standards.errors import MalformedError
from standards.rfc7493_i_json import REPEATED, StrictJsonError, read_strict

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def malformed(where: str, reason: str) -> MalformedError:
    """TRUST_LIST_MALFORMED with the place of it."""
    return MalformedError("TRUST_LIST_MALFORMED", where=where, reason=reason)


def read_document(data: bytes) -> Any:
    """The JSON of a file, read strictly."""
    try:
        return read_strict(data)
    except StrictJsonError as error:
        raise malformed("", "a key occurs twice in one object" if error.rule == REPEATED else "not JSON") from None


def read_object(item: object, where: str, required: set[str], optional: set[str]) -> dict[str, Any]:
    """An object with these members and no others."""
    if not isinstance(item, dict):
        raise malformed(where, "expected an object")
    unknown = item.keys() - required - optional
    if unknown or required - item.keys():
        raise malformed(where, "unknown or missing: " + ", ".join(sorted(unknown | (required - item.keys())))[:200])
    return item


def read_array(item: object, where: str, most: int) -> list[object]:
    """An array of bounded length."""
    if not isinstance(item, list) or len(item) > most:
        raise malformed(where, f"expected an array of at most {most}")
    return item


def read_text(item: object, where: str) -> str:
    """A string."""
    if not isinstance(item, str):
        raise malformed(where, "expected text")
    return item


def read_base64(item: object, where: str) -> bytes:
    """Bytes in Base64."""
    try:
        return base64.b64decode(read_text(item, where).encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise malformed(where, "expected Base64") from None


def read_time(item: object, where: str) -> datetime:
    """A time in UTC with ``Z``."""
    text = read_text(item, where)
    try:
        if not _TIME.fullmatch(text):  # one digit where there are two, digits of other scripts: strptime takes them
            raise ValueError
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise malformed(where, "expected a time such as 2026-01-31T00:00:00Z") from None
    return at


def base64_text(content: bytes) -> str:
    """Bytes as :func:`read_base64` reads them."""
    return base64.b64encode(content).decode("ascii")


def time_text(at: datetime) -> str:
    """A time as :func:`read_time` reads it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
