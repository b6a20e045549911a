"""What several routes take: identifiers in the path, headers, and how an ETag is read and written."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import Path
from pydantic import BeforeValidator, Field

from service_kit.preconditions import write_etag

_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _as_day(value: Any) -> Any:
    """Only what says a day and nothing else: a number would be taken for seconds since 1970, and a time is another day elsewhere."""
    if isinstance(value, str) and _DAY.fullmatch(value) is not None:
        return value
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise ValueError("a day as YYYY-MM-DD")


def _as_moment(value: Any) -> Any:
    """Only what says a time in words."""
    if isinstance(value, str | datetime) and not (isinstance(value, str) and value.strip().lstrip("+-").replace(".", "").isdigit()):
        return value
    raise ValueError("a time as YYYY-MM-DDTHH:MM:SSZ")


Day = Annotated[date, BeforeValidator(_as_day), Field(strict=False)]
"""A day in a body: YYYY-MM-DD."""
WRITTEN_TIME: Final = BeforeValidator(_as_moment)
"""Before a time in a body: RFC 3339, and no number."""

TypeCode = Annotated[str, Path(pattern=r"^[0-9A-Z]{21}$", description="Code of the type (GB/T 36904): 18 + 3 characters.")]
TypeNumber = Annotated[int, Path(ge=1, le=999_999, description="Number of the version.")]
IssuerCode = Annotated[str, Path(pattern=r"^[0-9A-Z]{18}$", description="Credit code of the issuing authority.")]
LicenceId = Annotated[str, Path(pattern=r"^lc_[0-9a-f]{24}$", description="Identifier of the licence.")]


class Revised(Protocol):
    """What is counted up with every change."""

    @property
    def revision(self) -> int:
        """The count."""
        ...


def etag_of(revised: Revised) -> str:
    """The ETag of what is counted up with every change."""
    return write_etag(revised.revision)
